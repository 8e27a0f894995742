//! What products are called, for words that name one: BM25 over titles and attributes, and ids and
//! model numbers to the letter.
//!
//! The index lives in memory (about 1 KB a product) and is built from the catalogue when it is first
//! needed and when the catalogue's texts have changed since, by whichever process. Where building takes
//! long, an older one serves meanwhile: a twentieth of the time at most goes into building.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use bm25::{Embedder, EmbedderBuilder, Scorer, Tokenizer};

use crate::catalogue::{Catalogue, CatalogueError, Product};
use crate::reading::naming_stems;

/// Builds take at most one part in so many of the time.
const PATIENCE: u32 = 20;
/// What is built faster than this is built at once.
const QUICK: Duration = Duration::from_millis(50);
/// From this length on a value is a text, not a name.
const LONGEST_VALUE: usize = 200;
/// Words of a typical entry; only lengths beside it count, and little.
const TYPICAL: f32 = 24.0;
const LENGTH_COUNTS: f32 = 0.3;
/// Parts of an attribute's name that say its value is a code of the product.
const CODE_NAMES: &[&str] = &[
    "model",
    "sku",
    "ean",
    "gtin",
    "upc",
    "isbn",
    "mpn",
    "number",
    "article",
    "artikel",
    "nummer",
    "code",
    "modell",
    "modellnummer",
    "artikelnummer",
    "partnumber",
];

/// The lexicon of one catalogue.
#[derive(Default)]
pub struct Lexicon {
    built: Mutex<Option<Arc<Built>>>,
    /// Held by whoever builds.
    building: Mutex<()>,
}

/// What words say about products.
#[derive(Debug, Default, PartialEq)]
pub struct Named {
    /// Ids of the products whose id or model number stands in the words.
    pub exactly: Vec<String>,
    /// Whether each of them has it alone.
    pub clear: bool,
    /// Ids of those that the words fit, best first, 1 the best.
    pub likely: Vec<(String, f32)>,
}

struct Built {
    version: u64,
    at: Instant,
    took: Duration,
    ids: Vec<String>,
    codes: HashMap<String, Vec<u32>>,
    embedder: Embedder<u32, Stems>,
    scorer: Scorer<u32>,
}

/// Splits what is already stems.
#[derive(Default)]
struct Stems;

impl Tokenizer for Stems {
    fn tokenize(&self, text: &str) -> Vec<String> {
        text.split('\n').filter(|t| !t.is_empty()).map(str::to_owned).collect()
    }
}

impl Lexicon {
    /// What these words say about the catalogue's products: at most `most` likely ones.
    ///
    /// # Errors
    /// [`CatalogueError`] when the catalogue cannot be read.
    pub fn named(
        &self,
        catalogue: &Catalogue,
        words: &str,
        most: usize,
    ) -> Result<Named, CatalogueError> {
        let built = self.fresh(catalogue)?;
        let mut exactly: Vec<String> = Vec::new();
        let mut clear = true;
        for code in codes_in(words) {
            let known = built.codes.get(&code.to_lowercase_plain());
            let known =
                known.into_iter().flatten().filter_map(|at| built.ids.get(*at as usize)).cloned();
            // The catalogue itself knows what was added a moment ago.
            let new = catalogue.find(code.text)?.map(|product| product.id).filter(|id| is_code(id));
            let has: BTreeSet<String> = known.chain(new).collect();
            clear &= has.len() <= 1;
            for id in has {
                if !exactly.contains(&id) {
                    exactly.push(id);
                }
            }
        }
        let query = naming_stems(words, true).join("\n");
        let mut scored = built.scorer.matches(&built.embedder.embed(&query));
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        let top = scored.first().map_or(1.0, |s| s.score).max(f32::MIN_POSITIVE);
        let likely = scored.into_iter().take(most);
        let likely =
            likely.filter_map(|s| Some((built.ids.get(s.id as usize)?.clone(), s.score / top)));
        Ok(Named { exactly, clear, likely: likely.collect() })
    }

    fn fresh(&self, catalogue: &Catalogue) -> Result<Arc<Built>, CatalogueError> {
        let known = || self.built.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let old = known();
        if let Some(old) = old.as_ref().filter(|old| old.took > QUICK)
            && old.at.elapsed() < old.took * PATIENCE
        {
            return Ok(Arc::clone(old));
        }
        let version = catalogue.texts_version()?;
        if let Some(old) = old.as_ref().filter(|old| old.version == version) {
            return Ok(Arc::clone(old));
        }
        let _building = match (self.building.try_lock(), old) {
            // Another thread is at it already; what was known a moment ago will do.
            (Err(TryLockError::WouldBlock), Some(old)) if old.took > QUICK => return Ok(old),
            (Ok(alone), _) => alone,
            (Err(_), _) => self.building.lock().unwrap_or_else(PoisonError::into_inner),
        };
        if let Some(new) = known().filter(|new| new.version == version) {
            return Ok(new);
        }
        let new = Arc::new(Built::read(catalogue, version)?);
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&new));
        Ok(new)
    }
}

