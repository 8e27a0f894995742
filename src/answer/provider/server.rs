//! One server and model: a prompt in, the text it writes out, within limits.
//!
//! Every answer is asked for as a stream, and a server that sends it whole is understood, too. Limits:
//! how long it may be silent, how much it may send, how often a busy or broken one is asked again. What
//! a server refuses to understand is left out the next time. Dropping the future closes the connection.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use eventsource_stream::Eventsource;
use futures_util::{StreamExt, stream};
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

use super::wire::{self, Chunk, Limits, Shape};
use super::{Ear, Failure, Spent};
use crate::answer::prompt::Prompt;
use crate::answer::{AnswerError, Usage, tokens};
use crate::config::{AnswerSettings, Detail, ProviderKind, ProviderSettings};

/// A server that never ends is cut off after so many bytes of answer,
const MAX_ANSWER: usize = 64 * 1024;
/// or of whatever it sends around them.
const MAX_BODY: usize = 2 << 20;
/// First pause before a further try, and the longest, also when the server asks for more.
const PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long the usage may come after the last word.
const AFTERWORD: Duration = Duration::from_secs(2);
/// Shapes of a request that are tried with a server that refuses them.
const SHAPES: usize = 4;

pub(super) struct Server {
    http: reqwest::Client,
    /// As the log calls it.
    pub name: String,
    pub model: String,
    url: reqwest::Url,
    headers: HeaderMap,
    /// What must not show anywhere.
    pub secrets: Vec<String>,
    max_tokens: u32,
    detail: Detail,
    silence: Duration,
    retries: usize,
    /// What it is known to understand.
    shape: Mutex<Shape>,
}

