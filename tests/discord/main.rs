//! Discord, from the gateway's event to the message in the chat: the real front-end and bot
//! against a fake Discord that refuses what Discord refuses.

mod admin;
mod alike;
mod asking;
mod attacks;
mod both;
mod calls;
#[path = "../support/discord/mod.rs"]
mod discord;
#[path = "../support/drawn.rs"]
mod drawn;
mod files;
mod gateway;
mod growing;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/line.rs"]
mod line;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/obedient.rs"]
mod obedient;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/telegram/mod.rs"]
mod telegram;
mod tour;

use std::time::Duration;

use discord::{CHANNEL, Discord, Fault, GUILD, KEEPERS, MANAGERS, ME, TOKEN, Written, person};
use line::Line;
use magpie::bot::{Bot, Platform, Reply, Request, Upload};
use magpie::clip::Clip;
use magpie::config::{DiscordSettings, Settings};
use magpie::front;
use model::{Model, with_model};
use serde_json::{Value, json};
use support::{picture, tiny};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

const USER: u64 = 5001;
const ADMIN: u64 = 5002;
const MANAGE_GUILD: &str = "32";
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    discord: Discord,
    bot: Bot,
    stop: CancellationToken,
    running: JoinHandle<Result<(), String>>,
    _dir: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(Discord::new().await, change).await
    }

    async fn on(discord: Discord, change: impl FnOnce(&mut Settings)) -> Self {
        let stage = Self::bare(discord, change).await;
        for (id, number) in [("lamp", 1), ("kettle", 2), ("chair", 3)] {
            let text = format!("/kb add id:{id} title:\"The {id}\" The {id} weighs {number} kg.");
            add(&stage.bot, text, number).await;
        }
        stage
    }

    /// Without products.
    async fn bare(discord: Discord, change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.catalogue.dir = dir.path().join("data");
        settings.bot.user_per_minute = 6000;
        settings.bot.user_burst = 1000;
        settings.bot.total_per_minute = 60_000;
        settings.discord = DiscordSettings {
            token: TOKEN.to_owned().into(),
            api_url: discord.url(),
            cdn_hosts: vec![discord.host()],
            admins: vec![ADMIN],
            admin_roles: vec![KEEPERS],
            ..DiscordSettings::default()
        };
        change(&mut settings);
        let bot = Bot::new(settings.clone(), Clip::open(&tiny()).unwrap()).unwrap();
        let stop = CancellationToken::new();
        let run = front::discord::run(settings.discord, bot.clone(), stop.clone());
        let stage = Self { discord, bot, stop, running: tokio::spawn(run), _dir: dir };
        stage.discord.until("IDENTIFY", |d| (d.identified().len() == 1).then_some(())).await;
        stage
    }

    /// Stops, and holds the fake's complaints against whoever caused them.
    async fn end(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.running).await.expect("it stops");
        assert_eq!(ended.unwrap(), Ok(()));
        assert_eq!(self.discord.complaints(), Vec::<String>::new());
    }

    /// What stands in a place when the last of it holds the words.
    async fn says(&self, place: &str, words: &str) -> Vec<Written> {
        self.discord
            .until(&format!("{words:?} in {place}"), |d| {
                let standing = d.standing(place);
                standing.iter().any(|w| said(w).contains(words)).then_some(standing)
            })
            .await
    }

    async fn ids(&self) -> Vec<String> {
        let page = self.bot.kb(Platform::Discord, "", "").products(0, 100).await.unwrap();
        page.products.into_iter().map(|p| p.id).collect()
    }

    /// The buttons of a pressed message as they stand after the press, if they were changed.
    fn marks(&self, press: &str) -> Vec<Mark> {
        let written = self.discord.at(press);
        let rows = written.iter().filter(|w| w.what == "mark").flat_map(|w| {
            w.body["components"].as_array().unwrap().iter().flat_map(|r| {
                r["components"].as_array().unwrap().iter().map(|b| Mark {
                    label: b["label"].as_str().unwrap().to_owned(),
                    off: b["disabled"] == true,
                    chosen: b["style"] == 3,
                })
            })
        });
        rows.collect()
    }

    /// A message in a channel of its own, which asks for help; returns the channel.
    fn help(&self) -> String {
        let place = self.discord.id().to_string();
        self.discord.message(USER, &format!("<@{ME}> /help"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
        });
        place
    }

    fn photo(&self, number: u32) -> Value {
        self.discord.attachment("photo.png", "image/png", png(number))
    }

    /// A message to the bot, with a photo or without.
    fn mention(&self, user: u64, words: &str, photo: Option<Value>) -> u64 {
        self.discord.message(user, &format!("<@{ME}> {words}"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["attachments"] = photo.into_iter().collect();
        })
    }
}

