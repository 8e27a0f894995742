//! One typed [`Settings`], from a TOML file and the environment.
//!
//! `config/magpie.toml` lists every key with its default. `MAGPIE__SECTION__KEY` overrides
//! the file. Secrets are held in `secrecy` types, which no log or debug print shows.

mod answer;
mod cost;

use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use config::{Config, Environment, File, FileFormat};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::clip::Precision;
use crate::photo::Limits;
pub use answer::{AnswerSettings, Detail, ProviderKind, ProviderSettings, Structured, TokenLimit};
pub use cost::{BudgetSettings, FeedbackSettings, PriceSettings, UsageSettings, price_of};

/// Read when `--config` names no other file and this one exists.
pub const DEFAULT_FILE: &str = "config/magpie.toml";

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub clip: ClipSettings,
    pub catalogue: CatalogueSettings,
    pub photo: Limits,
    pub search: SearchSettings,
    pub answer: AnswerSettings,
    pub budget: BudgetSettings,
    pub usage: UsageSettings,
    pub feedback: FeedbackSettings,
    pub bot: BotSettings,
    pub web: WebSettings,
    pub discord: DiscordSettings,
    pub telegram: TelegramSettings,
    /// Catalogues of single guilds, groups or chats; all others use `catalogue.dir`.
    pub spaces: Vec<SpaceSettings>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClipSettings {
    /// `mini`, a directory in Hugging Face layout, or a hub id.
    pub model: String,
    /// Photos embedded together at most when several people ask at once.
    pub max_batch: usize,
    /// How the CPU computes.
    pub precision: Precision,
    /// Whether weights are copied into the system's huge pages; see [`crate::clip::Clip`].
    pub huge_pages: bool,
}

/// Limits of the conversation, the same on every platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BotSettings {
    /// Requests of one user a minute, and how many of them at once.
    pub user_per_minute: u32,
    pub user_burst: u32,
    /// Requests of all users a minute.
    pub total_per_minute: u32,
    /// Requests in work at the same time.
    pub concurrent: usize,
    /// Photos in one message.
    pub max_photos: usize,
    /// How long a conversation is remembered after its last message, in minutes.
    pub session_minutes: u64,
    /// Memory for remembered conversations, in MiB; the longest quiet are forgotten first.
    pub session_mb: u64,
    /// Questions and answers remembered in a conversation.
    pub turns: usize,
    /// Time to finish what is in work when the bot is asked to stop, in seconds.
    pub grace_s: u64,
    /// Largest archive that `/kb import` takes, in bytes.
    pub max_archive: u64,
}

/// The web chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// Address and port; port 0 picks a free one.
    pub listen: SocketAddr,
    /// What visitors must show; needed when `listen` is not a loopback address.
    pub access_token: SecretString,
    /// What admins must show; empty: nobody is an admin here.
    pub admin_token: SecretString,
    /// Host names under which the page is reached besides the address itself.
    #[serde(deserialize_with = "list")]
    pub hosts: Vec<String>,
}

/// The Discord front-end; it runs when there is a token.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscordSettings {
    pub token: SecretString,
    /// Another server in place of Discord's REST API, such as an HTTP proxy; empty: Discord's own.
    pub api_url: String,
    /// Hosts that attachments may be fetched from; empty: Discord's own.
    #[serde(deserialize_with = "list")]
    pub cdn_hosts: Vec<String>,
    /// Guilds to register the commands in at once; none: everywhere, which takes Discord a while.
    #[serde(deserialize_with = "list")]
    pub guilds: Vec<u64>,
    /// Channels in which a photo needs no mention, nor do questions about it; needs the message content intent.
    #[serde(deserialize_with = "list")]
    pub channels: Vec<u64>,
    /// Users who may change the catalogue.
    #[serde(deserialize_with = "list")]
    pub admins: Vec<u64>,
    /// Roles whose members may.
    #[serde(deserialize_with = "list")]
    pub admin_roles: Vec<u64>,
}

/// The Telegram front-end; it runs when there is a token.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelegramSettings {
    pub token: SecretString,
    /// A local Bot API server; empty: Telegram's own.
    pub api_url: String,
    /// Where a local Bot API server with `--local` keeps its files; empty: files come over HTTP.
    pub local_files: PathBuf,
    /// Where Telegram delivers updates by webhook, https; empty: long polling.
    pub webhook_url: String,
    /// What Telegram shows with every delivery to the webhook: 12 to 256 of A-Z, a-z, 0-9, _ and -.
    pub webhook_secret: SecretString,
    /// Users who may change the catalogue.
    #[serde(deserialize_with = "list")]
    pub admins: Vec<u64>,
}

