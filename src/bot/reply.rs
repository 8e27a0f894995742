//! What goes into the bot and what comes out of it, without any platform's types.
//!
//! A front-end turns its platform's events into a [`Request`] and renders each [`Reply`] in its
//! own way. Text is [`Markup`]: a few kinds of blocks and spans that every platform can show,
//! and that a front-end escapes as its platform demands.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::command::Command;
use super::markup::Markup;
use crate::answer::Origin;
use crate::catalogue::{ImageId, Product};

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Discord,
    Telegram,
    Web,
}

impl Platform {
    /// The name used in settings and in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discord => "discord",
            Self::Telegram => "telegram",
            Self::Web => "web",
        }
    }
}

/// A file that came with a message: a photo, or the archive of an import.
#[derive(Clone)]
pub struct Upload {
    /// The name it came with; may be empty and is never a path.
    pub name: String,
    pub bytes: Arc<[u8]>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upload({:?}, {} bytes)", self.name, self.bytes.len())
    }
}

/// The message that a request answers.
#[derive(Debug, Clone, Default)]
pub struct RepliedTo {
    pub text: String,
    pub files: Vec<Upload>,
}

/// One message, command or pressed button.
#[derive(Debug, Clone)]
pub struct Request {
    pub platform: Platform,
    /// The platform's id of this delivery. A second request with the same platform, chat and
    /// delivery is not answered. Empty: never a duplicate.
    pub delivery: String,
    /// The guild or group; what a catalogue can be mapped to.
    pub space: String,
    pub chat: String,
    /// The platform's id of the user.
    pub user: String,
    /// The user's display name, for the audit log.
    pub name: String,
    /// BCP 47 tag of the language the user sees the platform in; anything else means English.
    pub language: String,
    /// Whether the front-end vouches for this user as an admin; see [`super::access`].
    pub admin: bool,
    pub text: String,
    /// The command, where the platform hands it over in parts; none: read from `text`.
    pub command: Option<Command>,
    pub files: Vec<Upload>,
    pub reply_to: Option<RepliedTo>,
    /// The action of a pressed [`Button`], in place of a text.
    pub press: Option<String>,
}

impl Request {
    /// A request with nothing in it yet.
    pub fn new(platform: Platform, space: &str, chat: &str, user: &str) -> Self {
        Self {
            platform,
            delivery: String::new(),
            space: space.to_owned(),
            chat: chat.to_owned(),
            user: user.to_owned(),
            name: String::new(),
            language: "en".to_owned(),
            admin: false,
            text: String::new(),
            command: None,
            files: Vec::new(),
            reply_to: None,
            press: None,
        }
    }
}

/// A matched product as it is shown.
#[derive(Debug, Clone)]
pub struct Thumbnail {
    pub product: Product,
    /// Its image nearest to the photo.
    pub image: ImageId,
    /// Cosine, -1 to 1.
    pub score: f32,
    /// JPEG of at most 320 px; none when the image was removed meanwhile.
    pub jpeg: Option<Vec<u8>>,
    /// Title and score, in the user's language.
    pub caption: String,
}

/// A product an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceLink {
    pub id: String,
    pub title: String,
    /// The catalogue's own link to the product, http or https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A finished answer.
#[derive(Debug, Clone)]
pub struct Answered {
    pub text: Markup,
    pub origin: Origin,
    pub sources: Vec<SourceLink>,
}

/// Something to press; a front-end sends `action` back as [`Request::press`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Button {
    /// Opaque, at most 40 bytes of ASCII; good for this user in this chat.
    pub action: String,
    /// In the user's language.
    pub label: String,
    /// Which of a message's questions it answers: buttons of one number exclude each other.
    #[serde(skip)]
    pub question: u8,
}

/// Why a request was not fulfilled, in a sentence for the user.
#[derive(Debug, Clone)]
pub struct Failure {
    pub kind: FailureKind,
    pub text: String,
    /// What the log has more about; only for [`FailureKind::Internal`].
    pub reference: Option<String>,
    /// When trying again makes sense, in seconds.
    pub retry_after: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The request is at fault: a wrong photo, an unknown id, a malformed command.
    Invalid,
    /// Only admins may do this.
    Denied,
    NotFound,
    /// The change contradicts one made meanwhile.
    Conflict,
    /// A rate or size limit.
    Limited,
    /// The bot is stopping or overloaded.
    Unavailable,
    Internal,
}

/// One part of the bot's response, in the order it should appear.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Work goes on; show it.
    Typing,
    /// The matches, best first. `confident` is false when the product may not be in the
    /// catalogue.
    Matches {
        thumbnails: Vec<Thumbnail>,
        confident: bool,
    },
    /// The answer so far. Each one replaces the one before.
    Growing(Markup),
    /// The whole answer, replacing [`Reply::Growing`].
    Answer(Answered),
    /// A message of its own.
    Text(Markup),
    /// One product, in full.
    Product(Product),
    Buttons(Vec<Button>),
    /// A file to hand over.
    File {
        name: String,
        path: Arc<tempfile::TempPath>,
    },
    Error(Failure),
    /// The last part: where the time went.
    Done(Timings),
}

/// Where a request's time went, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub struct Timings {
    /// Waiting for CLIP and running it.
    pub clip: f64,
    /// The language model, first to last byte.
    pub model: f64,
    /// Waiting for a turn: the user's earlier request, a decoding slot.
    pub queued: f64,
    /// Everything else: decoding, search, the bot itself.
    pub own: f64,
    pub total: f64,
}
