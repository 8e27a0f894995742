//! What the bot remembers of a conversation: the last photo's vector and matches, the last
//! turns, and what the buttons it showed stand for.
//!
//! One session belongs to one user in one chat. It lives in memory only, is bounded in size and
//! forgotten some time after the last message.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use rand::RngExt;
use tokio::sync::Mutex;

use super::apart::Waiting;
use super::feedback::Judged;
use super::kb::{Draft, PreparedPhoto};
use super::reply::{Platform, Request};
use crate::answer::Turn;
use crate::catalogue::ImageId;
use crate::clip::Embedding;
use crate::config::BotSettings;

/// Buttons that stay good in a session.
const PRESSES: usize = 16;
/// What an empty session counts for, in bytes.
const BASE: usize = 4096;

/// Who talks where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    platform: Platform,
    space: String,
    chat: String,
    user: String,
}

impl Key {
    pub fn new(platform: Platform, space: &str, chat: &str, user: &str) -> Self {
        Self { platform, space: space.into(), chat: chat.into(), user: user.into() }
    }

    pub fn of(request: &Request) -> Self {
        Self::new(request.platform, &request.space, &request.chat, &request.user)
    }
}

/// A match as it is remembered; its product is read again when it is needed.
#[derive(Debug, Clone)]
pub struct Found {
    pub product: String,
    pub image: ImageId,
    pub score: f32,
}

/// The photo a conversation is about.
#[derive(Debug, Clone)]
pub struct Seen {
    pub vector: Embedding,
    /// As it is sent to a vision model; empty when there is none.
    pub jpeg: Arc<[u8]>,
    pub found: Vec<Found>,
    pub confident: bool,
    /// Matches the user has said it is not.
    pub rejected: usize,
    /// Whether the user has said that it is the first of them, by its id or when asked which it is.
    pub chosen: bool,
    /// Ids of the best matches that the photo cannot tell apart, until somebody was asked.
    pub alike: Vec<String>,
}

/// What a button does when it is pressed.
#[derive(Debug, Clone)]
pub enum Press {
    /// "Not this one", about the question asked.
    Next {
        question: String,
    },
    /// It is this one of the look-alikes.
    Choose {
        product: String,
        waiting: Waiting,
    },
    /// It is none of them.
    Neither(Waiting),
    Feedback(Arc<Judged>, bool),
    /// Keep this verdict, and those that follow in this conversation.
    Consent(Arc<Judged>, bool),
    /// Keep no verdict.
    Decline,
    /// Add although a near-duplicate exists.
    AddAnyway(Arc<(Draft, Vec<PreparedPhoto>)>),
    Remove(String),
    Cancel,
    LoadSample,
}

/// One conversation.
#[derive(Debug, Default)]
pub struct Session {
    pub seen: Option<Seen>,
    pub turns: VecDeque<Turn>,
    /// The user agreed that verdicts are kept.
    pub consented: bool,
    /// What is to be answered when it is clear which of the look-alikes it is about.
    pub waiting: Option<Waiting>,
    presses: VecDeque<(String, Press)>,
}

impl Session {
    /// An action for a button; the oldest ones stop working.
    pub fn offer(&mut self, press: Press) -> String {
        let action = format!("{:016x}", rand::rng().random::<u64>());
        // A waiting addition holds photos: one at a time.
        if matches!(press, Press::AddAnyway(_)) {
            self.presses.retain(|(_, p)| !matches!(p, Press::AddAnyway(_)));
        }
        // The last answer is the one that is about the wrong product.
        if matches!(press, Press::Next { .. }) {
            self.presses.retain(|(_, p)| !matches!(p, Press::Next { .. }));
        }
        // One verdict at a time is asked about.
        if matches!(press, Press::Consent(..)) {
            self.presses.retain(|(_, p)| !matches!(p, Press::Consent(..) | Press::Decline));
        }
        self.presses.push_back((action.clone(), press));
        while self.presses.len() > PRESSES {
            self.presses.pop_front();
        }
        action
    }

    /// Another photo is what is talked about from now on: buttons about the one before stop working.
    pub fn see(&mut self, seen: Seen) {
        self.waiting = None;
        let about_it = |press: &Press| {
            matches!(press, Press::Next { .. } | Press::Choose { .. } | Press::Neither(_))
        };
        self.presses.retain(|(_, press)| !about_it(press));
        self.seen = Some(seen);
    }

    /// Whether an action stands for anything.
    pub fn offers(&self, action: &str) -> bool {
        self.presses.iter().any(|(known, _)| known == action)
    }

    /// What an action stands for. Feedback can be given again; anything else works once.
    pub fn press(&mut self, action: &str) -> Option<Press> {
        let at = self.presses.iter().position(|(a, _)| a == action)?;
        match self.presses.get(at) {
            Some((_, press @ Press::Feedback(..))) => Some(press.clone()),
            _ => self.presses.remove(at).map(|(_, press)| press),
        }
    }

