//! The gateway: a websocket a shard, on which Discord tells what happens, kept up for as long as the
//! bot runs.
//!
//! A connection that breaks, falls silent or is ended by Discord is made again, with pauses that grow
//! while that fails, and its session is resumed: Discord then tells what happened in between. serenity's
//! own runner gives a session up when the first attempt to resume it fails, or when a heartbeat goes
//! unanswered, and what was written during an outage is lost.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rand::RngExt;
use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{StatusCode, Upgraded, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use super::{Broken, REVOKED};

/// Longest wait for a connection, and for Discord's first words on it.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for a session to begin or to be resumed, events that were missed included.
const READY: Duration = Duration::from_secs(60);
/// Longest that a word of ours may take to be on its way.
const SEND: Duration = Duration::from_secs(10);
/// Longest wait for Discord to answer a goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often in a row the address that a session names may fail before it is also tried where sessions
/// begin, and how often the session may be refused before it is over.
const TRIES: u32 = 3;
/// Between two sessions that begin (Discord, max_concurrency).
const BETWEEN: Duration = Duration::from_secs(5);
/// Largest message: a guild of the largest kind, with its channels and threads.
const LARGEST: usize = 64 << 20;
const VERSION: &str = "10";

const NO_INTENT: &str = "Discord does not let the bot read messages: switch on \"Message Content \
                         Intent\" on the Bot page of https://discord.com/developers/applications, \
                         or leave discord.channels empty";

/// One of the connections that the guilds are shared out among.
#[derive(Debug, Clone, Copy)]
pub struct Shard {
    pub number: u64,
    pub of: u64,
}

/// What all shards connect with.
pub struct Gateway {
    http: reqwest::Client,
    /// Where sessions begin.
    url: String,
    token: SecretString,
    intents: u64,
    /// What is shown of the bot, as Discord's presence object.
    presence: watch::Sender<Value>,
    /// When the next session of each of Discord's groups of shards may begin.
    starts: Vec<Mutex<Instant>>,
    /// Closes the connections.
    closing: CancellationToken,
}

/// What a session is resumed with.
struct Session {
    id: String,
    url: String,
}

/// What outlives a connection.
#[derive(Default)]
struct Kept {
    session: Option<Session>,
    /// The number of the last event.
    last: Option<u64>,
    /// Sessions that were asked for in a row and did not begin.
    vain: u32,
    /// How often in a row the session's own address could not be reached.
    unreached: u32,
    /// How often in a row the session was asked for again, and did not go on.
    refused: u32,
}

/// How a connection ended.
enum End {
    Closed,
    /// To be made again.
    Lost(String),
    Broken(Broken),
}

type Socket = WebSocketStream<Upgraded>;

impl Gateway {
    /// A gateway at `url`, as `GET /gateway/bot` names it, that lets `starts` sessions begin at once.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn new(
        url: String,
        token: &SecretString,
        intents: u64,
        presence: Value,
        starts: usize,
    ) -> Result<Self, String> {
        let http = reqwest::Client::builder().connect_timeout(CONNECT).http1_only();
        let http = http.redirect(reqwest::redirect::Policy::none()).build();
        let now = Instant::now();
        let token = token.expose_secret().trim();
        Ok(Self {
            http: http.map_err(|e| format!("no HTTP client: {e}"))?,
            url,
            token: token.strip_prefix("Bot ").unwrap_or(token).to_owned().into(),
            intents,
            presence: watch::channel(presence).0,
            starts: (0..starts.max(1)).map(|_| Mutex::new(now)).collect(),
            closing: CancellationToken::new(),
        })
    }

    /// Shows this of the bot from now on.
    pub fn show(&self, presence: Value) {
        self.presence.send_replace(presence);
    }

    /// Takes leave of Discord on every connection, which ends [`Gateway::keep`].
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Keeps a shard's connection until it is closed; `hear` is told every event's name and data.
    pub async fn keep(&self, shard: Shard, hear: impl Fn(&str, Value)) -> Result<(), Broken> {
        let mut kept = Kept::default();
        let mut failures = 0u32;
        loop {
            let mut ready = false;
            let connection = self.connection(shard, &mut kept, &mut ready, &hear);
            let why = match connection.await {
                End::Closed => return Ok(()),
                End::Broken(broken) => return Err(broken),
                End::Lost(why) => why,
            };
            failures = if ready { 0 } else { failures + 1 };
            // Discord lets a bot begin 1,000 sessions a day, and takes its token away behind that.
            let longest = LONGEST_PAUSE.saturating_mul(1 << kept.vain.saturating_sub(2).min(6));
            let pause = PAUSE.saturating_mul(1 << failures.min(10)).min(longest);
            let pause = pause.mul_f64(rand::rng().random_range(0.5..1.0));
            if failures == 1 {
                tracing::warn!("the connection to Discord cannot be made, trying again: {why}");
            } else {
                tracing::info!(shard = shard.number, ?pause, "connecting to Discord again: {why}");
            }
            tokio::select! {
                () = self.closing.cancelled() => return Ok(()),
                () = sleep(pause) => {}
            }
        }
    }

    /// One connection to its end; `ready` tells whether a session began or went on.
    async fn connection(
        &self,
        shard: Shard,
        kept: &mut Kept,
        ready: &mut bool,
        hear: &impl Fn(&str, Value),
    ) -> End {
        if kept.refused >= TRIES {
            tracing::warn!(shard = shard.number, "the session with Discord does not go on");
            kept.forget();
        }
        let opening = async {
            if kept.session.is_none() {
                self.turn(shard).await;
            }
            let turns = kept.unreached < TRIES || kept.unreached.is_multiple_of(2);
            let own = kept.session.as_ref().filter(|_| turns);
            let url = own.map_or(&self.url, |session| &session.url);
            let opened = timeout(CONNECT, self.open(url));
            opened.await.unwrap_or_else(|_| Err("it took too long".into()))
        };
        let (mut socket, interval) = tokio::select! {
            opened = opening => match opened {
                Ok(opened) => opened,
                Err(why) => {
                    kept.unreached = kept.unreached.saturating_add(1);
                    return End::Lost(why);
                }
            },
            () = self.closing.cancelled() => return End::Closed,
        };
        let mut presence = self.presence.subscribe();
        let hello = match &kept.session {
            Some(session) => {
                kept.refused += 1;
                json!({ "op": 6, "d": {
                    "token": self.token.expose_secret(), "session_id": session.id, "seq": kept.last,
                }})
            }
            None => {
                kept.vain = kept.vain.saturating_add(1);
                self.identify(shard, &presence.borrow_and_update())
            }
        };
        if let Err(why) = say(&mut socket, &hello).await {
            return End::Lost(why);
        }
        let mut beat = Instant::now() + interval.mul_f64(rand::rng().random_range(0.0..1.0));
        let (mut heard, due) = (true, Instant::now() + READY);
        loop {
            let said = tokio::select! {
                () = self.closing.cancelled() => {
                    goodbye(socket).await;
                    return End::Closed;
                }
                () = sleep_until(due), if !*ready => Err("no session began".into()),
                () = sleep_until(beat) => {
                    if !std::mem::take(&mut heard) {
                        return End::Lost("it fell silent".into());
                    }
                    beat = Instant::now() + interval;
                    say(&mut socket, &json!({ "op": 1, "d": kept.last })).await
                }
                Ok(()) = presence.changed(), if *ready => {
                    let shown = json!({ "op": 3, "d": *presence.borrow_and_update() });
                    say(&mut socket, &shown).await
                }
                frame = socket.next() => match read(frame) {
                    Ok(None) => Ok(()),
                    Ok(Some(payload)) => match kept.take(payload, ready, hear) {
                        Next::GoOn => Ok(()),
                        Next::Heard => { heard = true; Ok(()) }
                        Next::Beat => say(&mut socket, &json!({ "op": 1, "d": kept.last })).await,
                        Next::Again(why) => Err(why.into()),
                        Next::Anew => {
                            // Discord asks for one to five seconds before the next session.
                            let moment = rand::rng().random_range(1.0..5.0);
                            tokio::select! {
                                () = sleep(Duration::from_secs_f64(moment)) => {}
                                () = self.closing.cancelled() => {}
                            }
                            Err("the session is over".into())
                        }
                    },
                    Err(Ended::Code(code)) => match kept.closed(code) {
                        Some(broken) => return End::Broken(broken),
                        None => Err(format!("Discord closed it with {code}")),
                    },
                    Err(Ended::Broken(why)) => Err(why),
                },
            };
            if let Err(why) = said {
                return End::Lost(why);
            }
        }
    }

    fn identify(&self, shard: Shard, presence: &Value) -> Value {
        let name = env!("CARGO_PKG_NAME");
        json!({ "op": 2, "d": {
            "token": self.token.expose_secret(),
            "properties": { "os": std::env::consts::OS, "browser": name, "device": name },
            "shard": [shard.number, shard.of],
            "intents": self.intents,
            "presence": presence,
        }})
    }

    /// Waits until a session of this shard may begin.
    async fn turn(&self, shard: Shard) {
        let group = usize::try_from(shard.number).unwrap_or(0) % self.starts.len();
        let Some(next) = self.starts.get(group) else { return };
        let mut next = next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + BETWEEN;
    }

    /// Opens a websocket and hears Discord's first words: how often it wants a heartbeat.
    async fn open(&self, url: &str) -> Result<(Socket, Duration), String> {
        let address = address(url).ok_or("its address is none")?;
        let key = generate_key();
        let failed = |e: reqwest::Error| super::rest::reason(&e);
        let request = self.http.get(address).header(CONNECTION, "Upgrade");
        let request = request.header(UPGRADE, "websocket").header(SEC_WEBSOCKET_VERSION, "13");
        let response = request.header(SEC_WEBSOCKET_KEY, &key).send().await.map_err(failed)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(format!("it answered {}", response.status().as_u16()));
        }
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(|a| a.as_bytes());
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err("it is no websocket".into());
        }
        let stream = response.upgrade().await.map_err(failed)?;
        let limits = WebSocketConfig::default();
        let limits = limits.max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await;
        loop {
            match read(socket.next().await) {
                Ok(None) => {}
                Ok(Some(hello)) => {
                    let interval = hello.pointer("/d/heartbeat_interval").and_then(Value::as_u64);
                    let interval =
                        interval.filter(|_| hello["op"] == 10).ok_or("it did not greet")?;
                    return Ok((socket, Duration::from_millis(interval.max(100))));
                }
                Err(Ended::Code(code)) => return Err(format!("Discord closed it with {code}")),
                Err(Ended::Broken(why)) => return Err(why),
            }
        }
    }
}

