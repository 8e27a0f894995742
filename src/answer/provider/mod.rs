//! The servers that write answers, asked in order: one that fails hands on to the next.

mod breaker;
mod server;
mod transport;
mod wire;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use tokio::time::{Instant, timeout_at};

use super::prompt::Prompt;
use super::{AnswerError, Spend, Usage};
use crate::config::AnswerSettings;
use breaker::Breaker;
use server::Server;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Hears a model's text, each time from its beginning, and says whether to go on.
pub(super) type Ear<'a> = &'a (dyn Fn(&str) -> bool + Send + Sync);

/// Why a server did not answer.
#[derive(Debug)]
struct Failure {
    reason: String,
    /// Whether to ask it again,
    again: bool,
    /// and how long it wants to be left alone before.
    wait: Option<Duration>,
    /// It did not understand the request.
    refused: bool,
    /// It says something about the server's health.
    counts: bool,
    /// Whoever listens wants no more.
    stopped: bool,
}

impl Failure {
    fn new(reason: &str) -> Self {
        let reason = reason.to_owned();
        Self { reason, again: false, wait: None, refused: false, counts: true, stopped: false }
    }

    fn stopped() -> Self {
        Self { counts: false, stopped: true, ..Self::new("its answer was withheld") }
    }
}

/// What one question used, over all servers and tries.
#[derive(Default)]
pub(super) struct Spent(Mutex<Vec<Spend>>);

impl Spent {
    fn add(&self, model: &str, usage: Usage, estimated: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|spend| spend.model == model) {
            Some(spend) => {
                spend.usage += usage;
                spend.estimated |= estimated;
            }
            None => all.push(Spend { model: model.to_owned(), usage, estimated }),
        }
    }

    /// None for a model that did nothing.
    pub fn by_model(&self) -> Vec<Spend> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a model wrote.
pub(super) struct Said {
    pub text: String,
    /// By its server's name for it.
    pub model: String,
}

/// All servers, in the order in which they are asked.
pub(super) struct Providers {
    chain: Vec<(Server, Breaker)>,
    timeout: Duration,
}

impl Providers {
    /// None: nothing is configured.
    ///
    /// # Errors
    /// [`AnswerError::Provider`], naming what is wrong with the settings.
    pub fn new(settings: &AnswerSettings) -> Result<Option<Self>, AnswerError> {
        let chain = settings.chain();
        if chain.is_empty() {
            return Ok(None);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::custom(|to| {
                let reason =
                    format!("it redirects to {}; give that address if it is right", to.url());
                to.error(reason)
            }))
            .build()
            .map_err(|e| AnswerError::Provider { name: "HTTP".into(), reason: e.to_string() })?;
        let pause = Duration::from_secs(settings.breaker_s);
        let chain = chain.iter().map(|own| {
            let server = Server::new(http.clone(), own, settings)?;
            Ok((server, Breaker::new(settings.breaker_failures, pause)))
        });
        let chain = chain.collect::<Result<_, AnswerError>>()?;
        Ok(Some(Self { chain, timeout: Duration::from_secs(settings.timeout_s) }))
    }

    /// Keys, and headers' values: what no answer may hold.
    pub fn secrets(&self) -> Vec<String> {
        self.chain.iter().flat_map(|(server, _)| server.secrets.clone()).collect()
    }

    /// Asks the servers in turn, within the time that the whole answer has.
    ///
    /// # Errors
    /// [`AnswerError::Model`] with the last server's reason, when none answers.
    pub async fn ask(
        &self,
        prompt: &Prompt,
        ear: Ear<'_>,
        spent: &Spent,
    ) -> Result<Said, AnswerError> {
        let deadline = Instant::now() + self.timeout;
        let mut failed = None;
        for (server, breaker) in &self.chain {
            let Some(pass) = breaker.pass() else {
                failed.get_or_insert_with(|| error(server, "it failed too often a moment ago"));
                continue;
            };
            if let Some(before) = &failed {
                tracing::warn!(error = %before, next = server.name, "asking another server");
            }
            let asked = timeout_at(deadline, server.ask(prompt, ear, spent, deadline)).await;
            let failure = match asked {
                Ok(Ok(text)) => {
                    pass.succeeded();
                    return Ok(Said { text, model: server.model.clone() });
                }
                Ok(Err(failure)) => failure,
                Err(_) => Failure::new(&format!("no answer within {:?}", self.timeout)),
            };
            if failure.counts {
                pass.failed();
            }
            let end = failure.stopped || Instant::now() >= deadline;
            failed = Some(error(server, &failure.reason));
            if end {
                break;
            }
        }
        Err(failed.unwrap_or(AnswerError::NoModel))
    }
}

/// A text of a server's, which may hold what it was sent, as it may be shown.
fn without(secrets: &[String], text: &str) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}

fn error(server: &Server, reason: &str) -> AnswerError {
    AnswerError::Model { server: server.name.clone(), reason: without(&server.secrets, reason) }
}
