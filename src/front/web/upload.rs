//! Reading multipart forms: photos into memory, archives onto the disk, nothing past its limit.
//!
//! What a request promises in `Content-Length` is checked before a byte is read, and photos are
//! only read once there is [`ROOM`] for all that the request may bring.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use tempfile::{NamedTempFile, TempPath};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::extract::{language, too_large};
use super::problem::Problem;
use crate::bot::Upload;
use crate::config::Settings;

/// All the text of a form; a product with every attribute at its limit fits.
const MAX_TEXT: u64 = 1 << 20;
/// Boundaries and headers of a form's parts.
const MAX_FRAMING: u64 = 64 << 10;
const MAX_PARTS: usize = 100;
/// Longest silence while a body arrives.
const MAX_SILENCE: Duration = Duration::from_secs(30);
const PHOTOS_TIME: Duration = Duration::from_secs(180);
const ARCHIVE_TIME: Duration = Duration::from_secs(3600);
/// Photos of all requests together that are held in memory.
const ROOM: u64 = 512 << 20;
/// What [`ROOM`] is given out in.
const UNIT: u64 = 64 << 10;
/// Longest wait for room.
const ROOM_TIME: Duration = Duration::from_secs(10);
const MAX_NAME: usize = 200;

/// What a form may hold.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Names of the text parts.
    pub texts: &'static [&'static str],
    /// How many parts `photo`.
    pub photos: usize,
    /// Whether there is one part `archive`.
    pub archive: bool,
}

/// What a form held.
#[derive(Debug)]
pub struct Form {
    texts: BTreeMap<&'static str, String>,
    pub photos: Vec<Upload>,
    pub archive: Option<TempPath>,
    /// To be kept as long as the photos are.
    pub room: Room,
}

impl Form {
    /// A text part.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.texts.remove(name)
    }

    /// A text part; a browser sends a field that was left empty as a blank one.
    pub fn filled(&mut self, name: &str) -> Option<String> {
        self.text(name).filter(|t| !t.trim().is_empty())
    }
}

/// Memory set aside for one request's photos.
#[derive(Debug)]
pub struct Room(
    #[expect(dead_code, reason = "given back when dropped")] Option<OwnedSemaphorePermit>,
);

impl Room {
    pub const NONE: Self = Self(None);
}

/// Reads forms within this server's limits.
pub struct Uploads {
    photo: u64,
    archive: u64,
    room: Arc<Semaphore>,
    units: u64,
}

impl Uploads {
    pub fn new(settings: &Settings) -> Self {
        let photo = settings.photo.max_bytes;
        let most = photo.saturating_mul(settings.bot.max_photos as u64).saturating_add(MAX_TEXT);
        let units = ROOM.max(most.saturating_add(MAX_FRAMING)).div_ceil(UNIT);
        let units = units.min(u64::from(u32::MAX)).min(Semaphore::MAX_PERMITS as u64);
        let room = Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX >> 3)));
        Self { photo, archive: settings.bot.max_archive, room, units }
    }

    /// Reads a form of this shape.
    ///
    /// # Errors
    /// A problem for the sender: 400 for what is no such form, 408, 413, 415, and 503 when too
    /// many uploads are held already.
    pub async fn read(&self, mut request: Request, shape: Shape) -> Result<Form, Problem> {
        let language = language(request.headers());
        let most = self.most(shape);
        let promised = announced(request.headers(), most, &language)?;
        let room = match shape.archive {
            true => Room::NONE,
            false => self.room(promised.unwrap_or(most), &language).await?,
        };
        DefaultBodyLimit::max(usize::try_from(most).unwrap_or(usize::MAX)).apply(&mut request);
        let multipart = Multipart::from_request(request, &())
            .await
            .map_err(|e| wrong_form(&language, e.status(), &e.body_text()))?;
        let time = if shape.archive { ARCHIVE_TIME } else { PHOTOS_TIME };
        let mut reader = Reader {
            uploads: self,
            shape,
            language: &language,
            form: Form { texts: BTreeMap::new(), photos: Vec::new(), archive: None, room },
            text: 0,
        };
        match timeout_at(Instant::now() + time, reader.read(multipart)).await {
            Ok(read) => read.map(|()| reader.form),
            Err(_) => Err(slow(&language)),
        }
    }

    /// The most bytes that a form of this shape may have.
    fn most(&self, shape: Shape) -> u64 {
        let archive = if shape.archive { self.archive } else { 0 };
        let photos = self.photo.saturating_mul(shape.photos as u64);
        photos.saturating_add(archive).saturating_add(MAX_TEXT + MAX_FRAMING)
    }

    /// Waits a little until other uploads have made room.
    async fn room(&self, bytes: u64, language: &str) -> Result<Room, Problem> {
        let units = bytes.div_ceil(UNIT).min(self.units);
        let wanted =
            Arc::clone(&self.room).acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX));
        match timeout(ROOM_TIME, wanted).await {
            Ok(Ok(permit)) => Ok(Room(Some(permit))),
            _ => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, language, "busy", &[])),
        }
    }
}

