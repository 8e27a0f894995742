//! From Discord's events to requests: what is meant for the bot, with which files.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde::Deserialize;
use serde_json::{Value, json};
use serenity::model::application::{CommandInteraction, ComponentInteraction, Interaction};
use serenity::model::channel::{Attachment, Message, MessageFlags, MessageType};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attachment::{Fetcher, Wanted, carried, is_photo};
use super::buttons;
use super::commands::Commands;
use super::guilds::Guilds;
use super::options::{Asked, Unread, read};
use super::outlet::{Outlet, callback};
use super::render::{Writer, answered_before};
use super::rest::{Rest, RestError};
use super::speaker::{Arrived, Rules, Speaker};
use super::text;
use super::turns::{Turn, Turns};
use crate::bot::command::{self, Command, Kb};
use crate::bot::{Bot, Platform, RepliedTo, Request};
use crate::reading::asks;
use crate::words::{negotiate, say};

/// How long a delivery is known again.
const REMEMBERED: Duration = Duration::from_secs(600);
const DELIVERIES: u64 = 100_000;
/// Users whose language is remembered.
const LANGUAGES: u64 = 50_000;
/// Discord's limits of an autocompletion.
const CHOICES: usize = 25;
const CHOICE: usize = 100;
/// Longest that products are looked through for it; Discord waits three seconds.
const CHOOSING: Duration = Duration::from_millis(1200);

/// What all events are handled with.
pub struct Front {
    pub bot: Bot,
    pub rest: Arc<Rest>,
    pub fetcher: Fetcher,
    /// The bot's own user.
    pub me: u64,
    pub rules: Rules,
    pub guilds: Guilds,
    commands: Commands,
    /// Responses in work.
    pub work: TaskTracker,
    pub stop: CancellationToken,
    slots: Semaphore,
    turns: Arc<Turns>,
    seen: Cache<u64, ()>,
    /// Users' own languages, which commands and buttons tell.
    pub(super) languages: Cache<u64, String>,
}

impl Front {
    pub fn new(
        bot: Bot,
        rest: Arc<Rest>,
        fetcher: Fetcher,
        me: u64,
        rules: Rules,
        commands: Commands,
        stop: CancellationToken,
    ) -> Self {
        // Files are fetched before the bot counts a request, so there is a bound here as well.
        let slots = Semaphore::new(bot.settings().bot.concurrent.min(Semaphore::MAX_PERMITS));
        let seen = Cache::builder().max_capacity(DELIVERIES).time_to_live(REMEMBERED).build();
        let (guilds, work, turns) = (Guilds::default(), TaskTracker::new(), Arc::default());
        let languages = Cache::new(LANGUAGES);
        Self {
            bot,
            rest,
            fetcher,
            me,
            rules,
            guilds,
            commands,
            work,
            stop,
            slots,
            turns,
            seen,
            languages,
        }
    }

    /// Takes notice of an event, and begins what it asks for.
    pub fn hear(self: &Arc<Self>, event: &str, data: Value) {
        match event {
            "READY" => tracing::info!("connected to Discord"),
            "MESSAGE_CREATE" => match serde_json::from_value(data) {
                Ok(message) => self.take_message(message),
                Err(error) => tracing::warn!("a message could not be read: {error}"),
            },
            "INTERACTION_CREATE" => match Arrived::deserialize(&data) {
                Ok(arrived) => self.take_interaction(arrived, data),
                Err(error) => tracing::warn!("an interaction could not be read: {error}"),
            },
            other => {
                self.welcome(other, &data);
                self.guilds.hear(other, &data);
            }
        }
    }

    /// Registers the commands, in the background where that takes longer than so long.
    pub async fn register(self: &Arc<Self>, patience: Duration) {
        let front = Arc::clone(self);
        let registering = self.work.spawn(async move {
            // A token that is revoked is noticed by whoever waits for that.
            let _ = front.stop.run_until_cancelled(front.commands.register(&front.rest)).await;
        });
        let _ = tokio::time::timeout(patience, registering).await;
    }

