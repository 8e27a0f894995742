//! Where a response goes: under a message, or into an interaction. It knows Discord's shapes of
//! messages and paces edits; `render.rs` says what stands in them.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::rest::{Attach, Body, Call, Rest, RestError};

/// Pause between two edits in one response; Discord allows five in five seconds a channel.
const PACE: Duration = Duration::from_millis(1200);
/// Within this time typing need not be shown again.
const TYPED: Duration = Duration::from_secs(5);
const COURTESY: Duration = Duration::from_secs(3);
/// Only the one who asked sees it.
const EPHEMERAL: u64 = 1 << 6;
/// No previews of links.
const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// How long an interaction's token is relied on. Discord gives it 15 minutes; what has begun by
/// then should also have arrived.
const TOKEN: Duration = Duration::from_secs(14 * 60);
/// Discord's code for an interaction that was acknowledged before.
pub const ANSWERED: u64 = 40060;
/// Discord's code for a channel that the bot may not see.
const MISSING_ACCESS: u64 = 50001;
/// Replies need the permission to read the channel's history.
const NO_HISTORY: u64 = 160_002;
/// The message that an interaction was acknowledged with, or whose button was pressed.
const ORIGINAL: &str = "@original";

/// A message as it is sent or edited.
#[derive(Default)]
pub struct Post {
    pub content: String,
    pub embeds: Vec<Value>,
    /// Rows of components; in an edit an empty list takes them away.
    pub components: Vec<Value>,
    pub files: Vec<Attach>,
    /// Seen only by the one who asked, where the platform can do that.
    pub private: bool,
    /// Better said twice than not at all.
    pub insistent: bool,
}

/// An interaction as it came in.
pub struct Opening {
    pub application: u64,
    pub id: u64,
    pub token: String,
    pub channel: u64,
    pub user: u64,
}

/// What a response answers.
enum To {
    Message {
        channel: u64,
        message: u64,
        user: u64,
    },
    Interaction {
        application: u64,
        token: String,
        channel: u64,
        user: u64,
        since: Instant,
    },
    /// An interaction whose token works no longer, or a message where the bot may not write: the
    /// channel, or while the response is private the user's direct messages.
    Late {
        channel: u64,
        user: u64,
        direct: Option<u64>,
    },
}

/// Where one response goes.
pub struct Outlet {
    rest: Arc<Rest>,
    to: To,
    /// Nothing has been said yet: a message is still to be replied to, an acknowledged interaction
    /// still shows that the bot is thinking.
    first: bool,
    /// Whether the acknowledgement was ephemeral.
    private: bool,
    next_edit: Instant,
    /// When typing was last shown.
    typed: Option<Instant>,
}

impl Outlet {
    /// Replies to a message of `user`'s.
    pub fn message(rest: Arc<Rest>, channel: u64, message: u64, user: u64) -> Self {
        Self::new(rest, To::Message { channel, message, user }, false)
    }

    /// Acknowledges a command, which Discord waits three seconds for, and answers it later.
    ///
    /// # Errors
    /// [`RestError`], when it was acknowledged before or is too old.
    pub async fn interaction(
        rest: Arc<Rest>,
        opening: Opening,
        private: bool,
    ) -> Result<Self, RestError> {
        let flags = if private { EPHEMERAL } else { 0 };
        let body = json!({ "type": 5, "data": { "flags": flags } });
        callback(&rest, opening.id, &opening.token, &body).await?;
        Ok(Self::new(rest, To::interaction(opening), private))
    }

    /// Acknowledges a pressed button. The message that it stands on stays as it is until
    /// [`Outlet::mark`] changes it; what is said comes below.
    ///
    /// # Errors
    /// As [`Outlet::interaction`].
    pub async fn press(
        rest: Arc<Rest>,
        opening: Opening,
        private: bool,
    ) -> Result<Self, RestError> {
        callback(&rest, opening.id, &opening.token, &json!({ "type": 6 })).await?;
        Ok(Self { first: false, ..Self::new(rest, To::interaction(opening), private) })
    }

    fn new(rest: Arc<Rest>, to: To, private: bool) -> Self {
        Self { rest, to, first: true, private, next_edit: Instant::now(), typed: None }
    }

