//! From a photo, words or both to the matching products.
//!
//! A query is one unit vector: the photo's, the words', or their weighted sum scaled back to
//! unit length. Products are ranked by the cosine of their best image.
//!
//! # How `confident` is calibrated
//!
//! A cosine means nothing by itself: it depends on the model, on how alike the products are
//! and on how far customers' photos are from catalogue pictures. What can be known from the
//! catalogue alone is how a query looks whose product is *not* there. [`Calibration::measure`]
//! takes the catalogue's own images one by one, hides their product, and records how far the
//! best of the wrong products stands out from the ones behind it ([`standout`]). An answer is
//! confident when its best match stands out further than [`QUANTILE`] of those did, so at
//! most about one in ten photos of unknown things passes. The measure is relative to the
//! query's own ranking, so a photo whose scores are all low loses nothing by it. A catalogue of
//! fewer than [`FEWEST`] products gives no such distribution: there only a near copy of a
//! catalogue picture is confident.

use serde::{Deserialize, Serialize};

use crate::catalogue::import::Embed;
use crate::catalogue::{Catalogue, CatalogueError, Hit, ImageId, ModelId, Product};
use crate::clip::{Clip, ClipError, Embedding};
use crate::photo::Photo;

/// Share of hidden-product queries that a confident match must stand out from.
const QUANTILE: f64 = 0.90;
/// Fewest products that can be calibrated on.
const FEWEST: usize = 5;
/// Ranks behind the best that it is held against.
const BEHIND: usize = 8;
/// Images measured; more make the quantile no steadier.
const SAMPLE: usize = 256;
/// From here on the query is the catalogue's picture itself, re-encoded or scaled.
const SAME_PICTURE: f32 = 0.985;
/// How much a catalogue may grow before it is measured again.
const DRIFT: f64 = 0.05;

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
    /// Whether the best one is likely the right one; see the module's documentation.
    pub confident: bool,
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
    let hits = catalogue.nearest(query, k.max(BEHIND + 1), None)?;
    let confident = !hits.is_empty() && Calibration::of(catalogue)?.confident(&hits);
    let matches = hits
        .into_iter()
        .take(k)
        .map(|Hit { product, image, source, score }| Match { product, image, source, score })
        .collect();
    Ok(Matches { matches, confident })
}

/// How far the best stands out: its lead over the runner-up plus its lead over the mean of
/// the ranks behind, in cosine. The first tells one product from its look-alike, the second a
/// known thing from an unknown one.
fn standout(hits: &[Hit]) -> Option<f32> {
    let (best, rest) = hits.split_first()?;
    let behind = &rest[..rest.len().min(BEHIND)];
    let runner_up = behind.first()?.score;
    let mean = behind.iter().map(|h| h.score).sum::<f32>() / behind.len() as f32;
    Some((best.score - runner_up) + (best.score - mean))
}

/// What a catalogue's own images say about queries whose product is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Images in the catalogue when it was measured.
    images: u64,
    /// The [`standout`] a confident match exceeds; none when there are too few products.
    threshold: Option<f32>,
}

impl Calibration {
    /// The catalogue's stored calibration, measured anew when the catalogue has changed much.
    ///
    /// # Errors
    /// [`CatalogueError`] when the catalogue cannot be read.
    pub fn of(catalogue: &Catalogue) -> Result<Self, CatalogueError> {
        let images = catalogue.image_count()?;
        if let Some(stored) = catalogue.calibration::<Self>()?
            && stored.images.abs_diff(images) as f64 <= DRIFT * stored.images as f64
        {
            return Ok(stored);
        }
        let measured = Self::measure(catalogue, images)?;
        // A search must not fail because a full disk or another writer keeps this from storing.
        if let Err(e) = catalogue.set_calibration(&measured) {
            tracing::debug!(error = %e, "calibration not stored");
        }
        Ok(measured)
    }

    fn measure(catalogue: &Catalogue, images: u64) -> Result<Self, CatalogueError> {
        let all = catalogue.images()?;
        let step = all.len().div_ceil(SAMPLE).max(1);
        let mut null = Vec::new();
        for (image, record) in all.iter().step_by(step) {
            let Some(vector) = catalogue.vector(*image)? else { continue };
            let hits = catalogue.nearest(&vector, BEHIND + 1, Some(&record.product))?;
            if hits.len() + 1 >= FEWEST {
                null.extend(standout(&hits));
            }
        }
        null.sort_by(f32::total_cmp);
        let at = (null.len() as f64 * QUANTILE) as usize;
        Ok(Self { images, threshold: null.get(at).copied() })
    }

    fn confident(&self, hits: &[Hit]) -> bool {
        if hits.first().is_some_and(|h| h.score >= SAME_PICTURE) {
            return true;
        }
        match (self.threshold, standout(hits)) {
            (Some(threshold), Some(standout)) => standout > threshold,
            _ => false,
        }
    }
}
