//! One queue a chat: chats in parallel, each in its own order, and all of it bounded.
//!
//! The pictures of an album come as messages of their own. They wait in the queue until no more
//! of them come.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use teloxide::types::{CallbackQuery, InlineQuery, MediaGroupId, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Chats worked on at once.
const AT_ONCE: usize = 64;
/// Updates taken and not finished; more wait on Telegram's side.
const ROOM: usize = 512;
/// Those of one chat; more are dropped, so that one chat cannot fill the room.
const CHAT: usize = 64;
/// The quiet after which an album is whole.
const ALBUM: Duration = Duration::from_millis(700);

/// Something to be worked on.
#[derive(Debug)]
pub enum Work {
    /// A message, or all of an album.
    Messages(Vec<Message>),
    Press(Box<CallbackQuery>),
    Inline(Box<InlineQuery>),
}

/// Work with the updates it came in.
#[derive(Debug)]
pub struct Job {
    pub work: Work,
    pub updates: Vec<u32>,
    room: Vec<OwnedSemaphorePermit>,
    last: Instant,
}

impl Job {
    fn album(&self) -> Option<&MediaGroupId> {
        match &self.work {
            Work::Messages(messages) => {
                messages.first().filter(|m| m.edit_date().is_none())?.media_group_id()
            }
            _ => None,
        }
    }

    /// When nothing more can belong to it.
    fn due(&self) -> Option<Instant> {
        self.album().map(|_| self.last + ALBUM)
    }
}

/// Works on jobs.
pub trait Worker: Send + Sync + 'static {
    fn work(self: Arc<Self>, job: Job) -> impl Future<Output = ()> + Send;
}

/// All queues; clones are handles to the same ones.
pub struct Queues<W> {
    worker: Arc<W>,
    chats: Arc<Mutex<HashMap<i64, VecDeque<Job>>>>,
    room: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl<W> Clone for Queues<W> {
    fn clone(&self) -> Self {
        Self {
            worker: Arc::clone(&self.worker),
            chats: Arc::clone(&self.chats),
            room: Arc::clone(&self.room),
            at_once: Arc::clone(&self.at_once),
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
        }
    }
}

impl<W: Worker> Queues<W> {
    pub fn new(worker: Arc<W>, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            worker,
            chats: Arc::default(),
            room: Arc::new(Semaphore::new(ROOM)),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            tasks,
            stop,
        }
    }

    /// Queues work for a chat once there is room; false when that chat has too much waiting.
    pub async fn push(&self, chat: i64, work: Work, update: u32) -> bool {
        let room = tokio::select! {
            room = Arc::clone(&self.room).acquire_owned() => room,
            // What waits is left, and this with it.
            () = self.stop.cancelled() => return true,
        };
        let Ok(room) = room else { return false };
        let job = Job { work, updates: vec![update], room: vec![room], last: Instant::now() };
        let mut chats = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = !chats.contains_key(&chat);
        let queue = chats.entry(chat).or_default();
        let whole = job.album().and_then(|id| queue.iter().position(|j| j.album() == Some(id)));
        if let Some(whole) = whole.and_then(|at| queue.get_mut(at)) {
            whole.join(job);
            return true;
        }
        if queue.len() >= CHAT {
            return false;
        }
        queue.push_back(job);
        drop(chats);
        if idle {
            let queues = self.clone();
            self.tasks.spawn(async move { queues.run(chat).await });
        }
        true
    }

    /// Works off a chat's queue. What has not begun when the bot stops is left.
    async fn run(self, chat: i64) {
        loop {
            if self.stop.is_cancelled() {
                return;
            }
            let due = {
                let mut chats = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
                match chats.get(&chat).and_then(VecDeque::front) {
                    None => {
                        chats.remove(&chat);
                        return;
                    }
                    Some(job) => job.due().filter(|due| *due > Instant::now()),
                }
            };
            if let Some(due) = due {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = self.stop.cancelled() => {}
                }
                continue;
            }
            let Ok(_slot) = self.at_once.acquire().await else { return };
            if self.stop.is_cancelled() {
                return;
            }
            let job = {
                let mut chats = self.chats.lock().unwrap_or_else(PoisonError::into_inner);
                chats.get_mut(&chat).and_then(VecDeque::pop_front)
            };
            let Some(job) = job else { continue };
            let worker = Arc::clone(&self.worker);
            // In a task of its own: one that panics must not take the chat's queue with it.
            if let Err(error) = self.tasks.spawn(async move { worker.work(job).await }).await {
                tracing::error!("Telegram: a chat's work broke off: {error}");
            }
        }
    }
}

impl Job {
    fn join(&mut self, other: Self) {
        if let (Work::Messages(all), Work::Messages(more)) = (&mut self.work, other.work) {
            all.extend(more);
            all.sort_by_key(|m| m.id.0);
        }
        self.updates.extend(other.updates);
        self.room.extend(other.room);
        self.last = other.last;
    }
}
