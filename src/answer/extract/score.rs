//! How well a piece of an entry answers a question, and whether the best one does at all: two
//! logistic models over a few features, fitted by `models/words/train/fit.py`.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::units::{Asked, Unit};
use crate::reading::meaning::cosine;
use crate::reading::topics::has_number;

const WEIGHTS: &str = include_str!("../../../models/words/scorer.txt");
/// Features of a piece.
pub const FEATURES: usize = 20;
/// Features of an answer as a whole.
pub const WHOLE: usize = 12;

pub struct Weights {
    piece: Vec<f32>,
    whole: Vec<f32>,
}

static FITTED: LazyLock<Weights> = LazyLock::new(|| {
    let numbers = |name: &str| -> Vec<f32> {
        let line = WEIGHTS.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().split_whitespace().filter_map(|n| n.parse().ok()).collect()
    };
    Weights { piece: numbers("piece "), whole: numbers("whole ") }
});

/// Chance, 0 to 1, that each piece answers, and that the best of them really does.
pub fn judge(asked: &Asked, units: &[Unit]) -> (Vec<f32>, f32) {
    let features = features(asked, units);
    let chances: Vec<f32> = features.iter().map(|f| logistic(&FITTED.piece, f)).collect();
    let whole = logistic(&FITTED.whole, &whole(asked, &features, &chances));
    (chances, whole)
}

/// How many weights each model has.
#[cfg(test)]
pub fn lengths() -> (usize, usize) {
    (FITTED.piece.len(), FITTED.whole.len())
}

/// Weights with the constant last.
fn logistic(weights: &[f32], features: &[f32]) -> f32 {
    let (constant, weights) = weights.split_last().unwrap_or((&0.0, &[]));
    let sum: f32 = weights.iter().zip(features).map(|(w, f)| w * f).sum();
    1.0 / (1.0 + (-(sum + constant)).exp())
}

/// One row a piece; see the comments for what each number is.
pub fn features(asked: &Asked, units: &[Unit]) -> Vec<[f32; FEATURES]> {
    let topic_weights = topic_weights(asked, units);
    let rarity = rarity(asked, units);
    let all: f32 = asked.words.iter().zip(&rarity).map(|((_, w), r)| w * r).sum::<f32>().max(1e-6);
    let mut rows: Vec<[f32; FEATURES]> = units
        .iter()
        .enumerate()
        .map(|(at, unit)| {
            let (mut exact, mut soft, mut named, mut best) = (0.0, 0.0, 0.0f32, 0.0f32);
            for ((word, weight), rarity) in asked.words.iter().zip(&rarity) {
                let here = unit.words.iter().chain(&unit.name);
                let same = here.clone().any(|w| w.stem == word.stem);
                let near = match &word.meaning {
                    _ if same => 1.0,
                    Some(meaning) => here
                        .filter(|w| w.telling)
                        .filter_map(|w| w.meaning.as_ref())
                        .map(|m| cosine(&m.vector, &meaning.vector))
                        .fold(0.0, f32::max),
                    None => 0.0,
                };
                exact += if same { weight * rarity } else { 0.0 };
                soft += weight * rarity * near * near;
                best = best.max(weight * near);
                let near_name = word.meaning.as_ref().map_or(0.0, |meaning| {
                    let names = unit.name.iter().filter_map(|w| w.meaning.as_ref());
                    names.map(|m| cosine(&m.vector, &meaning.vector)).fold(0.0, f32::max)
                });
                named = named.max(weight * near_name);
            }
            let together = |v: &Option<_>| match (&asked.vector, v) {
                (Some(a), Some(b)) => cosine(a, b),
                _ => 0.0,
            };
            let (mut topical, mut by_name, mut off) = (0.0f32, 0.0f32, 0.0f32);
            for ((weight, told), name) in
                topic_weights.iter().zip(&unit.topics).zip(&unit.name_topics)
            {
                topical += weight * told.max(*name);
                by_name += weight * name;
                off = off.max(if *weight == 0.0 { *told } else { 0.0 });
            }
            let number = has_number(&unit.tokens);
            let flag = |b: bool| f32::from(u8::from(b));
            let attribute = !unit.name.is_empty();
            [
                exact / all,
                soft / all,
                best,
                together(&unit.vector),
                together(&unit.name_vector),
                named,
                topical,
                by_name,
                off,
                flag(asked.wants_number && number),
                flag(asked.wants_number && !number),
                flag(asked.yes_no && restricts(unit)),
                flag(same_unit(asked, unit)),
                flag(attribute),
                flag(at == 0 && !attribute),
                (unit.words.len() as f32).ln_1p() / 3.0,
                0.0,
                0.0,
                0.0,
                pairs(asked, unit),
            ]
        })
        .collect();
    // How each stands beside the best of its entry.
    for (from, to) in [(1, 16), (3, 17), (6, 18)] {
        let best = rows.iter().map(|r| r[from]).fold(f32::MIN, f32::max);
        rows.iter_mut().for_each(|r| r[to] = best - r[from]);
    }
    rows
}

