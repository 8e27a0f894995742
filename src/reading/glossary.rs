//! What words of other languages mean in English, near enough for questions about products: from
//! `models/words`, where a key is a word or its beginning, and "-" stands for words that say nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use icu_normalizer::DecomposingNormalizerBorrowed;
use unicode_segmentation::UnicodeSegmentation;

/// Shortest beginning of a word, or end of a compound, that a longer one is read by.
const SHORTEST: usize = 4;
/// What says nothing.
const NOTHING: &str = "-";

/// One language's words.
pub struct Glossary {
    language: &'static str,
    meanings: HashMap<String, &'static str>,
    /// A word's end is what it is about.
    compounds: bool,
    /// Accents are often left out. In German they tell words apart.
    folded: bool,
}

macro_rules! table {
    ($name:literal) => {
        include_str!(concat!("../../models/words/", $name, ".txt"))
    };
}

static GLOSSARIES: LazyLock<[Glossary; 7]> = LazyLock::new(|| {
    [
        Glossary::new("de", table!("german"), true, false),
        Glossary::new("es", table!("spanish"), false, true),
        Glossary::new("fr", table!("french"), false, true),
        Glossary::new("it", table!("italian"), false, true),
        Glossary::new("nl", table!("dutch"), true, true),
        Glossary::new("pl", table!("polish"), false, true),
        Glossary::new("pt", table!("portuguese"), false, true),
    ]
});

impl Glossary {
    fn new(language: &'static str, table: &'static str, compounds: bool, folded: bool) -> Self {
        let rows = table.lines().filter(|line| !line.starts_with('#'));
        let rows = rows.filter_map(|line| line.trim().split_once(' '));
        let key = |word: &str| if folded { fold(word).into_owned() } else { word.to_owned() };
        let meanings = rows.map(|(word, meaning)| (key(word), meaning)).collect();
        Self { language, meanings, compounds, folded }
    }

    /// That of a BCP 47 tag's language; English needs none.
    pub fn of(language: &str) -> Option<&'static Self> {
        GLOSSARIES.iter().find(|glossary| glossary.language == language)
    }

    /// What just this lower-case word means.
    pub fn exact(&self, word: &str) -> Option<&'static str> {
        self.meanings.get(&*self.key(word)).copied()
    }

    /// What a lower-case word means: itself, its end in languages of compounds, or its longest known
    /// beginning.
    pub fn meaning(&self, word: &str) -> Option<&'static str> {
        let word = &*self.key(word);
        let own = self.meanings.get(word);
        let end = || self.end(word).filter(|_| self.compounds);
        own.or_else(end).or_else(|| self.beginning(word)).copied()
    }

    fn beginning(&self, word: &str) -> Option<&&'static str> {
        let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).skip(SHORTEST).collect();
        ends.iter().rev().find_map(|end| self.meanings.get(word.get(..*end)?))
    }

    fn end(&self, word: &str) -> Option<&&'static str> {
        let mut starts = word.char_indices().map(|(at, _)| at).skip(SHORTEST - 1);
        starts.find_map(|start| {
            let part = word.get(start..).filter(|p| p.chars().count() >= SHORTEST)?;
            let shorter = || self.meanings.get(part.get(..part.len().checked_sub(1)?)?);
            self.meanings.get(part).or_else(shorter)
        })
    }

    fn key<'a>(&self, word: &'a str) -> Cow<'a, str> {
        if self.folded { fold(word) } else { word.into() }
    }

    /// Whether a lower-case word is known to say nothing.
    pub fn is_nothing(&self, word: &str) -> bool {
        self.exact(word) == Some(NOTHING)
    }
}

/// Lower-case text without its accents.
pub fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return word.into();
    }
    let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(word);
    let plain = apart.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    plain.map(|c| if c == 'ł' { 'l' } else { c }).collect::<String>().into()
}

/// A text's words in English, as far as they are known, between its own signs.
pub fn in_english<'a>(text: &'a str, language: &str) -> Cow<'a, str> {
    let Some(glossary) = Glossary::of(language) else { return text.into() };
    let lower = text.to_lowercase().replace(['\'', '\u{2019}'], " ");
    let read = |word| match glossary.meaning(word) {
        Some(NOTHING) => "",
        known => known.unwrap_or(word),
    };
    lower.split_word_bounds().map(read).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_means_something() {
        for glossary in GLOSSARIES.iter() {
            assert!(glossary.meanings.len() > 400, "{}", glossary.language);
            for (key, meaning) in &glossary.meanings {
                assert!(!meaning.trim().is_empty(), "{}: {key}", glossary.language);
            }
        }
    }

    #[test]
    fn words_are_read_by_themselves_their_ends_and_their_beginnings() {
        for (language, word, meaning) in [
            ("de", "akkulaufzeit", "runtime battery"),
            ("nl", "waterdicht", "waterproof"),
            ("fr", "étanche", "waterproof"),
            ("fr", "etanches", "waterproof"),
            ("pl", "wodoodporny", "waterproof"),
        ] {
            let read = Glossary::of(language).and_then(|g| g.meaning(word));
            assert_eq!(read, Some(meaning), "{word}");
        }
        assert!(Glossary::of("en").is_none());
    }

    #[test]
    fn a_question_is_read_in_english() {
        for (language, question, words) in [
            ("fr", "Combien pèse-t-il ?", ["how much", "weigh"]),
            ("es", "¿Cuánto cuesta la batería?", ["cost", "battery"]),
            ("it", "Quanto dura la batteria?", ["last", "battery"]),
            ("pt", "Posso lavar na máquina?", ["can", "wash"]),
            ("nl", "Hoe zwaar is het?", ["how", "heavy"]),
            ("pl", "Jaka jest cena?", ["price", "?"]),
        ] {
            let read = in_english(question, language);
            assert!(words.iter().all(|word| read.contains(word)), "{question}: {read}");
        }
        assert_eq!(in_english("How heavy?", "en"), "How heavy?");
    }
}
