//! Telegram: updates taken by long polling or by webhook, and each chat's messages, albums and
//! buttons turned into requests to the bot.
//!
//! An update is written down when it is taken and struck out when it is answered (`pending.rs`), so
//! a restart in the middle loses nothing. Within a chat, updates are worked off in their order.

mod api;
mod disk;
mod html;
mod incoming;
mod inline;
mod menu;
mod outbox;
mod pending;
mod press;
mod queue;
mod screen;
mod updates;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use teloxide::requests::Requester;
use teloxide::types::{ChatId, Message, Update, UpdateKind};
use tokio::sync::Semaphore;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use api::{Api, FetchError};
use incoming::{FileKind, FileRef, Incoming};
use pending::Pending;
use queue::{Job, Queues, Work, Worker};
use screen::{Screen, Shown};
pub use webhook::{Deliveries, webhook};

use crate::bot::access::Admins;
use crate::bot::{Bot, Platform, RepliedTo, Upload};
use crate::config::TelegramSettings;
use crate::words::{Value, negotiate, say};

/// When the bot stops: longest wait for a last word to Telegram.
const FAREWELL: Duration = Duration::from_secs(3);
/// Albums whose other pictures are remembered, and how long.
const ALBUMS: u64 = 2000;
const ALBUM_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Inline queries looked for at once.
const INLINE: usize = 4;
/// Buttons shown to groups and channels that are remembered.
const LENT: u64 = 4000;
/// How long a chat that sends too much is told so once.
const FLOODED: Duration = Duration::from_secs(60);
/// Most pictures of an album (Bot API, sendMediaGroup).
const ALBUM_SIZE: usize = 10;

/// Who the bot is on Telegram.
pub(crate) struct Identity {
    id: u64,
    username: String,
}

impl Identity {
    /// Whether `@name` or `name` is the bot's.
    fn is_named(&self, name: &str) -> bool {
        let name = name.strip_prefix('@').unwrap_or(name);
        !name.is_empty() && name.eq_ignore_ascii_case(&self.username)
    }
}

