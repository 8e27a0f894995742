//! One request in work: what it was, where its replies go, where its time went.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::command::{self, Command};
use super::engine::Engine;
use super::error::KbError;
use super::kb::Kb;
use super::markup::{Block, Markup, Span};
use super::reply::{Button, Failure, FailureKind, Reply, Request, Timings};
use super::session::{Key, Press, Session};
use super::{Bot, Inner};
use crate::catalogue::Author;
use crate::words::{Value, say};

/// A handle to one request; clones are the same request.
#[derive(Clone)]
pub struct Call(Arc<Parts>);

struct Parts {
    bot: Bot,
    kb: Kb,
    key: Key,
    request: Request,
    out: mpsc::Sender<Reply>,
    started: Instant,
    clip: AtomicU64,
    model: AtomicU64,
    queued: AtomicU64,
}

/// What a stretch of time is counted as.
#[derive(Clone, Copy)]
pub enum Spent {
    Clip,
    Model,
    Queued,
}

impl Call {
    pub fn new(bot: &Bot, request: Request, out: mpsc::Sender<Reply>) -> Self {
        let kb = bot.kb(request.platform, &request.space, &request.chat);
        Self(Arc::new(Parts {
            bot: bot.clone(),
            kb,
            key: Key::of(&request),
            request,
            out,
            started: Instant::now(),
            clip: AtomicU64::new(0),
            model: AtomicU64::new(0),
            queued: AtomicU64::new(0),
        }))
    }

    pub fn request(&self) -> &Request {
        &self.0.request
    }

    pub fn kb(&self) -> &Kb {
        &self.0.kb
    }

    pub fn key(&self) -> &Key {
        &self.0.key
    }

    pub fn engine(&self) -> &Engine {
        &self.bot().engine
    }

    pub fn bot(&self) -> &Inner {
        &self.0.bot.0
    }

    /// Responds to it.
    pub async fn respond(self) -> Result<(), KbError> {
        if let Some(action) = &self.request().press {
            return self.pressed(action).await;
        }
        let given = self.request().command.clone();
        match given.unwrap_or_else(|| command::parse(&self.request().text)) {
            Command::Ask(question) => self.ask(&question).await,
            Command::Similar { k, words } => self.similar(k, &words).await,
            Command::Forget => {
                self.bot().sessions.forget(self.key());
                self.tell("forgotten", &[]).await;
                Ok(())
            }
            Command::Help => {
                self.help().await;
                Ok(())
            }
            Command::Kb(_) if !self.request().admin => {
                self.deny().await;
                Ok(())
            }
            Command::Kb(command) => self.administer(command).await,
            #[cfg(test)]
            Command::Unknown(name) if name == "panic" => panic!("as the test asked"),
            Command::Unknown(name) => {
                self.refuse("unknown-command", &[("name", format!("/{name}").into())]).await;
                Ok(())
            }
        }
    }

    async fn pressed(&self, action: &str) -> Result<(), KbError> {
        let shared = self.bot().sessions.of(self.key());
        let mut session = self.timed(Spent::Queued, shared.lock()).await;
        let done = match session.press(action) {
            Some(Press::Next { question }) => self.next(&mut session, &question).await,
            Some(Press::Choose { product, waiting }) => {
                super::apart::choose(&mut session, &product);
                self.answer(&mut session, waiting.question).await
            }
            Some(Press::Neither(waiting)) => self.none_of(&mut session, waiting).await,
            Some(Press::Feedback(judged, good)) => self.judge(&mut session, &judged, good).await,
            Some(Press::Consent(judged, good)) => self.consent(&mut session, &judged, good).await,
            Some(Press::Decline) => {
                self.tell("feedback-not-kept", &[]).await;
                Ok(())
            }
            // Who was an admin when the button was shown may not be one now.
            Some(_) if !self.request().admin => {
                self.deny().await;
                Ok(())
            }
            Some(Press::AddAnyway(waiting)) => {
                let (draft, photos) = Arc::unwrap_or_clone(waiting);
                self.add_prepared(&mut session, draft, photos, true).await
            }
            Some(Press::Remove(id)) => self.remove(&id).await,
            Some(Press::LoadSample) => self.load_sample().await,
            Some(Press::Cancel) => {
                self.tell("cancelled", &[]).await;
                Ok(())
            }
            None => {
                self.refuse("button-expired", &[]).await;
                Ok(())
            }
        };
        self.bot().sessions.keep(self.key(), &shared, &session);
        done
    }

