//! Discord's part: a mention with a photo in a channel of each person's own.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::{Value, json};

use crate::fake_discord::{self as fake, ME, TOKEN, Written};
use crate::{Asked, Platform};

/// The first person and channel; the others follow.
const PEOPLE: u64 = 50_000;
const CHANNELS: u64 = 60_000;

pub struct Discord {
    fake: fake::Discord,
    /// Photos that the fake serves already, by where they lie in memory.
    photos: Mutex<HashMap<usize, Value>>,
}

impl Discord {
    /// A fake that limits writing to a channel, or does not.
    pub async fn new(limits: bool) -> Self {
        let fake = fake::Discord::new().await;
        if limits {
            fake.limit();
        }
        Self { fake, photos: Mutex::default() }
    }

    fn photo(&self, bytes: &[u8]) -> Value {
        let mut photos = self.photos.lock().expect("no sender panicked");
        let photo = photos.entry(bytes.as_ptr() as usize);
        photo
            .or_insert_with(|| self.fake.attachment("photo.jpg", "image/jpeg", bytes.to_vec()))
            .clone()
    }
}

impl Platform for Discord {
    fn name(&self) -> &'static str {
        "Discord"
    }

    fn config(&self) -> String {
        let (url, host) = (self.fake.url(), self.fake.host());
        format!("[discord]\ntoken = {TOKEN:?}\napi_url = {url:?}\ncdn_hosts = [{host:?}]\n")
    }

    async fn connected(&self) {
        self.fake.until("IDENTIFY", |d| (!d.identified().is_empty()).then_some(())).await;
    }

    async fn ask(&self, chat: usize, photo: &[u8], question: &str) -> Result<Asked, String> {
        let place = (CHANNELS + chat as u64).to_string();
        // Without it every look at the chat would go through all that was ever said.
        self.fake.forget(&place);
        let photo = self.photo(photo);
        let started = Instant::now();
        self.fake.message(PEOPLE + chat as u64, &format!("<@{ME}> {question}"), |m| {
            m["mentions"] = json!([fake::person(ME)]);
            m["channel_id"] = place.as_str().into();
            m["attachments"] = json!([photo]);
        });
        let answered = self.fake.until("an answer", |d| {
            d.look(&place, |written| {
                let matches = written.iter().find(|w| !w.files.is_empty());
                // The buttons come with the last words.
                let last = written.iter().find(|w| has_buttons(w));
                let sentence = written.iter().find(|w| w.what == "send" && w.files.is_empty());
                match (matches, last, sentence) {
                    (Some(matches), Some(last), _) => {
                        Some(Ok(Asked { matches: matches.at - started, done: last.at - started }))
                    }
                    (None, _, Some(sentence)) => Some(Err(sentence.content().to_owned())),
                    _ => None,
                }
            })
        });
        answered.await
    }

    fn calls(&self) -> usize {
        self.fake.count()
    }
}

fn has_buttons(written: &Written) -> bool {
    written.body["components"].as_array().is_some_and(|rows| !rows.is_empty())
}
