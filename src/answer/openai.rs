//! A vision model behind an OpenAI-compatible chat completions API, through `async-openai`.

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestMessage, CreateChatCompletionRequest, CreateChatCompletionRequestArgs,
};
use futures_util::StreamExt;
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};

use super::{Answer, AnswerError, Inquiry, OnText, Origin, prompt};
use crate::config::AnswerSettings;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that never ends is cut off after so many bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// One configured server and model.
pub struct VisionModel {
    client: Client<OpenAIConfig>,
    server: String,
    model: String,
    products: usize,
    max_tokens: u32,
    timeout: Duration,
}

impl VisionModel {
    pub(super) fn new(settings: &AnswerSettings, key: &SecretString) -> Result<Self, AnswerError> {
        let url = settings.url();
        let server = without_credentials(&url);
        let key = key.expose_secret();
        if reqwest::header::HeaderValue::from_str(key).is_err() {
            let reason = "the key holds characters that cannot be sent; check answer.api_key or \
                          OPENAI_API_KEY";
            return Err(AnswerError::Model { server, reason: reason.into() });
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::custom(|to| {
                let reason =
                    format!("it redirects to {}; give that address if it is right", to.url());
                to.error(reason)
            }))
            .build()
            .map_err(|e| AnswerError::Model { server: server.clone(), reason: e.to_string() })?;
        let config = OpenAIConfig::new().with_api_base(url.trim_end_matches('/')).with_api_key(key);
        Ok(Self {
            client: Client::with_config(config).with_http_client(http),
            server,
            model: settings.model.clone(),
            products: settings.products,
            max_tokens: settings.max_tokens,
            timeout: Duration::from_secs(settings.timeout_s),
        })
    }

    pub(super) async fn grounded(
        &self,
        inquiry: &Inquiry,
        on_text: Option<OnText<'_>>,
    ) -> Result<Answer, AnswerError> {
        let messages = prompt::grounded(inquiry, self.products).map_err(|e| self.failed(&e))?;
        let text = match on_text {
            Some(on_text) => self.complete_streaming(messages, on_text).await?,
            None => self.complete(messages).await?,
        };
        let shown = inquiry.evidence.iter().take(self.products);
        let sources = shown
            .map(|e| e.product.id.clone())
            .filter(|id| text.contains(&format!("[{id}]")))
            .collect();
        Ok(Answer { text, origin: Origin::Model, sources, ..Answer::default() })
    }

    pub(super) async fn ungrounded(
        &self,
        question: &str,
        photo: &[u8],
    ) -> Result<Answer, AnswerError> {
        let messages = prompt::ungrounded(question, photo).map_err(|e| self.failed(&e))?;
        let text = self.complete(messages).await?;
        Ok(Answer { text, origin: Origin::Model, ..Answer::default() })
    }

    /// One completion within the time limit. Rate limits, server errors and broken connections
    /// are tried again by the client itself, three times at most.
    async fn complete(
        &self,
        messages: Vec<ChatCompletionRequestMessage>,
    ) -> Result<String, AnswerError> {
        let request = self.request(messages)?;
        let sent = tokio::time::timeout(self.timeout, self.client.chat().create(request)).await;
        let response = match sent {
            Ok(response) => response.map_err(|e| self.failed(&e))?,
            Err(_) => return Err(self.error(format!("no answer within {:?}", self.timeout))),
        };
        let text = response.choices.into_iter().next().and_then(|c| c.message.content);
        let text = text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        text.ok_or_else(|| self.error("its answer was empty".into()))
    }

    /// As [`VisionModel::complete`], as a stream of server-sent events.
    async fn complete_streaming(
        &self,
        messages: Vec<ChatCompletionRequestMessage>,
        on_text: OnText<'_>,
    ) -> Result<String, AnswerError> {
        let request = self.request(messages)?;
        let reading = async {
            let mut stream = self.client.chat().create_stream(request).await?;
            let mut text = String::new();
            while let Some(chunk) = stream.next().await {
                let choice = chunk?.choices.into_iter().next();
                if let Some(more) = choice.and_then(|c| c.delta.content).filter(|m| !m.is_empty()) {
                    text.push_str(&more);
                    on_text(&text);
                }
                if text.len() > MAX_ANSWER {
                    break;
                }
            }
            Ok(text)
        };
        let text = match tokio::time::timeout(self.timeout, reading).await {
            Ok(text) => text.map_err(|e| self.failed(&e))?,
            Err(_) => return Err(self.error(format!("no whole answer within {:?}", self.timeout))),
        };
        match text.trim() {
            "" => Err(self.error("its answer was empty".into())),
            text => Ok(text.to_owned()),
        }
    }

    fn request(
        &self,
        messages: Vec<ChatCompletionRequestMessage>,
    ) -> Result<CreateChatCompletionRequest, AnswerError> {
        CreateChatCompletionRequestArgs::default()
            .model(&self.model)
            .messages(messages)
            .max_completion_tokens(self.max_tokens)
            .build()
            .map_err(|e| self.failed(&e))
    }

    fn failed(&self, error: &OpenAIError) -> AnswerError {
        let reason = match error {
            OpenAIError::ApiError(e) => match e.status_code.as_u16() {
                401 | 403 => format!("it refused the key ({})", e.status_code),
                404 => format!("it has no model {:?} or no such address", self.model),
                _ => beginning(&e.to_string()),
            },
            OpenAIError::JSONDeserialize(e, body) => {
                format!("it sent no chat completion ({e}): {}", beginning(body))
            }
            other => with_sources(other),
        };
        self.error(reason)
    }

    fn error(&self, reason: String) -> AnswerError {
        AnswerError::Model { server: self.server.clone(), reason }
    }
}

/// A URL as it may be shown: `https://user:password@host` without user and password.
fn without_credentials(url: &str) -> String {
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
    use super::without_credentials;

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        assert_eq!(without_credentials("http://me:secret@host/v1"), "http://host/v1");
        assert_eq!(without_credentials("http://host/v1"), "http://host/v1");
        assert_eq!(without_credentials("no url"), "no url");
    }
}
