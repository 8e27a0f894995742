//! What all requests share: CLIP on its thread, a bounded number of decoders, the answerer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::error::KbError;
use super::reply::Upload;
use crate::answer::{self, Answerer};
use crate::catalogue::PreparedImage;
use crate::clip::batch::Batcher;
use crate::clip::{Clip, Embedding};
use crate::config::Settings;
use crate::cores;
use crate::photo::{Detail, Photo};

/// A cheap handle; clones share everything.
#[derive(Clone)]
pub struct Engine(Arc<Parts>);

struct Parts {
    settings: Settings,
    clip: Arc<Clip>,
    batcher: Batcher,
    answerer: Answerer,
    /// One place for each core: decoding more pictures at once would only take more memory.
    cpu: Arc<Semaphore>,
}

/// A photo and what CLIP takes of it.
pub struct Decoded {
    pub photo: Photo,
    pub pixels: Vec<f32>,
    /// How long it waited for a core.
    pub waited: Duration,
}

impl Engine {
    /// Starts the model's thread.
    ///
    /// # Errors
    /// [`KbError::Answer`] when the configured vision model cannot be set up, [`KbError::Io`] when
    /// there is no thread to be had.
    pub fn start(settings: Settings, clip: Clip) -> Result<Self, KbError> {
        let clip = Arc::new(clip);
        let batcher = Batcher::start(Arc::clone(&clip), settings.clip.max_batch)?;
        let answerer = Answerer::new(&settings.answer)?;
        let cpu = Arc::new(Semaphore::new(cores::count()));
        Ok(Self(Arc::new(Parts { settings, clip, batcher, answerer, cpu })))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn clip(&self) -> &Clip {
        &self.0.clip
    }

    pub fn answerer(&self) -> &Answerer {
        &self.0.answerer
    }

    /// Decodes an untrusted photo and scales it for CLIP.
    ///
    /// # Errors
    /// [`KbError::Photo`], naming the file.
    pub async fn decode(&self, upload: &Upload) -> Result<Decoded, KbError> {
        let (engine, bytes) = (self.clone(), Arc::clone(&upload.bytes));
        let asked = Instant::now();
        let decoded = self
            .compute(move || {
                let waited = asked.elapsed();
                let limits = &engine.settings().photo;
                let photo = Photo::decode_for(&bytes, limits, engine.detail())?;
                let pixels = engine.clip().preprocessor().pixels(&photo);
                Ok(Decoded { photo, pixels, waited })
            })
            .await?;
        decoded.map_err(|source| KbError::Photo { name: upload.name.clone(), source })
    }

    /// A photo is searched for, sent to a vision model and kept in the catalogue.
    fn detail(&self) -> Detail {
        let sent = answer::needed(self.settings().answer.closest_look());
        self.clip().preprocessor().detail().and(sent).and(PreparedImage::detail())
    }

    /// The vector of a preprocessed photo.
    ///
    /// # Errors
    /// [`KbError::Clip`].
    pub async fn embed(&self, pixels: Vec<f32>) -> Result<Embedding, KbError> {
        Ok(self.0.batcher.photo(pixels).await?)
    }

    /// The vector of some words.
    ///
    /// # Errors
    /// [`KbError::Clip`].
    pub async fn embed_text(&self, words: &str) -> Result<Embedding, KbError> {
        Ok(self.0.batcher.text(words.to_owned()).await?)
    }

    /// Runs CPU work on a thread of its own, as many at once as there are cores.
    ///
    /// # Errors
    /// [`KbError::Thread`] when it panics.
    pub async fn compute<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, KbError> {
        // The semaphore is never closed; without a permit the work would merely be unbounded.
        let permit = Arc::clone(&self.0.cpu).acquire_owned().await.ok();
        Ok(tokio::task::spawn_blocking(move || {
            let _permit = permit;
            f()
        })
        .await?)
    }
}
