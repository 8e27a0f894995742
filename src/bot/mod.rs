//! The conversation, the same on every platform: a [`Request`] in, a stream of [`Reply`] out.
//!
//! Front-ends drive [`Bot::handle`]; nothing here knows a platform. Each request runs in a task of
//! its own, so that one that fails, panics or hangs answers its user with a sentence and
//! disturbs no other.

pub mod access;
mod admin;
mod answered;
mod answering;
mod apart;
mod ask;
mod budget;
mod call;
pub mod command;
mod engine;
mod error;
mod feedback;
mod kb;
mod limits;
mod markup;
mod reply;
mod session;
mod whole;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::cache::AnswerCache;
use crate::catalogue::today;
use crate::clip::Clip;
use crate::config::Settings;
use crate::reading;
use crate::words::{negotiate, say};
pub(crate) use apart::wording as look_alikes_question;
use budget::Budget;
use call::Call;
use engine::Engine;
pub use error::{KbError, failure, internal, new_reference};
use kb::Shelf;
pub use kb::{Added, Draft, Edit, Kb, Page};
use limits::{Limits, Wait};
pub use markup::{Block, Markup, Span, visible, web_link};
pub use reply::{
    Answered, Button, Failure, FailureKind, Platform, RepliedTo, Reply, Request, SourceLink,
    Thumbnail, Timings, Upload,
};
use session::{Key, Sessions};

/// Replies that may wait for a slow reader.
const REPLIES: usize = 32;

/// The bot; clones are handles to the same one.
#[derive(Clone)]
pub struct Bot(Arc<Inner>);

struct Inner {
    engine: Engine,
    /// The catalogue of everybody who has no other.
    common: Arc<Shelf>,
    /// Catalogues of single guilds, groups and chats, by `platform:id`.
    own: HashMap<String, Arc<Shelf>>,
    /// Every catalogue once.
    shelves: Vec<Arc<Shelf>>,
    sessions: Sessions,
    limits: Limits,
    budget: Budget,
    answers: AnswerCache,
    tasks: TaskTracker,
    /// No more requests are taken.
    stopping: CancellationToken,
    /// What is still in work is broken off.
    deadline: CancellationToken,
}

impl Bot {
    /// Opens every configured catalogue and starts the model's thread.
    ///
    /// # Errors
    /// [`KbError::Catalogue`], [`KbError::Answer`] or [`KbError::Io`].
    pub fn new(settings: Settings, clip: Clip) -> Result<Self, KbError> {
        let engine = Engine::start(settings, clip)?;
        let settings = engine.settings();
        let mut open: HashMap<PathBuf, Arc<Shelf>> = HashMap::new();
        let mut shelf = |dir: &PathBuf| -> Result<Arc<Shelf>, KbError> {
            // Two spaces may share a directory, which a process can open once only.
            std::fs::create_dir_all(dir)?;
            let dir = dir.canonicalize()?;
            if let Some(known) = open.get(&dir) {
                return Ok(Arc::clone(known));
            }
            let opened = Arc::new(Shelf::open(&dir, &engine)?);
            open.insert(dir, Arc::clone(&opened));
            Ok(opened)
        };
        let common = shelf(&settings.catalogue.dir)?;
        let own = settings.spaces.iter();
        let own = own
            .map(|s| Ok((s.space.clone(), shelf(&s.catalogue)?)))
            .collect::<Result<HashMap<_, _>, KbError>>()?;
        let (sessions, limits) = (Sessions::new(&settings.bot), Limits::new(&settings.bot));
        let (budget, answers) = (Budget::new(&settings.budget), AnswerCache::new(&settings.answer));
        Ok(Self(Arc::new(Inner {
            common,
            own,
            shelves: open.into_values().collect(),
            sessions,
            limits,
            budget,
            answers,
            engine,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            deadline: CancellationToken::new(),
        })))
    }

    /// Responds to a request. The stream ends after [`Reply::Done`], and at once for a delivery
    /// that was seen before; dropping it breaks the work off. Call it within a tokio runtime.
    pub fn handle(&self, mut request: Request) -> ReceiverStream<Reply> {
        request.language = negotiate(&request.language);
        let (out, replies) = mpsc::channel(REPLIES);
        let bot = self.clone();
        self.0.tasks.spawn(async move { bot.supervise(request, out).await });
        ReceiverStream::new(replies)
    }

    async fn supervise(self, request: Request, out: mpsc::Sender<Reply>) {
        let language = request.language.clone();
        if !self.0.limits.is_new(&request) {
            return;
        }
        let call = Call::new(&self, request, out.clone());
        let refused = match self.entered(&call) {
            Ok(_slot) => self.work(&call, &out).await,
            Err(failure) => Some(failure),
        };
        if let Some(failure) = refused {
            tracing::debug!(?failure.kind, language, "refused");
            let _ = out.send(Reply::Error(failure)).await;
        }
        let timings = call.timings();
        tracing::debug!(?timings, "done");
        let _ = out.send(Reply::Done(timings)).await;
    }

    fn entered(&self, call: &Call) -> Result<tokio::sync::OwnedSemaphorePermit, Failure> {
        let request = call.request();
        if self.stopping() {
            return Err(stopping(&request.language));
        }
        self.admit(request.platform, &request.user, &request.language)?;
        self.0.limits.slot().ok_or_else(|| busy("busy", Wait(5), &request.language))
    }

