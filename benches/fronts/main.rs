//! How long people wait in a chat: one of them and fifty at once, each in a chat of their own and
//! asking about the next photo as soon as the last question is answered, against the real
//! binary on a catalogue of its own and a fake of each platform.
//!
//!     cargo bench --bench fronts -- [--seconds 60] [--catalogue DIR --photos DIR] [--no-limits]
//!         [--chats 50] [--platform telegram]
//!
//! Without a catalogue the sample one serves, with its customers' photos. No vision model is
//! configured. Discord's fake limits writing to a channel as Discord does, unless `--no-limits`; to
//! Telegram the bot limits itself. Bot, fakes and senders share the machine.

mod discord;
#[path = "../../tests/support/discord/mod.rs"]
mod fake_discord;
#[path = "../../tests/support/telegram/mod.rs"]
mod fake_telegram;
#[path = "../../tests/support/line.rs"]
mod line;
#[path = "../shared/mod.rs"]
mod shared;
mod telegram;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use discord::Discord;
use shared::{Bot, QUESTIONS, at, option};
use telegram::Telegram;

const CHATS: [usize; 2] = [1, 50];
/// A question that takes longer counts as an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// A platform's fake, as a person in one of its chats sees it.
pub trait Platform: Send + Sync + 'static {
    /// For the table.
    fn name(&self) -> &'static str;

    /// What the bot's configuration file says, so that it connects to this fake.
    fn config(&self) -> String;

    /// Returns once the bot is connected.
    fn connected(&self) -> impl Future<Output = ()> + Send;

    /// Sends a photo with a question as somebody in the `chat`th chat, and returns when the answer
    /// is complete.
    ///
    /// # Errors
    /// What came in its place.
    fn ask(
        &self,
        chat: usize,
        photo: &[u8],
        question: &str,
    ) -> impl Future<Output = Result<Asked, String>> + Send;

    /// Calls that the bot has made so far.
    fn calls(&self) -> usize;
}

/// How long one question took from its message on.
pub struct Asked {
    /// Until the matches' thumbnails had arrived.
    pub matches: Duration,
    /// Until the last edit of the answer had arrived.
    pub done: Duration,
}

struct Arguments {
    seconds: u64,
    catalogue: PathBuf,
    photos: Vec<Vec<u8>>,
    limits: bool,
    /// How many at once, one measurement after another.
    chats: Vec<usize>,
}

#[tokio::main]
async fn main() {
    let arguments = arguments();
    let only = option("--platform");
    let wanted = |name: &str| only.as_deref().is_none_or(|o| o.eq_ignore_ascii_case(name));
    println!("{} photos", arguments.photos.len());
    println!(
        "platform  chats  answers  errors  thumbnails p50    p99 ms   last edit p50    p99 ms   calls an answer   memory MB"
    );
    if wanted("discord") {
        measure(Discord::new(arguments.limits).await, &arguments).await;
    }
    if wanted("telegram") {
        measure(Telegram::new().await, &arguments).await;
    }
}

fn arguments() -> Arguments {
    Arguments {
        seconds: shared::seconds(),
        catalogue: shared::catalogue(),
        photos: shared::photos(),
        limits: !std::env::args().any(|a| a == "--no-limits"),
        chats: option("--chats").map_or(CHATS.to_vec(), |n| vec![n.parse().expect("--chats N")]),
    }
}

/// Measures one platform with a bot of its own.
async fn measure<P: Platform>(platform: P, arguments: &Arguments) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let bot = Bot::start(dir.path(), &arguments.catalogue, &platform.config());
    let (platform, photos) = (Arc::new(platform), Arc::new(arguments.photos.clone()));
    platform.connected().await;
    let first = photos.first().expect("a photo");
    ask(&*platform, 0, first, QUESTIONS[0]).await.expect("an answer");
    for &chats in &arguments.chats {
        let (memory, calls) = (bot.memory(), platform.calls());
        let (asked, errors) = load(&platform, &photos, chats, arguments.seconds).await;
        let calls = (platform.calls() - calls) as f64 / asked.len().max(1) as f64;
        let (matches, done) = (times(&asked, |a| a.matches), times(&asked, |a| a.done));
        println!(
            "{:8}  {chats:5}  {:7}  {errors:6}  {:14.1}  {:8.1}  {:14.1}  {:8.1}  {calls:16.1}   {memory:.0} -> {:.0}",
            platform.name(),
            asked.len(),
            at(&matches, 0.5),
            at(&matches, 0.99),
            at(&done, 0.5),
            at(&done, 0.99),
            bot.memory(),
        );
    }
    bot.stop();
}

/// Asks in so many chats at once, one open question each, for some time.
async fn load<P: Platform>(
    platform: &Arc<P>,
    photos: &Arc<Vec<Vec<u8>>>,
    chats: usize,
    seconds: u64,
) -> (Vec<Asked>, usize) {
    let end = Instant::now() + Duration::from_secs(seconds);
    let people: Vec<_> = (0..chats)
        .map(|chat| {
            let (platform, photos) = (Arc::clone(platform), Arc::clone(photos));
            tokio::spawn(async move {
                let (mut asked, mut errors, mut turn) = (Vec::new(), 0, chat * 7);
                while Instant::now() < end {
                    let photo = &photos[turn % photos.len()];
                    match ask(&*platform, chat, photo, QUESTIONS[turn % QUESTIONS.len()]).await {
                        Ok(one) => asked.push(one),
                        Err(error) => {
                            eprintln!("{error}");
                            errors += 1;
                        }
                    }
                    turn += 1;
                }
                (asked, errors)
            })
        })
        .collect();
    let mut all = (Vec::new(), 0);
    for person in people {
        let (asked, errors) = person.await.expect("a sender that does not panic");
        all.0.extend(asked);
        all.1 += errors;
    }
    all
}

async fn ask<P: Platform>(
    platform: &P,
    chat: usize,
    photo: &[u8],
    question: &str,
) -> Result<Asked, String> {
    match tokio::time::timeout(PATIENCE, platform.ask(chat, photo, question)).await {
        Ok(asked) => asked,
        Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
    }
}

/// Milliseconds, rising.
fn times(asked: &[Asked], of: fn(&Asked) -> Duration) -> Vec<f64> {
    let mut times: Vec<f64> = asked.iter().map(|a| of(a).as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    times
}
