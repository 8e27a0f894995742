//! CLIP: photos and texts to unit vectors in one space (Radford et al. 2021,
//! <https://arxiv.org/abs/2103.00020>).
//!
//! A model is a directory in Hugging Face layout; [`Clip::open`] loads it from disk,
//! [`Source`] also from the model hub or from the copy compiled into the binary. The
//! vectors agree with `transformers`' `CLIPModel` and its image processor. Nothing here
//! knows products or chat.

pub mod batch;
mod candle;
mod engine;
pub mod hub;
mod kernel;
mod model;
mod preprocess;
mod tokenize;
mod tower;
mod weights;

use std::borrow::Cow;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rayon::prelude::*;

use crate::cores;
use crate::photo::Photo;
pub use engine::{Engine, Precision};
pub use kernel::Isa;
pub use model::ModelConfig;
pub use preprocess::Preprocessor;
pub use tokenize::Tokenizer;
use weights::Bytes;

/// Photos or texts that go through the model in one pass.
pub const BATCH: usize = 16;

const CONFIG: &str = "config.json";
const PREPROCESSOR: &str = "preprocessor_config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
/// What a model directory must hold.
pub(crate) const FILES: [&str; 4] = [CONFIG, PREPROCESSOR, TOKENIZER, WEIGHTS];

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    #[error(
        "no model at {0}: give a directory in Hugging Face layout, a hub id such as {default}, or \"mini\"",
        default = hub::DEFAULT_ID
    )]
    NoSuchModel(String),
    #[error("the model at {model} has no {file}; a CLIP directory holds {}", FILES.join(", "))]
    Missing { model: String, file: &'static str },
    #[error("{file} of the model at {model} cannot be used: {reason}")]
    Invalid { model: String, file: &'static str, reason: String },
    #[error("this build has no embedded model (feature \"mini\"); give --model DIR or a hub id")]
    NotEmbedded,
    #[error("cannot fetch {id} from the model hub: {reason}")]
    Hub { id: String, reason: String },
    #[error("the model failed on its input: {0}")]
    Inference(#[from] candle_core::Error),
    #[error("a photo has {got} values, the model takes 3 × {side} × {side}")]
    Pixels { got: usize, side: usize },
    #[error("token {0} is beyond the model's vocabulary; its tokenizer does not belong to it")]
    Token(u32),
    #[error("the model gave no direction for {0}; its weights are probably damaged")]
    Degenerate(String),
    #[error("the model failed on a batch: {0}")]
    Batch(String),
}

/// A unit-length vector; the dot product of two of one model is their cosine.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Scales to unit length; `None` for a vector without direction (zero, NaN, infinite).
    pub fn new(mut values: Vec<f32>) -> Option<Self> {
        let norm = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt();
        if !norm.is_normal() {
            return None;
        }
        values.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
        Some(Self(values))
    }

    /// The cosine with a vector of the same length, -1 to 1.
    pub fn cosine(&self, other: &[f32]) -> f32 {
        dot(&self.0, other)
    }

    /// The direction of `weight × self + (1 - weight) × other`; `None` when they cancel out.
    pub fn blend(&self, other: &Self, weight: f32) -> Option<Self> {
        Self::new(
            self.iter().zip(other.iter()).map(|(a, b)| weight * a + (1.0 - weight) * b).collect(),
        )
    }
}

impl Deref for Embedding {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

/// Dot product in eight independent lanes, which the compiler turns into SIMD.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// Where a model comes from, as `--model` and `[clip] model` write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The model compiled into the binary.
    Mini,
    /// A directory in Hugging Face layout.
    Dir(PathBuf),
    /// A hub id, `owner/name` or `owner/name@revision`.
    Hub(String),
}

impl FromStr for Source {
    type Err = ClipError;

    /// `mini`, a directory that exists, or a hub id, in that order.
    fn from_str(text: &str) -> Result<Self, ClipError> {
        if text == "mini" {
            Ok(Self::Mini)
        } else if Path::new(text).is_dir() {
            Ok(Self::Dir(text.into()))
        } else if hub::is_id(text) {
            Ok(Self::Hub(text.into()))
        } else {
            Err(ClipError::NoSuchModel(text.into()))
        }
    }
}

/// A loaded two-tower CLIP with its preprocessing and tokenizer.
pub struct Clip {
    name: String,
    fingerprint: String,
    config: ModelConfig,
    preprocessor: Preprocessor,
    tokenizer: Tokenizer,
    towers: engine::Towers,
    weights: Arc<Bytes>,
}

impl Clip {
    /// Loads a model from wherever [`Source`] says, fetching it from the hub when it is not
    /// cached yet.
    ///
    /// # Errors
    /// [`ClipError`], naming the file at fault.
    pub fn load(source: &Source, engine: Engine) -> Result<Self, ClipError> {
        match source {
            Source::Mini => Self::embedded_with(engine),
            Source::Dir(dir) => Self::open_with(dir, engine),
            Source::Hub(id) => {
                let mut clip = Self::open_with(&hub::fetch(id)?, engine)?;
                clip.name.clone_from(id);
                Ok(clip)
            }
        }
    }

    /// Loads a model from a directory in Hugging Face layout, for the default [`Engine`].
    ///
    /// # Errors
    /// [`ClipError::Missing`] or [`ClipError::Invalid`], naming the file at fault.
    pub fn open(dir: &Path) -> Result<Self, ClipError> {
        Self::open_with(dir, Engine::default())
    }

    /// As [`Clip::open`]. f32 weights are used where the memory map has them; f16 and bf16 ones
    /// become f32 first.
    ///
    /// # Errors
    /// As [`Clip::open`].
    pub fn open_with(dir: &Path, engine: Engine) -> Result<Self, ClipError> {
        let model = dir.display().to_string();
        let read = |file: &'static str| match std::fs::read(dir.join(file)) {
            Ok(bytes) => Ok(Cow::Owned(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(ClipError::Missing { model: model.clone(), file })
            }
            Err(e) => Err(ClipError::Invalid { model: model.clone(), file, reason: e.to_string() }),
        };
        if !dir.is_dir() {
            return Err(ClipError::NoSuchModel(model));
        }
        let (config, preprocessor, tokenizer) =
            (read(CONFIG)?, read(PREPROCESSOR)?, read(TOKENIZER)?);
        let path = dir.join(WEIGHTS);
        if !path.exists() {
            return Err(ClipError::Missing { model, file: WEIGHTS });
        }
        let invalid = |e: &dyn std::fmt::Display| ClipError::Invalid {
            model: model.clone(),
            file: WEIGHTS,
            reason: e.to_string(),
        };
        let file = std::fs::File::open(&path).map_err(|e| invalid(&e))?;
        // SAFETY: the map is read-only; a model file is replaced by renaming, not rewritten in
        // place, while a process has it open.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|e| invalid(&e))?;
        Self::assemble(&model, &config, &preprocessor, &tokenizer, Bytes::map(map), engine)
    }

    /// The model compiled into the binary.
    ///
    /// # Errors
    /// [`ClipError::NotEmbedded`] when the crate was built without the feature `mini`.
    pub fn embedded() -> Result<Self, ClipError> {
        Self::embedded_with(Engine::default())
    }

    /// As [`Clip::embedded`].
    ///
    /// # Errors
    /// As [`Clip::embedded`].
    pub fn embedded_with(engine: Engine) -> Result<Self, ClipError> {
        #[cfg(feature = "mini")]
        {
            macro_rules! file {
                ($name:literal) => {
                    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/mini/", $name))
                };
            }
            Self::assemble(
                "mini",
                file!("config.json"),
                file!("preprocessor_config.json"),
                file!("tokenizer.json"),
                Bytes::Static(file!("model.safetensors")),
                engine,
            )
        }
        #[cfg(not(feature = "mini"))]
        {
            let _ = engine;
            Err(ClipError::NotEmbedded)
        }
    }

    fn assemble(
        name: &str,
        config_json: &[u8],
        preprocessor_json: &[u8],
        tokenizer_json: &[u8],
        weights: Bytes,
        engine: Engine,
    ) -> Result<Self, ClipError> {
        cores::prepare();
        let invalid = |file: &'static str| {
            move |reason: String| ClipError::Invalid { model: name.to_owned(), file, reason }
        };
        let config = ModelConfig::parse(config_json).map_err(invalid(CONFIG))?;
        let preprocessor = Preprocessor::parse(preprocessor_json, config.vision.image_size)
            .map_err(invalid(PREPROCESSOR))?;
        let tokenizer =
            Tokenizer::parse(tokenizer_json, &config.text).map_err(invalid(TOKENIZER))?;
        let weights = Arc::new(weights);
        let towers = engine::Towers::load(&weights, &config, engine).map_err(invalid(WEIGHTS))?;
        let fingerprint = fingerprint(&[config_json, preprocessor_json, tokenizer_json], &weights);
        let name = name.to_owned();
        Ok(Self { name, fingerprint, config, preprocessor, tokenizer, towers, weights })
    }

    /// Copies weights that are read from a memory map of their file into the system's huge pages, 2 MiB
    /// each: f32 passes walk over all of them and spare the look-ups of small pages. It costs the file's
    /// size in memory. False where nothing is mapped or the system has no such pages (other than Linux).
    pub fn copy_to_huge_pages(&self) -> bool {
        self.weights.to_huge_pages()
    }

    /// The directory, hub id or `mini` the model was loaded from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Identifies the model whose vectors a catalogue holds: two loads agree exactly when
    /// their files do, whatever [`Engine`] computes, for engines differ less than photos of one
    /// thing do.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Length of every [`Embedding`] this model makes.
    pub fn dimensions(&self) -> usize {
        self.config.projection_dim
    }

    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    pub fn preprocessor(&self) -> &Preprocessor {
        &self.preprocessor
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Embeds photos, in order.
    ///
    /// # Errors
    /// [`ClipError::Inference`] or [`ClipError::Degenerate`].
    pub fn embed_photos(&self, photos: &[Photo]) -> Result<Vec<Embedding>, ClipError> {
        let mut out = Vec::with_capacity(photos.len());
        for batch in photos.chunks(BATCH) {
            let pixels: Vec<Vec<f32>> =
                batch.par_iter().map(|p| self.preprocessor.pixels(p)).collect();
            out.extend(self.embed_pixels(&pixels)?);
        }
        Ok(out)
    }

    /// Embeds one photo.
    ///
    /// # Errors
    /// As [`Clip::embed_photos`].
    pub fn embed_photo(&self, photo: &Photo) -> Result<Embedding, ClipError> {
        only(self.embed_pixels(&[self.preprocessor.pixels(photo)])?)
    }

    /// Embeds what [`Preprocessor::pixels`] made, each `[3, s, s]`, in one pass.
    ///
    /// # Errors
    /// [`ClipError::Pixels`] when a buffer is not of that shape; [`ClipError::Inference`];
    /// [`ClipError::Degenerate`].
    pub fn embed_pixels<P: AsRef<[f32]>>(&self, batch: &[P]) -> Result<Vec<Embedding>, ClipError> {
        let side = self.config.vision.image_size;
        let photos: Vec<&[f32]> = batch.iter().map(AsRef::as_ref).collect();
        if let Some(wrong) = photos.iter().find(|p| p.len() != 3 * side * side) {
            return Err(ClipError::Pixels { got: wrong.len(), side });
        }
        if photos.is_empty() {
            return Ok(Vec::new());
        }
        embeddings(self.towers.photos(&photos, &self.config)?, "a photo")
    }

    /// Embeds texts, in order, each cut to the model's longest input. Any length and content
    /// is accepted, the empty text too.
    ///
    /// # Errors
    /// As [`Clip::embed_photos`].
    pub fn embed_texts<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Embedding>, ClipError> {
        let ids: Vec<Vec<u32>> =
            texts.iter().map(|t| self.tokenizer.ids(t.as_ref())).collect::<Result<_, _>>()?;
        let vocabulary = self.config.text.vocab_size;
        if let Some(id) = ids.iter().flatten().find(|id| **id as usize >= vocabulary) {
            return Err(ClipError::Token(*id));
        }
        // Texts of like lengths share a pass, which takes as long as its tokens are many.
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&i| ids[i].len());
        let mut out = vec![None; ids.len()];
        for batch in order.chunks(BATCH) {
            let rows: Vec<&[u32]> = batch.iter().map(|&i| ids[i].as_slice()).collect();
            let features = self.towers.texts(&rows, &self.config)?;
            for (&i, e) in batch.iter().zip(embeddings(features, "a text")?) {
                out[i] = Some(e);
            }
        }
        Ok(out.into_iter().flatten().collect())
    }

    /// Embeds one text.
    ///
    /// # Errors
    /// As [`Clip::embed_photos`].
    pub fn embed_text(&self, text: &str) -> Result<Embedding, ClipError> {
        only(self.embed_texts(&[text])?)
    }
}

