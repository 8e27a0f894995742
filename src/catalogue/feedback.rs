//! What people thought of answers, with their consent and without who they were.

use serde::{Deserialize, Serialize};

use super::{Catalogue, CatalogueError};

/// Only the newest so many rows are kept.
const KEPT: u64 = 100_000;

/// A product that an answer could rest on, with the cosine it was matched with.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Matched {
    pub id: String,
    pub score: f32,
}

/// One person's verdict on one answer. Fields that rows of older versions lack are empty there.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(default)]
pub struct Feedback {
    /// Milliseconds since 1970, UTC.
    pub at_ms: u64,
    pub good: bool,
    /// Where it was asked.
    pub platform: String,
    /// BCP 47 tag of the language the bot spoke.
    pub language: String,
    pub question: String,
    pub answer: String,
    /// What wrote the answer.
    pub origin: String,
    /// Ids of the products it was answered from.
    pub products: Vec<String>,
    /// What it could be answered from, best match first.
    pub evidence: Vec<Matched>,
    /// Whether the best match was a confident one.
    pub confident: Option<bool>,
    /// Whether the answer said that the catalogue answers the question.
    pub covered: Option<bool>,
    /// Whether it went on from earlier questions.
    pub follow_up: bool,
    /// The model that wrote it, and the version of the prompts it was asked with.
    pub model: Option<String>,
    pub prompt: Option<String>,
    /// Version of the sentence that the person agreed to; 0: kept before there was one.
    pub consent: u32,
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
            let last = rows.last(txn)?.map_or(0, |(number, _)| number);
            // A number whose row was deleted is not given again.
            let number = last.max(self.meta(txn, LAST)?.unwrap_or(0)) + 1;
            self.set_meta(txn, LAST, &number)?;
            rows.put(txn, &number, feedback)?;
            rows.delete_range(txn, &(..=number.saturating_sub(kept)))?;
            Ok(number)
        })
    }

    /// Replaces a verdict by another of the same person on the same answer; a new row where the
    /// old one is gone. Returns its number.
    ///
    /// # Errors
    /// [`CatalogueError`]; nothing is stored.
    pub fn change_feedback(&self, number: u64, to: &Feedback) -> Result<u64, CatalogueError> {
        let changed = self.store.write(|txn| {
            let rows = self.store.tables().feedback;
            let there = rows.get(txn, &number)?.is_some();
            if there {
                rows.put(txn, &number, to)?;
            }
            Ok(there)
        })?;
        if changed { Ok(number) } else { self.add_feedback(to) }
    }

    /// The verdicts, newest first.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn feedback(&self, skip: usize, take: usize) -> Result<Vec<Feedback>, CatalogueError> {
        Ok(self.numbered_feedback(skip, take)?.into_iter().map(|(_, row)| row).collect())
    }

    /// The verdicts with their numbers, newest first.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn numbered_feedback(
        &self,
        skip: usize,
        take: usize,
    ) -> Result<Vec<(u64, Feedback)>, CatalogueError> {
        self.store.read(|txn| {
            let rows = self.store.tables().feedback.rev_iter(txn)?;
            Ok(rows.skip(skip).take(take).collect::<Result<_, _>>()?)
        })
    }

    /// Deletes the verdicts for which `which` holds; returns how many went.
    ///
    /// # Errors
    /// [`CatalogueError`]; nothing was deleted.
    pub fn forget_feedback(
        &self,
        which: impl Fn(u64, &Feedback) -> bool,
    ) -> Result<usize, CatalogueError> {
        let rows = self.store.tables().feedback;
        // Most of the time there is nothing, and a write would wait for whoever imports.
        let chosen: Vec<u64> = self.store.read(|txn| {
            let all = rows.iter(txn)?;
            let chosen = all.filter_map(|entry| match entry {
                Ok((number, row)) => which(number, &row).then_some(Ok(number)),
                Err(e) => Some(Err(e)),
            });
            Ok(chosen.collect::<Result<_, _>>()?)
        })?;
        if chosen.is_empty() {
            return Ok(0);
        }
        self.store.write(|txn| {
            let mut gone = 0;
            for number in &chosen {
                gone += usize::from(rows.delete(txn, number)?);
            }
            Ok(gone)
        })
    }

    /// Deletes the verdicts older than so many days; returns how many went.
    ///
    /// # Errors
    /// [`CatalogueError`]; nothing was deleted.
    pub fn expire_feedback(&self, now_ms: u64, keep_days: u32) -> Result<usize, CatalogueError> {
        let oldest = now_ms.saturating_sub(u64::from(keep_days) * 86_400_000);
        self.forget_feedback(|_, row| row.at_ms < oldest)
    }
}

/// Where the highest number so far is kept.
const LAST: &str = "feedback-last";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u64) -> Feedback {
        Feedback {
            at_ms: n,
            good: n.is_multiple_of(2),
            platform: "web".into(),
            question: "How big?".into(),
            answer: "1.7 l.".into(),
            origin: "extractive".into(),
            products: vec!["kettle".into()],
            evidence: vec![Matched { id: "kettle".into(), score: 0.9 }],
            ..Feedback::default()
        }
    }

    #[test]
    fn the_newest_rows_stay_and_come_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(dir.path()).unwrap();
        for n in 1..=7 {
            assert_eq!(catalogue.add_feedback_within(&row(n), 5).unwrap(), n);
        }
        assert_eq!(catalogue.feedback(0, 100).unwrap(), [7, 6, 5, 4, 3].map(row));
        assert_eq!(catalogue.feedback(1, 2).unwrap(), [6, 5].map(row));
        assert_eq!(catalogue.add_feedback(&row(8)).unwrap(), 8);
    }

    #[test]
    fn rows_are_changed_and_forgotten_by_number_and_age() {
        let dir = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(dir.path()).unwrap();
        let day = 86_400_000;
        for n in [1, 2 * day, 3 * day] {
            catalogue.add_feedback(&row(n)).unwrap();
        }
        assert_eq!(catalogue.change_feedback(2, &row(2 * day + 1)).unwrap(), 2);
        assert_eq!(catalogue.feedback(1, 1).unwrap(), [row(2 * day + 1)]);
        assert_eq!(catalogue.forget_feedback(|number, _| number == 3).unwrap(), 1);
        assert_eq!(catalogue.expire_feedback(3 * day, 1).unwrap(), 1);
        assert_eq!(catalogue.expire_feedback(3 * day, 1).unwrap(), 0);
        assert_eq!(catalogue.feedback(0, 9).unwrap(), [row(2 * day + 1)]);
        // A forgotten row's number is not another's afterwards.
        assert_eq!(catalogue.change_feedback(3, &row(4)).unwrap(), 4);
    }

    #[test]
    fn a_row_of_an_older_version_is_still_read() {
        let old = r#"{"at_ms":5,"good":true,"platform":"web","question":"q","answer":"a",
            "origin":"model","products":["k"]}"#;
        let row: Feedback = serde_json::from_str(old).unwrap();
        assert!(row.good && row.evidence.is_empty() && row.model.is_none() && row.consent == 0);
    }
}
