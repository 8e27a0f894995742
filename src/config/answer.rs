//! What may be configured about answers: the servers that write them, and their limits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{PriceSettings, SettingsError};

const OPENAI_URL: &str = "https://api.openai.com/v1";
/// Azure's latest stable version of the chat completions API.
const AZURE_VERSION: &str = "2024-10-21";

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerSettings {
    /// OpenAI-compatible server; empty means `OPENAI_BASE_URL`, then OpenAI's own.
    pub base_url: String,
    pub model: String,
    /// Empty means `OPENAI_API_KEY`; without either the extractive answerer serves.
    pub api_key: SecretString,
    /// 0 to 2.
    pub temperature: f32,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
    /// Letters of an answer, in all, that may go on without a word, number or id of the entries; from then
    /// on it is withheld. 0: any.
    pub max_ungrounded: usize,
    /// How closely the model looks at pictures.
    pub detail: Detail,
    /// Matched products shown to the model at most.
    pub products: usize,
    /// Longest prompt, pictures included, in tokens.
    pub prompt_tokens: usize,
    /// Directory with prompts of one's own; empty: the built-in ones.
    pub prompts: PathBuf,
    /// Longest question, in characters.
    pub max_question: usize,
    /// Longest wait for a whole answer, all servers and tries together, in seconds.
    pub timeout_s: u64,
    /// Longest silence of a server before its first word and between two, in seconds.
    pub first_byte_s: u64,
    /// Further tries with a server that is busy or broken.
    pub retries: usize,
    /// Failures in a row after which a server is left alone, and for how long, in seconds.
    pub breaker_failures: u32,
    pub breaker_s: u64,
    /// Answers remembered, to be given again to the same question; 0: none.
    pub cache: u64,
    /// How long an answer is remembered, in minutes.
    pub cache_minutes: u64,
    /// What models cost; without a price only tokens are counted.
    pub prices: Vec<PriceSettings>,
    /// Servers in the order they are asked; with any, `base_url`, `model` and `api_key` above say
    /// nothing.
    pub providers: Vec<ProviderSettings>,
}

/// One server in the list of those that are asked in turn.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderSettings {
    /// What the log calls it; empty: its address.
    pub name: String,
    pub kind: ProviderKind,
    /// Empty: OpenAI's own.
    pub base_url: String,
    /// On Azure the deployment's name.
    pub model: String,
    /// Empty: the variable `api_key_env`; without either it is asked without a key.
    pub api_key: SecretString,
    /// Name of the environment variable that holds the key.
    pub api_key_env: String,
    /// Azure's `api-version`; empty: one that works.
    pub api_version: String,
    /// Further headers of every request.
    pub headers: BTreeMap<String, SecretString>,
    /// None: as in `[answer]`.
    pub temperature: Option<f32>,
    pub max_tokens: Option<u32>,
    pub detail: Option<Detail>,
    pub first_byte_s: Option<u64>,
    pub structured: Structured,
    pub token_limit: TokenLimit,
}

/// How a server is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// `{base_url}/chat/completions`, the key as a bearer token.
    #[default]
    OpenAi,
    /// `{base_url}/openai/deployments/{model}/chat/completions`, the key in `api-key`.
    Azure,
}

/// How an answer is kept in shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Structured {
    /// By a schema, unless the server refuses it.
    #[default]
    Auto,
    /// By a JSON schema.
    Schema,
    /// Any JSON object.
    Object,
    /// By the prompt alone.
    None,
}

/// The field that limits an answer's length; servers know one, the other, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_completion_tokens` for OpenAI and Azure, `max_tokens` for all others.
    #[default]
    Auto,
    MaxTokens,
    MaxCompletionTokens,
}

/// OpenAI's `detail` of a picture: how many tokens it may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    #[default]
    Auto,
    Low,
    High,
}

impl Detail {
    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

impl Default for AnswerSettings {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            model: "gpt-4o".into(),
            api_key: SecretString::default(),
            temperature: 0.2,
            max_tokens: 800,
            max_ungrounded: 240,
            detail: Detail::Auto,
            products: 3,
            prompt_tokens: 8000,
            prompts: PathBuf::new(),
            max_question: 2000,
            timeout_s: 60,
            first_byte_s: 20,
            retries: 2,
            breaker_failures: 5,
            breaker_s: 30,
            cache: 2000,
            cache_minutes: 1440,
            prices: Vec::new(),
            providers: Vec::new(),
        }
    }
}

