//! From a message's text to a command. Pure: the same words mean the same on every platform.

use indexmap::IndexMap;

/// Most matches that `/similar` shows.
pub const MAX_SIMILAR: usize = 20;

/// The commands' names in German, which mean the same on every platform and whatever language is spoken.
const GERMAN: [(&str, &str); 5] = [
    ("ask", "frage"),
    ("similar", "treffer"),
    ("forget", "vergessen"),
    ("help", "hilfe"),
    ("kb", "katalog"),
];
/// Those of `/kb`'s parts.
const GERMAN_KB: [(&str, &str); 11] = [
    ("add", "neu"),
    ("show", "zeigen"),
    ("list", "liste"),
    ("find", "suchen"),
    ("edit", "ändern"),
    ("remove", "entfernen"),
    ("stats", "zahlen"),
    ("import", "importieren"),
    ("export", "exportieren"),
    ("undo", "zurück"),
    ("log", "verlauf"),
];

/// A command's name in a language, `of_kb` a part of `/kb`; its English name where there is no other.
pub fn name_in(language: &str, name: &'static str, of_kb: bool) -> &'static str {
    let names: &[(&str, &'static str)] = if of_kb { &GERMAN_KB } else { &GERMAN };
    let german = names.iter().find(|(english, _)| *english == name && language == "de");
    german.map_or(name, |(_, german)| german)
}

/// The English name of what somebody wrote, in lower case.
fn english(written: &str, names: &[(&'static str, &str)]) -> String {
    let written = written.to_lowercase();
    let known = names.iter().find(|(_, german)| *german == written);
    known.map_or(written, |(english, _)| (*english).to_owned())
}

/// What a message asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A question, or nothing beside a photo.
    Ask(String),
    Similar {
        k: Option<usize>,
        words: String,
    },
    Forget,
    Help,
    Kb(Kb),
    Unknown(String),
}

/// `/kb …`, for admins.
#[derive(Debug, Clone, PartialEq)]
pub enum Kb {
    Add {
        id: Option<String>,
        title: Option<String>,
        description: String,
    },
    Show(String),
    /// A page, from 1.
    List(usize),
    Find(String),
    Edit {
        id: String,
        fields: IndexMap<String, String>,
    },
    Remove(String),
    Stats,
    Import,
    Export,
    Undo,
    Log,
    /// The subcommand is missing or not known.
    Help,
}

/// Reads a message. A command is `/name`, also `/name@bot`; anything else is a question.
pub fn parse(text: &str) -> Command {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('/') else { return Command::Ask(text.to_owned()) };
    let (name, rest) = first_word(rest);
    let written = name.split('@').next().unwrap_or_default();
    match english(written, &GERMAN).as_str() {
        "ask" => Command::Ask(rest.to_owned()),
        "similar" => similar(rest),
        "forget" => Command::Forget,
        "help" | "start" => Command::Help,
        "kb" => Command::Kb(kb(rest)),
        unknown => Command::Unknown(unknown.to_owned()),
    }
}

fn similar(rest: &str) -> Command {
    let (first, words) = first_word(rest);
    match first.parse() {
        Ok(k) => Command::Similar { k: Some(usize::clamp(k, 1, MAX_SIMILAR)), words: words.into() },
        Err(_) => Command::Similar { k: None, words: rest.to_owned() },
    }
}

fn kb(rest: &str) -> Kb {
    let (name, rest) = first_word(rest);
    match english(name, &GERMAN_KB).as_str() {
        "add" => add(rest),
        "show" if !rest.is_empty() => Kb::Show(rest.to_owned()),
        "list" => Kb::List(rest.parse().unwrap_or(1).max(1)),
        "find" if !rest.is_empty() => Kb::Find(rest.to_owned()),
        "edit" => {
            let (id, rest) = first_word(rest);
            let fields = fields(rest);
            if id.is_empty() || fields.is_empty() {
                return Kb::Help;
            }
            Kb::Edit { id: id.to_owned(), fields }
        }
        "remove" if !rest.is_empty() => Kb::Remove(rest.to_owned()),
        "stats" => Kb::Stats,
        "import" => Kb::Import,
        "export" => Kb::Export,
        "undo" => Kb::Undo,
        "log" => Kb::Log,
        _ => Kb::Help,
    }
}

/// `[id:…] [title:…] description`: leading fields, then the description as it is.
fn add(mut rest: &str) -> Kb {
    let (mut id, mut title) = (None, None);
    while let Some((name, after)) = field_name(rest).filter(|(n, _)| matches!(*n, "id" | "title")) {
        // An id has no spaces, so that the line may go on behind it.
        let short = if name == "id" {
            quoted(after).unwrap_or_else(|| first_word(after))
        } else {
            short_value(after)
        };
        let (value, after) = short;
        *(if name == "id" { &mut id } else { &mut title }) = Some(value.to_owned());
        rest = after.trim_start();
    }
    let description = match field_name(rest) {
        Some(("description", after)) => after,
        _ => rest,
    };
    Kb::Add { id, title, description: unquoted(description.trim()).to_owned() }
}

/// One word, a quoted text, or, where the field stands alone on its line, that line.
fn short_value(text: &str) -> (&str, &str) {
    if let Some((value, rest)) = quoted(text) {
        return (value, rest);
    }
    match text.split_once('\n') {
        Some((line, rest)) => (line.trim(), rest),
        None => first_word(text),
    }
}

/// `name:value name:"long value" name:value to the next name`. A name starts with a letter and
/// its value follows the colon at once, so "colours: red" and "https://…" stay text.
fn fields(text: &str) -> IndexMap<String, String> {
    let mut found = IndexMap::new();
    let mut rest = text.trim_start();
    while let Some((name, after)) = field_name(rest) {
        let (value, after) = quoted(after).unwrap_or_else(|| long_value(after));
        found.insert(name.to_lowercase(), value.trim().to_owned());
        rest = after.trim_start();
    }
    found
}

fn long_value(text: &str) -> (&str, &str) {
    text.char_indices()
        .find_map(|(at, c)| {
            let after = text.get(at + c.len_utf8()..)?;
            (c.is_whitespace() && field_name(after).is_some()).then(|| text.split_at(at))
        })
        .unwrap_or((text, ""))
}

/// `name:` at the start, and what follows the colon.
fn field_name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))?;
    let (name, after) = text.split_at(end);
    let after = after.strip_prefix(':')?;
    let named = name.starts_with(char::is_alphabetic);
    let valued = !after.starts_with(char::is_whitespace) && !after.starts_with("//");
    (named && valued && !after.is_empty()).then_some((name, after))
}

/// A text in double quotes, typographic ones too, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix(QUOTES)?;
    let (value, rest) = inside.split_once(QUOTES)?;
    Some((value, rest))
}

