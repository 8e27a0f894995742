//! Answers that are given again: the same question about the same product, in the same language.
//!
//! What makes two questions the same is in the key: the catalogue, the product and all it says now
//! (so a change of the product makes its answers unreachable), the question without its case and
//! spacing, the language, the model and the version of its prompts. The photo is not: only an
//! answer that rests on the one product that confidently matched, and that the catalogue covers, is
//! kept, and such an answer does not turn on which photo of the product was sent. Nothing is
//! written to disk.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::{Answer, Inquiry, Origin};
use crate::catalogue::Product;
use crate::config::AnswerSettings;

/// Bytes of memory an answer may take with what is kept around it.
const LONGEST: usize = 64 * 1024;

/// What is remembered of a question, as its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// Remembered answers, a bounded number of them for a bounded time.
#[derive(Clone)]
pub struct AnswerCache {
    answers: Option<Cache<Key, Arc<Answer>>>,
}

impl AnswerCache {
    pub fn new(settings: &AnswerSettings) -> Self {
        let keeps = settings.cache > 0 && settings.cache_minutes > 0;
        let answers = keeps.then(|| {
            Cache::builder()
                .max_capacity(settings.cache)
                .time_to_live(Duration::from_secs(settings.cache_minutes.saturating_mul(60)))
                .build()
        });
        Self { answers }
    }

    /// The key of a question that may be answered from memory; none where it goes on from earlier
    /// ones, where the match is not confident, or where nothing is remembered.
    ///
    /// `catalogue` tells catalogues apart; `version` is the model's and its prompts'.
    pub fn key(&self, catalogue: &str, version: &str, inquiry: &Inquiry) -> Option<Key> {
        self.answers.as_ref()?;
        let best = inquiry.evidence.first().filter(|_| inquiry.confident)?;
        if !inquiry.turns.is_empty() {
            return None;
        }
        let question = normalised(&inquiry.question);
        let mut hash = blake3::Hasher::new();
        let mut add = |part: &str| {
            // With its length, so that no two lists of parts read the same.
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        };
        for part in [catalogue, version, &inquiry.language, &question] {
            add(part);
        }
        let Product { id, title, description, attributes, images } = &best.product;
        for part in [id, title, description] {
            add(part);
        }
        for (name, value) in attributes {
            add(name);
            add(value);
        }
        for image in images {
            add(&image.to_string());
        }
        Some(Key(*hash.finalize().as_bytes()))
    }

    /// The remembered answer. It cost nothing this time.
    pub fn get(&self, key: &Key) -> Option<Answer> {
        let answer = self.answers.as_ref()?.get(key)?;
        Some(Answer { usage: None, spent: Vec::new(), ..Answer::clone(&answer) })
    }

    /// Remembers an answer if it is one to rely on: a model's, covered by the catalogue, resting on
    /// the best match and nothing else, without a figure that the catalogue does not have.
    pub fn put(&self, key: Key, inquiry: &Inquiry, answer: &Answer) {
        let best = inquiry.evidence.first().map(|e| &e.product.id);
        let reliable = answer.origin == Origin::Model
            && answer.covered == Some(true)
            && answer.unsupported.is_empty()
            && answer.text.len() <= LONGEST
            && matches!(answer.sources.as_slice(), [only] if Some(only) == best);
        if let Some(answers) = self.answers.as_ref().filter(|_| reliable) {
            answers.insert(key, Arc::new(answer.clone()));
        }
    }
}