impl AnswerSettings {
    /// The servers to ask, in order: the list, or where there is none the one that `[answer]` itself
    /// names, when there is a key for it.
    pub fn chain(&self) -> Vec<ProviderSettings> {
        if !self.providers.is_empty() {
            return self.providers.clone();
        }
        let key = own_or_env(self.api_key.expose_secret(), "OPENAI_API_KEY");
        let own = key.map(|key| ProviderSettings {
            base_url: own_or_env(&self.base_url, "OPENAI_BASE_URL").unwrap_or_default(),
            model: self.model.clone(),
            api_key: key.into(),
            ..ProviderSettings::default()
        });
        own.into_iter().collect()
    }

    /// The models to ask, in order; the one that `[answer]` names where none can be asked.
    pub fn models(&self) -> Vec<String> {
        match self.providers.as_slice() {
            [] => vec![self.model.clone()],
            providers => providers.iter().map(|p| p.model.clone()).collect(),
        }
    }

    /// The longest answer that any of the servers may give, in tokens.
    pub fn longest_answer(&self) -> u32 {
        let own = self.providers.iter().map(|p| p.max_tokens.unwrap_or(self.max_tokens));
        own.max().unwrap_or(self.max_tokens)
    }

    /// The closest look that any of the servers takes at pictures.
    pub fn closest_look(&self) -> Detail {
        let looks = self.providers.iter().map(|p| p.detail.unwrap_or(self.detail));
        let mut looks = looks.chain(self.providers.is_empty().then_some(self.detail));
        looks.find(|look| *look != Detail::Low).unwrap_or(Detail::Low)
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let wrong = |key, rule, value: &dyn std::fmt::Display| {
            Err(SettingsError::Range { key, rule, value: value.to_string() })
        };
        if !(1..=20).contains(&self.products) {
            return wrong("answer.products", "from 1 to 20", &self.products);
        }
        for (key, value) in
            [("answer.timeout_s", self.timeout_s), ("answer.first_byte_s", self.first_byte_s)]
        {
            if !(1..=3600).contains(&value) {
                return wrong(key, "from 1 to 3600", &value);
            }
        }
        if self.retries > 10 {
            return wrong("answer.retries", "from 0 to 10", &self.retries);
        }
        if self.prompt_tokens < 1000 {
            return wrong("answer.prompt_tokens", "at least 1000", &self.prompt_tokens);
        }
        let own = self.providers.iter().filter_map(|p| p.temperature);
        if let Some(t) = own.chain([self.temperature]).find(|t| !(0.0..=2.0).contains(t)) {
            return wrong("answer.temperature", "from 0 to 2", &t);
        }
        for provider in &self.providers {
            if provider.model.trim().is_empty() {
                return wrong("answer.providers.model", "the name of a model", &"empty");
            }
            if provider.kind == ProviderKind::Azure && provider.base_url.trim().is_empty() {
                let rule = "like https://NAME.openai.azure.com for Azure";
                return wrong("answer.providers.base_url", rule, &"empty");
            }
        }
        Ok(())
    }
}

impl ProviderSettings {
    /// The key to use, if there is one.
    pub fn key(&self) -> Option<SecretString> {
        own_or_env(self.api_key.expose_secret(), &self.api_key_env).map(SecretString::from)
    }

    /// The server's address, without a slash at the end.
    pub fn url(&self) -> &str {
        match self.base_url.trim().trim_end_matches('/') {
            "" => OPENAI_URL,
            url => url,
        }
    }

    pub fn version(&self) -> &str {
        match self.api_version.trim() {
            "" => AZURE_VERSION,
            version => version,
        }
    }

    /// Whether its answers are limited by `max_completion_tokens`.
    pub fn counts_completion(&self) -> bool {
        match self.token_limit {
            TokenLimit::MaxTokens => false,
            TokenLimit::MaxCompletionTokens => true,
            TokenLimit::Auto => {
                self.kind == ProviderKind::Azure || self.url().starts_with("https://api.openai.com")
            }
        }
    }
}

/// A setting, or where it is blank the environment's; both without the spaces and line breaks
/// that secret files end in.
fn own_or_env(own: &str, name: &str) -> Option<String> {
    let filled = |v: &str| Some(v.trim().to_owned()).filter(|v| !v.is_empty());
    filled(own).or_else(|| filled(&std::env::var(name).ok()?))
}
