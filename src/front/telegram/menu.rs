//! The menu of commands that Telegram's apps show, in every language there is.

use teloxide::payloads::SetMyCommandsSetters;
use teloxide::requests::Requester;
use teloxide::types::{BotCommand, BotCommandScope, ChatId, Recipient};

use super::api::Api;
use crate::words::say;

const EVERYBODY: [&str; 4] = ["ask", "similar", "forget", "help"];
/// English has no code: it is what anybody sees who speaks no other.
const LANGUAGES: [Option<&str>; 2] = [None, Some("de")];

/// Sets the menu for everybody, and the longer one in the chats with admins.
pub async fn set(api: &Api, admins: &[u64]) {
    for language in LANGUAGES {
        let commands = commands(language, false);
        one(api, BotCommandScope::Default, language, commands).await;
    }
    for admin in admins {
        let Ok(id) = i64::try_from(*admin) else { continue };
        for language in LANGUAGES {
            let scope = BotCommandScope::Chat { chat_id: Recipient::Id(ChatId(id)) };
            // Fails for an admin who never wrote to the bot, and then nobody would see it.
            one(api, scope, language, commands(language, true)).await;
        }
    }
}

async fn one(api: &Api, scope: BotCommandScope, language: Option<&str>, commands: Vec<BotCommand>) {
    let mut request = api.bot().set_my_commands(commands).scope(scope);
    if let Some(language) = language {
        request = request.language_code(language);
    }
    if let Err(error) = api.call(request).await {
        tracing::debug!("Telegram: a menu was not set: {}", api.told(&error));
    }
}

fn commands(language: Option<&str>, admin: bool) -> Vec<BotCommand> {
    let language = language.unwrap_or("en");
    let names = EVERYBODY.into_iter().chain(admin.then_some("kb"));
    names
        .map(|name| BotCommand::new(name, say(language, &format!("telegram-menu-{name}"), &[])))
        .collect()
}