fn only(mut all: Vec<Embedding>) -> Result<Embedding, ClipError> {
    all.pop().ok_or_else(|| ClipError::Degenerate("its input".into()))
}

fn embeddings(features: Vec<Vec<f32>>, what: &str) -> Result<Vec<Embedding>, ClipError> {
    features
        .into_iter()
        .map(|row| Embedding::new(row).ok_or_else(|| ClipError::Degenerate(what.into())))
        .collect()
}

/// blake3 over the small files and over the weights' length, header and 256 evenly spaced
/// 4 KiB pieces: enough to tell any two trained checkpoints apart without reading 600 MB at
/// every start.
fn fingerprint(small: &[&[u8]], weights: &[u8]) -> String {
    const PIECE: usize = 4096;
    const PIECES: usize = 256;
    let mut hasher = blake3::Hasher::new();
    for bytes in small {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    hasher.update(&(weights.len() as u64).to_le_bytes());
    if weights.len() <= PIECE * PIECES {
        hasher.update(weights);
    } else {
        // The first piece is the header, the last one ends with the file.
        let last = weights.len() - PIECE;
        for start in
            (0..PIECES).map(|i| last / (PIECES - 1) * i + last % (PIECES - 1) * i / (PIECES - 1))
        {
            hasher.update(&weights[start..start + PIECE]);
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embedding_has_unit_length_or_does_not_exist() {
        let e = Embedding::new(vec![3.0, 0.0, 4.0]).unwrap();
        assert_eq!(&*e, &[0.6, 0.0, 0.8]);
        assert!((e.cosine(&e) - 1.0).abs() < 1e-6);
        assert!(Embedding::new(vec![0.0; 4]).is_none());
        assert!(Embedding::new(vec![f32::NAN, 1.0]).is_none());
        assert!(Embedding::new(vec![f32::INFINITY]).is_none());
    }

    #[test]
    fn dot_counts_every_lane_and_the_rest() {
        let a: Vec<f32> = (0..19).map(|i| i as f32).collect();
        assert_eq!(dot(&a, &a), (0..19).map(|i| (i * i) as f32).sum::<f32>());
    }

    #[test]
    fn a_model_is_named_by_word_directory_or_id() {
        assert_eq!("mini".parse::<Source>().unwrap(), Source::Mini);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        assert_eq!(path.parse::<Source>().unwrap(), Source::Dir(dir.path().into()));
        assert_eq!("a/b-c".parse::<Source>().unwrap(), Source::Hub("a/b-c".into()));
        for bad in ["../x/y", "/no/such/dir", "a b/c", "", "x"] {
            let message = bad.parse::<Source>().unwrap_err().to_string();
            assert!(message.contains("hub id"), "{bad}: {message}");
        }
    }

    #[test]
    fn the_fingerprint_sees_every_file() {
        let base = fingerprint(&[b"a", b"b", b"c"], &[1; 9000]);
        assert_eq!(base, fingerprint(&[b"a", b"b", b"c"], &[1; 9000]));
        assert_ne!(base, fingerprint(&[b"a", b"x", b"c"], &[1; 9000]));
        assert_ne!(base, fingerprint(&[b"ab", b"", b"c"], &[1; 9000]));
        assert_ne!(base, fingerprint(&[b"a", b"b", b"c"], &[2; 9000]));
        let (mut big, size) = (vec![0u8; 3 << 20], 3 << 20);
        let before = fingerprint(&[], &big);
        big[size - 1] = 1;
        assert_ne!(before, fingerprint(&[], &big));
    }
}
