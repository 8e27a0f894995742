//! What is remembered of the guilds that the bot is in: who manages them, their language, and which
//! channel a thread hangs on.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use serenity::model::Permissions;

const MANAGER: Permissions = Permissions::MANAGE_GUILD.union(Permissions::ADMINISTRATOR);

/// All guilds, as the gateway tells of them.
#[derive(Default)]
pub struct Guilds(Mutex<HashMap<u64, Guild>>);

#[derive(Default)]
struct Guild {
    owner: u64,
    language: Option<String>,
    /// Roles whose members manage the guild.
    managers: HashSet<u64>,
    /// The channels of threads.
    threads: HashMap<u64, u64>,
}

impl Guilds {
    /// Takes notice of an event, where it is about a guild.
    pub fn hear(&self, event: &str, data: &Value) {
        let of = |name| id(data.get(name));
        match event {
            "GUILD_CREATE" => {
                if let Some(guild) = of("id") {
                    self.lock().entry(guild).or_default().read(data);
                }
            }
            // Without that mark the bot was removed from it.
            "GUILD_DELETE" if data.get("unavailable").and_then(Value::as_bool) != Some(true) => {
                if let Some(guild) = of("id") {
                    self.lock().remove(&guild);
                }
            }
            "GUILD_UPDATE" => self.change(of("id"), |guild| guild.read(data)),
            "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" => {
                if let Some(role) = data.get("role") {
                    self.change(of("guild_id"), |guild| guild.role(role));
                }
            }
            "GUILD_ROLE_DELETE" => self.change(of("guild_id"), |guild| {
                guild.managers.retain(|role| Some(*role) != of("role_id"));
            }),
            // One that was archived is told of when it is opened again.
            "THREAD_CREATE" | "THREAD_UPDATE" => {
                self.change(of("guild_id"), |guild| guild.thread(data))
            }
            "THREAD_DELETE" => self.change(of("guild_id"), |guild| {
                guild.threads.retain(|thread, _| Some(*thread) != of("id"));
            }),
            "THREAD_LIST_SYNC" => {
                self.change(of("guild_id"), |guild| {
                    list(data, "threads").for_each(|t| guild.thread(t))
                });
            }
            _ => {}
        }
    }

    /// Whether a member with these roles may manage the guild: by owning it or by a role, everybody's
    /// included.
    pub fn manages(&self, guild: u64, user: u64, roles: &[u64]) -> bool {
        let guilds = self.lock();
        let manages = |known: &Guild| {
            known.owner == user || roles.iter().chain([&guild]).any(|r| known.managers.contains(r))
        };
        guilds.get(&guild).is_some_and(manages)
    }

    /// The guild's own language, where it is known.
    pub fn language(&self, guild: u64) -> Option<String> {
        self.lock().get(&guild)?.language.clone()
    }

    /// The channel that a thread belongs to.
    pub fn parent(&self, guild: u64, thread: u64) -> Option<u64> {
        self.lock().get(&guild)?.threads.get(&thread).copied()
    }

    fn change(&self, guild: Option<u64>, change: impl FnOnce(&mut Guild)) {
        let mut guilds = self.lock();
        if let Some(known) = guild.and_then(|id| guilds.get_mut(&id)) {
            change(known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Guild>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guild {
    fn read(&mut self, data: &Value) {
        self.owner = id(data.get("owner_id")).unwrap_or(self.owner);
        let language = data.get("preferred_locale").and_then(Value::as_str);
        self.language = language.map(str::to_owned).or(self.language.take());
        if data.get("roles").is_some() {
            self.managers.clear();
            list(data, "roles").for_each(|role| self.role(role));
        }
        list(data, "threads").for_each(|thread| self.thread(thread));
    }

    fn role(&mut self, role: &Value) {
        let Some(id) = id(role.get("id")) else { return };
        let bits = role.get("permissions").and_then(Value::as_str).and_then(|p| p.parse().ok());
        let permissions = Permissions::from_bits_truncate(bits.unwrap_or(0));
        if permissions.intersects(MANAGER) {
            self.managers.insert(id);
        } else {
            self.managers.remove(&id);
        }
    }

    fn thread(&mut self, thread: &Value) {
        if let Some((thread, parent)) = id(thread.get("id")).zip(id(thread.get("parent_id"))) {
            self.threads.insert(thread, parent);
        }
    }
}

/// Whether these permissions make a manager.
pub fn manages(permissions: Permissions) -> bool {
    permissions.intersects(MANAGER)
}

fn id(value: Option<&Value>) -> Option<u64> {
    value?.as_str()?.parse().ok()
}

fn list<'a>(data: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    data.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_manages_a_guild_follows_what_is_heard_of_it() {
        let guilds = Guilds::default();
        let role = |id: &str, permissions: u64| json!({ "id": id, "permissions": permissions.to_string() });
        let change = |event: &str, data: Value| guilds.hear(event, &data);
        assert!(!guilds.manages(1, 77, &[5]));
        change(
            "GUILD_CREATE",
            json!({ "id": "1", "owner_id": "77", "preferred_locale": "de",
            "roles": [role("1", 0), role("5", 32)], "threads": [{ "id": "9", "parent_id": "8" }] }),
        );
        assert!(guilds.manages(1, 77, &[]) && guilds.manages(1, 2, &[4, 5]));
        assert!(!guilds.manages(1, 2, &[4]) && !guilds.manages(2, 77, &[5]));
        assert_eq!((guilds.language(1), guilds.parent(1, 9)), (Some("de".into()), Some(8)));
        change("GUILD_ROLE_UPDATE", json!({ "guild_id": "1", "role": role("5", 0) }));
        change("GUILD_ROLE_CREATE", json!({ "guild_id": "1", "role": role("6", 8) }));
        assert!(!guilds.manages(1, 2, &[5]) && guilds.manages(1, 2, &[6]));
        change("GUILD_ROLE_DELETE", json!({ "guild_id": "1", "role_id": "6" }));
        change("GUILD_UPDATE", json!({ "id": "1", "owner_id": "78", "preferred_locale": "fr" }));
        assert!(!guilds.manages(1, 2, &[6]) && !guilds.manages(1, 77, &[]));
        assert!(guilds.manages(1, 78, &[]));
        // A role that everybody has.
        change("GUILD_ROLE_UPDATE", json!({ "guild_id": "1", "role": role("1", 32) }));
        assert!(guilds.manages(1, 2, &[]));
        change("THREAD_CREATE", json!({ "guild_id": "1", "id": "10", "parent_id": "8" }));
        change("THREAD_DELETE", json!({ "guild_id": "1", "id": "9" }));
        assert_eq!((guilds.parent(1, 10), guilds.parent(1, 9)), (Some(8), None));
        // Out of reach for a while, then gone.
        change("GUILD_DELETE", json!({ "id": "1", "unavailable": true }));
        assert!(guilds.manages(1, 78, &[]));
        change("GUILD_DELETE", json!({ "id": "1" }));
        assert!(!guilds.manages(1, 78, &[]));
    }
}
