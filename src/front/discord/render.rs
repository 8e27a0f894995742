//! A response's replies as Discord messages: matches as embeds with their thumbnails, an answer
//! that grows by editing, buttons below it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};

use super::buttons;
use super::outlet::{ANSWERED, Outlet, Post};
use super::rest::{Attach, RestError};
use super::text;
use crate::answer::Origin;
use crate::bot::{
    Answered, Block, Button, Failure, FailureKind, Kb, Markup, Reply, Span, Thumbnail, web_link,
};
use crate::catalogue::Product;
use crate::words::say;

/// Discord's limits of a message.
const EMBEDS: usize = 10;
const TITLE: usize = 256;
const DESCRIPTION: usize = 3500;
const FIELDS: usize = 12;
const FIELD_NAME: usize = 60;
const FIELD_VALUE: usize = 130;
const ALT: usize = 200;
const FILE_NAME: usize = 100;
/// What Discord lets a bot upload everywhere.
const MAX_FILE: u64 = 10 << 20;
/// Discord shows typing for ten seconds.
const TYPING: Duration = Duration::from_secs(8);
/// What may still be joined to a text, as its buttons, comes within this time.
const JOIN: Duration = Duration::from_millis(150);

/// A message that stands in the chat.
struct Shown {
    id: String,
    text: String,
    buttons: Vec<Button>,
}

/// What should stand in the chat.
struct Staged {
    pages: Vec<String>,
    buttons: Vec<Button>,
    due: Instant,
}

/// Writes one response.
pub struct Writer {
    outlet: Outlet,
    kb: Kb,
    language: String,
    /// The messages of the text that is being written.
    shown: Vec<Shown>,
    staged: Option<Staged>,
    typing: Option<Instant>,
    /// The staged text is an answer that still grows.
    growing: bool,
    /// The buttons that one was pressed of, as they are to stand when it did its work.
    pressed: Option<Vec<Value>>,
    /// A part of the response may not have arrived.
    broken_off: bool,
}

impl Writer {
    pub fn new(outlet: Outlet, kb: Kb, language: &str) -> Self {
        let language = language.to_owned();
        let (shown, staged, typing) = (Vec::new(), None, None);
        let (growing, pressed, broken_off) = (false, None, false);
        Self { outlet, kb, language, shown, staged, typing, growing, pressed, broken_off }
    }

    /// The same, answering the press of a button.
    pub fn pressed(self, pressed: Option<Vec<Value>>) -> Self {
        Self { pressed, ..self }
    }

