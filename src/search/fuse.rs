//! Photo and words together. Words that name a thing ("the brass one", a title, a brand) shift the order of
//! what the photo found, the more the nearer its candidates stand together; words that ask shift nothing,
//! and a photo that is sure is not overruled. An id or a model number to the letter wins outright.

use std::collections::HashMap;

use super::calibration::{BEHIND, Calibration};
use super::lexicon::{Lexicon, Named};
use super::{Match, Matches, SearchError};
use crate::catalogue::{Catalogue, Hit, Product};
use crate::clip::Embedding;
use crate::reading::naming_stems;

/// Products that words may bring forward, as many as a photo's look-alikes.
const POOL: usize = 32;
/// What the best fitting words are worth, in standard deviations of the scores behind the best.
const WORTH: f32 = 2.0;
/// Reciprocal rank fusion's usual constant (Cormack, Clarke and Büttcher).
const RANKS: f32 = 60.0;

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Of the photo, of the words, or of both.
    pub vector: &'a Embedding,
    /// What somebody wrote; may be a question.
    pub words: Option<&'a str>,
    /// Whether a photo is in it.
    pub photo: bool,
}

/// The `k` products that fit best: photo first, words where they help. The scores stay cosines to
/// `query.vector`, so they need not fall.
///
/// # Errors
/// [`SearchError::Catalogue`].
pub fn find(
    catalogue: &Catalogue,
    lexicon: &Lexicon,
    query: Query<'_>,
    k: usize,
) -> Result<Matches, SearchError> {
    let Some(words) = query.words.map(str::trim).filter(|w| !w.is_empty()) else {
        return super::search(catalogue, query.vector, k);
    };
    let most = k.max(POOL).max(BEHIND + 1);
    let named = lexicon.named(catalogue, words, if query.photo { usize::MAX } else { most })?;
    let hits = catalogue.nearest(query.vector, most, None)?;
    let stored: Option<Calibration> = catalogue.calibration()?;
    let sure = Calibration::confident(stored.as_ref(), &hits);
    let (mut hits, mut confident) = match query.photo {
        true if sure => (hits, true),
        true => {
            let before = hits.first().map(|h| h.product.id.clone());
            let shifted = shifted(hits, &named);
            let judged: Vec<Hit> = shifted.iter().map(Shifted::judged).collect();
            // Words that overrule the photo make nobody sure, short of the whole title: "is it
            // heavier than the white one?"
            let stays = judged.first().is_some_and(|h| {
                Some(&h.product.id) == before.as_ref() || has_title(words, &h.product)
            });
            let confident = stays && Calibration::confident(stored.as_ref(), &judged);
            (shifted.into_iter().map(|s| s.hit).collect(), confident)
        }
        false => (joined(catalogue, query.vector, hits, &named)?, sure),
    };
    let photo_says = hits.first().filter(|_| query.photo && sure).map(|h| h.product.id.clone());
    let mut by_name = 0;
    for id in named.exactly.iter().rev() {
        let known = hits.iter().position(|h| h.product.id == *id).map(|at| hits.remove(at));
        let found = match known {
            Some(hit) => Some(hit),
            None => as_hit(catalogue, query.vector, id)?,
        };
        if let Some(hit) = found {
            hits.insert(0, hit);
            by_name += 1;
            // A model number that several products have leaves it open which is meant.
            confident = named.clear;
        }
    }
    let as_match = |Hit { product, image, source, score }| Match { product, image, source, score };
    let matches: Vec<Match> = hits.into_iter().take(k).map(as_match).collect();
    let seen =
        photo_says.filter(|id| by_name > 0 && matches.first().is_some_and(|m| m.product.id != *id));
    let alone = by_name == 1 && seen.is_none();
    Ok(Matches { matches, confident, named: by_name, alone, seen })
}

/// Whether the words have all of a product's title.
fn has_title(words: &str, product: &Product) -> bool {
    let said = naming_stems(words, true);
    let title = naming_stems(&product.title, false);
    !title.is_empty() && title.iter().all(|stem| said.contains(stem))
}

/// A hit with what the words add to its score.
struct Shifted {
    hit: Hit,
    score: f32,
}

impl Shifted {
    /// As the calibration judges it.
    fn judged(&self) -> Hit {
        Hit { score: self.score, ..self.hit.clone() }
    }
}

fn shifted(hits: Vec<Hit>, named: &Named) -> Vec<Shifted> {
    let fits: HashMap<&str, f32> =
        named.likely.iter().map(|(id, fit)| (id.as_str(), *fit)).collect();
    let fit = |hit: &Hit| fits.get(hit.product.id.as_str()).copied().unwrap_or(0.0);
    let top = hits.iter().map(fit).fold(0.0, f32::max);
    let worth = WORTH * spread(&hits);
    let score = |hit: &Hit| hit.score + if top > 0.0 { worth * fit(hit) / top } else { 0.0 };
    let mut all: Vec<Shifted> =
        hits.into_iter().map(|hit| Shifted { score: score(&hit), hit }).collect();
    // Stable: what words leave equal stays in the photo's order.
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all
}

