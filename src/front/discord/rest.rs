//! The calls to Discord's REST API, each bounded in time, repeated a few times at most, and kept
//! within Discord's limits.
//!
//! serenity's own limiter sends past a configured proxy (`Ratelimiter::perform` builds its
//! requests without one), and without it a 429's `Retry-After` is lost; so these calls are made
//! here, the same way whether there is a proxy or not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use serenity::constants::USER_AGENT as AGENT;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const DISCORD: &str = "https://discord.com";
const CONNECT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait for Discord to take an acknowledgement, which is worth nothing after three seconds: time
/// for two calls.
const ACKNOWLEDGE: Duration = Duration::from_millis(1300);
/// Bytes a second that a call with files should bring away, or it is given up.
const SLOWEST: u64 = 128 << 10;
/// Longest that a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3 * 60);
/// How long a call is made again while Discord fails, and while it cannot be reached. The second is
/// shorter than an interaction's token lives.
const FAILING: Duration = Duration::from_secs(90);
const OUTAGE: Duration = Duration::from_secs(10 * 60);
const BACKOFF: Duration = Duration::from_millis(400);
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);
/// Routes whose limits are remembered.
const ROUTES: usize = 2000;
/// Largest answer that is read.
const MAX_ANSWER: usize = 8 << 20;

/// Why a call failed; it holds neither the token nor an address.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    #[error("Discord does not know the token")]
    Unauthorized,
    #[error("Discord answered {status} ({code}): {message}")]
    Refused { status: u16, code: u64, message: String },
    #[error("Discord asks to wait {0} s")]
    Limited(u64),
    #[error("Discord cannot be reached: {0}")]
    Unreachable(String),
    #[error("there is no such place any more")]
    NoPlace,
}

impl RestError {
    /// Whether Discord may have done what was asked, and its answer was lost.
    pub fn is_uncertain(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Refused { status: 500.., .. })
    }

    /// Whether what was to be said may be missing, for no fault of it.
    pub fn is_lost(&self) -> bool {
        self.is_uncertain() || matches!(self, Self::Limited(_))
    }

    /// Whether an interaction's token is worth nothing any more.
    pub fn is_dead_token(&self) -> bool {
        matches!(
            self,
            // Unknown Webhook, Unknown Interaction, Invalid Webhook Token.
            Self::Refused { status: 401, .. } | Self::Refused { code: 10015 | 10062 | 50027, .. }
        )
    }
}

/// A file that goes with a message.
#[derive(Debug, Clone)]
pub struct Attach {
    pub name: String,
    pub bytes: Vec<u8>,
    pub mime: &'static str,
}

/// What a call carries.
pub enum Body<'a> {
    None,
    Json(&'a Value),
    Form(&'a Value, &'a [Attach]),
}

/// One call.
pub struct Call<'a> {
    pub method: Method,
    pub path: &'a str,
    pub body: Body<'a>,
    /// Whether making it twice is the same as once. If not, it is repeated only where nothing can
    /// have come of it: after a 429, or when no connection was made.
    pub again: bool,
}

/// A client of the REST API.
pub struct Rest {
    http: reqwest::Client,
    base: String,
    authorization: SecretString,
    /// How often a route, or with an empty name everything, may be called.
    windows: Mutex<HashMap<String, Window>>,
    /// Whether Discord could not be reached when it was last tried.
    away: AtomicBool,
    /// Discord no longer knows the token.
    revoked: CancellationToken,
}

impl Rest {
    /// A client of Discord's API, or of `api_url` when that is not empty.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn new(token: &SecretString, api_url: &str) -> Result<Self, String> {
        let base = match api_url.trim().trim_end_matches('/') {
            "" => DISCORD,
            other => other,
        };
        let url =
            reqwest::Url::parse(base).map_err(|e| format!("discord.api_url is wrong: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("discord.api_url must start with http:// or https://".into());
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| format!("no HTTP client: {e}"))?;
        let token = token.expose_secret().trim();
        let token = token.strip_prefix("Bot ").unwrap_or(token);
        Ok(Self {
            http,
            base: format!("{base}/api/v10"),
            authorization: format!("Bot {token}").into(),
            windows: Mutex::default(),
            away: AtomicBool::new(false),
            revoked: CancellationToken::new(),
        })
    }

