//! The methods of the Bot API.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{BOT, Hook, NAME, Shown, Telegram, check, people, refused};

pub type Files = HashMap<String, (String, Bytes)>;

/// JSON or a form, whose values are JSON where they are not text.
pub async fn body(request: Request) -> Result<(Map<String, Value>, Files), String> {
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
    pub fn wrong(&self, method: &str, fault: &str) -> Response {
        let expected = ["message is not modified", "can't be edited", "file is too big"];
        if !expected.iter().any(|e| fault.contains(e)) {
            self.inner().faults.push(format!("{method}: {fault}"));
        }
        self.changed();
        refused(400, &format!("Bad Request: {fault}"), None)
    }

    pub async fn done(
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
                if let Some(said) = text("text") {
                    if said.is_empty() || said.chars().count() > 200 {
                        return Err("MESSAGE_TOO_LONG".into());
                    }
                    inner.alerts.push(said.to_owned());
                }
                Ok(json!(true))
            }
            "getchatmember" => {
                let user = integer("user_id").ok_or("invalid user_id specified")?;
                let chat = integer("chat_id").ok_or("chat not found")?;
                let owns = self.inner().owners.contains(&(chat, user));
                let user = json!({"id": user, "is_bot": false, "first_name": format!("U{user}")});
                Ok(if owns {
                    json!({"status": "creator", "user": user, "is_anonymous": true})
                } else {
                    json!({"status": "member", "user": user})
                })
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
