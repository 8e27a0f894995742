//! Updates by webhook: what the settings must say for it, and the route on our own web server at
//! which Telegram delivers.
//!
//! Whoever knows the secret can speak for anybody, so it is the only thing that opens the route:
//! host names and the web's tokens, which Telegram has none of, are not asked for. A delivery is
//! confirmed when it has been written down; until then Telegram keeps it and sends it again.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::routing::post;
use axum::{Router, body};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use teloxide::types::Update;
use tokio::sync::{mpsc, oneshot};

use super::api::is_telegrams_own;
use crate::config::TelegramSettings;
use crate::front::web::OWN_PATHS;

const HEADER: &str = "x-telegram-bot-api-secret-token";
/// Largest update: the longest message, in reply to another, is far below.
const MAX_BODY: usize = 1 << 20;
/// Longest time for a body to arrive, and for an update to be written down.
const PATIENCE: Duration = Duration::from_secs(20);
/// Deliveries that wait to be written down; more are refused, and Telegram keeps them.
const ROOM: usize = 128;
/// Ports that Telegram delivers to (Bot API, setWebhook).
const PORTS: [u16; 4] = [443, 80, 88, 8443];

/// An update that came, and where to say whether it is written down.
pub struct Delivery {
    pub update: Update,
    pub written: oneshot::Sender<bool>,
}

/// The front-end's end of the webhook: what Telegram must be told, and what it delivers.
pub struct Deliveries {
    pub url: Url,
    pub secret: SecretString,
    pub queue: mpsc::Receiver<Delivery>,
}

/// The route for the web server and what comes in by it; none without `webhook_url`.
///
/// # Errors
/// A sentence for the operator.
pub fn webhook(settings: &TelegramSettings) -> Result<Option<(Router, Deliveries)>, String> {
    let (url, secret) = (settings.webhook_url.trim(), settings.webhook_secret.expose_secret());
    let secret = secret.trim();
    if url.is_empty() {
        return match secret {
            "" => Ok(None),
            _ => Err("telegram.webhook_secret is set, and telegram.webhook_url is not; set both \
                      for a webhook and neither for long polling"
                .into()),
        };
    }
    let url = address(url, is_telegrams_own(&settings.api_url))?;
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
    // Telegram takes shorter ones; but who guesses it can pose as anybody, an admin too.
    if !(12..=256).contains(&secret.len()) || !secret.bytes().all(fits) {
        return Err("telegram.webhook_secret must be 12 to 256 of A-Z, a-z, 0-9, _ and -, as \
                    telegram.webhook_url is set; take the output of `openssl rand -hex 24`"
            .into());
    }
    let (sender, queue) = mpsc::channel(ROOM);
    let hook = Arc::new(Hook { secret: blake3::hash(secret.as_bytes()), queue: sender });
    let router = Router::new().route(url.path(), post(deliver)).with_state(hook);
    Ok(Some((router, Deliveries { url, secret: secret.to_owned().into(), queue })))
}

/// The address, if Telegram would deliver there and the path is free on our server.
fn address(text: &str, telegrams_own: bool) -> Result<Url, String> {
    let wrong = |rule: &str| Err(format!("telegram.webhook_url {rule}"));
    let url = match Url::parse(text) {
        Ok(url) if url.host_str().is_some() && !url.cannot_be_a_base() => url,
        _ => return wrong("must be an address like https://bot.example.com/telegram"),
    };
    match url.scheme() {
        "https" => {}
        "http" if !telegrams_own => {}
        "http" => return wrong("must begin with https, unless telegram.api_url is set"),
        _ => return wrong("must be an address like https://bot.example.com/telegram"),
    }
    if telegrams_own && !url.port_or_known_default().is_some_and(|p| PORTS.contains(&p)) {
        return wrong(
            "has a port that Telegram does not deliver to: it must be 443, 80, 88 or 8443",
        );
    }
    let named = !url.username().is_empty() || url.password().is_some();
    if named || url.query().is_some() || url.fragment().is_some() {
        return wrong("must be an address without user, ? and #");
    }
    let path = url.path();
    let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.' | b'~');
    let plain = |part: &str| !part.is_empty() && part.bytes().all(fits);
    let mut parts = path.trim_start_matches('/').split('/');
    let first = parts.next().unwrap_or_default();
    if first.is_empty() || OWN_PATHS.contains(&first) {
        return wrong(&format!(
            "has the path {path}, which is the web chat's own; choose another, like /telegram"
        ));
    }
    if !plain(first) || !parts.all(plain) {
        return wrong(&format!(
            "has the path {path}; it may hold letters, digits, - _ . ~ and single slashes between"
        ));
    }
    Ok(url)
}

struct Hook {
    secret: blake3::Hash,
    queue: mpsc::Sender<Delivery>,
}

