//! A fake Discord on a free port of this machine: the REST calls and the gateway that the
//! front-end uses, written from Discord's documentation (API v10). It refuses what Discord would
//! refuse and writes down why, so that a wrong field fails the test that sent it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;

pub const TOKEN: &str = "MTk4.secret-of-4711.abc";
/// The bot's user.
pub const ME: u64 = 1000;
pub const APPLICATION: u64 = 2000;
pub const GUILD: u64 = 3000;
/// A role that may manage the guild, and one that the settings may name.
pub const MANAGERS: u64 = 3001;
pub const KEEPERS: u64 = 3002;
pub const CHANNEL: u64 = 4000;
const MANAGE_GUILD: u64 = 1 << 5;
const PATIENCE: Duration = Duration::from_secs(60);

type Reply = (StatusCode, Value);

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
    sessions: BTreeMap<u64, Session>,
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

/// Discord's limit of writing messages to a channel.
const CALLS: u32 = 5;
const WINDOW: Duration = Duration::from_secs(5);

pub struct Shared {
    inner: Mutex<Inner>,
    changed: Notify,
    ids: AtomicU64,
    base: String,
    token: String,
}

/// A running fake.
#[derive(Clone)]
pub struct Discord(Arc<Shared>);

impl Discord {
    pub async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            inner: Mutex::default(),
            changed: Notify::new(),
            ids: AtomicU64::new(1_000_000),
            base: address.to_string(),
            token: TOKEN.to_owned(),
        });
        let router = Router::new()
            .route("/gateway", get(gateway))
            .route("/files/{name}", get(download))
            .route("/api/v10/{*path}", any(rest))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(shared)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0.base)
    }

    pub fn host(&self) -> String {
        self.0.base.clone()
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
    pub fn event_on(&self, shard: u64, name: &'static str, data: Value) {
        self.with(|i| {
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

pub fn person(id: u64) -> Value {
    json!({
        "id": id.to_string(), "username": format!("user{id}"), "discriminator": "0",
        "global_name": format!("User {id}"), "avatar": null,
    })
}

fn member(roles: &[u64]) -> Value {
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    json!({
        "roles": roles, "joined_at": "2024-01-01T00:00:00+00:00", "deaf": false, "mute": false,
        "flags": 0,
    })
}

pub fn message(id: u64, channel: u64, author: &Value, content: &str) -> Value {
    json!({
        "id": id.to_string(), "channel_id": channel.to_string(), "author": author,
        "content": content, "timestamp": "2024-01-01T00:00:00+00:00", "edited_timestamp": null,
        "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [],
        "attachments": [], "embeds": [], "pinned": false, "type": 0,
    })
}

fn guild(id: u64) -> Value {
    let role = |id: u64, permissions: u64| {
        json!({
            "id": id.to_string(), "name": "r", "color": 0, "hoist": false, "position": 1,
            "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "permissions": permissions.to_string(), "managed": false, "mentionable": false,
            "flags": 0,
        })
    };
    json!({
        "id": id.to_string(), "name": "Shop", "icon": null, "splash": null,
        "discovery_splash": null, "owner_id": "77", "afk_channel_id": null, "afk_timeout": 300,
        "verification_level": 0, "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role(id, 0), role(MANAGERS, MANAGE_GUILD), role(KEEPERS, 0)],
        "emojis": [], "features": [], "mfa_level": 0, "application_id": null,
        "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": null,
        "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
        "preferred_locale": "en-US", "public_updates_channel_id": null, "nsfw_level": 0,
        "stickers": [], "premium_progress_bar_enabled": false,
        "joined_at": "2024-01-01T00:00:00+00:00", "large": false, "unavailable": false,
        "member_count": 3, "voice_states": [], "members": [], "channels": [], "threads": [],
        "presences": [], "stage_instances": [], "guild_scheduled_events": [],
        "safety_alerts_channel_id": null, "soundboard_sounds": [],
    })
}

async fn download(State(app): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let mut inner = app.inner.lock().unwrap();
    inner.downloads.push(name.clone());
    app.changed.notify_waiters();
    match inner.files.get(&name) {
        Some(File::Whole(bytes)) => bytes.clone().into_response(),
        Some(File::Redirect(to)) => (StatusCode::FOUND, [("location", to.clone())]).into_response(),
        Some(File::Slow(bytes, gate)) => {
            let (bytes, gate) = (bytes.clone(), Arc::clone(gate));
            let (out, body) = mpsc::channel(1);
            tokio::spawn(async move {
                let (early, late) = bytes.split_at(bytes.len() / 2);
                let _ = out.send(Ok(Bytes::copy_from_slice(early))).await;
                let late = match gate.acquire().await {
                    Ok(_) => Ok(Bytes::copy_from_slice(late)),
                    Err(_) => Err(std::io::Error::other("broken off")),
                };
                let _ = out.send(late).await;
            });
            Body::from_stream(ReceiverStream::new(body)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn gateway(State(app): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        let code = session(&app, socket).await;
        app.inner.lock().unwrap().closed.push(code);
        app.changed.notify_waiters();
    })
}

/// One connection to the gateway; returns the code the bot closed it with.
async fn session(app: &Arc<Shared>, mut socket: WebSocket) -> Option<u16> {
    let (orders, mut next) = mpsc::unbounded_channel();
    let mut shard = 0;
    // Short, so that tests see heartbeats.
    let hello = json!({"op": 10, "d": {"heartbeat_interval": 2000}, "s": null, "t": null});
    say(&mut socket, &hello).await;
    loop {
        tokio::select! {
            order = next.recv() => match order {
                Some(Order::Event(number, name, data)) => {
                    say(&mut socket, &json!({"op": 0, "t": name, "s": number, "d": data})).await;
                }
                Some(Order::Close(code)) => {
                    let frame = CloseFrame { code, reason: "".into() };
                    let _ = socket.send(Frame::Close(Some(frame))).await;
                    return None;
                }
                Some(Order::Cut) | None => return None,
                Some(Order::Invalid(resumable)) => {
                    app.inner.lock().unwrap().sessions.entry(shard).or_default().gateway = None;
                    say(&mut socket, &json!({"op": 9, "d": resumable, "s": null, "t": null})).await;
                }
                Some(Order::Reconnect) => {
                    app.inner.lock().unwrap().sessions.entry(shard).or_default().gateway = None;
                    say(&mut socket, &json!({"op": 7, "d": null, "s": null, "t": null})).await;
                }
            },
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    if let Some(code) = heard(app, &mut socket, &value, &orders, &mut shard).await {
                        let frame = CloseFrame { code, reason: "".into() };
                        let _ = socket.send(Frame::Close(Some(frame))).await;
                        return None;
                    }
                    app.changed.notify_waiters();
                }
                Some(Ok(Frame::Close(frame))) => return frame.map(|f| f.code),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            },
        }
    }
}

async fn say(socket: &mut WebSocket, value: &Value) {
    let _ = socket.send(Frame::Text(value.to_string().into())).await;
}

/// Takes what the bot sends; returns the code to close with.
async fn heard(
    app: &Arc<Shared>,
    socket: &mut WebSocket,
    value: &Value,
    orders: &mpsc::UnboundedSender<Order>,
    shard: &mut u64,
) -> Option<u16> {
    let data = &value["d"];
    match value["op"].as_u64() {
        Some(1) => {
            app.inner.lock().unwrap().heartbeats += 1;
            say(socket, &json!({"op": 11, "d": null, "s": null, "t": null})).await;
        }
        Some(2) => {
            if data["token"].as_str().map(|t| t.trim_start_matches("Bot ")) != Some(&app.token) {
                return Some(4004);
            }
            let shards = app.inner.lock().unwrap().shards.max(1);
            *shard = data["shard"][0].as_u64().unwrap_or(0);
            if data["shard"][1].as_u64().unwrap_or(1) != shards {
                return Some(4010);
            }
            let guild = guild_of(*shard);
            let ready = json!({
                "v": 10, "user": bot(), "guilds": [{"id": guild.to_string(), "unavailable": true}],
                "session_id": session_id(*shard), "shard": [*shard, shards],
                "resume_gateway_url": format!("ws://{}/gateway", app.base),
                "application": {"id": APPLICATION.to_string(), "flags": 0},
            });
            let events: Vec<_> = {
                let mut inner = app.inner.lock().unwrap();
                inner.identified.push(data.clone());
                // A new session starts with nothing behind it.
                let events = vec![(1, "READY", ready), (2, "GUILD_CREATE", self::guild(guild))];
                let session = Session { history: events.clone(), gateway: Some(orders.clone()) };
                inner.sessions.insert(*shard, session);
                events
            };
            for (number, name, data) in events {
                say(socket, &json!({"op": 0, "t": name, "s": number, "d": data})).await;
            }
        }
        Some(3) => app.inner.lock().unwrap().presences.push(data.clone()),
        Some(6) => {
            let seen = data["seq"].as_u64().unwrap_or(0);
            let known = {
                let inner = app.inner.lock().unwrap();
                let is = |s: &&u64| data["session_id"] == session_id(**s).as_str();
                let found = inner.sessions.keys().find(is).copied();
                *shard = found.unwrap_or(0);
                found.is_some()
            };
            let missed: Vec<_> = {
                let mut inner = app.inner.lock().unwrap();
                inner.resumed.push(data.clone());
                let session = inner.sessions.entry(*shard).or_default();
                session.gateway = Some(orders.clone());
                session.history.iter().filter(|(n, ..)| *n > seen).cloned().collect()
            };
            if !known {
                say(socket, &json!({"op": 9, "d": false, "s": null, "t": null})).await;
                return None;
            }
            let last = missed.last().map_or(seen, |(n, ..)| *n);
            for (number, name, data) in missed {
                say(socket, &json!({"op": 0, "t": name, "s": number, "d": data})).await;
            }
            say(socket, &json!({"op": 0, "t": "RESUMED", "s": last, "d": {}})).await;
        }
        _ => {}
    }
    None
}

fn session_id(shard: u64) -> String {
    format!("session-{}", shard + 1)
}

/// The channel of a user's direct messages.
pub fn dm_of(user: u64) -> u64 {
    900_000 + user
}

/// A guild that belongs to a shard.
pub fn guild_of(shard: u64) -> u64 {
    (shard << 22) + GUILD
}

fn bot() -> Value {
    let mut bot = person(ME);
    bot["bot"] = true.into();
    bot["mfa_enabled"] = false.into();
    bot["verified"] = true.into();
    bot["flags"] = 0.into();
    bot
}

async fn rest(
    State(app): State<Arc<Shared>>,
    method: Method,
    Path(path): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let path = format!("/{path}");
    let answer = answer(&app, &method, &path, &headers, request).await;
    app.changed.notify_waiters();
    answer
}

async fn answer(
    app: &Arc<Shared>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    request: Request,
) -> Response {
    app.inner.lock().unwrap().requests.push(format!("{method} {path}"));
    if let Some(response) = fault(app, method, path) {
        return response;
    }
    let token = path.starts_with("/webhooks/") || path.starts_with("/interactions/");
    let given = headers.get("authorization").and_then(|a| a.to_str().ok());
    if !token && path != "/gateway" && given != Some(&format!("Bot {}", app.token)) {
        return reply((
            StatusCode::UNAUTHORIZED,
            json!({"message": "401: Unauthorized", "code": 0}),
        ));
    }
    if !headers
        .get("user-agent")
        .and_then(|a| a.to_str().ok())
        .is_some_and(|a| a.starts_with("DiscordBot ("))
    {
        app.inner.lock().unwrap().complaints.push(format!("{path}: the User-Agent is not a bot's"));
    }
    let kind = headers.get("content-type").and_then(|t| t.to_str().ok()).unwrap_or_default();
    let (body, files) = if kind.starts_with("multipart/") {
        parts(Multipart::from_request(request, &()).await.unwrap()).await
    } else {
        let bytes = Bytes::from_request(request, &()).await.unwrap();
        (serde_json::from_slice(&bytes).unwrap_or(Value::Null), Vec::new())
    };
    let mut inner = app.inner.lock().unwrap();
    let left = match inner.counted(method, path) {
        Ok(left) => left,
        Err(wait) => {
            let body = json!({"message": "You are being rate limited.", "global": false,
                "retry_after": wait});
            return reply((StatusCode::TOO_MANY_REQUESTS, body));
        }
    };
    let id = || app.ids.fetch_add(1, Ordering::SeqCst).to_string();
    let mut response = reply(match handle(&mut inner, app, method, path, &body, files, &id) {
        Ok(done) => done,
        Err(complaint) => {
            inner.complaints.push(format!("{method} {path}: {complaint}: {body}"));
            (StatusCode::BAD_REQUEST, json!({"message": complaint, "code": 50035}))
        }
    });
    if let Some((left, reset)) = left {
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", CALLS.into());
        headers.insert("x-ratelimit-remaining", left.into());
        headers.insert("x-ratelimit-reset-after", reset.to_string().parse().unwrap());
    }
    response
}

impl Inner {
    /// Counts a call; tells how many are left and when the window ends, or how long to wait, in
    /// seconds.
    fn counted(&mut self, method: &Method, path: &str) -> Result<Option<(u32, f64)>, f64> {
        let Some(windows) = &mut self.windows else { return Ok(None) };
        let parts: Vec<&str> = path.split('/').collect();
        let [_, "channels", channel, "messages", ..] = parts.as_slice() else { return Ok(None) };
        let now = Instant::now();
        let window = windows.entry(format!("{method} {channel}")).or_insert((0, now));
        if window.1 <= now {
            *window = (0, now + WINDOW);
        }
        let reset = (window.1 - now).as_secs_f64();
        if window.0 >= CALLS {
            return Err(reset);
        }
        window.0 += 1;
        Ok(Some((CALLS - window.0, reset)))
    }
}

fn reply((status, body): Reply) -> Response {
    if body.is_null() { status.into_response() } else { (status, axum::Json(body)).into_response() }
}

fn fault(app: &Shared, method: &Method, path: &str) -> Option<Response> {
    let mut inner = app.inner.lock().unwrap();
    let fault = inner
        .faults
        .iter_mut()
        .find(|f| f.times > 0 && f.method == method.as_str() && path.contains(&f.path))?;
    fault.times -= 1;
    let mut response = reply((StatusCode::from_u16(fault.status).unwrap(), fault.body.clone()));
    for (name, value) in &fault.headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    Some(response)
}

async fn parts(mut form: Multipart) -> (Value, Vec<(String, Vec<u8>)>) {
    let (mut body, mut files) = (Value::Null, Vec::new());
    while let Some(field) = form.next_field().await.unwrap() {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.unwrap();
        if name == "payload_json" {
            body = serde_json::from_slice(&bytes).unwrap();
        } else {
            assert_eq!(name, format!("files[{}]", files.len()));
            files.push((file, bytes.to_vec()));
        }
    }
    (body, files)
}

fn handle(
    inner: &mut Inner,
    app: &Shared,
    method: &Method,
    path: &str,
    body: &Value,
    files: Vec<(String, Vec<u8>)>,
    id: &dyn Fn() -> String,
) -> Result<Reply, String> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let gone = || (StatusCode::NOT_FOUND, json!({"message": "Unknown Message", "code": 10008}));
    let write = |inner: &mut Inner, what, place: &str, id: &str, body: &Value, files| {
        let (place, id) = (place.to_owned(), id.to_owned());
        let body = body.clone();
        inner.written.push(Written { what, place, id, body, files, at: Instant::now() });
    };
    let none = (StatusCode::NO_CONTENT, Value::Null);
    if parts.first() == Some(&"webhooks") && parts.get(2).is_some_and(|t| inner.dead.contains(*t)) {
        let body = json!({"message": "Invalid Webhook Token", "code": 50027});
        return Ok((StatusCode::UNAUTHORIZED, body));
    }
    Ok(match (method.as_str(), parts.as_slice()) {
        ("GET", ["gateway"]) => {
            (StatusCode::OK, json!({"url": format!("ws://{}/gateway", app.base)}))
        }
        ("GET", ["gateway", "bot"]) => {
            let limit = json!({"total": 1000, "remaining": 999, "reset_after": 0,
                "max_concurrency": 1});
            let url = format!("ws://{}/gateway", app.base);
            let shards = inner.shards.max(1);
            (StatusCode::OK, json!({"url": url, "shards": shards, "session_start_limit": limit}))
        }
        ("GET", ["users", "@me"]) => (StatusCode::OK, bot()),
        ("GET", ["applications", "@me"]) => {
            (StatusCode::OK, json!({"id": APPLICATION.to_string(), "name": "Magpie", "flags": 0}))
        }
        ("POST", ["users", "@me", "channels"]) => {
            keys(body, &["recipient_id"])?;
            let user: u64 =
                body["recipient_id"].as_str().and_then(|u| u.parse().ok()).ok_or("nobody")?;
            (StatusCode::OK, json!({"id": dm_of(user).to_string(), "type": 1}))
        }
        ("PUT", ["applications", app, rest @ .., "commands"]) => {
            let global = match rest {
                [] => true,
                ["guilds", guild] if guild.parse::<u64>().is_ok() => false,
                _ => return Err("no such route".into()),
            };
            if *app != APPLICATION.to_string() {
                return Err("another application".into());
            }
            commands(body, global)?;
            inner.commands.insert(path.to_owned(), body.clone());
            (StatusCode::OK, json!([]))
        }
        ("POST", ["channels", channel, "typing"]) => {
            write(inner, "typing", channel, "", &Value::Null, Vec::new());
            none
        }
        ("POST", ["channels", channel, "messages"]) => {
            sent(body, &files, true, 4)?;
            let id = id();
            inner.standing.entry((*channel).to_owned()).or_default().insert(id.clone());
            write(inner, "send", channel, &id, body, files);
            (StatusCode::OK, message(id.parse().unwrap(), channel.parse().unwrap(), &bot(), ""))
        }
        ("PATCH" | "DELETE", ["webhooks", _, token, "messages", "@original"])
            if inner.interactions.get(*token).is_some_and(|(_, way)| *way == Some(6)) =>
        {
            // It is the message that was pressed: only its buttons change.
            keys(body, &["components"])?;
            pressed(body["components"].as_array().ok_or("no components")?)?;
            write(inner, "mark", token, "@original", body, Vec::new());
            (StatusCode::OK, message(1, CHANNEL, &bot(), ""))
        }
        ("PATCH", ["channels", place, "messages", id])
        | ("PATCH", ["webhooks", _, place, "messages", id]) => {
            if !inner.standing.get(*place).is_some_and(|s| s.contains(*id)) {
                return Ok(gone());
            }
            sent(body, &files, false, 4)?;
            write(inner, "edit", place, id, body, files);
            (StatusCode::OK, message(1, CHANNEL, &bot(), ""))
        }
        ("DELETE", ["channels", place, "messages", id])
        | ("DELETE", ["webhooks", _, place, "messages", id]) => {
            if !inner.standing.entry((*place).to_owned()).or_default().remove(*id) {
                return Ok(gone());
            }
            write(inner, "delete", place, id, &Value::Null, Vec::new());
            none
        }
        ("POST", ["interactions", _, token, "callback"]) => {
            let Some((kind, response)) = inner.interactions.get_mut(*token) else {
                let body = json!({"message": "Unknown interaction", "code": 10062});
                return Ok((StatusCode::NOT_FOUND, body));
            };
            if response.is_some() {
                let message = "Interaction has already been acknowledged.";
                let body = json!({"message": message, "code": 40060});
                return Ok((StatusCode::BAD_REQUEST, body));
            }
            let way = body["type"].as_u64().ok_or("no type")?;
            match (*kind, way) {
                (3, 6) => {
                    keys(body, &["type"])?;
                    *response = Some(way);
                }
                (2, 5) => {
                    keys(&body["data"], &["flags"])?;
                    let flags = body["data"]["flags"].as_u64().unwrap_or(0);
                    if flags & !64 != 0 {
                        return Err("a deferred response can only be ephemeral".into());
                    }
                    *response = Some(way);
                    let standing = inner.standing.entry((*token).to_owned()).or_default();
                    standing.insert("@original".into());
                }
                (4, 8) => {
                    let choices = body["data"]["choices"].as_array().ok_or("no choices")?;
                    if choices.len() > 25 {
                        return Err("more than 25 choices".into());
                    }
                    for choice in choices {
                        length(&choice["name"], 1, 100, "a choice's name")?;
                        length(&choice["value"], 1, 100, "a choice's value")?;
                    }
                    *response = Some(way);
                }
                other => return Err(format!("interaction type and response {other:?}")),
            }
            write(inner, "callback", token, "", body, Vec::new());
            none
        }
        ("POST", ["webhooks", application, token]) => {
            let known = inner.interactions.get(*token).is_some_and(|(_, r)| r.is_some());
            if !known || *application != APPLICATION.to_string() {
                return Err("no acknowledged interaction".into());
            }
            sent(body, &files, true, 4 | 64)?;
            let id = id();
            inner.standing.entry((*token).to_owned()).or_default().insert(id.clone());
            write(inner, "send", token, &id, body, files);
            (StatusCode::OK, message(id.parse().unwrap(), CHANNEL, &bot(), ""))
        }
        _ => return Err("no such route".into()),
    })
}

fn length(text: &Value, least: usize, most: usize, what: &str) -> Result<(), String> {
    let text = text.as_str().ok_or(format!("{what} is no string"))?;
    let length = text.chars().count();
    let fits = (least..=most).contains(&length);
    if fits {
        Ok(())
    } else {
        Err(format!("{what} has {length} characters, not {least} to {most}"))
    }
}

fn keys(value: &Value, allowed: &[&str]) -> Result<(), String> {
    let Some(object) = value.as_object() else { return Err(format!("no object: {value}")) };
    match object.keys().find(|k| !allowed.contains(&k.as_str())) {
        Some(key) => Err(format!("unknown field {key}")),
        None => Ok(()),
    }
}

/// A message as it is sent or edited.
fn sent(body: &Value, files: &[(String, Vec<u8>)], new: bool, flags: u64) -> Result<(), String> {
    let common = ["content", "embeds", "components", "allowed_mentions", "flags", "attachments"];
    let only_new = ["message_reference", "nonce", "enforce_nonce"];
    keys(body, &if new { [&common[..], &only_new].concat() } else { common.to_vec() })?;
    if body["allowed_mentions"]["parse"] != json!([]) {
        return Err("somebody may be pinged".into());
    }
    keys(&body["allowed_mentions"], &["parse", "replied_user"])?;
    if body["allowed_mentions"]["replied_user"] == true {
        return Err("the one replied to is pinged".into());
    }
    length(&body["content"], 0, 2000, "content")?;
    let none = Vec::new();
    let embeds = body["embeds"].as_array().unwrap_or(&none);
    let content = body["content"].as_str().unwrap_or_default().trim();
    if content.is_empty() && embeds.is_empty() && files.is_empty() {
        return Err("Cannot send an empty message".into());
    }
    if body["flags"].as_u64().unwrap_or(0) & !flags != 0 {
        return Err("a flag that cannot be set".into());
    }
    if body["nonce"].as_str().is_some_and(|n| n.len() > 25) {
        return Err("a long nonce".into());
    }
    if let Some(reference) = body.get("message_reference") {
        keys(reference, &["message_id", "fail_if_not_exists"])?;
    }
    let attachments = body["attachments"].as_array().unwrap_or(&none);
    if attachments.len() != files.len() {
        return Err("attachments and files differ".into());
    }
    for (n, (name, _)) in files.iter().enumerate() {
        if attachments[n]["id"] != n || attachments[n]["filename"] != name.as_str() {
            return Err(format!("attachment {n} is not {name}"));
        }
    }
    shown(embeds, files)?;
    pressed(body["components"].as_array().unwrap_or(&none))
}

fn shown(embeds: &[Value], files: &[(String, Vec<u8>)]) -> Result<(), String> {
    if embeds.len() > 10 {
        return Err("more than 10 embeds".into());
    }
    let mut total = 0;
    let mut count = |text: &Value| total += text.as_str().map_or(0, |t| t.chars().count());
    for embed in embeds {
        keys(embed, &["title", "description", "url", "thumbnail", "fields", "footer"])?;
        length(&embed["title"], 1, 256, "an embed's title")?;
        count(&embed["title"]);
        if let Some(description) = embed.get("description") {
            length(description, 0, 4096, "an embed's description")?;
            count(description);
        }
        if embed.get("url").is_some_and(|u| !u.as_str().unwrap_or_default().starts_with("http")) {
            return Err("an embed's url".into());
        }
        if let Some(footer) = embed.get("footer") {
            length(&footer["text"], 1, 2048, "a footer")?;
            count(&footer["text"]);
        }
        if let Some(thumbnail) = embed.get("thumbnail") {
            let url = thumbnail["url"].as_str().unwrap_or_default();
            let name = url.strip_prefix("attachment://").ok_or("a thumbnail from elsewhere")?;
            if !files.iter().any(|(file, _)| file == name) {
                return Err(format!("no file {name}"));
            }
        }
        let none = Vec::new();
        let fields = embed["fields"].as_array().unwrap_or(&none);
        if fields.len() > 25 {
            return Err("more than 25 fields".into());
        }
        for field in fields {
            length(&field["name"], 1, 256, "a field's name")?;
            length(&field["value"], 1, 1024, "a field's value")?;
            count(&field["name"]);
            count(&field["value"]);
        }
    }
    if total > 6000 { Err("more than 6000 characters in embeds".into()) } else { Ok(()) }
}

fn pressed(rows: &[Value]) -> Result<(), String> {
    if rows.len() > 5 {
        return Err("more than 5 rows".into());
    }
    let mut ids = BTreeSet::new();
    for row in rows {
        let buttons = row["components"].as_array().ok_or("a row without components")?;
        if row["type"] != 1 || buttons.is_empty() || buttons.len() > 5 {
            return Err("a row that is none".into());
        }
        for button in buttons {
            keys(button, &["type", "style", "label", "custom_id", "disabled"])?;
            if button["type"] != 2 || !(1..=4).contains(&button["style"].as_u64().unwrap_or(0)) {
                return Err("a button that is none".into());
            }
            length(&button["label"], 1, 80, "a label")?;
            length(&button["custom_id"], 1, 100, "a custom_id")?;
            if !ids.insert(button["custom_id"].to_string()) {
                return Err("a custom_id twice".into());
            }
        }
    }
    Ok(())
}

/// Commands as they are registered.
fn commands(body: &Value, global: bool) -> Result<(), String> {
    let commands = body.as_array().ok_or("no list of commands")?;
    let mut names = BTreeSet::new();
    for command in commands {
        let slash = command["type"].as_u64().unwrap_or(1) == 1;
        let mut known = vec![
            "name",
            "name_localizations",
            "description",
            "description_localizations",
            "options",
            "default_member_permissions",
            "type",
            "nsfw",
        ];
        if global {
            known.extend(["contexts", "integration_types"]);
        }
        keys(command, &known)?;
        if !names.insert((command["type"].to_string(), command["name"].to_string())) {
            return Err("a command twice".into());
        }
        if slash {
            named(command)?;
            options(&command["options"], true)?;
        } else {
            length(&command["name"], 1, 32, "a menu's name")?;
            let described = command.get("description").is_some_and(|d| *d != json!(""));
            if described || command["options"].as_array().is_some_and(|o| !o.is_empty()) {
                return Err("a menu with a description or options".into());
            }
        }
    }
    Ok(())
}

fn named(thing: &Value) -> Result<(), String> {
    let name = |name: &Value| {
        length(name, 1, 32, "a name")?;
        let text = name.as_str().unwrap_or_default();
        let fine = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '\''));
        let lower = text.to_lowercase() == text;
        if fine && lower { Ok(()) } else { Err(format!("the name {text}")) }
    };
    name(&thing["name"])?;
    length(&thing["description"], 1, 100, "a description")?;
    let none = serde_json::Map::new();
    for (locale, text) in thing["name_localizations"].as_object().unwrap_or(&none) {
        if locale != "de" {
            return Err(format!("the locale {locale}"));
        }
        name(text)?;
    }
    for text in thing["description_localizations"].as_object().unwrap_or(&none).values() {
        length(text, 1, 100, "a localised description")?;
    }
    Ok(())
}

fn options(options: &Value, top: bool) -> Result<(), String> {
    let none = Vec::new();
    let options = options.as_array().unwrap_or(&none);
    if options.len() > 25 {
        return Err("more than 25 options".into());
    }
    let (mut names, mut optional) = (BTreeSet::new(), false);
    for option in options {
        named(option)?;
        if !names.insert(option["name"].to_string()) {
            return Err(format!("the option {} twice", option["name"]));
        }
        let kind = option["type"].as_u64().ok_or("an option without a type")?;
        match kind {
            1 if top => self::options(&option["options"], false)?,
            3 | 4 | 11 => {}
            other => return Err(format!("an option of type {other}")),
        }
        let required = option["required"] == true;
        if required && optional {
            return Err("a required option after an optional one".into());
        }
        optional |= kind != 1 && !required;
        // null is as good as absent.
        let set = |key: &str| option.get(key).is_some_and(|v| !v.is_null());
        if kind != 3 && (set("max_length") || option["autocomplete"] == true) {
            return Err("a length or autocomplete where there is no string".into());
        }
        if option["max_length"].as_u64().is_some_and(|m| !(1..=6000).contains(&m)) {
            return Err("max_length".into());
        }
        if kind != 4 && (set("min_value") || set("max_value")) {
            return Err("a range where there is no number".into());
        }
    }
    Ok(())
}
