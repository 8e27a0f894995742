//! The order in which one person's requests in one place are worked on: the order they were sent in.
//!
//! Every event is a task of its own, and a photo takes its time to come; a question sent right after it
//! must not be answered before it is there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Requests of one person in one place that wait or are worked on; more are turned away.
const MOST: usize = 16;

/// A channel and a user.
pub type Place = (u64, u64);

/// Everybody's turns.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<Place, Last>>);

/// Who came last.
struct Last {
    ended: CancellationToken,
    /// As often as there are turns, and once more.
    queue: Arc<()>,
}

/// A place in the order, given up when it is dropped.
pub struct Turn {
    before: Option<CancellationToken>,
    ended: CancellationToken,
    queue: Arc<()>,
    place: Place,
    turns: Arc<Turns>,
}

impl Turns {
    /// The next turn here; none when too many are waiting.
    pub fn take(self: &Arc<Self>, place: Place) -> Option<Turn> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = CancellationToken::new();
        let last = all.get_mut(&place);
        if last.as_ref().is_some_and(|last| Arc::strong_count(&last.queue) > MOST) {
            return None;
        }
        let (before, queue) = match last {
            Some(last) => {
                let before = std::mem::replace(&mut last.ended, ended.clone());
                (Some(before), Arc::clone(&last.queue))
            }
            None => {
                let queue = Arc::new(());
                let last = Last { ended: ended.clone(), queue: Arc::clone(&queue) };
                all.insert(place, last);
                (None, queue)
            }
        };
        Some(Turn { before, ended, queue, place, turns: Arc::clone(self) })
    }

    /// Whether something is worked on here, or waits.
    pub fn any(&self, place: Place) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&place)
    }
}

impl Turn {
    /// Waits until those before have ended.
    pub async fn come(&self) {
        if let Some(before) = &self.before {
            before.cancelled().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut all = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::strong_count(&self.queue) == 2 {
            all.remove(&self.place);
        }
        self.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_in_the_order_they_were_taken() {
        let turns = Arc::new(Turns::default());
        let (one, two) = (turns.take((1, 2)).unwrap(), turns.take((1, 2)).unwrap());
        turns.take((1, 3)).unwrap().come().await;
        one.come().await;
        let waiting = tokio::spawn(async move { two.come().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(one);
        waiting.await.unwrap();
        assert!(turns.0.lock().unwrap().is_empty());
    }

    #[test]
    fn only_so_many_wait() {
        let turns = Arc::new(Turns::default());
        let taken: Vec<_> = (0..MOST).map(|_| turns.take((1, 2)).unwrap()).collect();
        assert!(turns.take((1, 2)).is_none());
        assert!(turns.take((2, 2)).is_some());
        drop(taken);
        assert!(turns.take((1, 2)).is_some());
    }
}
