//! Magpie on Telegram: the whole front-end in this process, on the real bot, against a fake of
//! the Bot API that refuses what Telegram would refuse.

#[path = "telegram/local.rs"]
mod local;
mod support;
#[path = "support/telegram.rs"]
mod telegram;
#[path = "telegram/webhook.rs"]
mod webhook;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use magpie::bot::{Bot, Platform, Reply, Request, Upload};
use magpie::clip::Clip;
use magpie::config::{Settings, TelegramSettings};
use magpie::front;
use serde_json::{Value, json};
use support::{Shop, magpie, picture, tiny};
use telegram::{Fault, Shown, TOKEN, Telegram, User, group, topic};
use tempfile::TempDir;
use tokio::sync::{Mutex, mpsc, watch};
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

/// A vision model whose words come when the test says so; none ends an answer.
struct Model {
    url: String,
    says: mpsc::UnboundedSender<Option<String>>,
    asked: Arc<watch::Sender<usize>>,
}

#[derive(Clone)]
struct Words {
    words: Arc<Mutex<mpsc::UnboundedReceiver<Option<String>>>>,
    asked: Arc<watch::Sender<usize>>,
}

impl Model {
    async fn new() -> Self {
        let (says, words) = mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(watch::channel(0).0);
        let words = Words { words: Arc::new(Mutex::new(words)), asked: Arc::clone(&asked) };
        let app = Router::new()
            .route("/v1/chat/completions", post(complete))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(words);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, says, asked }
    }

    fn say(&self, words: &str) {
        self.says.send(Some(words.to_owned())).unwrap();
    }

    /// Waits until it was asked so often.
    async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let waiting = asked.wait_for(|n| *n >= times);
        tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    }

    fn end(&self) {
        self.says.send(None).unwrap();
    }
}

async fn complete(State(words): State<Words>) -> impl IntoResponse {
    let event = |delta: Value| {
        let choices =
            json!([{"index": 0, "delta": delta, "finish_reason": null, "logprobs": null}]);
        let chunk = json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1,
            "model": "m", "choices": choices});
        format!("data: {chunk}\n\n")
    };
    words.asked.send_modify(|n| *n += 1);
    let newer = words.asked.subscribe();
    let stream = futures_util::stream::unfold(Some(newer), move |state| {
        let words = Arc::clone(&words.words);
        async move {
            let mut newer = state?;
            // Whoever asked before has gone.
            let word = tokio::select! {
                biased;
                _ = newer.changed() => None,
                word = async { words.lock().await.recv().await } => word.flatten(),
            };
            Some(match word {
                Some(word) => {
                    (Ok::<_, std::io::Error>(event(json!({ "content": word }))), Some(newer))
                }
                None => (Ok("data: [DONE]\n\n".to_owned()), None),
            })
        }
    });
    ([("content-type", "text/event-stream")], Body::from_stream(stream))
}

fn with_model(settings: &mut Settings, model: &Model) {
    settings.answer.base_url = model.url.clone();
    settings.answer.api_key = "sk-sesame4711".to_owned().into();
}

/// A chat's messages as method and text.
fn lines(shown: &[Shown]) -> Vec<(&str, &str)> {
    shown.iter().map(|s| (s.method.as_str(), s.text.as_str())).collect()
}

#[tokio::test]
async fn a_photo_with_a_question_gets_an_album_and_an_answer_with_buttons() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2), ("chair", 3)]).await;
    let user = User::new(7);
    user.writes(&stage.fake).photo(png(2)).caption("How heavy is it?").send();
    let (answer, _) = stage.fake.button(7, "👍").await;
    assert!(answer.text.contains("2 kg"), "{answer:?}");
    let shown = stage.fake.chat(7);
    let (album, said) = (&shown[0], &shown[1]);
    assert_eq!((shown.len(), album.method.as_str(), said), (2, "sendmediagroup", &answer));
    let scores: Vec<&str> = album.text.lines().filter(|l| l.contains('(')).collect();
    assert!(scores.len() == 3 && scores[0].starts_with("The kettle (1.00"), "{scores:?}");
    assert!(scores.is_sorted_by_key(|s| std::cmp::Reverse(s.rsplit('(').next())), "{scores:?}");
    assert!(album.files[0].starts_with("kettle"), "{album:?}");
    assert!(stage.fake.upload(&album.files[0]).starts_with(&[0xff, 0xd8]));
    assert!(!stage.fake.calls("sendChatAction").is_empty());
    // The largest size was fetched, once.
    assert_eq!(stage.fake.fetched().len(), 1);
    stage.end().await;
}

