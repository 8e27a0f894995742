//! Where an answer comes from: memory, the model within the budgets, or the extract. And what it
//! cost, which is written down behind the user's back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::budget::{Amount, Hold, Over};
use super::call::Call;
use super::error::KbError;
use super::kb::Kb;
use super::reply::Request;
use crate::answer::{Answer, Inquiry, OnText, Spend, Usage, cost, extract};
use crate::catalogue::{Spender, Tally, today};
use crate::config::AnswerSettings;

/// An answer, and whose budget kept the model from being asked.
pub struct Written {
    pub answer: Answer,
    pub over: Option<Over>,
}

impl Call {
    /// Answers an inquiry; `on_text` hears a model's answer while it is written.
    ///
    /// # Errors
    /// [`KbError::Catalogue`] when what was spent cannot be read.
    pub async fn written(
        &self,
        inquiry: &Inquiry,
        on_text: OnText<'_>,
    ) -> Result<Written, KbError> {
        let answerer = self.engine().answerer();
        if !answerer.asks_model(inquiry) {
            let answer = answerer.stream(inquiry, on_text).await;
            return Ok(Written { answer, over: None });
        }
        let settings = &self.engine().settings().answer;
        let answers = &self.bot().answers;
        let key = answers.key(self.kb().place(), &answerer.version(), inquiry);
        if let Some(answer) = key.and_then(|key| answers.get(&key)) {
            self.repeated(&answer);
            return Ok(Written { answer, over: None });
        }
        let expected = cost::estimate(inquiry, settings);
        let first = settings.models().into_iter().next().unwrap_or_default();
        let spender = spender(self.request(), &first);
        let hold = match self.hold(&spender, &expected).await? {
            Ok(hold) => hold,
            Err(over) => {
                tracing::info!(space = spender.space, ?over, "a budget is used up, so an extract");
                return Ok(Written { answer: extract::answer(inquiry), over: Some(over) });
            }
        };
        let spending = Spending::new(self, hold, spender, expected);
        let heard = |text: &str| {
            spending.heard.store(text.len(), Ordering::Relaxed);
            on_text(text);
        };
        let answer = answerer.stream(inquiry, &heard).await;
        spending.settle(&answer);
        if let Some(key) = key {
            answers.put(key, inquiry, &answer);
        }
        Ok(Written { answer, over: None })
    }

    /// Says whose budget is used up, and when there is a new one.
    pub async fn tell_over(&self, over: Over) {
        let key = match over {
            Over::User => "budget-user",
            Over::Space => "budget-space",
            Over::All => "budget-all",
        };
        self.tell(key, &[("hours", hours_left().into())]).await;
    }

    /// Holds back what a question may spend at most; nothing where nothing is limited.
    async fn hold(
        &self,
        spender: &Spender,
        expected: &Usage,
    ) -> Result<Result<Option<Hold>, Over>, KbError> {
        let budget = self.bot().budget.clone();
        if !budget.is_set() {
            return Ok(Ok(None));
        }
        let amount = Amount {
            tokens: expected.input_tokens.saturating_add(expected.output_tokens),
            micros: cost::at_most(&self.engine().settings().answer, expected),
        };
        let (shelves, spender) = (self.bot().shelves.clone(), spender.clone());
        let held =
            tokio::task::spawn_blocking(move || budget.hold(&shelves, today(), &spender, amount));
        Ok(held.await??.map(Some))
    }

    /// Counts an answer from memory.
    fn repeated(&self, answer: &Answer) {
        log(answer, true, &[]);
        let model = answer.model.clone().unwrap_or_default();
        let spender = spender(self.request(), &model);
        let rows = vec![(model, Tally { repeated: 1, ..Tally::default() })];
        let record = record(self.kb().clone(), today(), spender, rows, None);
        self.bot().tasks.spawn(record);
    }
}

/// Hours until the next day begins (UTC), 1 to 24.
fn hours_left() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (86_400 - now.as_secs() % 86_400).div_ceil(3600)
}

/// Whom a request's costs are counted for. All private chats of a platform are one space.
fn spender(request: &Request, model: &str) -> Spender {
    let platform = request.platform.name();
    let space = match request.space.as_str() {
        "" => "private",
        space => space,
    };
    Spender {
        space: format!("{platform}:{space}"),
        user: format!("{platform}:{}", request.user),
        model: model.to_owned(),
    }
}

/// A question in work at a model. Whatever becomes of it, what it spent is written down once; of one that
/// is broken off an estimate, so that it is not free.
struct Spending {
    tasks: TaskTracker,
    runtime: Handle,
    kb: Kb,
    settings: AnswerSettings,
    day: u32,
    /// None once it is settled.
    open: Option<(Option<Hold>, Spender)>,
    expected: Usage,
    /// Bytes of the answer that came so far.
    heard: AtomicUsize,
}

impl Spending {
    fn new(call: &Call, hold: Option<Hold>, spender: Spender, expected: Usage) -> Self {
        Self {
            tasks: call.bot().tasks.clone(),
            runtime: Handle::current(),
            kb: call.kb().clone(),
            settings: call.engine().settings().answer.clone(),
            day: today(),
            open: Some((hold, spender)),
            expected,
            heard: AtomicUsize::new(0),
        }
    }

    /// Writes down what an answer cost.
    fn settle(mut self, answer: &Answer) {
        let Some((hold, spender)) = self.open.take() else { return };
        let rows = cost::tallies(&self.settings, &answer.spent);
        log(answer, false, &rows);
        self.write(hold, spender, rows);
    }

    fn write(&self, hold: Option<Hold>, spender: Spender, rows: Vec<(String, Tally)>) {
        let record = record(self.kb.clone(), self.day, spender, rows, hold);
        self.tasks.spawn_on(record, &self.runtime);
    }
}

impl Drop for Spending {
    fn drop(&mut self) {
        let Some((hold, spender)) = self.open.take() else { return };
        let usage = cost::broken_off(&self.expected, self.heard.load(Ordering::Relaxed));
        let spent = Spend { model: spender.model.clone(), usage, estimated: true };
        tracing::info!(model = spender.model, "broken off, so its tokens are estimated");
        self.write(hold, spender, cost::tallies(&self.settings, &[spent]));
    }
}

/// Writes down what each model used, and lets go what was held back for it.
async fn record(
    kb: Kb,
    day: u32,
    spender: Spender,
    rows: Vec<(String, Tally)>,
    hold: Option<Hold>,
) {
    for (model, tally) in rows {
        let spender = Spender { model, ..spender.clone() };
        if let Err(error) = kb.record_usage(day, spender, tally).await {
            super::error::log(&error);
        }
    }
    drop(hold);
}

/// A line for what each answer cost. The question and the answer are nobody's business.
fn log(answer: &Answer, cached: bool, rows: &[(String, Tally)]) {
    let mut sum = Tally::default();
    rows.iter().for_each(|(_, tally)| sum += tally);
    tracing::info!(
        cached,
        origin = ?answer.origin,
        model = answer.model.as_deref().unwrap_or_default(),
        prompt = answer.prompt.as_deref().unwrap_or_default(),
        input_tokens = sum.input_tokens,
        cached_tokens = sum.cached_tokens,
        output_tokens = sum.output_tokens,
        estimated = sum.estimated > 0,
        cost_micros = (!sum.cost.is_empty()).then(|| sum.micros()),
        "counted"
    );
}
