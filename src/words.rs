//! Every sentence a chat user may read, in their language, from `locales/` (Project Fluent).
//!
//! English is complete and what any other language falls back to. The command line speaks
//! English only and does not come through here.

use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, static_loader};
use serde_json::Map;

static_loader! {
    static LOCALES = {
        locales: "./locales",
        fallback_language: "en",
        // Isolation marks would be shown as boxes by some clients; names are shown apart anyway.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// The web page's own words.
const WEB: &str = include_str!("../locales/en/web.ftl");
const DEFAULT: &str = "en";

/// What stands in a sentence's gap. Numbers choose between singular and plural.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    Number(u64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

/// One sentence in the language of a BCP 47 tag, with its gaps filled.
pub fn say(language: &str, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
    let fluent = |value: &'_ Value<'_>| match value {
        Value::Text(text) => FluentValue::from(text.to_string()),
        Value::Number(number) => FluentValue::from(*number),
    };
    let values: HashMap<Cow<'static, str>, FluentValue<'_>> =
        values.iter().map(|(name, value)| (Cow::Borrowed(*name), fluent(value))).collect();
    LOCALES.lookup_with_args(&identifier(language), key, &values)
}

/// The language to speak to somebody: from a BCP 47 tag or an `Accept-Language` header (RFC 9110,
/// section 12.5.4), the first one there is a translation for.
pub fn negotiate(wanted: &str) -> String {
    let mut ranked: Vec<(&str, f32)> = wanted.split(',').take(20).map(range).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let spoken = |tag: &str| {
        let id: LanguageIdentifier = tag.replace('_', "-").parse().ok()?;
        LOCALES.locales().find(|l| l.language == id.language).map(|l| l.language.to_string())
    };
    ranked
        .into_iter()
        .filter(|(_, weight)| *weight > 0.0)
        .find_map(|(tag, _)| spoken(tag))
        .unwrap_or_else(|| DEFAULT.into())
}

/// `de-AT;q=0.8` as tag and weight.
fn range(item: &str) -> (&str, f32) {
    let (tag, parameters) = item.split_once(';').unwrap_or((item, ""));
    let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse().ok());
    (tag.trim(), weight.unwrap_or(0.0))
}

fn identifier(language: &str) -> LanguageIdentifier {
    negotiate(language).parse().unwrap_or_default()
}

/// Everything the web page says, by key, with placeholders left as `{name}`.
pub fn web_strings(language: &str) -> Map<String, serde_json::Value> {
    let id = identifier(language);
    messages(WEB)
        .map(|(key, variables)| {
            let values: HashMap<Cow<'static, str>, FluentValue<'_>> = variables
                .into_iter()
                .map(|v| (Cow::Owned(v.to_owned()), FluentValue::from(format!("{{{v}}}"))))
                .collect();
            (key.to_owned(), LOCALES.lookup_with_args(&id, key, &values).into())
        })
        .collect()
}

/// The keys of a Fluent file with the variables of each.
fn messages(source: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in source.lines() {
        let text = match line.split_once('=') {
            Some((key, text)) if line.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                found.push((key.trim(), Vec::new()));
                text
            }
            _ if line.starts_with(char::is_whitespace) => line,
            _ => continue,
        };
        if let Some((_, variables)) = found.last_mut() {
            variables.extend(text.split('$').skip(1).map(|rest| {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
                end.map_or(rest, |end| &rest[..end])
            }));
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const FILES: [&str; 5] = ["bot", "discord", "problem", "telegram", "web"];

    fn sources(language: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language);
        let read = |name: &&str| fs::read_to_string(folder.join(format!("{name}.ftl"))).unwrap();
        FILES.iter().map(read).collect()
    }

    fn all(source: &str) -> HashMap<&str, Vec<&str>> {
        let mut all = HashMap::new();
        for (key, mut variables) in messages(source) {
            variables.sort_unstable();
            variables.dedup();
            assert!(all.insert(key, variables).is_none(), "{key} stands twice");
        }
        all
    }

    #[test]
    fn every_language_says_the_same_things() {
        let languages: Vec<String> = LOCALES.locales().map(ToString::to_string).collect();
        assert!(languages.len() >= 8, "{languages:?}");
        let english = sources("en");
        for language in languages {
            assert_eq!(all(&sources(&language)), all(&english), "{language}");
        }
    }

    #[test]
    fn the_first_language_there_is_wins() {
        for (wanted, spoken) in [
            ("de", "de"),
            ("de-AT", "de"),
            ("de_CH", "de"),
            ("sv;q=0.9, de;q=0.5, en;q=0.2", "de"),
            ("de;q=0.5, fr-CA;q=0.9", "fr"),
            ("pt-BR", "pt"),
            ("es-419", "es"),
            ("sv", "en"),
            ("de;q=0, en", "en"),
            ("", "en"),
            ("*;;;q=x,\u{0}", "en"),
        ] {
            assert_eq!(negotiate(wanted), spoken, "{wanted:?}");
        }
    }

    #[test]
    fn a_sentence_has_its_values() {
        let said = say("de-DE", "no-product", &[("id", "LM-1".into())]);
        assert!(said.contains("LM-1") && !said.contains('\u{2068}'), "{said}");
        assert!(web_strings("en").values().all(|v| !v.as_str().unwrap_or_default().contains('$')));
    }
}
