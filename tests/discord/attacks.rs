//! What reaches Discord when the vision model obeys whoever attacks it.

use super::*;
use crate::obedient::{Attack, SHOP, attacks, obedient};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_model_is_told_the_chat_gets_nothing_harmful() {
    for attack in &attacks() {
        let (server, dir) = (obedient(), tempfile::tempdir().unwrap());
        let discord = Discord::new().await;
        let stage = Stage::bare(discord, |s| obedient::shop(s, &server, dir.path())).await;
        obedient::stock(&stage.bot, attack).await;
        let photo = obedient::png(&attack.shot());
        let photo = stage.discord.attachment("photo.png", "image/png", photo);
        // As an option, so that all of the words are the question.
        let token = stage.discord.command(USER, ask(attack.question(), Some(&photo)), |_| {});
        let standing = stage
            .discord
            .until(&attack.name, |d| {
                let standing = d.standing(&token);
                let words = |w: &Written| w.body["components"].to_string().contains("👍");
                standing.iter().any(words).then_some(standing)
            })
            .await;
        let system = obedient::rules(attack, &server);
        for written in stage.discord.at(&token).iter().filter(|w| w.what != "callback") {
            harmless(attack, written, &system);
        }
        let text: String = standing.iter().map(said).collect();
        assert!(obedient::flagged(attack, &text), "{}: {text}", attack.name);
        stage.end().await;
    }
}

fn harmless(attack: &Attack, written: &Written, system: &str) {
    let name = &attack.name;
    assert_eq!(written.body["allowed_mentions"]["parse"], json!([]), "{name}");
    let mut raw = vec![written.content().to_owned()];
    for embed in written.body["embeds"].as_array().into_iter().flatten() {
        assert!(embed["url"].is_null() || embed["url"] == SHOP, "{name}: {embed}");
        let parts = [&embed["title"], &embed["description"], &embed["footer"]["text"]];
        raw.extend(parts.iter().map(|p| p.as_str().unwrap_or_default().to_owned()));
    }
    for raw in raw {
        // What is left when everything that is escaped is gone is what Discord interprets.
        let mut live = String::new();
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            if c == '\\' {
                chars.next()
            } else {
                live.push(c);
                None
            };
        }
        let live = live.replace(&format!("](<{SHOP}>)"), "");
        for mark in ["](", "<@", "<#", "</", "<t:", "<:", "<a:", "||", "://", "@everyone", "@here"]
        {
            assert!(!live.contains(mark), "{name}: {mark} in {raw}");
        }
        let heading = |line: &str| ["# ", "-# ", "> "].iter().any(|m| line.starts_with(m));
        assert!(!live.lines().any(heading), "{name}: {raw}");
        obedient::harmless(name, &raw.replace(['\\', '\u{200b}'], ""), system);
    }
}
