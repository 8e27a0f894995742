//! Which pieces of an entry are quoted.

use std::collections::HashSet;

use super::score::judge;
use super::units::{Unit, asked, units};
use crate::catalogue::Product;

/// Pieces quoted at most.
const MOST: usize = 3;
/// A further piece must be this likely beside the best, where the best surely answers.
const CLOSE: f32 = 0.3;
/// From this chance on an answer is given as one; below it, the quotes are only the nearest.
const ANSWERS: f32 = 0.7;
/// Below this chance even the best piece hardly bears on the question, and nothing is quoted.
const NEAR: f32 = 0.1;
/// Share of a piece's words that another must hold to say the same.
const SAME: f32 = 0.75;

/// What an entry says to a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Pieces that answer, in the entry's order.
    Answer(Vec<String>),
    /// Pieces that may bear on it.
    Near(Vec<String>),
    Nothing,
}

/// What an entry says to a question.
pub fn said(question: &str, product: &Product) -> Said {
    let mut units = units(product);
    let asked = asked(question, product);
    if asked.words.is_empty() && asked.topics.iter().all(|t| *t == 0.0) {
        // "What is this?": the entry itself is the answer.
        units.truncate(2);
        return Said::Answer(units.into_iter().map(|u| u.text).collect());
    }
    let (chances, whole) = judge(&asked, &units);
    if whole < NEAR {
        return Said::Nothing;
    }
    let best = chances.iter().copied().fold(0.0, f32::max);
    let answers = whole >= ANSWERS;
    let floor = if answers { CLOSE * best } else { 0.0 };
    let mut order: Vec<usize> = (0..units.len()).filter(|&i| chances[i] >= floor).collect();
    order.sort_by(|&a, &b| chances[b].total_cmp(&chances[a]));
    let mut kept: Vec<usize> = Vec::new();
    for at in order {
        if kept.len() < MOST && !kept.iter().any(|&k| repeats(&units[at], &units[k])) {
            kept.push(at);
        }
    }
    kept.sort_unstable();
    let quotes = kept.into_iter().map(|i| units[i].text.clone()).collect();
    if answers { Said::Answer(quotes) } else { Said::Near(quotes) }
}

/// Whether a piece says nothing that another does not.
fn repeats(unit: &Unit, other: &Unit) -> bool {
    let stems: HashSet<&str> = other.words.iter().map(|w| w.stem.as_str()).collect();
    let shared = unit.words.iter().filter(|w| stems.contains(w.stem.as_str())).count();
    !unit.words.is_empty() && shared as f32 >= SAME * unit.words.len() as f32
}
