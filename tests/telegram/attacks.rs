//! What reaches Telegram when the vision model obeys whoever attacks it.

use super::*;
use crate::obedient::{Attack, SHOP, attacks, obedient};

/// Has no width; keeps names and addresses from being made links.
const JOINER: char = '\u{2060}';

#[tokio::test]
async fn whatever_the_model_is_told_the_chat_gets_nothing_harmful() {
    for attack in &attacks() {
        let (server, dir) = (obedient(), tempfile::tempdir().unwrap());
        let stage = Stage::with(&[], |s| obedient::shop(s, &server, dir.path())).await;
        obedient::stock(&stage.bot, attack).await;
        let question = format!("/ask {}", attack.question());
        let photo = obedient::png(&attack.shot());
        User::new(7).writes(&stage.fake).photo(photo).caption(&question).send();
        stage.fake.button(7, "👍").await;
        let system = obedient::rules(attack, &server);
        // As it grew, too.
        let methods = ["sendMessage", "editMessageText", "sendPhoto", "sendMediaGroup"];
        for call in methods.iter().flat_map(|m| stage.fake.calls(m)) {
            let mut texts = Vec::new();
            obedient::strings(&Value::Object(call.fields.clone()), &mut texts);
            // Telegram's way to point at a file of the same request.
            let texts = texts.iter().filter(|t| !t.starts_with("attach://"));
            texts.for_each(|t| linked(attack, t));
        }
        let shown = stage.fake.chat(7);
        for message in &shown {
            obedient::harmless(&attack.name, &message.text.replace(JOINER, ""), &system);
        }
        let text: String = shown.iter().map(|s| s.text.as_str()).collect();
        assert!(obedient::flagged(attack, &text), "{}: {text}", attack.name);
        stage.end().await;
    }
}

/// Nothing in it is a link but the shop's own, or would be made one.
fn linked(attack: &Attack, html: &str) {
    let name = &attack.name;
    let html = html.replace(SHOP, "");
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let known = ["b", "/b", "i", "/i", "code", "/code", "pre", "/pre", "a href=\"\"", "/a"];
        assert!(known.contains(&tag), "{name}: <{tag}> in {html}");
    }
    let bytes = html.as_bytes();
    let mentions = bytes.windows(2).any(|w| w[0] == b'@' && w[1].is_ascii_alphanumeric());
    assert!(!mentions, "{name}: {html}");
    for address in ["://", "www.", "evil.example", "discord.gg/", "t.me/"] {
        assert!(!html.contains(address), "{name}: {address} in {html}");
    }
}
