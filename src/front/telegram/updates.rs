//! How updates come: by long polling, or delivered to our webhook.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use teloxide::payloads::{GetUpdatesSetters, SetWebhookSetters};
use teloxide::requests::Requester;
use teloxide::types::AllowedUpdate;
use teloxide::{ApiError, RequestError};
use tokio_util::sync::CancellationToken;

use super::api::{Api, is_unknown_token, pause};
use super::queue::Queues;
use super::webhook::Deliveries;
use super::{FAREWELL, Front, Identity};

/// How long Telegram holds a request for updates while there are none, in seconds.
const POLL: u32 = 25;
/// Longest wait for its answer.
const POLLED: Duration = Duration::from_secs(POLL as u64 + 10);
/// Deliveries at once. Each takes a moment, and a chat's come one after the other anyway.
const CONNECTIONS: u8 = 16;
/// Deliveries that are written down together.
const TOGETHER: usize = 32;
const REVOKED: &str = "Telegram does not know the token; put the one that @BotFather shows into \
                       telegram.token or MAGPIE__TELEGRAM__TOKEN";
const ALLOWED: [AllowedUpdate; 4] = [
    AllowedUpdate::Message,
    AllowedUpdate::EditedMessage,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::InlineQuery,
];

/// Asks Telegram who the token belongs to; none when the bot stops before it is known.
pub async fn introduce(api: &Api, stop: &CancellationToken) -> Result<Option<Identity>, String> {
    let mut failures = 0;
    loop {
        let asked = tokio::select! {
            asked = api.once(api.bot().get_me()) => asked,
            () = stop.cancelled() => return Ok(None),
        };
        match asked {
            Ok(me) => {
                let username = me.user.username.clone().unwrap_or_default();
                return Ok(Some(Identity { id: me.user.id.0, username }));
            }
            Err(error) => rest(api, &error, &mut failures, stop).await?,
        }
    }
}

/// Waits after a failed call, longer each time; an error when there is no hope.
async fn rest(
    api: &Api,
    error: &RequestError,
    failures: &mut u32,
    stop: &CancellationToken,
) -> Result<(), String> {
    let wait = match error {
        error if is_unknown_token(error) => return Err(REVOKED.into()),
        RequestError::RetryAfter(seconds) => seconds.duration(),
        _ => pause(*failures),
    };
    *failures = failures.saturating_add(1);
    let told = match error {
        RequestError::Api(ApiError::TerminatedByOtherGetUpdates) => {
            "another program takes this bot's messages; each bot can run only once".to_owned()
        }
        error => api.told(error),
    };
    tracing::warn!("Telegram: trying again in {wait:.1?}: {told}");
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = stop.cancelled() => {}
    }
    Ok(())
}

/// Whether updates go to a webhook and not to who asks for them.
fn has_webhook(error: &RequestError) -> bool {
    match error {
        RequestError::Api(ApiError::CantGetUpdates) => true,
        // The sentence goes on after what teloxide knows of it.
        RequestError::Api(ApiError::Unknown(text)) => text.contains("webhook is active"),
        _ => false,
    }
}

