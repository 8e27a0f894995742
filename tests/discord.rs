//! Discord, from the gateway's event to the message in the chat: the real front-end and bot
//! against a fake Discord that refuses what Discord refuses.

#[path = "support/discord.rs"]
mod discord;
mod support;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::routing::post;
use discord::{CHANNEL, Discord, Fault, GUILD, KEEPERS, MANAGERS, ME, TOKEN, Written, person};
use magpie::bot::{Bot, Platform, Reply, Request, Upload};
use magpie::clip::Clip;
use magpie::config::{DiscordSettings, Settings};
use magpie::front;
use serde_json::{Value, json};
use support::{picture, tiny};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
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
        for (id, number) in [("lamp", 1), ("kettle", 2), ("chair", 3)] {
            add(&bot, id, number).await;
        }
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

async fn add(bot: &Bot, id: &str, number: u32) {
    let admin = Request { admin: true, ..Request::new(Platform::Discord, "", "setup", "setup") };
    let text = format!("/kb add id:{id} title:\"The {id}\" The {id} weighs {number} kg.");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_with_photo_and_question_gets_matches_in_order_then_an_answer() {
    let stage = Stage::new().await;
    let message = stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    let [matches, answer] = standing.as_slice() else { panic!("{standing:#?}") };
    assert_eq!(matched(matches)[0], "kettle");
    assert_eq!(matches.body["embeds"].as_array().unwrap().len(), 3);
    let names: Vec<&str> = matches.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["match-1.jpg", "match-2.jpg", "match-3.jpg"]);
    assert!(matches.files.iter().all(|(_, bytes)| bytes.starts_with(&[0xff, 0xd8])));
    for (n, embed) in matches.body["embeds"].as_array().unwrap().iter().enumerate() {
        assert_eq!(embed["thumbnail"]["url"], format!("attachment://match-{}.jpg", n + 1));
    }
    assert_eq!(matches.body["message_reference"]["message_id"], message.to_string());
    assert!(answer.body["message_reference"].is_null());
    button(&standing, "Helpful");
    let written = stage.discord.at(&channel());
    assert_eq!(written[0].what, "typing", "{written:#?}");
    // What follows is about the same photo.
    stage.mention(USER, "and what is it?", None);
    stage.says(&channel(), "The kettle").await;
    let intents = stage.discord.identified()[0]["intents"].as_u64().unwrap();
    assert_eq!(intents, 1 | 1 << 9 | 1 << 12);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_in_a_direct_message_gets_matches() {
    let stage = Stage::new().await;
    let photo = stage.photo(1);
    let dm = "4999";
    stage.discord.message(USER, "", |m| {
        m.as_object_mut().unwrap().remove("guild_id");
        m.as_object_mut().unwrap().remove("member");
        m["channel_id"] = dm.into();
        m["attachments"] = json!([photo]);
    });
    let standing = stage.says(dm, "What would you like to know").await;
    assert_eq!(matched(&standing[0])[0], "lamp");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_meant_for_the_bot_is_answered() {
    let stage = Stage::with(|s| s.discord.channels = vec![4001]).await;
    let photo = stage.photo(1);
    stage.discord.message(USER, "just talking", |m| m["attachments"] = json!([photo]));
    stage.discord.message(USER, "no photo", |m| m["channel_id"] = "4001".into());
    stage.discord.message(6000, &format!("<@{ME}> I am a bot"), |m| {
        m["mentions"] = json!([person(ME)]);
        m["author"]["bot"] = true.into();
    });
    stage.discord.message(USER, "", |m| {
        m["channel_id"] = "4001".into();
        m["attachments"] = json!([photo]);
    });
    stage.says("4001", "What would you like to know").await;
    assert!(stage.discord.at(&channel()).is_empty());
    // A reply to a message with a photo is about that photo; one to the bot goes on.
    let other = stage.photo(2);
    stage.discord.message(USER, &format!("<@!{ME}> how heavy is it?"), |m| {
        m["mentions"] = json!([person(ME)]);
        m["referenced_message"] = discord::message(7, CHANNEL, &person(6001), "look");
        m["referenced_message"]["attachments"] = json!([other]);
        m["type"] = 19.into();
    });
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(matched(&standing[0])[0], "kettle");
    stage.discord.message(USER, "and what is it?", |m| {
        m["referenced_message"] = discord::message(8, CHANNEL, &person(ME), "");
        m["referenced_message"]["attachments"] = json!([stage.photo(3)]);
        m["type"] = 19.into();
    });
    stage.says(&channel(), "The kettle").await;
    let intents = stage.discord.identified()[0]["intents"].as_u64().unwrap();
    assert_eq!(intents, 1 | 1 << 9 | 1 << 12 | 1 << 15);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ask_is_acknowledged_then_answered_and_its_buttons_work() {
    let stage = Stage::new().await;
    let photo = stage.photo(1);
    let token = stage.discord.command(USER, ask("How heavy is it?", Some(&photo)), |_| {});
    let standing = stage.says(&token, "1 kg").await;
    assert_eq!(standing[0].id, "@original");
    assert_eq!(matched(&standing[0])[0], "lamp");
    let first = &stage.discord.at(&token)[0];
    assert!(first.what == "callback" && first.body["type"] == 5 && !first.ephemeral());

    let next = button(&standing, "Not this one");
    // Nobody else can press it, and they alone are told so.
    let stranger = stage.discord.press(6001, &next, |_| {});
    let told = stage.says(&stranger, "no longer works").await;
    assert!(told.iter().all(Written::ephemeral));
    assert_eq!(stage.marks(&stranger), Vec::<Mark>::new());
    let pressed = stage.discord.press(USER, &next, |_| {});
    let standing = stage.says(&pressed, "kg").await;
    assert_eq!(matched(&standing[0]).len(), 2);
    // It is seen what was chosen, and it cannot be chosen again; judging the answer still can.
    let mark = |label: &str, off, chosen| Mark { label: label.to_owned(), off, chosen };
    let marks = stage.marks(&pressed);
    let [first, good, bad] = marks.as_slice() else { panic!("{marks:?}") };
    assert_eq!(*first, mark("Not this one", true, true));
    assert!(!good.off && !bad.off && !good.chosen, "{marks:?}");
    let again = stage.discord.press(USER, &next, |_| {});
    assert!(stage.says(&again, "no longer works").await.iter().all(Written::ephemeral));
    let judged = stage.discord.press(USER, &button(&standing, "👍"), |_| {});
    let asked = stage.says(&judged, "May I keep this?").await;
    let thanks = stage.discord.press(USER, &button(&asked, "Keep it"), |_| {});
    stage.says(&thanks, "noted").await;
    let marks = stage.marks(&judged);
    let [next, good, bad] = marks.as_slice() else { panic!("{marks:?}") };
    assert!(!next.off && good.off && good.chosen && bad.off && !bad.chosen, "{marks:?}");

    // A follow-up is about the same photo, in the user's own language.
    let german = stage.discord.command(USER, ask("Was kostet es?", None), |e| {
        e["locale"] = "de".into();
    });
    stage.says(&german, "Auszug").await;
    let similar = slash("similar", vec![option("k", 4, 1.into())], Some(&photo));
    let similar = stage.discord.command(USER, similar, |_| {});
    assert_eq!(matched(&stage.says(&similar, "The lamp").await[0]), ["lamp"]);
    let forget = stage.discord.command(USER, slash("forget", vec![], None), |_| {});
    stage.says(&forget, "forgotten").await;
    let without = stage.discord.command(USER, ask("How heavy is it?", None), |_| {});
    let told = stage.says(&without, "Send me a photo").await;
    assert!(told.iter().all(Written::ephemeral), "{told:#?}");
    let help = stage.discord.command(USER, slash("help", vec![], None), |_| {});
    assert!(!said(&stage.says(&help, "/similar").await[0]).contains("/kb"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_asks_about_another_messages_photo() {
    let stage = Stage::new().await;
    let mut target = discord::message(42, CHANNEL, &person(6001), "look");
    let data = |target: &Value| {
        json!({"id": "9", "name": "Ask Magpie about this photo", "type": 3, "target_id": "42",
            "resolved": {"messages": {"42": target}}})
    };
    let bare = stage.discord.command(USER, data(&target), |_| {});
    assert!(stage.says(&bare, "no photo").await[0].id == "@original");
    assert!(stage.discord.at(&bare)[0].ephemeral());
    target["attachments"] = json!([stage.photo(3)]);
    let token = stage.discord.command(USER, data(&target), |_| {});
    let standing = stage.says(&token, "What would you like to know").await;
    assert_eq!(matched(&standing[0])[0], "chair");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_admin_uses_kb_and_nobody_else_sees_it() {
    let stage = Stage::new().await;
    let (ids, photo) = (stage.ids().await, stage.photo(7));
    let id = || vec![option("id", 3, "lamp".into())];
    for (name, options, file) in [
        ("add", id(), Some(&photo)),
        ("show", id(), None),
        ("list", vec![], None),
        ("find", vec![option("words", 3, "lamp".into())], None),
        ("edit", id(), None),
        ("remove", id(), None),
        ("stats", vec![], None),
        ("import", vec![], Some(&photo)),
        ("export", vec![], None),
        ("undo", vec![], None),
        ("log", vec![], None),
        ("nonsense", vec![], None),
    ] {
        let token = stage.discord.command(USER, kb(name, options, file), |_| {});
        stage.says(&token, "Nothing was changed").await;
        assert!(stage.discord.at(&token)[0].ephemeral(), "{name}");
    }
    let auto = json!([{"name": "show", "type": 1, "options": [
        {"name": "id", "type": 3, "value": "la", "focused": true}]}]);
    let auto = json!({"id": "9", "name": "kb", "type": 1, "options": auto});
    let token = stage.discord.interaction(4, USER, auto.clone(), |_| {});
    let choices = |token: String| {
        let discord = stage.discord.clone();
        async move {
            let body = discord.until("choices", |d| d.at(&token).first().cloned()).await.body;
            body["data"]["choices"].clone()
        }
    };
    assert_eq!(choices(token).await, json!([]));
    for typed in ["la", "LAM", "The la"] {
        let mut auto = auto.clone();
        auto["options"][0]["options"][0]["value"] = typed.into();
        let token = stage.discord.interaction(4, USER, auto, manager);
        let lamp = json!([{"name": "lamp · The lamp", "value": "lamp"}]);
        assert_eq!(choices(token).await, lamp, "{typed}");
    }
    assert!(stage.discord.downloads().is_empty(), "nothing is fetched for a refusal");
    assert_eq!(stage.ids().await, ids);
    // By message as well: the guild's managers, a listed role, a listed user; in a direct message
    // only the listed user.
    for (user, role, admin) in
        [(USER, GUILD, false), (USER, MANAGERS, true), (USER, KEEPERS, true), (ADMIN, GUILD, true)]
    {
        let place = stage.discord.id().to_string();
        stage.discord.message(user, &format!("<@{ME}> /kb stats"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
            m["member"]["roles"] = json!([role.to_string()]);
        });
        stage.says(&place, if admin { "3 products" } else { "Only admins" }).await;
    }
    for (user, admin) in [(USER, false), (ADMIN, true)] {
        let place = stage.discord.id().to_string();
        stage.discord.message(user, "/kb stats", |m| {
            m["channel_id"] = place.as_str().into();
            m.as_object_mut().unwrap().remove("guild_id");
        });
        stage.says(&place, if admin { "3 products" } else { "Only admins" }).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_does_everything_with_kb() {
    let stage = Stage::new().await;
    let run = |name: &str, options: Vec<Value>, file: Option<&Value>| {
        stage.discord.command(USER, kb(name, options, file), manager)
    };
    let text = |name: &str, value: &str| option(name, 3, value.into());
    let photo = stage.photo(9);
    // Quotes and colons are just text.
    let words = "It said \"id:x\" title:y, he said.";
    let options = vec![text("description", words), text("title", "A \"vase\""), text("id", "vase")];
    let token = run("add", options, Some(&photo));
    let done = stage
        .discord
        .until("added or asked about", |d| {
            let standing = d.standing(&token);
            standing.iter().any(|w| !w.content().is_empty()).then_some(standing)
        })
        .await;
    if said(&done[0]).contains("nearly the same") {
        let press = button(&done, "Add anyway");
        let pressed = stage.discord.press(USER, &press, |e| {
            manager(e);
            e["message"]["flags"] = 64.into();
        });
        stage.says(&pressed, "Added vase").await;
        assert!(stage.discord.at(&pressed)[0].ephemeral());
    }
    let shown = run("show", vec![text("id", "vase")], None);
    let shown = stage.says(&shown, "A \"vase\"").await;
    assert!(said(&shown[0]).contains(words), "{shown:#?}");
    assert_eq!(shown[0].files.len(), 1);
    stage.says(&run("list", vec![option("page", 4, 1.into())], None), "4 products").await;
    stage.says(&run("find", vec![text("words", "weighs 2")], None), "kettle").await;
    let options = vec![text("id", "vase"), text("field", "Price"), text("value", "€5: \"net\"")];
    let edited = stage.says(&run("edit", options, None), "A \"vase\"").await;
    let fields = &edited.last().unwrap().body["embeds"][0]["fields"];
    assert_eq!(fields[0]["name"], "price");
    assert!(fields[0]["value"].as_str().unwrap().contains("€5: \"net\""));
    stage.says(&run("stats", vec![], None), "4 products").await;
    stage.says(&run("log", vec![], None), "User 5001: changed vase").await;
    stage.says(&run("undo", vec![], None), "Taken back").await;
    let asked = stage.says(&run("remove", vec![text("id", "vase")], None), "Remove vase").await;
    let press = button(&asked, "Remove it");
    let refused = stage.discord.press(6001, &press, |_| {});
    stage.says(&refused, "no longer works").await;
    let removing = stage.discord.press(USER, &press, manager);
    stage.says(&removing, "Removed vase").await;
    let marks = stage.marks(&removing);
    assert!(marks.len() == 2 && marks.iter().all(|m| m.off), "{marks:?}");
    assert!(marks[0].chosen && !marks[1].chosen, "{marks:?}");
    assert_eq!(stage.ids().await, ["chair", "kettle", "lamp"]);
    let exported = run("export", vec![], None);
    let file = stage
        .discord
        .until("the archive", |d| {
            d.standing(&exported).iter().find_map(|w| w.files.first().cloned())
        })
        .await;
    assert!(file.0 == "catalogue.zip" && file.1.starts_with(b"PK"));
    let archive = stage.discord.attachment("catalogue.zip", "application/zip", file.1);
    stage.says(&run("import", vec![], Some(&archive)), "unchanged").await;
    stage.says(&run("show", vec![text("id", "nothing")], None), "no product").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_everywhere_or_in_guilds() {
    let stage = Stage::new().await;
    let commands = stage.discord.commands();
    let everywhere = &commands["/applications/2000/commands"];
    let names: Vec<&str> =
        everywhere.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ask", "similar", "forget", "help", "kb", "Ask Magpie about this photo"]);
    assert_eq!(everywhere[4]["default_member_permissions"], "32");
    assert_eq!(everywhere[0]["options"][0]["name_localizations"]["de"], "frage");
    assert_eq!(everywhere[5]["name_localizations"]["de"], "Magpie nach diesem Foto fragen");
    let subs: Vec<&str> = everywhere[4]["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        subs,
        [
            "add", "show", "list", "find", "edit", "remove", "stats", "import", "export", "undo",
            "log"
        ]
    );
    stage.end().await;
    let stage = Stage::with(|s| s.discord.guilds = vec![GUILD]).await;
    let commands = stage.discord.commands();
    assert!(commands.keys().eq(["/applications/2000/guilds/3000/commands"]));
    // A guild that is not listed has no say over the common catalogue.
    let foreign = stage.discord.command(USER, kb("stats", vec![], None), |e| {
        manager(e);
        e["guild_id"] = "3999".into();
    });
    stage.says(&foreign, "Only admins").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_shown_as_it_is_and_pings_nobody() {
    let stage = Stage::new().await;
    let title = "**@everyone** [x](https://evil.example)";
    let edit = Request {
        admin: true,
        command: Some(magpie::bot::command::Command::Kb(magpie::bot::command::Kb::Edit {
            id: "lamp".into(),
            fields: [
                ("title".to_owned(), title.to_owned()),
                ("description".to_owned(), "# Big\n<@1> ||spoiler|| ```code``` weighs.".to_owned()),
            ]
            .into_iter()
            .collect(),
        })),
        ..Request::new(Platform::Discord, "", "setup", "setup")
    };
    let _: Vec<Reply> = stage.bot.handle(edit).collect().await;
    let token = stage.discord.command(USER, ask("What weighs?", Some(&stage.photo(1))), |_| {});
    let standing = stage.says(&token, "weighs.").await;
    let heading = standing[0].body["embeds"][0]["title"].as_str().unwrap();
    assert!(heading.starts_with(r"\*\*\@everyone\*\* \[x\](https\://evil.example)"), "{heading}");
    for written in &standing {
        let text = written.content();
        let link = |(at, _): (usize, _)| !text[..at].ends_with('\\');
        assert!(!text.match_indices("](").any(link), "{text}");
        assert!(!text.contains("<@") && !text.contains("||"), "{text}");
    }
    // A name that a user chose, in a sentence of the bot's.
    let odd = stage.discord.attachment("**@here**.txt", "text/plain", b"x".to_vec());
    stage.mention(USER, "", Some(odd));
    let told = stage.says(&channel(), "**@here**.txt").await;
    assert!(told[0].content().starts_with(r"\*\*\@here\*\*.txt"), "{told:#?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_checked_before_they_are_fetched() {
    let stage = Stage::with(|s| s.photo.max_bytes = 1_000_000).await;
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut photo = stage.photo(1);
        change(&mut photo);
        stage.discord.command(USER, ask("What is it?", Some(&photo)), |_| {})
    };
    for (change, words) in [
        (&(|p: &mut Value| p["size"] = 5_000_000.into()) as &dyn Fn(&mut Value), "5.0 MB"),
        (&|p| p["content_type"] = "application/pdf".into(), "application/pdf"),
        (&|p| p["content_type"] = "image/heic".into(), "image/heic"),
        (&|p| p["url"] = "https://evil.example/a.png".into(), "own server"),
        (&|p| p["url"] = "http://169.254.169.254/a.png".into(), "own server"),
    ] {
        let token = refused(change);
        let told = stage.says(&token, words).await;
        assert!(told.iter().all(Written::ephemeral), "{told:#?}");
    }
    assert!(stage.discord.downloads().is_empty());
    // What Discord says of a file may be wrong, and the file may be gone.
    let host = stage.discord.url();
    let token = refused(&|p| p["url"] = format!("{host}/files/gone.png").into());
    stage.says(&token, "no longer there").await;
    let mut large = stage.discord.attachment("a.png", "image/png", vec![0; 2_000_000]);
    large["size"] = 1000.into();
    let token = stage.discord.command(USER, ask("What is it?", Some(&large)), |_| {});
    stage.says(&token, "at most 1.0 MB").await;
    let broken = stage.discord.attachment("a.png", "image/png", b"not a png".to_vec());
    let token = stage.discord.command(USER, ask("What is it?", Some(&broken)), |_| {});
    stage.says(&token, "a.png").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_failures_of_discord_are_waited_out() {
    let stage = Stage::new().await;
    let sending = |status: u16, headers: Vec<(&'static str, String)>, body: Value| Fault {
        method: "POST",
        path: format!("/channels/{CHANNEL}/messages"),
        times: 1,
        status,
        headers,
        body,
    };
    let limited = json!({"message": "You are being rate limited.", "retry_after": 0.7,
        "global": false, "code": 0});
    stage.discord.fault(sending(429, vec![("retry-after", "1".into())], limited));
    stage.discord.fault(sending(502, vec![], Value::Null));
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(standing.len(), 2, "{standing:#?}");
    // What Discord refuses for good is not tried again, and the next request is served.
    stage.discord.fault(sending(403, vec![], json!({"message": "Missing Access", "code": 50001})));
    let before = stage.discord.requests().len();
    stage.mention(USER, "/help", None);
    let sends = |d: &Discord| {
        let path = format!("POST /channels/{CHANNEL}/messages");
        d.requests().iter().skip(before).filter(|r| **r == path).count()
    };
    stage.discord.until("the refusal", |d| (sends(d) == 1).then_some(())).await;
    stage.mention(USER, "/help", None);
    stage.says(&channel(), "/similar").await;
    assert_eq!(sends(&stage.discord), 2);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_resumes_with_nothing_lost_or_doubled() {
    let stage = Stage::new().await;
    let one = stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    stage.says(&channel(), "2 kg").await;
    for break_off in [Discord::cut as fn(&Discord), |d| d.close(4000), Discord::reconnect] {
        let resumed = stage.discord.resumed().len();
        break_off(&stage.discord);
        let place = stage.discord.id().to_string();
        stage.discord.message(USER, &format!("<@{ME}> /help"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
        });
        stage.discord.until("RESUME", |d| (d.resumed().len() > resumed).then_some(())).await;
        let helped = stage.says(&place, "/similar").await.len();
        stage.discord.repeat();
        // Whatever comes after the repeated event shows that it was left alone.
        let after = stage.discord.id().to_string();
        stage.discord.message(USER, &format!("<@{ME}> /help"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = after.as_str().into();
        });
        stage.says(&after, "/similar").await;
        assert_eq!(stage.discord.standing(&place).len(), helped);
    }
    let replies = stage.discord.at(&channel());
    let one = one.to_string();
    let to_one = |w: &&Written| w.body["message_reference"]["message_id"] == one.as_str();
    assert_eq!(replies.iter().filter(to_one).count(), 1);
    assert_eq!(stage.discord.identified().len(), 1);
    stage.discord.until("a heartbeat", |d| (d.heartbeats() > 0).then_some(())).await;
    // A session that cannot be resumed starts anew.
    stage.discord.invalidate(false);
    stage.discord.until("IDENTIFY", |d| (d.identified().len() == 2).then_some(())).await;
    let place = stage.discord.id().to_string();
    stage.discord.message(USER, "/help", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = place.as_str().into();
    });
    stage.says(&place, "/similar").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_revoked_token_is_said_without_the_token() {
    let discord = Discord::new().await;
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.catalogue.dir = dir.path().join("data");
    let bot = Bot::new(settings, Clip::open(&tiny()).unwrap()).unwrap();
    let settings = DiscordSettings {
        token: "wrong-token".to_owned().into(),
        api_url: discord.url(),
        ..DiscordSettings::default()
    };
    let run = front::discord::run(settings, bot, CancellationToken::new());
    let error = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap_err();
    assert!(error.contains("does not accept the token"), "{error}");
    assert!(!error.contains("wrong-token"), "{error}");

    let stage = Stage::new().await;
    stage.discord.close(4004);
    let ended = tokio::time::timeout(PATIENCE, stage.running).await.unwrap().unwrap();
    let error = ended.unwrap_err();
    assert!(error.contains("does not accept the token") && !error.contains(TOKEN), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_chats_at_once_each_get_their_own_answer() {
    let stage = Stage::new().await;
    let chats: Vec<(String, u32)> =
        (0..50).map(|n| (stage.discord.id().to_string(), n % 3 + 1)).collect();
    for (n, (place, number)) in chats.iter().enumerate() {
        let photo = stage.photo(*number);
        stage.discord.message(USER + 100 + n as u64, &format!("<@{ME}> How heavy is it?"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
            m["attachments"] = json!([photo]);
        });
    }
    for (place, number) in &chats {
        let standing = stage.says(place, &format!("weighs {number} kg")).await;
        assert_eq!(standing.len(), 2, "{standing:#?}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_shards_each_answer_once() {
    let discord = Discord::new().await;
    discord.set_shards(2);
    let stage = Stage::on(discord, |_| {}).await;
    stage.discord.until("both", |d| (d.identified().len() == 2).then_some(())).await;
    let mut shards: Vec<Value> =
        stage.discord.identified().iter().map(|i| i["shard"].clone()).collect();
    shards.sort_by_key(|s| s[0].as_u64());
    assert_eq!(shards, [json!([0, 2]), json!([1, 2])]);
    for shard in [0, 1] {
        let place = stage.discord.id();
        let mut event = discord::message(stage.discord.id(), place, &person(USER), "/help");
        event["mentions"] = json!([person(ME)]);
        event["guild_id"] = discord::guild_of(shard).to_string().into();
        // The second delivery is another shard's, as while the bot is given another number of them.
        stage.discord.event_on(shard, "MESSAGE_CREATE", event.clone());
        stage.discord.event_on(1 - shard, "MESSAGE_CREATE", event);
        stage.says(&place.to_string(), "/similar").await;
        let after = stage.help();
        stage.says(&after, "/similar").await;
        let place = place.to_string();
        assert_eq!(stage.discord.standing(&place).len(), stage.discord.standing(&after).len());
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_everything_stops_every_route() {
    let stage = Stage::new().await;
    let limited = stage.discord.id().to_string();
    stage.discord.fault(Fault {
        method: "POST",
        path: format!("/channels/{limited}/messages"),
        times: 1,
        status: 429,
        headers: vec![("retry-after", "2".into()), ("x-ratelimit-global", "true".into())],
        body: json!({"message": "You are being rate limited.", "retry_after": 1.5, "global": true}),
    });
    let asked = std::time::Instant::now();
    stage.discord.message(USER, "/help", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = limited.as_str().into();
    });
    let sends = format!("POST /channels/{limited}/messages");
    stage.discord.until("the limit", |d| d.requests().contains(&sends).then_some(())).await;
    // What is sent before the bot has read that it must wait may still go through; when the answer to
    // that has come, it has read it.
    let early = stage.help();
    stage.says(&early, "/similar").await;
    let other = stage.help();
    for place in [&limited, &other] {
        let standing = stage.says(place, "/similar").await;
        assert!(standing[0].at - asked >= Duration::from_millis(1500), "{place}");
    }
    let calls = stage.discord.requests().iter().filter(|r| **r == sends).count();
    assert_eq!(calls, 1 + stage.discord.standing(&limited).len());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_whose_token_has_died_is_answered_in_the_channel() {
    let stage = Stage::new().await;
    let dead = |method| Fault {
        method,
        path: format!("/webhooks/{}/", discord::APPLICATION),
        times: 1,
        status: 401,
        headers: vec![],
        body: json!({"message": "Invalid Webhook Token", "code": 50027}),
    };
    // From the first word on: matches and answer go to the channel, each once.
    stage.discord.fault(dead("PATCH"));
    stage.discord.command(USER, ask("How heavy is it?", Some(&stage.photo(2))), |_| {});
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(standing.len(), 2, "{standing:#?}");
    assert_eq!(matched(&standing[0])[0], "kettle");
    button(&standing, "Helpful");
    // In the middle.
    let unknown = Fault {
        status: 404,
        body: json!({"message": "Unknown Webhook", "code": 10015}),
        ..dead("POST")
    };
    stage.discord.fault(unknown);
    let token = stage.discord.command(USER, ask("How heavy is it?", Some(&stage.photo(1))), |_| {});
    stage.says(&channel(), "1 kg").await;
    assert_eq!(matched(&stage.discord.standing(&token)[0])[0], "lamp");
    // What only the user should see goes to nobody else, an admin's answer above all.
    let direct = discord::dm_of(USER).to_string();
    let before = stage.discord.at(&channel()).len();
    stage.discord.fault(dead("PATCH"));
    stage.discord.command(USER, kb("stats", vec![], None), manager);
    stage.says(&direct, "3 products").await;
    stage.discord.fault(dead("PATCH"));
    stage.discord.command(USER, slash("forget", vec![], None), |_| {});
    stage.says(&direct, "forgotten").await;
    // A refusal in a public response, and a channel where the bot may not write.
    stage.discord.fault(dead("POST"));
    stage.discord.command(USER, ask("How heavy is it?", None), |_| {});
    stage.says(&direct, "Send me a photo").await;
    assert_eq!(stage.discord.at(&channel()).len(), before);
    stage.discord.fault(dead("PATCH"));
    stage.discord.fault(Fault {
        method: "POST",
        path: format!("/channels/{CHANNEL}/messages"),
        times: 1,
        status: 403,
        headers: vec![],
        body: json!({"message": "Missing Access", "code": 50001}),
    });
    stage.discord.command(USER, ask("How heavy is it?", Some(&stage.photo(3))), |_| {});
    stage.says(&direct, "3 kg").await;
    assert_eq!(stage.discord.at(&channel()).len(), before);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_that_may_have_arrived_is_not_sent_twice() {
    let stage = Stage::new().await;
    let failing = |path: String| Fault {
        method: "POST",
        path,
        times: 1,
        status: 502,
        headers: vec![],
        body: Value::Null,
    };
    stage.discord.fault(failing(format!("/webhooks/{}/", discord::APPLICATION)));
    let hook = |r: &&String| r.starts_with("POST /webhooks/");
    let token = stage.discord.command(USER, slash("similar", vec![], None), |_| {});
    stage.discord.until("a follow-up", |d| d.requests().iter().find(hook).map(drop)).await;
    // A message can be recognised, so it is sent again.
    let place = stage.discord.id().to_string();
    stage.discord.fault(failing(format!("/channels/{place}/messages")));
    stage.discord.message(USER, "/help", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = place.as_str().into();
    });
    let standing = stage.says(&place, "/similar").await;
    assert!(standing[0].body["enforce_nonce"] == true && standing[0].body["nonce"].is_string());
    assert_eq!(stage.discord.requests().iter().filter(hook).count(), 1);
    assert!(stage.discord.standing(&token).is_empty());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_or_redirecting_file_server_holds_up_nobody_else() {
    let stage = Stage::new().await;
    let elsewhere = Discord::new().await;
    let secret = elsewhere.attachment("a.png", "image/png", png(1));
    let away = stage.discord.redirected("a.png", "image/png", secret["url"].as_str().unwrap());
    let token = stage.discord.command(USER, ask("What is it?", Some(&away)), |_| {});
    stage.says(&token, "could not be fetched").await;
    assert!(elsewhere.downloads().is_empty());

    let (slow, gate) = stage.discord.slow("slow.png", "image/png", png(2));
    let (broken, closing) = stage.discord.slow("broken.png", "image/png", png(3));
    let slow = stage.discord.command(USER, ask("How heavy is it?", Some(&slow)), |_| {});
    let broken = stage.discord.command(6001, ask("How heavy is it?", Some(&broken)), |_| {});
    stage.discord.until("both", |d| (d.downloads().len() == 3).then_some(())).await;
    let other = ask("How heavy is it?", Some(&stage.photo(1)));
    let other = stage.discord.command(6002, other, |_| {});
    stage.says(&other, "1 kg").await;
    assert!(stage.discord.standing(&slow).is_empty() && stage.discord.standing(&broken).is_empty());
    gate.add_permits(1);
    closing.close();
    stage.says(&slow, "2 kg").await;
    stage.says(&broken, "could not be fetched").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_discord_does_not_take_ends_in_a_sentence() {
    let stage = Stage::new().await;
    stage.discord.fault(Fault {
        method: "PATCH",
        path: "/messages/@original".into(),
        times: 1,
        status: 413,
        headers: vec![],
        body: json!({"message": "Request entity too large", "code": 40005}),
    });
    let token = stage.discord.command(USER, kb("export", vec![], None), manager);
    let told = stage.says(&token, "did not take the file").await;
    assert!(told.iter().all(Written::ephemeral), "{told:#?}");
    stage.end().await;
}

/// A vision model whose words come when the test says them.
struct Model {
    url: String,
    words: mpsc::UnboundedSender<Option<String>>,
}

type Words = std::sync::Arc<Mutex<Option<mpsc::UnboundedReceiver<Option<String>>>>>;

impl Model {
    async fn new() -> Self {
        let (words, heard) = mpsc::unbounded_channel();
        let heard: Words = std::sync::Arc::new(Mutex::new(Some(heard)));
        let router = axum::Router::new()
            .route("/v1/chat/completions", post(complete))
            .layer(axum::extract::DefaultBodyLimit::max(64 << 20))
            .with_state(heard);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, words }
    }

    fn says(&self, words: &str) {
        self.words.send(Some(words.to_owned())).unwrap();
    }

    fn ends(&self) {
        self.words.send(None).unwrap();
    }
}

async fn complete(State(heard): State<Words>, _: Bytes) -> axum::response::Response {
    let heard = heard.lock().await.take().expect("one answer a test");
    let events = UnboundedReceiverStream::new(heard).map(|words| {
        let text = match words {
            Some(words) => {
                let choices = json!([{"index": 0, "delta": {"content": words},
                    "finish_reason": null, "logprobs": null}]);
                let chunk = json!({"id": "c-1", "object": "chat.completion.chunk",
                    "created": 1_700_000_000, "model": "m", "choices": choices});
                format!("data: {chunk}\n\n")
            }
            None => "data: [DONE]\n\n".to_owned(),
        };
        Ok::<_, std::convert::Infallible>(Bytes::from(text))
    });
    axum::response::Response::builder()
        .header("content-type", "text/event-stream")
        .body(Body::from_stream(events))
        .unwrap()
}

fn with_model(settings: &mut Settings, url: &str) {
    settings.answer.base_url = url.to_owned();
    settings.answer.api_key = "sk-none".to_owned().into();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_grows_by_editing_and_a_deleted_one_is_said_anew() {
    let model = Model::new().await;
    let stage = Stage::with(|s| with_model(s, &model.url)).await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    model.says("It ");
    stage.says(&channel(), "It").await;
    for (piece, seen) in
        [("weighs ", "weighs"), ("**two kilos** ", "kilos"), ("and is red.", "red")]
    {
        model.says(piece);
        // What comes right behind another piece is shown with the next one.
        while tokio::time::timeout(Duration::from_millis(200), stage.says(&channel(), seen))
            .await
            .is_err()
        {
            model.says(" ");
        }
    }
    let standing = stage.discord.standing(&channel());
    let id = standing.last().unwrap().id.clone();
    let long = "word ".repeat(900);
    model.says(&format!("\n\n{long}\n\nThe end. [kettle]"));
    model.ends();
    let standing = stage
        .discord
        .until("the end", |d| {
            let standing = d.standing(&channel());
            standing.iter().any(|w| said(w).contains("The end")).then_some(standing)
        })
        .await;
    assert!(standing.len() >= 4, "{}", standing.len());
    assert_eq!(standing[1].id, id);
    assert!(standing[1].content().contains("**two kilos**"), "{}", standing[1].content());
    button(&standing[standing.len() - 1..], "Helpful");
    let written = stage.discord.at(&channel());
    let edits: Vec<_> = written.iter().filter(|w| w.what == "edit").map(|w| w.at).collect();
    assert!(!edits.is_empty());
    for pair in edits.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(1150), "{:?}", pair[1] - pair[0]);
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_edited_is_sent_again() {
    let model = Model::new().await;
    let stage = Stage::with(|s| with_model(s, &model.url)).await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    model.says("It weighs");
    let standing = stage.says(&channel(), "It weighs").await;
    let old = standing.last().unwrap().id.clone();
    stage.discord.fault(Fault {
        method: "PATCH",
        path: format!("/messages/{old}"),
        times: 100,
        status: 404,
        headers: vec![],
        body: json!({"message": "Unknown Message", "code": 10008}),
    });
    model.says(" two kilos.");
    model.ends();
    let standing = stage.says(&channel(), "two kilos.").await;
    assert_ne!(standing.last().unwrap().id, old);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_an_answer_come_to_its_end() {
    let model = Model::new().await;
    let stage = Stage::with(|s| with_model(s, &model.url)).await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    model.says("It weighs");
    stage.says(&channel(), "It weighs").await;
    stage.stop.cancel();
    stage
        .discord
        .until("idle", |d| d.presences().iter().find(|p| p["status"] == "idle").cloned())
        .await;
    // Whoever comes now is told.
    let late = stage.discord.id().to_string();
    stage.discord.message(USER, "hello", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = late.as_str().into();
    });
    stage.says(&late, "being restarted").await;
    model.says(" two kilos.");
    model.ends();
    let discord = stage.discord.clone();
    stage.end().await;
    let standing = discord.standing(&channel());
    assert!(standing.last().unwrap().content().contains("two kilos."), "{standing:#?}");
    assert_eq!(discord.closed(), [Some(1000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_the_program_finish_an_answer() {
    let (discord, model) = (Discord::new().await, Model::new().await);
    let shop = support::Shop::new();
    shop.picture("kb/kettle.png", 2);
    let row = json!({"image_path": "kettle.png", "id": "kettle", "description": "It weighs 2 kg."});
    shop.run(&["kb", "import", &shop.listing(&row.to_string())]).ok();
    let config = shop.path("magpie.toml");
    // A list cannot be said in the environment.
    std::fs::write(&config, format!("discord.cdn_hosts = [{:?}]", discord.host())).unwrap();
    let mut serving = shop
        .command(&["serve", "--config", config.to_str().unwrap()])
        .env("MAGPIE__WEB__LISTEN", "127.0.0.1:0")
        .env("MAGPIE__ANSWER__BASE_URL", &model.url)
        .env("MAGPIE__ANSWER__API_KEY", "sk-none")
        .env("MAGPIE__DISCORD__TOKEN", TOKEN)
        .env("MAGPIE__DISCORD__API_URL", discord.url())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    discord.until("IDENTIFY", |d| (d.identified().len() == 1).then_some(())).await;
    let photo = discord.attachment("photo.png", "image/png", png(2));
    discord.message(USER, &format!("<@{ME}> How heavy is it?"), |m| {
        m["mentions"] = json!([person(ME)]);
        m["attachments"] = json!([photo]);
    });
    let says = |words: &'static str| {
        let discord = discord.clone();
        async move {
            let said = |d: &Discord| d.standing(&channel()).iter().any(|w| said(w).contains(words));
            discord.until(words, |d| said(d).then_some(())).await;
        }
    };
    model.says("It weighs");
    says("It weighs").await;
    let kill = std::process::Command::new("kill").arg(serving.id().to_string()).status();
    assert!(kill.unwrap().success());
    discord
        .until("idle", |d| d.presences().iter().any(|p| p["status"] == "idle").then_some(()))
        .await;
    model.says(" two kilos.");
    model.ends();
    says("two kilos.").await;
    let ended = tokio::task::spawn_blocking(move || serving.wait().unwrap());
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
    assert_eq!(discord.closed(), [Some(1000)]);
    assert_eq!(discord.complaints(), Vec::<String>::new());
}
