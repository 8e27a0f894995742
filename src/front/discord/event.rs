//! From Discord's events to requests: who speaks, where, in which language, with which files.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use serde_json::{Value, json};
use serenity::all::{
    CommandInteraction, ComponentInteraction, Context, EventHandler, Guild, Interaction, Member,
    Message, MessageFlags, MessageType, Permissions, Ready, RoleId, User,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attachment::{Fetcher, Wanted, is_photo};
use super::buttons;
use super::options::{Asked, Unread, read};
use super::outlet::{Opening, Outlet, callback};
use super::render::{Writer, answered_before};
use super::rest::{Rest, RestError};
use super::text;
use crate::bot::access::Admins;
use crate::bot::command::{self, Command, Kb};
use crate::bot::{Bot, Platform, RepliedTo, Request};
use crate::words::{negotiate, say};

/// How long a delivery is known again.
const REMEMBERED: Duration = Duration::from_secs(600);
const DELIVERIES: u64 = 100_000;
/// Discord's limits of an autocompletion.
const CHOICES: usize = 25;
const CHOICE: usize = 100;
/// Longest that products are looked through for it; Discord waits three seconds.
const CHOOSING: Duration = Duration::from_millis(1200);
const ENGLISH: &str = "en";

/// Who may do what, where.
pub struct Rules {
    pub admins: Admins,
    /// Channels in which a photo alone is a request.
    pub channels: Vec<u64>,
    /// Guilds whose managers are admins; none: all that the bot is in.
    pub guilds: Vec<u64>,
}

/// What all events are handled with.
pub struct Front {
    pub bot: Bot,
    pub rest: Arc<Rest>,
    pub fetcher: Fetcher,
    /// The bot's own user.
    pub me: u64,
    pub rules: Rules,
    /// Responses in work.
    pub work: TaskTracker,
    pub stop: CancellationToken,
    slots: Semaphore,
    seen: Cache<u64, ()>,
}

/// A user in a place.
struct Speaker {
    space: String,
    chat: String,
    user: String,
    name: String,
    language: String,
    admin: bool,
}

impl Front {
    pub fn new(
        bot: Bot,
        rest: Arc<Rest>,
        fetcher: Fetcher,
        me: u64,
        rules: Rules,
        stop: CancellationToken,
    ) -> Self {
        // Files are fetched before the bot counts a request, so there is a bound here as well.
        let slots = Semaphore::new(bot.settings().bot.concurrent.min(Semaphore::MAX_PERMITS));
        let seen = Cache::builder().max_capacity(DELIVERIES).time_to_live(REMEMBERED).build();
        let work = TaskTracker::new();
        Self { bot, rest, fetcher, me, rules, work, stop, slots, seen }
    }

    /// Whether an event is delivered for the first time.
    fn is_new(&self, id: u64) -> bool {
        self.seen.entry(id).or_insert(()).is_fresh()
    }

    async fn message(&self, message: Message, from: Speaker) {
        let rest = Arc::clone(&self.rest);
        let outlet = Outlet::message(rest, message.channel_id.get(), message.id.get());
        let words = unmentioned(&message.content, self.me);
        let import = command::parse(&words) == Command::Kb(Kb::Import);
        let addressed = self.is_for_me(&message);
        let mut asked = Incoming {
            outlet,
            wanted: if import { Wanted::Archive } else { Wanted::Photos },
            files: message.attachments.clone(),
            replied: Vec::new(),
            pressed: None,
            request: Request { delivery: message.id.to_string(), text: words, ..from.request() },
        };
        if !addressed {
            asked.files.retain(is_photo);
        }
        if let Some(replied) = &message.referenced_message {
            // Its own thumbnails are no photos of anybody's; the session knows what it showed.
            let own = replied.author.id.get() == self.me;
            asked.replied =
                replied.attachments.iter().filter(|a| !own && is_photo(a)).cloned().collect();
            let reply_to = RepliedTo { text: replied.content.clone(), files: Vec::new() };
            asked.request.reply_to = Some(reply_to);
        }
        self.respond(asked).await;
    }

    /// Whether a message is meant for the bot, by itself or by what it answers.
    fn is_for_me(&self, message: &Message) -> bool {
        let replied = message.referenced_message.as_ref();
        message.guild_id.is_none()
            || message.mentions.iter().any(|user| user.id.get() == self.me)
            || replied.is_some_and(|replied| replied.author.id.get() == self.me)
    }

    fn is_request(&self, message: &Message) -> bool {
        let kind = matches!(message.kind, MessageType::Regular | MessageType::InlineReply);
        if !kind || message.author.bot || message.webhook_id.is_some() {
            return false;
        }
        let listed = || self.rules.channels.contains(&message.channel_id.get());
        self.is_for_me(message) || (listed() && message.attachments.iter().any(is_photo))
    }

    async fn command(&self, interaction: CommandInteraction) {
        let from = self.of(
            interaction.guild_id.map(|g| g.get()),
            interaction.channel_id.get(),
            &interaction.user,
            interaction.member.as_deref(),
            &interaction.locale,
        );
        let language = from.language.clone();
        let asked = read(&interaction.data);
        let private = asked.as_ref().map_or(true, |a| a.private);
        let opening = Opening {
            application: interaction.application_id.get(),
            id: interaction.id.get(),
            token: interaction.token.clone(),
            channel: interaction.channel_id.get(),
            user: interaction.user.id.get(),
        };
        let opened = Outlet::interaction(Arc::clone(&self.rest), opening, private).await;
        let Ok(outlet) = opened.inspect_err(unacknowledged) else { return };
        let Asked { command, files, wanted, .. } = match asked {
            Ok(asked) => asked,
            Err(unread) => {
                let sentence = match unread {
                    Unread::NoPhoto => say(&language, "discord-no-photo", &[]),
                    Unread::Unknown => {
                        let name = format!("/{}", text::label(&interaction.data.name, CHOICE));
                        say(&language, "unknown-command", &[("name", name.into())])
                    }
                };
                let kb = self.bot.kb(Platform::Discord, &from.space, &from.chat);
                return Writer::new(outlet, kb, &language).refuse(&sentence).await;
            }
        };
        let request = Request {
            delivery: interaction.id.to_string(),
            command: Some(command),
            ..from.request()
        };
        let (replied, pressed) = (Vec::new(), None);
        self.respond(Incoming { outlet, wanted, files, replied, request, pressed }).await;
    }

    async fn component(&self, interaction: ComponentInteraction) {
        let from = self.of(
            interaction.guild_id.map(|g| g.get()),
            interaction.channel_id.get(),
            &interaction.user,
            interaction.member.as_ref(),
            &interaction.locale,
        );
        // What answers a message that only one user sees is for that user only as well.
        let flags = interaction.message.flags.unwrap_or_default();
        let private = flags.contains(MessageFlags::EPHEMERAL);
        let custom_id = &interaction.data.custom_id;
        let opening = Opening {
            application: interaction.application_id.get(),
            id: interaction.id.get(),
            token: interaction.token.clone(),
            channel: interaction.channel_id.get(),
            user: interaction.user.id.get(),
        };
        let opened = Outlet::press(Arc::clone(&self.rest), opening, private).await;
        let Ok(outlet) = opened.inspect_err(unacknowledged) else { return };
        let request = Request {
            delivery: interaction.id.to_string(),
            press: Some(buttons::action(custom_id).to_owned()),
            ..from.request()
        };
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
            let sentence = say(&language, "busy", &[("seconds", 5u64.into())]);
            return writer(outlet).refuse(&sentence).await;
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
                Err(sentence) => return writer(outlet).refuse(&sentence).await,
            };
            match &mut request.reply_to {
                Some(reply_to) if !own => reply_to.files = fetched,
                _ => request.files = fetched,
            }
        }
        let replies = self.bot.handle(request);
        writer(outlet).pressed(pressed).write(replies).await;
    }

    async fn autocomplete(&self, interaction: CommandInteraction) {
        let from = self.of(
            interaction.guild_id.map(|g| g.get()),
            interaction.channel_id.get(),
            &interaction.user,
            interaction.member.as_deref(),
            &interaction.locale,
        );
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
        let id = interaction.id.get();
        if let Err(error) = callback(&self.rest, id, &interaction.token, &body).await {
            unacknowledged(&error);
        }
    }

    /// Whether a guild's own managers may change the catalogue that serves it. Where guilds are
    /// listed, others that somebody invites the bot to have no say over the common catalogue.
    fn trusts(&self, guild: u64) -> bool {
        let own = || {
            let space = format!("{}:{guild}", Platform::Discord.name());
            self.bot.settings().spaces.iter().any(|s| s.space == space)
        };
        self.rules.guilds.is_empty() || self.rules.guilds.contains(&guild) || own()
    }

    fn of(
        &self,
        guild: Option<u64>,
        channel: u64,
        user: &User,
        member: Option<&Member>,
        locale: &str,
    ) -> Speaker {
        let roles: Vec<String> =
            member.map(|m| m.roles.iter().map(ToString::to_string).collect()).unwrap_or_default();
        let manages = guild.is_some_and(|guild| self.trusts(guild))
            && member
                .and_then(|m| m.permissions)
                .is_some_and(|p| p.manage_guild() || p.administrator());
        let nick = member.and_then(|m| m.nick.clone());
        Speaker {
            space: guild.map(|g| g.to_string()).unwrap_or_default(),
            chat: channel.to_string(),
            user: user.id.to_string(),
            name: nick.unwrap_or_else(|| user.display_name().to_owned()),
            language: locale.to_owned(),
            admin: self.rules.admins.admits(&user.id.to_string(), &roles, manages),
        }
    }

    /// Who wrote a message; `guild` is what is known of its guild.
    fn author(&self, message: &Message, guild: Option<&Guild>) -> Speaker {
        let user = &message.author;
        let member = message.member.as_deref();
        let roles: &[RoleId] = member.map(|m| m.roles.as_slice()).unwrap_or_default();
        let manages = |guild: &Guild| self.trusts(guild.id.get()) && manages(guild, user, roles);
        let manages = guild.is_some_and(manages);
        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
        let nick = member.and_then(|m| m.nick.clone());
        Speaker {
            space: message.guild_id.map(|g| g.to_string()).unwrap_or_default(),
            chat: message.channel_id.to_string(),
            user: user.id.to_string(),
            name: nick.unwrap_or_else(|| user.display_name().to_owned()),
            language: guild.map_or_else(|| ENGLISH.to_owned(), |g| g.preferred_locale.clone()),
            admin: self.rules.admins.admits(&user.id.to_string(), &roles, manages),
        }
    }
}

