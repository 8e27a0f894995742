//! How much anybody may ask: rates per user and in all, requests at once, and each message
//! answered once.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reply::{Platform, Request};
use crate::config::BotSettings;

/// A platform may deliver a message again for some minutes.
const REMEMBERED: Duration = Duration::from_secs(600);
const DELIVERIES: u64 = 100_000;
/// Requests after which users who have been quiet are forgotten by the rate limiter.
const SWEEP: u32 = 1024;

type User = (Platform, String);

pub struct Limits {
    users: DefaultKeyedRateLimiter<User>,
    all: DefaultDirectRateLimiter,
    clock: DefaultClock,
    slots: Arc<Semaphore>,
    seen: Cache<(Platform, String, String), ()>,
    admitted: AtomicU32,
}

/// Over a limit: seconds until trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub u64);

impl Limits {
    pub fn new(settings: &BotSettings) -> Self {
        let per_minute = |n: u32| Quota::per_minute(NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN));
        let burst = NonZeroU32::new(settings.user_burst).unwrap_or(NonZeroU32::MIN);
        Self {
            users: RateLimiter::keyed(per_minute(settings.user_per_minute).allow_burst(burst)),
            all: RateLimiter::direct(per_minute(settings.total_per_minute)),
            clock: DefaultClock::default(),
            slots: Arc::new(Semaphore::new(settings.concurrent.min(Semaphore::MAX_PERMITS))),
            seen: Cache::builder().max_capacity(DELIVERIES).time_to_live(REMEMBERED).build(),
            admitted: AtomicU32::new(0),
        }
    }

    /// Counts a request of this user.
    ///
    /// # Errors
    /// [`Wait`] when the user or all users together are over their rate.
    pub fn admit(&self, platform: Platform, user: &str) -> Result<(), Wait> {
        if self.admitted.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.users.retain_recent();
        }
        let wait = |until: governor::NotUntil<_>| {
            Wait(until.wait_time_from(self.clock.now()).as_secs_f64().ceil().max(1.0) as u64)
        };
        self.users.check_key(&(platform, user.to_owned())).map_err(wait)?;
        self.all.check().map_err(wait)
    }

    /// A place among the requests in work; none when all are taken.
    pub fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Whether this delivery was not seen before.
    pub fn is_new(&self, request: &Request) -> bool {
        if request.delivery.is_empty() {
            return true;
        }
        let key = (request.platform, request.chat.clone(), request.delivery.clone());
        self.seen.entry(key).or_insert(()).is_fresh()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_rate_and_all_share_one() {
        let settings = BotSettings {
            user_per_minute: 1,
            user_burst: 2,
            total_per_minute: 4,
            ..BotSettings::default()
        };
        let limits = Limits::new(&settings);
        let ask = |user| limits.admit(Platform::Web, user);
        assert!(ask("a").is_ok() && ask("a").is_ok());
        assert!((1..=60).contains(&ask("a").unwrap_err().0));
        assert!(ask("b").is_ok() && ask("b").is_ok());
        assert!((1..=15).contains(&ask("c").unwrap_err().0));
    }

    #[test]
    fn a_message_is_new_once() {
        let limits = Limits::new(&BotSettings::default());
        let mut request = Request::new(Platform::Telegram, "g", "c", "u");
        assert!(limits.is_new(&request) && limits.is_new(&request));
        request.delivery = "17".into();
        assert!(limits.is_new(&request) && !limits.is_new(&request));
        request.chat = "d".into();
        assert!(limits.is_new(&request));
    }
}