/// A question without what does not change its meaning: case, spacing, the marks at its end, curly
/// quotes.
fn normalised(question: &str) -> String {
    let lower = question.to_lowercase().replace(['\u{2018}', '\u{2019}'], "'");
    let words: Vec<&str> = lower.split_whitespace().collect();
    words.join(" ").trim_end_matches(['?', '!', '.', '…', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Evidence, Turn};

    fn inquiry(question: &str) -> Inquiry {
        let product = Product {
            id: "lamp".into(),
            title: "Lamp".into(),
            description: "It weighs 2 kg.".into(),
            attributes: [("colour".to_owned(), "red".to_owned())].into_iter().collect(),
            images: vec![1],
        };
        Inquiry {
            question: question.into(),
            evidence: vec![Evidence { product, score: 0.9, picture: None }],
            confident: true,
            language: "en".into(),
            ..Inquiry::default()
        }
    }

    fn answer() -> Answer {
        Answer {
            text: "2 kg.".into(),
            origin: Origin::Model,
            sources: vec!["lamp".into()],
            covered: Some(true),
            usage: Some(super::super::Usage::default()),
            ..Answer::default()
        }
    }

    fn cache() -> AnswerCache {
        AnswerCache::new(&AnswerSettings::default())
    }

    #[test]
    fn the_same_question_is_answered_again_however_it_is_typed() {
        let cache = cache();
        let first = inquiry("How heavy is it?");
        cache.put(cache.key("a", "m", &first).unwrap(), &first, &answer());
        for same in ["How heavy is it?", " how  heavy IS it", "how heavy is it ?!"] {
            let again = cache.get(&cache.key("a", "m", &inquiry(same)).unwrap()).unwrap();
            assert_eq!((again.text.as_str(), again.usage), ("2 kg.", None), "{same}");
        }
        let mut other_photo = inquiry("How heavy is it?");
        other_photo.photo = vec![1, 2, 3];
        assert!(cache.get(&cache.key("a", "m", &other_photo).unwrap()).is_some());
    }

    #[test]
    fn whatever_could_change_the_answer_makes_it_another_question() {
        let cache = cache();
        let question = inquiry("How heavy is it?");
        cache.put(cache.key("a", "m", &question).unwrap(), &question, &answer());
        let unknown = |catalogue: &str, version: &str, inquiry: &Inquiry| {
            cache.key(catalogue, version, inquiry).is_none_or(|key| cache.get(&key).is_none())
        };
        assert!(!unknown("a", "m", &question));
        assert!(unknown("b", "m", &question) && unknown("a", "n", &question));
        assert!(unknown("a", "m", &inquiry("How wide is it?")));
        let changes: [fn(&mut Inquiry); 8] = [
            |i| i.language = "de".into(),
            |i| i.confident = false,
            |i| i.turns.push(Turn { question: "q".into(), answer: "a".into() }),
            |i| i.evidence[0].product.id = "lamp2".into(),
            |i| i.evidence[0].product.description = "It weighs 3 kg.".into(),
            |i| i.evidence[0].product.attributes[0] = "blue".into(),
            |i| i.evidence[0].product.images.push(2),
            |i| i.evidence.clear(),
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut changed = question.clone();
            change(&mut changed);
            assert!(unknown("a", "m", &changed), "change {n}");
        }
    }

    #[test]
    fn only_a_reliable_answer_is_remembered() {
        let question = inquiry("How heavy is it?");
        let changes: [fn(&mut Answer); 6] = [
            |a| a.origin = Origin::Extractive,
            |a| a.covered = Some(false),
            |a| a.covered = None,
            |a| a.unsupported.push("3 kg".into()),
            |a| a.sources.push("other".into()),
            |a| a.sources.clear(),
        ];
        for (n, change) in changes.iter().enumerate() {
            let cache = cache();
            let mut doubtful = answer();
            change(&mut doubtful);
            let key = cache.key("a", "m", &question).unwrap();
            cache.put(key, &question, &doubtful);
            assert!(cache.get(&key).is_none(), "change {n}");
        }
    }

    #[test]
    fn the_cache_is_bounded_and_can_be_off() {
        let few = AnswerSettings { cache: 10, ..AnswerSettings::default() };
        let cache = AnswerCache::new(&few);
        for n in 0..1000 {
            let question = inquiry(&format!("question {n}"));
            cache.put(cache.key("a", "m", &question).unwrap(), &question, &answer());
        }
        let answers = cache.answers.unwrap();
        answers.run_pending_tasks();
        assert!(answers.entry_count() <= 10);
        let off = AnswerCache::new(&AnswerSettings { cache: 0, ..AnswerSettings::default() });
        assert_eq!(off.key("a", "m", &inquiry("How heavy?")), None);
    }
}
