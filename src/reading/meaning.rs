//! What words mean, near enough to tell "kilos" from "hours": one short vector a word piece,
//! from `models/words`.

use std::collections::HashMap;
use std::sync::LazyLock;

const VOCABULARY: &str = include_str!("../../models/words/vocabulary.txt");
const VECTORS: &[u8] = include_bytes!("../../models/words/vectors.bin");
/// Numbers a vector.
pub const WIDTH: usize = 128;
/// How common a word must be to count half (Arora, Liang and Ma's smooth inverse frequency).
const COMMON: f32 = 2e-4;
/// Longest word that is looked up, in bytes.
const LONGEST: usize = 64;

/// A unit vector.
pub type Vector = [f32; WIDTH];

/// A word's direction, and how much it says: 0 (everywhere) to 1 (rare).
#[derive(Debug, Clone)]
pub struct Meaning {
    pub vector: Vector,
    pub weight: f32,
}

struct Table {
    rows: HashMap<&'static str, usize>,
    /// Sum of 1/rank over the vocabulary: what makes Zipf's law a distribution.
    harmonic: f32,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows: HashMap<_, _> =
        VOCABULARY.lines().enumerate().map(|(row, word)| (word, row)).collect();
    let harmonic = (1..=rows.len()).map(|rank| 1.0 / rank as f32).sum();
    Table { rows, harmonic }
});

/// The meaning of a lower-case word: its own, or that of its longest pieces; none for a word of
/// another script.
pub fn meaning(word: &str) -> Option<Meaning> {
    let mut pieces = Vec::new();
    let mut rest = word;
    let mut piece = String::new();
    while !rest.is_empty() && word.len() <= LONGEST {
        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
        let found = ends.into_iter().find_map(|end| {
            piece.clear();
            piece.push_str(if pieces.is_empty() { "" } else { "##" });
            piece.push_str(rest.get(..end)?);
            Some((end, *TABLE.rows.get(piece.as_str())?))
        });
        let (end, row) = found?;
        pieces.push(row);
        rest = rest.get(end..)?;
    }
    let mut sum = [0.0; WIDTH];
    let mut weight = 0.0f32;
    for row in &pieces {
        let numbers = VECTORS.get(row * WIDTH..(row + 1) * WIDTH)?;
        for (s, v) in sum.iter_mut().zip(numbers) {
            *s += f32::from(v.cast_signed());
        }
        let share = 1.0 / ((*row + 1) as f32 * TABLE.harmonic);
        weight = weight.max(COMMON / (COMMON + share));
    }
    Some(Meaning { vector: unit(sum)?, weight })
}

/// The direction of several words together, the rarer counting more.
pub fn together<'a>(meanings: impl Iterator<Item = (&'a Vector, f32)>) -> Option<Vector> {
    let mut sum = [0.0; WIDTH];
    for (vector, weight) in meanings {
        sum.iter_mut().zip(vector).for_each(|(s, v)| *s += weight * v);
    }
    unit(sum)
}

pub fn cosine(a: &Vector, b: &Vector) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(mut vector: Vector) -> Option<Vector> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length <= f32::EPSILON {
        return None;
    }
    vector.iter_mut().for_each(|v| *v /= length);
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> f32 {
        cosine(&meaning(a).unwrap().vector, &meaning(b).unwrap().vector)
    }

    #[test]
    fn the_table_is_whole() {
        assert_eq!(VECTORS.len(), VOCABULARY.lines().count() * WIDTH);
    }

    #[test]
    fn words_of_like_meaning_are_near() {
        for (word, near, far) in [
            ("heavy", "weight", "colour"),
            ("rain", "waterproof", "warranty"),
            ("loud", "noise", "price"),
        ] {
            assert!(alike(word, near) > alike(word, far) + 0.1, "{word}");
        }
    }

    #[test]
    fn rare_words_say_more_and_foreign_ones_nothing() {
        assert!(meaning("induction").unwrap().weight > meaning("the").unwrap().weight);
        assert!(meaning("電池").is_none());
        assert!(meaning(&"x".repeat(1000)).is_none() || LONGEST >= 1000);
        assert!(meaning("").is_none());
    }
}
