//! Pressed buttons: whose they are, and what the one who pressed sees at once.
//!
//! An anonymous admin writes in the group's name, but presses buttons in their own. Buttons that were
//! shown to a group or channel are good for its admins, where Telegram tells who they are.

use std::sync::Arc;

use teloxide::RequestError;
use teloxide::payloads::AnswerCallbackQuerySetters;
use teloxide::requests::Requester;
use teloxide::types::{CallbackQuery, CallbackQueryId, ChatId};

use super::Front;
use super::incoming::{self, Incoming};
use super::queue::{Queues, Work};
use crate::bot::{Button, Reply};
use crate::words::say;

impl Front {
    /// Ends a pressed button's waiting at once, unless whose it is must first be asked; false when it
    /// is not theirs, and they are told so.
    pub(super) fn greet(
        self: &Arc<Self>,
        queues: &Queues<Self>,
        query: &CallbackQuery,
        update: u32,
    ) -> bool {
        if self.behalf(query).is_some() {
            return true;
        }
        let pressed = incoming::press(query, &self.admins);
        let Some(foreign) = pressed.filter(|pressed| !self.bot.offers(&pressed.request)) else {
            self.acknowledge(query.id.clone());
            return true;
        };
        let (front, queues, query) = (Arc::clone(self), queues.clone(), query.clone());
        self.aside(async move {
            if front.refuse(query.id.clone(), &foreign.request.language).await.is_ok() {
                return front.pending.done(vec![update]).await;
            }
            // Telegram waits for no word on it any more, so it is said in the chat.
            let (chat, work) = (foreign.target.chat.0, Work::Press(Box::new(query)));
            if !queues.push(chat, work, update).await {
                front.pending.done(vec![update]).await;
            }
        });
        false
    }

    /// What a pressed button asks for; none when it may not.
    pub(super) async fn pressed(self: &Arc<Self>, query: &CallbackQuery) -> Option<Incoming> {
        let mut incoming = incoming::press(query, &self.admins)?;
        if let Some(behalf) = self.behalf(query) {
            if !self.speaks_for(&behalf, query).await {
                let refused = self.refuse(query.id.clone(), &incoming.request.language).await;
                if let Err(error) = refused {
                    tracing::debug!("Telegram: {}", self.api.told(&error));
                }
                return None;
            }
            self.acknowledge(query.id.clone());
            incoming.request.user = behalf;
        }
        Some(incoming)
    }

    /// Remembers buttons that are shown to a group or channel.
    pub(super) fn lend(&self, user: &str, reply: &Reply) {
        if let Reply::Buttons(buttons) = reply
            && user.starts_with('-')
        {
            for Button { action, .. } in buttons {
                self.lent.insert(action.clone(), user.to_owned());
            }
        }
    }

    /// The group or channel that a button was shown to.
    fn behalf(&self, query: &CallbackQuery) -> Option<String> {
        self.lent.get(query.data.as_deref()?)
    }

    async fn speaks_for(&self, chat: &str, query: &CallbackQuery) -> bool {
        let Ok(chat) = chat.parse() else { return false };
        let member = self.api.bot().get_chat_member(ChatId(chat), query.from.id);
        match self.api.call(member).await {
            Ok(member) => member.is_privileged(),
            Err(error) => {
                tracing::info!("Telegram: who may press is not known: {}", self.api.told(&error));
                false
            }
        }
    }

    fn acknowledge(self: &Arc<Self>, id: CallbackQueryId) {
        let front = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = front.api.once(front.api.bot().answer_callback_query(id)).await {
                tracing::debug!("Telegram: {}", front.api.told(&error));
            }
        });
    }

    /// Says to the one who pressed, and to nobody else, that a button is not theirs.
    async fn refuse(&self, id: CallbackQueryId, language: &str) -> Result<(), RequestError> {
        let answer = self.api.bot().answer_callback_query(id);
        let answer = answer.text(say(language, "telegram-not-yours", &[])).show_alert(true);
        self.api.once(answer).await.map(drop)
    }
}