impl Built {
    fn read(catalogue: &Catalogue, version: u64) -> Result<Self, CatalogueError> {
        let began = Instant::now();
        let builder = EmbedderBuilder::<u32, Stems>::with_avgdl(TYPICAL);
        let embedder = builder.b(LENGTH_COUNTS).build();
        let (mut ids, mut codes, mut scorer) = (Vec::new(), HashMap::new(), Scorer::new());
        catalogue.each_product(|product| {
            let at = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            let mut known: Vec<String> = codes_of(&product);
            known.dedup();
            for code in known {
                codes.entry(code).or_insert_with(Vec::new).push(at);
            }
            scorer.upsert(&at, embedder.embed(&stems_of(&product).join("\n")));
            ids.push(product.id);
        })?;
        let took = began.elapsed();
        Ok(Self { version, at: Instant::now(), took, ids, codes, embedder, scorer })
    }
}

/// Stems of the title, which count twice, and of the attributes' values.
fn stems_of(product: &Product) -> Vec<String> {
    let title = naming_stems(&product.title, false);
    let values = product.attributes.iter().filter(|(key, value)| {
        value.len() < LONGEST_VALUE && !value.contains("://") && !key.contains("price")
    });
    let values = values.flat_map(|(_, value)| naming_stems(value, false));
    title.iter().cloned().chain(values).chain(title.iter().cloned()).collect()
}

fn codes_of(product: &Product) -> Vec<String> {
    let named = |key: &str| {
        let key = key.to_lowercase();
        key.split(|c: char| !c.is_alphanumeric()).any(|part| CODE_NAMES.contains(&part))
    };
    let values =
        product.attributes.iter().filter(|(key, _)| named(key)).map(|(_, value)| value.as_str());
    let counted = |value: &&str| value.contains(|c: char| c.is_ascii_digit());
    let values = values.filter(counted);
    let values = values.filter(|value| value.split_whitespace().count() <= 2 && is_code(value));
    let id = Some(product.id.as_str()).filter(|id| is_code(id));
    values.chain(id).map(|text| Code { text }.to_lowercase_plain()).collect()
}

/// Whether a text is a code rather than a word or a quantity: letters with digits or a hyphen, or a long
/// number.
fn is_code(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let joined = text.contains(['-', '_', '.', '/']);
    text.len() >= 3 && (letters > 0 && (digits > 0 || joined) || digits >= 6)
}

/// A stretch of text that may be a code.
#[derive(Clone, Copy)]
struct Code<'a> {
    text: &'a str,
}

impl Code<'_> {
    /// As codes are compared: "pb 20" is "PB-20".
    fn to_lowercase_plain(self) -> String {
        self.text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
    }
}

/// Words, and pairs of words, that may be codes. A pair is one where its first word has only letters and
/// its second only digits: "PB 20", but not "5 kg".
fn codes_in(words: &str) -> Vec<Code<'_>> {
    let ends = |c: char| !c.is_alphanumeric();
    let trimmed = |w: &str| w.trim_matches(ends).len();
    let mut out: Vec<Code<'_>> = Vec::new();
    let mut before: Option<(usize, &str)> = None;
    let mut at = 0;
    for word in words.split_whitespace() {
        let start = at + words.get(at..).and_then(|rest| rest.find(word)).unwrap_or(0);
        at = start + word.len();
        let bare = word.trim_matches(ends);
        if is_code(bare) {
            out.push(Code { text: bare });
        }
        let number = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit());
        if let Some((first, letters)) = before.filter(|_| number)
            && trimmed(letters) <= 4
            && letters.trim_matches(ends).chars().all(|c| c.is_ascii_uppercase())
        {
            let pair = words.get(first..at).map(|p| p.trim_matches(ends));
            out.extend(pair.map(|text| Code { text }));
        }
        before = Some((start, word));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_words_and_quantities() {
        let found =
            |text| codes_in(text).into_iter().map(Code::to_lowercase_plain).collect::<Vec<_>>();
        assert_eq!(found("Is the LM-PB20 heavy?"), ["lmpb20"]);
        assert_eq!(found("is it (PB 20)?"), ["pb20"]);
        assert_eq!(found("golden-delicious, is it sweet"), ["goldendelicious"]);
        assert_eq!(found("EAN 4006381333931").first().unwrap(), "4006381333931");
        assert_eq!(found("does it fit a 60 cm shelf for 20 euros"), Vec::<String>::new());
    }
}
