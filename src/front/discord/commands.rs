//! The slash commands as Discord is told of them. What an interaction holds is read in
//! `options.rs`; the names here and there are the same.
//! All of it is translated.

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

/// Languages besides English that Discord has and this program speaks.
const LANGUAGES: [&str; 1] = ["de"];
/// Longest text an option takes here; Discord's own limit is 6,000.
const TEXT: u16 = 2000;
const LONG_TEXT: u16 = 6000;
const ID: u16 = 128;

/// Most photos that a command takes, as many as a message of Discord's own does.
const PHOTOS: usize = 10;

/// Tells Discord which commands there are: in these guilds, or everywhere. `photos` is how many one
/// request may have.
///
/// # Errors
/// [`RestError`] of the first call that failed.
pub async fn register(
    rest: &Rest,
    application: u64,
    guilds: &[u64],
    photos: usize,
) -> Result<(), RestError> {
    let mut commands = all(photos.min(PHOTOS));
    if guilds.is_empty() {
        // Where the bot is invited, and in its direct messages; not where a user brings it along.
        let (contexts, installs) = (
            vec![InteractionContext::Guild, InteractionContext::BotDm],
            vec![InstallationContext::Guild],
        );
        let bound =
            |c: CreateCommand| c.contexts(contexts.clone()).integration_types(installs.clone());
        commands = commands.map(bound);
    }
    let body = json!(commands);
    let everywhere = format!("/applications/{application}/commands");
    let paths = match guilds {
        [] => vec![everywhere.clone()],
        guilds => guilds
            .iter()
            .map(|guild| format!("/applications/{application}/guilds/{guild}/commands"))
            .collect(),
    };
    let put = async |path: &str, body: &Value| {
        let body = Body::Json(body);
        rest.call(Call { method: Method::PUT, path, body, again: true }).await
    };
    if !guilds.is_empty() {
        // What an earlier run registered everywhere would stand in these guilds a second time.
        put(&everywhere, &json!([])).await?;
    }
    for path in paths {
        put(&path, &body).await?;
    }
    Ok(())
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
