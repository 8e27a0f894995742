//! Webhooks: what setWebhook may say, and deliveries as Telegram makes them.

use axum::http::Uri;
use serde_json::{Map, Value, json};

use super::Telegram;

/// Where deliveries go.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    pub url: String,
    pub secret: Option<String>,
    pub allowed: Vec<String>,
}

impl Hook {
    /// Reads setWebhook's parameters as Telegram does.
    pub fn read(fields: &Map<String, Value>) -> Result<Self, String> {
        let url = fields.get("url").and_then(Value::as_str).ok_or("no url")?;
        let uri: Uri = url.parse().map_err(|_| "bad webhook: invalid url")?;
        if uri.scheme_str() != Some("https") {
            return Err("bad webhook: An HTTPS URL must be provided for webhook".into());
        }
        if !matches!(uri.port_u16(), None | Some(80 | 88 | 443 | 8443)) {
            let ports = "80, 88, 443 or 8443";
            return Err(format!("bad webhook: Webhook can be set up only on ports {ports}"));
        }
        let secret = fields.get("secret_token").and_then(Value::as_str).map(str::to_owned);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if secret.as_ref().is_some_and(|s| s.is_empty() || s.len() > 256 || !s.chars().all(plain)) {
            return Err("secret token contains unallowed characters".into());
        }
        let connections = fields.get("max_connections").map_or(Some(40), Value::as_u64);
        if !connections.is_some_and(|n| (1..=100).contains(&n)) {
            return Err("max_connections".into());
        }
        if fields.get("drop_pending_updates").is_some_and(|drop| drop != &json!(false)) {
            return Err("it would drop what users sent".into());
        }
        let kinds = ["message", "edited_message", "callback_query", "inline_query"];
        let allowed = fields.get("allowed_updates").and_then(Value::as_array);
        let allowed: Vec<String> =
            allowed.into_iter().flatten().filter_map(|a| Some(a.as_str()?.to_owned())).collect();
        match allowed.iter().find(|a| !kinds.contains(&a.as_str())) {
            Some(odd) => Err(format!("allowed_updates {odd}")),
            None => Ok(Self { url: url.to_owned(), secret, allowed }),
        }
    }
}

/// What came back for a delivery.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Telegram {
    /// The webhook that is set.
    pub fn webhook(&self) -> Option<Hook> {
        self.inner().webhook.clone()
    }

    /// As if another program had set one before.
    pub fn set_webhook(&self, hook: Hook) {
        self.inner().webhook = Some(hook);
        self.changed();
    }

    /// The oldest update that was not delivered.
    pub fn waiting(&self) -> Option<Value> {
        let inner = self.inner();
        let (id, update) = inner.updates.front()?;
        let mut update = update.clone();
        update["update_id"] = json!(id);
        Some(update)
    }

    /// Delivers the oldest update to the program that listens at `local`, as a proxy would pass it
    /// on; what is confirmed is forgotten.
    pub async fn deliver(&self, local: &str) -> u16 {
        let hook = self.until("a webhook", Self::webhook).await;
        let update = self.waiting().expect("an update to deliver");
        assert!(hook.allowed.iter().any(|kind| update.get(kind).is_some()), "{update}");
        let status = post(local, &hook, hook.secret.as_deref(), update.to_string()).await.status;
        if status == 200 {
            self.inner().updates.pop_front();
            self.changed();
        }
        status
    }
}

/// Sends a body to where the webhook is, under its public name.
pub async fn post(local: &str, hook: &Hook, secret: Option<&str>, body: String) -> Answer {
    let uri: Uri = hook.url.parse().unwrap();
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = request.post(format!("{}{}", local.trim_end_matches('/'), uri.path()));
    let request = request.header("host", uri.authority().unwrap().as_str());
    let mut request = request.header("content-type", "application/json").body(body);
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    Answer { status, body: response.text().await.unwrap() }
}