async fn deliver(State(hook): State<Arc<Hook>>, request: Request) -> StatusCode {
    let shown = request.headers().get(HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    // Hashes are compared in constant time.
    if blake3::hash(shown) != hook.secret {
        return StatusCode::FORBIDDEN;
    }
    let reading = body::to_bytes(request.into_body(), MAX_BODY);
    let bytes = match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => return StatusCode::REQUEST_TIMEOUT,
    };
    let update = match serde_json::from_slice(&bytes) {
        Ok(update) => update,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            tracing::warn!("Telegram: no update was delivered: line {line}, column {column}");
            return StatusCode::BAD_REQUEST;
        }
    };
    let (written, confirmed) = oneshot::channel();
    if hook.queue.try_send(Delivery { update, written }).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match tokio::time::timeout(PATIENCE, confirmed).await {
        Ok(Ok(true)) => StatusCode::OK,
        Ok(Ok(false)) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(api_url: &str, url: &str, secret: &str) -> TelegramSettings {
        TelegramSettings {
            api_url: api_url.into(),
            webhook_url: url.into(),
            webhook_secret: secret.to_owned().into(),
            ..TelegramSettings::default()
        }
    }

    #[test]
    fn what_telegram_or_our_own_server_would_not_take_is_refused_by_name() {
        let told = |api: &str, url: &str, secret: &str| {
            webhook(&settings(api, url, secret)).map(|hook| hook.is_some())
        };
        let own = "https://bot.example.com/telegram";
        assert_eq!(told("", "", ""), Ok(false));
        for (api, url) in [
            ("", own),
            ("", "https://bot.example.com:8443/hooks/telegram-1"),
            ("http://127.0.0.1:8081", "http://127.0.0.1:8642/telegram"),
            ("http://127.0.0.1:8081", "https://bot.example.com:9000/telegram"),
        ] {
            assert_eq!(told(api, url, "secret_1-abc"), Ok(true), "{url}");
        }
        let long = "x".repeat(257);
        for secret in [
            "",
            " ",
            "short_1-abc",
            "a b a b a b a b",
            "a.b.a.b.a.b.a",
            "üüüüüüüüü",
            "a\nb a\nb a\nb a",
            &long,
        ] {
            let told = told("", own, secret).unwrap_err();
            assert!(told.contains("webhook_secret") && told.contains("openssl rand"), "{told}");
            assert!(secret.trim().is_empty() || !told.contains(secret), "{told}");
        }
        assert!(told("", "", "secret").unwrap_err().contains("webhook_url"));
        for (url, word) in [
            ("bot.example.com/telegram", "like https"),
            ("ftp://bot.example.com/telegram", "like https"),
            ("http://bot.example.com/telegram", "https"),
            ("https://bot.example.com:9000/telegram", "port"),
            ("https://a:b@bot.example.com/telegram", "without user"),
            ("https://bot.example.com/telegram?x=1", "without user"),
            ("https://bot.example.com", "the web chat's own"),
            ("https://bot.example.com/api/telegram", "/api/telegram"),
            ("https://bot.example.com/admin", "/admin"),
            ("https://bot.example.com/healthz", "/healthz"),
            ("https://bot.example.com/x/../login", "/login"),
            ("https://bot.example.com/a//b", "slashes"),
            ("https://bot.example.com/a/", "slashes"),
            ("https://bot.example.com/{a}", "letters"),
            ("https://bot.example.com/:a", "letters"),
            ("https://bot.example.com/*a", "letters"),
        ] {
            let told = told("", url, "secret").unwrap_err();
            assert!(told.contains("telegram.webhook_url") && told.contains(word), "{url}: {told}");
        }
    }

    #[tokio::test]
    async fn when_nothing_more_can_be_written_down_telegram_keeps_it() {
        let (queue, mut deliveries) = mpsc::channel(1);
        let hook = Arc::new(Hook { secret: blake3::hash(b"s"), queue });
        let send = |text: &'static str| {
            let request = Request::builder().header(HEADER, "s").body(text.into()).unwrap();
            deliver(State(Arc::clone(&hook)), request)
        };
        let first = tokio::spawn(send(r#"{"update_id": 1}"#));
        while deliveries.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(send(r#"{"update_id": 2}"#).await, StatusCode::SERVICE_UNAVAILABLE);
        // The front-end ends without having written it down.
        drop(deliveries.recv().await);
        assert_eq!(first.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
        for (written, status) in
            [(true, StatusCode::OK), (false, StatusCode::INTERNAL_SERVER_ERROR)]
        {
            let third = tokio::spawn(send(r#"{"update_id": 3}"#));
            let _ = deliveries.recv().await.unwrap().written.send(written);
            assert_eq!(third.await.unwrap(), status);
        }
        drop(deliveries);
        assert_eq!(send(r#"{"update_id": 4}"#).await, StatusCode::SERVICE_UNAVAILABLE);
    }
}
