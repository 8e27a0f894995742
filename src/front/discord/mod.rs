//! Discord: messages, slash commands and buttons in, embeds and a growing answer out.
//!
//! [`run`] is driven by `magpie serve`. serenity keeps the gateway's connections, one a shard,
//! heartbeats, resumes and reconnects; `event.rs` turns its events into requests, `render.rs`
//! writes the replies through `outlet.rs` and `rest.rs`. Commands are declared without poise: the
//! bot has its own commands and dispatch, and what poise sends cannot be held to the limits that
//! `rest.rs` keeps.

mod attachment;
mod buttons;
mod commands;
mod event;
mod options;
mod outlet;
mod render;
mod rest;
mod text;

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;
use serenity::all::{
    ActivityData, Client, ClientBuilder, GatewayError, GatewayIntents, HttpBuilder, OnlineStatus,
};
use serenity::gateway::ShardManager;
use tokio_util::sync::CancellationToken;

use crate::bot::Bot;
use crate::bot::access::Admins;
use crate::config::DiscordSettings;
use crate::words::say;
use attachment::Fetcher;
use event::{Front, Handler, Rules};
use rest::{Body, Call, Rest, RestError};

/// Longest that asking for the gateway's address may take.
const GATEWAY: Duration = Duration::from_secs(30);
/// Pause before a failed start is tried again; it doubles up to the second.
const RETRY: Duration = Duration::from_secs(2);
const MAX_RETRY: Duration = Duration::from_secs(300);
/// What is left of the time to stop after the bot's own has run out.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Longest that closing the connections may take.
const CLOSE: Duration = Duration::from_secs(6);

const REVOKED: &str = "Discord does not accept the token; copy it anew from the Bot page of \
                       https://discord.com/developers/applications into discord.token or \
                       MAGPIE__DISCORD__TOKEN";

/// Serves Discord until `stop`; an error is what trying again cannot mend.
///
/// # Errors
/// A sentence for the operator, which never holds the token.
pub async fn run(
    settings: DiscordSettings,
    bot: Bot,
    stop: CancellationToken,
) -> Result<(), String> {
    let rest = Arc::new(Rest::new(&settings.token, &settings.api_url)?);
    let mut pause = RETRY;
    loop {
        let fetcher = Fetcher::new(&settings.cdn_hosts, &bot)?;
        let serving = serve(&settings, &bot, &rest, fetcher, &stop);
        let why = match serving.await {
            Ok(()) => return Ok(()),
            Err(Broken::Hopeless(why)) => return Err(why),
            Err(Broken::Passing(why)) => why,
        };
        let wait = pause.mul_f64(rand::rng().random_range(0.75..1.25));
        tracing::warn!("Discord cannot be served, trying again in {} s: {why}", wait.as_secs());
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(wait) => {}
        }
        pause = (pause * 2).min(MAX_RETRY);
    }
}

/// Why serving ended.
enum Broken {
    /// Trying again may help.
    Passing(String),
    Hopeless(String),
}

impl From<RestError> for Broken {
    fn from(error: RestError) -> Self {
        match error {
            RestError::Unauthorized => Self::Hopeless(REVOKED.into()),
            other => Self::Passing(other.to_string()),
        }
    }
}

async fn serve(
    settings: &DiscordSettings,
    bot: &Bot,
    rest: &Arc<Rest>,
    fetcher: Fetcher,
    stop: &CancellationToken,
) -> Result<(), Broken> {
    let starting = async {
        let me = ask(rest, "/users/@me").await?;
        let application = ask(rest, "/applications/@me").await?;
        match commands::register(rest, application, &settings.guilds).await {
            Ok(()) => {}
            Err(RestError::Unauthorized) => return Err(Broken::from(RestError::Unauthorized)),
            // Mentions and direct messages work all the same.
            Err(error) => tracing::error!("the slash commands could not be registered: {error}"),
        }
        Ok(me)
    };
    let me = tokio::select! {
        me = starting => me?,
        () = stop.cancelled() => return Ok(()),
    };
    let text = |ids: &[u64]| ids.iter().map(ToString::to_string).collect();
    let admins = Admins {
        users: text(&settings.admins),
        roles: text(&settings.admin_roles),
        managers: true,
    };
    let (channels, guilds) = (settings.channels.clone(), settings.guilds.clone());
    let rules = Rules { admins, channels, guilds };
    let front = Front::new(bot.clone(), Arc::clone(rest), fetcher, me, rules, stop.clone());
    let front = Arc::new(front);
    let mut client = connect(settings, &front).await?;
    let shards = Arc::clone(&client.shard_manager);
    let stopping = async {
        stop.cancelled().await;
        finish(&front, &shards).await;
    };
    tokio::select! {
        ended = client.start_autosharded() => match ended {
            Ok(()) if stop.is_cancelled() => Ok(()),
            Ok(()) => Err(Broken::Passing("the connection ended".into())),
            Err(error) => {
                let _ = tokio::time::timeout(CLOSE, shards.shutdown_all()).await;
                Err(broken(&error))
            }
        },
        () = stopping => Ok(()),
    }
}