    /// Gives a listed guild its commands, if they were refused before the bot was in it.
    fn welcome(self: &Arc<Self>, event: &str, guild: &Value) {
        let id = guild.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let Some(id) = id else { return };
        match event {
            "GUILD_CREATE" if self.commands.lacks(id) => {}
            // Unavailable, it is still the bot's.
            "GUILD_DELETE" if guild.get("unavailable").is_none() => return self.commands.lost(id),
            _ => return,
        }
        let front = Arc::clone(self);
        self.work.spawn(async move {
            let registering = front.commands.register_in(&front.rest, id);
            // A token that is revoked is noticed by whoever waits for that.
            let _ = front.stop.run_until_cancelled(registering).await;
        });
    }

    fn take_message(self: &Arc<Self>, message: Message) {
        if !self.is_request(&message) || !self.is_new(message.id.get()) {
            return;
        }
        let from = self.author(&message);
        let turn = self.turns.take((message.channel_id.get(), message.author.id.get()));
        let front = Arc::clone(self);
        self.work.spawn(async move { front.message(message, from, turn).await });
    }

    fn take_interaction(self: &Arc<Self>, arrived: Arrived, data: Value) {
        let Some(from) = self.invoker(&arrived).filter(|_| self.is_new(arrived.id.get())) else {
            return;
        };
        let read = serde_json::from_value(data);
        let place = arrived.place();
        let turn = match read {
            Ok(Interaction::Command(_) | Interaction::Component(_)) => self.turns.take(place),
            _ => None,
        };
        let front = Arc::clone(self);
        self.work.spawn(async move {
            match read {
                Ok(Interaction::Command(command)) => {
                    front.command(command, arrived, from, turn).await;
                }
                Ok(Interaction::Autocomplete(command)) => {
                    front.autocomplete(command, arrived, from).await;
                }
                Ok(Interaction::Component(pressed)) => {
                    front.component(pressed, arrived, from, turn).await;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!("an interaction could not be read: {error}"),
            }
        });
    }

    /// Whether an event is delivered for the first time.
    fn is_new(&self, id: u64) -> bool {
        self.seen.entry(id).or_insert(()).is_fresh()
    }

    async fn message(&self, message: Message, from: Speaker, turn: Option<Turn>) {
        let outlet = Outlet::message(
            Arc::clone(&self.rest),
            message.channel_id.get(),
            message.id.get(),
            message.author.id.get(),
        );
        let words = unmentioned(&message.content, self.me);
        let given = command::parse(&words);
        let import = given == Command::Kb(Kb::Import);
        let mut request =
            Request { delivery: message.id.to_string(), text: words, ..from.request() };
        if !self.comes(turn.as_ref()).await {
            return self.busy(outlet, &request).await;
        }
        if let Some(key) = self.unseen(&message, &given) {
            return self.refuse(outlet, &request, key).await;
        }
        let mut files: Vec<Attachment> = carried(&message).cloned().collect();
        if !self.is_for_me(&message) {
            files.retain(is_photo);
        }
        let mut replied = Vec::new();
        if let Some(other) = &message.referenced_message {
            // Its own thumbnails are no photos of anybody's; the session knows what it showed.
            let own = other.author.id.get() == self.me;
            replied = carried(other).filter(|a| !own && is_photo(a)).cloned().collect();
            request.reply_to = Some(RepliedTo { text: other.content.clone(), files: Vec::new() });
        }
        let wanted = if import { Wanted::Archive } else { Wanted::Photos };
        self.respond(Incoming { outlet, wanted, files, replied, request, pressed: None }).await;
    }

    /// Whether a message is meant for the bot, by itself or by what it answers.
    fn is_for_me(&self, message: &Message) -> bool {
        let replied = message.referenced_message.as_ref();
        message.guild_id.is_none()
            || self.is_named(message)
            || replied.is_some_and(|replied| replied.author.id.get() == self.me)
    }

    fn is_named(&self, message: &Message) -> bool {
        message.mentions.iter().any(|user| user.id.get() == self.me)
    }

    fn is_request(&self, message: &Message) -> bool {
        let kind = matches!(message.kind, MessageType::Regular | MessageType::InlineReply);
        if !kind || message.author.bot || message.webhook_id.is_some() {
            return false;
        }
        let heard = || carried(message).any(is_photo) || self.goes_on(message);
        self.is_for_me(message) || (self.is_listed(message) && heard())
    }

    /// Whether a message without a photo, said to nobody, goes on with what its author and the bot
    /// talk of.
    fn goes_on(&self, message: &Message) -> bool {
        let place = (message.channel_id.get(), message.author.id.get());
        let said = Request { text: message.content.clone(), ..self.author(message).request() };
        let to_nobody = message.mentions.is_empty() && message.referenced_message.is_none();
        to_nobody && (self.bot.goes_on(&said) || (asks(&said.text) && self.turns.any(place)))
    }

    /// Whether a message stands in a listed channel or in a thread of one.
    fn is_listed(&self, message: &Message) -> bool {
        let channel = message.channel_id.get();
        let parent = message.guild_id.and_then(|guild| self.guilds.parent(guild.get(), channel));
        [Some(channel), parent].iter().flatten().any(|c| self.rules.channels.contains(c))
    }

    /// The sentence for a message whose words or photo Discord keeps from the bot: without the
    /// message content intent it shows only direct messages, messages that mention the bot, and the
    /// bot's own.
    fn unseen(&self, message: &Message, given: &Command) -> Option<&'static str> {
        if message.guild_id.is_none() || !self.rules.channels.is_empty() {
            return None;
        }
        let blank = |m: &Message| {
            m.content.is_empty()
                && m.attachments.is_empty()
                && m.message_snapshots.is_empty()
                && m.embeds.is_empty()
                && m.sticker_items.is_empty()
        };
        if !self.is_named(message) {
            return blank(message).then_some("discord-unread");
        }
        let other = message.referenced_message.as_deref()?;
        let hidden = other.author.id.get() != self.me && !self.is_named(other) && blank(other);
        let wants_photo = matches!(
            given,
            Command::Ask(_) | Command::Similar { .. } | Command::Kb(Kb::Add { .. })
        );
        (hidden && wants_photo && message.attachments.is_empty()).then_some("discord-unseen")
    }

