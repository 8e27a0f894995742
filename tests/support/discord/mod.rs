//! A fake Discord on a free port of this machine: the REST calls and the gateway that the
//! front-end uses, written from Discord's documentation (API v10). It refuses what Discord would
//! refuse and writes down why, so that a wrong field fails the test that sent it.

#![allow(dead_code, reason = "each test file uses its own part")]

mod check;
mod gateway;
mod people;
mod rest;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::line::Line;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore, mpsc};

#[allow(unused_imports, reason = "each file uses its own part")]
pub use people::{bot, dm_of, guild, guild_of, member, message, person};

pub const TOKEN: &str = "MTk4.secret-of-4711.abc";
/// The bot's user.
pub const ME: u64 = 1000;
pub const APPLICATION: u64 = 2000;
pub const GUILD: u64 = 3000;
/// A role that may manage the guild, and one that the settings may name.
pub const MANAGERS: u64 = 3001;
pub const KEEPERS: u64 = 3002;
pub const CHANNEL: u64 = 4000;
const PATIENCE: Duration = Duration::from_secs(60);

/// One successful write to the chat.
#[derive(Debug, Clone)]
pub struct Written {
    /// `send`, `edit`, `delete`, `typing`, `callback`, or `mark` for the buttons of a pressed
    /// message.
    pub what: &'static str,
    /// A channel's id or an interaction's token.
    pub place: String,
    /// The message's id; `@original` for an acknowledged interaction's.
    pub id: String,
    pub body: Value,
    pub files: Vec<(String, Vec<u8>)>,
    pub at: Instant,
}

impl Written {
    pub fn content(&self) -> &str {
        self.body["content"].as_str().unwrap_or_default()
    }

    pub fn ephemeral(&self) -> bool {
        let data = if self.what == "callback" { &self.body["data"] } else { &self.body };
        data["flags"].as_u64().unwrap_or(0) & 64 != 0
    }
}

