//! A walk through both platforms with the real binary, the sample catalogue and the embedded model, that
//! prints what a user and an admin see: `cargo test --release --test discord -- --ignored --nocapture tour`.

use super::both::Served;
use super::telegram::{Shown, Telegram, User};
use super::*;

/// What stands still for so long is complete.
const QUIET: Duration = Duration::from_millis(2500);

/// What is sent: a file's name, kind and bytes.
type File = (&'static str, &'static str, Vec<u8>);

fn steps() -> Vec<(bool, &'static str, Option<File>)> {
    let read = |name: &str| std::fs::read(support::repo("kb/photos").join(name)).unwrap();
    let photo = |name: &'static str| Some((name, "image/jpeg", read(name)));
    let hostile = "<b>**@everyone**</b> [x](https://evil.example) `</code>` <img src=x> how heavy?";
    let other =
        |name: &'static str, kind: &'static str, bytes: &[u8]| Some((name, kind, bytes.to_vec()));
    vec![
        (false, "/help", None),
        (false, "/start", None),
        (false, "How heavy is it?", None),
        (false, "", photo("aerie-6-at-home-1.jpg")),
        (false, "How heavy is it?", None),
        (false, "what does it cost?", photo("barley-at-home-1.jpg")),
        (false, hostile, photo("beacon-at-home-1.jpg")),
        (false, "/similar 2", None),
        (false, "/similar red kettle", None),
        (false, "/ask is it waterproof?", None),
        (false, "/forget", None),
        (false, "/similar", None),
        (false, "/nonsense", None),
        (false, "look", other("plan.pdf", "application/pdf", b"%PDF-1.4")),
        (false, "look", other("c.zip", "application/zip", b"PK\x03\x04")),
        (false, "look", other("a.jpg", "image/jpeg", b"not a picture")),
        (false, "look", other("a.heic", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")),
        (false, "/kb list", None),
        (false, "/kb add id:x A thing.", photo("barley-at-home-1.jpg")),
        (true, "/kb", None),
        (true, "/kb list 2", None),
        (true, "/kb list 99", None),
        (true, "/kb find battery", None),
        (true, "/kb show LM-HB13", None),
        (true, "/kb show nothing", None),
        (true, "/kb edit LM-HB13 price:€5 url:https://shop.example/?a=1&b=2", None),
        (true, "/kb undo", None),
        (true, "/kb stats", None),
        (true, "/kb add No photo.", None),
        (
            true,
            "/kb add id:NEW title:\"A <b>new</b> **thing**\" It weighs 3 kg.",
            photo("aerie-6-at-home-1.jpg"),
        ),
        (true, "/kb remove LM-HB13", None),
        (true, "/kb log", None),
        (true, "/kb export", None),
        (true, "/kb import", None),
        (true, "/kb import", other("c.zip", "application/zip", b"PK\x03\x04 and no more")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it prints a transcript for whoever wants to read one"]
async fn tour() {
    let served = Served::with_sample().await;
    let (user, admin) = (User::new(7), User::new(1));
    for (as_admin, words, file) in steps() {
        let who = if as_admin { "admin" } else { "user" };
        let named = file.as_ref().map(|(name, ..)| format!(" [{name}]")).unwrap_or_default();
        println!("\n── {who}: {words}{named}");
        let telegram =
            on_telegram(&served, if as_admin { &admin } else { &user }, words, &file).await;
        telegram.iter().for_each(|s| println!("telegram {}", telegram_line(s)));
        let discord = on_discord(&served, if as_admin { ADMIN } else { USER }, words, &file).await;
        discord.iter().for_each(|w| println!("discord  {}", discord_line(w)));
        assert!(!telegram.is_empty() && !discord.is_empty(), "silence");
    }
    assert_eq!(served.discord.complaints(), Vec::<String>::new());
    assert_eq!(served.telegram.faults(), [""; 0]);
}

async fn on_telegram(served: &Served, who: &User, words: &str, file: &Option<File>) -> Vec<Shown> {
    let fake: &Telegram = &served.telegram;
    let before = fake.chat(who.id).len();
    let message = who.writes(fake);
    match file.clone() {
        None => message.text(words).send(),
        Some((_, "image/jpeg", bytes)) if bytes.len() > 1000 => {
            message.photo(bytes).caption(words).send()
        }
        Some((name, kind, bytes)) => message.document(name, kind, bytes).caption(words).send(),
    };
    fake.until("an answer", |f| (f.chat(who.id).len() > before).then_some(())).await;
    let mut seen = fake.chat(who.id);
    loop {
        tokio::time::sleep(QUIET).await;
        let mut now = fake.chat(who.id);
        if now == seen {
            return now.split_off(before);
        }
        seen = now;
    }
}

async fn on_discord(served: &Served, who: u64, words: &str, file: &Option<File>) -> Vec<Written> {
    let fake = &served.discord;
    let place = channel();
    let before = fake.standing(&place).len();
    let file = file.clone().map(|(name, kind, bytes)| fake.attachment(name, kind, bytes));
    fake.message(who, &format!("<@{ME}> {words}"), |m| {
        m["mentions"] = json!([person(ME)]);
        m["attachments"] = file.into_iter().collect();
    });
    fake.until("an answer", |d| (d.standing(&place).len() > before).then_some(())).await;
    let mut seen = fake.at(&place).len();
    loop {
        tokio::time::sleep(QUIET).await;
        let now = fake.at(&place).len();
        if now == seen {
            return fake.standing(&place).split_off(before);
        }
        seen = now;
    }
}

fn telegram_line(shown: &Shown) -> String {
    let text = if shown.html.is_empty() { &shown.text } else { &shown.html };
    let buttons: Vec<&str> = shown.buttons.iter().map(|(label, _)| label.as_str()).collect();
    format!("{} {:?} {:?} {:?}", shown.method, text, shown.files, buttons)
}

fn discord_line(written: &Written) -> String {
    let embeds = written.body["embeds"].as_array().into_iter().flatten();
    let embeds: Vec<String> =
        embeds.map(|e| format!("{} · {}", e["title"], e["footer"]["text"])).collect();
    let rows = written.body["components"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|r| r["components"].as_array().into_iter().flatten());
    let buttons: Vec<&str> = buttons.filter_map(|b| b["label"].as_str()).collect();
    let files: Vec<&str> = written.files.iter().map(|(name, _)| name.as_str()).collect();
    format!("{:?} {embeds:?} {files:?} {buttons:?}", written.content())
}
