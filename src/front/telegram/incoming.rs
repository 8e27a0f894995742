//! From Telegram's messages and pressed buttons to the bot's requests: whether the bot is meant,
//! what was asked, and which files are worth fetching.

use std::ops::Range;

use teloxide::types::{
    CallbackQuery, Chat, ChatId, FileId, MediaGroupId, Message, MessageEntityKind, MessageId,
    MessageKind, ThreadId, User,
};

use super::Identity;
use crate::bot::access::Admins;
use crate::bot::command::{self, Command, Kb};
use crate::bot::{Platform, Request};
use crate::photo::{ENDINGS, MEDIA_TYPES};

/// The longest action that a button of ours has, in bytes.
const MAX_ACTION: usize = 40;

/// Images that phones and desks send and that cannot: how their names end, what they are called.
const UNREAD: [(&[&str], &str); 5] = [
    (&["heic", "heif", "hif"], "HEIC"),
    (&["avif"], "AVIF"),
    (&["svg", "svgz"], "SVG"),
    (&["jxl"], "JPEG XL"),
    (&["psd"], "Photoshop"),
];

/// Where replies go.
#[derive(Debug, Clone)]
pub struct Target {
    pub chat: ChatId,
    pub thread: Option<ThreadId>,
    /// The message to refer to, where several people talk.
    pub reply_to: Option<MessageId>,
    pub group: bool,
    pub language: String,
}

/// A file that has not been fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRef {
    pub id: FileId,
    /// Empty for a photo.
    pub name: String,
    /// None when Telegram does not say.
    pub size: Option<u64>,
    pub kind: FileKind,
    /// The format of an image that cannot be read.
    pub unread: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Image,
    Archive,
    Other,
}

/// What came, without the bytes of its files.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub target: Target,
    pub request: Request,
    pub files: Vec<FileRef>,
    /// Those of the message it replies to.
    pub replied: Option<Vec<FileRef>>,
}

impl Incoming {
    /// Whether it is a command for admins.
    pub fn administers(&self) -> bool {
        matches!(command::parse(&self.request.text), Command::Kb(_))
    }

    pub fn imports(&self) -> bool {
        matches!(command::parse(&self.request.text), Command::Kb(Kb::Import))
    }
}

/// One message or all of an album; none when the bot is not meant. `album` knows the files of
/// albums that came before.
pub fn message(
    messages: &[Message],
    me: &Identity,
    admins: &Admins,
    photo_bytes: u64,
    album: impl Fn(ChatId, &MediaGroupId) -> Option<Vec<FileRef>>,
) -> Option<Incoming> {
    let first = messages.first()?;
    let group = match &first.chat {
        chat if chat.is_private() => false,
        chat if chat.is_group() || chat.is_supergroup() => true,
        _ => return None,
    };
    let common = |m: &Message| matches!(m.kind, MessageKind::Common(_));
    if !messages.iter().all(common) || first.is_automatic_forward() {
        return None;
    }
    let said: Vec<Said> = messages.iter().map(|m| Said::in_message(m, me)).collect();
    if said.iter().any(|s| s.foreign) {
        return None;
    }
    let replied = first.reply_to_message().filter(|m| common(m));
    let ours = |m: &Message| m.from.as_ref().is_some_and(|u| u.id.0 == me.id);
    let meant = said.iter().any(|s| s.meant) || replied.is_some_and(ours);
    if group && !meant {
        return None;
    }
    let sender = Sender::of(first.from.as_ref(), first.sender_chat.as_ref(), &first.chat)?;
    let thread = topic(first);
    let text = said.into_iter().map(|s| s.text).find(|t| !t.is_empty()).unwrap_or_default();
    let mut request = sender.request(&first.chat, thread, admins);
    request.delivery = match messages.iter().filter_map(Message::edit_date).max() {
        None => first.id.0.to_string(),
        Some(edited) => format!("{}:{}", first.id.0, edited.timestamp()),
    };
    request.text = text;
    let mut incoming = Incoming {
        target: Target {
            chat: first.chat.id,
            thread,
            reply_to: group.then_some(first.id),
            group,
            language: request.language.clone(),
        },
        request,
        files: messages.iter().filter_map(|m| file(m, photo_bytes)).collect(),
        replied: None,
    };
    // Of an album whose caption is changed only the captioned picture comes again.
    let edited = messages.iter().any(|m| m.edit_date().is_some());
    let whole = first.media_group_id().filter(|_| edited).and_then(|id| album(first.chat.id, id));
    let holds = |whole: &Vec<FileRef>| incoming.files.iter().all(|file| whole.contains(file));
    if let Some(whole) = whole.filter(holds) {
        incoming.files = whole;
    }
    incoming.replied = replied.map(|m| {
        // To keep a product's pictures, all of an album; a question is about the one pointed at.
        let whole = incoming.administers().then(|| m.media_group_id()).flatten();
        let whole = whole.and_then(|id| album(m.chat.id, id));
        let files = whole.unwrap_or_else(|| file(m, photo_bytes).into_iter().collect());
        files.into_iter().filter(|f| f.kind != FileKind::Other).collect()
    });
    Some(incoming)
}

