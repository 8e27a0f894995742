//! How much of an answer goes on without the entries it should rest on.
//!
//! Whoever answers from entries takes up a number, a name or a longer word of theirs every few words, in
//! whatever language. A fable, a program, somebody's homework or the rules told as a poem do not: that
//! is no answer from the catalogue, however it is worded, nor is it one for naming the product all the time.
//! Whether what does take the entries up is true is another question (`figures.rs`).

use std::collections::{HashMap, HashSet};

use crate::reading::fold;

/// Letters from which a word names something, and those that its forms share.
const NAMING: usize = 6;
const STEM: usize = 5;
/// Letters from which an id's part is one's own.
const CITED: usize = 3;
/// Letters between two words of the entries that say nothing yet.
const FREE: usize = 50;
/// How often the same word of the entries counts in one text.
const TIMES: u8 = 3;
/// Letters behind the last of them that are not shown before another comes.
const WAITING: usize = 40;

/// What the entries say, to be found again in an answer.
pub(super) struct Grounding {
    /// Numbers, longer words and what those begin with, and the ids' parts.
    words: HashSet<String>,
    /// Neighbours in scripts that write words together.
    pairs: HashSet<(char, char)>,
    /// Letters that an answer may go on without them.
    most: usize,
}

/// A word of the entries, as it is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Known<'a> {
    Word(&'a str),
    Pair(char, char),
}

/// Letters of a text without a word of the entries among them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Loose {
    /// Those beyond [`FREE`] in each stretch.
    all: usize,
    /// Behind the last word of the entries.
    last: usize,
}

impl Grounding {
    /// `entries` is all that they say beside their `ids`; an answer may go on for `most` letters without
    /// them, in all.
    pub fn new(entries: &str, ids: &str, most: usize) -> Self {
        let (entries, ids) = (plain(entries), plain(ids));
        let cited = apart(&ids).filter(|part| part.chars().count() >= CITED);
        let mut words: HashSet<String> = cited.map(str::to_owned).collect();
        let mut pairs = HashSet::new();
        for word in apart(&entries) {
            if has_digit(word) {
                words.insert(word.to_owned());
            } else if let Some(stem) = stem(word) {
                words.extend([word.to_owned(), stem.to_owned()]);
            }
            pairs.extend(neighbours(word));
        }
        Self { words, pairs, most }
    }

    /// Whether the text goes on for too long without the entries.
    pub fn is_left(&self, text: &str) -> bool {
        self.loose(text).all >= self.most
    }

    /// Whether the text, being a beginning, may come to do so.
    pub fn is_doubtful(&self, text: &str) -> bool {
        let loose = self.loose(text);
        loose.last > WAITING || loose.all >= self.most / 2
    }

    fn loose(&self, text: &str) -> Loose {
        let text = plain(text);
        let mut loose = Loose::default();
        let mut times: HashMap<Known<'_>, u8> = HashMap::new();
        // Twice the letters: a sign of Chinese says as much as two and a half.
        let mut stretch = 0;
        for word in apart(&text) {
            let fresh = |known: &Known<'_>| times.get(known).is_none_or(|n| *n < TIMES);
            let counts = self.known(word).find(fresh);
            if let Some(known) = counts {
                *times.entry(known).or_default() += 1;
                loose.all += (stretch / 2usize).saturating_sub(FREE);
                stretch = 0;
            } else {
                stretch += word.chars().map(|c| if is_dense(c) { 5 } else { 2 }).sum::<usize>();
            }
        }
        loose.last = stretch / 2;
        loose.all += loose.last.saturating_sub(FREE);
        loose
    }

    /// The entries' words in a word: itself, or such as a script without blanks writes together.
    fn known<'a>(&'a self, word: &'a str) -> impl Iterator<Item = Known<'a>> {
        let mut named = [stem(word), Some(word)].into_iter().flatten();
        let named = named.find(|name| self.words.contains(*name)).map(Known::Word);
        let pairs = neighbours(word).filter(|pair| self.pairs.contains(pair));
        named.into_iter().chain(pairs.map(|(a, b)| Known::Pair(a, b)))
    }
}

/// In lower case, without accents.
fn plain(text: &str) -> String {
    fold(&text.to_lowercase()).into_owned()
}

