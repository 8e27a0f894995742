//! A fake Telegram: the methods of the Bot API that Magpie calls, as the API's documentation words
//! them, with its limits checked. What is wrong about a call is refused and kept for
//! [`Telegram::faults`].

#![allow(dead_code, reason = "each test file uses its own part")]

mod check;
mod methods;
mod people;
mod webhook;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::line::Line;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

#[allow(unused_imports, reason = "each file uses its own part")]
pub use people::{Message, User, group, topic};
#[allow(unused_imports, reason = "each file uses its own part")]
pub use webhook::{Hook, post};

pub const TOKEN: &str = "4711:AAsesame-sesame_sesame";
pub const BOT: u64 = 4711;
pub const NAME: &str = "magpie_test_bot";
/// Longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the bot puts into names and addresses so that they are no links; it has no width.
const JOINER: char = '\u{2060}';

/// What goes wrong with the next call of a method.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Too many requests: come back after so many seconds.
    Flood(u64),
    /// A server's error page.
    Broken,
    /// The connection closes in the middle of the body, though the call was done.
    Cut,
    /// Refused, with this description.
    Refused(u16, &'static str),
}

/// A message of the bot as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub id: i64,
    pub chat: i64,
    pub thread: Option<i64>,
    pub method: String,
    /// Text or caption without tags; an album's captions, a line each.
    pub text: String,
    /// As it was sent.
    pub html: String,
    pub buttons: Vec<(String, String)>,
    pub reply_to: Option<i64>,
    /// Names of the files in it.
    pub files: Vec<String>,
    pub edits: usize,
    pub changed: Instant,
    pub deleted: bool,
}

/// One call as it came.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub fields: Map<String, Value>,
    pub at: Instant,
}

#[derive(Default)]
struct Inner {
    updates: VecDeque<(u32, Value)>,
    next_update: u32,
    next_message: i64,
    shown: Vec<Shown>,
    calls: Vec<Call>,
    faults: Vec<String>,
    planned: HashMap<String, VecDeque<Fault>>,
    files: HashMap<String, (u64, Option<Bytes>)>,
    uploads: BTreeMap<String, Bytes>,
    queries: HashMap<String, usize>,
    /// What was shown to those who pressed buttons, and to nobody else.
    alerts: Vec<String>,
    /// Groups with those who own them.
    owners: Vec<(i64, i64)>,
    fetched: Vec<String>,
    /// Where a file is, in place of where this server hands it out.
    places: HashMap<String, String>,
    webhook: Option<Hook>,
}

/// A running server; it ends with the runtime.
#[derive(Clone)]
pub struct Telegram {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<watch::Sender<u64>>,
    /// The line to it.
    pub line: Line,
    pub url: String,
}

impl Telegram {
    pub async fn new() -> Self {
        let (line, tap) = Line::new().await;
        let url = format!("http://{}", tap.address());
        let inner = Inner { next_update: 1000, next_message: 1, ..Inner::default() };
        let fake = Self {
            inner: Arc::new(Mutex::new(inner)),
            changed: Arc::new(watch::channel(0).0),
            line,
            url,
        };
        let app = Router::new()
            .route("/{bot}/{method}", routing::post(call))
            .route("/file/{bot}/{*path}", routing::get(file))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(tap, app).await });
        fake
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    fn changed(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Something a user did; its update's number.
    pub fn send(&self, update: Value) -> u32 {
        let mut inner = self.inner();
        let id = inner.next_update;
        inner.next_update += 1;
        inner.updates.push_back((id, update));
        drop(inner);
        self.changed();
        id
    }

    fn new_message(&self) -> i64 {
        let mut inner = self.inner();
        inner.next_message += 1;
        inner.next_message
    }

    /// A file that can be fetched by the id that comes back; none: Telegram has lost it.
    fn new_file(&self, size: u64, bytes: Option<Vec<u8>>) -> String {
        let mut inner = self.inner();
        let id = format!("file-{}", inner.files.len());
        inner.files.insert(id.clone(), (size, bytes.map(Bytes::from)));
        id
    }

    /// Says of the largest size of a message's photo that it is at this path.
    pub fn place(&self, message: &Message, path: &str) {
        let id = message.json["photo"][1]["file_id"].as_str().unwrap();
        self.inner().places.insert(id.to_owned(), path.to_owned());
    }

    /// What happens to the next calls of a method, in this order.
    pub fn plan(&self, method: &str, faults: &[Fault]) {
        let mut inner = self.inner();
        inner.planned.entry(method.to_lowercase()).or_default().extend(faults.iter().cloned());
    }

    /// What the bot did wrong by the API's documentation.
    pub fn faults(&self) -> Vec<String> {
        self.inner().faults.clone()
    }

    /// Messages that stand in a chat.
    pub fn chat(&self, chat: i64) -> Vec<Shown> {
        let inner = self.inner();
        inner.shown.iter().filter(|s| s.chat == chat && !s.deleted).cloned().collect()
    }

    /// Drops what stands in a chat.
    pub fn forget(&self, chat: i64) {
        self.inner().shown.retain(|s| s.chat != chat);
    }

    /// How many calls came, but for those that wait for updates.
    pub fn count(&self) -> usize {
        self.inner().calls.iter().filter(|c| c.method != "getupdates").count()
    }

    pub fn calls(&self, method: &str) -> Vec<Call> {
        let inner = self.inner();
        inner.calls.iter().filter(|c| c.method.eq_ignore_ascii_case(method)).cloned().collect()
    }

    /// Paths of the files that were fetched.
    pub fn fetched(&self) -> Vec<String> {
        self.inner().fetched.clone()
    }

    pub fn upload(&self, name: &str) -> Vec<u8> {
        self.inner().uploads.get(name).unwrap_or_else(|| panic!("no upload {name}")).to_vec()
    }

    /// Updates that the bot has not confirmed.
    pub fn unconfirmed(&self) -> usize {
        self.inner().updates.len()
    }

    /// What was shown to those who pressed buttons.
    pub fn alerts(&self) -> Vec<String> {
        self.inner().alerts.clone()
    }

    /// Makes somebody a group's owner.
    pub fn own(&self, group: i64, user: i64) {
        self.inner().owners.push((group, user));
    }

    /// How often each button's query was answered.
    pub fn answered_queries(&self) -> Vec<usize> {
        self.inner().queries.values().copied().collect()
    }

    /// Waits until `look` finds something.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        let waiting = async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                changes.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => {
                let faults = self.faults();
                panic!("{what} never came: {faults:?} {:#?}", self.inner().shown)
            }
        }
    }

    /// Waits for a message in a chat that holds this text, the newest of them.
    pub async fn says(&self, chat: i64, text: &str) -> Shown {
        let find = |fake: &Self| {
            fake.chat(chat).into_iter().rev().find(|s| s.text.replace(JOINER, "").contains(text))
        };
        self.until(text, find).await
    }

    /// Waits for a message with a button of this label, the newest of them.
    pub async fn button(&self, chat: i64, label: &str) -> (Shown, String) {
        let find = |fake: &Self| {
            fake.chat(chat).into_iter().rev().find_map(|s| {
                let button = s.buttons.iter().find(|(l, _)| l.contains(label))?;
                Some((s.clone(), button.1.clone()))
            })
        };
        self.until(label, find).await
    }
}

