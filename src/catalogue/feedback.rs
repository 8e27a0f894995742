//! What people thought of answers, without who they were.

use serde::{Deserialize, Serialize};

use super::{Catalogue, CatalogueError};

/// Only the newest so many rows are kept.
const KEPT: u64 = 100_000;

/// One person's verdict on one answer.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Feedback {
    /// Milliseconds since 1970, UTC.
    pub at_ms: u64,
    pub good: bool,
    /// Where it was asked.
    pub platform: String,
    pub question: String,
    pub answer: String,
    /// What wrote the answer.
    pub origin: String,
    /// Ids of the products it was answered from.
    pub products: Vec<String>,
}

impl Catalogue {
    /// Stores a verdict and returns its number; beyond 100,000 the oldest go.
    ///
    /// # Errors
    /// [`CatalogueError`]; nothing is stored.
    pub fn add_feedback(&self, feedback: &Feedback) -> Result<u64, CatalogueError> {
        self.add_feedback_within(feedback, KEPT)
    }

    fn add_feedback_within(&self, feedback: &Feedback, kept: u64) -> Result<u64, CatalogueError> {
        self.store.write(|txn| {
            let rows = self.store.tables().feedback;
            let number = rows.last(txn)?.map_or(0, |(number, _)| number) + 1;
            rows.put(txn, &number, feedback)?;
            rows.delete_range(txn, &(..=number.saturating_sub(kept)))?;
            Ok(number)
        })
    }

    /// The verdicts, newest first.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn feedback(&self, skip: usize, take: usize) -> Result<Vec<Feedback>, CatalogueError> {
        self.store.read(|txn| {
            let rows = self.store.tables().feedback.rev_iter(txn)?;
            Ok(rows.skip(skip).take(take).map(|e| e.map(|(_, f)| f)).collect::<Result<_, _>>()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_rows_stay_and_come_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(dir.path()).unwrap();
        let row = |n: u64| Feedback {
            at_ms: n,
            good: n.is_multiple_of(2),
            platform: "web".into(),
            question: "How big?".into(),
            answer: "1.7 l.".into(),
            origin: "extractive".into(),
            products: vec!["kettle".into()],
        };
        for n in 1..=7 {
            assert_eq!(catalogue.add_feedback_within(&row(n), 5).unwrap(), n);
        }
        assert_eq!(catalogue.feedback(0, 100).unwrap(), [7, 6, 5, 4, 3].map(row));
        assert_eq!(catalogue.feedback(1, 2).unwrap(), [6, 5].map(row));
        assert_eq!(catalogue.add_feedback(&row(8)).unwrap(), 8);
    }
}
