//! Updates that are taken and not finished yet, in a small file beside the catalogue.
//!
//! Telegram forgets an update once a later one is asked for. What was taken is written down
//! first and struck out when it has been answered, so that a bot that breaks off in between
//! answers it after the next start. The messages of an answer are written down as well: of one that
//! broke off in the middle they are taken back, so that it stands in the chat once.
//!
//! The file is a journal, a JSON object a line, begun anew when most of it is over.

use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use teloxide::types::{ChatId, MessageId, Update};

/// How often an update is begun before it is given up: one that brings the process down
/// would do so for ever.
const ATTEMPTS: u32 = 3;
/// Updates that are known again when they come again. A webhook's come out of order, so the
/// highest number says nothing about the others.
const KNOWN: usize = 1024;
/// Lines after which the journal is begun anew.
const LINES: usize = 4096;

/// The journal cannot be written, so nothing can be promised.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written: {error}", path.display())]
pub struct Unwritten {
    path: PathBuf,
    error: io::Error,
}

/// The list; clones are handles to the same one.
#[derive(Clone)]
pub struct Pending(Arc<(PathBuf, Mutex<Kept>)>);

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// Taken, or when the journal begins anew taken before.
    Taken(u32),
    Waiting {
        id: u32,
        begun: u32,
        update: Value,
    },
    Said {
        id: u32,
        message: (i64, i32),
    },
    Done(Vec<u32>),
}

#[derive(Default)]
struct Kept {
    /// Those that were taken last, oldest first.
    taken: VecDeque<u32>,
    waiting: BTreeMap<u32, Waiting>,
    /// Lines in the file; none while it does not hold what is kept here.
    lines: Option<usize>,
}

struct Waiting {
    begun: u32,
    update: Value,
    /// Messages of an answer that is not finished.
    said: Vec<(i64, i32)>,
}

impl Pending {
    /// Reads what an earlier run left.
    pub async fn open(path: PathBuf) -> Self {
        let mut kept = Kept::default();
        let text = tokio::fs::read_to_string(&path).await.unwrap_or_default();
        for line in text.lines() {
            match serde_json::from_str(line) {
                Ok(line) => kept.take(line),
                // The last one, where the process was killed while it wrote.
                Err(error) => tracing::warn!("a line of {} is lost: {error}", path.display()),
            }
        }
        Self(Arc::new((path, Mutex::new(kept))))
    }

    /// What an earlier run did not finish, oldest first.
    pub async fn left(&self) -> Vec<Update> {
        let left = self.with(|kept, path| {
            kept.waiting.values_mut().for_each(|w| w.begun += 1);
            let tired = |w: &Waiting| w.begun > ATTEMPTS;
            for (id, _) in kept.waiting.iter().filter(|(_, w)| tired(w)) {
                tracing::error!("Telegram: update {id} was begun {ATTEMPTS} times in vain");
            }
            kept.waiting.retain(|_, w| !tired(w));
            kept.lines = None;
            let updates = kept.waiting.values();
            // By way of text: teloxide's updates borrow their keys, which a value cannot lend.
            let updates = updates.filter_map(|w| serde_json::from_str(&w.update.to_string()).ok());
            let updates = updates.collect();
            warned(kept.write(path, &[]));
            updates
        });
        left.await.unwrap_or_default()
    }

    /// Writes updates down; returns those that were not taken before. None when the process ends
    /// before they are.
    ///
    /// # Errors
    /// [`Unwritten`], and then none of them is taken.
    pub async fn take(&self, updates: Vec<Update>) -> Option<Result<Vec<Update>, Unwritten>> {
        if updates.is_empty() {
            return Some(Ok(updates));
        }
        let taken = self.with(move |kept, path| {
            let mut fresh = Vec::with_capacity(updates.len());
            let mut lines = Vec::with_capacity(updates.len());
            for update in updates {
                let id = update.id.0;
                if kept.taken.contains(&id) || fresh.iter().any(|u: &Update| u.id.0 == id) {
                    continue;
                }
                let value = serde_json::to_value(&update).unwrap_or_default();
                lines.push(Line::Taken(id));
                lines.push(Line::Waiting { id, begun: 0, update: value });
                fresh.push(update);
            }
            kept.write(path, &lines)?;
            lines.into_iter().for_each(|line| kept.take(line));
            Ok(fresh)
        });
        taken.await
    }

    /// Notes a message of the answer to an update.
    pub async fn said(&self, id: u32, chat: ChatId, message: MessageId) {
        let line = Line::Said { id, message: (chat.0, message.0) };
        self.noted(line).await;
    }

    /// The messages of an answer to these updates that broke off.
    pub fn half_said(&self, ids: &[u32]) -> Vec<(ChatId, MessageId)> {
        let kept = self.lock();
        let waiting = ids.iter().filter_map(|id| kept.waiting.get(id));
        waiting.flat_map(|w| &w.said).map(|(chat, id)| (ChatId(*chat), MessageId(*id))).collect()
    }

    /// Strikes out what is finished.
    pub async fn done(&self, ids: Vec<u32>) {
        self.noted(Line::Done(ids)).await;
    }

