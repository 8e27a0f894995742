//! What handlers take of a request beside files: JSON, query and path, whose refusals are
//! problem documents in the user's language.

use std::time::Duration;

use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request};
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::words;

/// Largest JSON body: a product with every attribute at its limit.
const MAX_JSON: usize = 1 << 20;
/// Longest time to send it.
const JSON_TIME: Duration = Duration::from_secs(30);

/// The language to answer in.
pub fn language(headers: &HeaderMap) -> String {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    words::negotiate(wanted.unwrap_or_default())
}

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let language = language(request.headers());
        DefaultBodyLimit::max(MAX_JSON).apply(&mut request);
        // An object first: serde would also take a struct's fields from a list.
        let reading = axum::Json::<Map<String, Value>>::from_request(request, state);
        let Ok(read) = tokio::time::timeout(JSON_TIME, reading).await else {
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, &language, "slow", &[]));
        };
        let axum::Json(object) = read.map_err(|e| wrong_json(&language, e))?;
        serde_json::from_value(Value::Object(object)).map(Self).map_err(|e| {
            let facts: [(_, &dyn std::fmt::Display); 1] = [("reason", &e)];
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, &language, "json", &facts)
        })
    }
}

fn wrong_json(language: &str, rejection: JsonRejection) -> Problem {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            let facts: [(_, &dyn std::fmt::Display); 1] = [("type", &"application/json")];
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, language, "type", &facts)
        }
        JsonRejection::BytesRejection(BytesRejection::FailedToBufferBody(e))
            if e.status() == StatusCode::PAYLOAD_TOO_LARGE =>
        {
            too_large(language, MAX_JSON as u64)
        }
        other => {
            let facts: [(_, &dyn std::fmt::Display); 1] = [("reason", &other.body_text())];
            Problem::new(other.status(), language, "json", &facts)
        }
    }
}

/// The body is larger than `limit` bytes.
pub fn too_large(language: &str, limit: u64) -> Problem {
    let limit = match limit {
        l if l >= 1 << 20 => format!("{} MB", l >> 20),
        l => format!("{} kB", l >> 10),
    };
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, language, "too-large", &[("limit", &limit)])
}

/// The address's query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(value)| Self(value)).map_err(|e: QueryRejection| {
            wrong_address(&language(&parts.headers), e.status(), &e.body_text())
        })
    }
}

/// The variable parts of the address's path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(value)| Self(value)).map_err(|e: PathRejection| {
            wrong_address(&language(&parts.headers), e.status(), &e.body_text())
        })
    }
}

fn wrong_address(language: &str, status: StatusCode, reason: &str) -> Problem {
    Problem::new(status, language, "address", &[("reason", &reason)])
}
