//! The menu of commands that Telegram's apps show, in every language there is.

use teloxide::payloads::SetMyCommandsSetters;
use teloxide::requests::Requester;
use teloxide::types::{BotCommand, BotCommandScope, ChatId, Recipient};

use super::api::Api;
use crate::bot::command::name_in;
use crate::words::say;

const EVERYBODY: [&str; 4] = ["ask", "similar", "forget", "help"];
/// English has no code: it is what anybody sees who speaks no other.
const LANGUAGES: [Option<&str>; 8] =
    [None, Some("de"), Some("es"), Some("fr"), Some("it"), Some("nl"), Some("pl"), Some("pt")];

/// Sets the menu that everybody sees.
pub async fn set(api: &Api) {
    for language in LANGUAGES {
        one(api, BotCommandScope::Default, language, commands(language, false)).await;
    }
}

/// Sets the longer menu in an admin's chat with the bot; false where there is no such chat yet.
pub async fn set_for_admin(api: &Api, admin: i64) -> bool {
    let mut done = true;
    for language in LANGUAGES {
        let scope = BotCommandScope::Chat { chat_id: Recipient::Id(ChatId(admin)) };
        done &= one(api, scope, language, commands(language, true)).await;
    }
    done
}

async fn one(
    api: &Api,
    scope: BotCommandScope,
    language: Option<&str>,
    commands: Vec<BotCommand>,
) -> bool {
    let mut request = api.bot().set_my_commands(commands).scope(scope);
    if let Some(language) = language {
        request = request.language_code(language);
    }
    let set = api.call(request).await;
    if let Err(error) = &set {
        tracing::debug!("Telegram: a menu was not set: {}", api.told(error));
    }
    set.is_ok()
}

fn commands(language: Option<&str>, admin: bool) -> Vec<BotCommand> {
    let language = language.unwrap_or("en");
    let names = EVERYBODY.into_iter().chain(admin.then_some("kb"));
    let command = |name: &'static str| {
        let what = say(language, &format!("telegram-menu-{name}"), &[]);
        BotCommand::new(name_in(language, name, false), what)
    };
    names.map(command).collect()
}