/// The id of what is asked for.
async fn ask(rest: &Rest, path: &str) -> Result<u64, Broken> {
    let call = Call { method: Method::GET, path, body: Body::None, again: true };
    let answer = rest.call(call).await?;
    let id = answer.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| Broken::Passing(format!("the answer to GET {path} holds no id")))
}

/// A client that is not started yet.
async fn connect(settings: &DiscordSettings, front: &Arc<Front>) -> Result<Client, Broken> {
    let mut intents =
        GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGES | GatewayIntents::DIRECT_MESSAGES;
    if !settings.channels.is_empty() {
        intents |= GatewayIntents::MESSAGE_CONTENT;
    }
    let mut http = HttpBuilder::new(settings.token.expose_secret().trim());
    let proxy = settings.api_url.trim().trim_end_matches('/');
    if !proxy.is_empty() {
        // serenity's limiter would go past the proxy; only the gateway's address is asked for here.
        http = http.proxy(proxy).ratelimiter_disabled(true);
    }
    let client = ClientBuilder::new_with_http(http.build(), intents)
        .status(OnlineStatus::Online)
        .activity(ActivityData::custom(say("en", "discord-presence", &[])))
        .event_handler(Handler(Arc::clone(front)));
    let client = tokio::time::timeout(GATEWAY, client);
    let late = |_| Broken::Passing("the gateway's address took too long".into());
    client.await.map_err(late)?.map_err(|error| broken(&error))
}

/// Lets what is in work come to its end, and says goodbye.
async fn finish(front: &Front, shards: &ShardManager) {
    for runner in shards.runners.lock().await.values() {
        let stopping = ActivityData::custom(say("en", "discord-stopping", &[]));
        runner.runner_tx.set_presence(Some(stopping), OnlineStatus::Idle);
    }
    front.work.close();
    let grace = Duration::from_secs(front.bot.settings().bot.grace_s) + LAST_WORDS;
    if tokio::time::timeout(grace, front.work.wait()).await.is_err() {
        tracing::warn!("some answers on Discord were broken off");
    }
    let _ = tokio::time::timeout(CLOSE, shards.shutdown_all()).await;
}

/// What an error of serenity's means for whoever runs this.
fn broken(error: &serenity::Error) -> Broken {
    use serenity::Error::{Gateway, Http};
    match error {
        Gateway(GatewayError::InvalidAuthentication | GatewayError::NoAuthentication) => {
            Broken::Hopeless(REVOKED.into())
        }
        Gateway(GatewayError::DisallowedGatewayIntents) => Broken::Hopeless(
            "Discord does not let the bot read messages: switch on \"Message Content Intent\" on \
             the Bot page of https://discord.com/developers/applications, or leave \
             discord.channels empty"
                .into(),
        ),
        Http(error) if error.status_code().is_some_and(|s| s.as_u16() == 401) => {
            Broken::Hopeless(REVOKED.into())
        }
        Http(error) => {
            let status = error.status_code().map_or(0, |s| s.as_u16());
            Broken::Passing(format!("asking for the gateway failed with status {status}"))
        }
        Gateway(error) => Broken::Passing(format!("the gateway broke off: {error}")),
        _ => Broken::Passing("the gateway broke off".into()),
    }
}