/// A button after one was pressed.
#[derive(Debug, PartialEq)]
struct Mark {
    label: String,
    off: bool,
    chosen: bool,
}

async fn add(bot: &Bot, text: String, number: u32) {
    let admin = Request { admin: true, ..Request::new(Platform::Discord, "", "setup", "setup") };
    let files = vec![Upload { name: "p.png".into(), bytes: png(number).into() }];
    let replies: Vec<Reply> = bot.handle(Request { text, files, ..admin.clone() }).collect().await;
    let press = replies.iter().find_map(|r| match r {
        Reply::Buttons(buttons) => Some(buttons[0].action.clone()),
        _ => None,
    });
    if press.is_some() {
        // Random weights find much alike: add it all the same.
        let _: Vec<Reply> = bot.handle(Request { press, ..admin }).collect().await;
    }
}

fn png(number: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    picture(number).write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// All text of a message, as it is read: without the marks that escape.
fn said(written: &Written) -> String {
    let mut text = written.content().to_owned();
    for embed in written.body["embeds"].as_array().into_iter().flatten() {
        for part in [&embed["title"], &embed["description"], &embed["footer"]["text"]] {
            text = format!("{text}\n{}", part.as_str().unwrap_or_default());
        }
    }
    text.replace('\\', "")
}

/// The ids of the products in a message's embeds.
fn matched(written: &Written) -> Vec<String> {
    let embeds = written.body["embeds"].as_array().unwrap();
    embeds.iter().map(|e| e["footer"]["text"].as_str().unwrap().to_owned()).collect()
}

/// The action of a button.
fn button(standing: &[Written], label: &str) -> String {
    let rows = standing.iter().flat_map(|w| w.body["components"].as_array().unwrap());
    let mut buttons = rows.flat_map(|r| r["components"].as_array().unwrap());
    let found = buttons.find(|b| b["label"].as_str().unwrap().contains(label));
    found.unwrap_or_else(|| panic!("no {label}: {standing:#?}"))["custom_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn channel() -> String {
    CHANNEL.to_string()
}

fn ask(question: &str, photo: Option<&Value>) -> Value {
    slash("ask", vec![option("question", 3, question.into())], photo)
}

fn option(name: &str, kind: u64, value: Value) -> Value {
    json!({"name": name, "type": kind, "value": value})
}

/// A command's data, with a photo as its last option.
fn slash(name: &str, mut options: Vec<Value>, photo: Option<&Value>) -> Value {
    let mut resolved = json!({});
    if let Some(photo) = photo {
        let id = photo["id"].as_str().unwrap();
        let name = if name == "import" { "archive" } else { "photo" };
        options.push(option(name, 11, id.into()));
        resolved["attachments"][id] = photo.clone();
    }
    json!({"id": "9", "name": name, "type": 1, "options": options, "resolved": resolved})
}

/// `/kb` with a subcommand.
fn kb(name: &str, options: Vec<Value>, file: Option<&Value>) -> Value {
    let mut data = slash(name, options, file);
    let options = data["options"].take();
    data["name"] = "kb".into();
    data["options"] = json!([{"name": name, "type": 1, "options": options}]);
    data
}

fn manager(event: &mut Value) {
    event["member"]["permissions"] = MANAGE_GUILD.into();
}
