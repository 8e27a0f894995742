//! What the Bot API's documentation allows in a call.

use serde_json::{Map, Value};

pub const MESSAGE: usize = 4096;
pub const CAPTION: usize = 1024;

/// Refuses a parameter that the method does not have.
pub fn names(method: &str, fields: &Map<String, Value>) -> Result<(), String> {
    let sending = "chat_id message_thread_id disable_notification protect_content reply_parameters";
    let own = match method {
        "getme" => "",
        "getupdates" => "offset limit timeout allowed_updates",
        "setwebhook" => {
            "url certificate ip_address max_connections allowed_updates drop_pending_updates \
             secret_token"
        }
        "deletewebhook" => "drop_pending_updates",
        "getfile" => "file_id",
        "sendmessage" => "text parse_mode entities link_preview_options reply_markup",
        "sendphoto" => "photo caption parse_mode reply_markup",
        "senddocument" => "document caption parse_mode reply_markup",
        "sendmediagroup" => "media",
        "inputmediaphoto" => "type media caption parse_mode has_spoiler show_caption_above_media",
        "editmessagetext" => "message_id text parse_mode link_preview_options reply_markup",
        "deletemessage" => "message_id",
        "sendchataction" => "action",
        "answercallbackquery" => "callback_query_id text show_alert url cache_time",
        "getchatmember" => "user_id",
        "setmycommands" => "commands scope language_code",
        "answerinlinequery" => "inline_query_id results cache_time is_personal next_offset button",
        other => return Err(format!("no method {other}")),
    };
    let known = |name: &str| {
        let mut own = own.split(' ').chain(sending.split(' '));
        own.any(|n| n == name)
    };
    match fields.keys().find(|name| !known(name)) {
        Some(name) => Err(format!("{method} has no {name}")),
        None => Ok(()),
    }
}

/// A text or caption as it is read, and as it was sent.
pub fn text(
    text: Option<&str>,
    fields: &Map<String, Value>,
    most: usize,
) -> Result<(String, String), String> {
    let html = match text {
        None if most == CAPTION => return Ok(Default::default()),
        None => return Err("message text is empty".into()),
        Some(html) => html,
    };
    if fields.get("parse_mode").and_then(Value::as_str) != Some("HTML") {
        return Err("parse_mode is not HTML".into());
    }
    let plain = read(html).map_err(|e| format!("can't parse entities: {e} in {html}"))?;
    if plain.trim().is_empty() && most == MESSAGE {
        return Err("message text is empty".into());
    }
    if plain.encode_utf16().count() > most {
        return Err("message is too long".into());
    }
    Ok((plain.trim().to_owned(), html.to_owned()))
}

/// Reads Telegram's HTML (Bot API, "HTML style") as strictly as it can be read.
fn read(html: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        match c {
            '<' => {
                let (tag, after) = rest[1..].split_once('>').ok_or("an open bracket")?;
                rest = after;
                if let Some(name) = tag.strip_prefix('/') {
                    if open.pop().as_deref() != Some(name) {
                        return Err(format!("unexpected end tag {name}"));
                    }
                    continue;
                }
                let name = tag.split(' ').next().unwrap_or_default();
                if open.iter().any(|o| o == "code" || o == "pre") {
                    return Err(format!("{name} in code"));
                }
                let fits = match name {
                    "b" | "i" => tag == name,
                    "code" | "pre" => tag == name && open.is_empty(),
                    "a" => {
                        let link = tag.strip_prefix("a href=\"").and_then(|l| l.strip_suffix('"'));
                        link.is_some_and(|l| l.starts_with("http") && !l.contains(['"', '<']))
                    }
                    _ => false,
                };
                if !fits {
                    return Err(format!("unsupported start tag {tag}"));
                }
                open.push(name.to_owned());
            }
            '>' => return Err("a bare bracket".into()),
            '&' => {
                let (entity, after) = rest[1..].split_once(';').ok_or("a bare ampersand")?;
                plain.push(match entity {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    other => return Err(format!("entity {other}")),
                });
                rest = after;
            }
            c => {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    if open.is_empty() { Ok(plain) } else { Err(format!("{open:?} stays open")) }
}

/// An inline keyboard's buttons: label and data.
pub fn buttons(markup: Option<&Value>) -> Result<Vec<(String, String)>, String> {
    let Some(markup) = markup else { return Ok(Vec::new()) };
    let rows = markup["inline_keyboard"].as_array().ok_or("no inline keyboard")?;
    let mut buttons = Vec::new();
    for row in rows {
        let row = row.as_array().filter(|r| (1..=8).contains(&r.len())).ok_or("an odd row")?;
        for button in row {
            let label = button["text"].as_str().filter(|t| !t.is_empty()).ok_or("no label")?;
            let data = button["callback_data"].as_str().ok_or("no callback_data")?;
            if !(1..=64).contains(&data.len()) {
                return Err("BUTTON_DATA_INVALID".into());
            }
            buttons.push((label.to_owned(), data.to_owned()));
        }
    }
    Ok(buttons)
}

/// The menu of commands.
pub fn commands(fields: &Map<String, Value>) -> Result<(), String> {
    let commands = fields.get("commands").and_then(Value::as_array).ok_or("no commands")?;
    if commands.is_empty() || commands.len() > 100 {
        return Err("commands".into());
    }
    for command in commands {
        let name = command["command"].as_str().unwrap_or_default();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let described = command["description"].as_str().unwrap_or_default().chars().count();
        let named = (1..=32).contains(&name.len()) && name.chars().all(plain);
        if !named || !(1..=256).contains(&described) {
            return Err(format!("BOT_COMMAND_INVALID {command}"));
        }
    }
    match fields.get("scope") {
        None => Ok(()),
        Some(scope) if scope["type"] == "default" => Ok(()),
        Some(scope) if scope["type"] == "chat" && scope["chat_id"].is_i64() => Ok(()),
        Some(scope) => Err(format!("scope {scope}")),
    }
}

/// The results of an inline query.
pub fn cards(fields: &Map<String, Value>) -> Result<(), String> {
    let cards = fields.get("results").and_then(Value::as_array).ok_or("no results")?;
    let mut ids: Vec<&str> = Vec::new();
    for card in cards {
        let id = card["id"].as_str().unwrap_or_default();
        if !(1..=64).contains(&id.len()) || ids.contains(&id) || card["type"] != "article" {
            return Err(format!("RESULT_ID_INVALID {card}"));
        }
        ids.push(id);
        let content = card["input_message_content"].as_object().ok_or("no content")?;
        text(content.get("message_text").and_then(Value::as_str), content, MESSAGE)?;
        if card["title"].as_str().is_none_or(str::is_empty) {
            return Err("no title".into());
        }
    }
    if cards.len() > 50 { Err("RESULTS_TOO_MUCH".into()) } else { Ok(()) }
}
