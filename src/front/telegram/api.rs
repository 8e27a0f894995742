//! Calls to the Bot API: bounded in time, tried again where that can help, and silent about the
//! token, which is part of every address.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use reqwest::Url;
use secrecy::ExposeSecret;
use teloxide::net::default_reqwest_settings;
use teloxide::payloads::SendChatActionSetters;
use teloxide::requests::{HasPayload, Payload, Request, Requester};
use teloxide::types::{ChatAction, ChatId, File, FileId, ThreadId};
use teloxide::{ApiError, Bot, RequestError};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::disk;
use crate::config::TelegramSettings;

/// Longest wait for one call, with the ten seconds that teloxide pauses after a server's error.
const CALL: Duration = Duration::from_secs(30);
/// Longest wait for a file to come or go.
const TRANSFER: Duration = Duration::from_secs(180);
/// Bytes a second that a call with files should bring away, or it is given up.
const SLOWEST: u64 = 300_000;
/// Longest without any of a file.
const STALL: Duration = Duration::from_secs(20);
const CHAT_ACTION: Duration = Duration::from_secs(5);
/// How often a file is tried in all.
const TRIES: u32 = 4;
/// How long a call is made again while Telegram fails, and while it asks to wait or cannot be reached.
const PATIENCE: Duration = Duration::from_secs(120);
const OUTAGE: Duration = Duration::from_secs(30 * 60);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Longest error in the log, in characters.
const TOLD: usize = 200;
/// What Telegram's own server hands out at most (Bot API, getFile).
const TELEGRAM_LIMIT: u64 = 20 * 1024 * 1024;

/// What it takes of a bot at most (Bot API, "Sending files").
const TELEGRAM_TAKES: u64 = 50_000_000;

/// Why a file did not come.
#[derive(Debug, PartialEq, Eq)]
pub enum FetchError {
    /// Telegram has it no more.
    Gone,
    TooLarge,
    Trouble(String),
}

/// A client for one bot; clones share it.
#[derive(Clone)]
pub struct Api {
    bot: Bot,
    /// Whether it is Telegram's own server, with its own limits.
    own: bool,
    /// Where another server keeps the files that it hands out as paths.
    files: PathBuf,
    /// Told when a call was answered as if the token were unknown.
    doubts: Arc<Notify>,
}

/// Whether calls go to Telegram itself and not to a Bot API server of the operator's.
pub fn is_telegrams_own(api_url: &str) -> bool {
    matches!(api_url.trim().trim_end_matches('/'), "" | "https://api.telegram.org")
}

