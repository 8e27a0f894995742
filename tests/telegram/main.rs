//! Magpie on Telegram: the whole front-end in this process, on the real bot, against a fake of
//! the Bot API that refuses what Telegram would refuse.

mod admin;
mod alike;
mod asking;
mod attacks;
#[path = "../support/drawn.rs"]
mod drawn;
mod growing;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/line.rs"]
mod line;
mod local;
#[path = "../support/model.rs"]
mod model;
#[path = "../support/obedient.rs"]
mod obedient;
mod restart;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/telegram/mod.rs"]
mod telegram;
mod trouble;
mod webhook;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use magpie::bot::{Bot, Platform, Reply, Request, Upload};
use magpie::clip::Clip;
use magpie::config::{Settings, TelegramSettings};
use magpie::front;
use model::{Model, with_model};
use serde_json::{Value, json};
use support::{Shop, magpie, picture, tiny};
use telegram::{Fault, Shown, TOKEN, Telegram, User, group, topic};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

const ADMIN: i64 = 1;
const GROUP: i64 = -1_001_234;

/// A running front-end on a catalogue of its own.
struct Stage {
    fake: Telegram,
    bot: Bot,
    settings: TelegramSettings,
    stop: CancellationToken,
    running: JoinHandle<Result<(), String>>,
    _dir: TempDir,
}

impl Stage {
    async fn new(products: &[(&str, u32)]) -> Self {
        Self::with(products, |_| {}).await
    }

    async fn with(products: &[(&str, u32)], change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fake = Telegram::new().await;
        let mut settings = Settings::default();
        settings.catalogue.dir = dir.path().join("data");
        settings.bot.user_per_minute = 6000;
        settings.bot.user_burst = 1000;
        settings.bot.total_per_minute = 60_000;
        settings.telegram = TelegramSettings {
            token: TOKEN.to_owned().into(),
            api_url: fake.url.clone(),
            admins: vec![ADMIN as u64],
            ..TelegramSettings::default()
        };
        change(&mut settings);
        let telegram = settings.telegram.clone();
        let bot = Bot::new(settings, Clip::open(&tiny()).unwrap()).unwrap();
        for (id, number) in products {
            let text = format!("/kb add id:{id} title:\"The {id}\" The {id} weighs {number} kg.");
            add(&bot, &text, *number).await;
        }
        let stop = CancellationToken::new();
        let running =
            tokio::spawn(front::telegram::run(telegram.clone(), bot.clone(), None, stop.clone()));
        Self { fake, bot, settings: telegram, stop, running, _dir: dir }
    }

    async fn ids(&self) -> Vec<String> {
        let page = self.bot.kb(Platform::Telegram, "", "").products(0, 1000).await.unwrap();
        page.products.into_iter().map(|p| p.id).collect()
    }

    /// Stops, and checks that Telegram had nothing to complain about.
    async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        assert_eq!(self.fake.faults(), [""; 0]);
    }
}

async fn add(bot: &Bot, text: &str, number: u32) {
    let by = || Request {
        admin: true,
        name: "Ada".into(),
        ..Request::new(Platform::Web, "s", "c", "ada")
    };
    let files = vec![Upload { name: format!("{number}.png"), bytes: png(number).into() }];
    let request = Request { text: text.into(), files, ..by() };
    let replies: Vec<Reply> = bot.handle(request).collect().await;
    // Random weights find much alike: add it all the same.
    if let Some(Reply::Buttons(buttons)) = replies.iter().find(|r| matches!(r, Reply::Buttons(_))) {
        let press = Some(buttons[0].action.clone());
        let _: Vec<Reply> = bot.handle(Request { press, ..by() }).collect().await;
    }
}

fn png(number: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    picture(number).write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// A chat's messages as method and text.
fn lines(shown: &[Shown]) -> Vec<(&str, &str)> {
    shown.iter().map(|s| (s.method.as_str(), s.text.as_str())).collect()
}

/// `magpie serve` in a process of its own, ended with the test.
struct Served {
    process: Child,
    /// The web chat's address.
    url: String,
}

impl Served {
    fn start(shop: &Shop, fake: &Telegram, model: Option<&Model>, more: &[(&str, &str)]) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(shop.path("log"));
        let mut command = magpie();
        command.arg("serve").arg("--data").arg(shop.data()).arg("--model").arg(tiny());
        command.env("MAGPIE__WEB__LISTEN", "127.0.0.1:0").env("NO_PROXY", "127.0.0.1");
        command.env("MAGPIE__TELEGRAM__TOKEN", TOKEN).env("MAGPIE__TELEGRAM__API_URL", &fake.url);
        if let Some(model) = model {
            command.env("MAGPIE__ANSWER__BASE_URL", &model.url);
            command.env("MAGPIE__ANSWER__API_KEY", "sk-x");
        }
        command.envs(more.iter().copied());
        command.env("RUST_LOG", "debug").stdout(Stdio::piped()).stderr(log.unwrap());
        let mut process = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }

    /// Ends it as no program can prepare for.
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Tells it to stop, and waits until it has.
    async fn terminate(&mut self) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = async {
            while self.process.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