#[tokio::test]
async fn the_answer_grows_by_edits_and_its_last_state_stays() {
    let model = Model::new().await;
    let stage = Stage::with(&[("kettle", 2)], |s| with_model(s, &model)).await;
    User::new(7).writes(&stage.fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs <img src=x onerror=alert(1)> **2");
    let first = stage.fake.says(7, "<img src=x onerror=alert(1)>").await;
    // What comes sooner than the bot's own pace waits for the next words.
    tokio::time::sleep(Duration::from_millis(100)).await;
    model.say(" kg** & [this](https://evil.example/x) `</code>` ");
    let second = stage.fake.says(7, "2 kg & this </code>").await;
    assert_eq!(first.id, second.id);
    // More than a message holds, with tags around the cut.
    model.say(&"**wörter** <& ".repeat(600));
    model.say("the end");
    model.end();
    let (last, _) = stage.fake.button(7, "👍").await;
    let shown = stage.fake.chat(7);
    let texts: Vec<&Shown> = shown.iter().filter(|s| s.method == "sendmessage").collect();
    assert!(texts.len() > 1 && texts[0].id == first.id && texts.last() == Some(&&last));
    assert!(last.text.ends_with("the end") && last.html.contains("<b>wörter</b>"), "{last:?}");
    assert!(texts.iter().all(|t| !t.html.contains("evil")));
    assert!(texts[0].edits >= 1);
    stage.end().await;
}

#[tokio::test]
async fn a_photo_alone_is_asked_about_and_follow_ups_and_buttons_remember_it() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).photo(png(1)).send();
    fake.says(7, "What would you like to know").await;
    user.writes(fake).text("and how heavy is it?").send();
    let (answer, next) = fake.button(7, "Not this one").await;
    assert!(answer.text.contains("1 kg"));
    user.presses(fake, &answer, &next);
    let other = fake.says(7, "2 kg").await;
    assert!(other.text.contains("no confident match"), "{other:?}");
    let single = fake.chat(7).into_iter().find(|s| s.method == "sendphoto").unwrap();
    assert!(single.text.contains("The kettle"), "{single:?}");
    let (shown, good) = fake.button(7, "👍").await;
    user.presses(fake, &shown, &good);
    let (asked, keep) = fake.button(7, "Keep it").await;
    assert!(asked.text.contains("May I keep this?"), "{asked:?}");
    user.presses(fake, &asked, &keep);
    fake.says(7, "Thank you").await;
    // Pressed by somebody else, or made up.
    User::new(8).presses(fake, &shown, &good);
    fake.says(7, "no longer works").await;
    user.presses(fake, &shown, &"x".repeat(64));
    user.writes(fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    user.writes(fake).text("how heavy is it?").send();
    fake.says(7, "Send me a photo").await;
    fake.until("answers to queries", |f| {
        Some(()).filter(|()| f.answered_queries() == [1, 1, 1, 1])
    })
    .await;
    stage.end().await;
}

#[tokio::test]
async fn an_album_is_one_request_and_a_reply_finds_its_photo() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).photo(png(2)).in_album("a").caption("How heavy?").send();
    user.writes(fake).photo(png(2)).in_album("a").send();
    let answer = fake.says(7, "2 kg").await;
    let lamp = user.writes(fake).photo(png(1)).send();
    fake.says(7, "What would you like to know").await;
    user.writes(fake).photo(png(2)).send();
    fake.until("both", |f| {
        let asked = f.chat(7).iter().filter(|s| s.text.contains("What would")).count();
        Some(()).filter(|()| asked == 2)
    })
    .await;
    user.writes(fake).text("what does this weigh?").reply_to(&lamp).send();
    let replied = fake.says(7, "1 kg").await;
    assert!(replied.id > answer.id);
    // Too many pictures are refused before any is fetched.
    let fetched = fake.fetched().len();
    for _ in 0..6 {
        user.writes(fake).photo(png(1)).in_album("b").send();
    }
    fake.says(7, "6 photos came at once, and I take at most 4").await;
    assert_eq!(fake.fetched().len(), fetched);
    assert_eq!(fake.chat(7).iter().filter(|s| s.method == "sendmediagroup").count(), 4);
    stage.end().await;
}