/// One guild, group or chat with a catalogue of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceSettings {
    /// `platform:id`, the id of a guild, group or chat, as in `telegram:-100200300`.
    pub space: String,
    pub catalogue: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatalogueSettings {
    pub dir: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchSettings {
    /// Products shown.
    pub k: usize,
    /// The words' share of a query that has a photo too, 0 to 1.
    pub text_weight: f32,
}

impl Default for ClipSettings {
    fn default() -> Self {
        Self { model: "mini".into(), max_batch: 8, precision: Precision::F32, huge_pages: false }
    }
}

impl Default for BotSettings {
    fn default() -> Self {
        Self {
            user_per_minute: 20,
            user_burst: 8,
            total_per_minute: 600,
            concurrent: 64,
            max_photos: 4,
            session_minutes: 30,
            session_mb: 256,
            turns: 6,
            grace_s: 20,
            max_archive: 512 << 20,
        }
    }
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8642)),
            access_token: SecretString::default(),
            admin_token: SecretString::default(),
            hosts: Vec::new(),
        }
    }
}

impl Default for CatalogueSettings {
    fn default() -> Self {
        Self { dir: "magpie-data".into() }
    }
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self { k: 5, text_weight: 0.3 }
    }
}

/// A list, or, as the environment gives it, a text with commas between its members.
fn list<'de, D, T>(given: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + FromStr<Err: Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list, or a text with commas between its members")]
    enum Given<T> {
        List(Vec<T>),
        Text(String),
    }
    match Given::deserialize(given)? {
        Given::List(list) => Ok(list),
        Given::Text(text) => {
            let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
            members
                .map(|member| {
                    member.parse().map_err(|e| D::Error::custom(format!("{member:?}: {e}")))
                })
                .collect()
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("there is no configuration file {}", .0.display())]
    NoFile(PathBuf),
    #[error("the configuration is wrong: {0}; config/magpie.toml lists every key")]
    Wrong(#[from] config::ConfigError),
    #[error("the configuration is wrong: {key} must be {rule}, it is {value}")]
    Range { key: &'static str, rule: &'static str, value: String },
}

impl Settings {
    /// Reads `file`, or [`DEFAULT_FILE`] when that exists, then the environment.
    ///
    /// # Errors
    /// [`SettingsError`], naming the key at fault.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut builder = Config::builder();
        match file {
            Some(path) if !path.is_file() => return Err(SettingsError::NoFile(path.into())),
            Some(path) => builder = builder.add_source(toml_file(path)),
            None if Path::new(DEFAULT_FILE).is_file() => {
                builder = builder.add_source(toml_file(Path::new(DEFAULT_FILE)));
            }
            None => {}
        }
        let environment = Environment::with_prefix("MAGPIE").prefix_separator("__").separator("__");
        let settings: Self = builder.add_source(environment).build()?.try_deserialize()?;
        settings.checked()
    }

    fn checked(self) -> Result<Self, SettingsError> {
        let wrong = |key, rule, value: &dyn std::fmt::Display| {
            Err(SettingsError::Range { key, rule, value: value.to_string() })
        };
        if !(0.0..=1.0).contains(&self.search.text_weight) {
            return wrong("search.text_weight", "from 0 to 1", &self.search.text_weight);
        }
        if !(1..=MAX_K).contains(&self.search.k) {
            return wrong("search.k", "from 1 to 1000", &self.search.k);
        }
        self.answer.check()?;
        cost::check(&self)?;
        let BotSettings { user_per_minute, user_burst, total_per_minute, .. } = self.bot;
        for (key, value) in [
            ("bot.user_per_minute", user_per_minute.into()),
            ("bot.user_burst", user_burst.into()),
            ("bot.total_per_minute", total_per_minute.into()),
            ("bot.concurrent", self.bot.concurrent as u64),
            ("bot.max_photos", self.bot.max_photos as u64),
            ("bot.session_minutes", self.bot.session_minutes),
            ("bot.session_mb", self.bot.session_mb),
            ("bot.max_archive", self.bot.max_archive),
            ("clip.max_batch", self.clip.max_batch as u64),
        ] {
            if !(1..=MAX_COUNT).contains(&value) {
                return wrong(key, "from 1 to 4294967295", &value);
            }
        }
        for token in [&self.web.access_token, &self.web.admin_token] {
            if (1..MIN_TOKEN).contains(&token.expose_secret().trim().chars().count()) {
                let shown = "shorter";
                return wrong("web.access_token or web.admin_token", TOKEN_RULE, &shown);
            }
        }
        if let Some(space) = self.spaces.iter().find(|s| !s.space.contains(':')) {
            return wrong("spaces.space", "like telegram:-100200300", &space.space);
        }
        if self.photo.max_bytes == 0 || self.photo.max_bytes > 1 << 30 {
            return wrong("photo.max_bytes", "from 1 to 1073741824", &self.photo.max_bytes);
        }
        Ok(self)
    }
}

