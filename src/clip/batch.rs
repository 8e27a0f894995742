//! One thread that runs CLIP for everybody who waits.
//!
//! A batch is whatever has come in when the last one ends, as text-embeddings-inference does it:
//! one person alone waits for nobody, several share a pass. The queue is bounded; who finds
//! it full waits for a place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Clip, ClipError, Embedding};

/// Inputs that may wait, in batches.
const AHEAD: usize = 4;

/// A handle to the thread; the thread ends with the last handle.
#[derive(Clone)]
pub struct Batcher {
    queue: mpsc::Sender<Job>,
}

enum Input {
    /// What [`super::Preprocessor::pixels`] made of a photo: `[3, s, s]`.
    Photo(Vec<f32>),
    Text(String),
}

struct Job {
    input: Input,
    reply: oneshot::Sender<Result<Embedding, ClipError>>,
}

impl Batcher {
    /// Starts the thread; a batch has at most `max_batch` inputs.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(clip: Arc<Clip>, max_batch: usize) -> std::io::Result<Self> {
        let max_batch = max_batch.max(1);
        let (queue, jobs) = mpsc::channel(max_batch.saturating_mul(AHEAD));
        std::thread::Builder::new()
            .name("clip".into())
            .spawn(move || work(&clip, jobs, max_batch))?;
        Ok(Self { queue })
    }

    /// The vector of a preprocessed photo.
    ///
    /// # Errors
    /// As [`Clip::embed_pixels`], and [`ClipError::Batch`] when the batch it was in failed.
    pub async fn photo(&self, pixels: Vec<f32>) -> Result<Embedding, ClipError> {
        self.run(Input::Photo(pixels)).await
    }

    /// The vector of a text.
    ///
    /// # Errors
    /// As [`Batcher::photo`].
    pub async fn text(&self, text: String) -> Result<Embedding, ClipError> {
        self.run(Input::Text(text)).await
    }

    async fn run(&self, input: Input) -> Result<Embedding, ClipError> {
        let (reply, result) = oneshot::channel();
        let gone = || ClipError::Batch("its thread has ended".into());
        self.queue.send(Job { input, reply }).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

fn work(clip: &Clip, mut jobs: mpsc::Receiver<Job>, max_batch: usize) {
    let mut waiting = Vec::new();
    while jobs.blocking_recv_many(&mut waiting, max_batch) > 0 {
        let (mut photos, mut texts) = (Vec::new(), Vec::new());
        // Who gave up waiting is not worth a pass.
        for job in waiting.drain(..).filter(|job| !job.reply.is_closed()) {
            match job.input {
                Input::Photo(pixels) => photos.push((pixels, job.reply)),
                Input::Text(text) => texts.push((text, job.reply)),
            }
        }
        answer(photos, |pixels| clip.embed_pixels(pixels));
        answer(texts, |texts| clip.embed_texts(texts));
    }
}

/// Runs one pass and hands every waiting caller its vector, or why there is none.
fn answer<T>(
    jobs: Vec<(T, oneshot::Sender<Result<Embedding, ClipError>>)>,
    embed: impl Fn(&[T]) -> Result<Vec<Embedding>, ClipError>,
) {
    if jobs.is_empty() {
        return;
    }
    let (inputs, replies): (Vec<T>, Vec<_>) = jobs.into_iter().unzip();
    let embedded = catch_unwind(AssertUnwindSafe(|| embed(&inputs)))
        .unwrap_or_else(|_| Err(ClipError::Batch("it broke off".into())));
    match embedded {
        Ok(vectors) => {
            for (reply, vector) in replies.into_iter().zip(vectors) {
                let _ = reply.send(Ok(vector));
            }
        }
        Err(error) => {
            let text = error.to_string();
            for reply in replies {
                let _ = reply.send(Err(ClipError::Batch(text.clone())));
            }
        }
    }
}

#[cfg(all(test, feature = "mini"))]
mod tests {
    use super::*;
    use crate::photo::Photo;

    #[tokio::test]
    async fn everybody_gets_their_own_vector() {
        let clip = Arc::new(Clip::embedded().unwrap());
        let batcher = Batcher::start(Arc::clone(&clip), 4).unwrap();
        let photo = |n: u8| {
            Photo::from_rgb(image::RgbImage::from_fn(64, 48, |x, y| {
                image::Rgb([n.wrapping_mul(40), (x * 4) as u8, (y * u32::from(n)) as u8])
            }))
            .unwrap()
        };
        let waiting = (0..10).map(|n| {
            let (batcher, pixels) = (batcher.clone(), clip.preprocessor().pixels(&photo(n)));
            tokio::spawn(async move { batcher.photo(pixels).await.unwrap() })
        });
        let words = batcher.text("a red kettle".into()).await.unwrap();
        assert!(words.cosine(&clip.embed_text("a red kettle").unwrap()) > 0.9999);
        for (n, vector) in waiting.collect::<Vec<_>>().into_iter().enumerate() {
            let alone = clip.embed_photo(&photo(n as u8)).unwrap();
            assert!(vector.await.unwrap().cosine(&alone) > 0.9999, "photo {n}");
        }
    }

    #[tokio::test]
    async fn a_wrong_input_fails_alone_and_the_thread_lives() {
        let clip = Arc::new(Clip::embedded().unwrap());
        let batcher = Batcher::start(clip, 4).unwrap();
        assert!(batcher.photo(vec![0.0; 7]).await.is_err());
        assert!(batcher.text("still there".into()).await.is_ok());
    }
}