struct Incoming {
    outlet: Outlet,
    wanted: Wanted,
    files: Vec<serenity::model::channel::Attachment>,
    /// The photos of the message that this one answers.
    replied: Vec<serenity::model::channel::Attachment>,
    request: Request,
    /// The buttons of the message that one was pressed on, as they are to stand afterwards.
    pressed: Option<Vec<Value>>,
}

impl Speaker {
    fn request(&self) -> Request {
        let Self { space, chat, user, name, language, admin } = self;
        Request {
            name: name.clone(),
            language: language.clone(),
            admin: *admin,
            ..Request::new(Platform::Discord, space, chat, user)
        }
    }
}

/// Whether a member may manage the guild: by owning it or by a role, everybody's included.
fn manages(guild: &Guild, user: &User, roles: &[RoleId]) -> bool {
    let everyone = RoleId::new(guild.id.get());
    guild.owner_id == user.id
        || roles.iter().chain([&everyone]).filter_map(|id| guild.roles.get(id)).any(|role| {
            role.permissions.intersects(Permissions::MANAGE_GUILD | Permissions::ADMINISTRATOR)
        })
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

/// Hands serenity's events on.
pub struct Handler(pub Arc<Front>);

#[serenity::async_trait]
impl EventHandler for Handler {
    async fn ready(&self, _: Context, ready: Ready) {
        tracing::info!(guilds = ready.guilds.len(), "connected to Discord");
    }

    async fn message(&self, context: Context, message: Message) {
        let front = &self.0;
        if !front.is_request(&message) || !front.is_new(message.id.get()) {
            return;
        }
        let from = {
            let guild = message.guild_id.and_then(|id| context.cache.guild(id));
            front.author(&message, guild.as_deref())
        };
        front.work.track_future(front.message(message, from)).await;
    }

    async fn interaction_create(&self, _: Context, interaction: Interaction) {
        let front = &self.0;
        if !front.is_new(interaction.id().get()) {
            return;
        }
        let work = async {
            match interaction {
                Interaction::Command(command) => front.command(command).await,
                Interaction::Autocomplete(command) => front.autocomplete(command).await,
                Interaction::Component(component) => front.component(component).await,
                _ => {}
            }
        };
        front.work.track_future(work).await;
    }
}
