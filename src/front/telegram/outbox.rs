//! Messages into one chat: its topic, what they refer to, and what becomes of a call that fails.

use std::path::Path;

use teloxide::RequestError;
use teloxide::payloads::{EditMessageTextSetters, SendMessageSetters, SendPhotoSetters};
use teloxide::requests::{HasPayload, Requester};
use teloxide::types::{
    InlineKeyboardButton, InlineKeyboardMarkup, InputFile, InputMedia, InputMediaPhoto,
    LinkPreviewOptions, Message, MessageId, ParseMode, ReplyParameters,
};

use super::api::{Api, is_unknown_token, transient, unreachable};
use super::html;
use super::incoming::Target;
use super::pending::Pending;
use crate::bot::Button;

/// Nothing that is sent can arrive: the bot was blocked, removed, or its chat is gone.
#[derive(Debug)]
pub struct Unreachable;

/// Where a response goes.
pub struct Outbox<'a> {
    pub api: &'a Api,
    pub target: Target,
    /// Where messages are noted, and for which update.
    pub noted: (&'a Pending, u32),
    /// Whether anything arrived.
    pub begun: bool,
    /// Whether something was given up that may arrive another time.
    pub lost: bool,
}

/// A call that sends, with the topic and the message that it refers to.
macro_rules! placed {
    ($request:expr, $target:expr) => {{
        let mut request = $request;
        let payload = request.payload_mut();
        payload.message_thread_id = $target.thread;
        payload.reply_parameters = refer($target);
        request
    }};
}

impl Outbox<'_> {
    /// Sends a page of text; none when Telegram did not take it.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn send(
        &mut self,
        page: String,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<Option<MessageId>, Unreachable> {
        let build = |target: &Target, api: &Api| {
            let request = placed!(api.bot().send_message(target.chat, page.clone()), target);
            let request = request.parse_mode(ParseMode::Html).link_preview_options(no_preview());
            match keyboard.clone() {
                Some(keyboard) => request.reply_markup(keyboard),
                None => request,
            }
        };
        let mut sent = self.api.call(build(&self.target, self.api)).await;
        if let Err(RequestError::MigrateToChatId(chat)) = sent {
            self.target.chat = chat;
            sent = self.api.call(build(&self.target, self.api)).await;
        }
        let sent = self.sent(sent)?.map(|m| m.id);
        self.note(sent.as_slice()).await;
        Ok(sent)
    }

    /// Notes what now stands in the chat.
    async fn note(&self, messages: &[MessageId]) {
        let (pending, update) = self.noted;
        for message in messages {
            pending.said(update, self.target.chat, *message).await;
        }
    }

    /// After the first message that arrived, nothing need refer to the user's any more.
    fn sent<T>(&mut self, sent: Result<T, RequestError>) -> Result<Option<T>, Unreachable> {
        match sent {
            Ok(sent) => {
                self.begun = true;
                self.target.reply_to = None;
                Ok(Some(sent))
            }
            Err(error) => {
                let told = self.api.told(&error);
                if unreachable(&error) {
                    tracing::info!("Telegram: nobody hears the answer: {told}");
                    return Err(Unreachable);
                }
                tracing::warn!("Telegram: a message was not sent: {told}");
                let limited = matches!(error, RequestError::RetryAfter(_));
                self.lost |= limited || transient(&error) || is_unknown_token(&error);
                Ok(None)
            }
        }
    }

    /// The call that changes a message.
    pub fn edit(
        &self,
        id: MessageId,
        page: String,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> impl teloxide::requests::Request<
        Err = RequestError,
        Payload = teloxide::payloads::EditMessageText,
    > + use<> {
        let request = self.api.bot().edit_message_text(self.target.chat, id, page);
        let request = request.parse_mode(ParseMode::Html).link_preview_options(no_preview());
        match keyboard {
            Some(keyboard) => request.reply_markup(keyboard),
            None => request,
        }
    }

    /// Sends pictures with their names and captions, at most ten; whether they were sent.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn album(
        &mut self,
        pictures: &[(String, Vec<u8>, String)],
    ) -> Result<bool, Unreachable> {
        if let [(name, jpeg, caption)] = pictures {
            return Ok(self.photo(name, jpeg.clone(), html::caption(caption)).await?.is_some());
        }
        let media = pictures.iter().map(|(name, jpeg, caption)| {
            let file = InputFile::memory(jpeg.clone()).file_name(name.clone());
            let photo = InputMediaPhoto::new(file).caption(html::caption(caption));
            InputMedia::Photo(photo.parse_mode(ParseMode::Html))
        });
        let bytes = pictures.iter().map(|(_, jpeg, _)| jpeg.len() as u64).sum();
        let request = self.api.bot().send_media_group(self.target.chat, media);
        let sent = self.api.upload(placed!(request, &self.target), bytes).await;
        let sent = self.sent(sent)?;
        let ids: Vec<MessageId> = sent.iter().flatten().map(|m| m.id).collect();
        self.note(&ids).await;
        Ok(sent.is_some())
    }

    /// Sends one picture; its caption is HTML.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn photo(
        &mut self,
        name: &str,
        jpeg: Vec<u8>,
        caption: String,
    ) -> Result<Option<Message>, Unreachable> {
        let bytes = jpeg.len() as u64;
        let file = InputFile::memory(jpeg).file_name(name.to_owned());
        let request = placed!(self.api.bot().send_photo(self.target.chat, file), &self.target);
        let request = request.caption(caption).parse_mode(ParseMode::Html);
        let sent = self.api.upload(request, bytes).await;
        let sent = self.sent(sent)?;
        self.note(sent.as_ref().map(|m| m.id).as_slice()).await;
        Ok(sent)
    }

    /// Whether the document was sent.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn document(&mut self, name: &str, path: &Path) -> Result<bool, Unreachable> {
        let file = InputFile::file(path).file_name(name.to_owned());
        let bytes = path.metadata().map_or(u64::MAX, |meta| meta.len());
        if !self.api.takes(bytes) {
            return Ok(false);
        }
        let request = placed!(self.api.bot().send_document(self.target.chat, file), &self.target);
        let sent = self.api.upload(request, bytes).await;
        let sent = self.sent(sent)?;
        self.note(sent.as_ref().map(|m| m.id).as_slice()).await;
        Ok(sent.is_some())
    }
}

fn refer(target: &Target) -> Option<ReplyParameters> {
    target.reply_to.map(|id| ReplyParameters::new(id).allow_sending_without_reply())
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

/// Two buttons a row: more are cut off on a phone.
pub fn keyboard(buttons: Vec<Button>) -> InlineKeyboardMarkup {
    let buttons: Vec<_> =
        buttons.into_iter().map(|b| InlineKeyboardButton::callback(b.label, b.action)).collect();
    let (long, rest) = buttons.split_at(buttons.len() % 2);
    InlineKeyboardMarkup::new(
        [long.to_vec()]
            .into_iter()
            .filter(|r| !r.is_empty())
            .chain(rest.chunks(2).map(<[_]>::to_vec)),
    )
}

/// A product's id as part of a file's name.
pub fn file_name(id: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    id.chars().take(60).map(safe).collect()
}
