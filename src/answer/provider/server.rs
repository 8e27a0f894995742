//! One server and model: a prompt in, the text it writes out, within limits.
//!
//! Every answer is asked for as a stream, and a server that sends it whole is understood, too. Limits:
//! how long it may be silent, how much it may send, how often a busy or broken one is asked again. What
//! a server refuses to understand is left out the next time. Dropping the future closes the connection.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_openai::error::OpenAIError;
use backon::{ExponentialBuilder, Retryable};
use futures_util::StreamExt;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

use super::transport::{Address, Attempt, beginning, endless, without_credentials};
use super::wire::{self, Chunk, Limits, Shape};
use super::{Ear, Failure, Spent};
use crate::answer::prompt::Prompt;
use crate::answer::{AnswerError, Usage, tokens};
use crate::config::{AnswerSettings, Detail, ProviderKind, ProviderSettings};

/// A server that never ends is cut off after so many bytes of answer.
const MAX_ANSWER: usize = 64 * 1024;
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
    address: Address,
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
        // What only says who asks, such as OpenRouter's `HTTP-Referer`, may stand in an answer.
        const CONFIDENTIAL: [&str; 5] = ["auth", "key", "token", "secret", "cookie"];
        let confidential = |header: &str| {
            let header = header.to_lowercase();
            CONFIDENTIAL.iter().any(|part| header.contains(part))
        };
        let own_secrets = own.headers.iter().filter(|(header, _)| confidential(header));
        let own_secrets = own_secrets.map(|(_, value)| value).chain(&key);
        let secrets = own_secrets.map(|s| s.expose_secret().trim().to_owned());
        Ok(Self {
            address: Address::new(own, headers).map_err(|reason| wrong(&reason))?,
            http,
            model: own.model.trim().to_owned(),
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
                let spread = || PAUSE.mul_f32(rand::random());
                let Some(asked) = failure.wait else { return pause.filter(|p| *p <= left()) };
                pause.filter(|_| asked <= left()).map(|_| (asked + spread()).min(left()))
            })
            .notify(|failure, pause| {
                tracing::debug!(
                    server = self.name,
                    reason = super::without(&self.secrets, &failure.reason),
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
        let attempt = Attempt::new(&self.http, &self.model, &self.secrets, self.silence);
        let client = attempt.client(&self.address);
        let opened = client.chat().create_stream_byot::<_, Chunk>(&body).await;
        let mut meter = attempt.opened().then(|| Meter::new(spent, &self.model, prompt.tokens));
        let failed =
            |e: &OpenAIError| attempt.failure().unwrap_or_else(|| unread(e, &self.secrets));
        let mut chunks = opened.map_err(|e| failed(&e))?;
        let (mut text, mut finish) = (String::new(), None);
        loop {
            let patience =
                if finish.is_some() { AFTERWORD.min(self.silence) } else { self.silence };
            let chunk = match timeout_at(Instant::now() + patience, chunks.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(e))) => return Err(failed(&e)),
                Ok(None) if finish.is_some() || attempt.done() => break,
                Ok(None) => {
                    return Err(Failure { again: true, ..Failure::new("its answer broke off") });
                }
                Err(_) if finish.is_some() => break,
                Err(_) => return Err(attempt.silent()),
            };
            if let Some(error) = chunk.error() {
                return Err(Failure::new(&beginning(&error, &self.secrets)));
            }
            let more = chunk.text();
            if let Some(meter) = &mut meter {
                meter.take(&chunk, &more);
            }
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
        match text.trim() {
            "" => Err(Failure::new("its answer was empty")),
            text if finish.as_deref() == Some("length") => Ok(format!("{text}…")),
            text => Ok(text.to_owned()),
        }
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

/// What `async-openai` made nothing of.
fn unread(error: &OpenAIError, secrets: &[String]) -> Failure {
    Failure::new(&match error {
        OpenAIError::JSONDeserialize(e, content) => {
            format!("it sent no chat completion ({e}): {}", beginning(content, secrets))
        }
        other => beginning(&other.to_string(), secrets),
    })
}

/// Counts what one request used, into what the question used in all, also when it is broken off.
struct Meter<'a> {
    spent: &'a Spent,
    model: &'a str,
    usage: Usage,
    text: String,
    told: bool,
}

impl<'a> Meter<'a> {
    fn new(spent: &'a Spent, model: &'a str, input: usize) -> Self {
        let usage = Usage { input_tokens: input as u64, ..Usage::default() };
        Self { spent, model, usage, text: String::new(), told: false }
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
        self.spent.add(self.model, self.usage, !self.told);
    }
}
