//! The REST calls, and the file server.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::check::{commands, keys, length, pressed, sent};
use super::{APPLICATION, CHANNEL, File, Inner, Shared, Written, bot, dm_of, message};

/// Discord's limit of writing messages to a channel.
const CALLS: u32 = 5;
const WINDOW: Duration = Duration::from_secs(5);

type Reply = (StatusCode, Value);

pub async fn download(State(app): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
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

pub async fn rest(
    State(app): State<Arc<Shared>>,
    method: Method,
    Path(path): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let path = format!("/{path}");
    let way = app.inner.lock().unwrap().way;
    tokio::time::sleep(way / 2).await;
    let answer = answer(&app, &method, &path, &headers, request).await;
    tokio::time::sleep(way / 2).await;
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
            inner.limited += 1;
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
            let nonce = body["nonce"].as_str().filter(|_| body["enforce_nonce"] == true);
            let known = nonce.map(|nonce| ((*channel).to_owned(), nonce.to_owned()));
            if let Some(id) = known.as_ref().and_then(|nonce| inner.nonces.get(nonce)) {
                // Sent before: that message is what comes back.
                return Ok((StatusCode::OK, message(*id, channel.parse().unwrap(), &bot(), "")));
            }
            let id = id();
            inner.nonces.extend(known.map(|nonce| (nonce, id.parse().unwrap())));
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