/// An answer in place of the usual one.
pub struct Fault {
    pub method: &'static str,
    /// Part of the path.
    pub path: String,
    pub times: usize,
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

/// What the gateway does next.
enum Order {
    Event(u64, &'static str, Value),
    Close(u16),
    /// Ends the connection without a word.
    Cut,
    Invalid(bool),
    Reconnect,
}

#[derive(Default)]
struct Inner {
    written: Vec<Written>,
    requests: Vec<String>,
    complaints: Vec<String>,
    /// Ids of messages that stand, by place.
    standing: HashMap<String, BTreeSet<String>>,
    /// Interactions by token: their type, and whether the response is deferred.
    interactions: HashMap<String, (u64, Option<u64>)>,
    commands: HashMap<String, Value>,
    faults: Vec<Fault>,
    /// Messages by the channel and nonce they were sent with.
    nonces: HashMap<(String, String), u64>,
    /// Tokens of interactions that are over.
    dead: BTreeSet<String>,
    files: HashMap<String, File>,
    downloads: Vec<String>,
    identified: Vec<Value>,
    resumed: Vec<Value>,
    presences: Vec<Value>,
    closed: Vec<Option<u16>>,
    heartbeats: usize,
    /// How many shards the bot is told to have; 0 means one.
    shards: u64,
    /// What an attempt to resume is closed with.
    unresumable: Option<u16>,
    /// Where sessions are said to be resumed, if not here.
    resumed_at: Option<String>,
    sessions: BTreeMap<u64, Session>,
    way: Duration,
    limited: usize,
    /// Calls and the end of the window they count in, by what shares a limit; none: no limits.
    windows: Option<HashMap<String, (u32, Instant)>>,
}

/// What is known of a shard.
#[derive(Default)]
struct Session {
    /// Events of the session, to replay.
    history: Vec<(u64, &'static str, Value)>,
    gateway: Option<mpsc::UnboundedSender<Order>>,
}

/// How an attachment is served.
enum File {
    Whole(Vec<u8>),
    Redirect(String),
    /// The first half at once, the second when there is a permit; the connection breaks when the
    /// semaphore closes.
    Slow(Vec<u8>, Arc<Semaphore>),
}

impl Inner {
    /// Whether the bot has the message content intent.
    fn reads_messages(&self) -> bool {
        let intents = |i: &Value| i["intents"].as_u64().unwrap_or(0);
        self.identified.last().is_some_and(|i| intents(i) & 1 << 15 != 0)
    }
}

/// Takes out of a message what Discord shows only to bots with the message content intent, unless
/// it is a direct message, mentions the bot or is its own.
fn withhold(message: &mut Value) {
    if message.get("guild_id").is_none() {
        return;
    }
    let exempt = |m: &Value| {
        let me = ME.to_string();
        let mentions =
            m["mentions"].as_array().is_some_and(|all| all.iter().any(|u| u["id"] == me));
        mentions || m["author"]["id"] == me
    };
    let hide = |m: &mut Value| {
        m["content"] = "".into();
        for part in ["attachments", "embeds", "components"] {
            m[part] = json!([]);
        }
    };
    if let Some(other) = message.get_mut("referenced_message").filter(|m| !exempt(m)) {
        hide(other);
    }
    if !exempt(message) {
        hide(message);
    }
}

pub struct Shared {
    inner: Mutex<Inner>,
    changed: Notify,
    ids: AtomicU64,
    base: String,
    token: String,
    line: Line,
}

/// A running fake.
#[derive(Clone)]
pub struct Discord(Arc<Shared>);

impl Discord {
    pub async fn new() -> Self {
        let (line, tap) = Line::new().await;
        let shared = Arc::new(Shared {
            inner: Mutex::default(),
            changed: Notify::new(),
            ids: AtomicU64::new(1_000_000),
            base: tap.address().to_string(),
            token: TOKEN.to_owned(),
            line,
        });
        let router = Router::new()
            .route("/gateway", get(gateway::gateway))
            .route("/files/{name}", get(rest::download))
            .route("/api/v10/{*path}", any(rest::rest))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(tap, router).await });
        Self(shared)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.base)
    }

    pub fn host(&self) -> String {
        self.0.base.clone()
    }

    /// The line to it.
    pub fn line(&self) -> &Line {
        &self.0.line
    }

