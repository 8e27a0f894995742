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
#[path = "../../tests/support/discord.rs"]
mod fake_discord;
#[path = "../../tests/support/telegram.rs"]
mod fake_telegram;
mod telegram;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use discord::Discord;
use telegram::Telegram;

const CHATS: [usize; 2] = [1, 50];
const QUESTIONS: [&str; 4] =
    ["How heavy is it?", "What is this?", "How much does it cost?", "What is it made of?"];
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

/// The argument after this one.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|a| a != name).nth(1)
}

fn arguments() -> Arguments {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = option("--photos").map_or(root.join("kb/photos"), PathBuf::from);
    Arguments {
        seconds: option("--seconds").map_or(60, |s| s.parse().expect("--seconds N")),
        catalogue: option("--catalogue").map_or(root.join("kb"), PathBuf::from),
        photos: photos(&dir),
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

fn at(times: &[f64], part: f64) -> f64 {
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or(f64::NAN)
}

fn photos(dir: &Path) -> Vec<Vec<u8>> {
    let mut files = walk(dir);
    files.sort();
    let step = (files.len() / 64).max(1);
    files.iter().step_by(step).map(|f| std::fs::read(f).expect("a readable photo")).collect()
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a directory of photos").flatten();
    let paths = entries.map(|e| e.path());
    paths
        .flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] })
        .filter(|p| p.extension().is_some_and(|e| e == "jpg" || e == "png"))
        .collect()
}

/// The real binary, serving.
struct Bot(Child);

impl Bot {
    fn start(dir: &Path, catalogue: &Path, config: &str) -> Self {
        let file = dir.join("magpie.toml");
        std::fs::write(&file, config).expect("a configuration file");
        let magpie = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_magpie"));
            command.arg("--config").arg(&file).arg("--data").arg(dir.join("data"));
            command.current_dir(dir).env_remove("OPENAI_API_KEY");
            for (key, value) in [
                ("WEB__LISTEN", "127.0.0.1:0"),
                ("BOT__USER_PER_MINUTE", "4000000"),
                ("BOT__USER_BURST", "4000000"),
                ("BOT__TOTAL_PER_MINUTE", "4000000"),
                ("BOT__CONCURRENT", "256"),
            ] {
                command.env(format!("MAGPIE__{key}"), value);
            }
            command
        };
        let import = magpie().args(["kb", "import"]).arg(catalogue).output();
        assert!(import.is_ok_and(|o| o.status.success()), "the catalogue does not import");
        let mut child = magpie().arg("serve").stdout(Stdio::piped()).spawn().expect("a server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its stdout");
        BufReader::new(stdout).read_line(&mut line).expect("its address");
        Self(child)
    }

    /// Resident memory, in MB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1e3
    }

    fn stop(mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        println!("stopped with {}", self.0.wait().expect("its end"));
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}
