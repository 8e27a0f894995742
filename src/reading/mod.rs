//! What a short text says, for whoever compares texts: its language, its words in lower case, stemmed and
//! with their [`meaning`], and the [`topics`] it asks for or tells. German words are read by what they mean in
//! English. It knows nothing of products; `models/words` says where its tables come from.

pub mod meaning;
pub mod topics;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;
use whatlang::{Detector, Lang};

use meaning::{Meaning, meaning};

const GERMAN: &str = include_str!("../../models/words/german.txt");
/// Shortest beginning of a German word that a longer one may be read by.
const SHORTEST: usize = 4;
/// Words that ask, or that every text has.
const EMPTY: &str = "a an and any are as at be been but by can could d did do does for from get gets give got had \
has have he her his how i if im in into is isn it its itself just know ll long m many may me might much my of off \
on one or our out own please re really s she should show so some something t tell than that the their them then \
there these they thing things this those to too up us use used ve very was we well were what whats when where \
which who why will with would you your about also am bit dont doesn don want need like only still right";

/// A word of a text.
#[derive(Debug, Clone)]
pub struct Word {
    pub stem: String,
    /// None for a number and for a word of which nothing is known.
    pub meaning: Option<Meaning>,
    /// Whether it says what is asked about, rather than that something is asked.
    pub telling: bool,
}

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));
static EMPTIES: LazyLock<HashSet<&str>> = LazyLock::new(|| EMPTY.split_whitespace().collect());
static LEXICON: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| GERMAN.lines().filter_map(|line| line.trim().split_once(' ')).collect());

/// The language of a text, English or German, where it can be told.
pub fn spoken(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.unicode_words().collect();
    let english = words.iter().filter(|w| EMPTIES.contains(**w)).count();
    let german =
        words.iter().filter(|w| LEXICON.contains_key(**w) && !EMPTIES.contains(**w)).count();
    // Detection by trigrams needs more than a few words; the little ones tell sooner.
    if german > english && german * 5 >= words.len() * 2 {
        return Some("de");
    }
    if english > german && english * 5 >= words.len() * 2 {
        return Some("en");
    }
    let allowed = vec![Lang::Eng, Lang::Deu, Lang::Fra, Lang::Spa, Lang::Ita, Lang::Nld];
    let found = Detector::with_allowlist(allowed).detect(text).filter(whatlang::Info::is_reliable);
    match found?.lang() {
        Lang::Deu => Some("de"),
        Lang::Eng => Some("en"),
        _ => None,
    }
}

/// Whether a text is German, as far as it can be told.
pub fn is_german(text: &str) -> bool {
    spoken(text) == Some("de")
}

/// Stems of a text's words that may name a thing. Where the text is `asking`, words that only ask are
/// left out, and what German ones mean in English stands beside them.
pub fn naming_stems(text: &str, asking: bool) -> Vec<String> {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let german = asking && is_german(text);
    let mut out: Vec<String> = Vec::new();
    let mut before = String::new();
    for word in lower.unicode_words().flat_map(split_number) {
        let stem = STEMMER.stem(word).into_owned();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            // A number names a thing only together with the word before it: "Pebble 20".
            if !before.is_empty() {
                out.push(format!("{before} {word}"));
            }
        } else if word.chars().count() > 1
            && !(asking && (is_empty(word) || topics::only_asks(word)))
        {
            let means = if german { translated(word).filter(|m| *m != "-") } else { None };
            out.extend(
                means.into_iter().flat_map(|m| m.split(' ')).map(|m| STEMMER.stem(m).into_owned()),
            );
            out.push(stem.clone());
        }
        before = stem;
    }
    out
}

/// Whether a lower-case word stands in every text and names nothing.
pub fn is_empty(word: &str) -> bool {
    EMPTIES.contains(word) || LEXICON.get(word) == Some(&"-")
}

/// The words of a text in order; "1.2kg" counts as "1.2" and "kg".
pub fn words(text: &str, german: bool) -> Vec<Word> {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let mut out = Vec::new();
    for word in lower.unicode_words().flat_map(split_number) {
        if german {
            let read = translated(word);
            if read.is_some_and(|r| r != "-") || read.is_none() {
                out.extend(read.unwrap_or(word).split(' ').map(as_word));
            }
        } else {
            out.push(as_word(word));
        }
    }
    out
}

fn as_word(text: &str) -> Word {
    let number = text.starts_with(|c: char| c.is_ascii_digit());
    let telling = !EMPTIES.contains(&text) && !number;
    Word {
        stem: STEMMER.stem(text).into_owned(),
        meaning: if number { None } else { meaning(text) },
        telling,
    }
}

/// What a German word means in English: the word itself, its beginning, or its end, which is what
/// a compound is about.
fn translated(word: &str) -> Option<&'static str> {
    if let Some(found) = LEXICON.get(word) {
        return Some(found);
    }
    let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).skip(SHORTEST).collect();
    let beginning = ends.iter().rev().find_map(|end| LEXICON.get(word.get(..*end)?));
    let starts = word.char_indices().map(|(at, _)| at).skip(3);
    let mut end = starts.filter_map(|start| {
        let part = word.get(start..).filter(|p| p.chars().count() >= SHORTEST)?;
        LEXICON.get(part).or_else(|| LEXICON.get(part.get(..part.len().checked_sub(1)?)?))
    });
    end.next().or(beginning).copied()
}

/// "1.2kg" as number and unit.
fn split_number(word: &str) -> impl Iterator<Item = &str> {
    let unit = word
        .find(|c: char| c.is_alphabetic())
        .filter(|_| word.starts_with(|c: char| c.is_ascii_digit()));
    let (number, unit) = unit.map_or((word, ""), |at| word.split_at(at));
    [number, unit].into_iter().filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_units_part() {
        assert_eq!(split_number("1.2kg").collect::<Vec<_>>(), ["1.2", "kg"]);
        assert_eq!(split_number("kg").collect::<Vec<_>>(), ["kg"]);
        assert_eq!(split_number("42").collect::<Vec<_>>(), ["42"]);
    }

    #[test]
    fn german_is_told_from_english() {
        for text in
            ["Wie schwer ist das?", "Ist ein Kabel dabei?", "Was kostet die Lampe?", "wasserdicht?"]
        {
            assert!(is_german(text), "{text}");
        }
        for text in
            ["How heavy is it?", "weight?", "is die cast iron ok", "Combien ça coûte ?", "", "42"]
        {
            assert!(!is_german(text), "{text}");
        }
    }

    #[test]
    fn german_words_are_read_by_their_parts() {
        let read = |text| words(text, true).into_iter().map(|w| w.stem).collect::<Vec<_>>();
        assert_eq!(read("Akkulaufzeit"), ["runtim", "batteri"]);
        assert_eq!(read("Wie schwer?"), ["how", "heavi", "weight"]);
    }
}