struct Front {
    api: Api,
    bot: Bot,
    me: Identity,
    admins: Admins,
    pending: Pending,
    /// The files of albums by chat and album.
    albums: Cache<(i64, String), Vec<FileRef>>,
    /// Admins who have their menu.
    menus: Cache<i64, ()>,
    /// Actions of buttons that were shown to a group or channel, and to which.
    lent: Cache<String, String>,
    /// Chats that were told that they send too much.
    flooded: Cache<i64, ()>,
    /// Room for those who type `@bot words`, each of which goes through the catalogue.
    inline: Semaphore,
    /// Short calls beside the queues.
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Serves Telegram until `stop`; an error is what trying again cannot mend. Without `deliveries`,
/// which [`webhook()`] makes, updates come by long polling.
///
/// # Errors
/// A sentence for the operator.
pub async fn run(
    settings: TelegramSettings,
    bot: Bot,
    deliveries: Option<Deliveries>,
    stop: CancellationToken,
) -> Result<(), String> {
    let api = Api::new(&settings)?;
    let Some(me) = updates::introduce(&api, &stop).await? else { return Ok(()) };
    tracing::info!("Telegram: serving @{}", me.username);
    let file = bot.settings().catalogue.dir.join(format!("telegram-{}.jsonl", me.id));
    let grace = Duration::from_secs(bot.settings().bot.grace_s);
    let tasks = TaskTracker::new();
    let front = Arc::new(Front {
        pending: Pending::open(file).await,
        admins: Admins {
            users: settings.admins.iter().map(u64::to_string).collect(),
            ..Admins::default()
        },
        albums: Cache::builder().max_capacity(ALBUMS).time_to_live(ALBUM_LIFE).build(),
        menus: Cache::new(ALBUMS),
        inline: Semaphore::new(INLINE),
        lent: Cache::builder().max_capacity(LENT).time_to_live(ALBUM_LIFE).build(),
        flooded: Cache::builder().max_capacity(ALBUMS).time_to_live(FLOODED).build(),
        tasks: tasks.clone(),
        stop: stop.clone(),
        api,
        bot,
        me,
    });
    let menu = Arc::clone(&front);
    front.aside(async move {
        menu::set(&menu.api).await;
        for admin in settings.admins.iter().filter_map(|id| i64::try_from(*id).ok()) {
            menu.show_menu(admin).await;
        }
    });
    let queues = Queues::new(Arc::clone(&front), tasks.clone(), stop);
    for update in front.pending.left().await {
        front.sort(&queues, update).await;
    }
    let ended = match deliveries {
        Some(deliveries) => front.listen(&queues, deliveries).await,
        None => front.poll(&queues).await,
    };
    tasks.close();
    // What Telegram does not take by then stays written down for the next start.
    let _ = tokio::time::timeout(grace + FAREWELL, tasks.wait()).await;
    ended
}

impl Front {
    /// Queues an update for its chat, unless it means nothing to the bot.
    async fn sort(self: &Arc<Self>, queues: &Queues<Self>, update: Update) {
        let id = update.id.0;
        let language = update.from().and_then(|u| u.language_code.clone()).unwrap_or_default();
        let (chat, work) = match update.kind {
            UpdateKind::Message(message) => {
                self.remember_album(&message);
                let chat = message.chat.id.0;
                let roles: [&str; 0] = [];
                let admin = self.admins.admits(&chat.to_string(), &roles, false);
                if admin && !self.menus.contains_key(&chat) {
                    let front = Arc::clone(self);
                    self.aside(async move { front.show_menu(chat).await });
                }
                // Which of an album's messages names the bot is known when all are there.
                if message.media_group_id().is_none()
                    && self.read(std::slice::from_ref(&message)).is_none()
                {
                    return self.pending.done(vec![id]).await;
                }
                (message.chat.id.0, Work::Messages(vec![message]))
            }
            // What was changed about a text or command is not asked anew; a photo's caption is.
            UpdateKind::EditedMessage(message)
                if message.caption().is_some()
                    && message.edit_date().is_some()
                    && incoming::file(&message, self.photo_bytes()).is_some() =>
            {
                (message.chat.id.0, Work::Messages(vec![message]))
            }
            UpdateKind::CallbackQuery(query) => {
                if !self.greet(queues, &query, id) {
                    return;
                }
                let chat = query.message.as_ref().map_or(0, |m| m.chat().id.0);
                (chat, Work::Press(Box::new(query)))
            }
            UpdateKind::InlineQuery(query) => {
                (i64::try_from(query.from.id.0).unwrap_or_default(), Work::Inline(Box::new(query)))
            }
            UpdateKind::Error(update) => {
                let (kind, _) = update.as_object().and_then(|u| u.iter().next_back()).unzip();
                tracing::warn!("Telegram: update {id} cannot be read: {kind:?}");
                return self.pending.done(vec![id]).await;
            }
            _ => return self.pending.done(vec![id]).await,
        };
        if !queues.push(chat, work, id).await {
            tracing::warn!("Telegram: chat {chat} sends more than can be answered");
            self.pending.done(vec![id]).await;
            if !self.flooded.contains_key(&chat) {
                self.flooded.insert(chat, ());
                let (front, seconds) = (Arc::clone(self), FLOODED.as_secs());
                let text = say(&language, "busy", &[("seconds", seconds.into())]);
                self.aside(async move {
                    let told = front.api.bot().send_message(ChatId(chat), text);
                    if let Err(error) = front.api.once(told).await {
                        tracing::debug!("Telegram: {}", front.api.told(&error));
                    }
                });
            }
        }
    }