    /// Replaces the buttons of the message that a pressed one stands on.
    pub async fn mark(&self, components: &[Value]) {
        let To::Interaction { application, token, .. } = &self.to else { return };
        let path = format!("/webhooks/{application}/{token}/messages/{ORIGINAL}");
        let body = json!({ "components": components });
        if let Err(error) = self.call(Method::PATCH, &path, Body::Json(&body), true).await {
            tracing::info!("pressed buttons could not be switched off: {error}");
        }
    }

    /// When the next edit may be made.
    pub fn next_edit(&self) -> Instant {
        self.next_edit
    }

    /// Shows that the bot is at work, for some ten seconds.
    pub async fn typing(&mut self) {
        let To::Message { channel, .. } = &self.to else { return };
        if self.typed.is_some_and(|at| at.elapsed() < TYPED) {
            return;
        }
        let path = format!("/channels/{channel}/typing");
        // No more than a courtesy, which holds up nothing.
        let typing = self.call(Method::POST, &path, Body::None, false);
        let _ = tokio::time::timeout(COURTESY, typing).await;
        self.typed = Some(Instant::now());
    }

    /// Sends a message and returns its id.
    pub async fn send(&mut self, post: &Post) -> Result<String, RestError> {
        self.leave_old();
        let mut sent = self.send_once(post).await;
        if sent.as_ref().is_err_and(RestError::is_dead_token) && self.leave() {
            sent = self.send_once(post).await;
        }
        if matches!(sent, Err(RestError::Refused { code: NO_HISTORY, .. })) {
            self.first = false;
            sent = self.send_once(post).await;
        }
        let closed = match &sent {
            // Of what is not allowed it may be the files alone.
            Err(RestError::Refused { status: 403, code, .. }) => {
                post.files.is_empty() || *code == MISSING_ACCESS
            }
            Err(RestError::Refused { status: 404, .. }) => true,
            _ => false,
        };
        // Where a user may write or give commands the bot need not be allowed to.
        if closed && self.go_private() {
            sent = self.send_once(post).await;
        }
        sent
    }

    /// Goes on in the user's direct messages, and tells whether that is another place.
    fn go_private(&mut self) -> bool {
        match self.to {
            To::Message { channel, user, .. } => {
                self.to = To::Late { channel, user, direct: None };
            }
            To::Late { .. } if !self.private => {}
            _ => return false,
        }
        self.private = true;
        true
    }

