//! Looking products up by the beginning of a name, fast enough for every key that is pressed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use heed::{BoxedError, BytesDecode};
use serde::Deserialize;

use super::{Catalogue, CatalogueError, Product};

/// Products read between two looks at the clock.
const STRIDE: usize = 256;

/// What follows the title in a stored product; inside of a text its quotes would be escaped.
const REST: &[u8] = br#","description":"#;

/// What a product is called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Name {
    pub id: String,
    pub title: String,
}

/// Reads a stored product no further than its title.
impl<'a> BytesDecode<'a> for Name {
    type DItem = Self;

    fn bytes_decode(bytes: &'a [u8]) -> Result<Self, BoxedError> {
        let rest = bytes.windows(REST.len()).position(|part| part == REST);
        let head = rest.and_then(|at| bytes.get(..at)).map(|head| [head, b"}"].concat());
        let read = head.and_then(|head| serde_json::from_slice(&head).ok());
        Ok(read.map_or_else(|| serde_json::from_slice(bytes), Ok)?)
    }
}

impl Catalogue {
    /// The products of ranks `skip..skip + take` among those that `rank` gives a number, lowest number
    /// first and in order of id where it is the same, and how many there are in all. No more of them
    /// than that are held at a time.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn ranked(
        &self,
        rank: impl Fn(&Product) -> Option<usize>,
        skip: usize,
        take: usize,
    ) -> Result<(Vec<Product>, usize), CatalogueError> {
        let most = skip.saturating_add(take);
        self.store.read(|txn| {
            let mut best: BTreeMap<(usize, usize), Product> = BTreeMap::new();
            let mut total = 0;
            for entry in self.store.tables().products.iter(txn)? {
                let (_, product) = entry?;
                let Some(rank) = rank(&product) else { continue };
                best.insert((rank, total), product);
                total += 1;
                if best.len() > most {
                    best.pop_last();
                }
            }
            Ok((best.into_values().skip(skip).collect(), total))
        })
    }

    /// At most `take` products for the words typed so far, whatever their case: ids that begin
    /// with them come first, then titles of which a word does, then ids that hold them. Every word
    /// must be found. The catalogue is read in order of id for at most `time`; ids that begin with
    /// just what was typed are found however large it is.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn names(
        &self,
        typed: &str,
        take: usize,
        time: Duration,
    ) -> Result<Vec<Name>, CatalogueError> {
        let typed = typed.trim();
        let words: Vec<String> = typed.to_lowercase().split_whitespace().map(Into::into).collect();
        let end = Instant::now() + time;
        self.store.read(|txn| {
            let names = self.store.tables().products.remap_data_type::<Name>();
            let mut found: Vec<(usize, Name)> = Vec::new();
            // An empty prefix is none to LMDB.
            if !typed.is_empty() {
                for entry in names.prefix_iter(txn, typed)?.take(take) {
                    found.push((0, entry?.1));
                }
            }
            let mut best = found.len();
            let known = found.len();
            for (n, entry) in names.iter(txn)?.enumerate() {
                if best >= take || (n % STRIDE == 0 && Instant::now() > end) {
                    break;
                }
                let (_, name) = entry?;
                let Some(rank) = rank(&name, &words) else { continue };
                if found.iter().take(known).any(|(_, k)| k.id == name.id) {
                    continue;
                }
                best += usize::from(rank == 0);
                found.push((rank, name));
                if found.len() >= take.saturating_mul(4).max(STRIDE) {
                    // Stable, so that each rank stays in order of id.
                    found.sort_by_key(|(rank, _)| *rank);
                    found.truncate(take.max(known));
                }
            }
            found.sort_by_key(|(rank, _)| *rank);
            Ok(found.into_iter().take(take).map(|(_, name)| name).collect())
        })
    }
}

/// How well a name fits: 0 its id begins with the words, 1 its title has words that do, 2 its id
/// holds them; none when one is missing.
fn rank(name: &Name, words: &[String]) -> Option<usize> {
    let (id, title) = (name.id.to_lowercase(), name.title.to_lowercase());
    let starts = |word: &str| {
        let apart = |c: char| !c.is_alphanumeric();
        title.starts_with(word) || title.split(apart).any(|w| w.starts_with(word))
    };
    let of = |word: &String| match () {
        () if id.starts_with(word) => Some(0),
        () if starts(word) => Some(1),
        () if id.contains(word) => Some(2),
        () => None,
    };
    words.iter().try_fold(0, |worst, word| Some(of(word)?.max(worst)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_from_any_product() {
        for (stored, title) in [
            (r#"{"id":"a","title":"A","description":"x","images":[1]}"#, "A"),
            (r#"{"id":"a","title":",\"description\":","description":"x"}"#, ",\"description\":"),
            (r#"{"id":"a","description":"x","title":"B"}"#, "B"),
            (r#"{"title":"C","id":"a"}"#, "C"),
        ] {
            let name = Name::bytes_decode(stored.as_bytes()).unwrap();
            assert_eq!((name.id.as_str(), name.title.as_str()), ("a", title));
        }
        assert!(Name::bytes_decode(b"{}").is_err());
    }

    #[test]
    fn ids_come_before_titles_whatever_the_case() {
        let name = |id: &str, title: &str| Name { id: id.into(), title: title.into() };
        let words = |typed: &str| -> Vec<String> {
            typed.to_lowercase().split_whitespace().map(Into::into).collect()
        };
        let lamp = name("LAMP-7", "Aura “Desk” light");
        for (typed, fits) in [
            ("", Some(0)),
            ("lam", Some(0)),
            ("DESK", Some(1)),
            ("aura lamp", Some(1)),
            ("mp-7", Some(2)),
            ("esk", None),
            ("lamp chair", None),
        ] {
            assert_eq!(rank(&lamp, &words(typed)), fits, "{typed}");
        }
    }
}