impl Api {
    /// # Errors
    /// A sentence for the operator when address or token cannot be used.
    pub fn new(settings: &TelegramSettings) -> Result<Self, String> {
        let mut client = default_reqwest_settings().timeout(TRANSFER);
        let token = settings.token.expose_secret().trim();
        if token.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/') {
            return Err("telegram.token is not a bot's token; @BotFather hands them out".into());
        }
        let own = is_telegrams_own(&settings.api_url);
        let files = settings.local_files.clone();
        if own && !files.as_os_str().is_empty() {
            return Err("telegram.local_files is for a Bot API server on this machine, which \
                        telegram.api_url must name"
                .into());
        }
        let address = if own {
            None
        } else {
            let parsed = Url::parse(settings.api_url.trim().trim_end_matches('/'));
            let parsed = parsed.ok().filter(|u| !u.cannot_be_a_base());
            let http = parsed.filter(|u| matches!(u.scheme(), "http" | "https"));
            Some(http.ok_or("telegram.api_url must be an http or https address")?)
        };
        // A proxy for the internet cannot reach this machine's own addresses.
        let local = |u: &Url| matches!(u.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if address.as_ref().is_some_and(local) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|e| format!("no HTTP client: {e}"))?;
        let bot = Bot::with_client(token, client);
        let bot = match address {
            None => bot,
            Some(url) => bot.set_api_url(url),
        };
        Ok(Self { bot, own, files, doubts: Arc::default() })
    }

    pub fn bot(&self) -> &Bot {
        &self.bot
    }

    /// The most that can be fetched, where this many bytes are allowed.
    pub fn limit(&self, allowed: u64) -> u64 {
        if self.own { allowed.min(TELEGRAM_LIMIT) } else { allowed }
    }

    /// Calls once.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn once<R>(&self, request: R) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
    {
        self.once_in(CALL, request).await
    }

    /// As [`Api::once`], within this time.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn once_in<R>(&self, limit: Duration, request: R) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
    {
        let called = within(limit, request.send()).await;
        called.inspect_err(|error| self.doubt(error))
    }

    /// Returns when a call was answered as if the token were unknown.
    pub async fn doubted(&self) {
        self.doubts.notified().await;
    }

    fn doubt(&self, error: &RequestError) {
        if is_unknown_token(error) {
            self.doubts.notify_one();
        }
    }

    /// Calls until it is done, waiting as Telegram asks, within bounds.
    ///
    /// # Errors
    /// The last [`RequestError`].
    pub async fn call<R>(&self, request: R) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
    {
        self.tried(request, CALL).await
    }

    /// Whether the server takes a file of so many bytes.
    pub fn takes(&self, bytes: u64) -> bool {
        !self.own || bytes <= TELEGRAM_TAKES
    }

    /// As [`Api::call`], for calls that carry files of so many bytes.
    ///
    /// # Errors
    /// The last [`RequestError`].
    pub async fn upload<R>(&self, request: R, bytes: u64) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
    {
        let carrying = Duration::from_secs(bytes / SLOWEST);
        self.tried(request, (CALL + carrying).min(TRANSFER)).await
    }

    async fn tried<R>(&self, request: R, limit: Duration) -> Result<Output<R>, RequestError>
    where
        R: Request<Err = RequestError> + Send,
    {
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            let sending = request.send_ref();
            let error = match within(limit, sending).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            attempt += 1;
            let (pause, patience) = match &error {
                RequestError::RetryAfter(seconds) => (seconds.duration() + pause(0) / 4, OUTAGE),
                RequestError::Network(_) | RequestError::Io(_) => (pause(attempt), OUTAGE),
                error if transient(error) => (pause(attempt), PATIENCE),
                _ => {
                    self.doubt(&error);
                    return Err(error);
                }
            };
            if begun.elapsed() + pause > patience {
                return Err(error);
            }
            tracing::debug!(?pause, "Telegram: {}", self.told(&error));
            tokio::time::sleep(pause).await;
        }
    }

    /// Shows that work goes on; whether it is seen matters to nobody.
    pub async fn typing(&self, chat: ChatId, thread: Option<ThreadId>) {
        let mut request = self.bot.send_chat_action(chat, ChatAction::Typing);
        if let Some(thread) = thread {
            request = request.message_thread_id(thread);
        }
        let _ = within(CHAT_ACTION, request.send()).await;
    }

    /// Fetches a file of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, id: &FileId, limit: u64) -> Result<Vec<u8>, FetchError> {
        let file = self.call(self.bot.get_file(id.clone())).await;
        let file = file.map_err(|error| match &error {
            RequestError::Api(ApiError::Unknown(text)) if text.contains("too big") => {
                FetchError::TooLarge
            }
            RequestError::Api(_) => FetchError::Gone,
            // A file that expired has no path.
            RequestError::InvalidJson { raw, .. } if raw.contains("\"ok\":true") => {
                FetchError::Gone
            }
            error => FetchError::Trouble(self.told(error)),
        })?;
        if file.meta.size != u32::MAX && u64::from(file.meta.size) > limit {
            return Err(FetchError::TooLarge);
        }
        if !self.own && file.path.starts_with('/') {
            return self.read_local(file.path.clone(), limit).await;
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            let fetched = tokio::time::timeout(TRANSFER, self.body(&file, limit)).await;
            match fetched.unwrap_or_else(|_| Err(FetchError::Trouble("it took too long".into()))) {
                Err(FetchError::Trouble(_)) if attempt < TRIES => {
                    tokio::time::sleep(pause(attempt)).await;
                }
                done => return done,
            }
        }
    }

    async fn read_local(&self, path: String, limit: u64) -> Result<Vec<u8>, FetchError> {
        let root = self.files.clone();
        let reading = move || disk::read(&root, path.as_ref(), limit);
        let read = tokio::time::timeout(TRANSFER, tokio::task::spawn_blocking(reading)).await;
        let trouble = |text: &str| Err(FetchError::Trouble(text.into()));
        match read {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => trouble("reading a file broke off"),
            Err(_) => trouble("it took too long"),
        }
    }

    async fn body(&self, file: &File, limit: u64) -> Result<Vec<u8>, FetchError> {
        let trouble = |e: &dyn Display| FetchError::Trouble(self.told(e));
        let mut url = self.bot.api_url();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("file").push(&format!("bot{}", self.bot.token()));
            path.extend(file.path.split('/').filter(|part| !part.is_empty()));
        }
        let stalled = |_| FetchError::Trouble("it came to a halt".into());
        let response = tokio::time::timeout(STALL, self.bot.client().get(url).send()).await;
        let mut response = response.map_err(stalled)?.map_err(|e| trouble(&e.without_url()))?;
        match response.status().as_u16() {
            200 => {}
            400 | 404 | 410 => return Err(FetchError::Gone),
            status => return Err(FetchError::Trouble(format!("status {status}"))),
        }
        let mut bytes = Vec::new();
        loop {
            let chunk = tokio::time::timeout(STALL, response.chunk()).await.map_err(stalled)?;
            let Some(chunk) = chunk.map_err(|e| trouble(&e.without_url()))? else { break };
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// An error as it may be logged: its beginning, for it may hold what users wrote.
    pub fn told(&self, error: &dyn Display) -> String {
        let mut text = error.to_string();
        if !self.bot.token().is_empty() {
            text = text.replace(self.bot.token(), "<token>");
        }
        match text.char_indices().nth(TOLD) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

type Output<R> = <<R as HasPayload>::Payload as Payload>::Output;

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, RequestError>>,
) -> Result<T, RequestError> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        Err(RequestError::Io(Arc::new(io::Error::from(io::ErrorKind::TimedOut))))
    })
}