/// What a payload asks for.
enum Next {
    GoOn,
    /// A heartbeat was answered.
    Heard,
    /// A heartbeat is wanted at once.
    Beat,
    /// A new connection, on which the session goes on.
    Again(&'static str),
    /// A new connection and a new session.
    Anew,
}

impl Kept {
    /// The session is over.
    fn forget(&mut self) {
        (self.session, self.last) = (None, None);
        (self.unreached, self.refused) = (0, 0);
    }

    fn take(&mut self, mut payload: Value, ready: &mut bool, hear: &impl Fn(&str, Value)) -> Next {
        match payload["op"].as_u64() {
            Some(0) => {
                self.last = payload["s"].as_u64().or(self.last);
                let data = payload.get_mut("d").map(Value::take).unwrap_or_default();
                match payload["t"].as_str() {
                    Some("READY") => {
                        (*ready, self.vain) = (true, 0);
                        (self.unreached, self.refused) = (0, 0);
                        let text = |name: &str| data.get(name)?.as_str().map(str::to_owned);
                        let (id, url) = (text("session_id"), text("resume_gateway_url"));
                        self.session = id.zip(url).map(|(id, url)| Session { id, url });
                        hear("READY", data);
                    }
                    Some("RESUMED") => {
                        *ready = true;
                        (self.unreached, self.refused) = (0, 0);
                        tracing::info!("the session with Discord goes on");
                    }
                    Some(name) => hear(name, data),
                    None => {}
                }
                Next::GoOn
            }
            Some(1) => Next::Beat,
            Some(7) => Next::Again("Discord asked for it"),
            Some(9) if payload["d"] == true => Next::Again("the session was interrupted"),
            Some(9) => {
                self.forget();
                Next::Anew
            }
            Some(11) => Next::Heard,
            _ => Next::GoOn,
        }
    }

