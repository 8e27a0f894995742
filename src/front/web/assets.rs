//! The pages and what they load, embedded into the binary, and the headers that keep a browser
//! from doing anything with them that they do not ask for.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use rust_embed::{Embed, EmbeddedFile};

use super::App;
use super::auth::Caller;
use super::extract::language;
use super::login::know;
use super::problem::Problem;

#[derive(Embed)]
#[folder = "src/front/web/page/"]
#[include = "*.html"]
#[include = "*.css"]
#[include = "*.js"]
#[include = "*.svg"]
#[include = "*.png"]
#[include = "*.webmanifest"]
struct Page;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; manifest-src 'self'";
const PERMISSIONS: &str = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()";

/// `GET /`: the chat.
pub async fn chat(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Response {
    page(&app, &caller, "index.html", &headers)
}

/// `GET /admin`: the catalogue.
pub async fn admin(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Response {
    page(&app, &caller, "admin.html", &headers)
}

fn page(app: &App, caller: &Caller, name: &str, headers: &HeaderMap) -> Response {
    if app.gate.needs_access() && !caller.access {
        return Redirect::to("/login").into_response();
    }
    (know(caller), file(name, headers)).into_response()
}

/// `GET /login`: where a token is shown; of no use when it was or none is needed.
pub async fn login(caller: Caller, headers: HeaderMap) -> Response {
    if caller.access {
        return Redirect::to("/").into_response();
    }
    file("login.html", &headers)
}

/// `GET /assets/{name}`.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(&name, &headers)
}

/// An embedded file, unless the browser has it already.
fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Page::get(name) else {
        let status = StatusCode::NOT_FOUND;
        return Problem::new(status, &language(headers), "not-found", &[]).into_response();
    };
    let hash = blake3::Hash::from_bytes(metadata.sha256_hash()).to_hex();
    let tag = format!("\"{}\"", hash.get(..32).unwrap_or_default());
    let known = headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|known| {
        known.split(',').map(|t| t.trim().trim_start_matches("W/")).any(|t| t == tag || t == "*")
    });
    let shared = [(ETAG, tag), (CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, shared).into_response();
    }
    let length = data.len().to_string();
    let head = [(CONTENT_TYPE, content_type(name).to_owned()), (CONTENT_LENGTH, length)];
    (shared, head, Body::from(data)).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// Adds the headers that every response carries.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let name = HeaderName::from_static;
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (name("permissions-policy"), PERMISSIONS),
        (name("cross-origin-opener-policy"), "same-origin"),
        (name("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
