//! What a slash command's interaction asks for, as the bot's own command.

use indexmap::IndexMap;
use serenity::model::application::{CommandData, CommandType, ResolvedOption, ResolvedValue};
use serenity::model::channel::Attachment;

use super::attachment::{Wanted, carried, is_photo};
use crate::bot::command::{Command, Kb, MAX_SIMILAR};

/// An interaction's command with its files.
pub struct Asked {
    pub command: Command,
    pub files: Vec<Attachment>,
    pub wanted: Wanted,
    /// Whether only the one who asked should see the response.
    pub private: bool,
}

/// Why an interaction is no command.
pub enum Unread {
    /// The message of the context menu holds no photo.
    NoPhoto,
    /// It is not one of ours.
    Unknown,
}

/// Reads a command; options that are missing or of another type count as not given.
///
/// # Errors
/// [`Unread`].
pub fn read(data: &CommandData) -> Result<Asked, Unread> {
    if data.kind == CommandType::Message {
        return menu(data);
    }
    let options = data.options();
    let given = Given(&options);
    let asked =
        |command, private| Asked { command, files: given.files(), wanted: Wanted::Photos, private };
    Ok(match data.name.as_str() {
        "ask" => asked(Command::Ask(given.text("question").unwrap_or_default()), false),
        "similar" => {
            let k = given.number("k").map(|k| k.clamp(1, MAX_SIMILAR));
            let words = given.text("words").unwrap_or_default();
            asked(Command::Similar { k, words }, false)
        }
        "forget" => asked(Command::Forget, true),
        "help" => asked(Command::Help, true),
        "kb" => kb(&options),
        _ => return Err(Unread::Unknown),
    })
}

/// "Ask Magpie about this photo".
fn menu(data: &CommandData) -> Result<Asked, Unread> {
    let target = data.target_id.ok_or(Unread::Unknown)?.to_message_id();
    let message = data.resolved.messages.get(&target).ok_or(Unread::Unknown)?;
    let files: Vec<_> = carried(message).filter(|a| is_photo(a)).cloned().collect();
    if files.is_empty() {
        return Err(Unread::NoPhoto);
    }
    let command = Command::Ask(String::new());
    Ok(Asked { command, files, wanted: Wanted::Photos, private: false })
}

fn kb(options: &[ResolvedOption<'_>]) -> Asked {
    let none = Vec::new();
    let (name, options) = match options.first() {
        Some(ResolvedOption { name, value: ResolvedValue::SubCommand(options), .. }) => {
            (*name, options)
        }
        _ => ("", &none),
    };
    let given = Given(options);
    let id = || given.text("id").filter(|id| !id.is_empty());
    let words = || given.text("words").filter(|words| !words.is_empty());
    let command = match name {
        "add" => Kb::Add {
            id: id(),
            title: given.text("title"),
            description: given.text("description").unwrap_or_default(),
        },
        "show" => id().map_or(Kb::Help, Kb::Show),
        "list" => Kb::List(given.number("page").unwrap_or(1).max(1)),
        "find" => words().map_or(Kb::Help, Kb::Find),
        "edit" => match (id(), edited(&given)) {
            (Some(id), fields) if !fields.is_empty() => Kb::Edit { id, fields },
            _ => Kb::Help,
        },
        "remove" => id().map_or(Kb::Help, Kb::Remove),
        "stats" => Kb::Stats,
        "import" => Kb::Import,
        "export" => Kb::Export,
        "undo" => Kb::Undo,
        "log" => Kb::Log,
        _ => Kb::Help,
    };
    let wanted = if command == Kb::Import { Wanted::Archive } else { Wanted::Photos };
    Asked { command: Command::Kb(command), files: given.files(), wanted, private: true }
}

fn edited(given: &Given<'_>) -> IndexMap<String, String> {
    let mut fields = IndexMap::new();
    for name in ["title", "description"] {
        if let Some(text) = given.text(name) {
            fields.insert(name.to_owned(), text);
        }
    }
    if let Some(field) = given.text("field").filter(|field| !field.is_empty()) {
        fields.insert(field.to_lowercase(), given.text("value").unwrap_or_default());
    }
    fields
}

/// The options that were given.
struct Given<'a>(&'a [ResolvedOption<'a>]);

impl Given<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.0.iter().find(|o| o.name == name).and_then(|o| match o.value {
            ResolvedValue::String(text) => Some(text.trim().to_owned()),
            _ => None,
        })
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.0.iter().find(|o| o.name == name).and_then(|o| match o.value {
            ResolvedValue::Integer(number) => Some(usize::try_from(number).unwrap_or(0)),
            _ => None,
        })
    }

    fn files(&self) -> Vec<Attachment> {
        let files = self.0.iter().filter_map(|o| match o.value {
            ResolvedValue::Attachment(file) => Some(file.clone()),
            _ => None,
        });
        files.collect()
    }
}
