//! `magpie serve`: the bot with every front-end that is configured, until it is told to stop.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use clap::Args;
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Context, Outcome, output};
use crate::bot::Bot;
use crate::clip::Clip;
use crate::config::Settings;
use crate::front::web::Server;
use crate::front::{discord, telegram};

const UPKEEP: Duration = Duration::from_secs(3600);

#[derive(Args)]
pub(super) struct Serve {
    /// Remember no answers: ask the vision model each time, as with answer.cache = 0
    #[arg(long)]
    no_cache: bool,
}

pub(super) fn run(context: &Context, args: &Serve) -> Result<Outcome> {
    let mut settings = context.settings.clone();
    if args.no_cache {
        settings.answer.cache = 0;
    }
    serve(settings, context.clip()?, context.json)
}

/// Serves until SIGTERM or Ctrl-C. The first line on stdout is the web chat's address.
pub(super) fn serve(mut settings: Settings, clip: Clip, json: bool) -> Result<Outcome> {
    let made = admin_token(&mut settings);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let grace = Duration::from_secs(settings.bot.grace_s);
        let closing = CancellationToken::new();
        let bot = Bot::new(settings.clone(), clip)?;
        let (webhook, telegram) = telegram(&settings, &bot, &closing).unzip();
        let server = Server::bind(&settings.web, bot.clone(), webhook.unwrap_or_default()).await?;
        let url = server.url();
        if json {
            output::json(&json!({ "url": url }))?;
        } else {
            output::line(&url);
            if let Some(token) = made {
                output::line(&format!("{url}admin#token={} (for admins)", token.expose_secret()));
            }
        }
        let upkeep = tokio::spawn(kept_up(bot.clone(), closing.clone()));
        let mut serving = tokio::spawn(server.run(closing.clone()));
        let fronts = fronts(&settings, &bot, &closing, telegram);
        tokio::select! {
            ended = &mut serving => {
                ended.context("the web server broke off")?;
                return Ok(Outcome::Done);
            }
            signal = told_to_stop() => signal?,
        }
        tracing::info!("stopping");
        closing.cancel();
        tokio::select! {
            // The server has a bound of its own, a little after the bot's.
            _ = async { tokio::join!(bot.stop(grace), &mut serving, fronts.wait()) } => {}
            // Asked twice is an order.
            again = told_to_stop() => again?,
        }
        upkeep.abort();
        Ok(Outcome::Done)
    })
}

/// Deletes what need not be kept any longer, at once and then every hour.
async fn kept_up(bot: Bot, closing: CancellationToken) {
    let mut hourly = tokio::time::interval(UPKEEP);
    while closing.run_until_cancelled(hourly.tick()).await.is_some() {
        bot.upkeep().await;
    }
}

/// Telegram's front-end where there is a token, with the routes it needs on the web server.
fn telegram(
    settings: &Settings,
    bot: &Bot,
    closing: &CancellationToken,
) -> Option<(Router, impl Future<Output = Result<(), String>> + Send + use<>)> {
    let settings = settings.telegram.clone();
    if !is_set(&settings.token) {
        tracing::info!("Telegram is off: telegram.token (MAGPIE__TELEGRAM__TOKEN) is not set");
        return None;
    }
    let (routes, deliveries) = match telegram::webhook(&settings) {
        Ok(webhook) => {
            let (routes, deliveries) = webhook.unzip();
            (routes.unwrap_or_default(), Ok(deliveries))
        }
        Err(reason) => (Router::new(), Err(reason)),
    };
    let (bot, closing) = (bot.clone(), closing.clone());
    Some((routes, async move { telegram::run(settings, bot, deliveries?, closing).await }))
}

/// Starts the front-ends that have a token. One that gives up says so and leaves the others running.
fn fronts(
    settings: &Settings,
    bot: &Bot,
    closing: &CancellationToken,
    telegram: Option<impl Future<Output = Result<(), String>> + Send + 'static>,
) -> TaskTracker {
    let tasks = TaskTracker::new();
    if is_set(&settings.discord.token) {
        let front = discord::run(settings.discord.clone(), bot.clone(), closing.clone());
        tasks.spawn(supervised("Discord", front));
    } else {
        tracing::info!("Discord is off: discord.token (MAGPIE__DISCORD__TOKEN) is not set");
    }
    if let Some(front) = telegram {
        tasks.spawn(supervised("Telegram", front));
    }
    tasks.close();
    tasks
}

fn is_set(token: &SecretString) -> bool {
    !token.expose_secret().trim().is_empty()
}

async fn supervised(name: &str, front: impl Future<Output = Result<(), String>>) {
    if let Err(reason) = front.await {
        tracing::error!("{name} is off: {reason}");
    }
}

/// A token for this run, where none is configured and somebody sits at the terminal to read it.
fn admin_token(settings: &mut Settings) -> Option<SecretString> {
    if !settings.web.admin_token.expose_secret().trim().is_empty() {
        return None;
    }
    if !std::io::stdout().is_terminal() {
        tracing::info!("there are no admins: MAGPIE__WEB__ADMIN_TOKEN is not set");
        return None;
    }
    let token = SecretString::from(format!("{:032x}", rand::rng().random::<u128>()));
    settings.web.admin_token = token.clone();
    Some(token)
}

async fn told_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