/// A pressed button; none when it is none of ours.
pub fn press(query: &CallbackQuery, admins: &Admins) -> Option<Incoming> {
    let action = query.data.as_deref().filter(|a| !a.is_empty() && a.len() <= MAX_ACTION)?;
    let shown = query.message.as_ref()?;
    let chat = shown.chat();
    let thread = shown.regular_message().and_then(topic);
    let sender = Sender::of(Some(&query.from), None, chat)?;
    let mut request = sender.request(chat, thread, admins);
    request.delivery = format!("press:{}", query.id.0);
    request.press = Some(action.to_owned());
    let group = !chat.is_private();
    let target = Target {
        chat: chat.id,
        thread,
        reply_to: group.then(|| shown.id()),
        group,
        language: request.language.clone(),
    };
    Some(Incoming { target, request, files: Vec::new(), replied: None })
}

/// The file of a message, of a photo the largest size that may be fetched.
pub fn file(message: &Message, photo_bytes: u64) -> Option<FileRef> {
    let size = |bytes: u32| (bytes != u32::MAX).then_some(u64::from(bytes));
    if let Some(sizes) = message.photo() {
        let area = |s: &&teloxide::types::PhotoSize| u64::from(s.width) * u64::from(s.height);
        let fits = |s: &&teloxide::types::PhotoSize| {
            size(s.file.size).is_none_or(|bytes| bytes <= photo_bytes)
        };
        let best = sizes.iter().filter(fits).max_by_key(area);
        let photo = best.or_else(|| sizes.iter().min_by_key(area))?;
        return Some(FileRef {
            id: photo.file.id.clone(),
            name: String::new(),
            size: size(photo.file.size),
            kind: FileKind::Image,
            unread: None,
        });
    }
    if let Some(document) = message.document() {
        let name = document.file_name.clone().unwrap_or_default();
        let mime = document.mime_type.as_ref().map(|m| m.essence_str().to_ascii_lowercase());
        let mime = mime.unwrap_or_default();
        let ending = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
        let ending = ending.unwrap_or_default();
        let (kind, unread) = kind(&mime, &ending);
        let id = document.file.id.clone();
        return Some(FileRef { id, name, size: size(document.file.size), kind, unread });
    }
    let other = message.animation().map(|f| f.file.id.clone());
    let other = other.or_else(|| message.video().map(|f| f.file.id.clone()));
    let other = other.or_else(|| message.video_note().map(|f| f.file.id.clone()));
    let other = other.or_else(|| message.voice().map(|f| f.file.id.clone()));
    let other = other.or_else(|| message.audio().map(|f| f.file.id.clone()));
    let other = other.or_else(|| message.sticker().map(|f| f.file.id.clone()));
    let (name, size, kind, unread) = (String::new(), None, FileKind::Other, None);
    Some(FileRef { id: other?, name, size, kind, unread })
}

/// What a document is by its media type, or where that says nothing by its name's ending; of an image that
/// cannot be read its format.
fn kind(mime: &str, ending: &str) -> (FileKind, Option<String>) {
    let known = |name: &str| UNREAD.iter().find(|(ends, _)| ends.contains(&name));
    let called =
        |name: &str| known(name).map_or(name.to_uppercase(), |(_, format)| (*format).into());
    let vague = mime.is_empty() || mime == "application/octet-stream";
    match mime.strip_prefix("image/") {
        Some(image) => {
            let image = image.trim_start_matches("x-ms-").trim_end_matches("+xml");
            let unread = (!MEDIA_TYPES.contains(&image)).then(|| called(image));
            (FileKind::Image, unread)
        }
        None if mime.contains("zip") || ending == "zip" => (FileKind::Archive, None),
        None if ENDINGS.contains(&ending) => (FileKind::Image, None),
        None if vague && known(ending).is_some() => (FileKind::Image, Some(called(ending))),
        None => (FileKind::Other, None),
    }
}