    pub fn id(&self) -> u64 {
        self.0.ids.fetch_add(1, Ordering::SeqCst)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.0.inner.lock().unwrap())
    }

    /// Waits until something holds.
    pub async fn until<T>(&self, what: &str, mut find: impl FnMut(&Self) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let changed = self.0.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(found) = find(self) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!(
                "not seen: {what}; complaints {:?}; written {:#?}; requests {:?}",
                self.complaints(),
                self.written(),
                self.requests()
            ),
        }
    }

    pub fn written(&self) -> Vec<Written> {
        self.with(|i| i.written.clone())
    }

    pub fn requests(&self) -> Vec<String> {
        self.with(|i| i.requests.clone())
    }

    /// Calls so far.
    pub fn count(&self) -> usize {
        self.with(|i| i.requests.len())
    }

    /// What was written to a place, without copies.
    pub fn look<T>(&self, place: &str, see: impl FnOnce(&[&Written]) -> T) -> T {
        self.with(|i| see(&i.written.iter().filter(|w| w.place == place).collect::<Vec<_>>()))
    }

    pub fn complaints(&self) -> Vec<String> {
        self.with(|i| i.complaints.clone())
    }

    pub fn commands(&self) -> HashMap<String, Value> {
        self.with(|i| i.commands.clone())
    }

    pub fn downloads(&self) -> Vec<String> {
        self.with(|i| i.downloads.clone())
    }

    pub fn identified(&self) -> Vec<Value> {
        self.with(|i| i.identified.clone())
    }

    pub fn resumed(&self) -> Vec<Value> {
        self.with(|i| i.resumed.clone())
    }

    pub fn presences(&self) -> Vec<Value> {
        self.with(|i| i.presences.clone())
    }

    pub fn closed(&self) -> Vec<Option<u16>> {
        self.with(|i| i.closed.clone())
    }

    pub fn heartbeats(&self) -> usize {
        self.with(|i| i.heartbeats)
    }

    /// What was written to a channel or an interaction.
    pub fn at(&self, place: &str) -> Vec<Written> {
        self.written().into_iter().filter(|w| w.place == place).collect()
    }

    /// The messages that stand in a place now, oldest first, each as it was last written.
    pub fn standing(&self, place: &str) -> Vec<Written> {
        let mut standing: Vec<Written> = Vec::new();
        for written in self.at(place) {
            match written.what {
                "send" => standing.push(written),
                "edit" => {
                    match standing.iter_mut().find(|w| w.id == written.id) {
                        Some(old) => *old = written,
                        None => standing.push(written),
                    };
                }
                "delete" => standing.retain(|w| w.id != written.id),
                _ => {}
            }
        }
        standing
    }

    /// Limits writing to each channel as Discord does.
    pub fn limit(&self) {
        self.with(|i| i.windows = Some(HashMap::new()));
    }

    /// How long each call takes on its way.
    pub fn far(&self, way: Duration) {
        self.with(|i| i.way = way);
    }

    /// Calls that were refused because there were too many.
    pub fn limited(&self) -> usize {
        self.with(|i| i.limited)
    }

    /// From now on no session goes on: the connection is closed with this code.
    pub fn refuse_to_resume(&self, code: u16) {
        self.with(|i| i.unresumable = Some(code));
    }

    /// Names this address to resume sessions at.
    pub fn resume_at(&self, url: &str) {
        self.with(|i| i.resumed_at = Some(url.to_owned()));
    }

    pub fn set_shards(&self, shards: u64) {
        self.with(|i| i.shards = shards);
    }

    /// Ends an interaction's token, as Discord does after 15 minutes.
    pub fn expire(&self, token: &str) {
        self.with(|i| i.dead.insert(token.to_owned()));
    }

    /// Drops what is remembered of a place.
    pub fn forget(&self, place: &str) {
        self.with(|i| {
            i.written.retain(|w| w.place != place);
            i.standing.remove(place);
        });
    }

    pub fn fault(&self, fault: Fault) {
        self.with(|i| i.faults.push(fault));
    }

    /// Serves a file; returns it as an attachment object.
    pub fn attachment(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Value {
        let size = bytes.len();
        self.file(name, content_type, size, File::Whole(bytes))
    }

    /// As [`Discord::attachment`], but elsewhere.
    pub fn redirected(&self, name: &str, content_type: &str, to: &str) -> Value {
        self.file(name, content_type, 1000, File::Redirect(to.to_owned()))
    }

    /// As [`Discord::attachment`], with the second half held back; see [`File::Slow`].
    pub fn slow(&self, name: &str, kind: &str, bytes: Vec<u8>) -> (Value, Arc<Semaphore>) {
        let gate = Arc::new(Semaphore::new(0));
        let size = bytes.len();
        (self.file(name, kind, size, File::Slow(bytes, Arc::clone(&gate))), gate)
    }

    fn file(&self, name: &str, content_type: &str, size: usize, served: File) -> Value {
        let id = self.id();
        let file = format!("{id}-{name}");
        let url = format!("{}/files/{file}", self.url());
        self.with(|i| i.files.insert(file, served));
        json!({
            "id": id.to_string(), "filename": name, "size": size, "url": url, "proxy_url": url,
            "content_type": content_type,
        })
    }

    fn order(&self, order: Order) {
        self.with(|i| i.sessions.get(&0)?.gateway.as_ref().map(|g| g.send(order)));
    }

    fn detach(&self) {
        self.with(|i| i.sessions.entry(0).or_default().gateway = None);
    }

    /// Sends an event, or keeps it for when the connection resumes.
    pub fn event(&self, name: &'static str, data: Value) {
        self.event_on(0, name, data);
    }

    /// As [`Discord::event`], on one of several shards.
    pub fn event_on(&self, shard: u64, name: &'static str, mut data: Value) {
        self.with(|i| {
            if name == "MESSAGE_CREATE" && !i.reads_messages() {
                withhold(&mut data);
            }
            let session = i.sessions.entry(shard).or_default();
            let number = session.history.len() as u64 + 1;
            session.history.push((number, name, data.clone()));
            if let Some(gateway) = &session.gateway {
                let _ = gateway.send(Order::Event(number, name, data));
            }
        });
    }

    /// Sends the last event again, as Discord may after a resume.
    pub fn repeat(&self) {
        self.with(|i| {
            let session = i.sessions.entry(0).or_default();
            let last = session.history.last().cloned();
            if let (Some(gateway), Some((number, name, data))) = (&session.gateway, last) {
                let _ = gateway.send(Order::Event(number, name, data));
            }
        });
    }

    /// Ends the connection without a word; events wait until it is resumed.
    pub fn cut(&self) {
        self.order(Order::Cut);
        self.detach();
    }

    pub fn close(&self, code: u16) {
        self.order(Order::Close(code));
        self.detach();
    }

    pub fn reconnect(&self) {
        self.order(Order::Reconnect);
    }

    pub fn invalidate(&self, resumable: bool) {
        self.order(Order::Invalid(resumable));
    }

    /// A message as MESSAGE_CREATE carries it; `change` sets what is special about it.
    pub fn message(&self, user: u64, content: &str, change: impl FnOnce(&mut Value)) -> u64 {
        let id = self.id();
        let mut message = message(id, CHANNEL, &person(user), content);
        message["guild_id"] = GUILD.to_string().into();
        message["member"] = member(&[]);
        change(&mut message);
        self.event("MESSAGE_CREATE", message);
        id
    }

    /// A slash command; returns the interaction's token.
    pub fn command(&self, user: u64, data: Value, change: impl FnOnce(&mut Value)) -> String {
        self.interaction(2, user, data, change)
    }

    /// An interaction of any type (2 command, 3 component, 4 autocomplete).
    pub fn interaction(
        &self,
        kind: u64,
        user: u64,
        data: Value,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let id = self.id();
        let token = format!("interaction-token-{id}");
        let mut member = member(&[]);
        member["user"] = person(user);
        member["permissions"] = "0".into();
        let mut event = json!({
            "id": id.to_string(), "application_id": APPLICATION.to_string(), "type": kind,
            "token": token, "version": 1, "data": data, "guild_id": GUILD.to_string(),
            "channel_id": CHANNEL.to_string(), "member": member, "locale": "en-US",
            "guild_locale": "en-US", "entitlements": [], "app_permissions": "0",
            "channel": {"id": CHANNEL.to_string(), "type": 0, "name": "shop", "permissions": "0"},
            "authorizing_integration_owners": {"0": GUILD.to_string()}, "context": 0,
            "attachment_size_limit": 10485760,
        });
        change(&mut event);
        self.with(|i| i.interactions.insert(token.clone(), (kind, None)));
        self.event("INTERACTION_CREATE", event);
        token
    }

    /// A press of a button, on a message that has the standing ones' buttons.
    pub fn press(&self, user: u64, custom_id: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut on = message(self.id(), CHANNEL, &person(ME), "");
        on["author"]["bot"] = true.into();
        let has = |w: &&Written| w.body["components"].to_string().contains(custom_id);
        if let Some(written) = self.written().iter().rev().find(has) {
            on["components"] = written.body["components"].clone();
        }
        let data = json!({"custom_id": custom_id, "component_type": 2});
        self.interaction(3, user, data, |event| {
            event["message"] = on;
            change(event);
        })
    }
}
