//! What goes between `async-openai` and the network: where a server is, and one request to it within
//! limits.
//!
//! `async-openai` makes the request and reads the events of the answer. Below it, [`Attempt`] sends the
//! request once, waits no longer than it may for the first byte, turns what is no success into a
//! [`Failure`], passes on no more than a bounded number of bytes, and makes one event of a completion
//! that comes whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures_util::{StreamExt, stream};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use super::{Failure, wire};
use crate::config::{ProviderKind, ProviderSettings};

/// Most bytes that are taken of an answer, with whatever is around its text.
const MAX_BODY: usize = 2 << 20;
/// Most bytes of an error.
const MAX_ERROR: usize = 64 * 1024;
/// How a stream of events ends.
const DONE: &[u8] = b"[DONE]";

/// Where a server is, and what every request to it carries.
#[derive(Clone)]
pub(super) struct Address {
    base: String,
    version: Option<String>,
    headers: HeaderMap,
    key: SecretString,
}

impl Address {
    /// # Errors
    /// What is wrong with the address, in words.
    pub fn new(own: &ProviderSettings, headers: HeaderMap) -> Result<Self, String> {
        let (base, model) = (own.url(), own.model.trim());
        let (path, versioned) = match own.kind {
            // The newer of Azure's two interfaces is OpenAI's, under a path of its own.
            ProviderKind::Azure if base.ends_with("/openai/v1") => {
                (String::new(), !own.api_version.trim().is_empty())
            }
            ProviderKind::Azure => (format!("/openai/deployments/{model}"), true),
            ProviderKind::OpenAi => (String::new(), false),
        };
        let shown = without_credentials(base);
        let url = reqwest::Url::parse(base).map_err(|e| format!("base_url is {shown}: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("base_url is {shown}, and must be http or https"));
        }
        let version = versioned.then(|| own.version().to_owned());
        Ok(Self { base: format!("{base}{path}"), version, headers, key: SecretString::default() })
    }
}

impl Config for Address {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.version.iter().map(|version| ("api-version", version.as_str())).collect()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    /// The key is among the headers.
    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// One request: how it is sent, and what became of it.
pub(super) struct Attempt {
    http: reqwest::Client,
    /// The model's name, for errors,
    model: String,
    /// and what must not show in them.
    secrets: Vec<String>,
    silence: Duration,
    failure: Mutex<Option<Failure>>,
    opened: AtomicBool,
    done: AtomicBool,
}

impl Attempt {
    pub fn new(
        http: &reqwest::Client,
        model: &str,
        secrets: &[String],
        silence: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            http: http.clone(),
            model: model.to_owned(),
            secrets: secrets.to_vec(),
            silence,
            failure: Mutex::default(),
            opened: AtomicBool::new(false),
            done: AtomicBool::new(false),
        })
    }

    /// A client whose requests go this way.
    pub fn client(self: &Arc<Self>, address: &Address) -> Client<Address> {
        let attempt = Arc::clone(self);
        let service = tower::service_fn(move |request: HttpRequestFactory| {
            let attempt = Arc::clone(&attempt);
            async move { attempt.send(request).await }
        });
        Client::build(self.http.clone(), address.clone()).with_http_service(service)
    }

    /// Whether the server began to answer.
    pub fn opened(&self) -> bool {
        self.opened.load(Ordering::SeqCst)
    }

    /// Whether the events came to their end.
    pub fn done(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }

    /// Why it failed, where that was found out down here.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// No answer in time.
    pub fn silent(&self) -> Failure {
        Failure::new(&format!("no answer within {:?}", self.silence))
    }

    async fn send(self: Arc<Self>, request: HttpRequestFactory) -> Result<Response, OpenAIError> {
        let request = request.build().await?;
        let sent = self.open(request).await;
        sent.map_err(|failure| OpenAIError::InvalidArgument(self.keep(failure)))
    }

