//! What goes to stdout and stderr.

use std::io::Write;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Origin};
use crate::search::{Match, Matches};

/// Prints text on stdout and ends the line. What a catalogue or a model wrote must not drive the
/// terminal, so control characters other than line breaks are left out. A reader that went
/// away, as `head` does, is not an error.
pub(super) fn line(text: &str) {
    let plain: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let _ = writeln!(std::io::stdout().lock(), "{plain}");
}

/// Prints one JSON object on stdout.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?);
    Ok(())
}

/// Prints an error: a sentence on stderr, or `{"error"}` on stdout.
pub(super) fn error(as_json: bool, text: &str) {
    if as_json {
        line(&json!({ "error": text }).to_string());
    } else {
        let _ = writeln!(std::io::stderr().lock(), "error: {text}");
    }
}

/// A bar with rate and time left on stderr; nothing where stderr is no terminal.
pub(super) fn progress(total: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    let template = "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

pub(super) fn match_json(m: &Match) -> Value {
    json!({
        "id": m.product.id,
        "title": m.product.title,
        "score": m.score,
        "image": m.source,
        "description": m.product.description,
    })
}

pub(super) fn matches_json(matches: &Matches) -> Value {
    json!({
        "matches": matches.matches.iter().map(match_json).collect::<Vec<_>>(),
        "confident": matches.confident,
    })
}

pub(super) fn answer_json(answer: &Answer, matches: &Matches) -> Value {
    let mut value = matches_json(matches);
    value["answer"] = json!(answer.text);
    value["origin"] = json!(answer.origin);
    value["sources"] = json!(answer.sources);
    if answer.origin == Origin::Model {
        value["covered"] = json!(answer.covered);
        value["unsupported"] = json!(answer.unsupported);
        value["model"] = json!(answer.model);
        value["prompt"] = json!(answer.prompt);
        value["usage"] = json!(answer.usage);
        if answer.spent.iter().any(|spend| spend.estimated) {
            value["usage"]["estimated"] = true.into();
        }
    }
    value
}

/// Matches as lines: rank, score, id, title.
pub(super) fn matches_text(matches: &Matches) -> String {
    if matches.matches.is_empty() {
        return "  nothing: the catalogue is empty; `magpie kb import` or `kb add` fills it".into();
    }
    let width = matches.matches.iter().map(|m| m.product.id.chars().count()).max().unwrap_or(0);
    let mut lines: Vec<String> = matches
        .matches
        .iter()
        .enumerate()
        .map(|(rank, m)| {
            let p = &m.product;
            format!("  {:>2}. {:.3}  {:width$}  {}", rank + 1, m.score, p.id, p.title)
        })
        .collect();
    if !matches.confident {
        lines.push("  not a confident match: the product may not be in the catalogue".into());
    }
    lines.join("\n")
}
