//! Who speaks, where, in which language, and whether the catalogue is theirs to change.

use serde::Deserialize;
use serenity::model::Permissions;
use serenity::model::channel::Message;
use serenity::model::id::{ApplicationId, ChannelId, GuildId, InteractionId, RoleId};
use serenity::model::user::User;

use super::event::Front;
use super::guilds::manages;
use super::outlet::Opening;
use crate::bot::access::Admins;
use crate::bot::{Platform, Request};

const ENGLISH: &str = "en";

/// Who may do what, where.
pub struct Rules {
    pub admins: Admins,
    /// Channels in which a photo needs no mention, nor does a question about it.
    pub channels: Vec<u64>,
    /// Guilds whose managers are admins; none: all that the bot is in.
    pub guilds: Vec<u64>,
}

/// A user in a place.
pub struct Speaker {
    pub space: String,
    pub chat: String,
    pub user: String,
    pub name: String,
    pub language: String,
    pub admin: bool,
}

impl Speaker {
    /// A request with nothing in it yet.
    pub fn request(&self) -> Request {
        let Self { space, chat, user, name, language, admin } = self;
        Request {
            name: name.clone(),
            language: language.clone(),
            admin: *admin,
            ..Request::new(Platform::Discord, space, chat, user)
        }
    }
}

/// What an interaction of any kind says of where it comes from.
#[derive(Deserialize)]
pub struct Arrived {
    pub id: InteractionId,
    application_id: ApplicationId,
    pub token: String,
    channel_id: ChannelId,
    guild_id: Option<GuildId>,
    #[serde(default)]
    locale: String,
    /// In direct messages.
    user: Option<User>,
    /// In a guild.
    member: Option<Member>,
}

#[derive(Deserialize)]
struct Member {
    user: User,
    nick: Option<String>,
    #[serde(default)]
    roles: Vec<RoleId>,
    permissions: Option<Permissions>,
}

impl Arrived {
    pub fn opening(&self) -> Opening {
        Opening {
            application: self.application_id.get(),
            id: self.id.get(),
            token: self.token.clone(),
            channel: self.channel_id.get(),
            user: self.user().map_or(0, |user| user.id.get()),
        }
    }

    /// The channel it came from and who sent it.
    pub fn place(&self) -> (u64, u64) {
        (self.channel_id.get(), self.user().map_or(0, |user| user.id.get()))
    }

    fn user(&self) -> Option<&User> {
        self.member.as_ref().map(|member| &member.user).or(self.user.as_ref())
    }
}

impl Front {
    /// Who gave a command or pressed a button; none where Discord does not say.
    pub(super) fn invoker(&self, arrived: &Arrived) -> Option<Speaker> {
        let user = arrived.user()?;
        let member = arrived.member.as_ref();
        let permissions = member.and_then(|m| m.permissions);
        let trusted = arrived.guild_id.is_some_and(|guild| self.trusts(guild.get()));
        let roles = member.map(|m| m.roles.as_slice()).unwrap_or_default();
        let nick = member.and_then(|m| m.nick.clone());
        let place = (arrived.guild_id, arrived.channel_id);
        let manager = trusted && permissions.is_some_and(manages);
        let speaker = self.speaker(place, user, nick, roles, manager);
        self.languages.insert(user.id.get(), arrived.locale.clone());
        Some(Speaker { language: arrived.locale.clone(), ..speaker })
    }

    /// Who wrote a message, whose language is the guild's, or in direct messages that of the user's last
    /// command or button.
    pub(super) fn author(&self, message: &Message) -> Speaker {
        let member = message.member.as_deref();
        let roles = member.map(|m| m.roles.as_slice()).unwrap_or_default();
        let ids: Vec<u64> = roles.iter().map(|role| role.get()).collect();
        let user = message.author.id.get();
        let guild = message.guild_id.map(|guild| guild.get());
        let manager = guild.is_some_and(|g| self.trusts(g) && self.guilds.manages(g, user, &ids));
        let nick = member.and_then(|m| m.nick.clone());
        let place = (message.guild_id, message.channel_id);
        let speaker = self.speaker(place, &message.author, nick, roles, manager);
        let language = match guild {
            Some(guild) => self.guilds.language(guild),
            None => self.languages.get(&user),
        };
        Speaker { language: language.unwrap_or_else(|| ENGLISH.to_owned()), ..speaker }
    }

    fn speaker(
        &self,
        (guild, channel): (Option<GuildId>, ChannelId),
        user: &User,
        nick: Option<String>,
        roles: &[RoleId],
        manager: bool,
    ) -> Speaker {
        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
        let own = || user.global_name.clone().unwrap_or_else(|| user.name.clone());
        Speaker {
            space: guild.map(|g| g.to_string()).unwrap_or_default(),
            chat: channel.to_string(),
            user: user.id.to_string(),
            name: nick.unwrap_or_else(own),
            language: String::new(),
            admin: self.rules.admins.admits(&user.id.to_string(), &roles, manager),
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
}