    /// Makes a call until it succeeds or is not worth repeating. One that can be repeated outlasts an
    /// outage of some minutes.
    ///
    /// # Errors
    /// [`RestError`].
    pub async fn call(&self, call: Call<'_>) -> Result<Value, RestError> {
        let route = route(&call);
        let begun = Instant::now();
        let mut failures = 0;
        let at_most = |patience: Duration| match acknowledges(call.path) {
            true => patience.min(ACKNOWLEDGE),
            false => patience,
        };
        let mut give_up = begun + at_most(PATIENCE);
        loop {
            self.turn(&route, give_up).await?;
            let (failed, patience) = match self.once(&call).await {
                Ok((status, headers, body)) => {
                    self.reached();
                    self.note(&route, status, &headers, &body);
                    if status.is_success() {
                        return Ok(body);
                    }
                    if status == StatusCode::TOO_MANY_REQUESTS {
                        let wait = retry_after(&headers, &body);
                        // The wait itself happens on the next turn of the loop.
                        if Instant::now() + wait < give_up {
                            continue;
                        }
                        return Err(RestError::Limited(wait.as_secs() + 1));
                    }
                    let refused = refused(status, &body, is_webhook(call.path));
                    if matches!(refused, RestError::Unauthorized) {
                        self.revoked.cancel();
                    }
                    // Behind a 5xx it may have been done all the same.
                    if !(status.is_server_error() && call.again) {
                        return Err(refused);
                    }
                    (refused, FAILING)
                }
                Err(error) => {
                    let repeatable = call.again || error.is_connect();
                    let error = RestError::Unreachable(reason(&error));
                    self.lost(&error);
                    if !repeatable {
                        return Err(error);
                    }
                    (error, OUTAGE)
                }
            };
            failures += 1;
            let pause = BACKOFF.saturating_mul(1 << u32::min(failures, 6)).min(LONGEST_BACKOFF);
            let pause = pause.mul_f64(rand::rng().random_range(0.5..1.5));
            if begun.elapsed() + pause > at_most(patience) {
                return Err(failed);
            }
            tokio::time::sleep(pause).await;
            give_up = Instant::now() + at_most(PATIENCE);
        }
    }

    /// Returns once Discord has said that it does not know the token.
    pub async fn revoked(&self) {
        self.revoked.cancelled().await;
    }

    fn lost(&self, error: &RestError) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!("{error}; what can be said again is tried again");
        }
    }

    fn reached(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::warn!("Discord can be reached again");
        }
    }

    async fn once(&self, call: &Call<'_>) -> reqwest::Result<(StatusCode, HeaderMap, Value)> {
        let url = format!("{}{}", self.base, call.path);
        let mut request = self.http.request(call.method.clone(), url).header(USER_AGENT, AGENT);
        // Webhooks and interactions are vouched for by the token in their path.
        if !is_webhook(call.path)
            && let Ok(mut value) = HeaderValue::from_str(self.authorization.expose_secret())
        {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request = match &call.body {
            Body::None => request.timeout(TIMEOUT),
            Body::Json(value) => {
                let limit = if acknowledges(call.path) { ACKNOWLEDGE } else { TIMEOUT };
                let request = request.header(CONTENT_TYPE, "application/json").timeout(limit);
                request.body(value.to_string())
            }
            Body::Form(value, files) => {
                let boundary = format!("magpie{:032x}", rand::rng().random::<u128>());
                let kind = format!("multipart/form-data; boundary={boundary}");
                let form = form(&boundary, value, files);
                let carrying = Duration::from_secs(form.len() as u64 / SLOWEST);
                let request = request.header(CONTENT_TYPE, kind).timeout(TIMEOUT + carrying);
                request.body(form)
            }
        };
        let mut response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Waits until this route may be called.
    async fn turn(&self, route: &str, give_up: Instant) -> Result<(), RestError> {
        while let Some(until) = self.claim(route) {
            if until > give_up {
                return Err(RestError::Limited((until - Instant::now()).as_secs() + 1));
            }
            // Those who waited together should not all come at once.
            let jitter = Duration::from_millis(rand::rng().random_range(0..80));
            tokio::time::sleep_until(until + jitter).await;
        }
        Ok(())
    }

    /// Takes one of the calls that this route has left in its window, before it is made: what is on its
    /// way is not in any answer yet. When none is left, until when.
    fn claim(&self, route: &str) -> Option<Instant> {
        let now = Instant::now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        // What answers an interaction does not count against the limit of everything.
        let common = windows.get("").filter(|_| !is_webhook(path_of(route)));
        let full = [windows.get(route), common]
            .into_iter()
            .flatten()
            .filter(|w| w.until > now && w.left == 0)
            .map(|w| w.until)
            .max();
        if full.is_none()
            && let Some(window) = windows.get_mut(route)
        {
            if window.until <= now {
                (window.until, window.left) = (now + window.span, window.limit);
            }
            window.left = window.left.saturating_sub(1);
        }
        full
    }

    /// Remembers how often a route may be called.
    fn note(&self, route: &str, status: StatusCode, headers: &HeaderMap, body: &Value) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<f64>().ok();
        let (limit, left) = (number("x-ratelimit-limit"), number("x-ratelimit-remaining"));
        let (route, left, wait) = if status == StatusCode::TOO_MANY_REQUESTS {
            let global = headers.contains_key("x-ratelimit-global")
                || body.get("global").and_then(Value::as_bool) == Some(true);
            tracing::debug!(route, global, "limited by Discord");
            // The limit of everything does not hold for webhooks, which have one of their address.
            let common = global && !is_webhook(path_of(route));
            (if common { "" } else { route }, 0, retry_after(headers, body))
        } else if let Some(left) = left {
            (route, left as u32, seconds(number("x-ratelimit-reset-after").unwrap_or(0.0)))
        } else {
            return;
        };
        let now = Instant::now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= ROUTES {
            windows.retain(|_, window| window.until > now);
        }
        let old = windows.get(route);
        let going = old.filter(|w| w.until > now);
        let window = Window {
            until: now + wait,
            left: going.map_or(left, |w| w.left.min(left)),
            limit: limit.map(|l| l as u32).or(old.map(|w| w.limit)).unwrap_or(1).max(1),
            span: old.map_or(wait, |w| w.span.max(wait)),
        };
        windows.insert(route.to_owned(), window);
    }
}