    /// Runs a request to its end, or to the end of whoever waits for it.
    async fn work(&self, call: &Call, out: &mpsc::Sender<Reply>) -> Option<Failure> {
        let language = &call.request().language;
        let mut task = tokio::spawn(call.clone().respond());
        let ended = tokio::select! {
            ended = &mut task => ended,
            () = out.closed() => {
                broken_off(task).await;
                return None;
            }
            () = self.0.deadline.cancelled() => {
                broken_off(task).await;
                return Some(stopping(language));
            }
        };
        match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(failure(&error, language)),
            Err(panic) => Some(internal(&panic, language)),
        }
    }

    /// Counts a request of this user that does not go through [`Bot::handle`].
    ///
    /// # Errors
    /// A [`Failure`] of the kind [`FailureKind::Limited`], saying when to try again.
    pub fn admit(&self, platform: Platform, user: &str, language: &str) -> Result<(), Failure> {
        self.0.limits.admit(platform, user).map_err(|wait| busy("too-fast", wait, language))
    }

    /// Whether the button that a request presses was shown to its user and still works. While other
    /// work of that user is under way it counts as theirs.
    pub fn offers(&self, request: &Request) -> bool {
        let Some(action) = &request.press else { return false };
        let Some(session) = self.0.sessions.known(&Key::of(request)) else { return false };
        session.try_lock().map_or(true, |session| session.offers(action))
    }

    /// Whether words that nobody is addressed with go on with a conversation: a question of somebody who
    /// has shown a photo, or their answer to the bot's own.
    pub fn goes_on(&self, request: &Request) -> bool {
        let asks = reading::asks(&request.text);
        let Some(session) = self.0.sessions.known(&Key::of(request)) else { return false };
        let open = |session: &session::Session| {
            session.waiting.is_some() || (asks && session.seen.is_some())
        };
        session.try_lock().map_or(asks, |session| open(&session))
    }

    /// The catalogue that serves this place: the chat's own, its guild's or group's, or the common
    /// one.
    pub fn kb(&self, platform: Platform, space: &str, chat: &str) -> Kb {
        let own = [chat, space]
            .into_iter()
            .filter(|id| !id.is_empty())
            .find_map(|id| self.0.own.get(&format!("{}:{id}", platform.name())));
        Kb::new(Arc::clone(own.unwrap_or(&self.0.common)), self.0.engine.clone())
    }

    /// Drops what is remembered of a conversation, at once.
    pub fn forget(&self, platform: Platform, space: &str, chat: &str, user: &str) {
        self.0.sessions.forget(&Key::new(platform, space, chat, user));
    }

    /// Deletes what is kept longer than it should be, in every catalogue. Whoever runs the bot calls
    /// this now and then.
    pub async fn upkeep(&self) {
        let settings = self.settings();
        let usage_from = today().saturating_sub(settings.usage.keep_days);
        let feedback_days = settings.feedback.keep_days;
        for shelf in &self.0.shelves {
            let kb = Kb::new(Arc::clone(shelf), self.0.engine.clone());
            let gone = kb.forget_old(usage_from, feedback_days).await;
            if let Err(error) = gone {
                error::log(&error);
            }
        }
    }

    /// Whether a vision model writes the answers.
    pub fn has_model(&self) -> bool {
        self.0.engine.answerer().has_model()
    }

    pub fn settings(&self) -> &Settings {
        self.0.engine.settings()
    }

    pub fn stopping(&self) -> bool {
        self.0.stopping.is_cancelled()
    }

    /// Takes no more requests, waits for those in work at most `grace`, and ends the rest with a
    /// sentence.
    pub async fn stop(&self, grace: Duration) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(grace, self.0.tasks.wait()).await.is_err() {
            self.0.deadline.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.0.tasks.wait()).await;
        }
    }
}

/// Ends a request's work, and waits until it has let go of everything.
async fn broken_off(task: tokio::task::JoinHandle<Result<(), KbError>>) {
    task.abort();
    let _ = task.await;
}

fn stopping(language: &str) -> Failure {
    Failure {
        kind: FailureKind::Unavailable,
        text: say(language, "stopping", &[]),
        reference: None,
        retry_after: Some(30),
    }
}

fn busy(key: &str, wait: Wait, language: &str) -> Failure {
    Failure {
        kind: FailureKind::Limited,
        text: say(language, key, &[("seconds", wait.0.into())]),
        reference: None,
        retry_after: Some(wait.0),
    }
}

#[cfg(all(test, feature = "mini"))]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use tokio_stream::StreamExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer_and_its_number_is_in_the_log() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.catalogue.dir = dir.path().join("data");
        let bot = Bot::new(settings, Clip::embedded().unwrap()).unwrap();
        let ask = |user: &str, text: &str| {
            let request = Request::new(Platform::Web, "s", "c", user);
            bot.handle(Request { text: text.into(), ..request }).collect::<Vec<Reply>>()
        };
        let (broken, fine) = tokio::join!(ask("a", "/panic"), ask("b", "/help"));
        let Some(Reply::Error(failure)) = broken.first() else { panic!("{broken:?}") };
        let reference = failure.reference.clone().unwrap();
        assert!(failure.text.contains(&reference));
        assert!(matches!(fine.first(), Some(Reply::Text(_))), "{fine:?}");
        assert!(matches!(ask("a", "/help").await.first(), Some(Reply::Text(_))));
        let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(logged.contains(&reference) && logged.contains("panic"), "{logged}");
    }
}
