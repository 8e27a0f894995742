//! People, messages and guilds as Discord describes them.

use serde_json::{Value, json};

use super::{GUILD, KEEPERS, MANAGERS, ME};

const MANAGE_GUILD: u64 = 1 << 5;

pub fn person(id: u64) -> Value {
    json!({
        "id": id.to_string(), "username": format!("user{id}"), "discriminator": "0",
        "global_name": format!("User {id}"), "avatar": null,
    })
}

pub fn member(roles: &[u64]) -> Value {
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    json!({
        "roles": roles, "joined_at": "2024-01-01T00:00:00+00:00", "deaf": false, "mute": false,
        "flags": 0,
    })
}

pub fn message(id: u64, channel: u64, author: &Value, content: &str) -> Value {
    json!({
        "id": id.to_string(), "channel_id": channel.to_string(), "author": author,
        "content": content, "timestamp": "2024-01-01T00:00:00+00:00", "edited_timestamp": null,
        "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [],
        "attachments": [], "embeds": [], "pinned": false, "type": 0,
    })
}

pub fn guild(id: u64) -> Value {
    let role = |id: u64, permissions: u64| {
        json!({
            "id": id.to_string(), "name": "r", "color": 0, "hoist": false, "position": 1,
            "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "permissions": permissions.to_string(), "managed": false, "mentionable": false,
            "flags": 0,
        })
    };
    json!({
        "id": id.to_string(), "name": "Shop", "icon": null, "splash": null,
        "discovery_splash": null, "owner_id": "77", "afk_channel_id": null, "afk_timeout": 300,
        "verification_level": 0, "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role(id, 0), role(MANAGERS, MANAGE_GUILD), role(KEEPERS, 0)],
        "emojis": [], "features": [], "mfa_level": 0, "application_id": null,
        "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": null,
        "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0,
        "preferred_locale": "en-US", "public_updates_channel_id": null, "nsfw_level": 0,
        "stickers": [], "premium_progress_bar_enabled": false,
        "joined_at": "2024-01-01T00:00:00+00:00", "large": false, "unavailable": false,
        "member_count": 3, "voice_states": [], "members": [], "channels": [], "threads": [],
        "presences": [], "stage_instances": [], "guild_scheduled_events": [],
        "safety_alerts_channel_id": null, "soundboard_sounds": [],
    })
}

/// The channel of a user's direct messages.
pub fn dm_of(user: u64) -> u64 {
    900_000 + user
}

/// A guild that belongs to a shard.
pub fn guild_of(shard: u64) -> u64 {
    (shard << 22) + GUILD
}

pub fn bot() -> Value {
    let mut bot = person(ME);
    bot["bot"] = true.into();
    bot["mfa_enabled"] = false.into();
    bot["verified"] = true.into();
    bot["flags"] = 0.into();
    bot
}