async fn file(State(fake): State<Telegram>, Path((bot, path)): Path<(String, String)>) -> Response {
    if bot != format!("bot{TOKEN}") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut inner = fake.inner();
    inner.fetched.push(path.clone());
    let bytes = path.strip_prefix("photos/").and_then(|id| inner.files.get(id)?.1.clone());
    drop(inner);
    fake.changed();
    match bytes {
        Some(bytes) => bytes.into_response(),
        None => refused(404, "Not Found", None),
    }
}

fn refused(status: u16, description: &str, parameters: Option<Value>) -> Response {
    let mut body = json!({"ok": false, "error_code": status, "description": description});
    if let Some(parameters) = parameters {
        body["parameters"] = parameters;
    }
    let status = StatusCode::from_u16(status).unwrap();
    (status, axum::Json(body)).into_response()
}

async fn call(
    State(fake): State<Telegram>,
    Path((bot, method)): Path<(String, String)>,
    request: Request,
) -> Response {
    if bot != format!("bot{TOKEN}") {
        return refused(401, "Unauthorized", None);
    }
    let method = method.to_lowercase();
    let (fields, files) = match methods::body(request).await {
        Ok(body) => body,
        Err(fault) => return fake.wrong(&method, &fault),
    };
    let planned = {
        let mut inner = fake.inner();
        let (at, fields) = (Instant::now(), fields.clone());
        inner.calls.push(Call { method: method.clone(), fields, at });
        inner.planned.get_mut(&method).and_then(VecDeque::pop_front)
    };
    fake.changed();
    match planned {
        Some(Fault::Flood(seconds)) => {
            let text = format!("Too Many Requests: retry after {seconds}");
            return refused(429, &text, Some(json!({ "retry_after": seconds })));
        }
        Some(Fault::Broken) => return refused(500, "Internal Server Error", None),
        Some(Fault::Refused(status, text)) => return refused(status, text, None),
        Some(Fault::Cut) | None => {}
    }
    if method == "getupdates" && fake.webhook().is_some() {
        let text = "Conflict: can't use getUpdates method while webhook is active; use \
                    deleteWebhook to delete the webhook first";
        return refused(409, text, None);
    }
    let done = match fake.done(&method, &fields, &files).await {
        Ok(result) => result,
        Err(fault) => return fake.wrong(&method, &fault),
    };
    fake.changed();
    let body = json!({"ok": true, "result": done}).to_string();
    if matches!(planned, Some(Fault::Cut)) {
        let half = Bytes::from(body[..body.len() / 2].to_owned());
        let broken = std::io::Error::other("cut");
        let stream = futures_util::stream::iter([Ok(half), Err(broken)]);
        return Response::builder()
            .header("content-length", body.len())
            .body(Body::from_stream(stream))
            .unwrap();
    }
    ([("content-type", "application/json")], body).into_response()
}
