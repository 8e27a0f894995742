//! The gateway: HELLO, IDENTIFY, RESUME, heartbeats, and events that wait for a broken connection.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::check::{keys, length};
use super::{APPLICATION, Order, Session, Shared, bot, guild, guild_of};

pub async fn gateway(
    State(app): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Response {
    if query.as_deref() != Some("v=10&encoding=json") {
        app.inner.lock().unwrap().complaints.push(format!("the gateway is asked for {query:?}"));
    }
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
            if !knows(app, data) {
                return Some(4004);
            }
            if let Err(complaint) = identifies(data) {
                app.inner.lock().unwrap().complaints.push(format!("IDENTIFY: {complaint}: {data}"));
            }
            let shards = app.inner.lock().unwrap().shards.max(1);
            *shard = data["shard"][0].as_u64().unwrap_or(0);
            if data["shard"][1].as_u64().unwrap_or(1) != shards {
                return Some(4010);
            }
            let guild = guild_of(*shard);
            let own = format!("ws://{}/gateway", app.base);
            let resumed_at = app.inner.lock().unwrap().resumed_at.clone().unwrap_or(own);
            let ready = json!({
                "v": 10, "user": bot(), "guilds": [{"id": guild.to_string(), "unavailable": true}],
                "session_id": session_id(*shard), "shard": [*shard, shards],
                "resume_gateway_url": resumed_at,
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
        Some(3) => {
            let mut inner = app.inner.lock().unwrap();
            if let Err(complaint) = shows(data) {
                inner.complaints.push(format!("presence: {complaint}: {data}"));
            }
            inner.presences.push(data.clone());
        }
        Some(6) => {
            if !knows(app, data) {
                return Some(4004);
            }
            let refused = {
                let mut inner = app.inner.lock().unwrap();
                let code = inner.unresumable;
                inner.resumed.extend(code.map(|_| data.clone()));
                code
            };
            if refused.is_some() {
                return refused;
            }
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

/// Whether the token is the bot's, which may stand as in a header.
fn knows(app: &Shared, data: &Value) -> bool {
    data["token"].as_str().map(|token| token.trim_start_matches("Bot ")) == Some(&app.token)
}

fn session_id(shard: u64) -> String {
    format!("session-{}", shard + 1)
}

/// What a bot says of itself at first.
fn identifies(data: &Value) -> Result<(), String> {
    keys(data, &["token", "properties", "shard", "intents", "presence"])?;
    keys(&data["properties"], &["os", "browser", "device"])?;
    shows(&data["presence"])
}

/// A presence.
fn shows(presence: &Value) -> Result<(), String> {
    keys(presence, &["since", "activities", "status", "afk"])?;
    if !["online", "idle", "dnd"].iter().any(|status| presence["status"] == *status) {
        return Err("no status".into());
    }
    for activity in presence["activities"].as_array().ok_or("no activities")? {
        keys(activity, &["name", "type", "state"])?;
        length(&activity["state"], 1, 128, "a state")?;
    }
    Ok(())
}