/// Whether the same call may succeed a little later.
pub fn transient(error: &RequestError) -> bool {
    match error {
        RequestError::Network(_) | RequestError::Io(_) => true,
        // A proxy's page in place of an answer.
        RequestError::InvalidJson { raw, .. } => !raw.contains("\"ok\""),
        RequestError::Api(ApiError::Unknown(text)) => {
            ["Internal Server Error", "Bad Gateway", "Gateway Timeout", "Service Unavailable"]
                .iter()
                .any(|trouble| text.contains(trouble))
        }
        _ => false,
    }
}

/// Whether Telegram does not know the token, or what it stands in front of was not found.
pub fn is_unknown_token(error: &RequestError) -> bool {
    matches!(error, RequestError::Api(ApiError::InvalidToken))
}

/// Whether nothing that is sent to this chat can arrive any more.
pub fn unreachable(error: &RequestError) -> bool {
    use ApiError as E;
    match error {
        RequestError::Api(E::Unknown(text)) => text.starts_with("Forbidden"),
        RequestError::Api(error) => matches!(
            error,
            E::BotBlocked
                | E::BotKicked
                | E::BotKickedFromSupergroup
                | E::BotKickedFromChannel
                | E::ChatNotFound
                | E::UserDeactivated
                | E::GroupDeactivated
                | E::CantInitiateConversation
                | E::CantTalkWithBots
        ),
        _ => false,
    }
}

/// A pause that grows with every failure, with jitter so that many do not come back at once.
pub fn pause(failures: u32) -> Duration {
    let whole = Duration::from_millis(500).saturating_mul(1 << failures.min(8));
    whole.min(LONGEST_PAUSE).mul_f64(rand::rng().random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_bounds() {
        assert!(pause(0) < Duration::from_millis(501));
        assert!(pause(3) >= Duration::from_secs(2));
        assert!(pause(u32::MAX) <= LONGEST_PAUSE);
    }

    #[test]
    fn what_cannot_be_an_address_or_a_token_is_refused_without_naming_it() {
        let api = |token: &str, url: &str, files: &str| {
            Api::new(&TelegramSettings {
                token: token.to_owned().into(),
                api_url: url.into(),
                local_files: files.into(),
                ..TelegramSettings::default()
            })
        };
        for url in ["nonsense", "ftp://x", "mailto:a@b"] {
            assert!(api("12:abc", url, "").is_err(), "{url}");
        }
        let Err(told) = api("a b\nsecret", "", "") else { panic!() };
        assert!(!told.contains("secret"), "{told}");
        let Err(told) = api("12:abc", "https://api.telegram.org/", "/srv") else { panic!() };
        assert!(told.contains("telegram.local_files"), "{told}");
        let local = api("12:abc", "http://127.0.0.1:1/", "").unwrap();
        assert_eq!(local.told(&"at /bot12:abc/x"), "at /bot<token>/x");
        assert_eq!(local.limit(1 << 30), 1 << 30);
        for own in ["", "https://api.telegram.org/"] {
            assert_eq!(api("12:abc", own, "").unwrap().limit(1 << 30), TELEGRAM_LIMIT);
        }
    }
}
