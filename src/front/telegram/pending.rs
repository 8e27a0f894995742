//! Updates that are taken and not finished yet, in a small file beside the catalogue.
//!
//! Telegram forgets an update once a later one is asked for. What was taken is written down
//! first and struck out when it has been answered, so that a bot that breaks off in between
//! answers it after the next start: nothing is lost, and only what was in work at that moment
//! can be answered twice.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use teloxide::types::Update;

/// How often an update is begun before it is given up: one that brings the process down
/// would do so for ever.
const ATTEMPTS: u32 = 3;
/// Updates that are known again when they come again. A webhook's come out of order, so the
/// highest number says nothing about the others.
const KNOWN: usize = 1024;

/// The list; clones are handles to the same one.
#[derive(Clone)]
pub struct Pending(Arc<(PathBuf, Mutex<Kept>)>);

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    /// Those that were taken last, oldest first.
    taken: VecDeque<u32>,
    waiting: BTreeMap<u32, Waiting>,
}

#[derive(Serialize, Deserialize)]
struct Waiting {
    begun: u32,
    update: Value,
}

impl Pending {
    /// Reads what an earlier run left.
    pub async fn open(path: PathBuf) -> Self {
        let read = tokio::fs::read(&path).await;
        let kept = match read.map(|bytes| serde_json::from_slice::<Kept>(&bytes)) {
            Ok(Ok(kept)) => kept,
            Ok(Err(error)) => {
                tracing::warn!("{} cannot be read and is begun anew: {error}", path.display());
                Kept::default()
            }
            Err(_) => Kept::default(),
        };
        Self(Arc::new((path, Mutex::new(kept))))
    }

    /// What an earlier run did not finish, oldest first.
    pub async fn left(&self) -> Vec<Update> {
        let left = self.changed(|kept| {
            kept.waiting.values_mut().for_each(|w| w.begun += 1);
            let tired = |w: &Waiting| w.begun > ATTEMPTS;
            for (id, _) in kept.waiting.iter().filter(|(_, w)| tired(w)) {
                tracing::error!("Telegram: update {id} was begun {ATTEMPTS} times in vain");
            }
            kept.waiting.retain(|_, w| !tired(w));
            let updates = kept.waiting.values();
            // By way of text: teloxide's updates borrow their keys, which a value cannot lend.
            updates.filter_map(|w| serde_json::from_str(&w.update.to_string()).ok()).collect()
        });
        left.await.unwrap_or_default()
    }

    /// Writes updates down; returns those that were not taken before. None when the process ends
    /// before they are.
    pub async fn take(&self, updates: Vec<Update>) -> Option<Vec<Update>> {
        if updates.is_empty() {
            return Some(updates);
        }
        let taken = self.changed(move |kept| {
            let mut fresh = Vec::with_capacity(updates.len());
            for update in updates {
                let id = update.id.0;
                if kept.taken.contains(&id) {
                    continue;
                }
                kept.taken.push_back(id);
                let value = serde_json::to_value(&update).unwrap_or_default();
                kept.waiting.insert(id, Waiting { begun: 0, update: value });
                fresh.push(update);
            }
            let old = kept.taken.len().saturating_sub(KNOWN);
            kept.taken.drain(..old);
            fresh
        });
        taken.await
    }

    /// Strikes out what is finished.
    pub async fn done(&self, ids: Vec<u32>) {
        self.changed(move |kept| {
            kept.waiting.retain(|id, _| !ids.contains(id));
        })
        .await;
    }

    /// Changes the list and writes it anew. Where that fails the bot goes on without the file.
    async fn changed<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Kept) -> T + Send + 'static,
    ) -> Option<T> {
        let shared = Arc::clone(&self.0);
        let work = move || {
            let (path, kept) = &*shared;
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let out = change(&mut kept);
            if let Err(error) = write(path, &kept) {
                tracing::warn!("{} cannot be written: {error}", path.display());
            }
            out
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

fn write(path: &std::path::Path, kept: &Kept) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, serde_json::to_vec(kept)?)?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(id: u32) -> Update {
        serde_json::from_value(serde_json::json!({
            "update_id": id,
            "message": {
                "message_id": 1, "date": 1, "text": "x",
                "chat": { "id": 1, "type": "private", "first_name": "A" },
                "from": { "id": 1, "is_bot": false, "first_name": "A" },
            },
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn what_was_not_finished_comes_back_and_what_was_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("telegram.json");
        let pending = Pending::open(path.clone()).await;
        assert!(pending.left().await.is_empty());
        assert_eq!(pending.take((7..10).map(update).collect()).await.unwrap().len(), 3);
        pending.done(vec![8]).await;
        for attempt in 0..=ATTEMPTS {
            let again = Pending::open(path.clone()).await;
            let left = again.left().await;
            let expected: &[Update] =
                if attempt < ATTEMPTS { &[update(7), update(9)] } else { &[] };
            assert_eq!(left, expected);
            // Delivered once more, since Telegram never heard of the end.
            assert!(again.take((7..10).map(update).collect()).await.unwrap().is_empty());
        }
        let again = Pending::open(path).await;
        let take = async |ids: &[u32]| {
            let updates = ids.iter().map(|id| update(*id)).collect();
            let taken = again.take(updates).await.unwrap();
            taken.iter().map(|u| u.id.0).collect::<Vec<_>>()
        };
        // Out of order, twice in one go, and anywhere after a week.
        assert_eq!(take(&[12, 9, 10, 12]).await, [12, 10]);
        assert_eq!(take(&[11, 10, 1_000_000, 5]).await, [11, 1_000_000, 5]);
        let many: Vec<u32> = (2_000_000..).take(KNOWN - 1).collect();
        assert_eq!(take(&many).await, many);
        assert_eq!(take(&[5, 1_000_000, 7]).await, [1_000_000, 7], "only so many are known");
    }
}