    /// What is to be done about a connection that Discord closed, if it is not to be made again
    /// (Discord, "Gateway Close Event Codes").
    fn closed(&mut self, code: u16) -> Option<Broken> {
        match code {
            4004 => Some(Broken::Hopeless(REVOKED.into())),
            4014 => Some(Broken::Hopeless(NO_INTENT.into())),
            // How many shards there should be is asked anew.
            4010..=4013 => Some(Broken::Passing(format!("the gateway closed with {code}"))),
            4003 | 4007 | 4009 => {
                self.forget();
                None
            }
            _ => None,
        }
    }
}

/// How a connection ended.
enum Ended {
    /// Closed by Discord.
    Code(u16),
    Broken(String),
}

/// A frame's payload, if it carries one.
fn read(frame: Option<Result<Message, Error>>) -> Result<Option<Value>, Ended> {
    let broken = |why: &dyn std::fmt::Display| Err(Ended::Broken(why.to_string()));
    match frame {
        Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
            Ok(payload) => Ok(Some(payload)),
            Err(error) => broken(&error),
        },
        Some(Ok(Message::Close(Some(frame)))) => Err(Ended::Code(frame.code.into())),
        Some(Ok(Message::Close(None))) | None => broken(&"it ended"),
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => broken(&error),
    }
}

