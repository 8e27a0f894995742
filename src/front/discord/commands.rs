//! The slash commands as Discord is told of them. What an interaction holds is read in
//! `options.rs`; the names here and there are the same.
//! All of it is translated.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use serde_json::{Value, json};
use serenity::builder::{CreateCommand, CreateCommandOption};
use serenity::model::Permissions;
use serenity::model::application::{
    CommandOptionType, CommandType, InstallationContext, InteractionContext,
};

use super::rest::{Body, Call, Rest, RestError};
use crate::bot::command::{MAX_SIMILAR, name_in};
use crate::words::say;

/// Languages besides English that Discord has, by its own names, and this program speaks.
const LANGUAGES: [&str; 8] = ["de", "es-419", "es-ES", "fr", "it", "nl", "pl", "pt-BR"];
/// Longest text an option takes here; Discord's own limit is 6,000.
const TEXT: u16 = 2000;
const LONG_TEXT: u16 = 6000;
const ID: u16 = 128;

/// Most photos that a command takes, as many as a message of Discord's own does.
const PHOTOS: usize = 10;

/// Which commands there are, and where.
pub struct Commands {
    application: u64,
    /// Everywhere when there are none.
    guilds: Vec<u64>,
    /// How many photos one request may have.
    photos: usize,
    /// The guilds that an earlier run named.
    noted: PathBuf,
    /// Listed guilds that do not have them yet, as those that the bot is still to be invited to.
    missing: Mutex<BTreeSet<u64>>,
}

impl Commands {
    /// The commands of this application, in these guilds or everywhere; `noted` is a file to keep
    /// which those were.
    pub fn new(application: u64, guilds: Vec<u64>, photos: usize, noted: PathBuf) -> Self {
        let photos = photos.min(PHOTOS);
        Self { application, guilds, photos, noted, missing: Mutex::default() }
    }

    /// Tells Discord of them. A place that refuses keeps none of the others from having them.
    ///
    /// # Errors
    /// [`RestError::Unauthorized`]; anything else is logged, for mentions and direct messages work all
    /// the same.
    pub async fn register(&self, rest: &Rest) -> Result<(), RestError> {
        let everywhere = format!("/applications/{}/commands", self.application);
        // What stands in a guild and everywhere would be shown twice.
        let before = noted(self.noted.clone()).await;
        let (mut left, listed) = (self.guilds.clone(), |guild: &u64| self.guilds.contains(guild));
        left.extend(before.into_iter().filter(|guild| !listed(guild)));
        note(self.noted.clone(), left.clone()).await;
        for guild in left.clone().iter().filter(|guild| !listed(guild)) {
            let taken_away = self.put(rest, &self.place(*guild), &json!([])).await;
            // Where the bot is no more, nobody is shown them.
            let gone = matches!(taken_away, Err(RestError::Refused { status: 403 | 404, .. }));
            if gone || told(taken_away, &format!("could not be taken away in guild {guild}"))? {
                left.retain(|other| other != guild);
            }
        }
        note(self.noted.clone(), left).await;
        if self.guilds.is_empty() {
            let put = self.put(rest, &everywhere, &self.body()).await;
            told(put, "could not be registered")?;
        } else {
            let put = self.put(rest, &everywhere, &json!([])).await;
            told(put, "could not be taken away everywhere else")?;
        }
        for guild in &self.guilds {
            self.register_in(rest, *guild).await?;
        }
        Ok(())
    }

    /// Whether a guild should have them and has not.
    pub fn lacks(&self, guild: u64) -> bool {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).contains(&guild)
    }

    /// The bot was removed from a guild, and its commands with it.
    pub fn lost(&self, guild: u64) {
        if self.guilds.contains(&guild) {
            self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(guild);
        }
    }

    /// Tells Discord of them for one guild.
    ///
    /// # Errors
    /// As [`Commands::register`].
    pub async fn register_in(&self, rest: &Rest, guild: u64) -> Result<(), RestError> {
        let put = self.put(rest, &self.place(guild), &self.body()).await;
        let done = told(put, &format!("could not be registered in guild {guild}"))?;
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if done {
            missing.remove(&guild)
        } else {
            missing.insert(guild)
        };
        Ok(())
    }

    fn place(&self, guild: u64) -> String {
        format!("/applications/{}/guilds/{guild}/commands", self.application)
    }

    fn body(&self) -> Value {
        let mut commands = all(self.photos);
        if self.guilds.is_empty() {
            // Where the bot is invited, and in its direct messages; not where a user brings it along.
            let (contexts, installs) = (
                vec![InteractionContext::Guild, InteractionContext::BotDm],
                vec![InstallationContext::Guild],
            );
            let bound =
                |c: CreateCommand| c.contexts(contexts.clone()).integration_types(installs.clone());
            commands = commands.map(bound);
        }
        json!(commands)
    }

    async fn put(&self, rest: &Rest, path: &str, body: &Value) -> Result<Value, RestError> {
        let body = Body::Json(body);
        rest.call(Call { method: Method::PUT, path, body, again: true }).await
    }
}