    async fn send_once(&mut self, post: &Post) -> Result<String, RestError> {
        let mut body = body(post);
        let first = self.first;
        // Sent again after a lost answer, a message with a nonce is the same message. A follow-up
        // cannot have one, so it is sent at most once: better lost than doubled.
        let once = matches!(self.to, To::Interaction { .. });
        if !once {
            body["nonce"] = format!("{:016x}", rand::random::<u64>()).into();
            body["enforce_nonce"] = true.into();
        }
        let again = !once || post.insistent;
        let path = match &self.to {
            To::Message { channel, message, .. } => {
                if first {
                    body["message_reference"] =
                        json!({ "message_id": message.to_string(), "fail_if_not_exists": false });
                }
                messages(*channel)
            }
            To::Interaction { application, token, .. } => {
                let hook = format!("/webhooks/{application}/{token}");
                let original = format!("{hook}/messages/{ORIGINAL}");
                if first && post.private && !self.private {
                    // The first message takes over whether the acknowledgement could be seen.
                    let _ = self.call(Method::DELETE, &original, Body::None, true).await;
                    self.first = false;
                } else if first {
                    self.write(Method::PATCH, &original, &body, post, true).await?;
                    self.first = false;
                    return Ok(ORIGINAL.to_owned());
                }
                if post.private || self.private {
                    let flags = body["flags"].as_u64().unwrap_or(0);
                    body["flags"] = (flags | EPHEMERAL).into();
                }
                hook
            }
            // What only the one who asked should see is never said in a channel.
            To::Late { .. } if post.private || self.private => messages(self.direct().await?),
            To::Late { channel, .. } => messages(*channel),
        };
        let sent = self.write(Method::POST, &path, &body, post, again).await?;
        self.first = false;
        Ok(sent.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// The channel of the user's direct messages.
    async fn direct(&mut self) -> Result<u64, RestError> {
        let To::Late { user, direct, .. } = &self.to else { return Err(RestError::NoPlace) };
        if let Some(direct) = direct {
            return Ok(*direct);
        }
        let body = json!({ "recipient_id": user.to_string() });
        let opened =
            self.call(Method::POST, "/users/@me/channels", Body::Json(&body), true).await?;
        let id = opened.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let id = id.ok_or(RestError::NoPlace)?;
        if let To::Late { direct, .. } = &mut self.to {
            *direct = Some(id);
        }
        Ok(id)
    }

    /// Goes on without the interaction's token, and tells whether there was one.
    fn leave(&mut self) -> bool {
        let To::Interaction { channel, user, .. } = self.to else { return false };
        tracing::info!("an interaction's token works no longer, so the response goes on without");
        self.to = To::Late { channel, user, direct: None };
        true
    }

    fn leave_old(&mut self) {
        if matches!(self.to, To::Interaction { since, .. } if since.elapsed() > TOKEN) {
            self.leave();
        }
    }

    /// Replaces what stands in a message, once the pace allows. What was said with a token that
    /// works no longer cannot be found again.
    pub async fn edit(&mut self, id: &str, post: &Post) -> Result<(), RestError> {
        tokio::time::sleep_until(self.next_edit).await;
        self.leave_old();
        let body = body(post);
        let path = self.path(id)?;
        let edited = self.write(Method::PATCH, &path, &body, post, true).await;
        self.next_edit = Instant::now() + PACE;
        edited.map(drop)
    }

    pub async fn delete(&self, id: &str) {
        if let Ok(path) = self.path(id) {
            let _ = self.call(Method::DELETE, &path, Body::None, true).await;
        }
    }

    /// Takes the acknowledgement away, if nothing was ever said.
    pub async fn close(&self) {
        if self.first && matches!(self.to, To::Interaction { .. }) {
            self.delete(ORIGINAL).await;
        }
    }

    fn path(&self, id: &str) -> Result<String, RestError> {
        let channel = match &self.to {
            To::Interaction { application, token, .. } => {
                return Ok(format!("/webhooks/{application}/{token}/messages/{id}"));
            }
            To::Message { channel, .. } => *channel,
            To::Late { direct, .. } if self.private => direct.ok_or(RestError::NoPlace)?,
            To::Late { channel, .. } => *channel,
        };
        if id == ORIGINAL {
            return Err(RestError::NoPlace);
        }
        Ok(format!("{}/{id}", messages(channel)))
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        post: &Post,
        again: bool,
    ) -> Result<Value, RestError> {
        let body = match post.files.as_slice() {
            [] => Body::Json(body),
            files => Body::Form(body, files),
        };
        self.call(method, path, body, again).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Body<'_>,
        again: bool,
    ) -> Result<Value, RestError> {
        self.rest.call(Call { method, path, body, again }).await
    }
}

impl To {
    fn interaction(opening: Opening) -> Self {
        let Opening { application, token, channel, user, .. } = opening;
        Self::Interaction { application, token, channel, user, since: Instant::now() }
    }
}

fn messages(channel: u64) -> String {
    format!("/channels/{channel}/messages")
}

/// Responds to an interaction for the first time.
///
/// # Errors
/// [`RestError`].
pub async fn callback(rest: &Rest, id: u64, token: &str, body: &Value) -> Result<(), RestError> {
    let path = format!("/interactions/{id}/{token}/callback");
    let respond = async || {
        let call = Call { method: Method::POST, path: &path, body: Body::Json(body), again: false };
        rest.call(call).await.map(drop)
    };
    match respond().await {
        // Discord waits three seconds, time enough for a second try; that it was answered before
        // then means that the first one arrived.
        Err(error) if error.is_uncertain() => match respond().await {
            Err(RestError::Refused { code: ANSWERED, .. }) => Ok(()),
            // Whether one arrived shows when the interaction is answered, which has another way to go.
            Err(error) if error.is_uncertain() => Ok(()),
            other => other,
        },
        other => other,
    }
}

fn body(post: &Post) -> Value {
    let mut body = json!({
        "content": post.content,
        "components": post.components,
        // Nobody is ever pinged, whatever a text holds.
        "allowed_mentions": { "parse": [], "replied_user": false },
    });
    if post.embeds.is_empty() {
        body["flags"] = SUPPRESS_EMBEDS.into();
    } else {
        body["embeds"] = post.embeds.clone().into();
    }
    if !post.files.is_empty() {
        let files = post.files.iter().enumerate();
        body["attachments"] =
            files.map(|(n, file)| json!({ "id": n, "filename": file.name })).collect();
    }
    body
}
