//! The chat: a message goes to the bot, its replies come back as events or as one document.

use std::convert::Infallible;
use std::fmt::Display;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::auth::{Caller, Visitor};
use super::extract::Json;
use super::problem::Problem;
use super::upload::{Room, Shape};
use super::view::{AnswerView, AskResult, FileView, MatchView, MatchesView, ProductView, TextView};
use super::{App, SPACE};
use crate::bot::{Platform, Reply, Request};

/// Under the patience of connections and of most proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const MAX_CONVERSATION: usize = 64;
const MAX_ACTION: usize = 64;
/// Most matches that can be asked for here.
const MAX_SIMILAR: usize = 20;

/// A question about photos.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema of a form")]
pub struct AskForm {
    /// None to go on about the photo before; as many as the server's `bot.max_photos`.
    #[schema(value_type = Option<Vec<Binary>>, nullable = false)]
    photo: Option<Vec<Binary>>,
    /// May be empty beside a photo. A text that starts with `/` is a command.
    #[schema(nullable = false)]
    question: Option<String>,
    /// The name of the conversation to go on with, chosen by the client.
    #[schema(
        nullable = false,
        default = "main",
        max_length = 64,
        pattern = "^[A-Za-z0-9_-]{1,64}$"
    )]
    conversation: Option<String>,
}

/// A file.
#[derive(ToSchema)]
#[schema(value_type = String, content_media_type = "application/octet-stream", format = Binary)]
#[expect(dead_code, reason = "the schema of a file in a form")]
pub struct Binary(String);

/// A search for products that look like a photo, fit words, or both.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema of a form")]
pub struct SimilarForm {
    #[schema(nullable = false)]
    photo: Option<Binary>,
    #[schema(nullable = false)]
    words: Option<String>,
    /// How many products to show.
    #[schema(nullable = false, minimum = 1, maximum = 20)]
    k: Option<u32>,
    #[schema(
        nullable = false,
        default = "main",
        max_length = 64,
        pattern = "^[A-Za-z0-9_-]{1,64}$"
    )]
    conversation: Option<String>,
}

/// A pressed button.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Press {
    /// The button's.
    #[schema(min_length = 1, max_length = 64)]
    action: String,
    /// The conversation in which the button came.
    #[serde(default = "main")]
    #[schema(default = "main", max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    conversation: String,
}

/// A conversation to forget.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    #[serde(default = "main")]
    #[schema(default = "main", max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    conversation: String,
}

fn main() -> String {
    "main".to_owned()
}

/// Asks about a photo, goes on about the one before, or gives a command.
///
/// With `Accept: text/event-stream` the replies come as they are made: events `typing`,
/// `matches`, `growing`, `answer`, `text`, `product`, `buttons`, `file`, `problem`, and `done` at
/// the end.
#[utoipa::path(
    post, path = "/api/ask", tag = "chat",
    request_body(content = AskForm, content_type = "multipart/form-data"),
    responses((status = 200, description = "The replies", content(
        (AskResult = "application/json"), (String = "text/event-stream"),
    ))),
    security((), ("bearer" = []), ("access" = [])),
)]
pub async fn ask(
    State(app): State<App>,
    Visitor(caller): Visitor,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let events = wants_events(request.headers());
    let photos = app.bot.settings().bot.max_photos;
    let shape = Shape { texts: &["question", "conversation"], photos, archive: false };
    let mut form = app.uploads.read(request, shape).await?;
    let conversation = conversation(form.text("conversation"), &caller.language)?;
    let text = form.text("question").unwrap_or_default();
    let request = Request { text, files: form.photos, ..message(&caller, &conversation) };
    respond(&app, caller, request, events, form.room).await
}

/// The products most like a photo, words, or both.
#[utoipa::path(
    post, path = "/api/similar", tag = "chat",
    request_body(content = SimilarForm, content_type = "multipart/form-data"),
    responses((status = 200, description = "The matches", content(
        (AskResult = "application/json"), (String = "text/event-stream"),
    ))),
    security((), ("bearer" = []), ("access" = [])),
)]
pub async fn similar(
    State(app): State<App>,
    Visitor(caller): Visitor,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let events = wants_events(request.headers());
    let shape = Shape { texts: &["words", "k", "conversation"], photos: 1, archive: false };
    let mut form = app.uploads.read(request, shape).await?;
    let conversation = conversation(form.text("conversation"), &caller.language)?;
    let k = match form.text("k") {
        None => app.bot.settings().search.k.min(MAX_SIMILAR),
        Some(text) => text
            .trim()
            .parse()
            .ok()
            .filter(|k| (1..=MAX_SIMILAR).contains(k))
            .ok_or_else(|| wrong(&caller.language, "k", &[("limit", &MAX_SIMILAR)]))?,
    };
    let words = form.text("words").unwrap_or_default();
    let words: Vec<&str> = words.split_whitespace().collect();
    // With `k` always there, words that start with a number are words.
    let text = format!("/similar {k} {}", words.join(" "));
    let request = Request { text, files: form.photos, ..message(&caller, &conversation) };
    respond(&app, caller, request, events, form.room).await
}