/// What the question's topics count, summing to 1: one that every piece has tells little.
fn topic_weights(asked: &Asked, units: &[Unit]) -> Vec<f32> {
    let weight = |(topic, strength): (usize, &f32)| {
        if *strength == 0.0 {
            return 0.0;
        }
        let having = units.iter().filter(|u| {
            let told = u.topics.get(topic).copied().unwrap_or(0.0);
            told.max(u.name_topics.get(topic).copied().unwrap_or(0.0)) > 0.0
        });
        strength * (1.0 + units.len() as f32 / (1.0 + having.count() as f32)).ln()
    };
    let weights: Vec<f32> = asked.topics.iter().enumerate().map(weight).collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|w| if sum > 0.0 { w / sum } else { 0.0 }).collect()
}

fn rarity(asked: &Asked, units: &[Unit]) -> Vec<f32> {
    let count =
        |stem: &str| units.iter().filter(|u| u.words.iter().any(|w| w.stem == stem)).count();
    let rarity = |having: f32| (1.0 + (units.len() as f32 - having + 0.5) / (having + 0.5)).ln();
    let top = rarity(1.0);
    asked.words.iter().map(|(w, _)| (rarity(count(&w.stem) as f32) / top).min(1.0)).collect()
}

/// Words that stand side by side in both, 0 (none) to 1 (two pairs or more): "by itself".
fn pairs(asked: &Asked, unit: &Unit) -> f32 {
    let shared = asked.tokens.windows(2).filter(|pair| unit.tokens.windows(2).any(|p| p == *pair));
    shared.count().min(2) as f32 / 2.0
}

/// Whether a piece allows or forbids something.
fn restricts(unit: &Unit) -> bool {
    const WORDS: &[&str] = &[
        "not", "never", "no", "only", "may", "can", "must", "cannot", "don't", "isn't", "doesn't",
        "without", "needs", "free", "safe", "suits", "nicht", "nie", "kein", "keine", "nur",
        "darf", "muss",
    ];
    unit.tokens.iter().any(|t| WORDS.contains(&t.as_str()))
}

/// Whether question and piece state quantities in one unit: "a 60 cm shelf".
fn same_unit(asked: &Asked, unit: &Unit) -> bool {
    let units = |tokens: &[String]| -> HashSet<String> {
        let pairs = tokens.windows(2).filter_map(|pair| match pair {
            [number, unit] if number.starts_with(|c: char| c.is_ascii_digit()) => {
                Some(unit.clone())
            }
            _ => None,
        });
        pairs.map(|u| if u.starts_with("kilo") { "kg".to_owned() } else { u }).collect()
    };
    let asked = units(&asked.tokens);
    !asked.is_empty() && units(&unit.tokens).intersection(&asked).next().is_some()
}

/// What tells whether anything answers: the best piece, how it stands out, what of the question is
/// nowhere in the entry.
pub fn whole(asked: &Asked, rows: &[[f32; FEATURES]], chances: &[f32]) -> [f32; WHOLE] {
    let logit = |p: f32| (p.clamp(1e-4, 1.0 - 1e-4) / (1.0 - p.clamp(1e-4, 1.0 - 1e-4))).ln();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| chances[b].total_cmp(&chances[a]));
    let chance = |rank: usize| order.get(rank).map_or(-6.0, |&i| logit(chances[i]));
    let best = order.first().map_or([0.0; FEATURES], |&i| rows[i]);
    let most = |feature: usize| rows.iter().map(|r| r[feature]).fold(0.0, f32::max);
    let asked_any = asked.topics.iter().any(|t| *t > 0.0);
    [
        chance(0),
        chance(0) - chance(1),
        chance(0) - chance(3),
        best[0],
        best[1],
        best[3],
        best[6],
        most(0),
        most(1),
        most(6),
        f32::from(u8::from(asked_any)),
        (asked.words.len() as f32).ln_1p(),
    ]
}
