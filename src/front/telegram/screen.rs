//! One response as messages in a chat: pictures as an album, the answer as a message that grows by
//! edits, buttons under the last message.

use std::path::Path;
use std::time::Duration;

use teloxide::requests::Requester;
use teloxide::types::{InlineKeyboardMarkup, MessageId};
use teloxide::{ApiError, RequestError};
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt};

use super::api::Api;
use super::html;
use super::incoming::Target;
use super::outbox::{Outbox, Unreachable, file_name, keyboard};
use super::pending::Pending;
use crate::bot::{
    Answered, Block, Failure, FailureKind, Kb, Markup, Reply, Span, Thumbnail, web_link,
};
use crate::catalogue::Product;
use crate::words::{Value, say};

/// Between two changes of one message; Telegram allows about one message a second in a chat and
/// twenty a minute in a group.
const PACE: Duration = Duration::from_millis(1100);
const GROUP_PACE: Duration = Duration::from_millis(3100);
/// An action is shown for five seconds.
pub const TYPING: Duration = Duration::from_secs(4);
/// Most pictures in an album; fewer than two are none.
const ALBUM: usize = 10;
/// Longest wait that a growing answer takes notice of when Telegram asks for one.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What became of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Shown {
    All,
    /// The bot was stopping before it had begun, and nobody was told.
    NotBegun,
    /// Not all of it could be sent.
    Lost,
}

pub struct Screen<'a> {
    out: Outbox<'a>,
    kb: Kb,
    /// The answer's messages, with what they hold.
    live: Vec<(MessageId, String)>,
    growing: Option<Markup>,
    /// When the answer may change again.
    next: Instant,
    /// Text that waits for its buttons, and whether it is the answer.
    held: Option<(Markup, bool)>,
    working: bool,
}