const QUOTES: [char; 4] = ['"', '“', '”', '„'];

fn unquoted(text: &str) -> &str {
    match quoted(text) {
        Some((value, rest)) if rest.trim().is_empty() => value,
        _ => text,
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similar(k: Option<usize>, words: &str) -> Command {
        Command::Similar { k, words: words.into() }
    }

    #[test]
    fn commands_and_questions() {
        for (text, command) in [
            ("How heavy is it?", Command::Ask("How heavy is it?".into())),
            ("", Command::Ask(String::new())),
            ("/ask  how heavy? ", Command::Ask("how heavy?".into())),
            ("/similar", similar(None, "")),
            ("/similar 3", similar(Some(3), "")),
            ("/similar 900 red kettle", similar(Some(20), "red kettle")),
            ("/similar red kettle", similar(None, "red kettle")),
            ("/Similar@magpie_bot 0", similar(Some(1), "")),
            ("/forget", Command::Forget),
            ("/start", Command::Help),
            ("/help me", Command::Help),
            ("/nonsense x", Command::Unknown("nonsense".into())),
            ("/", Command::Unknown(String::new())),
        ] {
            assert_eq!(parse(text), command, "{text:?}");
        }
    }

    fn kb(text: &str) -> Kb {
        match parse(&format!("/kb {text}")) {
            Command::Kb(kb) => kb,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn kb_commands() {
        for (text, command) in [
            ("", Kb::Help),
            ("show LM-1", Kb::Show("LM-1".into())),
            ("show", Kb::Help),
            ("list", Kb::List(1)),
            ("list 3", Kb::List(3)),
            ("list 0", Kb::List(1)),
            ("find red kettle", Kb::Find("red kettle".into())),
            ("remove LM-1", Kb::Remove("LM-1".into())),
            ("STATS", Kb::Stats),
            ("import", Kb::Import),
            ("export", Kb::Export),
            ("undo", Kb::Undo),
            ("log", Kb::Log),
            ("edit LM-1", Kb::Help),
            ("edit", Kb::Help),
        ] {
            assert_eq!(kb(text), command, "{text:?}");
        }
    }

    #[test]
    fn every_command_that_a_text_names_is_known_in_its_language() {
        for language in ["en", "de"] {
            for file in ["bot", "discord", "telegram"] {
                let path = format!("{}/locales/{language}/{file}.ftl", env!("CARGO_MANIFEST_DIR"));
                let text = std::fs::read_to_string(path).unwrap();
                for (at, _) in text.match_indices(" /") {
                    let named = text[at + 1..].lines().next().unwrap();
                    let words =
                        named.split([' ', ':', '.', ',']).take(2).collect::<Vec<_>>().join(" ");
                    // What a part of `/kb` needs beside its name does not matter here.
                    let command = parse(&format!("{words} x y:z"));
                    let known = !matches!(command, Command::Unknown(_) | Command::Kb(Kb::Help));
                    assert!(known, "{language}: {words}: {command:?}");
                }
            }
        }
        assert_eq!(parse("/Katalog ändern K titel:x"), parse("/kb edit K titel:x"));
        assert_eq!(parse("/treffer@magpie_bot 3"), similar(Some(3), ""));
        assert_eq!((name_in("de", "add", true), name_in("fr", "add", true)), ("neu", "add"));
    }

    #[test]
    fn adding() {
        let add = |id: Option<&str>, title: Option<&str>, description: &str| Kb::Add {
            id: id.map(Into::into),
            title: title.map(Into::into),
            description: description.into(),
        };
        for (text, command) in [
            ("add A kettle. Note: hot.", add(None, None, "A kettle. Note: hot.")),
            ("add id:K-1 title:Kettle It boils.", add(Some("K-1"), Some("Kettle"), "It boils.")),
            ("add title:\"Red kettle\" It boils.", add(None, Some("Red kettle"), "It boils.")),
            (
                "add id:K-1 title:\"Kettle\" It boils.\nIt whistles.",
                add(Some("K-1"), Some("Kettle"), "It boils.\nIt whistles."),
            ),
            ("add title:„Roter Kessel“ Er kocht.", add(None, Some("Roter Kessel"), "Er kocht.")),
            (
                "add title:“Red kettle” id:K It boils.",
                add(Some("K"), Some("Red kettle"), "It boils."),
            ),
            (
                "add title:Red kettle\nIt boils.\nWell.",
                add(None, Some("Red kettle"), "It boils.\nWell."),
            ),
            ("add id:K description:It boils.", add(Some("K"), None, "It boils.")),
            ("add id:K", add(Some("K"), None, "")),
            ("add See https://example.com", add(None, None, "See https://example.com")),
        ] {
            assert_eq!(kb(text), command, "{text:?}");
        }
    }

    #[test]
    fn editing() {
        let edit = |fields: &[(&str, &str)]| Kb::Edit {
            id: "K".into(),
            fields: fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        for (text, command) in [
            ("edit K title:New name", edit(&[("title", "New name")])),
            (
                "edit K title:New name price:€5 description:Colours: red, at 12:30 see https://x.y",
                edit(&[
                    ("title", "New name"),
                    ("price", "€5"),
                    ("description", "Colours: red, at 12:30 see https://x.y"),
                ]),
            ),
            ("edit K title:\"a b:c\" Price:\"\"", edit(&[("title", "a b:c"), ("price", "")])),
        ] {
            assert_eq!(kb(text), command, "{text:?}");
        }
    }

    #[test]
    fn no_text_breaks_the_parser() {
        for text in [
            "/kb edit K a:é b:\u{301}",
            "/kb add id:\"",
            "/kb add title:“",
            "/kb edit \u{a0} :",
            "/é@",
        ] {
            let _ = parse(text);
        }
    }
}