#[tokio::test]
async fn a_changed_caption_is_answered_once() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let message = user.writes(fake).photo(png(2)).caption("What?");
    message.clone().send();
    fake.button(7, "👍").await;
    message.clone().caption("How heavy?").send_edited(5);
    message.caption("How heavy?").send_edited(5);
    // A changed text is not asked anew.
    let text = user.writes(fake).text("/help");
    text.clone().send();
    text.text("/help me").send_edited(6);
    fake.says(7, "/similar").await;
    user.writes(fake).text("/nonsense").send();
    let last = fake.says(7, "nonsense").await;
    // Two albums with their answers, and the two texts.
    let shown = fake.chat(7);
    assert_eq!((shown.len(), shown[5].id), (6, last.id), "{shown:?}");
    stage.end().await;
}

#[tokio::test]
async fn an_admin_grows_the_catalogue() {
    let stage = Stage::new(&[]).await;
    let (fake, ada) = (&stage.fake, User::new(ADMIN));
    let add = "/kb add id:K-1 title:\"Kettle <b>\" It weighs 2 kg & more.";
    ada.writes(fake).photo(png(2)).caption(add).send();
    fake.says(ADMIN, "Added K-1 (Kettle <b>)").await;
    // In reply to an album, all of it.
    let album: Vec<_> = (3..6)
        .map(|n| ada.writes(fake).photo(png(n)).in_album("a").caption("look").send())
        .collect();
    fake.button(ADMIN, "👍").await;
    ada.writes(fake).text("/kb add id:L-1 title:Lamp A lamp.").reply_to(&album[1]).send();
    let added = fake
        .until("the lamp", |f| {
            f.chat(ADMIN).into_iter().rev().find(|s| {
                s.text.contains("Added L-1") || s.buttons.iter().any(|(l, _)| l.contains("anyway"))
            })
        })
        .await;
    if let Some((_, anyway)) = added.buttons.first() {
        ada.presses(fake, &added, anyway);
    }
    fake.says(ADMIN, "with 3 images").await;
    for (command, words) in [
        ("list", "2 products"),
        ("find weighs", "K-1"),
        ("stats", "2 products, 4 images"),
        ("edit K-1 price:€5 url:https://shop.example/?a=1&b=2", "price: €5"),
        ("log", "U1: changed K-1"),
        ("undo", "Taken back"),
        ("show L-1", "and 2 more images"),
        ("show nothing", "no product nothing"),
        ("", "/kb export"),
    ] {
        ada.writes(fake).text(&format!("/kb {command}")).send();
        fake.says(ADMIN, words).await;
    }
    let shown = fake.chat(ADMIN);
    let link = shown.iter().find(|s| s.html.contains("<a href")).unwrap();
    assert!(link.html.contains("href=\"https://shop.example/?a=1&amp;b=2\""), "{link:?}");
    assert!(shown.iter().any(|s| s.method == "sendphoto" && s.text == "Lamp"));

    ada.writes(fake).text("/kb remove K-1").send();
    let (sure, remove) = fake.button(ADMIN, "Remove").await;
    assert!(sure.text.contains("Remove K-1") && sure.buttons.len() == 2);
    ada.presses(fake, &sure, &remove);
    fake.says(ADMIN, "Removed K-1").await;
    ada.writes(fake).text("/kb export").send();
    let file = fake
        .until("the export", |f| f.chat(ADMIN).into_iter().find(|s| s.method == "senddocument"))
        .await;
    assert_eq!(file.files, ["catalogue.zip"]);
    let zip = fake.upload("catalogue.zip");
    assert!(zip.starts_with(b"PK"));
    ada.writes(fake).text("/kb remove L-1").send();
    fake.says(ADMIN, "Remove L-1").await;
    let (sure, remove) = fake.button(ADMIN, "Remove").await;
    ada.presses(fake, &sure, &remove);
    fake.says(ADMIN, "Removed L-1").await;
    ada.writes(fake).document("c.zip", "application/zip", zip).caption("/kb import").send();
    fake.says(ADMIN, "3 added").await;
    assert_eq!(stage.ids().await, ["L-1"]);
    ada.writes(fake).photo(png(1)).caption("/kb import").send();
    fake.says(ADMIN, "needs a zip archive").await;
    stage.end().await;
}