/// Presses a button that came with an earlier reply to the same user.
#[utoipa::path(
    post, path = "/api/press", tag = "chat", request_body = Press,
    responses((status = 200, description = "The replies", content(
        (AskResult = "application/json"), (String = "text/event-stream"),
    ))),
    security((), ("bearer" = []), ("access" = [])),
)]
pub async fn press(
    State(app): State<App>,
    Visitor(caller): Visitor,
    headers: HeaderMap,
    Json(press): Json<Press>,
) -> Result<Response, Problem> {
    if press.action.is_empty() || press.action.len() > MAX_ACTION {
        return Err(wrong(&caller.language, "action", &[]));
    }
    let conversation = conversation(Some(press.conversation), &caller.language)?;
    let request = Request { press: Some(press.action), ..message(&caller, &conversation) };
    respond(&app, caller, request, wants_events(&headers), Room::NONE).await
}

/// Forgets a conversation: its photos, questions and answers.
#[utoipa::path(
    post, path = "/api/forget", tag = "chat", request_body = Forget,
    responses((status = 204, description = "Forgotten")),
    security((), ("bearer" = []), ("access" = [])),
)]
pub async fn forget(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Json(forget): Json<Forget>,
) -> Result<StatusCode, Problem> {
    let conversation = conversation(Some(forget.conversation), &caller.language)?;
    app.bot.forget(Platform::Web, SPACE, &conversation, &caller.user);
    Ok(StatusCode::NO_CONTENT)
}

fn wants_events(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok());
    accepted.any(|a| a.to_ascii_lowercase().contains("text/event-stream"))
}

fn conversation(named: Option<String>, language: &str) -> Result<String, Problem> {
    let Some(name) = named else { return Ok(main()) };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if (1..=MAX_CONVERSATION).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(name);
    }
    Err(wrong(language, "conversation", &[("limit", &MAX_CONVERSATION)]))
}

fn wrong(language: &str, key: &str, facts: &[(&'static str, &dyn Display)]) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, language, key, facts)
}

fn message(caller: &Caller, conversation: &str) -> Request {
    let name = if caller.admin() { "admin" } else { "web" };
    Request {
        name: name.to_owned(),
        language: caller.language.clone(),
        admin: caller.admin(),
        ..Request::new(Platform::Web, SPACE, conversation, &caller.user)
    }
}

/// Hands a request to the bot. Whoever drops the response, cancels the work.
async fn respond(
    app: &App,
    caller: Caller,
    request: Request,
    events: bool,
    room: Room,
) -> Result<Response, Problem> {
    let mut replies = app.bot.handle(request);
    if !events {
        let mut result = AskResult::default();
        while let Some(reply) = replies.next().await {
            collect(&mut result, reply)?;
        }
        return Ok(axum::Json(result).into_response());
    }
    let stream = replies.map(move |reply| {
        let _kept = &room;
        Ok::<_, Infallible>(event(reply, &caller.language))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(stream).keep_alive(keep_alive).into_response();
    // Proxies of nginx's family would collect the events before they pass them on.
    let name = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(name, HeaderValue::from_static("no"));
    Ok(response)
}

fn collect(result: &mut AskResult, reply: Reply) -> Result<(), Problem> {
    match reply {
        Reply::Typing | Reply::Growing(_) => {}
        Reply::Matches { thumbnails, confident } => {
            result.matches = thumbnails.into_iter().map(MatchView::from).collect();
            result.confident = confident;
        }
        Reply::Answer(answered) => result.answer = Some(answered.into()),
        Reply::Text(markup) => result.texts.push(markup.into()),
        Reply::Product(product) => result.product = Some(product.into()),
        Reply::Buttons(buttons) => result.buttons.extend(buttons),
        Reply::File { name, .. } => result.file = Some(exported(name)),
        Reply::Error(failure) => return Err(failure.into()),
        Reply::Done(timings) => result.timings = timings,
    }
    Ok(())
}

fn event(reply: Reply, language: &str) -> Event {
    match reply {
        Reply::Typing => named("typing", &json!({}), language),
        Reply::Matches { thumbnails, confident } => {
            let matches = thumbnails.into_iter().map(MatchView::from).collect();
            named("matches", &MatchesView { confident, matches }, language)
        }
        Reply::Growing(markup) => named("growing", &json!({ "markup": markup }), language),
        Reply::Answer(answered) => named("answer", &AnswerView::from(answered), language),
        Reply::Text(markup) => named("text", &TextView::from(markup), language),
        Reply::Product(product) => named("product", &ProductView::from(product), language),
        Reply::Buttons(buttons) => named("buttons", &json!({ "buttons": buttons }), language),
        Reply::File { name, .. } => named("file", &exported(name), language),
        Reply::Error(failure) => named("problem", &Problem::from(failure), language),
        Reply::Done(timings) => named("done", &json!({ "timings": timings }), language),
    }
}

fn named(name: &str, data: &impl Serialize, language: &str) -> Event {
    Event::default().event(name).json_data(data).unwrap_or_else(|e| {
        let problem = Problem::internal(language, &e);
        Event::default().event("problem").json_data(problem).unwrap_or_default()
    })
}

/// The only file that the bot hands over is the catalogue, which has an address of its own.
fn exported(name: String) -> FileView {
    FileView { name, url: "/api/export".to_owned() }
}