const MAX_COUNT: u64 = u32::MAX as u64;
/// Fewest characters of a token: what cannot be guessed over a network.
const MIN_TOKEN: usize = 12;
const TOKEN_RULE: &str = "at least 12 characters, or empty";
/// Most matches that can be asked for.
pub const MAX_K: usize = 1000;

fn toml_file(path: &Path) -> File<config::FileSourceFile, FileFormat> {
    File::from(path).format(FileFormat::Toml)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn from_toml(text: &str) -> Result<Settings, SettingsError> {
        let source = File::from_str(text, FileFormat::Toml);
        let settings: Settings = Config::builder().add_source(source).build()?.try_deserialize()?;
        settings.checked()
    }

    #[test]
    fn the_shipped_file_holds_the_defaults_and_nothing_else() {
        let shipped = from_toml(include_str!("../config/magpie.toml")).unwrap();
        assert_eq!(format!("{shipped:?}"), format!("{:?}", Settings::default()));
        let keys = include_str!("../config/magpie.toml")
            .lines()
            .filter(|l| l.contains(" = ") && !l.starts_with('#'))
            .count();
        let fields = format!("{:#?}", Settings::default()).matches(": ").count();
        let sections = 12;
        // Lists of tables, which the file only shows as comments.
        let lists = ["spaces", "answer.providers", "answer.prices"].len();
        assert_eq!(keys, fields - sections - lists, "a key is missing in config/magpie.toml");
    }

    #[test]
    fn a_wrong_key_or_value_is_named() {
        for (text, word) in [
            ("[search]\ntext_wieght = 1", "text_wieght"),
            ("[search]\nk = 0", "search.k"),
            ("[search]\nk = \"many\"", "k"),
            ("[search]\ntext_weight = 1.5", "text_weight"),
            ("[answer]\ntimeout_s = 0", "timeout_s"),
            ("[telegram]\nadmins = 7", "telegram.admins"),
            ("[telegram]\nadmins = [\"Ada\"]", "telegram.admins"),
            ("[discord]\nguilds = \"1, x\"", "\"x\""),
            ("[answer]\ntemperature = 3", "temperature"),
            ("[[answer.providers]]\nbase_url = \"http://x/v1\"", "model"),
            ("[[answer.providers]]\nkind = \"azure\"\nmodel = \"m\"", "base_url"),
            ("[[answer.providers]]\nmodel = \"m\"\ntemprature = 1", "temprature"),
        ] {
            let message = from_toml(text).unwrap_err().to_string();
            assert!(message.contains(word), "{text}: {message}");
        }
    }

    #[test]
    fn a_list_may_come_as_text_with_commas() {
        for (text, expected) in [
            ("admins = [1, 22]", vec![1, 22]),
            ("admins = \"1, 22,\"", vec![1, 22]),
            ("admins = \"18446744073709551615\"", vec![u64::MAX]),
            ("admins = \"\"", vec![]),
        ] {
            let settings = from_toml(&format!("[discord]\n{text}")).unwrap();
            assert_eq!(settings.discord.admins, expected, "{text}");
        }
        let settings = from_toml("[discord]\ncdn_hosts = \"a.example, b.example\"").unwrap();
        assert_eq!(settings.discord.cdn_hosts, ["a.example", "b.example"]);
    }

    #[test]
    fn secrets_do_not_print() {
        let settings = from_toml("[answer]\napi_key = \"sk-hidden\"").unwrap();
        assert_eq!(settings.answer.chain()[0].key().unwrap().expose_secret(), "sk-hidden");
        assert!(!format!("{settings:?}").contains("sk-hidden"));
        let listed = "[[answer.providers]]\nmodel = \"m\"\nheaders = { x-key = \"sk-hidden\" }";
        assert!(!format!("{:?}", from_toml(listed).unwrap()).contains("sk-hidden"));
    }

    #[test]
    fn a_list_of_servers_stands_in_for_the_short_form() {
        let settings = from_toml(
            "[answer]\napi_key = \"unused\"\n[[answer.providers]]\nmodel = \"a\"\nbase_url = \
             \"http://127.0.0.1:11434/v1/\"\n[[answer.providers]]\nkind = \"azure\"\nmodel = \"d\"\n\
             base_url = \"https://x.openai.azure.com\"\ntemperature = 1.0\nstructured = \"none\"",
        )
        .unwrap();
        let chain = settings.answer.chain();
        assert_eq!(chain[0].url(), "http://127.0.0.1:11434/v1");
        assert!(chain[0].key().is_none() && !chain[0].counts_completion());
        assert!(chain[1].counts_completion() && chain[1].structured == Structured::None);
    }
}