    /// Remembers a failure; what is left of it on the way up is its reason.
    fn keep(&self, failure: Failure) -> String {
        let reason = failure.reason.clone();
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        reason
    }

    async fn open(self: &Arc<Self>, request: reqwest::Request) -> Result<Response, Failure> {
        let silent = Instant::now() + self.silence;
        let mut response = match timeout_at(silent, self.http.execute(request)).await {
            Ok(sent) => sent.map_err(unsent)?,
            Err(_) => return Err(self.silent()),
        };
        if !response.status().is_success() {
            return Err(self.refused(response, silent).await);
        }
        self.opened.store(true, Ordering::SeqCst);
        let first = match timeout_at(silent, response.chunk()).await {
            Ok(first) => first.map_err(|e| broken(&e))?.unwrap_or_default(),
            Err(_) => return Err(self.silent()),
        };
        let whole = matches!(first.trim_ascii_start().first(), Some(b'{' | b'<' | b'['));
        let body = if whole {
            self.whole(response, first.to_vec(), silent).await?.into()
        } else {
            let (attempt, mut length, mut tail) = (Arc::clone(self), 0, Vec::new());
            let bytes = stream::once(async { Ok(first) }).chain(response.bytes_stream());
            reqwest::Body::wrap_stream(bytes.map(move |bytes| {
                let kept = |failure| std::io::Error::other(attempt.keep(failure));
                let bytes = bytes.map_err(|e| kept(broken(&e)))?;
                length += bytes.len();
                if length > MAX_BODY {
                    return Err(kept(endless()));
                }
                // The end may come in two pieces.
                tail.extend_from_slice(&bytes);
                if tail.windows(DONE.len()).any(|w| w == DONE) {
                    attempt.done.store(true, Ordering::SeqCst);
                }
                tail.drain(..tail.len().saturating_sub(DONE.len()));
                Ok(bytes)
            }))
        };
        Ok(http::Response::new(body).into())
    }

    /// A completion that comes in one piece, as one event.
    async fn whole(
        &self,
        mut response: Response,
        mut body: Vec<u8>,
        silent: Instant,
    ) -> Result<Vec<u8>, Failure> {
        loop {
            match timeout_at(silent, response.chunk()).await {
                Ok(more) => match more.map_err(|e| broken(&e))? {
                    Some(more) => body.extend_from_slice(&more),
                    None => break,
                },
                Err(_) => return Err(self.silent()),
            }
            if body.len() > MAX_BODY {
                return Err(endless());
            }
        }
        if let Err(e) = serde_json::from_slice::<wire::Chunk>(&body) {
            let shown = beginning(&String::from_utf8_lossy(&body), &self.secrets);
            return Err(Failure::new(&format!("it sent no chat completion ({e}): {shown}")));
        }
        self.done.store(true, Ordering::SeqCst);
        // Between the values of JSON, line breaks are blanks, and within them there are none.
        let line = body.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b });
        Ok(b"data: ".iter().copied().chain(line).chain(*b"\n\ndata: [DONE]\n\n").collect())
    }

    /// A response that is no success.
    async fn refused(&self, mut response: Response, silent: Instant) -> Failure {
        let status = response.status();
        let wait = retry_after(response.headers());
        let mut body = Vec::new();
        while let Ok(Ok(Some(more))) = timeout_at(silent, response.chunk()).await {
            body.extend_from_slice(&more);
            if body.len() > MAX_ERROR {
                break;
            }
        }
        let (said, kind) = wire::complaint(&String::from_utf8_lossy(&body));
        let said = beginning(&said, &self.secrets);
        let spent = kind.as_deref() == Some("insufficient_quota");
        let reason = match status.as_u16() {
            401 | 403 => format!("it refused the key ({status})"),
            404 => format!("it has no model {:?} or no such address", self.model),
            _ => format!("{said} ({status})"),
        };
        let busy = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT;
        let question = matches!(status.as_u16(), 400 | 413 | 422);
        Failure {
            again: (busy && !spent) || status.is_server_error(),
            wait,
            refused: matches!(status.as_u16(), 400 | 422),
            counts: !question,
            ..Failure::new(&reason)
        }
    }
}

