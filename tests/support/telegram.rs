//! A fake Telegram: the methods of the Bot API that Magpie calls, as the API's documentation words
//! them, with its limits checked. What is wrong about a call is refused and kept for
//! [`Telegram::faults`].

#![allow(dead_code, reason = "each test file uses its own part")]

#[path = "telegram/check.rs"]
mod check;
#[path = "telegram/people.rs"]
mod people;
#[path = "telegram/webhook.rs"]
mod webhook;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Path, Request, State};
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
    pub url: String,
}

impl Telegram {
    pub async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner { next_update: 1000, next_message: 1, ..Inner::default() };
        let fake = Self {
            inner: Arc::new(Mutex::new(inner)),
            changed: Arc::new(watch::channel(0).0),
            url,
        };
        let app = Router::new()
            .route("/{bot}/{method}", routing::post(call))
            .route("/file/{bot}/{*path}", routing::get(file))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
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
        let find = |fake: &Self| fake.chat(chat).into_iter().rev().find(|s| s.text.contains(text));
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
    let (fields, files) = match body(request).await {
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

type Files = HashMap<String, (String, Bytes)>;

/// JSON or a form, whose values are JSON where they are not text.
async fn body(request: Request) -> Result<(Map<String, Value>, Files), String> {
    let kind = request.headers().get("content-type").and_then(|v| v.to_str().ok());
    let mut files = Files::new();
    if !kind.unwrap_or_default().starts_with("multipart/form-data") {
        let bytes = Bytes::from_request(request, &()).await.map_err(|e| e.to_string())?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        let Value::Object(fields) = value else { return Err("no object".into()) };
        return Ok((fields, files));
    }
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| e.to_string())?;
    let mut fields = Map::new();
    while let Some(part) = form.next_field().await.map_err(|e| e.to_string())? {
        let name = part.name().unwrap_or_default().to_owned();
        if let Some(file) = part.file_name().map(str::to_owned) {
            files.insert(name, (file, part.bytes().await.map_err(|e| e.to_string())?));
            continue;
        }
        let text = part.text().await.map_err(|e| e.to_string())?;
        let texts = ["text", "caption", "parse_mode", "secret_token"];
        let value = match serde_json::from_str(&text) {
            Ok(value) if !texts.contains(&name.as_str()) => value,
            _ => Value::String(text),
        };
        fields.insert(name, value);
    }
    Ok((fields, files))
}

impl Telegram {
    fn wrong(&self, method: &str, fault: &str) -> Response {
        let expected = ["message is not modified", "can't be edited", "file is too big"];
        if !expected.iter().any(|e| fault.contains(e)) {
            self.inner().faults.push(format!("{method}: {fault}"));
        }
        self.changed();
        refused(400, &format!("Bad Request: {fault}"), None)
    }

