//! Telegram's part: a photo with a caption in a private chat with each person.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;

use crate::fake_telegram::{self as fake, TOKEN, User};
use crate::{Asked, Platform};

/// The first person; the others follow.
const PEOPLE: i64 = 50_000;

pub struct Telegram {
    fake: fake::Telegram,
    /// Photos that the fake serves already, by where they lie in memory.
    photos: Mutex<HashMap<usize, Value>>,
}

impl Telegram {
    pub async fn new() -> Self {
        Self { fake: fake::Telegram::new().await, photos: Mutex::default() }
    }

    fn photo(&self, from: &User, bytes: &[u8]) -> Value {
        let mut photos = self.photos.lock().expect("no sender panicked");
        let photo = photos.entry(bytes.as_ptr() as usize);
        let first = || from.writes(&self.fake).photo(bytes.to_vec()).json["photo"].clone();
        photo.or_insert_with(first).clone()
    }
}

impl Platform for Telegram {
    fn name(&self) -> &'static str {
        "Telegram"
    }

    fn config(&self) -> String {
        format!("[telegram]\ntoken = {TOKEN:?}\napi_url = {:?}\n", self.fake.url)
    }

    async fn connected(&self) {
        let polled = |fake: &fake::Telegram| (!fake.calls("getUpdates").is_empty()).then_some(());
        self.fake.until("a request for updates", polled).await;
    }

    async fn ask(&self, chat: usize, photo: &[u8], question: &str) -> Result<Asked, String> {
        let from = User::new(PEOPLE + chat as i64);
        // Without it every look at the chat would go through all that was ever said.
        self.fake.forget(from.id);
        let photo = self.photo(&from, photo);
        let message = from.writes(&self.fake).field("photo", photo).caption(question);
        let started = Instant::now();
        message.send();
        let answered = self.fake.until("an answer", |fake| {
            let shown = fake.chat(from.id);
            let matches = shown.iter().find(|s| !s.files.is_empty());
            // The buttons come with the last words.
            let last = shown.iter().find(|s| !s.buttons.is_empty());
            let sentence = shown.iter().find(|s| s.files.is_empty());
            match (matches, last, sentence) {
                (Some(matches), Some(last), _) => Some(Ok(Asked {
                    matches: matches.changed - started,
                    done: last.changed - started,
                })),
                (None, _, Some(sentence)) => Some(Err(sentence.text.clone())),
                _ => None,
            }
        });
        answered.await
    }

    fn calls(&self) -> usize {
        self.fake.count()
    }
}