    /// Waits for a request's turn, and tells whether it has one: not where too many wait.
    async fn comes(&self, turn: Option<&Turn>) -> bool {
        let Some(turn) = turn else { return false };
        // When the bot stops, each that waits is told so.
        self.stop.run_until_cancelled(turn.come()).await;
        true
    }

    async fn command(
        &self,
        interaction: CommandInteraction,
        arrived: Arrived,
        from: Speaker,
        turn: Option<Turn>,
    ) {
        let asked = read(&interaction.data);
        let private = asked.as_ref().map_or(true, |a| a.private);
        let opened = Outlet::interaction(Arc::clone(&self.rest), arrived.opening(), private).await;
        let Ok(outlet) = opened.inspect_err(unacknowledged) else { return };
        let request = Request { delivery: interaction.id.to_string(), ..from.request() };
        if !self.comes(turn.as_ref()).await {
            return self.busy(outlet, &request).await;
        }
        let Asked { command, files, wanted, .. } = match asked {
            Ok(asked) => asked,
            Err(Unread::NoPhoto) => return self.refuse(outlet, &request, "discord-no-photo").await,
            Err(Unread::Unknown) => {
                let language = negotiate(&request.language);
                let name = format!("/{}", text::label(&interaction.data.name, CHOICE));
                let sentence = say(&language, "unknown-command", &[("name", name.into())]);
                return self.tell(outlet, &request, sentence).await;
            }
        };
        let request = Request { command: Some(command), ..request };
        let (replied, pressed) = (Vec::new(), None);
        self.respond(Incoming { outlet, wanted, files, replied, request, pressed }).await;
    }

    async fn component(
        &self,
        interaction: ComponentInteraction,
        arrived: Arrived,
        from: Speaker,
        turn: Option<Turn>,
    ) {
        // What answers a message that only one user sees is for that user only as well.
        let flags = interaction.message.flags.unwrap_or_default();
        let private = flags.contains(MessageFlags::EPHEMERAL);
        let custom_id = &interaction.data.custom_id;
        let opened = Outlet::press(Arc::clone(&self.rest), arrived.opening(), private).await;
        let Ok(outlet) = opened.inspect_err(unacknowledged) else { return };
        let request = Request {
            delivery: interaction.id.to_string(),
            press: Some(buttons::action(custom_id).to_owned()),
            ..from.request()
        };
        if !self.comes(turn.as_ref()).await {
            return self.busy(outlet, &request).await;
        }
        let pressed = Some(buttons::answered(&interaction.message.components, custom_id));
        let (wanted, files, replied) = (Wanted::Photos, Vec::new(), Vec::new());
        self.respond(Incoming { outlet, wanted, files, replied, request, pressed }).await;
    }