    async fn help(&self) {
        let line = |key: &str| {
            let text = self.say(key, &[]);
            // "/command: what it does"; the command is set as code.
            match text.split_once(": ") {
                Some((command, what)) if command.starts_with('/') => {
                    Block::Item(vec![Span::code(command), Span::plain(&format!(" {what}"))])
                }
                _ => Block::Item(vec![Span::plain(&text)]),
            }
        };
        let mut blocks = Markup::plain(&self.say("help-intro", &[])).0;
        blocks.extend(
            ["help-photo", "help-followup", "help-ask", "help-similar", "help-forget"].map(line),
        );
        blocks.push(line("help-help"));
        if self.request().admin {
            blocks.extend(self.kb_help().0);
        }
        self.send(Reply::Text(Markup(blocks))).await;
    }

    /// The commands for admins.
    pub fn kb_help(&self) -> Markup {
        let mut blocks = Markup::plain(&self.say("help-kb", &[])).0;
        blocks.extend(
            [
                "add", "show", "list", "find", "edit", "remove", "stats", "import", "export",
                "undo", "log",
            ]
            .map(|name| self.say(&format!("help-kb-{name}"), &[]))
            .map(|text| match text.split_once(": ") {
                Some((command, what)) => {
                    Block::Item(vec![Span::code(command), Span::plain(&format!(" {what}"))])
                }
                None => Block::Item(vec![Span::plain(&text)]),
            }),
        );
        Markup(blocks)
    }

    /// Sends a part of the response; whoever went away hears no more.
    pub async fn send(&self, reply: Reply) {
        let _ = self.0.out.send(reply).await;
    }

    /// Sends a part that a later one replaces, unless the reader is behind.
    pub fn offer(&self, reply: Reply) {
        let _ = self.0.out.try_send(reply);
    }

    pub fn say(&self, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
        say(&self.request().language, key, values)
    }

    /// Sends a sentence.
    pub async fn tell(&self, key: &str, values: &[(&'static str, Value<'_>)]) {
        self.send(Reply::Text(Markup::plain(&self.say(key, values)))).await;
    }

    /// Says why nothing was done.
    pub async fn refuse(&self, key: &str, values: &[(&'static str, Value<'_>)]) {
        self.fail(FailureKind::Invalid, self.say(key, values)).await;
    }

    async fn deny(&self) {
        let Request { platform, user, .. } = self.request();
        tracing::info!(platform = platform.name(), user, "refused an admin command");
        self.fail(FailureKind::Denied, self.say("denied", &[])).await;
    }

    async fn fail(&self, kind: FailureKind, text: String) {
        let failure = Failure { kind, text, reference: None, retry_after: None };
        self.send(Reply::Error(failure)).await;
    }

    /// A button in the user's language.
    pub fn button(&self, session: &mut Session, key: &str, press: Press) -> Button {
        // An answer can be judged whether or not its product is the right one.
        let question = u8::from(matches!(press, Press::Feedback(..)));
        Button { action: session.offer(press), label: self.say(key, &[]), question }
    }

    /// Who makes the changes of this request.
    pub fn author(&self) -> Author {
        let Request { platform, user, name, .. } = self.request();
        let name = if name.is_empty() { user } else { name };
        Author { id: format!("{}:{user}", platform.name()), name: name.clone() }
    }

    /// What tells this request from every other of every platform; empty where it cannot come again.
    pub fn delivery(&self) -> String {
        let Request { platform, chat, delivery, .. } = self.request();
        if delivery.is_empty() {
            return String::new();
        }
        format!("{}:{chat}:{delivery}", platform.name())
    }

    /// Counts the time something takes.
    pub async fn timed<T>(&self, what: Spent, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.await;
        self.spend(what, started.elapsed());
        done
    }

    pub fn spend(&self, what: Spent, time: Duration) {
        let counter = match what {
            Spent::Clip => &self.0.clip,
            Spent::Model => &self.0.model,
            Spent::Queued => &self.0.queued,
        };
        counter.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    pub fn timings(&self) -> Timings {
        let ms = |us: u64| us as f64 / 1000.0;
        let read = |counter: &AtomicU64| ms(counter.load(Ordering::Relaxed));
        let (clip, model, queued) = (read(&self.0.clip), read(&self.0.model), read(&self.0.queued));
        let total = ms(self.0.started.elapsed().as_micros() as u64);
        Timings { clip, model, queued, own: (total - clip - model - queued).max(0.0), total }
    }
}