async fn say(socket: &mut Socket, payload: &Value) -> Result<(), String> {
    match timeout(SEND, socket.send(Message::text(payload.to_string()))).await {
        Ok(sent) => sent.map_err(|error| error.to_string()),
        Err(_) => Err("it takes no more words".into()),
    }
}

/// Closes a connection so that Discord shows the bot as gone at once.
async fn goodbye(mut socket: Socket) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    let closing = async {
        if socket.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(GOODBYE, closing).await;
}

/// A gateway's address as reqwest knows it, with what Discord wants to be told in it.
fn address(url: &str) -> Option<Url> {
    let plain = url.replacen("ws", "http", usize::from(url.starts_with("ws")));
    let mut url = Url::parse(&plain).ok().filter(|u| matches!(u.scheme(), "http" | "https"))?;
    url.query_pairs_mut().clear().append_pair("v", VERSION).append_pair("encoding", "json");
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_gateway_is_meant() {
        let shown = |url: &str| address(url).map(|u| u.to_string());
        let own = "https://gateway.discord.gg/?v=10&encoding=json";
        assert_eq!(shown("wss://gateway.discord.gg"), Some(own.into()));
        assert_eq!(shown("wss://gateway.discord.gg/?v=9&compress=x"), Some(own.into()));
        let local = "http://127.0.0.1:8080/gateway?v=10&encoding=json";
        assert_eq!(shown("ws://127.0.0.1:8080/gateway"), Some(local.into()));
        assert_eq!(shown("ftp://gateway.discord.gg"), None);
    }

    #[test]
    fn what_ends_a_session_and_what_does_not() {
        let resumable = || Kept {
            session: Some(Session { id: "s".into(), url: "wss://x".into() }),
            last: Some(7),
            ..Kept::default()
        };
        for (code, kept, hopeless) in [
            (1000, true, None),
            (4000, true, None),
            (4007, false, None),
            (4009, false, None),
            (4004, true, Some(true)),
            (4014, true, Some(true)),
            (4011, true, Some(false)),
        ] {
            let mut session = resumable();
            let broken = session.closed(code);
            assert_eq!(session.session.is_some(), kept, "{code}");
            assert_eq!(broken.map(|b| matches!(b, Broken::Hopeless(_))), hopeless, "{code}");
        }
    }
}