    /// Remembers an exchange, the newest `most` of them.
    pub fn remember(&mut self, turn: Turn, most: usize) {
        self.turns.push_back(turn);
        while self.turns.len() > most {
            self.turns.pop_front();
        }
    }

    /// About how much memory it takes, in bytes.
    fn weight(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, |s| s.jpeg.len() + s.vector.len() * 4);
        let turns: usize = self.turns.iter().map(|t| t.question.len() + t.answer.len()).sum();
        let waiting: usize = self.presses.iter().map(|(_, p)| p.weight()).sum();
        BASE + seen + turns + waiting
    }
}

impl Press {
    fn weight(&self) -> usize {
        match self {
            Self::AddAnyway(add) => add.1.iter().map(PreparedPhoto::weight).sum(),
            _ => 0,
        }
    }
}

/// A session with the size it had when it was last kept.
type Kept = (Arc<Mutex<Session>>, u32);

/// All conversations.
pub struct Sessions {
    kept: Cache<Key, Kept>,
}

impl Sessions {
    pub fn new(settings: &BotSettings) -> Self {
        let kept = Cache::builder()
            .max_capacity(settings.session_mb.saturating_mul(1 << 20))
            .weigher(|_, (_, weight): &Kept| *weight)
            .time_to_idle(Duration::from_secs(settings.session_minutes.saturating_mul(60)))
            .build();
        Self { kept }
    }

    /// The session of this user here, a new one if there is none. Holding its lock keeps the
    /// user's requests in order.
    pub fn of(&self, key: &Key) -> Arc<Mutex<Session>> {
        self.kept.get_with_by_ref(key, || (Arc::default(), BASE as u32)).0
    }

    /// The session of this user here, if there is one.
    pub fn known(&self, key: &Key) -> Option<Arc<Mutex<Session>>> {
        self.kept.get(key).map(|(session, _)| session)
    }

    /// Counts a session's size anew after it changed, unless it was forgotten meanwhile.
    pub fn keep(&self, key: &Key, session: &Arc<Mutex<Session>>, now: &Session) {
        let weight = u32::try_from(now.weight()).unwrap_or(u32::MAX);
        if self.kept.get(key).is_some_and(|(kept, _)| Arc::ptr_eq(&kept, session)) {
            self.kept.insert(key.clone(), (Arc::clone(session), weight));
        }
    }

    /// Drops a session at once.
    pub fn forget(&self, key: &Key) {
        self.kept.invalidate(key);
    }

    #[cfg(test)]
    pub fn bytes(&self) -> u64 {
        self.kept.run_pending_tasks();
        self.kept.weighted_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: usize) -> Seen {
        Seen {
            vector: Embedding::new(vec![1.0, 0.0]).unwrap(),
            jpeg: vec![0; bytes].into(),
            found: Vec::new(),
            confident: false,
            rejected: 0,
            chosen: false,
            alike: Vec::new(),
        }
    }

    #[test]
    fn conversations_are_apart_and_bounded_in_memory() {
        let settings = BotSettings { session_mb: 1, ..BotSettings::default() };
        let sessions = Sessions::new(&settings);
        for user in 0..50 {
            let key = Key::new(Platform::Web, "s", "c", &user.to_string());
            let session = sessions.of(&key);
            let mut now = session.try_lock().unwrap();
            assert!(now.seen.is_none());
            now.seen = Some(seen(100_000));
            sessions.keep(&key, &session, &now);
        }
        assert!(sessions.bytes() <= 1 << 20);
    }

    #[test]
    fn a_forgotten_session_does_not_come_back() {
        let sessions = Sessions::new(&BotSettings::default());
        let key = Key::new(Platform::Web, "s", "c", "u");
        let session = sessions.of(&key);
        let mut now = session.try_lock().unwrap();
        now.seen = Some(seen(10));
        sessions.forget(&key);
        sessions.keep(&key, &session, &now);
        assert!(sessions.of(&key).try_lock().unwrap().seen.is_none());
    }

    #[test]
    fn a_button_works_once_and_feedback_can_change() {
        let mut session = Session::default();
        let cancel = session.offer(Press::Cancel);
        assert!(session.press(&cancel).is_some() && session.press(&cancel).is_none());
        let judged = Arc::default();
        let good = session.offer(Press::Feedback(judged, true));
        assert!(session.press(&good).is_some() && session.press(&good).is_some());
        // Keeping or not keeping a verdict is one question, and the last one counts.
        let ask = |session: &mut Session| {
            let keep = session.offer(Press::Consent(Arc::default(), true));
            (keep, session.offer(Press::Decline))
        };
        let first = ask(&mut session);
        let second = ask(&mut session);
        assert!(session.press(&first.0).is_none() && session.press(&first.1).is_none());
        assert!(session.press(&second.0).is_some());
        for _ in 0..PRESSES {
            session.offer(Press::Cancel);
        }
        assert!(session.press(&good).is_none());
    }
}