    /// Notes what happened in any case: what cannot be written now is written with what comes next.
    async fn noted(&self, line: Line) {
        self.with(move |kept, path| {
            let lines = [line];
            warned(kept.write(path, &lines));
            lines.into_iter().for_each(|line| kept.take(line));
        })
        .await;
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Kept, &PathBuf) -> T + Send + 'static,
    ) -> Option<T> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&mut this.lock(), &this.0.0)).await.ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn take(&mut self, line: Line) {
        match line {
            Line::Taken(id) => {
                self.taken.push_back(id);
                let old = self.taken.len().saturating_sub(KNOWN);
                self.taken.drain(..old);
            }
            Line::Waiting { id, begun, update } => {
                self.waiting.insert(id, Waiting { begun, update, said: Vec::new() });
            }
            Line::Said { id, message } => {
                if let Some(waiting) = self.waiting.get_mut(&id) {
                    waiting.said.push(message);
                }
            }
            Line::Done(ids) => self.waiting.retain(|id, _| !ids.contains(id)),
        }
    }

    /// Writes lines behind the others, or all anew.
    fn write(&mut self, path: &PathBuf, more: &[Line]) -> Result<(), Unwritten> {
        let appended = match self.lines {
            Some(lines) if lines < LINES => {
                let appended = append(path, more);
                self.lines = appended.is_ok().then_some(lines + more.len());
                appended
            }
            _ => Err(io::Error::other("it is begun anew")),
        };
        let written = appended.or_else(|_| self.rewrite(path, more));
        written.map_err(|error| Unwritten { path: path.clone(), error })
    }

    fn rewrite(&mut self, path: &PathBuf, more: &[Line]) -> io::Result<()> {
        let taken = self.taken.iter().map(|id| Line::Taken(*id));
        let waiting = self.waiting.iter().flat_map(|(id, w)| {
            let waiting = Line::Waiting { id: *id, begun: w.begun, update: w.update.clone() };
            let said = w.said.iter().map(|message| Line::Said { id: *id, message: *message });
            [waiting].into_iter().chain(said)
        });
        let all: Vec<Line> = taken.chain(waiting).collect();
        let new = path.with_extension("new");
        std::fs::write(&new, [text(&all)?, text(more)?].concat())?;
        std::fs::rename(&new, path)?;
        self.lines = Some(all.len() + more.len());
        Ok(())
    }
}

fn append(path: &PathBuf, lines: &[Line]) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(&text(lines)?)
}

fn text(lines: &[Line]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    Ok(text)
}

fn warned(written: Result<(), Unwritten>) {
    if let Err(unwritten) = written {
        tracing::warn!("Telegram: {unwritten}");
    }
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

    async fn take(pending: &Pending, ids: &[u32]) -> Option<Vec<u32>> {
        let updates = ids.iter().map(|id| update(*id)).collect();
        let taken = pending.take(updates).await.unwrap().ok()?;
        Some(taken.iter().map(|u| u.id.0).collect())
    }

    #[tokio::test]
    async fn what_was_not_finished_comes_back_and_what_was_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("telegram.jsonl");
        let pending = Pending::open(path.clone()).await;
        assert!(pending.left().await.is_empty());
        assert_eq!(take(&pending, &[7, 8, 9]).await.unwrap(), [7, 8, 9]);
        pending.said(8, ChatId(1), MessageId(2)).await;
        pending.said(9, ChatId(1), MessageId(3)).await;
        pending.done(vec![8]).await;
        for attempt in 0..=ATTEMPTS {
            let again = Pending::open(path.clone()).await;
            let left = again.left().await;
            let tried = attempt < ATTEMPTS;
            let expected: &[Update] = if tried { &[update(7), update(9)] } else { &[] };
            assert_eq!(left, expected);
            let said = again.half_said(&[7, 8, 9]);
            let expected: &[_] = if tried { &[(ChatId(1), MessageId(3))] } else { &[] };
            assert_eq!(said, expected);
            // Delivered once more, since Telegram never heard of the end.
            assert!(take(&again, &[7, 8, 9]).await.unwrap().is_empty());
        }
        let again = Pending::open(path).await;
        // Out of order, twice in one go, and anywhere after a week.
        assert_eq!(take(&again, &[12, 9, 10, 12]).await.unwrap(), [12, 10]);
        assert_eq!(take(&again, &[11, 10, 1_000_000, 5]).await.unwrap(), [11, 1_000_000, 5]);
        let many: Vec<u32> = (2_000_000..).take(KNOWN - 1).collect();
        assert_eq!(take(&again, &many).await.unwrap(), many);
        assert_eq!(take(&again, &[5, 1_000_000, 7]).await.unwrap(), [1_000_000, 7]);
    }

    #[tokio::test]
    async fn the_journal_stays_small_and_survives_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("telegram.jsonl");
        let pending = Pending::open(path.clone()).await;
        assert_eq!(take(&pending, &[1]).await.unwrap(), [1]);
        for id in 2..LINES as u32 {
            take(&pending, &[id]).await.unwrap();
            pending.done(vec![id]).await;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= LINES + 2, "{}", text.lines().count());
        std::fs::write(&path, format!("{text}{{\"done\":[1")).unwrap();
        let again = Pending::open(path.clone()).await;
        assert_eq!(again.left().await, [update(1)]);
        again.done(vec![1]).await;
        assert!(Pending::open(path).await.left().await.is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("data");
        let path = place.join("telegram.jsonl");
        let pending = Pending::open(path.clone()).await;
        assert_eq!(take(&pending, &[1]).await, None);
        std::fs::create_dir(&place).unwrap();
        assert_eq!(take(&pending, &[1, 2]).await.unwrap(), [1, 2]);
        // What is finished meanwhile is written with what comes next.
        std::fs::rename(&place, dir.path().join("away")).unwrap();
        pending.done(vec![1]).await;
        assert_eq!(take(&pending, &[3]).await, None);
        std::fs::rename(dir.path().join("away"), &place).unwrap();
        assert_eq!(take(&pending, &[3]).await.unwrap(), [3]);
        assert_eq!(Pending::open(path).await.left().await, [update(2), update(3)]);
    }
}
