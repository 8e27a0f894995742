//! What Discord allows in a message and in a command.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The languages of Discord's own apps, as its reference lists them.
const LOCALES: [&str; 32] = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl",
    "no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th",
    "zh-CN", "ja", "zh-TW", "ko",
];

pub fn length(text: &Value, least: usize, most: usize, what: &str) -> Result<(), String> {
    let text = text.as_str().ok_or(format!("{what} is no string"))?;
    let length = text.chars().count();
    let fits = (least..=most).contains(&length);
    if fits {
        Ok(())
    } else {
        Err(format!("{what} has {length} characters, not {least} to {most}"))
    }
}

pub fn keys(value: &Value, allowed: &[&str]) -> Result<(), String> {
    let Some(object) = value.as_object() else { return Err(format!("no object: {value}")) };
    match object.keys().find(|k| !allowed.contains(&k.as_str())) {
        Some(key) => Err(format!("unknown field {key}")),
        None => Ok(()),
    }
}

/// A message as it is sent or edited.
pub fn sent(
    body: &Value,
    files: &[(String, Vec<u8>)],
    new: bool,
    flags: u64,
) -> Result<(), String> {
    let common = ["content", "embeds", "components", "allowed_mentions", "flags", "attachments"];
    let only_new = ["message_reference", "nonce", "enforce_nonce"];
    keys(body, &if new { [&common[..], &only_new].concat() } else { common.to_vec() })?;
    if body["allowed_mentions"]["parse"] != json!([]) {
        return Err("somebody may be pinged".into());
    }
    keys(&body["allowed_mentions"], &["parse", "replied_user"])?;
    if body["allowed_mentions"]["replied_user"] == true {
        return Err("the one replied to is pinged".into());
    }
    length(&body["content"], 0, 2000, "content")?;
    let none = Vec::new();
    let embeds = body["embeds"].as_array().unwrap_or(&none);
    let content = body["content"].as_str().unwrap_or_default().trim();
    if content.is_empty() && embeds.is_empty() && files.is_empty() {
        return Err("Cannot send an empty message".into());
    }
    if body["flags"].as_u64().unwrap_or(0) & !flags != 0 {
        return Err("a flag that cannot be set".into());
    }
    if body["nonce"].as_str().is_some_and(|n| n.len() > 25) {
        return Err("a long nonce".into());
    }
    if let Some(reference) = body.get("message_reference") {
        keys(reference, &["message_id", "fail_if_not_exists"])?;
    }
    let attachments = body["attachments"].as_array().unwrap_or(&none);
    if attachments.len() != files.len() {
        return Err("attachments and files differ".into());
    }
    for (n, (name, _)) in files.iter().enumerate() {
        if attachments[n]["id"] != n || attachments[n]["filename"] != name.as_str() {
            return Err(format!("attachment {n} is not {name}"));
        }
    }
    shown(embeds, files)?;
    pressed(body["components"].as_array().unwrap_or(&none))
}

fn shown(embeds: &[Value], files: &[(String, Vec<u8>)]) -> Result<(), String> {
    if embeds.len() > 10 {
        return Err("more than 10 embeds".into());
    }
    let mut total = 0;
    let mut count = |text: &Value| total += text.as_str().map_or(0, |t| t.chars().count());
    for embed in embeds {
        keys(embed, &["title", "description", "url", "thumbnail", "fields", "footer"])?;
        length(&embed["title"], 1, 256, "an embed's title")?;
        count(&embed["title"]);
        if let Some(description) = embed.get("description") {
            length(description, 0, 4096, "an embed's description")?;
            count(description);
        }
        if let Some(url) = embed.get("url") {
            // Discord takes only hosts with a domain: "Not a well formed URL" otherwise.
            let host = url.as_str().and_then(|u| u.split_once("://")).map_or("", |(_, rest)| rest);
            let host = host.split(['/', '?', '#', ':']).next().unwrap_or_default();
            if !url.to_string().starts_with("\"http") || !host.contains('.') {
                return Err("an embed's url".into());
            }
        }
        if let Some(footer) = embed.get("footer") {
            length(&footer["text"], 1, 2048, "a footer")?;
            count(&footer["text"]);
        }
        if let Some(thumbnail) = embed.get("thumbnail") {
            let url = thumbnail["url"].as_str().unwrap_or_default();
            let name = url.strip_prefix("attachment://").ok_or("a thumbnail from elsewhere")?;
            if !files.iter().any(|(file, _)| file == name) {
                return Err(format!("no file {name}"));
            }
        }
        let none = Vec::new();
        let fields = embed["fields"].as_array().unwrap_or(&none);
        if fields.len() > 25 {
            return Err("more than 25 fields".into());
        }
        for field in fields {
            length(&field["name"], 1, 256, "a field's name")?;
            length(&field["value"], 1, 1024, "a field's value")?;
            count(&field["name"]);
            count(&field["value"]);
        }
    }
    if total > 6000 { Err("more than 6000 characters in embeds".into()) } else { Ok(()) }
}