/// Whether it was done; what else went wrong is logged.
fn told(done: Result<Value, RestError>, what: &str) -> Result<bool, RestError> {
    match done {
        Ok(_) => Ok(true),
        Err(RestError::Unauthorized) => Err(RestError::Unauthorized),
        Err(error) => {
            tracing::error!("the slash commands {what}: {error}");
            Ok(false)
        }
    }
}

async fn noted(file: PathBuf) -> Vec<u64> {
    let read = move || serde_json::from_slice(&std::fs::read(file).ok()?).ok();
    tokio::task::spawn_blocking(read).await.ok().flatten().unwrap_or_default()
}

async fn note(file: PathBuf, guilds: Vec<u64>) {
    let write = move || match guilds.as_slice() {
        [] if !file.exists() => Ok(()),
        guilds => {
            let new = file.with_extension("new");
            std::fs::write(&new, json!(guilds).to_string())?;
            std::fs::rename(new, file)
        }
    };
    if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
        tracing::warn!("which guilds have the slash commands cannot be noted: {error}");
    }
}

fn all(photos: usize) -> [CreateCommand; 6] {
    use CommandOptionType::{Attachment, Integer, String};
    let photo = || option(Attachment, "photo");
    let id = || option(String, "id").max_length(ID);
    let found = || id().required(true).set_autocomplete(true);
    [
        command("ask")
            .add_option(option(String, "question").required(true).max_length(TEXT))
            .add_option(photo()),
        command("similar")
            .add_option(option(String, "words").max_length(TEXT))
            .add_option(option(Integer, "k").min_int_value(1).max_int_value(MAX_SIMILAR as u64))
            .add_option(photo()),
        command("forget"),
        command("help"),
        command("kb").default_member_permissions(Permissions::MANAGE_GUILD).set_options(vec![
            sub(
                "add",
                [
                    photo().required(true),
                    option(String, "description").max_length(LONG_TEXT),
                    option(String, "title").max_length(256),
                    id().set_autocomplete(true),
                ]
                .into_iter()
                .chain((2..=photos).map(another_photo))
                .collect(),
            ),
            sub("show", vec![found()]),
            sub("list", vec![option(Integer, "page").min_int_value(1)]),
            sub("find", vec![option(String, "words").required(true).max_length(TEXT)]),
            sub(
                "edit",
                vec![
                    found(),
                    option(String, "title").max_length(256),
                    option(String, "description").max_length(LONG_TEXT),
                    option(String, "field").max_length(64),
                    option(String, "value").max_length(1000),
                ],
            ),
            sub("remove", vec![found()]),
            sub("stats", vec![]),
            sub("import", vec![option(Attachment, "archive").required(true)]),
            sub("export", vec![]),
            sub("undo", vec![]),
            sub("log", vec![]),
        ]),
        LANGUAGES.iter().fold(
            CreateCommand::new(say("en", "discord-menu", &[])).kind(CommandType::Message),
            |command, language| {
                command.name_localized(*language, say(language, "discord-menu", &[]))
            },
        ),
    ]
}

fn command(name: &'static str) -> CreateCommand {
    let key = format!("discord-{name}");
    let command = CreateCommand::new(name).description(say("en", &key, &[]));
    LANGUAGES.iter().fold(command, |c, l| {
        c.name_localized(*l, name_in(l, name, false)).description_localized(*l, say(l, &key, &[]))
    })
}

fn sub(name: &'static str, options: Vec<CreateCommandOption>) -> CreateCommandOption {
    let key = format!("discord-kb-{name}");
    let kind = CommandOptionType::SubCommand;
    let sub = CreateCommandOption::new(kind, name, say("en", &key, &[])).set_sub_options(options);
    LANGUAGES.iter().fold(sub, |s, l| {
        s.name_localized(*l, name_in(l, name, true)).description_localized(*l, say(l, &key, &[]))
    })
}

fn option(kind: CommandOptionType, name: &str) -> CreateCommandOption {
    let (key, what) = (format!("discord-option-{name}"), format!("discord-option-{name}-what"));
    let option = CreateCommandOption::new(kind, name, say("en", &what, &[]));
    LANGUAGES.iter().fold(option, |o, l| {
        o.name_localized(*l, say(l, &key, &[])).description_localized(*l, say(l, &what, &[]))
    })
}

/// The option for a product's second photo, or a later one.
fn another_photo(number: usize) -> CreateCommandOption {
    let name =
        |language: &str| say(language, "discord-option-photo-more", &[("number", number.into())]);
    let what = |language: &str| say(language, "discord-option-photo-more-what", &[]);
    let option = CreateCommandOption::new(CommandOptionType::Attachment, name("en"), what("en"));
    LANGUAGES
        .iter()
        .fold(option, |o, l| o.name_localized(*l, name(l)).description_localized(*l, what(l)))
}