fn apart(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn has_digit(word: &str) -> bool {
    word.contains(|c: char| c.is_numeric())
}

/// What a word that names something begins with.
fn stem(word: &str) -> Option<&str> {
    let end = word.char_indices().nth(STEM)?.0;
    (word.chars().nth(NAMING - 1).is_some() && !has_digit(word)).then(|| word.get(..end))?
}

fn neighbours(word: &str) -> impl Iterator<Item = (char, char)> {
    word.chars().zip(word.chars().skip(1)).filter(|(a, b)| is_dense(*a) && is_dense(*b))
}

/// Kana, Han and Hangul.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const MOST: usize = 240;

    fn rows(lines: &str) -> Vec<Value> {
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn text<'a>(row: &'a Value, key: &str) -> &'a str {
        row[key].as_str().unwrap_or_default()
    }

    /// Answers that were written without sight of this file, each with the entry it rests on.
    fn honest() -> Vec<(String, String)> {
        let shop = rows(include_str!("../../kb/description.json"));
        let cited = |answer: &str| {
            let cites = |row: &&Value| answer.contains(&format!("[{}]", text(row, "id")));
            shop.iter().filter(cites).map(Value::to_string).collect::<String>()
        };
        let rows = rows(include_str!("../../tests/red_team/honest.jsonl")).into_iter();
        let pair = |row: Value| match text(&row, "entry") {
            "" => (cited(text(&row, "text")), text(&row, "text").to_owned()),
            entry => (entry.to_owned(), text(&row, "text").to_owned()),
        };
        rows.map(pair).collect()
    }

    #[test]
    fn honest_answers_stay_with_their_entries() {
        let honest = honest();
        assert!(honest.len() > 700);
        let left: Vec<_> = honest
            .iter()
            .filter(|(e, answer)| Grounding::new(e, "", MOST).is_left(answer))
            .collect();
        assert!(left.len() <= 2, "{left:#?}");
        let doubtful = |(e, answer): &&(String, String)| {
            Grounding::new(e, "", MOST).loose(answer).all >= MOST / 2
        };
        let shown_late = honest.iter().filter(doubtful).count();
        assert!(shown_late < honest.len() / 30, "{shown_late}");
    }

    #[test]
    fn whatever_form_the_rules_take_they_leave_the_entries() {
        let honest = honest();
        let leaks = rows(include_str!("../../tests/red_team/retold.jsonl"));
        let mut stays = Vec::new();
        for (n, leak) in leaks.iter().enumerate() {
            for other in 0..3 {
                let entry = &honest[(7 * n + 101 * other) % honest.len()].0;
                let grounding = Grounding::new(entry, "", MOST);
                if !grounding.is_left(text(leak, "text")) {
                    stays.push((grounding.loose(text(leak, "text")), leak, entry));
                }
            }
        }
        assert!(leaks.len() > 120);
        assert!(stays.is_empty(), "{stays:#?}");
    }

    #[test]
    fn naming_the_product_all_the_time_grounds_nothing() {
        let honest = honest();
        let leaks = rows(include_str!("../../tests/red_team/retold.jsonl"));
        let mut stays = 0;
        for (n, leak) in leaks.iter().enumerate() {
            let entry = &honest[(7 * n) % honest.len()].0;
            let grounding = Grounding::new(entry, "", MOST);
            let entry = plain(entry);
            let Some(name) = apart(&entry).find(|w| grounding.known(w).next().is_some()) else {
                continue;
            };
            let words: Vec<&str> = text(leak, "text").split_whitespace().collect();
            let named: Vec<String> = words.chunks(6).map(|c| c.join(" ") + " " + name).collect();
            stays += usize::from(!grounding.is_left(&named.join(" ")));
        }
        assert!(stays <= 2, "{stays} of {}", leaks.len());
    }

    #[test]
    fn numbers_names_and_forms_of_words_are_taken_up() {
        let loose = |entry, text| Grounding::new(entry, "", MOST).loose(text);
        let entry = "Kettle, 1.7 litres, holds the temperature. [GX-40]";
        assert_eq!(loose(entry, "Gut! GX-40"), Loose { all: 0, last: 0 });
        assert_eq!(loose(entry, "Es hält die Temperaturen"), Loose { all: 0, last: 0 });
        assert_eq!(loose(entry, "7 l"), Loose { all: 0, last: 1 });
        assert_eq!(loose(entry, "Es ist so"), Loose { all: 0, last: 7 });
        let cited = Grounding::new("", "wren-a", MOST).loose("It is loud [wren-a]");
        assert_eq!(cited, Loose { all: 0, last: 1 });
        assert_eq!(loose("电热水壶，容量大", "它的容量不小。好"), Loose { all: 0, last: 2 });
        let long = "so und ".repeat(20);
        assert_eq!(loose(entry, &long), Loose { all: 50, last: 100 });
        assert_eq!(loose(entry, &format!("{long} kettle {long}")), Loose { all: 100, last: 100 });
    }

    #[test]
    fn a_beginning_waits_for_the_next_word_of_the_entries() {
        let grounding = Grounding::new("Kettle", "", MOST);
        assert!(!grounding.is_doubtful("Let me see what this is."));
        let goes_on = "Let me see what this is, and who made it, and why, and for whom";
        assert!(grounding.is_doubtful(goes_on));
        assert!(!grounding.is_doubtful(&format!("{goes_on}: a kettle.")));
    }
}
