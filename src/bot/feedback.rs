//! 👍 and 👎 below an answer: what is kept of them, and only when the user agrees.
//!
//! Before anything is kept, the user reads what would be and for how long, and presses a button. Who
//! agreed is not asked again in the same conversation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::call::Call;
use super::error::KbError;
use super::reply::Reply;
use super::session::{Press, Session};
use crate::answer::{Answer, Inquiry, Origin};
use crate::catalogue::{Feedback, Matched};

/// Version of the sentence `feedback-consent`; raise it when what the sentence promises changes.
const CONSENT: u32 = 1;

/// An answer as feedback keeps it.
#[derive(Debug, Default)]
pub struct Judged {
    feedback: Feedback,
    /// The row it is kept in; 0: none yet. Who changes their mind changes that row.
    row: AtomicU64,
}

impl Call {
    /// What there would be to keep of an answer.
    pub fn judged(&self, inquiry: &Inquiry, answer: &Answer) -> Judged {
        let origin = match answer.origin {
            Origin::Model => "model",
            Origin::Extractive => "extractive",
        };
        let matched =
            |e: &crate::answer::Evidence| Matched { id: e.product.id.clone(), score: e.score };
        let feedback = Feedback {
            platform: self.request().platform.name().to_owned(),
            language: inquiry.language.clone(),
            question: inquiry.question.clone(),
            answer: answer.text.clone(),
            origin: origin.to_owned(),
            products: answer.sources.clone(),
            evidence: inquiry.evidence.iter().map(matched).collect(),
            confident: Some(inquiry.confident),
            covered: answer.covered,
            follow_up: !inquiry.turns.is_empty(),
            model: answer.model.clone(),
            prompt: answer.prompt.clone(),
            consent: CONSENT,
            ..Feedback::default()
        };
        Judged { feedback, row: AtomicU64::new(0) }
    }

    /// Whether verdicts are kept at all.
    pub fn takes_feedback(&self) -> bool {
        self.engine().settings().feedback.keep_days > 0
    }

    /// A verdict was pressed: keeps it, or first asks whether it may be kept.
    pub async fn judge(
        &self,
        session: &mut Session,
        judged: &Arc<Judged>,
        good: bool,
    ) -> Result<(), KbError> {
        if session.consented {
            return self.keep_verdict(judged, good).await;
        }
        let days = self.engine().settings().feedback.keep_days;
        self.tell("feedback-consent", &[("days", u64::from(days).into())]).await;
        let keep = self.button(session, "button-keep", Press::Consent(Arc::clone(judged), good));
        let decline = self.button(session, "button-keep-nothing", Press::Decline);
        self.send(Reply::Buttons(vec![keep, decline])).await;
        Ok(())
    }

    /// The user agreed.
    pub async fn consent(
        &self,
        session: &mut Session,
        judged: &Arc<Judged>,
        good: bool,
    ) -> Result<(), KbError> {
        session.consented = true;
        self.keep_verdict(judged, good).await
    }

    async fn keep_verdict(&self, judged: &Judged, good: bool) -> Result<(), KbError> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let at_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let feedback = Feedback { at_ms, good, ..judged.feedback.clone() };
        let row = judged.row.load(Ordering::Relaxed);
        let row = self.kb().keep_feedback(row, feedback).await?;
        judged.row.store(row, Ordering::Relaxed);
        self.tell(if good { "thanks-good" } else { "thanks-bad" }, &[]).await;
        Ok(())
    }
}
