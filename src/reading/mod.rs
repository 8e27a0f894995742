//! What a short text says, for whoever compares texts: its language, its words in lower case, stemmed and
//! with their [`meaning`], and the [`topics`] it asks for or tells. Words of other languages are read by what
//! they mean in English. It knows nothing of products; `models/words` says where its tables come from.

mod glossary;
mod language;
pub mod meaning;
pub mod topics;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use glossary::Glossary;
pub(crate) use glossary::fold;
use language::likely;
pub use language::spoken;
use meaning::{Meaning, meaning};

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
static GERMAN: LazyLock<Option<&Glossary>> = LazyLock::new(|| Glossary::of("de"));

/// A text with the words of other languages in English, as far as they are known. German stays, since the
/// topics and [`words`] know it themselves.
pub fn readable<'a>(text: &'a str, language: Option<&str>) -> Cow<'a, str> {
    match language {
        Some(other) if other != "de" => glossary::in_english(text, other),
        _ => text.into(),
    }
}

/// Stems of a text's words that may name a thing. Where the text is `asking`, words that only ask are
/// left out, and what foreign ones mean in English stands beside them.
pub fn naming_stems(text: &str, asking: bool) -> Vec<String> {
    let mut lower = text.to_lowercase().replace('\u{2019}', "'");
    let languages = match asking.then(|| spoken(text)) {
        None => Vec::new(),
        Some(Some(language)) => vec![language],
        Some(None) => likely(text),
    };
    let glossaries: Vec<&Glossary> = languages.into_iter().filter_map(Glossary::of).collect();
    if !glossaries.is_empty() {
        lower = lower.replace('\'', " ");
    }
    let mut out: Vec<String> = Vec::new();
    let mut before = String::new();
    for word in lower.unicode_words().flat_map(split_number) {
        let stem = STEMMER.stem(word).into_owned();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            // A number names a thing only together with the word before it: "Pebble 20".
            if !before.is_empty() {
                out.push(format!("{before} {word}"));
            }
        } else if word.chars().count() > 1 && !(asking && names_nothing(word)) {
            let means: Vec<&str> = glossaries.iter().filter_map(|g| g.meaning(word)).collect();
            let words = means.iter().flat_map(|m| m.split(' '));
            let naming: Vec<&str> = words.filter(|m| m.len() > 1 && !names_nothing(m)).collect();
            // What is known, and only asks, names nothing in its own language either.
            if means.is_empty() || !naming.is_empty() {
                out.push(stem.clone());
            }
            out.extend(naming.into_iter().map(|m| STEMMER.stem(m).into_owned()));
        }
        before = stem;
    }
    out
}

/// Whether a lower-case word of a question says only that, or what, somebody wants to know.
fn names_nothing(word: &str) -> bool {
    is_empty(word) || topics::only_asks(word)
}

/// Whether a lower-case word stands in every text and names nothing.
pub fn is_empty(word: &str) -> bool {
    EMPTIES.contains(word) || GERMAN.is_some_and(|german| german.is_nothing(word))
}

/// Whether a text has a question mark, of any script that has its own.
pub fn asks(text: &str) -> bool {
    text.contains(['?', '\u{37e}', '\u{55e}', '\u{61f}', '\u{1367}', '\u{ff1f}'])
}

/// Whether a list of words between blanks has this one.
pub fn lists(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

/// The words of a text in order; "1.2kg" counts as "1.2" and "kg".
pub fn words(text: &str, german: bool) -> Vec<Word> {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let mut out = Vec::new();
    for word in lower.unicode_words().flat_map(split_number) {
        if let Some(german) = GERMAN.filter(|_| german) {
            let read = german.meaning(word);
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
    fn german_words_are_read_by_their_parts() {
        let read = |text| words(text, true).into_iter().map(|w| w.stem).collect::<Vec<_>>();
        assert_eq!(read("Akkulaufzeit"), ["runtim", "batteri"]);
        assert_eq!(read("Wie schwer?"), ["how", "heavi", "weight"]);
    }
}
