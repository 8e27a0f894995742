//! Buttons as Discord has them. A button's `custom_id` is its action and the question it answers,
//! so that a press can switch off what else would answer the same question.

use serde_json::{Value, json};
use serenity::model::application::ActionRow;

use super::text;
use crate::bot::Button;

/// Discord's limits of a message.
const ROWS: usize = 5;
const BUTTONS: usize = 5;
const LABEL: usize = 80;
/// Styles: grey, and the green of the chosen one.
const SECONDARY: u8 = 2;
const SUCCESS: u8 = 3;
const BETWEEN: char = '.';

/// Rows of buttons as components of a message.
pub fn rows(buttons: &[Button]) -> Vec<Value> {
    let button = |b: &Button| {
        json!({
            "type": 2, "style": SECONDARY, "label": text::label(&b.label, LABEL),
            "custom_id": format!("{}{BETWEEN}{}", b.action, b.question),
        })
    };
    let row = |some: &[Button]| json!({ "type": 1, "components": some.iter().map(button).collect::<Vec<_>>() });
    buttons.chunks(BUTTONS).take(ROWS).map(row).collect()
}

/// The action behind a `custom_id`.
pub fn action(custom_id: &str) -> &str {
    custom_id.rsplit_once(BETWEEN).map_or(custom_id, |(action, _)| action)
}

/// A message's buttons after one of them was pressed: those that answer the same question can be
/// pressed no more, and the chosen one is green.
pub fn answered(rows: &[ActionRow], chosen: &str) -> Vec<Value> {
    let question = |id: &str| id.rsplit_once(BETWEEN).map(|(_, question)| question.to_owned());
    let asked = question(chosen);
    let mut rows: Vec<Value> = rows.iter().filter_map(|r| serde_json::to_value(r).ok()).collect();
    let buttons = rows.iter_mut().filter_map(|r| r.get_mut("components")?.as_array_mut()).flatten();
    for button in buttons {
        let Some(id) = button.get("custom_id").and_then(Value::as_str).map(str::to_owned) else {
            continue;
        };
        if question(&id) == asked {
            button["disabled"] = true.into();
        }
        if id == chosen {
            button["style"] = SUCCESS.into();
        }
    }
    rows
}