/// Calls of one route that Discord allows for a time.
#[derive(Debug, Clone, Copy)]
struct Window {
    until: Instant,
    /// Calls that may still be made until then.
    left: u32,
    /// Calls that a new window begins with.
    limit: u32,
    /// About how long one is.
    span: Duration,
}

/// What shares a limit: the method and the path without ids, but for the first, which the limits
/// of channels, guilds and webhooks go by.
fn route(call: &Call<'_>) -> String {
    let path = call.path.split('?').next().unwrap_or_default();
    let interaction = path.starts_with("/interactions/");
    let part = |(at, part): (usize, &str)| {
        let id = part.starts_with(|c: char| c.is_ascii_digit());
        // A webhook's limit goes by its token too, which has no business in a log.
        let token = at == 3 && is_webhook(path);
        match () {
            () if token => format!("{:x}", hash(part)),
            () if id && (at > 2 || interaction) => ":id".to_owned(),
            () => part.to_owned(),
        }
    };
    let parts: Vec<String> = path.split('/').enumerate().map(part).collect();
    format!("{} {}", call.method, parts.join("/"))
}

/// The path in a [`route`].
fn path_of(route: &str) -> &str {
    route.split_once(' ').map_or(route, |(_, path)| path)
}

fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn is_webhook(path: &str) -> bool {
    path.starts_with("/webhooks/") || path.starts_with("/interactions/")
}

/// Whether a call tells Discord that an interaction has arrived.
fn acknowledges(path: &str) -> bool {
    path.starts_with("/interactions/")
}

fn retry_after(headers: &HeaderMap, body: &Value) -> Duration {
    let header = || headers.get("retry-after")?.to_str().ok()?.parse::<f64>().ok();
    seconds(body.get("retry_after").and_then(Value::as_f64).or_else(header).unwrap_or(1.0))
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value.clamp(0.0, 86_400.0)).unwrap_or(Duration::from_secs(1))
}

fn refused(status: StatusCode, body: &Value, webhook: bool) -> RestError {
    // A webhook's own token says nothing about the bot's.
    if status == StatusCode::UNAUTHORIZED && !webhook {
        return RestError::Unauthorized;
    }
    let message = body.get("message").and_then(Value::as_str).unwrap_or("no reason given");
    RestError::Refused {
        status: status.as_u16(),
        code: body.get("code").and_then(Value::as_u64).unwrap_or(0),
        message: message.chars().take(200).collect(),
    }
}

/// What went wrong, without the address, which may hold a token.
pub fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "the request failed".into(),
        None => cause.to_string(),
    }
}

/// `payload_json` and `files[n]`, as multipart/form-data (RFC 7578).
fn form(boundary: &str, payload: &Value, files: &[Attach]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |head: &str, bytes: &[u8]| {
        body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    part(
        "Content-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json",
        payload.to_string().as_bytes(),
    );
    for (n, file) in files.iter().enumerate() {
        let name: String =
            file.name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        let head = format!(
            "Content-Disposition: form-data; name=\"files[{n}]\"; filename=\"{name}\"\r\n\
             Content-Type: {}",
            file.mime
        );
        part(&head, &file.bytes);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_share_limits_as_discord_says_and_hold_no_token() {
        let of = |method, path| route(&Call { method, path, body: Body::None, again: false });
        assert_eq!(
            of(Method::PATCH, "/channels/12/messages/34"),
            "PATCH /channels/12/messages/:id"
        );
        assert_ne!(of(Method::POST, "/channels/1/typing"), of(Method::POST, "/channels/2/typing"));
        let hook = of(Method::POST, "/webhooks/1/secret-token");
        assert!(!hook.contains("secret"), "{hook}");
        let callback = of(Method::POST, "/interactions/1/secret-token/callback");
        assert!(callback.starts_with("POST /interactions/:id/") && !callback.contains("secret"));
    }
}
