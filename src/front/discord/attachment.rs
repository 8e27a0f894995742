//! Attachments: checked by name, type and size before anything is fetched, and fetched from
//! Discord's own hosts only.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serenity::model::channel::{Attachment, Message};
use tokio::sync::Semaphore;

use super::text;
use crate::bot::{Bot, Upload};
use crate::photo::{ENDINGS, MEDIA_TYPES};
use crate::words::say;

const DISCORD: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];
const ARCHIVES: [&str; 3] =
    ["application/zip", "application/x-zip-compressed", "application/octet-stream"];
const CONNECT: Duration = Duration::from_secs(10);
/// Longest that one file may take.
const FETCH: Duration = Duration::from_secs(60);
/// Longest without any of it.
const STALL: Duration = Duration::from_secs(15);
/// Files fetched at once, which bounds the memory they take.
const AT_ONCE: usize = 8;
const NAME: usize = 100;

/// What a message's files may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Photos,
    /// A zip archive.
    Archive,
}

/// Fetches attachments.
pub struct Fetcher {
    http: reqwest::Client,
    hosts: Vec<String>,
    places: Semaphore,
    photo: u64,
    archive: u64,
    photos: usize,
}

impl Fetcher {
    /// One that fetches from `hosts`, or from Discord's when there are none.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn new(hosts: &[String], bot: &Bot) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(FETCH)
            .read_timeout(STALL)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|e| format!("no HTTP client: {e}"))?;
        let hosts = match hosts {
            [] => DISCORD.map(str::to_owned).to_vec(),
            own => own.iter().map(|h| h.trim().to_lowercase()).collect(),
        };
        let settings = bot.settings();
        Ok(Self {
            http,
            hosts,
            places: Semaphore::new(AT_ONCE),
            photo: settings.photo.max_bytes,
            archive: settings.bot.max_archive,
            photos: settings.bot.max_photos,
        })
    }

    /// Fetches all of these, or none.
    ///
    /// # Errors
    /// A sentence for the sender.
    pub async fn fetch(
        &self,
        files: &[Attachment],
        wanted: Wanted,
        language: &str,
    ) -> Result<Vec<Upload>, String> {
        if files.len() > self.photos {
            let values = [("sent", files.len().into()), ("limit", self.photos.into())];
            return Err(say(language, "too-many-photos", &values));
        }
        let mut checked = Vec::with_capacity(files.len());
        for file in files {
            checked.push((file, self.check(file, wanted, language)?));
        }
        let mut fetched = Vec::with_capacity(files.len());
        for (file, url) in checked {
            let bytes = self.get(url, self.limit(wanted)).await.map_err(|e| {
                tracing::info!("an attachment could not be fetched: {e:?}");
                match e {
                    FetchError::Gone => named(file, say(language, "discord-gone", &[])),
                    FetchError::TooLarge => self.too_large(file, wanted, language),
                    FetchError::Failed(_) => named(file, say(language, "discord-fetch", &[])),
                }
            })?;
            fetched.push(Upload { name: name(file), bytes: bytes.into() });
        }
        Ok(fetched)
    }

    fn limit(&self, wanted: Wanted) -> u64 {
        match wanted {
            Wanted::Photos => self.photo,
            Wanted::Archive => self.archive,
        }
    }

    fn too_large(&self, file: &Attachment, wanted: Wanted, language: &str) -> String {
        let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
        let key = match wanted {
            Wanted::Photos => "photo-bytes",
            Wanted::Archive => "discord-archive-bytes",
        };
        let size = megabytes(u64::from(file.size)).into();
        let values = [("size", size), ("limit", megabytes(self.limit(wanted)).into())];
        named(file, say(language, key, &values))
    }

    /// Where a file may be fetched, if it may.
    fn check(&self, file: &Attachment, wanted: Wanted, language: &str) -> Result<Url, String> {
        if !fits(file, wanted) {
            let kind = content_type(file);
            let format = if kind.is_empty() { name(file) } else { text::label(&kind, NAME) };
            return Err(match wanted {
                Wanted::Photos if fits(file, Wanted::Archive) => {
                    say(language, "discord-archive", &[("name", name(file).into())])
                }
                Wanted::Photos => {
                    let values = [("format", format.into())];
                    named(file, say(language, "photo-unsupported", &values))
                }
                Wanted::Archive => say(language, "kb-import-needs-zip", &[]),
            });
        }
        if u64::from(file.size) > self.limit(wanted) {
            return Err(self.too_large(file, wanted, language));
        }
        allowed(&file.url, &self.hosts).ok_or_else(|| {
            tracing::warn!("an attachment is not on one of discord.cdn_hosts");
            named(file, say(language, "discord-foreign", &[]))
        })
    }

    async fn get(&self, url: Url, limit: u64) -> Result<Vec<u8>, FetchError> {
        let failed = |e: reqwest::Error| FetchError::Failed(e.without_url().to_string());
        let closed = |_| FetchError::Failed("closed".into());
        let _place = self.places.acquire().await.map_err(closed)?;
        let mut response = self.http.get(url).send().await.map_err(failed)?;
        match response.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => {
                return Err(FetchError::Gone);
            }
            status if status != StatusCode::OK => {
                return Err(FetchError::Failed(format!("status {status}")));
            }
            _ => {}
        }
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(FetchError::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

#[derive(Debug)]
enum FetchError {
    Gone,
    TooLarge,
    Failed(#[expect(dead_code, reason = "for the log")] String),
}

/// A message's files, and those of the messages that it forwards.
pub fn carried(message: &Message) -> impl Iterator<Item = &Attachment> {
    let forwarded = message.message_snapshots.iter().flat_map(|snapshot| &snapshot.attachments);
    message.attachments.iter().chain(forwarded)
}

/// Whether it is a photo by what Discord says of it.
pub fn is_photo(file: &Attachment) -> bool {
    fits(file, Wanted::Photos)
}

fn fits(file: &Attachment, wanted: Wanted) -> bool {
    let (kind, name) = (content_type(file), file.filename.to_lowercase());
    match wanted {
        Wanted::Photos if kind.is_empty() => {
            name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
        }
        Wanted::Photos => kind.strip_prefix("image/").is_some_and(|t| MEDIA_TYPES.contains(&t)),
        Wanted::Archive => {
            name.ends_with(".zip") && (kind.is_empty() || ARCHIVES.contains(&kind.as_str()))
        }
    }
}

fn content_type(file: &Attachment) -> String {
    let kind = file.content_type.as_deref().unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_lowercase()
}

fn name(file: &Attachment) -> String {
    text::label(&file.filename, NAME)
}

fn named(file: &Attachment, text: String) -> String {
    format!("{}: {text}", name(file))
}

/// The address, when its host is listed: over https, or over http where the port is listed with
/// the host, as for a proxy on this machine.
fn allowed(url: &str, hosts: &[String]) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host = url.host_str()?.to_lowercase();
    let with_port = format!("{host}:{}", url.port_or_known_default()?);
    let ported = hosts.contains(&with_port) && matches!(url.scheme(), "http" | "https");
    let plain = hosts.contains(&host) && url.scheme() == "https" && url.port().is_none();
    (ported || plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_are_asked() {
        let hosts = ["cdn.discordapp.com".to_owned(), "127.0.0.1:8080".to_owned()];
        for (url, fine) in [
            ("https://cdn.discordapp.com/attachments/1/2/a.png?ex=1", true),
            ("https://CDN.discordapp.com/a.png", true),
            ("http://cdn.discordapp.com/a.png", false),
            ("https://cdn.discordapp.com:444/a.png", false),
            ("https://user@cdn.discordapp.com/a.png", false),
            ("https://cdn.discordapp.com.evil.example/a.png", false),
            ("https://evil.example/cdn.discordapp.com", false),
            ("https://127.0.0.1/a.png", false),
            ("http://127.0.0.1:8080/a.png", true),
            ("http://127.0.0.1:8081/a.png", false),
            ("http://169.254.169.254/latest", false),
            ("file:///etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(allowed(url, &hosts).is_some(), fine, "{url}");
        }
    }
}
