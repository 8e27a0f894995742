//! From a photo, words or both to the matching products.
//!
//! A query is one unit vector: the photo's, the words', or their weighted sum scaled back to
//! unit length. Products are ranked by the cosine of their best image.
//! Where somebody wrote words, [`find`] also holds them against titles, attributes and ids.
//! [`Matches::confident`] says whether the best one is likely right; [`Calibration`] measures
//! on the catalogue itself what that takes.

mod calibration;
pub mod differ;
mod fuse;
mod lexicon;

use crate::catalogue::import::Embed;
use crate::catalogue::{Catalogue, CatalogueError, Hit, ImageId, ModelId, Product};
use crate::clip::{Clip, ClipError, Embedding};
use crate::photo::{Detail, Photo};
pub use calibration::Calibration;
pub use fuse::{Query, find, look_alikes};
pub use lexicon::Lexicon;

/// A product that a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    pub product: Product,
    /// Its image nearest to the query.
    pub image: ImageId,
    /// Name of the file that image came from.
    pub source: String,
    /// Cosine of that image to the query, -1 to 1.
    pub score: f32,
}

/// The products that a query found, best first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matches {
    pub matches: Vec<Match>,
    /// Whether the best one is likely the right one; see [`Calibration`].
    pub confident: bool,
    /// How many of the best the words name to the letter, by ids or model numbers.
    pub named: usize,
    /// Whether that is one, and the photo is not sure of another, so that nothing else is meant.
    pub alone: bool,
    /// The id of what the photo is sure of, where the words name something else.
    pub seen: Option<String>,
}

impl Matches {
    /// The matches with the cosines to weigh them by as evidence: what is named together counts alike.
    pub fn weighed(&self) -> impl Iterator<Item = (&Match, f32)> {
        let named = self.matches.iter().take(self.named).map(|m| m.score);
        let best = named.fold(f32::MIN, f32::max);
        let all = self.matches.iter().enumerate();
        all.map(move |(at, m)| (m, if at < self.named { best } else { m.score }))
    }
}

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("give a photo, words, or both")]
    Nothing,
    #[error("the photo and the words cancel each other out; search with one of them")]
    Opposed,
    #[error(transparent)]
    Clip(#[from] ClipError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl Embed for Clip {
    fn model(&self) -> ModelId {
        ModelId {
            name: self.name().to_owned(),
            fingerprint: self.fingerprint().to_owned(),
            dimensions: self.dimensions(),
        }
    }

    fn detail(&self) -> Detail {
        self.preprocessor().detail()
    }

    fn prepare(&self, photo: &Photo) -> Vec<f32> {
        self.preprocessor().pixels(photo)
    }

    fn embed(&self, prepared: &[Vec<f32>]) -> Result<Vec<Embedding>, String> {
        let mut out = Vec::with_capacity(prepared.len());
        for batch in prepared.chunks(crate::clip::BATCH) {
            out.extend(self.embed_pixels(batch).map_err(|e| e.to_string())?);
        }
        Ok(out)
    }
}

/// The vector to search with. `text_weight` (0 to 1) is the words' share when both are given.
///
/// # Errors
/// [`SearchError::Nothing`] without photo and words, [`SearchError::Clip`],
/// [`SearchError::Opposed`].
pub fn query(
    clip: &Clip,
    photo: Option<&Photo>,
    words: Option<&str>,
    text_weight: f32,
) -> Result<Embedding, SearchError> {
    let words = words.map(str::trim).filter(|w| !w.is_empty());
    match (photo, words) {
        (Some(photo), None) => Ok(clip.embed_photo(photo)?),
        (None, Some(words)) => Ok(clip.embed_text(words)?),
        (Some(photo), Some(words)) => clip
            .embed_text(words)?
            .blend(&clip.embed_photo(photo)?, text_weight)
            .ok_or(SearchError::Opposed),
        (None, None) => Err(SearchError::Nothing),
    }
}

/// The `k` nearest products, falling by cosine, ties by id.
///
/// # Errors
/// [`SearchError::Catalogue`].
pub fn search(catalogue: &Catalogue, query: &Embedding, k: usize) -> Result<Matches, SearchError> {
    // The ranks behind the best are needed to judge it, however few are asked for.
    let hits = catalogue.nearest(query, k.max(calibration::BEHIND + 1), None)?;
    let stored: Option<Calibration> = catalogue.calibration()?;
    let confident = Calibration::confident(stored.as_ref(), &hits);
    let matches = hits
        .into_iter()
        .take(k)
        .map(|Hit { product, image, source, score }| Match { product, image, source, score })
        .collect();
    Ok(Matches { matches, confident, ..Matches::default() })
}