    /// Runs what nobody waits for, until the bot stops.
    fn aside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(work).await });
    }

    /// Shows an admin the longer menu, which needs a chat that the admin began.
    async fn show_menu(&self, admin: i64) {
        if self.menus.contains_key(&admin) || !menu::set_for_admin(&self.api, admin).await {
            return;
        }
        self.menus.insert(admin, ());
    }

    fn remember_album(&self, message: &Message) {
        let Some(id) = message.media_group_id() else { return };
        let Some(file) = incoming::file(message, self.photo_bytes()) else { return };
        let key = (message.chat.id.0, id.0.clone());
        self.albums.entry(key).and_upsert_with(|known| {
            let mut files = known.map(|k| k.into_value()).unwrap_or_default();
            if files.len() < ALBUM_SIZE && !files.contains(&file) {
                files.push(file);
            }
            files
        });
    }

    fn read(&self, messages: &[Message]) -> Option<Incoming> {
        incoming::message(messages, &self.me, &self.admins, self.photo_bytes(), |chat, album| {
            self.albums.get(&(chat.0, album.0.clone()))
        })
    }

    /// The largest photo that is fetched.
    fn photo_bytes(&self) -> u64 {
        self.api.limit(self.bot.settings().photo.max_bytes)
    }

    /// Responds to an update; false when that is still to be done, at the next start.
    async fn respond(&self, incoming: Incoming, update: u32) -> bool {
        let request = &incoming.request;
        let kb = self.bot.kb(Platform::Telegram, &request.space, &request.chat);
        let noted = (&self.pending, update);
        let screen = Screen::new(&self.api, kb, incoming.target.clone(), noted);
        let (files, replied) = match self.wanted(&incoming) {
            Ok(wanted) => wanted,
            Err(mut refusal) => {
                let language = negotiate(&request.language);
                let admitted = self.bot.admit(Platform::Telegram, &request.user, &language);
                if let Err(failure) = admitted {
                    refusal = failure.text;
                }
                return !matches!(screen.tell(&refusal).await, Ok(Shown::Lost));
            }
        };
        if !files.is_empty() || !replied.is_empty() {
            self.api.typing(incoming.target.chat, incoming.target.thread).await;
        }
        let fetching = async {
            let own = self.fetch(&files, &incoming).await?;
            Ok::<_, String>((own, self.fetch(&replied, &incoming).await?))
        };
        let typing = async {
            loop {
                tokio::time::sleep(screen::TYPING).await;
                self.api.typing(incoming.target.chat, incoming.target.thread).await;
            }
        };
        let fetched = tokio::select! {
            fetched = fetching => fetched,
            never = typing => never,
        };
        let (own, theirs) = match fetched {
            Ok(fetched) => fetched,
            Err(refusal) => return !matches!(screen.tell(&refusal).await, Ok(Shown::Lost)),
        };
        let mut request = incoming.request;
        request.files = own;
        request.reply_to =
            incoming.replied.map(|_| RepliedTo { text: String::new(), files: theirs });
        let user = request.user.clone();
        let replies = self.bot.handle(request).map(|reply| {
            self.lend(&user, &reply);
            reply
        });
        let shown = screen.show(replies, || self.stop.is_cancelled()).await;
        !matches!(shown, Ok(Shown::NotBegun | Shown::Lost))
    }

    /// The files to fetch, the message's own and those it replies to, or why not.
    fn wanted(&self, incoming: &Incoming) -> Result<(Vec<FileRef>, Vec<FileRef>), String> {
        let request = &incoming.request;
        // A refusal or a button needs no file.
        if request.press.is_some() || (incoming.administers() && !request.admin) {
            return Ok((Vec::new(), Vec::new()));
        }
        let say =
            |key: &str, values: &[(&'static str, Value<'_>)]| say(&request.language, key, values);
        let wanted = if incoming.imports() { FileKind::Archive } else { FileKind::Image };
        if let Some(file) = incoming.files.iter().find(|f| f.kind != wanted) {
            if incoming.imports() {
                return Ok((Vec::new(), Vec::new()));
            }
            let name = if file.name.is_empty() { "…" } else { file.name.as_str() };
            return Err(match file.kind {
                FileKind::Archive => say("telegram-archive", &[("name", name.into())]),
                _ if file.name.is_empty() => say("telegram-no-photo", &[]),
                _ => say("telegram-no-photo-named", &[("name", name.into())]),
            });
        }
        let mut replied = incoming.replied.clone().unwrap_or_default();
        replied.retain(|f| f.kind == wanted && incoming.files.is_empty());
        for files in [&incoming.files, &replied] {
            let limit = self.bot.settings().bot.max_photos;
            if wanted == FileKind::Image && files.len() > limit {
                let values = [("sent", files.len().into()), ("limit", limit.into())];
                return Err(say("too-many-photos", &values));
            }
            let unread = |f: &FileRef| Some((f.name.clone(), f.unread.clone()?));
            if let Some((name, format)) = files.iter().find_map(unread) {
                let sentence = say("photo-unsupported", &[("format", format.into())]);
                let named = if name.is_empty() { sentence } else { format!("{name}: {sentence}") };
                return Err(named);
            }
            let limit = self.file_bytes(wanted);
            let large = files.iter().find(|f| f.size.is_some_and(|size| size > limit));
            if let Some(file) = large {
                return Err(self.too_large(file, incoming));
            }
        }
        Ok((incoming.files.clone(), replied))
    }

    fn file_bytes(&self, kind: FileKind) -> u64 {
        match kind {
            FileKind::Archive => self.api.limit(self.bot.settings().bot.max_archive),
            _ => self.photo_bytes(),
        }
    }

    fn too_large(&self, file: &FileRef, incoming: &Incoming) -> String {
        let language = &incoming.request.language;
        let name = match file.name.as_str() {
            "" => say(language, "telegram-the-photo", &[]),
            name => name.to_owned(),
        };
        let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
        let limit = megabytes(self.file_bytes(file.kind)).into();
        match file.size {
            Some(size) => {
                let values =
                    [("name", name.into()), ("size", megabytes(size).into()), ("limit", limit)];
                say(language, "telegram-too-large", &values)
            }
            None => {
                say(language, "telegram-over-limit", &[("name", name.into()), ("limit", limit)])
            }
        }
    }

    /// Fetches files; an error is a sentence for the user.
    async fn fetch(&self, files: &[FileRef], incoming: &Incoming) -> Result<Vec<Upload>, String> {
        let language = &incoming.request.language;
        let mut uploads = Vec::with_capacity(files.len());
        for file in files {
            let bytes = match self.api.fetch(&file.id, self.file_bytes(file.kind)).await {
                Ok(bytes) => bytes,
                Err(FetchError::TooLarge) => {
                    // Larger than it was said to be.
                    let file = FileRef { size: None, ..file.clone() };
                    return Err(self.too_large(&file, incoming));
                }
                Err(FetchError::Gone) => return Err(say(language, "telegram-file-gone", &[])),
                Err(FetchError::Trouble(trouble)) => {
                    tracing::warn!("Telegram: a file was not fetched: {trouble}");
                    return Err(say(language, "telegram-file-trouble", &[]));
                }
            };
            uploads.push(Upload { name: file.name.clone(), bytes: bytes.into() });
        }
        Ok(uploads)
    }
}

impl Worker for Front {
    async fn work(self: Arc<Self>, job: Job) {
        let update = job.updates.first().copied().unwrap_or_default();
        // Its answer broke off when the bot did, and is given anew.
        for (chat, message) in self.pending.half_said(&job.updates) {
            let gone = self.api.call(self.api.bot().delete_message(chat, message)).await;
            if let Err(error) = gone {
                tracing::debug!("Telegram: {}", self.api.told(&error));
            }
        }
        let finished = match &job.work {
            Work::Messages(messages) => match self.read(messages) {
                Some(incoming) => self.respond(incoming, update).await,
                None => true,
            },
            Work::Press(query) => match self.pressed(query).await {
                Some(incoming) => self.respond(incoming, update).await,
                None => true,
            },
            Work::Inline(query) => {
                inline::answer(&self.api, &self.bot, &self.inline, query).await;
                true
            }
        };
        if finished {
            self.pending.done(job.updates.clone()).await;
        }
    }
}