/// The length that the headers of a form announce, if they do.
fn announced(headers: &HeaderMap, most: u64, language: &str) -> Result<Option<u64>, Problem> {
    let header = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let is_form = |t: &str| {
        let kind = t.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("multipart/form-data")
    };
    if !header(CONTENT_TYPE).is_some_and(is_form) {
        let facts: [(_, &dyn std::fmt::Display); 1] = [("type", &"multipart/form-data")];
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, language, "type", &facts));
    }
    let length = header(CONTENT_LENGTH).and_then(|l| l.parse().ok());
    match length {
        Some(bytes) if bytes > most => Err(too_large(language, most - MAX_TEXT - MAX_FRAMING)),
        length => Ok(length),
    }
}

/// A form on its way in.
struct Reader<'a> {
    uploads: &'a Uploads,
    shape: Shape,
    language: &'a str,
    form: Form,
    /// Bytes of text so far.
    text: u64,
}

impl Reader<'_> {
    async fn read(&mut self, mut multipart: Multipart) -> Result<(), Problem> {
        for _ in 0..MAX_PARTS {
            let next = timeout(MAX_SILENCE, multipart.next_field()).await;
            let next = next.map_err(|_| slow(self.language))?;
            let Some(field) = next.map_err(|e| self.broken(&e))? else { return Ok(()) };
            self.part(field).await?;
        }
        Err(self.wrong("it has too many parts"))
    }

    async fn part(&mut self, field: Field<'_>) -> Result<(), Problem> {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "photo" {
            return self.photo(field).await;
        }
        if name == "archive" && self.shape.archive {
            return self.archive(field).await;
        }
        let Some(name) = self.shape.texts.iter().copied().find(|t| *t == name) else {
            let name: String = name.chars().take(40).collect();
            return Err(self.wrong(&format!("it has a part {name:?}, which does not belong there")));
        };
        let bytes = self.bytes(field, MAX_TEXT - self.text).await?;
        self.text += bytes.len() as u64;
        let text = String::from_utf8(bytes)
            .map_err(|_| self.wrong(&format!("its part {name:?} is not UTF-8")))?;
        match self.form.texts.insert(name, text) {
            Some(_) => Err(self.wrong(&format!("it has two parts {name:?}"))),
            None => Ok(()),
        }
    }

    async fn photo(&mut self, field: Field<'_>) -> Result<(), Problem> {
        let name = file_name(field.file_name().unwrap_or_default());
        let bytes = self.bytes(field, self.uploads.photo).await?;
        // What a browser sends for a file input that was left empty.
        if bytes.is_empty() && name.is_empty() {
            return Ok(());
        }
        if self.form.photos.len() == self.shape.photos {
            let facts: [(_, &dyn std::fmt::Display); 1] = [("limit", &self.shape.photos)];
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Problem::new(status, self.language, "photos", &facts));
        }
        self.form.photos.push(Upload { name, bytes: bytes.into() });
        Ok(())
    }

    async fn bytes(&self, mut field: Field<'_>, limit: u64) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk(&mut field).await? {
            if bytes.len() as u64 + chunk.len() as u64 > limit {
                return Err(too_large(self.language, limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    async fn archive(&mut self, mut field: Field<'_>) -> Result<(), Problem> {
        let internal = |e: std::io::Error| Problem::internal(self.language, &e);
        let mut file = NamedTempFile::new().map_err(internal)?;
        let mut length = 0;
        while let Some(chunk) = self.chunk(&mut field).await? {
            length += chunk.len() as u64;
            if length > self.uploads.archive {
                return Err(too_large(self.language, self.uploads.archive));
            }
            // Writing to a disk may block, which must not hold up other connections.
            let write = move || file.write_all(&chunk).map(|()| file);
            let written = tokio::task::spawn_blocking(write).await;
            let written = written.map_err(|e| Problem::internal(self.language, &e))?;
            file = written.map_err(internal)?;
        }
        if self.form.archive.replace(file.into_temp_path()).is_some() {
            return Err(self.wrong("it has two parts \"archive\""));
        }
        Ok(())
    }

    async fn chunk(&self, field: &mut Field<'_>) -> Result<Option<axum::body::Bytes>, Problem> {
        let chunk = timeout(MAX_SILENCE, field.chunk()).await.map_err(|_| slow(self.language))?;
        chunk.map_err(|e| self.broken(&e))
    }

    fn broken(&self, error: &MultipartError) -> Problem {
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(self.language, self.uploads.photo),
            _ => self.wrong(&error.body_text()),
        }
    }

    fn wrong(&self, reason: &str) -> Problem {
        wrong_form(self.language, StatusCode::BAD_REQUEST, reason)
    }
}

fn wrong_form(language: &str, status: StatusCode, reason: &str) -> Problem {
    Problem::new(status, language, "form", &[("reason", &reason)])
}

fn slow(language: &str) -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, language, "slow", &[])
}

/// A file's name without the path that some browsers and attackers put before it.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_never_a_path() {
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("C:\\photos\\lamp.jpg"), "lamp.jpg");
        assert_eq!(file_name("a\r\nb.jpg"), "ab.jpg");
        assert_eq!(file_name(&"x".repeat(999)).len(), MAX_NAME);
    }
}
