//! Who am I here, logging in and out.

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::auth::{ACCESS, ADMIN, Caller, Shown, USER};
use super::extract::Json;
use super::problem::Problem;
use super::{App, kb};
use crate::words;

const YEAR: u32 = 365 * 24 * 3600;
const MONTH: u32 = 30 * 24 * 3600;
const DAY: u32 = 24 * 3600;

/// What the page needs to know before anything else.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Whether the caller may use the chat.
    access: bool,
    admin: bool,
    /// Whether the chat needs an access token.
    needs_access: bool,
    /// Whether there can be admins here.
    admin_enabled: bool,
    /// Whether the catalogue is empty.
    empty: bool,
    /// Whether the caller may load the sample catalogue.
    can_load_sample: bool,
    /// Whether a vision model writes the answers.
    model: bool,
    /// The language of `strings` and of every `detail`.
    language: String,
    /// The page's words; `{name}` in one is a placeholder.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    strings: Map<String, Value>,
    limits: UploadLimits,
}

/// What a message may bring.
#[derive(Serialize, ToSchema)]
pub struct UploadLimits {
    /// Of one photo.
    max_bytes: u64,
    max_photos: usize,
    /// In characters.
    max_question: usize,
}

/// The access token or the admin token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(min_length = 1, max_length = 1000)]
    token: String,
}

/// Who the caller is here, and the page's words in their language.
#[utoipa::path(
    get, path = "/api/me", tag = "session",
    responses((status = 200, description = "The caller", body = Me)),
    security((), ("bearer" = []), ("access" = []), ("admin" = [])),
)]
pub async fn me(
    State(app): State<App>,
    caller: Caller,
) -> Result<(HeaderMap, axum::Json<Me>), Problem> {
    // Whoever has no access learns nothing about the catalogue.
    let empty = caller.access
        && kb(&app, &caller.language, |kb| async move { kb.is_empty().await }).await?;
    let settings = app.bot.settings();
    let me = Me {
        access: caller.access,
        admin: caller.admin(),
        needs_access: app.gate.needs_access(),
        admin_enabled: app.gate.has_admins(),
        empty,
        can_load_sample: empty && (caller.admin() || app.gate.is_local()),
        model: app.bot.has_model(),
        strings: words::web_strings(&caller.language),
        limits: UploadLimits {
            max_bytes: settings.photo.max_bytes,
            max_photos: settings.bot.max_photos,
            max_question: settings.answer.max_question,
        },
        language: caller.language.clone(),
    };
    Ok((know(&caller), axum::Json(me)))
}

/// Sets the cookies of the token's rank; an admin token gives access too.
#[utoipa::path(
    post, path = "/api/login", tag = "session", request_body = Login,
    responses(
        (status = 204, description = "Logged in"),
        (status = 401, description = "Not the token", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn login(
    State(app): State<App>,
    caller: Caller,
    Json(login): Json<Login>,
) -> Result<(StatusCode, HeaderMap), Problem> {
    let rank = app
        .gate
        .shown(&login.token, Shown::Login, caller.from, &caller.language)
        .inspect_err(|_| tracing::warn!(user = caller.user, "a login was refused"))?;
    let mut headers = know(&caller);
    for (name, value) in app.gate.cookies(rank) {
        let age = if name == ADMIN { DAY } else { MONTH };
        set_cookie(&mut headers, name, &value, age, caller.secure);
    }
    Ok((StatusCode::NO_CONTENT, headers))
}

/// Removes the cookies that login set.
#[utoipa::path(
    post, path = "/api/logout", tag = "session",
    responses((status = 204, description = "Logged out")),
)]
pub async fn logout(caller: Caller) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::new();
    for name in [ACCESS, ADMIN] {
        set_cookie(&mut headers, name, "", 0, caller.secure);
    }
    (StatusCode::NO_CONTENT, headers)
}

/// The cookie that tells this user from others, when they have none.
pub fn know(caller: &Caller) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !caller.known {
        let id = format!("{:032x}", rand::random::<u128>());
        set_cookie(&mut headers, USER, &id, YEAR, caller.secure);
    }
    headers
}

fn set_cookie(headers: &mut HeaderMap, name: &str, value: &str, age: u32, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}");
    // Names and values are our own: words and hex digits.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}
