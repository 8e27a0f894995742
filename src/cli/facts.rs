//! Facts: words that an answer holds or lacks, however they are spelt.

use serde::Deserialize;

/// Words that an answer must hold, in any of these spellings.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Fact {
    One(String),
    Any(Vec<String>),
}

impl Fact {
    /// Whether a text that went through [`plain`] says it.
    pub(super) fn is_in(&self, said: &str) -> bool {
        match self {
            Self::One(words) => holds(said, &plain(words)),
            Self::Any(spellings) => spellings.iter().any(|s| holds(said, &plain(s))),
        }
    }

    /// What to call it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::One(words) => words,
            Self::Any(spellings) => spellings.first().map_or("", String::as_str),
        }
    }
}

/// Lower case with plain quotes and dashes, one space between words and none between a number and
/// its unit, so that "2 kg", "2kg" and "2 kg" with a hard space are the same.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let is_unit = word.starts_with(|c: char| c.is_alphabetic() || c == '%' || c == '°');
        let joined = is_unit && out.ends_with(|c: char| c.is_ascii_digit());
        if !joined && !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{2010}'..='\u{2013}' | '\u{2212}' => '-',
            c => c,
        }));
    }
    out
}

/// Whether a text holds the words, where the "5 W" of "45 W" is not "5 W".
pub(super) fn holds(text: &str, words: &str) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    !words.is_empty()
        && text.match_indices(words).any(|(at, _)| {
            let (before, after) = (text.get(..at), text.get(at + words.len()..));
            let before = before.and_then(|b| b.chars().next_back());
            let after = after.and_then(|a| a.chars().next());
            let inside = digit(words.chars().next()) && (digit(before) || before == Some('.'))
                || digit(words.chars().next_back()) && digit(after);
            !inside
        })
}

/// What stands after a number without being its unit.
const NO_UNIT: [&str; 11] = ["and", "or", "to", "of", "in", "is", "it", "by", "und", "oder", "bis"];

/// The figures of a text with their units, as it writes them: "1.2 kg", "12 %", "€119".
pub(super) fn figures(text: &str) -> Vec<String> {
    let raw: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<String> = Vec::new();
    for (at, whole) in raw.iter().enumerate() {
        let word = trimmed(whole);
        let number = word.trim_start_matches(['€', '$', '£', '-', '−']);
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let bare = number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
        // A sentence that ends in a number has no unit after it, whatever the next one begins with.
        let goes_on = whole.ends_with(|c: char| c.is_ascii_digit());
        let next = raw.get(at + 1).map(|w| trimmed(w));
        let unit = next.filter(|u| bare && goes_on && is_unit(u));
        let figure = unit.map_or_else(|| word.to_owned(), |unit| format!("{word} {unit}"));
        let says_something = unit.is_some() || !bare || number.len() < word.len();
        if says_something && !found.contains(&figure) {
            found.push(figure);
        }
    }
    found
}

fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| "()[]{}\"'“”„‘’*_:;,!?".contains(c)).trim_end_matches('.')
}

fn is_unit(word: &str) -> bool {
    let begins = |c: char| c.is_alphabetic() || matches!(c, '%' | '°' | '€');
    word.starts_with(begins) && word.chars().count() <= 12 && !NO_UNIT.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_found_in_any_of_its_spellings() {
        for (said, fact, there) in [
            ("up to 45 W", "5 W", false),
            ("1.5 kg", "5 kg", false),
            ("it gives 5W", "5 W", true),
            ("IP65.", "IP6", false),
            ("rated IP65.", "ip65", true),
            ("from −10 to 45 °C", "-10 to 45°C", true),
            ("it isn’t waterproof", "isn't waterproof", true),
        ] {
            assert_eq!(holds(&plain(said), &plain(fact)), there, "{fact} in {said}");
        }
    }

    #[test]
    fn figures_are_taken_with_their_units() {
        for (text, wanted) in [
            ("It weighs 1.2 kg, **0.9 litres** fit.", vec!["1.2 kg", "0.9 litres"]),
            ("It costs €119 (12 % off).", vec!["€119", "12 %"]),
            ("5W at 20 °C; again 5W", vec!["5W", "20 °C"]),
            ("The Ox 600. It is rated IP65", vec![]),
            ("no figure, part 7, 3 and 4", vec![]),
        ] {
            assert_eq!(figures(text), wanted, "{text}");
        }
    }
}
