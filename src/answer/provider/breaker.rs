//! A circuit breaker: a server that failed several times in a row is left alone for a while, then
//! tried by one question before all go to it again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Breaker {
    failures: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failed: u32,
    until: Option<Instant>,
    trying: bool,
}

/// Leave to ask a server once. Dropped without a verdict, as when nobody waits for the answer any
/// more, it counts as nothing.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    /// Whether it is the one that tries a server that was left alone.
    trial: bool,
}

impl Breaker {
    /// `failures` of 0 never leaves a server alone.
    pub fn new(failures: u32, pause: Duration) -> Self {
        Self { failures, pause, state: Mutex::default() }
    }

    /// None: the server is left alone.
    pub fn pass(&self) -> Option<Pass<'_>> {
        self.pass_at(Instant::now())
    }

    fn pass_at(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.state();
        if let Some(until) = state.until {
            if now < until || state.trying {
                return None;
            }
            state.trying = true;
        }
        Some(Pass { breaker: self, trial: state.until.is_some() })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    pub fn succeeded(self) {
        *self.breaker.state() = State::default();
    }

    pub fn failed(self) {
        self.failed_at(Instant::now());
    }

    fn failed_at(self, now: Instant) {
        let mut state = self.breaker.state();
        state.failed = state.failed.saturating_add(1);
        if self.breaker.failures > 0 && state.failed >= self.breaker.failures {
            state.until = Some(now + self.breaker.pause);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.trial {
            self.breaker.state().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try() {
        let (pause, now) = (Duration::from_secs(30), Instant::now());
        let breaker = Breaker::new(2, pause);
        let fail = |at| breaker.pass_at(at).unwrap().failed_at(at);
        fail(now);
        breaker.pass_at(now).unwrap().succeeded();
        fail(now);
        drop(breaker.pass_at(now).unwrap());
        fail(now);
        assert!(breaker.pass_at(now).is_none() && breaker.pass_at(now + pause / 2).is_none());
        let later = now + pause;
        let trying = breaker.pass_at(later).unwrap();
        assert!(breaker.pass_at(later).is_none(), "one at a time");
        trying.failed_at(later);
        assert!(breaker.pass_at(later).is_none() && breaker.pass_at(later + pause / 2).is_none());
        drop(breaker.pass_at(later + pause).unwrap());
        breaker
            .pass_at(later + pause)
            .expect("a try that ended in nothing frees its place")
            .succeeded();
        assert!(breaker.pass_at(later).is_some());
        let never = Breaker::new(0, pause);
        (0..9).for_each(|_| never.pass_at(now).unwrap().failed_at(now));
        assert!(never.pass_at(now).is_some());
    }
}