    /// Fetches the files, asks the bot and writes what it says.
    async fn respond(&self, incoming: Incoming) {
        let Incoming { mut outlet, wanted, files, replied, mut request, pressed } = incoming;
        let language = negotiate(&request.language);
        let kb = self.bot.kb(Platform::Discord, &request.space, &request.chat);
        let writer = |outlet| Writer::new(outlet, kb, &language);
        if self.stop.is_cancelled() {
            return writer(outlet).refuse(&say(&language, "stopping", &[])).await;
        }
        let Ok(_slot) = self.slots.try_acquire() else {
            return self.busy(outlet, &request).await;
        };
        let given = request.command.clone().unwrap_or_else(|| command::parse(&request.text));
        if matches!(given, Command::Kb(_)) && !request.admin {
            // The bot refuses this; nothing needs to be fetched for it.
        } else if !(files.is_empty() && replied.is_empty()) {
            outlet.typing().await;
            // A message's own files go before those of the one it answers.
            let own = !files.is_empty();
            let some = if own { files } else { replied };
            let fetched = match self.fetcher.fetch(&some, wanted, &language).await {
                Ok(fetched) => fetched,
                Err(sentence) => return self.tell(outlet, &request, sentence).await,
            };
            match &mut request.reply_to {
                Some(reply_to) if !own => reply_to.files = fetched,
                _ => request.files = fetched,
            }
        }
        let replies = self.bot.handle(request);
        writer(outlet).pressed(pressed).write(replies).await;
    }

    /// Turns a request away because there are too many.
    async fn busy(&self, outlet: Outlet, request: &Request) {
        let sentence = say(&negotiate(&request.language), "busy", &[("seconds", 5u64.into())]);
        self.tell(outlet, request, sentence).await;
    }

    /// Refuses a request that the bot is not asked about.
    async fn refuse(&self, outlet: Outlet, request: &Request, key: &str) {
        let sentence = say(&negotiate(&request.language), key, &[]);
        self.tell(outlet, request, sentence).await;
    }

    /// Says a sentence in place of an answer; it counts as one.
    async fn tell(&self, outlet: Outlet, request: &Request, mut sentence: String) {
        let language = negotiate(&request.language);
        if let Err(failure) = self.bot.admit(Platform::Discord, &request.user, &language) {
            sentence = failure.text;
        }
        let kb = self.bot.kb(Platform::Discord, &request.space, &request.chat);
        Writer::new(outlet, kb, &language).refuse(&sentence).await;
    }

    async fn autocomplete(&self, interaction: CommandInteraction, arrived: Arrived, from: Speaker) {
        let words = interaction.data.autocomplete().map(|o| o.value.to_owned());
        let mut choices = Vec::new();
        // Ids and titles are the admins' business, as `/kb list` is.
        if let (Some(words), true) = (words, from.admin) {
            let kb = self.bot.kb(Platform::Discord, &from.space, &from.chat);
            match kb.names(&words, CHOICES, CHOOSING).await {
                Ok(names) => choices.extend(names.into_iter().filter_map(|n| {
                    // A longer id cannot be a choice; it can still be typed.
                    let fits = n.id.encode_utf16().count() <= CHOICE;
                    let name = text::label(&format!("{} · {}", n.id, n.title), CHOICE);
                    fits.then(|| json!({ "name": name, "value": n.id }))
                })),
                Err(error) => tracing::warn!("no choices: {error}"),
            }
        }
        let body = json!({ "type": 8, "data": { "choices": choices } });
        let answered = callback(&self.rest, arrived.id.get(), &arrived.token, &body).await;
        let _ = answered.inspect_err(unacknowledged);
    }
}

struct Incoming {
    outlet: Outlet,
    wanted: Wanted,
    files: Vec<Attachment>,
    /// The photos of the message that this one answers.
    replied: Vec<Attachment>,
    request: Request,
    /// The buttons of the message that one was pressed on, as they are to stand afterwards.
    pressed: Option<Vec<Value>>,
}

fn unmentioned(text: &str, me: u64) -> String {
    let text = text.replace(&format!("<@{me}>"), " ").replace(&format!("<@!{me}>"), " ");
    text.trim().to_owned()
}

fn unacknowledged(error: &RestError) {
    if answered_before(error) {
        tracing::debug!("an interaction was answered before or is gone");
    } else {
        tracing::warn!("an interaction could not be acknowledged: {error}");
    }
}