pub fn pressed(rows: &[Value]) -> Result<(), String> {
    if rows.len() > 5 {
        return Err("more than 5 rows".into());
    }
    let mut ids = BTreeSet::new();
    for row in rows {
        let buttons = row["components"].as_array().ok_or("a row without components")?;
        if row["type"] != 1 || buttons.is_empty() || buttons.len() > 5 {
            return Err("a row that is none".into());
        }
        for button in buttons {
            keys(button, &["type", "style", "label", "custom_id", "disabled"])?;
            if button["type"] != 2 || !(1..=4).contains(&button["style"].as_u64().unwrap_or(0)) {
                return Err("a button that is none".into());
            }
            length(&button["label"], 1, 80, "a label")?;
            length(&button["custom_id"], 1, 100, "a custom_id")?;
            if !ids.insert(button["custom_id"].to_string()) {
                return Err("a custom_id twice".into());
            }
        }
    }
    Ok(())
}

/// Commands as they are registered.
pub fn commands(body: &Value, global: bool) -> Result<(), String> {
    let commands = body.as_array().ok_or("no list of commands")?;
    let mut names = BTreeSet::new();
    for command in commands {
        let slash = command["type"].as_u64().unwrap_or(1) == 1;
        let mut known = vec![
            "name",
            "name_localizations",
            "description",
            "description_localizations",
            "options",
            "default_member_permissions",
            "type",
            "nsfw",
        ];
        if global {
            known.extend(["contexts", "integration_types"]);
        }
        keys(command, &known)?;
        if !names.insert((command["type"].to_string(), command["name"].to_string())) {
            return Err("a command twice".into());
        }
        if slash {
            named(command)?;
            options(&command["options"], true)?;
        } else {
            length(&command["name"], 1, 32, "a menu's name")?;
            let described = command.get("description").is_some_and(|d| *d != json!(""));
            if described || command["options"].as_array().is_some_and(|o| !o.is_empty()) {
                return Err("a menu with a description or options".into());
            }
        }
    }
    Ok(())
}

fn named(thing: &Value) -> Result<(), String> {
    let name = |name: &Value| {
        length(name, 1, 32, "a name")?;
        let text = name.as_str().unwrap_or_default();
        let fine = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '\''));
        let lower = text.to_lowercase() == text;
        if fine && lower { Ok(()) } else { Err(format!("the name {text}")) }
    };
    name(&thing["name"])?;
    length(&thing["description"], 1, 100, "a description")?;
    let none = serde_json::Map::new();
    for (locale, text) in thing["name_localizations"].as_object().unwrap_or(&none) {
        if !LOCALES.contains(&&**locale) {
            return Err(format!("the locale {locale}"));
        }
        name(text)?;
    }
    for text in thing["description_localizations"].as_object().unwrap_or(&none).values() {
        length(text, 1, 100, "a localised description")?;
    }
    Ok(())
}

fn options(options: &Value, top: bool) -> Result<(), String> {
    let none = Vec::new();
    let options = options.as_array().unwrap_or(&none);
    if options.len() > 25 {
        return Err("more than 25 options".into());
    }
    let (mut names, mut optional) = (BTreeSet::new(), false);
    for option in options {
        named(option)?;
        if !names.insert(option["name"].to_string()) {
            return Err(format!("the option {} twice", option["name"]));
        }
        let kind = option["type"].as_u64().ok_or("an option without a type")?;
        match kind {
            1 if top => self::options(&option["options"], false)?,
            3 | 4 | 11 => {}
            other => return Err(format!("an option of type {other}")),
        }
        let required = option["required"] == true;
        if required && optional {
            return Err("a required option after an optional one".into());
        }
        optional |= kind != 1 && !required;
        // null is as good as absent.
        let set = |key: &str| option.get(key).is_some_and(|v| !v.is_null());
        if kind != 3 && (set("max_length") || option["autocomplete"] == true) {
            return Err("a length or autocomplete where there is no string".into());
        }
        if option["max_length"].as_u64().is_some_and(|m| !(1..=6000).contains(&m)) {
            return Err("max_length".into());
        }
        if kind != 4 && (set("min_value") || set("max_value")) {
            return Err("a range where there is no number".into());
        }
    }
    Ok(())
}