/// Standard deviation of the scores behind the best.
fn spread(hits: &[Hit]) -> f32 {
    let behind: Vec<f32> = hits.iter().skip(1).take(BEHIND).map(|h| h.score).collect();
    let n = behind.len().max(1) as f32;
    let mean = behind.iter().sum::<f32>() / n;
    (behind.iter().map(|s| (s - mean).powi(2)).sum::<f32>() / n).sqrt()
}

/// Words alone: what CLIP makes of them and what the catalogue's own words say, by rank.
fn joined(
    catalogue: &Catalogue,
    vector: &Embedding,
    hits: Vec<Hit>,
    named: &Named,
) -> Result<Vec<Hit>, SearchError> {
    let mut ranks: HashMap<String, f32> = HashMap::new();
    let seen = hits.iter().map(|h| &h.product.id).enumerate();
    let said = named.likely.iter().map(|(id, _)| id).enumerate();
    for (rank, id) in seen.chain(said) {
        *ranks.entry(id.clone()).or_default() += 1.0 / (RANKS + rank as f32);
    }
    let mut all = hits;
    for (id, _) in &named.likely {
        if !all.iter().any(|h| h.product.id == *id) {
            all.extend(as_hit(catalogue, vector, id)?);
        }
    }
    let rank = |hit: &Hit| ranks.get(&hit.product.id).copied().unwrap_or(0.0);
    all.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(b.score.total_cmp(&a.score)));
    Ok(all)
}

/// A product as if the search had found it: by its image nearest to the query.
fn as_hit(catalogue: &Catalogue, query: &Embedding, id: &str) -> Result<Option<Hit>, SearchError> {
    let Some(product) = catalogue.find(id)? else { return Ok(None) };
    let mut best = None;
    for image in &product.images {
        let Some(vector) = catalogue.vector(*image)? else { continue };
        let score = vector.cosine(query);
        if best.is_none_or(|(_, known)| score > known) {
            best = Some((*image, score));
        }
    }
    let Some((image, score)) = best else { return Ok(None) };
    let source = catalogue.source(image)?.unwrap_or_default();
    Ok(Some(Hit { product, image, source, score }))
}

/// Of the best matches, those that the photo cannot tell apart: products that look more like one another
/// than like the photo, and are about equally near to it. Fewer than two: none.
///
/// # Errors
/// [`SearchError::Catalogue`].
pub fn look_alikes(catalogue: &Catalogue, matches: &Matches) -> Result<Vec<Product>, SearchError> {
    /// Of how far they are apart, how much nearer one may be.
    const NEARER: f32 = 0.25;
    const MOST: usize = 3;
    /// Cosines this near are of one picture.
    const SAME: f32 = 0.01;
    let Some((best, rest)) = matches.matches.split_first().filter(|_| !matches.confident) else {
        return Ok(Vec::new());
    };
    let mut alike = vec![best.product.clone()];
    for other in rest.iter().take(MOST - 1) {
        let between = likeness(catalogue, &best.product, &other.product)?;
        let apart = (1.0 - between).max(SAME);
        if between > best.score - SAME && (best.score - other.score).abs() < NEARER * apart {
            alike.push(other.product.clone());
        }
    }
    Ok(if alike.len() > 1 { alike } else { Vec::new() })
}

/// The greatest cosine between images of two products.
fn likeness(catalogue: &Catalogue, a: &Product, b: &Product) -> Result<f32, SearchError> {
    /// Images looked at of each.
    const LOOKED_AT: usize = 8;
    let vectors = |product: &Product| -> Result<Vec<Embedding>, SearchError> {
        let images = product.images.iter().take(LOOKED_AT);
        let vectors =
            images.map(|image| catalogue.vector(*image)).collect::<Result<Vec<_>, _>>()?;
        Ok(vectors.into_iter().flatten().collect())
    };
    let (a, b) = (vectors(a)?, vectors(b)?);
    Ok(a.iter().flat_map(|a| b.iter().map(|b| a.cosine(b))).fold(-1.0, f32::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(id: &str, score: f32) -> Hit {
        let product = Product {
            id: id.into(),
            title: id.into(),
            description: String::new(),
            attributes: indexmap::IndexMap::new(),
            images: vec![],
        };
        Hit { product, image: 0, source: String::new(), score }
    }

    #[test]
    fn words_settle_what_is_near_and_leave_what_is_clear() {
        let hits = |lead: f32| -> Vec<Hit> {
            let scores = [0.5 + lead, 0.5, 0.42, 0.4, 0.39, 0.36, 0.35, 0.33, 0.3];
            scores.iter().enumerate().map(|(n, s)| hit(&n.to_string(), *s)).collect()
        };
        let named = |id: &str| Named { likely: vec![(id.to_owned(), 1.0)], ..Named::default() };
        let first = |hits, named: &Named| shifted(hits, named).remove(0).hit.product.id;
        assert_eq!(first(hits(0.02), &named("1")), "1");
        assert_eq!(first(hits(0.4), &named("1")), "0", "a clear match stays");
        assert_eq!(first(hits(0.02), &Named::default()), "0");
        let both = vec![("0".into(), 0.7), ("1".into(), 0.7)];
        let both = Named { likely: both, ..Named::default() };
        assert_eq!(first(hits(0.02), &both), "0", "what fits both tells nothing");
    }
}
