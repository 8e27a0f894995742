//! Discord: messages, slash commands and buttons in, embeds and a growing answer out.
//!
//! [`run`] is driven by `magpie serve`. `gateway.rs` keeps the connections, one a shard; `event.rs`
//! turns what comes by them into requests, `render.rs` writes the replies through `outlet.rs` and
//! `rest.rs`. serenity gives Discord's types and the builders of commands. Commands are declared
//! without poise: the bot has its own commands and dispatch, and what poise sends cannot be held to
//! the limits that `rest.rs` keeps.

mod attachment;
mod buttons;
mod commands;
mod event;
mod gateway;
mod guilds;
mod options;
mod outlet;
mod render;
mod rest;
mod speaker;
mod text;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use rand::RngExt;
use reqwest::Method;
use serde_json::{Value, json};
use serenity::model::gateway::GatewayIntents;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bot::Bot;
use crate::bot::access::Admins;
use crate::config::DiscordSettings;
use crate::words::say;
use attachment::Fetcher;
use commands::Commands;
use event::Front;
use gateway::{Gateway, Shard};
use rest::{Body, Call, Rest, RestError};
use speaker::Rules;

/// Pause before a failed start is tried again; it doubles up to the second.
const RETRY: Duration = Duration::from_secs(2);
const MAX_RETRY: Duration = Duration::from_secs(300);
/// How long the connections wait for the commands to be registered.
const REGISTERING: Duration = Duration::from_secs(10);
/// More than any bot has.
const MAX_SHARDS: u64 = 4096;
const MAX_STARTS: u64 = 64;
/// What is left of the time to stop after the bot's own has run out.
const LAST_WORDS: Duration = Duration::from_secs(3);

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
        let began = Instant::now();
        let fetcher = Fetcher::new(&settings.cdn_hosts, &bot)?;
        let serving = serve(&settings, &bot, &rest, fetcher, &stop);
        let why = match serving.await {
            Ok(()) => return Ok(()),
            Err(Broken::Hopeless(why)) => return Err(why),
            Err(Broken::Passing(why)) => why,
        };
        if began.elapsed() > MAX_RETRY {
            pause = RETRY;
        }
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
        let me = id(&ask(rest, "/users/@me").await?)?;
        let application = id(&ask(rest, "/applications/@me").await?)?;
        let (photos, dir) = (bot.settings().bot.max_photos, &bot.settings().catalogue.dir);
        let noted = dir.join(format!("discord-{application}.json"));
        let commands = Commands::new(application, settings.guilds.clone(), photos, noted);
        let (gateway, shards) = open(settings, &ask(rest, "/gateway/bot").await?)?;
        Ok::<_, Broken>((me, commands, gateway, shards))
    };
    let (me, commands, gateway, shards) = tokio::select! {
        started = starting => started?,
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
    let (bot, rest_too, stop_too) = (bot.clone(), Arc::clone(rest), stop.clone());
    let front = Front::new(bot, rest_too, fetcher, me, rules, commands, stop_too);
    let front = Arc::new(front);
    front.register(REGISTERING).await;
    let keep = |number| {
        let front = Arc::clone(&front);
        let hear = move |event: &str, data| front.hear(event, data);
        gateway.keep(Shard { number, of: shards }, hear)
    };
    let stopping = async {
        stop.cancelled().await;
        gateway.show(presence("idle", "discord-stopping"));
        finish(&front).await;
        gateway.close();
        Ok::<(), Broken>(())
    };
    // Once told to stop, it ends when every connection has said goodbye.
    let serving = async { tokio::try_join!(try_join_all((0..shards).map(keep)), stopping) };
    tokio::select! {
        ended = serving => ended.map(drop),
        () = rest.revoked() => Err(Broken::Hopeless(REVOKED.into())),
    }
}

async fn ask(rest: &Rest, path: &str) -> Result<Value, RestError> {
    rest.call(Call { method: Method::GET, path, body: Body::None, again: true }).await
}

/// The id of what was asked for.
fn id(answer: &Value) -> Result<u64, Broken> {
    let id = answer.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| Broken::Passing("Discord's answer holds no id".into()))
}

/// The gateway that Discord names, and how many shards it wants.
fn open(settings: &DiscordSettings, named: &Value) -> Result<(Gateway, u64), Broken> {
    let number = |name: &str| named.pointer(name).and_then(Value::as_u64);
    let url = named.get("url").and_then(Value::as_str);
    let url = url.ok_or_else(|| Broken::Passing("Discord names no gateway".into()))?;
    if number("/session_start_limit/remaining") == Some(0) {
        let wait = number("/session_start_limit/reset_after").unwrap_or(0) / 1000;
        return Err(Broken::Passing(format!("Discord allows no more sessions for {wait} s")));
    }
    let mut intents =
        GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGES | GatewayIntents::DIRECT_MESSAGES;
    if !settings.channels.is_empty() {
        intents |= GatewayIntents::MESSAGE_CONTENT;
    }
    let starts = number("/session_start_limit/max_concurrency").unwrap_or(1);
    let starts = usize::try_from(starts.clamp(1, MAX_STARTS)).unwrap_or(1);
    let shown = presence("online", "discord-presence");
    let made = Gateway::new(url.to_owned(), &settings.token, intents.bits(), shown, starts);
    Ok((made.map_err(Broken::Hopeless)?, number("/shards").unwrap_or(1).clamp(1, MAX_SHARDS)))
}

/// What Discord shows of the bot: a status, and a sentence beside it.
fn presence(status: &str, key: &str) -> Value {
    let activity = json!({ "name": "Custom Status", "type": 4, "state": say("en", key, &[]) });
    json!({ "since": null, "activities": [activity], "status": status, "afk": false })
}

/// Lets what is in work come to its end.
async fn finish(front: &Front) {
    front.work.close();
    let grace = Duration::from_secs(front.bot.settings().bot.grace_s) + LAST_WORDS;
    if tokio::time::timeout(grace, front.work.wait()).await.is_err() {
        tracing::warn!("some answers on Discord were broken off");
    }
}