    /// Writes replies as they come, to the last one.
    pub async fn write(mut self, replies: impl Stream<Item = Reply>) {
        tokio::pin!(replies);
        loop {
            let due = self.staged.as_ref().map(|s| s.due);
            let typing = self.typing;
            let at = |when: Option<Instant>| async move {
                match when {
                    Some(when) => tokio::time::sleep_until(when).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                reply = replies.next() => match reply {
                    Some(reply) => self.take(reply).await,
                    None => break,
                },
                () = at(due) => self.flush().await,
                () = at(typing) => self.type_on().await,
            }
        }
        self.flush().await;
        if self.broken_off {
            self.say_privately(&say(&self.language, "discord-broken-off", &[])).await;
        }
        self.outlet.close().await;
    }

    /// Says a sentence in place of a response.
    pub async fn refuse(mut self, sentence: &str) {
        self.say_privately(sentence).await;
    }

    async fn take(&mut self, reply: Reply) {
        if did_work(&reply)
            && let Some(buttons) = self.pressed.take()
        {
            self.outlet.mark(&buttons).await;
        }
        match reply {
            Reply::Typing => self.type_on().await,
            Reply::Matches { thumbnails, confident } => {
                self.flush().await;
                self.matches(&thumbnails, confident).await;
            }
            Reply::Growing(markup) => self.grow(&markup).await,
            Reply::Answer(answer) => self.answer(answer).await,
            Reply::Text(markup) => {
                self.flush().await;
                self.shown.clear();
                self.stage(text::pages(&markup, text::MESSAGE), Instant::now() + JOIN);
            }
            Reply::Product(product) => {
                self.flush().await;
                self.product(&product).await;
            }
            Reply::Buttons(buttons) => self.buttons(buttons),
            Reply::File { name, path } => {
                self.flush().await;
                self.file(&name, path).await;
            }
            Reply::Error(Failure { text, .. }) => {
                self.flush().await;
                self.say_privately(&text).await;
            }
            Reply::Done(_) => {
                self.typing = None;
                self.flush().await;
            }
        }
    }

    async fn type_on(&mut self) {
        self.typing = Some(Instant::now() + TYPING);
        self.outlet.typing().await;
    }

    async fn say_privately(&mut self, sentence: &str) {
        for page in text::pages(&Markup::plain(sentence), text::MESSAGE) {
            let post = Post { content: page, private: true, insistent: true, ..Post::default() };
            self.post(&post).await;
        }
    }

    async fn post(&mut self, post: &Post) -> Option<String> {
        let sent = self.outlet.send(post).await;
        if let Err(error) = &sent {
            tracing::warn!("a message could not be sent: {error}");
            self.broken_off |= error.is_lost() && !post.insistent;
        }
        sent.ok()
    }

    /// Sends a message with embeds; where Discord does not take it, without pictures and links, or with
    /// the titles alone.
    async fn post_pictured(&mut self, mut post: Post) {
        for plainer in [without_links as fn(&mut Post), titles_alone] {
            match self.outlet.send(&post).await {
                Ok(_) => return,
                Err(error @ RestError::Refused { status: ..500, .. }) => {
                    tracing::warn!("a message with pictures was not taken: {error}");
                    plainer(&mut post);
                }
                Err(error) => {
                    tracing::warn!("a message could not be sent: {error}");
                    self.broken_off |= error.is_lost();
                    return;
                }
            }
        }
        self.broken_off |= self.post(&post).await.is_none();
    }

    async fn matches(&mut self, thumbnails: &[Thumbnail], confident: bool) {
        let key = if confident { "discord-matches" } else { "discord-matches-unsure" };
        let mut content = say(&self.language, key, &[]);
        for some in thumbnails.chunks(EMBEDS) {
            let mut post = Post { content: std::mem::take(&mut content), ..Post::default() };
            for (n, thumbnail) in some.iter().enumerate() {
                post.embeds.push(matched(n, thumbnail));
                let file = |jpeg: &Vec<u8>| jpeg_file(&picture(n), jpeg.clone());
                post.files.extend(thumbnail.jpeg.as_ref().map(file));
            }
            self.post_pictured(post).await;
        }
        self.shown.clear();
    }

    async fn grow(&mut self, markup: &Markup) {
        if !self.growing {
            self.flush().await;
            self.shown.clear();
            self.growing = true;
        }
        let pages = text::pages(markup, text::MESSAGE);
        let first = self.shown.is_empty() && self.staged.is_none();
        let due = if first { Instant::now() } else { self.outlet.next_edit() };
        let due = self.staged.as_ref().map_or(due, |s| s.due);
        self.stage(pages, due);
    }

    async fn answer(&mut self, answer: Answered) {
        if !std::mem::take(&mut self.growing) {
            self.flush().await;
            self.shown.clear();
        }
        let markup = signed(answer, &self.language);
        let due = self.outlet.next_edit().max(Instant::now() + JOIN);
        self.typing = None;
        self.stage(text::pages(&markup, text::MESSAGE), due);
    }

    fn stage(&mut self, pages: Vec<String>, due: Instant) {
        self.staged = Some(Staged { pages, buttons: Vec::new(), due });
    }

    /// Puts buttons below the last text.
    fn buttons(&mut self, buttons: Vec<Button>) {
        if let Some(staged) = &mut self.staged {
            staged.buttons = buttons;
            return;
        }
        let mut pages: Vec<String> = self.shown.iter().map(|s| s.text.clone()).collect();
        if pages.is_empty() {
            pages.push(say(&self.language, "discord-choose", &[]));
        }
        self.staged = Some(Staged { pages, buttons, due: self.outlet.next_edit() });
    }

    /// Makes the chat show what is staged.
    async fn flush(&mut self) {
        let Some(staged) = self.staged.take() else { return };
        let last = staged.pages.len().saturating_sub(1);
        for (n, page) in staged.pages.into_iter().enumerate() {
            let buttons = if n == last { staged.buttons.clone() } else { Vec::new() };
            let wanted = Shown { id: String::new(), text: page, buttons };
            self.show(n, wanted).await;
        }
        for gone in self.shown.split_off((last + 1).min(self.shown.len())) {
            self.outlet.delete(&gone.id).await;
        }
    }

    async fn show(&mut self, n: usize, mut wanted: Shown) {
        let post = Post {
            content: wanted.text.clone(),
            components: buttons::rows(&wanted.buttons),
            ..Post::default()
        };
        if let Some(old) = self.shown.get_mut(n) {
            if old.text == wanted.text && old.buttons == wanted.buttons {
                return;
            }
            match self.outlet.edit(&old.id, &post).await {
                Ok(()) => {
                    wanted.id = std::mem::take(&mut old.id);
                    *old = wanted;
                    return;
                }
                // It stands and is old; a second one beside it would be no better.
                Err(error @ RestError::Limited(_)) => {
                    tracing::warn!("a message could not be edited: {error}");
                    self.broken_off = true;
                    return;
                }
                // Most likely deleted meanwhile: it is said anew.
                Err(error) => tracing::info!("a message could not be edited: {error}"),
            }
        }
        let Some(id) = self.post(&post).await else { return };
        wanted.id = id;
        match self.shown.get_mut(n) {
            Some(old) => *old = wanted,
            None => self.shown.push(wanted),
        }
    }

    async fn product(&mut self, product: &Product) {
        let jpeg = match product.images.first() {
            Some(image) => self.kb.thumbnail(*image).await.ok().flatten(),
            None => None,
        };
        let fields = product.attributes.iter().take(FIELDS).map(|(name, value)| {
            let value = match web_link(value).filter(|l| l.len() < FIELD_VALUE) {
                Some(link) => format!("<{link}>"),
                None => text::line(value, FIELD_VALUE),
            };
            let empty = |s: String| if s.is_empty() { "–".to_owned() } else { s };
            json!({
                "name": empty(text::line(name, FIELD_NAME)), "value": empty(value), "inline": true,
            })
        });
        let mut embed = json!({
            "title": text::line(&product.title, TITLE),
            "description": text::block(&product.description, DESCRIPTION),
            "fields": fields.collect::<Vec<_>>(),
            "footer": { "text": text::label(&product.id, TITLE) },
        });
        link(&mut embed, product);
        let mut post = Post::default();
        if let Some(jpeg) = jpeg {
            embed["thumbnail"] = json!({ "url": format!("attachment://{}", picture(0)) });
            post.files.push(jpeg_file(&picture(0), jpeg));
        }
        post.embeds.push(embed);
        self.post_pictured(post).await;
        self.shown.clear();
    }

    async fn file(&mut self, name: &str, path: Arc<tempfile::TempPath>) {
        let read = move || -> std::io::Result<Option<Vec<u8>>> {
            let mut bytes = Vec::new();
            std::fs::File::open(&*path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
            Ok(Some(bytes).filter(|b| b.len() as u64 <= MAX_FILE))
        };
        let bytes = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return self.broken(&error).await,
            Err(error) => return self.broken(&std::io::Error::other(error)).await,
        };
        let Some(bytes) = bytes else {
            let limit = (MAX_FILE >> 20).to_string();
            let sentence = say(&self.language, "discord-file-bytes", &[("limit", limit.into())]);
            return self.say_privately(&sentence).await;
        };
        let name = text::label(name, FILE_NAME);
        let file = Attach { name, bytes, mime: "application/zip" };
        if self.post(&Post { files: vec![file], ..Post::default() }).await.is_none() {
            // Larger than this place takes, or files are not allowed here.
            self.say_privately(&say(&self.language, "discord-file-refused", &[])).await;
        }
        self.shown.clear();
    }

    async fn broken(&mut self, error: &std::io::Error) {
        let failure = crate::bot::internal(error, &self.language);
        self.say_privately(&failure.text).await;
    }
}

/// Whether a reply shows that a pressed button did its work. One that was another's, is no longer
/// known or came too fast may still be pressed.
fn did_work(reply: &Reply) -> bool {
    use FailureKind::{Conflict, Internal, NotFound};
    match reply {
        Reply::Typing | Reply::Done(_) => false,
        Reply::Error(failure) => matches!(failure.kind, Conflict | Internal | NotFound),
        _ => true,
    }
}

/// What Discord may ask again without an answer: whether an interaction was answered already.
pub fn answered_before(error: &RestError) -> bool {
    matches!(error, RestError::Refused { code: ANSWERED | 10062, .. })
}

fn picture(n: usize) -> String {
    format!("match-{}.jpg", n + 1)
}

fn jpeg_file(name: &str, bytes: Vec<u8>) -> Attach {
    Attach { name: name.to_owned(), bytes, mime: "image/jpeg" }
}

fn matched(n: usize, thumbnail: &Thumbnail) -> Value {
    let mut embed = json!({
        "title": text::line(&thumbnail.caption, TITLE),
        "footer": { "text": text::label(&thumbnail.product.id, ALT) },
    });
    if thumbnail.jpeg.is_some() {
        embed["thumbnail"] = json!({ "url": format!("attachment://{}", picture(n)) });
    }
    link(&mut embed, &thumbnail.product);
    embed
}

/// Makes the title lead to the product's own page. A whole message is refused for the address of a
/// machine without a domain, as shops have in a network of their own.
fn link(embed: &mut Value, product: &Product) {
    let url = product.attributes.get("url").and_then(|url| web_link(url));
    let url = url.filter(|url| url.len() <= 1000);
    let dotted = |url: &reqwest::Url| url.host_str().is_some_and(|host| host.contains('.'));
    if let Some(url) = url.filter(|url| reqwest::Url::parse(url).is_ok_and(|url| dotted(&url))) {
        embed["url"] = url.into();
    }
}

fn without_links(post: &mut Post) {
    post.files.clear();
    for embed in post.embeds.iter_mut().filter_map(Value::as_object_mut) {
        embed.shift_remove("thumbnail");
        embed.shift_remove("url");
    }
}

fn titles_alone(post: &mut Post) {
    for embed in std::mem::take(&mut post.embeds) {
        let title = embed.get("title").and_then(Value::as_str).unwrap_or_default();
        if post.content.chars().count() + title.chars().count() < text::MESSAGE {
            post.content.push_str(&format!("\n{title}"));
        }
    }
}

/// An answer with what it rests on.
fn signed(answer: Answered, language: &str) -> Markup {
    let mut markup = answer.text;
    // An extract names its product itself.
    if answer.sources.is_empty() || answer.origin != Origin::Model {
        return markup;
    }
    let mut spans = vec![Span::plain(&say(language, "discord-sources", &[]))];
    for (n, source) in answer.sources.iter().enumerate() {
        spans.push(Span::plain(if n == 0 { " " } else { ", " }));
        spans.push(Span { link: source.url.clone(), ..Span::plain(&source.title) });
    }
    markup.0.push(Block::Paragraph(spans));
    markup
}