impl Server {
    /// # Errors
    /// [`AnswerError::Provider`], naming what is wrong with the settings.
    pub fn new(
        http: reqwest::Client,
        own: &ProviderSettings,
        common: &AnswerSettings,
    ) -> Result<Self, AnswerError> {
        let shown = without_credentials(own.url());
        let name = if own.name.is_empty() { shown } else { own.name.clone() };
        let wrong =
            |reason: &str| AnswerError::Provider { name: name.clone(), reason: reason.into() };
        let key = own.key();
        let mut headers = HeaderMap::new();
        let secret = |value: &str| {
            let mut value = HeaderValue::from_str(value).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        if let Some(key) = key.as_ref().map(SecretString::expose_secret) {
            let (header, value) = match own.kind {
                ProviderKind::OpenAi => (AUTHORIZATION, format!("Bearer {key}")),
                ProviderKind::Azure => (HeaderName::from_static("api-key"), key.to_owned()),
            };
            let value = secret(&value).ok_or_else(|| {
                wrong(
                    "the key holds characters that cannot be sent; check api_key or OPENAI_API_KEY",
                )
            })?;
            headers.insert(header, value);
        }
        for (header, value) in &own.headers {
            let named = HeaderName::from_bytes(header.as_bytes()).ok();
            let pair = named.zip(secret(value.expose_secret().trim()));
            let (named, value) =
                pair.ok_or_else(|| wrong(&format!("the header {header:?} cannot be sent")))?;
            headers.insert(named, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let own_secrets = own.headers.values().chain(&key);
        let secrets = own_secrets.map(|s| s.expose_secret().trim().to_owned());
        Ok(Self {
            url: address(own).map_err(|reason| wrong(&reason))?,
            http,
            model: own.model.trim().to_owned(),
            headers,
            secrets: secrets.filter(|s| !s.is_empty()).collect(),
            max_tokens: own.max_tokens.unwrap_or(common.max_tokens),
            detail: own.detail.unwrap_or(common.detail),
            silence: Duration::from_secs(own.first_byte_s.unwrap_or(common.first_byte_s)),
            retries: common.retries,
            shape: Mutex::new(Shape {
                structured: own.structured,
                usage: true,
                temperature: Some(own.temperature.unwrap_or(common.temperature)),
                completion: own.counts_completion(),
            }),
            name,
        })
    }

    /// The text the model writes. `ear` hears it from its beginning each time it grows.
    pub async fn ask(
        &self,
        prompt: &Prompt,
        ear: Ear<'_>,
        spent: &Spent,
        deadline: Instant,
    ) -> Result<String, Failure> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(self.retries)
            .with_jitter();
        let attempt = || self.understood(prompt, ear, spent);
        let left = || deadline.saturating_duration_since(Instant::now()).min(LONGEST_PAUSE);
        attempt
            .retry(pauses)
            .when(|failure: &Failure| failure.again)
            .adjust(|failure, pause| {
                // `pause` is none after the last try.
                let pause = failure.wait.map_or(pause, |wait| pause.map(|_| wait));
                pause.filter(|p| *p <= left())
            })
            .notify(|failure, pause| {
                tracing::debug!(
                    server = self.name,
                    reason = failure.reason,
                    ?pause,
                    "asking again"
                );
            })
            .await
    }

    /// Asks in shapes that say less, until the server understands one.
    async fn understood(
        &self,
        prompt: &Prompt,
        ear: Ear<'_>,
        spent: &Spent,
    ) -> Result<String, Failure> {
        let mut shape = *self.shape.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tried = 1;
        loop {
            match self.once(prompt, shape, ear, spent).await {
                Err(failure) if failure.refused && tried < SHAPES => {
                    let Some(next) = shape.without(&failure.reason) else { return Err(failure) };
                    (shape, tried) = (next, tried + 1);
                }
                Ok(text) => {
                    *self.shape.lock().unwrap_or_else(PoisonError::into_inner) = shape;
                    return Ok(text);
                }
                failed => return failed,
            }
        }
    }

    async fn once(
        &self,
        prompt: &Prompt,
        shape: Shape,
        ear: Ear<'_>,
        spent: &Spent,
    ) -> Result<String, Failure> {
        let limits =
            Limits { model: &self.model, max_tokens: self.max_tokens, detail: self.detail.name() };
        let body = wire::body(prompt, &limits, shape);
        let silent = Instant::now() + self.silence;
        let request = self.http.post(self.url.clone()).headers(self.headers.clone()).body(body);
        let response = match timeout_at(silent, request.send()).await {
            Ok(sent) => sent.map_err(|e| self.unsent(e))?,
            Err(_) => return Err(self.silent()),
        };
        if !response.status().is_success() {
            return Err(self.refused(response, silent).await);
        }
        let mut meter = Meter::new(spent, prompt.tokens);
        let text = self.listen(response, silent, ear, &mut meter).await?;
        match text.trim() {
            "" => Err(Failure::new("its answer was empty")),
            text => Ok(text.to_owned()),
        }
    }

    /// Reads a response to its end.
    async fn listen(
        &self,
        mut response: Response,
        silent: Instant,
        ear: Ear<'_>,
        meter: &mut Meter<'_>,
    ) -> Result<String, Failure> {
        let first = match timeout_at(silent, response.chunk()).await {
            Ok(first) => first.map_err(|e| broken(&e))?.unwrap_or_default(),
            Err(_) => return Err(self.silent()),
        };
        let streamed = !matches!(first.trim_ascii_start().first(), Some(b'{' | b'<' | b'['));
        if !streamed {
            return self.whole(response, first.to_vec(), silent, ear, meter).await;
        }
        let mut length = 0;
        let bytes = stream::once(async { Ok(first) }).chain(response.bytes_stream());
        let bytes = bytes.map(move |bytes| {
            let bytes = bytes.map_err(|e| broken(&e))?;
            length += bytes.len();
            if length > MAX_BODY { Err(endless()) } else { Ok(bytes) }
        });
        let mut events = std::pin::pin!(bytes.eventsource());
        let (mut text, mut finish) = (String::new(), None);
        loop {
            let patience =
                if finish.is_some() { AFTERWORD.min(self.silence) } else { self.silence };
            let event = match timeout_at(Instant::now() + patience, events.next()).await {
                Ok(Some(event)) => event.map_err(|e| unreadable(e))?,
                Ok(None) | Err(_) if finish.is_some() => break,
                Ok(None) => return Err(Failure::new("its answer broke off")),
                Err(_) => return Err(self.silent()),
            };
            if event.data.trim() == "[DONE]" {
                finish.get_or_insert_with(String::new);
                break;
            }
            let chunk = chunk(&event.data)?;
            let more = chunk.text();
            meter.take(&chunk, &more);
            if !more.is_empty() {
                text.push_str(&more);
                if text.len() > MAX_ANSWER {
                    return Err(endless());
                }
                if !ear(&text) {
                    return Err(Failure::stopped());
                }
            }
            if let Some(end) = ended(&chunk)? {
                finish = Some(end);
            }
        }
        Ok(cut_short(text, finish.as_deref()))
    }

    /// A completion that comes in one piece.
    async fn whole(
        &self,
        mut response: Response,
        mut body: Vec<u8>,
        silent: Instant,
        ear: Ear<'_>,
        meter: &mut Meter<'_>,
    ) -> Result<String, Failure> {
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
        let chunk = chunk(&String::from_utf8_lossy(&body))?;
        let text = chunk.text();
        meter.take(&chunk, &text);
        let finish = ended(&chunk)?;
        if text.len() > MAX_ANSWER {
            return Err(endless());
        }
        if !ear(&text) {
            return Err(Failure::stopped());
        }
        Ok(cut_short(text, finish.as_deref()))
    }

    fn silent(&self) -> Failure {
        Failure::new(&format!("no answer within {:?}", self.silence))
    }

    fn unsent(&self, error: reqwest::Error) -> Failure {
        let again = error.is_connect() || (error.is_request() && !error.is_redirect());
        let again = again && !error.is_builder();
        Failure { again, ..Failure::new(&with_sources(&error.without_url())) }
    }

    /// A response that is no success.
    async fn refused(&self, mut response: Response, silent: Instant) -> Failure {
        let status = response.status();
        let wait = retry_after(response.headers());
        let mut body = Vec::new();
        while let Ok(Ok(Some(more))) = timeout_at(silent, response.chunk()).await {
            body.extend_from_slice(&more);
            if body.len() > MAX_ANSWER {
                break;
            }
        }
        let (said, kind) = wire::complaint(&String::from_utf8_lossy(&body));
        let said = beginning(&self.secrets.iter().fold(said, |said, s| said.replace(s, "…")));
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

/// Where a provider's chat completions are.
fn address(own: &ProviderSettings) -> Result<reqwest::Url, String> {
    let (base, version) = (own.url(), own.version());
    let model = own.model.trim();
    let (address, versioned) = match own.kind {
        // The newer of Azure's two interfaces is OpenAI's, under a path of its own.
        ProviderKind::Azure if base.ends_with("/openai/v1") => {
            (format!("{base}/chat/completions"), !own.api_version.trim().is_empty())
        }
        ProviderKind::Azure => {
            (format!("{base}/openai/deployments/{model}/chat/completions"), true)
        }
        ProviderKind::OpenAi => (format!("{base}/chat/completions"), false),
    };
    let shown = without_credentials(base);
    let mut url = reqwest::Url::parse(&address).map_err(|e| format!("base_url is {shown}: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("base_url is {shown}, and must be http or https"));
    }
    if versioned {
        url.query_pairs_mut().append_pair("api-version", version);
    }
    Ok(url)
}

fn chunk(data: &str) -> Result<Chunk, Failure> {
    let chunk: Chunk = serde_json::from_str(data).map_err(|e| {
        Failure::new(&format!("it sent no chat completion ({e}): {}", beginning(data)))
    })?;
    match &chunk.error {
        Some(error) if !error.is_null() => {
            let (said, _) = wire::complaint(&error.to_string());
            Err(Failure::new(&beginning(&said)))
        }
        _ => Ok(chunk),
    }
}

/// Whether a chunk is an answer's last, and why.
fn ended(chunk: &Chunk) -> Result<Option<String>, Failure> {
    if chunk.refusal().is_some() {
        return Err(Failure { counts: false, ..Failure::new("the model refused to answer") });
    }
    match chunk.finish() {
        Some("content_filter") => Err(Failure {
            counts: false,
            ..Failure::new("its content filter held the answer back")
        }),
        finish => Ok(finish.map(str::to_owned)),
    }
}

fn cut_short(text: String, finish: Option<&str>) -> String {
    if finish == Some("length") { text + "…" } else { text }
}

fn endless() -> Failure {
    Failure::new("its answer does not end")
}

fn broken(error: &reqwest::Error) -> Failure {
    Failure::new(&with_sources(error))
}

fn unreadable(error: eventsource_stream::EventStreamError<Failure>) -> Failure {
    match error {
        eventsource_stream::EventStreamError::Transport(failure) => failure,
        _ => Failure::new("it sent no event stream"),
    }
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

/// Counts what one request used, into what the question used in all, also when it is broken off.
struct Meter<'a> {
    spent: &'a Spent,
    usage: Usage,
    text: String,
    told: bool,
}

impl<'a> Meter<'a> {
    fn new(spent: &'a Spent, input: usize) -> Self {
        let usage = Usage { input_tokens: input as u64, ..Usage::default() };
        Self { spent, usage, text: String::new(), told: false }
    }

    fn take(&mut self, chunk: &Chunk, text: &str) {
        if let Some(usage) = chunk.usage() {
            (self.usage, self.told) = (usage, true);
        }
        self.text.push_str(text);
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.usage.output_tokens = tokens::text(&self.text) as u64;
        }
        self.spent.add(self.usage);
    }
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
fn beginning(text: &str) -> String {
    text.chars().take(120).collect()
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
            address(&settings).map(|url| url.to_string())
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