#[tokio::test]
async fn nobody_else_may_and_no_file_is_fetched_for_them() {
    let stage = Stage::new(&[("lamp", 1)]).await;
    let (fake, user) = (&stage.fake, User { language: "de", ..User::new(7) });
    let commands = [
        "add id:x x",
        "list",
        "edit lamp title:x",
        "remove lamp",
        "import",
        "export",
        "undo",
        "log",
        "stats",
        "show lamp",
        "find lamp",
        "",
    ];
    for command in commands {
        user.writes(fake).photo(png(2)).caption(&format!("/kb {command}")).send();
    }
    fake.until("refusals", |f| Some(()).filter(|()| f.chat(7).len() == commands.len())).await;
    let shown = fake.chat(7);
    assert!(lines(&shown).iter().all(|(_, t)| t.contains("nichts geändert")), "{shown:?}");
    assert_eq!((fake.fetched().len(), stage.ids().await), (0, vec!["lamp".to_owned()]));
    user.writes(fake).text("/help").send();
    assert!(!fake.says(7, "/similar").await.text.contains("/kb"));
    stage.end().await;
}

#[tokio::test]
async fn what_is_no_photo_or_too_large_is_refused_before_it_is_fetched() {
    let stage = Stage::with(&[("lamp", 1)], |s| s.photo.max_bytes = 50_000).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let image = |size| user.writes(fake).claimed("big.jpg", "image/jpeg", size, png(1));
    image(60_000).caption("what?").send();
    fake.says(7, "big.jpg has 0.1 MB").await;
    user.writes(fake).document("plan.pdf", "application/pdf", b"%PDF".to_vec()).send();
    fake.says(7, "plan.pdf").await;
    user.writes(fake).document("c.zip", "application/zip", b"PK".to_vec()).send();
    fake.says(7, "c.zip is an archive").await;
    let sticker = json!({"file_id": "s", "file_unique_id": "s", "file_size": 5, "width": 5,
        "height": 5, "type": "regular", "is_animated": false, "is_video": false});
    user.writes(fake).field("sticker", sticker).send();
    fake.says(7, "I can only look at photos").await;
    assert_eq!(fake.fetched().len(), 0);
    // A file may be larger than it was said to be, or gone.
    user.writes(fake).claimed("liar.jpg", "image/jpeg", 10, vec![0; 60_000]).send();
    fake.says(7, "liar.jpg").await;
    user.writes(fake).lost_photo().caption("what?").send();
    fake.says(7, "no longer has that file").await;
    user.writes(fake)
        .document("a.heic", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec())
        .send();
    fake.says(7, "HEIC").await;
    user.writes(fake).document("1.png", "image/png", png(1)).caption("how heavy?").send();
    fake.says(7, "1 kg").await;
    stage.end().await;
}

#[tokio::test]
async fn in_a_group_only_who_means_the_bot_is_answered_there() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let place = topic(GROUP, 5);
    let bystander = user.at(fake, &place).photo(png(1)).caption("look at this").send();
    for text in ["hello", "/ask@other_bot x", "/roll", "@other_bot hi", "/kb@other_bot list"] {
        user.at(fake, &place).text(text).send();
    }
    let asked = user.at(fake, &place).photo(png(2)).caption("@Magpie_Test_Bot how heavy?").send();
    let (answer, _) = fake.button(GROUP, "👍").await;
    assert!(answer.text.contains("2 kg"));
    let shown = fake.chat(GROUP);
    assert!(shown.iter().all(|s| s.thread == Some(5)));
    assert_eq!(shown[0].reply_to, asked["message_id"].as_i64());
    let said = shown.len();
    // In reply to the bot, without naming it; by a command; about somebody else's photo.
    let bots = telegram_message(&answer);
    user.at(fake, &place).text("and what is it?").reply_to(&bots).send();
    fake.until("a follow-up", |f| Some(()).filter(|()| f.chat(GROUP).len() == said + 1)).await;
    user.at(fake, &place).text("/ask@magpie_test_bot how heavy?").reply_to(&bystander).send();
    fake.says(GROUP, "1 kg").await;
    user.at(fake, &place).text("/help").send();
    fake.says(GROUP, "/similar").await;
    // The same user elsewhere has no photo to ask about.
    user.at(fake, &group(GROUP)).text("/ask how heavy?").send();
    let elsewhere = fake.says(GROUP, "which product you mean").await;
    assert_eq!(elsewhere.thread, None);
    // An anonymous admin of the group is none of the catalogue.
    let anonymous = User::new(1_087_968_824).at(fake, &place).text("/kb stats");
    let chat = place["chat"].clone();
    let mut anonymous = anonymous.field("sender_chat", chat);
    anonymous.json["from"]["is_bot"] = json!(true);
    anonymous.send();
    fake.says(GROUP, "Nothing was changed").await;
    User::new(ADMIN).at(fake, &place).text("/kb@magpie_test_bot stats").send();
    fake.says(GROUP, "2 products").await;
    stage.end().await;
}

