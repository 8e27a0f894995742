//! What went wrong, as RFC 9457 says it: every failed request ends in one of these documents.

use std::fmt::Display;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::bot::{Failure, FailureKind};
use crate::words::say;

/// When trying again makes sense if nothing better is known, in seconds.
const RETRY: u64 = 5;

/// Why a request was not fulfilled (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A sentence to show, in the user's language.
    detail: String,
    /// What the log has more about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reference: Option<String>,
    /// When trying again makes sense, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after: Option<u64>,
    /// The product that the refused one looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    duplicate: Option<Box<Duplicate>>,
}

/// A product that another photo nearly shows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Duplicate {
    pub id: String,
    pub title: String,
    /// Cosine of the two photos, -1 to 1.
    pub score: f32,
}

impl Problem {
    /// A problem with a sentence of the `problem-…` words; `facts` fill its placeholders.
    pub fn new(
        status: StatusCode,
        language: &str,
        key: &str,
        facts: &[(&'static str, &dyn Display)],
    ) -> Self {
        let facts: Vec<_> = facts.iter().map(|(name, v)| (*name, v.to_string().into())).collect();
        Self::with_text(status, say(language, &format!("problem-{key}"), &facts))
    }

    fn with_text(status: StatusCode, detail: String) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail,
            reference: None,
            retry_after: None,
            duplicate: None,
        }
    }

    /// A problem that is over after so many seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..self }
    }

    pub fn duplicate(self, duplicate: Duplicate) -> Self {
        Self { duplicate: Some(Box::new(duplicate)), ..self }
    }

    /// Something of our own broke: the log gets the cause, the user a number to find it by.
    pub fn internal(language: &str, cause: &dyn Display) -> Self {
        let reference = format!("{:08x}", rand::random::<u32>());
        tracing::error!(reference, "a web request failed: {cause}");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let text = say(language, "internal", &[("reference", reference.as_str().into())]);
        Self { reference: Some(reference), ..Self::with_text(status, text) }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure.kind {
            FailureKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            FailureKind::Denied => StatusCode::FORBIDDEN,
            FailureKind::NotFound => StatusCode::NOT_FOUND,
            FailureKind::Conflict => StatusCode::CONFLICT,
            // Nothing is gained by sending again what is too large.
            FailureKind::Limited if failure.retry_after.is_none() => StatusCode::PAYLOAD_TOO_LARGE,
            FailureKind::Limited => StatusCode::TOO_MANY_REQUESTS,
            FailureKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let Failure { text, reference, retry_after, .. } = failure;
        Self { reference, retry_after, ..Self::with_text(status, text) }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            self.retry_after.get_or_insert(RETRY);
        }
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"magpie\""));
        }
        response
    }
}