    async fn done(
        &self,
        method: &str,
        fields: &Map<String, Value>,
        files: &Files,
    ) -> Result<Value, String> {
        check::names(method, fields)?;
        let integer = |name: &str| fields.get(name).and_then(Value::as_i64);
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        match method {
            "getme" => Ok(json!({
                "id": BOT, "is_bot": true, "first_name": "Magpie", "username": NAME,
                "can_join_groups": true, "can_read_all_group_messages": false,
                "supports_inline_queries": true, "can_connect_to_business": false,
                "has_main_web_app": false,
            })),
            "getupdates" => Ok(self.updates(fields).await),
            "setwebhook" => {
                self.inner().webhook = Some(Hook::read(fields)?);
                Ok(json!(true))
            }
            "deletewebhook" => {
                self.inner().webhook = None;
                Ok(json!(true))
            }
            "getfile" => {
                let id = text("file_id").ok_or("invalid file_id")?;
                let inner = self.inner();
                let (size, _) = inner.files.get(id).ok_or("invalid file_id")?;
                if *size > 20 * 1024 * 1024 {
                    return Err("file is too big".into());
                }
                let path = inner.places.get(id).cloned().unwrap_or(format!("photos/{id}"));
                Ok(
                    json!({"file_id": id, "file_unique_id": id, "file_size": size, "file_path": path}),
                )
            }
            "sendmessage" => {
                let shown = check::text(text("text"), fields, check::MESSAGE)?;
                self.show(method, fields, shown, Vec::new())
            }
            "sendphoto" | "senddocument" => {
                let field = method.trim_start_matches("send");
                let name = self.attached(fields.get(field), field, files)?;
                let shown = check::text(text("caption"), fields, check::CAPTION)?;
                self.show(method, fields, shown, vec![name])
            }
            "sendmediagroup" => {
                let media = fields.get("media").and_then(Value::as_array).ok_or("no media")?;
                if !(2..=10).contains(&media.len()) {
                    return Err(format!("{} pictures are no album", media.len()));
                }
                let (mut captions, mut names) = (Vec::new(), Vec::new());
                for item in media {
                    let item = item.as_object().ok_or("no object in media")?;
                    check::names("inputmediaphoto", item)?;
                    if item.get("type") != Some(&json!("photo")) {
                        return Err("an album of something else".into());
                    }
                    names.push(self.attached(item.get("media"), "media", files)?);
                    let caption = item.get("caption").and_then(Value::as_str);
                    captions.push(check::text(caption, item, check::CAPTION)?.0);
                }
                let shown = (captions.join("\n"), String::new());
                let message = self.show(method, fields, shown, names)?;
                Ok(Value::Array(vec![message; media.len()]))
            }
            "editmessagetext" => {
                let (text, html) = check::text(text("text"), fields, check::MESSAGE)?;
                let buttons = check::buttons(fields.get("reply_markup"))?;
                let (chat, id) = (integer("chat_id"), integer("message_id"));
                let mut inner = self.inner();
                let found =
                    inner.shown.iter_mut().find(|s| Some(s.chat) == chat && Some(s.id) == id);
                let shown = found.ok_or("message to edit not found")?;
                if shown.html == html && shown.buttons == buttons {
                    return Err(
                        "message is not modified: specified new message content and reply \
                                markup are exactly the same as a current content and reply markup \
                                of the message"
                            .into(),
                    );
                }
                let pace = if shown.chat < 0 { 2900 } else { 950 };
                let early = shown.changed.elapsed() < Duration::from_millis(pace);
                shown.edits += 1;
                shown.changed = Instant::now();
                (shown.text, shown.html, shown.buttons) = (text, html, buttons);
                let message = people::bots(shown);
                if early {
                    inner.faults.push("edited too soon".into());
                }
                Ok(message)
            }
            "deletemessage" => {
                let (chat, id) = (integer("chat_id"), integer("message_id"));
                let mut inner = self.inner();
                let found =
                    inner.shown.iter_mut().find(|s| Some(s.chat) == chat && Some(s.id) == id);
                found.ok_or("message to delete not found")?.deleted = true;
                Ok(json!(true))
            }
            "sendchataction" => match (integer("chat_id"), text("action")) {
                (Some(_), Some("typing")) => Ok(json!(true)),
                _ => Err("no such action".into()),
            },
            "answercallbackquery" => {
                let id = text("callback_query_id").unwrap_or_default();
                let mut inner = self.inner();
                *inner.queries.get_mut(id).ok_or("query is too old")? += 1;
                Ok(json!(true))
            }
            "setmycommands" => check::commands(fields).map(|()| json!(true)),
            "answerinlinequery" => check::cards(fields).map(|()| json!(true)),
            other => Err(format!("no method {other}")),
        }
    }

    async fn updates(&self, fields: &Map<String, Value>) -> Value {
        let number = |name: &str| fields.get(name).and_then(Value::as_i64);
        let (limit, timeout) = (number("limit").unwrap_or(100), number("timeout").unwrap_or(0));
        let allowed = fields.get("allowed_updates").cloned().unwrap_or_default();
        let look = || {
            let mut inner = self.inner();
            if let Some(offset) = number("offset") {
                inner.updates.retain(|(id, _)| i64::from(*id) >= offset);
            }
            let wanted = |update: &Value| {
                let named = |a: &Value| a.as_str().is_some_and(|a| update.get(a).is_some());
                allowed.as_array().is_none_or(|all| all.is_empty() || all.iter().any(named))
            };
            let ready = inner.updates.iter().filter(|(_, u)| wanted(u)).take(limit as usize);
            let ready = ready.map(|(id, update)| {
                let mut update = update.clone();
                update["update_id"] = json!(id);
                update
            });
            ready.collect::<Vec<_>>()
        };
        let mut changes = self.changed.subscribe();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(timeout as u64);
        loop {
            let ready = look();
            if !ready.is_empty() {
                return Value::Array(ready);
            }
            if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                return json!([]);
            }
        }
    }

    /// The name of the file that a field means.
    fn attached(&self, field: Option<&Value>, name: &str, files: &Files) -> Result<String, String> {
        let part = match field.and_then(Value::as_str) {
            Some(text) => text.strip_prefix("attach://").ok_or("not attached")?,
            None => name,
        };
        let (file, bytes) = files.get(part).ok_or(format!("no file {part}"))?;
        if file.is_empty() || bytes.is_empty() {
            return Err(format!("file {file:?} must be non-empty"));
        }
        self.inner().uploads.insert(file.clone(), bytes.clone());
        Ok(file.clone())
    }

    fn show(
        &self,
        method: &str,
        fields: &Map<String, Value>,
        (text, html): (String, String),
        files: Vec<String>,
    ) -> Result<Value, String> {
        let chat = fields.get("chat_id").and_then(Value::as_i64).ok_or("chat not found")?;
        let buttons = check::buttons(fields.get("reply_markup"))?;
        let id = self.new_message();
        let reply = fields.get("reply_parameters").and_then(|r| r["message_id"].as_i64());
        let shown = Shown {
            id,
            chat,
            thread: fields.get("message_thread_id").and_then(Value::as_i64),
            method: method.to_owned(),
            text,
            html,
            buttons,
            reply_to: reply,
            files,
            edits: 0,
            changed: Instant::now(),
            deleted: false,
        };
        let message = people::bots(&shown);
        self.inner().shown.push(shown);
        Ok(message)
    }
}
