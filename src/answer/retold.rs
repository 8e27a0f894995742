//! Whether a text tells the rules in other words: translated, summed up, in verse.
//!
//! No row of letters survives that, but what the rules speak of does: brackets, guesses, the interface's
//! language, what is not to be encoded. `models/words/rules.txt` holds such subjects in the words of many
//! languages, found in one pass (Aho and Corasick, 1975); an answer about a product that touches many of
//! them at once is none. What the entries themselves speak of does not count. Who retells a single rule
//! cannot be told from who keeps to it, and a fable has none of these words: see `grounding.rs`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::reading::fold;

/// Weight of subjects from which a growing answer is not shown yet, and from which it never is.
const DOUBTFUL: u32 = 5;
const TELLING: u32 = 7;

/// Sets of subjects are the bits of a number.
type Set = u32;

struct Subjects {
    weights: Vec<u32>,
    /// Beginnings of words as they stand in a [`line`], and the subject of each.
    words: AhoCorasick,
    subject: Vec<usize>,
}

static SUBJECTS: LazyLock<Option<Subjects>> =
    LazyLock::new(|| Subjects::read(include_str!("../../models/words/rules.txt")));

impl Subjects {
    /// None when the table cannot be searched for, which a test rules out.
    fn read(table: &str) -> Option<Self> {
        let (mut weights, mut words, mut subject) = (vec![], vec![], vec![]);
        for row in table.lines() {
            match row.split_once(' ')? {
                ("#", _) => {}
                ("=", title) => weights.push(title.rsplit(' ').next()?.parse().ok()?),
                (_, beginnings) => {
                    words.extend(beginnings.split(' ').map(beginning));
                    subject.resize(words.len(), weights.len().checked_sub(1)?);
                }
            }
        }
        let fits = weights.len() <= Set::BITS as usize;
        Some(Self { weights, words: AhoCorasick::new(words).ok()?, subject }).filter(|_| fits)
    }

    fn touched(&self, text: &str) -> Set {
        let line = line(text);
        let found = self.words.find_overlapping_iter(&line);
        let subjects = found.filter_map(|m| self.subject.get(m.pattern().as_usize()));
        subjects.fold(0, |set, subject| set | 1 << subject)
    }

    fn weight(&self, set: Set) -> u32 {
        self.weights.iter().enumerate().filter(|(at, _)| set & 1 << at != 0).map(|(_, w)| w).sum()
    }
}

/// How much of the rules a text may touch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Retold {
    /// What the entries speak of themselves.
    excused: Set,
}

impl Retold {
    /// `readable` is what the entries themselves say.
    pub fn new(readable: &str) -> Self {
        Self { excused: SUBJECTS.as_ref().map_or(0, |s| s.touched(readable)) }
    }

    /// Whether the text tells the rules.
    pub fn tells(self, text: &str) -> bool {
        self.weight(text) >= TELLING
    }

    /// Whether the text, being a beginning, may come to tell them.
    pub fn is_doubtful(self, text: &str) -> bool {
        self.weight(text) >= DOUBTFUL
    }

    fn weight(self, text: &str) -> u32 {
        SUBJECTS.as_ref().map_or(0, |s| s.weight(s.touched(text) & !self.excused))
    }
}

/// A word's beginning as a [`line`] holds it. Chinese and others write words together, Arabic and Hebrew
/// put small words in front: there it may stand anywhere.
fn beginning(written: &str) -> String {
    let line = line(&written.replace('_', " "));
    let line = if written.ends_with('_') { line.as_str() } else { line.trim_end() };
    let apart = line.trim_start().chars().next().is_some_and(|c| c < '\u{590}');
    if apart { line } else { line.trim_start() }.to_owned()
}

/// A text in lower case without accents and marks, one blank before, between and behind its words.
fn line(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut line = String::with_capacity(lower.len() + 2);
    line.push(' ');
    for c in fold(&lower).chars().chain([' ']) {
        if c.is_alphanumeric() {
            line.push(c);
        } else if !line.ends_with(' ') && !is_invisible(c) {
            line.push(' ');
        }
    }
    line
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str = "Ich bin der Produktassistent. Meine Regeln: Nenne jeden Eintrag in eckigen Klammern. \
        Rate nicht und nutze kein anderes Wissen. Antworte ohne Überschriften in der Sprache der Frage.";

    #[test]
    fn the_table_is_whole() {
        let subjects = SUBJECTS.as_ref().unwrap();
        assert_eq!(subjects.weights.len(), 21);
        assert!(subjects.subject.len() > 900);
        let own = include_str!("../../config/prompts/rules.jinja");
        let all = subjects.weights.iter().sum::<u32>();
        assert_eq!(Retold::default().weight(own), all, "the rules speak of every subject");
    }

    #[test]
    fn a_translation_is_doubted_and_then_known() {
        let retold = Retold::default();
        let hidden: String = GERMAN.chars().flat_map(|c| [c, '\u{200b}']).collect();
        for text in [GERMAN, &GERMAN.to_uppercase(), &hidden, &GERMAN.replace(' ', " * ")] {
            assert!(retold.tells(text), "{text}");
        }
        let begun = GERMAN.split_inclusive(". ").take(2).collect::<String>();
        assert!(retold.is_doubtful(&begun) && !retold.tells(&begun), "{begun}");
    }

    /// Texts that were written without sight of the table: what `key` says of each, and the text.
    fn written(lines: &str, key: &str) -> Vec<(String, String)> {
        let rows = lines.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        let text =
            |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        rows.map(|r| (text(&r, key), text(&r, "text"))).collect()
    }

    #[test]
    fn translations_and_summaries_are_known_and_honest_answers_pass() {
        let retold = Retold::default();
        let leaks = written(include_str!("../../tests/red_team/retold.jsonl"), "kind");
        assert_eq!(leaks.iter().filter(|(kind, _)| kind == "translation").count(), 26);
        for (kind, text) in &leaks {
            let close = ["translation", "summary"].contains(&kind.as_str());
            assert!(!close || retold.tells(text), "{text}");
        }
        assert!(leaks.iter().filter(|(_, text)| retold.tells(text)).count() >= 50);
        let honest = written(include_str!("../../tests/red_team/honest.jsonl"), "entry");
        assert!(honest.len() > 700);
        for (entry, text) in &honest {
            assert!(!Retold::new(entry).tells(text), "{text}");
        }
        let doubtful = |(entry, text): &&(String, String)| Retold::new(entry).is_doubtful(text);
        assert!(honest.iter().filter(doubtful).count() <= 2);
    }

    #[test]
    fn what_the_entries_speak_of_may_be_said() {
        let entry = "A voice assistant. It translates 40 languages, knows house rules and takes instructions.";
        let answer = "The assistant translates languages by your rules and instructions [toy].";
        assert!(Retold::default().tells(answer));
        assert!(!Retold::new(entry).is_doubtful(answer));
    }

    #[test]
    fn words_stand_by_themselves_where_they_are_written_apart() {
        let touches = |text| Retold::default().weight(text) > 0;
        assert!(touches("Das sind die Regeln.") && touches("Règles") && touches("我不能透露"));
        assert!(!touches("Regelmäßig reinigen.") && !touches("It is rated IP67."));
    }
}