impl Front {
    /// Asks for updates until the bot stops.
    pub(super) async fn poll(self: &Arc<Self>, queues: &Queues<Self>) -> Result<(), String> {
        let mut offset = None;
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let mut request = self.api.bot().get_updates().timeout(POLL).allowed_updates(ALLOWED);
            if let Some(offset) = offset {
                request = request.offset(offset);
            }
            let polled = tokio::select! {
                polled = self.api.once_in(POLLED, request) => polled,
                () = self.stop.cancelled() => break,
            };
            let updates = match polled {
                Ok(updates) => updates,
                Err(error) => {
                    if has_webhook(&error) {
                        tracing::info!("Telegram: the bot had a webhook, which is taken away");
                        let _ = self.api.once(self.api.bot().delete_webhook()).await;
                    }
                    rest(&self.api, &error, &mut failures, &self.stop).await?;
                    continue;
                }
            };
            // Without updates all is confirmed, and numbers may start anew after a week of silence.
            let next = updates.last().and_then(|u| i32::try_from(u.id.0).ok()?.checked_add(1));
            match self.pending.take(updates).await {
                Some(Ok(fresh)) => {
                    (failures, offset) = (0, next);
                    for update in fresh {
                        self.sort(queues, update).await;
                    }
                }
                // Not confirmed, they stay with Telegram.
                Some(Err(unwritten)) => {
                    let wait = pause(failures);
                    failures = failures.saturating_add(1);
                    tracing::error!(
                        "Telegram: nothing is taken, trying again in {wait:.1?}: {unwritten}"
                    );
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.stop.cancelled() => {}
                    }
                }
                None => {}
            }
        }
        if let Some(offset) = offset {
            let last = self.api.bot().get_updates().offset(offset).limit(1).timeout(0);
            let _ = tokio::time::timeout(FAREWELL, self.api.once(last)).await;
        }
        Ok(())
    }

    /// Takes what is delivered until the bot stops. The webhook stays set, so that Telegram keeps
    /// what comes in the meantime for the next start.
    pub(super) async fn listen(
        self: &Arc<Self>,
        queues: &Queues<Self>,
        mut deliveries: Deliveries,
    ) -> Result<(), String> {
        // Told by an earlier run, Telegram may deliver before this one has told it anything.
        let telling = self.set_webhook(deliveries.url.clone(), deliveries.secret.clone());
        let taking = async {
            let mut came = Vec::with_capacity(TOGETHER);
            loop {
                let any = tokio::select! {
                    any = deliveries.queue.recv_many(&mut came, TOGETHER) => any,
                    () = self.api.doubted() => {
                        // Nothing comes any more from which it could be seen.
                        match self.api.once(self.api.bot().get_me()).await {
                            Err(error) if is_unknown_token(&error) => return Err(REVOKED.into()),
                            _ => continue,
                        }
                    }
                    () = self.stop.cancelled() => return Ok(()),
                };
                if any == 0 {
                    return Ok(());
                }
                // Who waits no longer was refused it and keeps it.
                came.retain(|delivery| !delivery.written.is_closed());
                let (updates, written): (Vec<_>, Vec<_>) =
                    came.drain(..).map(|delivery| (delivery.update, delivery.written)).unzip();
                let Some(taken) = self.pending.take(updates).await else { return Ok(()) };
                for written in written {
                    let _ = written.send(taken.is_ok());
                }
                match taken {
                    Ok(fresh) => {
                        for update in fresh {
                            self.sort(queues, update).await;
                        }
                    }
                    Err(unwritten) => tracing::error!("Telegram: nothing is taken: {unwritten}"),
                }
            }
        };
        tokio::try_join!(telling, taking).map(drop)
    }

    async fn set_webhook(
        &self,
        url: reqwest::Url,
        secret: secrecy::SecretString,
    ) -> Result<(), String> {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let request = self.api.bot().set_webhook(url.clone());
            let request = request.secret_token(secret.expose_secret());
            let request = request.max_connections(CONNECTIONS).allowed_updates(ALLOWED);
            let told = tokio::select! {
                told = self.api.once(request.drop_pending_updates(false)) => told,
                () = self.stop.cancelled() => return Ok(()),
            };
            match told {
                Ok(_) => {
                    tracing::info!("Telegram: messages are delivered to {url}");
                    return Ok(());
                }
                // A name that is not found may be new; all else about the address is final.
                Err(RequestError::Api(error))
                    if error.to_string().contains("bad webhook")
                        && !error.to_string().contains("resolve") =>
                {
                    let told = self.api.told(&error);
                    return Err(format!("Telegram refuses telegram.webhook_url: {told}"));
                }
                Err(error) => rest(&self.api, &error, &mut failures, &self.stop).await?,
            }
        }
        Ok(())
    }
}