/// The forum topic a message stands in; elsewhere the same number only marks who replied.
fn topic(message: &Message) -> Option<ThreadId> {
    message.thread_id.filter(|_| message.is_topic_message)
}

/// The words of one message.
struct Said {
    /// Without mentions of the bot.
    text: String,
    /// Whether the bot is named, or a command of its own given.
    meant: bool,
    /// A command for another bot.
    foreign: bool,
}

impl Said {
    fn in_message(message: &Message, me: &Identity) -> Self {
        let raw = message.text().or(message.caption()).unwrap_or_default();
        let entities = message.entities().or(message.caption_entities()).unwrap_or_default();
        let mut text = String::with_capacity(raw.len());
        let (mut at, mut mentioned) = (0, false);
        for entity in entities {
            let Some(range) = bytes(raw, entity.offset, entity.length) else { continue };
            let ours = match &entity.kind {
                MessageEntityKind::Mention => {
                    raw.get(range.clone()).is_some_and(|n| me.is_named(n))
                }
                MessageEntityKind::TextMention { user } => user.id.0 == me.id,
                _ => false,
            };
            if ours && range.start >= at {
                text.push_str(raw.get(at..range.start).unwrap_or_default());
                at = range.end;
                mentioned = true;
            }
        }
        text.push_str(raw.get(at..).unwrap_or_default());
        let text = text.trim().to_owned();
        let command = first_word(&text).strip_prefix('/').map(|name| name.split_once('@'));
        let (meant, foreign) = match command {
            Some(Some((_, bot))) => (me.is_named(bot), !me.is_named(bot)),
            Some(None) => (!matches!(command::parse(&text), Command::Unknown(_)), false),
            None => (false, false),
        };
        Self { text, meant: meant || mentioned, foreign }
    }
}

/// Where so many UTF-16 code units stand in a text; none when they begin or end inside a
/// character or behind the text.
fn bytes(text: &str, offset: usize, length: usize) -> Option<Range<usize>> {
    let at = |wanted: usize| {
        let mut units = 0;
        for (at, c) in text.char_indices() {
            if units >= wanted {
                return (units == wanted).then_some(at);
            }
            units += c.len_utf16();
        }
        (units == wanted).then_some(text.len())
    };
    Some(at(offset)?..at(offset.checked_add(length)?)?)
}

/// Who speaks.
struct Sender {
    id: String,
    name: String,
    language: String,
}

impl Sender {
    /// None for other bots. A group or channel that speaks for somebody is a user of its own,
    /// with a negative id: no list of admins, which are people, can hold it.
    fn of(user: Option<&User>, behalf: Option<&Chat>, chat: &Chat) -> Option<Self> {
        let language = user.and_then(|u| u.language_code.clone()).unwrap_or_default();
        if let Some(behalf) = behalf {
            let name = behalf.title().or(chat.title()).unwrap_or_default().to_owned();
            return Some(Self { id: behalf.id.0.to_string(), name, language });
        }
        let user = user.filter(|u| !u.is_bot)?;
        Some(Self { id: user.id.0.to_string(), name: user.full_name(), language })
    }

    fn request(self, chat: &Chat, thread: Option<ThreadId>, admins: &Admins) -> Request {
        let id = chat.id.0.to_string();
        let place = match thread {
            Some(thread) => format!("{id}:{}", thread.0.0),
            None => id.clone(),
        };
        let space = if chat.is_private() { "" } else { id.as_str() };
        let roles: [&str; 0] = [];
        Request {
            admin: admins.admits(&self.id, &roles, false),
            name: self.name,
            language: self.language,
            ..Request::new(Platform::Telegram, space, &place, &self.id)
        }
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_a_text_are_counted_as_telegram_counts_them() {
        let text = "😀 @bot é";
        assert_eq!(bytes(text, 3, 4).and_then(|r| text.get(r)), Some("@bot"));
        assert_eq!(bytes(text, 8, 1).and_then(|r| text.get(r)), Some("é"));
        for (offset, length) in [(1, 2), (0, 1), (8, 9), (90, 1), (usize::MAX, 2)] {
            assert_eq!(bytes(text, offset, length), None, "{offset} {length}");
        }
    }
}