fn unsent(error: reqwest::Error) -> Failure {
    let again = error.is_connect() || (error.is_request() && !error.is_redirect());
    let again = again && !error.is_builder();
    Failure { again, ..Failure::new(&with_sources(&error.without_url())) }
}

pub(super) fn endless() -> Failure {
    Failure::new("its answer does not end")
}

/// The connection broke while the answer came.
fn broken(error: &reqwest::Error) -> Failure {
    Failure { again: true, ..Failure::new(&with_sources(error)) }
}

/// How long a server asks to be left alone (RFC 9110, section 10.2.3, and OpenAI's finer header).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).map(str::trim);
    if let Some(ms) = text(HeaderName::from_static("retry-after-ms")).and_then(|t| t.parse().ok()) {
        return Some(Duration::from_millis(ms));
    }
    let value = text(RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    let wait = at.as_millisecond() - jiff::Timestamp::now().as_millisecond();
    Some(Duration::from_millis(wait.try_into().unwrap_or(0)))
}

/// A URL as it may be shown: `https://user:password@host` without user and password.
pub(super) fn without_credentials(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() || !parsed.username().is_empty() => {
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

/// What a server wrote may be a page of HTML; its beginning tells enough.
/// A server's words, as far as the log shows them; no part of a secret is left at the end.
pub(super) fn beginning(text: &str, secrets: &[String]) -> String {
    super::without(secrets, text).chars().take(120).collect()
}

/// An error with what caused it, which reqwest keeps out of its own message.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        assert_eq!(without_credentials("http://me:secret@host/v1"), "http://host/v1");
        assert_eq!(without_credentials("http://host/v1"), "http://host/v1");
        assert_eq!(without_credentials("no url"), "no url");
    }

    #[test]
    fn every_kind_of_server_has_its_address() {
        let own = |kind, base: &str, version: &str| {
            let settings = ProviderSettings {
                kind,
                base_url: base.into(),
                model: "m".into(),
                api_version: version.into(),
                ..ProviderSettings::default()
            };
            let address = Address::new(&settings, HeaderMap::new())?;
            let query: Vec<String> =
                address.query().iter().map(|(name, value)| format!("?{name}={value}")).collect();
            Ok::<_, String>(address.url("/chat/completions") + &query.concat())
        };
        use ProviderKind::{Azure, OpenAi};
        for (kind, base, version, url) in [
            (OpenAi, "", "", "https://api.openai.com/v1/chat/completions"),
            (OpenAi, "http://h:1/v1/", "", "http://h:1/v1/chat/completions"),
            (
                Azure,
                "https://n.openai.azure.com/",
                "",
                "https://n.openai.azure.com/openai/deployments/m/chat/completions?api-version=2024-10-21",
            ),
            (
                Azure,
                "https://n.openai.azure.com",
                "v",
                "https://n.openai.azure.com/openai/deployments/m/chat/completions?api-version=v",
            ),
            (
                Azure,
                "https://n.openai.azure.com/openai/v1",
                "",
                "https://n.openai.azure.com/openai/v1/chat/completions",
            ),
        ] {
            assert_eq!(own(kind, base, version).unwrap(), url);
        }
        for wrong in ["nonsense", "ftp://host/v1"] {
            assert!(own(OpenAi, wrong, "").unwrap_err().contains(wrong));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            retry_after(&HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
        };
        assert_eq!(after("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(after("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(after("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(
            after("retry-after", "Fri, 21 Oct 2095 07:28:00 GMT") > Some(Duration::from_secs(1))
        );
        assert_eq!(after("retry-after", "soon"), None);
    }
}