fn telegram_message(shown: &Shown) -> Value {
    json!({
        "message_id": shown.id, "date": 1_764_000_000, "text": shown.text,
        "from": { "id": telegram::BOT, "is_bot": true, "first_name": "Magpie",
            "username": telegram::NAME },
        "chat": { "id": shown.chat, "type": "supergroup", "title": "Workshop", "is_forum": true },
    })
}

#[tokio::test]
async fn told_to_wait_it_waits_and_an_edit_that_fails_becomes_a_message() {
    let model = Model::new().await;
    let stage = Stage::with(&[("kettle", 2)], |s| with_model(s, &model)).await;
    let (fake, user) = (&stage.fake, User::new(7));
    fake.plan("sendMessage", &[Fault::Flood(1)]);
    fake.plan("sendPhoto", &[Fault::Flood(1)]);
    fake.plan(
        "editMessageText",
        &[Fault::Flood(1), Fault::Refused(400, "Bad Request: message can't be edited")],
    );
    user.writes(fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs ");
    let first = fake.says(7, "It weighs").await;
    model.say("2 kg, ");
    let second = fake.says(7, "2 kg").await;
    assert!(second.id > first.id);
    model.say("I think.");
    model.end();
    let (last, _) = fake.button(7, "👍").await;
    assert_eq!((last.id, last.text.as_str()), (second.id, "It weighs 2 kg, I think."));
    let sent = fake.calls("sendPhoto");
    assert!(sent.len() == 2 && sent[1].at - sent[0].at >= Duration::from_secs(1));
    stage.end().await;
}

#[tokio::test]
async fn pictures_that_telegram_refuses_are_named_instead() {
    let stage = Stage::new(&[("kettle", 2), ("lamp", 1)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    fake.plan("sendMediaGroup", &[Fault::Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")]);
    user.writes(fake).photo(png(2)).caption("/similar").send();
    let named = fake.says(7, "The lamp").await;
    assert!(named.text.contains("The kettle") && named.files.is_empty(), "{named:?}");
    stage.end().await;
}

#[tokio::test]
async fn trouble_on_the_line_loses_and_doubles_nothing() {
    let stage = Stage::new(&[("lamp", 1)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).text("/help").send();
    fake.says(7, "/similar").await;
    fake.plan("getUpdates", &[Fault::Cut, Fault::Flood(1), Fault::Broken, Fault::Cut]);
    for n in 0..5 {
        user.writes(fake).text(&format!("/unknown{n}")).send();
    }
    fake.says(7, "/unknown4").await;
    user.writes(fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    let shown = fake.chat(7);
    let told: Vec<&str> = lines(&shown).into_iter().map(|(_, text)| text).collect();
    assert_eq!(told.len(), 7, "{told:?}");
    assert!((0..5).all(|n| told[n + 1].contains(&format!("/unknown{n}"))), "{told:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_wrong_token_or_webhook_is_said_at_once_and_the_token_never() {
    let stage = Stage::new(&[]).await;
    let stop = CancellationToken::new;
    let wrong =
        TelegramSettings { token: "12:not-the-token".to_owned().into(), ..stage.settings.clone() };
    let told = front::telegram::run(wrong, stage.bot.clone(), None, stop()).await.unwrap_err();
    assert!(told.contains("@BotFather") && !told.contains("not-the-token"), "{told}");
    let webhook = TelegramSettings {
        webhook_url: "https://x.example/telegram".into(),
        ..stage.settings.clone()
    };
    let told = front::telegram::webhook(&webhook).map(drop).unwrap_err();
    assert!(told.contains("telegram.webhook_secret"), "{told}");
    stage.end().await;
}

#[tokio::test]
async fn fifty_chats_at_once_get_their_own_answers() {
    let products: Vec<(String, u32)> = (1..9).map(|n| (format!("p{n}"), n)).collect();
    let named: Vec<(&str, u32)> = products.iter().map(|(id, n)| (id.as_str(), *n)).collect();
    let stage = Stage::new(&named).await;
    let fake = &stage.fake;
    for chat in 100..150 {
        let number = (chat % 8 + 1) as u32;
        User::new(chat).writes(fake).photo(png(number)).caption("how heavy?").send();
    }
    for chat in 100..150 {
        let (answer, _) = fake.button(chat, "👍").await;
        let number = chat % 8 + 1;
        assert!(answer.text.contains(&format!("{number} kg")), "{chat}: {answer:?}");
        assert_eq!(fake.chat(chat).len(), 2);
    }
    stage.end().await;
}

#[tokio::test]
async fn stopped_in_the_middle_of_an_answer_it_ends_it_and_the_rest_waits_for_the_next_start() {
    let model = Model::new().await;
    let stage = Stage::with(&[("kettle", 2)], |s| with_model(s, &model)).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs ");
    fake.says(7, "It weighs").await;
    // Taken, but not begun: the chat's answers come in their order.
    user.writes(fake).text("/help").send();
    fake.until("all taken", |f| Some(()).filter(|()| f.unconfirmed() == 0)).await;
    stage.stop.cancel();
    fake.until("the last poll", |f| {
        let last = f.calls("getUpdates").last()?.fields.get("timeout")?.as_i64();
        Some(()).filter(|()| last == Some(0))
    })
    .await;
    user.writes(fake).text("/forget").send();
    model.say("2 kg.");
    model.end();
    fake.button(7, "👍").await;
    stage.running.await.unwrap().unwrap();
    let before = fake.chat(7).len();
    assert_eq!((before, fake.unconfirmed()), (2, 1));
    let stop = CancellationToken::new();
    let again = front::telegram::run(stage.settings.clone(), stage.bot.clone(), None, stop.clone());
    let again = tokio::spawn(again);
    fake.says(7, "forgotten").await;
    let shown = fake.chat(7);
    assert_eq!(shown.len(), before + 2, "{shown:?}");
    assert!(shown[2].text.contains("/similar"));
    stop.cancel();
    again.await.unwrap().unwrap();
    assert_eq!((fake.unconfirmed(), fake.faults()), (0, vec![]));
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

#[tokio::test]
async fn killed_in_the_middle_of_an_answer_it_answers_after_the_next_start() {
    let (fake, model, shop) = (Telegram::new().await, Model::new().await, Shop::new());
    let picture = shop.picture("kettle.png", 2);
    shop.run(&[
        "kb",
        "add",
        &picture,
        "--description",
        "A kettle. It weighs 2 kg.",
        "--id",
        "kettle",
    ])
    .ok();
    let mut served = Served::start(&shop, &fake, Some(&model), &[]);
    User::new(7).writes(&fake).text("/help").send();
    fake.says(7, "/similar").await;
    User::new(8).writes(&fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs ");
    fake.says(8, "It weighs").await;
    fake.until("all taken", |f| Some(()).filter(|()| f.unconfirmed() == 0)).await;
    served.kill();
    let _served = Served::start(&shop, &fake, Some(&model), &[]);
    model.asked(2).await;
    model.say("It weighs 2 kg.");
    model.end();
    let (answer, _) = fake.button(8, "👍").await;
    assert_eq!(answer.text, "It weighs 2 kg.");
    // What was answered before is not answered again.
    User::new(7).writes(&fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    assert_eq!((fake.chat(7).len(), fake.chat(8).len()), (2, 4));
    assert_eq!(fake.faults(), [""; 0]);
    let log = std::fs::read_to_string(shop.path("log")).unwrap();
    let secret = TOKEN.split_once(':').unwrap().1;
    assert!(log.contains("serving @") && !log.contains(secret), "{log}");
}

#[tokio::test]
async fn the_menu_is_set_in_every_language_and_words_find_cards() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let fake = &stage.fake;
    fake.until("menus", |f| Some(()).filter(|()| f.calls("setMyCommands").len() == 4)).await;
    let menus = fake.calls("setMyCommands");
    let language = |n: usize| menus[n].fields.get("language_code").and_then(Value::as_str);
    assert_eq!(
        [language(0), language(1), language(2), language(3)],
        [None, Some("de"), None, Some("de")]
    );
    let scopes: Vec<&Value> = menus.iter().map(|m| &m.fields["scope"]["type"]).collect();
    assert_eq!(scopes, ["default", "default", "chat", "chat"]);
    User::new(7).looks_for(fake, "kettle");
    let cards = fake
        .until("cards", |f| Some(f.calls("answerInlineQuery").first()?.fields["results"].clone()))
        .await;
    assert_eq!(
        (cards.as_array().map(Vec::len), &cards[0]["title"]),
        (Some(1), &json!("The kettle"))
    );
    stage.end().await;
}
