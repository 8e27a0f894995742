//! What questions ask for and entries tell: some forty topics, each with the words that ask for it and
//! the words and units that tell it, from `models/words/topics.txt`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_segmentation::UnicodeSegmentation;

const TOPICS: &str = include_str!("../../models/words/topics.txt");

/// How strongly a text has each topic, 0 to 1.
pub type Topics = Vec<f32>;

/// Words in a row, or a unit behind a number.
struct Cue {
    parts: Vec<Part>,
    behind_number: bool,
    topic: usize,
    /// How much it says: more when it is several words.
    weight: f32,
}

/// A word, or its beginning.
struct Part {
    text: String,
    open: bool,
}

/// Cues by their first word, and by its beginning where any ending may follow.
#[derive(Default)]
struct Side {
    closed: HashMap<String, Vec<Cue>>,
    open: HashMap<String, Vec<Cue>>,
}

struct Tables {
    count: usize,
    names: Vec<&'static str>,
    asks: Side,
    tells: Side,
}

static ALL: LazyLock<Tables> = LazyLock::new(|| {
    let lines = TOPICS.lines().filter(|line| !line.starts_with('#'));
    let side = |mark: &str| {
        let mut side = Side::default();
        let rows = lines.clone().filter_map(|line| line.strip_prefix(mark));
        for cue in rows.enumerate().flat_map(|(topic, line)| cues(topic, line)) {
            let Some(first) = cue.parts.first() else { continue };
            let table = if first.open { &mut side.open } else { &mut side.closed };
            table.entry(first.text.clone()).or_default().push(cue);
        }
        side
    };
    let count = lines.clone().filter(|line| line.starts_with("? ")).count();
    let names = lines.clone().filter(|line| !line.is_empty() && !line.starts_with(['?', '=']));
    Tables { count, names: names.collect(), asks: side("? "), tells: side("= ") }
});

fn cues(topic: usize, line: &str) -> Vec<Cue> {
    let cue = |cue: &str| {
        let unit = cue.strip_prefix('#');
        let parts: Vec<Part> = tokens(unit.unwrap_or(cue)).into_iter().map(part).collect();
        let weight = if parts.len() > 1 { 1.5 } else { 1.0 };
        Cue { behind_number: unit.is_some(), parts, topic, weight }
    };
    line.split(',').map(str::trim).filter(|c| !c.is_empty()).map(cue).collect()
}

fn part(text: String) -> Part {
    match text.strip_suffix('*') {
        Some(beginning) => Part { text: beginning.to_owned(), open: true },
        None => Part { text, open: false },
    }
}

/// Words and the signs that are units, in lower case; a number parts from the unit behind it.
pub fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('\u{2019}', "'");
    let mut out: Vec<String> = Vec::new();
    for token in lower.split_word_bounds().filter(|t| !t.trim().is_empty()) {
        let digits = token.starts_with(|c: char| c.is_ascii_digit());
        let unit = token.find(|c: char| c.is_alphabetic()).filter(|_| digits);
        match (token, out.last_mut()) {
            ("*", Some(last)) => last.push('*'),
            ("c", Some(last)) if last == "°" => last.push('c'),
            _ => match unit {
                Some(at) => {
                    let (number, unit) = token.split_at(at);
                    out.extend([number.to_owned(), unit.to_owned()]);
                }
                None if token.chars().any(char::is_alphanumeric) || "€%°$£²".contains(token) =>
                {
                    out.push(token.to_owned());
                }
                None => {}
            },
        }
    }
    out
}

/// The topics that a question asks for.
pub fn asked(question: &[String]) -> Topics {
    strengths(&ALL.asks, question)
}

/// Whether a lower-case word only says what somebody wants to know: "battery", "weigh". A colour or a
/// material asks for nothing by itself, it names the thing.
pub fn only_asks(word: &str) -> bool {
    const NAME_THINGS: &[&str] = &["colour", "material", "identity", "size"];
    let beginnings = word.char_indices().map(|(end, c)| end + c.len_utf8());
    let open = beginnings.filter_map(|end| ALL.asks.open.get(word.get(..end)?));
    let cues = ALL.asks.closed.get(word).into_iter().chain(open).flatten();
    let mut alone = cues.filter(|cue| cue.parts.len() == 1);
    alone.any(|cue| ALL.names.get(cue.topic).is_some_and(|name| !NAME_THINGS.contains(name)))
}

/// The topics that a text tells.
pub fn told(text: &[String]) -> Topics {
    strengths(&ALL.tells, text)
}

fn strengths(side: &Side, tokens: &[String]) -> Topics {
    let mut hits = vec![0.0f32; ALL.count];
    let mut counted: HashSet<*const Cue> = HashSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let beginnings = token.char_indices().map(|(end, c)| end + c.len_utf8());
        let open = beginnings.filter_map(|end| side.open.get(token.get(..end)?));
        for cue in side.closed.get(token).into_iter().chain(open).flatten() {
            let number = at.checked_sub(1).and_then(|before| tokens.get(before));
            let there = (!cue.behind_number || number.is_some_and(|n| is_number(n)))
                && cue.parts.iter().enumerate().all(|(n, part)| {
                    tokens.get(at + n).is_some_and(|token| match part.open {
                        true => token.starts_with(part.text.as_str()),
                        false => *token == part.text,
                    })
                });
            if there && counted.insert(std::ptr::from_ref(cue)) {
                hits[cue.topic] += cue.weight;
            }
        }
    }
    // A second cue makes it surer, a fifth does not.
    hits.into_iter().map(|hits| 1.0 - 0.45f32.powf(hits)).collect()
}

fn is_number(token: &str) -> bool {
    const NUMBERS: &[&str] = &[
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve", "half", "hundred",
    ];
    token.starts_with(|c: char| c.is_ascii_digit()) || NUMBERS.contains(&token)
}

/// Whether a text states a quantity, in digits or words.
pub fn has_number(tokens: &[String]) -> bool {
    tokens.iter().any(|t| is_number(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(ALL.count > 40 && ALL.names.len() == ALL.count);
        assert_eq!(TOPICS.lines().filter(|l| l.starts_with("= ")).count(), ALL.count);
    }

    #[test]
    fn questions_and_entries_meet_in_a_topic() {
        for (question, entry) in [
            ("how heavy is it", "It is 3.4kg"),
            ("Was kostet das?", "price: €89"),
            ("can i leave it in the rain", "rated IPX5"),
        ] {
            let (asked, told) = (asked(&tokens(question)), told(&tokens(entry)));
            assert!(asked.iter().zip(&told).any(|(a, t)| a * t > 0.1), "{question}");
        }
    }
}
