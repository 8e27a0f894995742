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
/// Only the one who asked sees it.
const EPHEMERAL: u64 = 1 << 6;
/// No previews of links.
const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// A message that is only acknowledged.
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
}

/// What a response answers.
enum To {
    Message { channel: u64, message: u64 },
    Interaction { application: u64, token: String },
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
}

impl Outlet {
    /// Replies to a message.
    pub fn message(rest: Arc<Rest>, channel: u64, message: u64) -> Self {
        Self::new(rest, To::Message { channel, message }, false)
    }

    /// Acknowledges an interaction, which Discord waits three seconds for, and answers it later.
    ///
    /// # Errors
    /// [`RestError`], when it was acknowledged before or is too old.
    pub async fn interaction(
        rest: Arc<Rest>,
        application: u64,
        id: u64,
        token: &str,
        private: bool,
    ) -> Result<Self, RestError> {
        let flags = if private { EPHEMERAL } else { 0 };
        let body = json!({ "type": 5, "data": { "flags": flags } });
        callback(&rest, id, token, &body).await?;
        let to = To::Interaction { application, token: token.to_owned() };
        Ok(Self::new(rest, to, private))
    }

    fn new(rest: Arc<Rest>, to: To, private: bool) -> Self {
        Self { rest, to, first: true, private, next_edit: Instant::now() }
    }

    /// When the next edit may be made.
    pub fn next_edit(&self) -> Instant {
        self.next_edit
    }

    /// Shows that the bot is at work, for some ten seconds.
    pub async fn typing(&self) {
        if let To::Message { channel, .. } = &self.to {
            let path = format!("/channels/{channel}/typing");
            // No more than a courtesy: the answer does not wait for it to succeed.
            let _ = self.call(Method::POST, &path, Body::None, false).await;
        }
    }

    /// Sends a message and returns its id.
    pub async fn send(&mut self, post: &Post) -> Result<String, RestError> {
        let mut body = body(post);
        let first = std::mem::take(&mut self.first);
        let (method, path) = match &self.to {
            To::Message { channel, message } => {
                if first {
                    body["message_reference"] =
                        json!({ "message_id": message.to_string(), "fail_if_not_exists": false });
                }
                // Sent again after a lost answer, it is the same message.
                body["nonce"] = format!("{:016x}", rand::random::<u64>()).into();
                body["enforce_nonce"] = true.into();
                (Method::POST, format!("/channels/{channel}/messages"))
            }
            To::Interaction { application, token } => {
                let hook = format!("/webhooks/{application}/{token}");
                if first && post.private && !self.private {
                    // The first message takes over whether the acknowledgement could be seen.
                    let original = format!("{hook}/messages/{ORIGINAL}");
                    let _ = self.call(Method::DELETE, &original, Body::None, true).await;
                } else if first {
                    let original = format!("{hook}/messages/{ORIGINAL}");
                    self.write(Method::PATCH, &original, &body, post, true).await?;
                    return Ok(ORIGINAL.to_owned());
                }
                if post.private || self.private {
                    let flags = body["flags"].as_u64().unwrap_or(0);
                    body["flags"] = (flags | EPHEMERAL).into();
                }
                (Method::POST, hook)
            }
        };
        let again = matches!(self.to, To::Message { .. });
        let sent = self.write(method, &path, &body, post, again).await?;
        Ok(sent.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Replaces what stands in a message, once the pace allows.
    pub async fn edit(&mut self, id: &str, post: &Post) -> Result<(), RestError> {
        tokio::time::sleep_until(self.next_edit).await;
        let body = body(post);
        let path = self.path(id);
        let edited = self.write(Method::PATCH, &path, &body, post, true).await;
        self.next_edit = Instant::now() + PACE;
        edited.map(drop)
    }

    pub async fn delete(&self, id: &str) {
        let _ = self.call(Method::DELETE, &self.path(id), Body::None, true).await;
    }

    /// Takes the acknowledgement away, if nothing was ever said.
    pub async fn close(&self) {
        if self.first && matches!(self.to, To::Interaction { .. }) {
            self.delete(ORIGINAL).await;
        }
    }

    fn path(&self, id: &str) -> String {
        match &self.to {
            To::Message { channel, .. } => format!("/channels/{channel}/messages/{id}"),
            To::Interaction { application, token } => {
                format!("/webhooks/{application}/{token}/messages/{id}")
            }
        }
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

/// Responds to an interaction for the first time.
///
/// # Errors
/// [`RestError`].
pub async fn callback(rest: &Rest, id: u64, token: &str, body: &Value) -> Result<(), RestError> {
    let path = format!("/interactions/{id}/{token}/callback");
    // Made twice it fails the second time, which would read as a failure of the first.
    let call = Call { method: Method::POST, path: &path, body: Body::Json(body), again: false };
    rest.call(call).await.map(drop)
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
