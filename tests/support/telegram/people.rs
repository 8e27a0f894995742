//! What people do on Telegram, as updates of the Bot API.

use serde_json::{Value, json};

use super::{BOT, NAME, Shown, Telegram};

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct User {
    pub id: i64,
    pub language: &'static str,
}

impl User {
    pub fn new(id: i64) -> Self {
        Self { id, language: "en" }
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "is_bot": false, "first_name": format!("U{}", self.id),
            "language_code": self.language,
        })
    }

    /// A message in this chat, with nothing in it yet.
    pub fn at(&self, fake: &Telegram, chat: &Value) -> Message {
        let id = fake.new_message();
        let mut message = json!({
            "message_id": id, "date": 1_764_000_000, "from": self.json(), "chat": chat["chat"],
        });
        if let Some(thread) = chat.get("thread") {
            message["message_thread_id"] = thread.clone();
            message["is_topic_message"] = json!(true);
        }
        Message { fake: fake.clone(), json: message }
    }

    /// A message in the private chat with the bot.
    pub fn writes(&self, fake: &Telegram) -> Message {
        self.at(fake, &private(self.id))
    }

    /// Presses a button under a message.
    pub fn presses(&self, fake: &Telegram, message: &Shown, data: &str) {
        let id = format!("q{}", fake.new_message());
        fake.inner().queries.insert(id.clone(), 0);
        fake.send(json!({ "callback_query": {
            "id": id, "from": self.json(), "message": bots(message), "chat_instance": "1",
            "data": data,
        }}));
    }

    /// Types `@bot words` somewhere.
    pub fn looks_for(&self, fake: &Telegram, words: &str) {
        fake.send(json!({ "inline_query": {
            "id": "i1", "from": self.json(), "query": words, "offset": "",
        }}));
    }
}

pub fn private(id: i64) -> Value {
    json!({ "chat": { "id": id, "type": "private", "first_name": format!("U{id}") } })
}

pub fn group(id: i64) -> Value {
    json!({ "chat": { "id": id, "type": "supergroup", "title": "Workshop" } })
}

/// A topic in a group's forum.
pub fn topic(id: i64, thread: i64) -> Value {
    let chat = json!({ "id": id, "type": "supergroup", "title": "Workshop", "is_forum": true });
    json!({ "chat": chat, "thread": thread })
}

/// A message of the bot as the API returns it.
pub fn bots(shown: &Shown) -> Value {
    let kind = if shown.chat < 0 { "supergroup" } else { "private" };
    let mut message = json!({
        "message_id": shown.id, "date": 1_764_000_000,
        "from": { "id": BOT, "is_bot": true, "first_name": "Magpie", "username": NAME },
        "chat": { "id": shown.chat, "type": kind, "title": "Workshop", "first_name": "U" },
    });
    if let Some(thread) = shown.thread {
        message["message_thread_id"] = json!(thread);
        message["is_topic_message"] = json!(true);
    }
    match shown.method.as_str() {
        "sendmessage" => message["text"] = json!(shown.text),
        "senddocument" => {
            message["document"] = json!({ "file_id": "sent", "file_unique_id": "sent" });
        }
        _ => {
            let size = json!({ "file_id": "sent", "file_unique_id": "sent", "file_size": 9,
                "width": 9, "height": 9 });
            message["photo"] = json!([size]);
            message["caption"] = json!(shown.text);
        }
    }
    message
}

/// A message being written.
#[derive(Clone)]
pub struct Message {
    fake: Telegram,
    pub json: Value,
}

impl Message {
    pub fn id(&self) -> i64 {
        self.json["message_id"].as_i64().unwrap()
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.json[key] = value;
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.with("text", json!(text)).marked("entities", text)
    }

    pub fn caption(self, text: &str) -> Self {
        self.with("caption", json!(text)).marked("caption_entities", text)
    }

    /// Commands and mentions, as Telegram marks them.
    fn marked(self, key: &str, text: &str) -> Self {
        let mut marks = Vec::new();
        let mut at = 0;
        for word in text.split_inclusive(char::is_whitespace) {
            let kind = match word.chars().next() {
                Some('/') => Some("bot_command"),
                Some('@') => Some("mention"),
                _ => None,
            };
            if let Some(kind) = kind {
                let length = word.trim_end().encode_utf16().count();
                marks.push(json!({ "type": kind, "offset": at, "length": length }));
            }
            at += word.encode_utf16().count();
        }
        self.with(key, Value::Array(marks))
    }

    /// A photo in three sizes, of which the largest has these bytes.
    pub fn photo(self, bytes: Vec<u8>) -> Self {
        let small = self.fake.new_file(3, Some(b"tiny".to_vec()));
        let large = self.fake.new_file(bytes.len() as u64, Some(bytes));
        let size = |id: &str, side: u32, bytes: usize| {
            json!({ "file_id": id, "file_unique_id": id, "file_size": bytes, "width": side,
                "height": side })
        };
        self.with("photo", json!([size(&small, 90, 3), size(&large, 1280, 40_000)]))
    }

    /// A photo that Telegram has lost.
    pub fn lost_photo(self) -> Self {
        let id = self.fake.new_file(40_000, None);
        let size = json!({ "file_id": id, "file_unique_id": id, "file_size": 40_000,
            "width": 1280, "height": 960 });
        self.with("photo", json!([size]))
    }

    pub fn document(self, name: &str, mime: &str, bytes: Vec<u8>) -> Self {
        let size = bytes.len() as u64;
        self.claimed(name, mime, size, bytes)
    }

    /// A file said to be of this size.
    pub fn claimed(self, name: &str, mime: &str, size: u64, bytes: Vec<u8>) -> Self {
        let id = self.fake.new_file(size, Some(bytes));
        self.with(
            "document",
            json!({ "file_id": id, "file_unique_id": id, "file_name": name, "mime_type": mime,
                "file_size": size }),
        )
    }

    pub fn in_album(self, album: &str) -> Self {
        self.with("media_group_id", json!(album))
    }

    pub fn reply_to(self, message: &Value) -> Self {
        let mut message = message.clone();
        if let Some(fields) = message.as_object_mut() {
            fields.remove("reply_to_message");
        }
        self.with("reply_to_message", message)
    }

    pub fn field(self, key: &str, value: Value) -> Self {
        self.with(key, value)
    }

    pub fn send(self) -> Value {
        self.fake.send(json!({ "message": self.json }));
        self.json
    }

    /// Sends it as the changed version of what was sent before.
    pub fn send_edited(self, date: i64) {
        let edited = self.with("edit_date", json!(date));
        edited.fake.send(json!({ "edited_message": edited.json }));
    }
}