impl<'a> Screen<'a> {
    /// `noted` is where the messages are noted, and the update they answer.
    pub fn new(api: &'a Api, kb: Kb, target: Target, noted: (&'a Pending, u32)) -> Self {
        Self {
            out: Outbox { api, target, noted, begun: false, lost: false },
            kb,
            live: Vec::new(),
            growing: None,
            next: Instant::now(),
            held: None,
            working: false,
        }
    }

    /// Shows a response to its end. Where `stopping` says so, a refusal because the bot stops is
    /// kept back.
    ///
    /// # Errors
    /// [`Unreachable`]; dropping the stream ends the work.
    pub async fn show(
        mut self,
        replies: impl Stream<Item = Reply>,
        stopping: impl Fn() -> bool,
    ) -> Result<Shown, Unreachable> {
        tokio::pin!(replies);
        let mut typing = tokio::time::interval(TYPING);
        typing.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                reply = replies.next() => match reply {
                    None => break,
                    Some(Reply::Error(failure))
                        if failure.kind == FailureKind::Unavailable
                            && !self.out.begun && stopping() =>
                    {
                        return Ok(Shown::NotBegun);
                    }
                    Some(reply) => self.take(reply).await?,
                },
                () = tokio::time::sleep_until(self.next), if self.growing.is_some() => {
                    self.grow().await?;
                }
                _ = typing.tick(), if self.working => {
                    self.out.api.typing(self.out.target.chat, self.out.target.thread).await;
                }
            }
        }
        self.settle().await?;
        Ok(self.shown())
    }

    fn shown(&self) -> Shown {
        if self.out.lost { Shown::Lost } else { Shown::All }
    }

    /// Shows one sentence.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn tell(mut self, text: &str) -> Result<Shown, Unreachable> {
        self.text(&Markup::plain(text), None).await?;
        Ok(self.shown())
    }

    async fn take(&mut self, reply: Reply) -> Result<(), Unreachable> {
        match reply {
            Reply::Typing => self.working = true,
            Reply::Growing(markup) => self.growing = Some(html::untapped(markup)),
            Reply::Answer(answered) => {
                self.settle_held(None).await?;
                self.growing = None;
                self.held = Some((self.answer(answered), true));
                self.working = false;
            }
            Reply::Buttons(buttons) => {
                if self.held.is_none() {
                    let text = self.say("telegram-choose", &[]);
                    self.held = Some((Markup::plain(&text), false));
                }
                self.settle_held(Some(keyboard(buttons))).await?;
            }
            Reply::Text(markup) => {
                self.settle().await?;
                self.held = Some((markup, false));
            }
            Reply::Matches { thumbnails, confident } => {
                self.settle().await?;
                self.matches(thumbnails, confident).await?;
            }
            Reply::Product(product) => {
                self.settle().await?;
                self.product(product).await?;
            }
            Reply::File { name, path } => {
                self.settle().await?;
                self.document(&name, &path).await?;
            }
            Reply::Error(failure) => {
                self.settle().await?;
                self.failure(failure).await?;
            }
            Reply::Done(_) => {
                self.settle().await?;
                self.working = false;
            }
        }
        Ok(())
    }

    /// Sends what waits: the answer's last state, or a text that no buttons came for.
    async fn settle(&mut self) -> Result<(), Unreachable> {
        self.settle_held(None).await?;
        if let Some(markup) = self.growing.take() {
            self.update(&markup, None).await?;
        }
        Ok(())
    }

    async fn settle_held(
        &mut self,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<(), Unreachable> {
        match self.held.take() {
            None => Ok(()),
            Some((markup, true)) => {
                self.update(&markup, keyboard).await?;
                self.live.clear();
                Ok(())
            }
            Some((markup, false)) => self.text(&markup, keyboard).await,
        }
    }

    async fn text(
        &mut self,
        markup: &Markup,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<(), Unreachable> {
        let pages = html::messages(markup);
        let last = pages.len().saturating_sub(1);
        for (n, page) in pages.into_iter().enumerate() {
            let keyboard = keyboard.clone().filter(|_| n == last);
            self.out.send(page, keyboard).await?;
        }
        Ok(())
    }

    /// Shows a state of the growing answer, as far as it is easily done: a later one follows.
    async fn grow(&mut self) -> Result<(), Unreachable> {
        let Some(markup) = self.growing.take() else { return Ok(()) };
        let pages = html::messages(&markup);
        for (n, page) in pages.into_iter().enumerate() {
            let Some((id, shown)) = self.live.get(n).cloned() else {
                if let Some(id) = self.out.send(page.clone(), None).await? {
                    self.live.push((id, page));
                }
                continue;
            };
            if shown == page {
                continue;
            }
            let edited = self.out.api.once(self.out.edit(id, page.clone(), None)).await;
            match edited {
                Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => {
                    self.keep(n, id, page);
                }
                Err(RequestError::RetryAfter(wait)) => {
                    self.next = Instant::now() + wait.duration().min(LONGEST_WAIT);
                    self.growing = Some(markup);
                    return Ok(());
                }
                Err(RequestError::Api(error)) => self.replace(n, page, None, &error).await?,
                // The next state will do.
                Err(error) => tracing::debug!("Telegram: {}", self.out.api.told(&error)),
            }
        }
        self.next = Instant::now() + self.pace();
        Ok(())
    }

    /// Brings the answer's messages to their last state.
    async fn update(
        &mut self,
        markup: &Markup,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<(), Unreachable> {
        if !self.live.is_empty() {
            tokio::time::sleep_until(self.next).await;
        }
        let pages = html::messages(markup);
        let count = pages.len();
        for (n, page) in pages.into_iter().enumerate() {
            let keyboard = keyboard.clone().filter(|_| n + 1 == count);
            let Some((id, shown)) = self.live.get(n).cloned() else {
                if let Some(id) = self.out.send(page.clone(), keyboard).await? {
                    self.live.push((id, page));
                }
                continue;
            };
            if shown == page && keyboard.is_none() {
                continue;
            }
            let edited = self.out.api.call(self.out.edit(id, page.clone(), keyboard.clone())).await;
            match edited {
                Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => {
                    self.keep(n, id, page);
                }
                Err(error) => self.replace(n, page, keyboard, &error).await?,
            }
        }
        for (id, _) in self.live.drain(count.min(self.live.len())..) {
            let gone = self
                .out
                .api
                .call(self.out.api.bot().delete_message(self.out.target.chat, id))
                .await;
            if let Err(error) = gone {
                tracing::debug!("Telegram: {}", self.out.api.told(&error));
            }
        }
        self.next = Instant::now() + self.pace();
        Ok(())
    }

    /// A new message in place of one that cannot be edited.
    async fn replace(
        &mut self,
        n: usize,
        page: String,
        keyboard: Option<InlineKeyboardMarkup>,
        error: &impl std::fmt::Display,
    ) -> Result<(), Unreachable> {
        tracing::debug!("Telegram: a message is sent anew: {}", self.out.api.told(error));
        if let Some(id) = self.out.send(page.clone(), keyboard).await? {
            self.keep(n, id, page);
        }
        Ok(())
    }

    fn keep(&mut self, n: usize, id: MessageId, page: String) {
        if let Some(live) = self.live.get_mut(n) {
            *live = (id, page);
        }
    }

    async fn matches(
        &mut self,
        thumbnails: Vec<Thumbnail>,
        confident: bool,
    ) -> Result<(), Unreachable> {
        let mut bare = Vec::new();
        let mut shown = Vec::with_capacity(thumbnails.len());
        for Thumbnail { product, jpeg, caption, .. } in thumbnails {
            match jpeg {
                Some(jpeg) => {
                    shown.push((format!("{}.jpg", file_name(&product.id)), jpeg, caption))
                }
                None => bare.push(caption),
            }
        }
        if !confident && let Some((_, _, caption)) = shown.first_mut() {
            *caption = self.say("telegram-unsure", &[("caption", caption.as_str().into())]);
        }
        for album in shown.chunks(ALBUM) {
            if !self.out.album(album).await? {
                // Better the names alone than nothing.
                bare.extend(album.iter().map(|(_, _, caption)| caption.clone()));
            }
        }
        if !bare.is_empty() {
            let items = bare.iter().map(|c| Block::Item(vec![Span::plain(c)])).collect();
            self.text(&Markup(items), None).await?;
        }
        Ok(())
    }

    async fn product(&mut self, product: Product) -> Result<(), Unreachable> {
        let first = product.images.first().copied();
        if let Some(image) = first
            && let Ok(Some(jpeg)) = self.kb.picture(image).await
        {
            let name = format!("{}.jpg", file_name(&product.id));
            self.out.photo(&name, jpeg, html::caption(&product.title)).await?;
        }
        let mut head = vec![Span::bold(&product.title), Span::plain("\n"), Span::code(&product.id)];
        if let Some(images) = product.images.len().checked_sub(1).filter(|more| *more > 0) {
            let more = self.say("telegram-more-images", &[("images", images.into())]);
            head.push(Span::plain(&format!(" {more}")));
        }
        let mut blocks = vec![Block::Paragraph(head)];
        blocks.extend(Markup::plain(&product.description).0);
        blocks.extend(product.attributes.iter().map(|(name, value)| {
            let value = Span { link: web_link(value), ..Span::plain(value) };
            Block::Item(vec![Span::bold(name), Span::plain(": "), value])
        }));
        self.text(&Markup(blocks), None).await
    }

    async fn document(&mut self, name: &str, path: &Path) -> Result<(), Unreachable> {
        if !self.out.document(name, path).await? {
            let text = self.say("telegram-file-not-sent", &[("name", name.into())]);
            self.text(&Markup::plain(&text), None).await?;
        }
        Ok(())
    }

    async fn failure(&mut self, failure: Failure) -> Result<(), Unreachable> {
        self.working = false;
        self.text(&Markup::plain(&failure.text), None).await
    }

    /// The answer with the products it rests on, where those have pages to go to.
    fn answer(&self, answered: Answered) -> Markup {
        let Answered { text, sources, .. } = answered;
        let mut markup = html::untapped(text);
        let linked: Vec<_> = sources.into_iter().filter(|s| s.url.is_some()).collect();
        for (n, source) in linked.into_iter().enumerate() {
            if n == 0 {
                let head = self.say("telegram-sources", &[]);
                markup.0.push(Block::Paragraph(vec![Span { italic: true, ..Span::plain(&head) }]));
            }
            let link = Span { link: source.url, ..Span::plain(&source.title) };
            markup.0.push(Block::Item(vec![link]));
        }
        markup
    }

    fn pace(&self) -> Duration {
        if self.out.target.group { GROUP_PACE } else { PACE }
    }

    fn say(&self, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
        say(&self.out.target.language, key, values)
    }
}
