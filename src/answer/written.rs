//! An answer written by a model: prompt out, text in while it grows, and what is made of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::guard::{Guard, Leak};
use super::prompt::{self, Budget, Prompt};
use super::provider::{Providers, Said, Spent};
use super::templates::{PromptError, Prompts, Templates};
use super::{
    Answer, AnswerError, Evidence, Inquiry, OnText, Origin, Spend, figures, structured, tokens,
};
use crate::config::AnswerSettings;

/// Pause between two states of a growing answer.
const PACE: Duration = Duration::from_millis(15);
/// No language needs more characters for a token of its own words.
const TOKEN: usize = 8;

/// The configured servers, and how they are asked.
pub(super) struct Model {
    providers: Providers,
    prompts: Prompts,
    budget: Budget,
    models: Vec<String>,
    secrets: Vec<String>,
    /// Most characters of an answer.
    longest: usize,
    /// Most letters of an answer that go on without the entries.
    ungrounded: usize,
}

impl Model {
    /// None: nothing is configured.
    ///
    /// # Errors
    /// [`AnswerError::Provider`] or [`AnswerError::Prompt`].
    pub fn new(settings: &AnswerSettings) -> Result<Option<Self>, AnswerError> {
        let Some(providers) = Providers::new(settings)? else { return Ok(None) };
        tokens::prepare();
        Ok(Some(Self {
            prompts: Prompts::open(&settings.prompts)?,
            budget: Budget::new(settings),
            models: settings.models(),
            secrets: providers.secrets(),
            longest: (settings.longest_answer() as usize).saturating_mul(TOKEN),
            ungrounded: settings.max_ungrounded,
            providers,
        }))
    }

    /// Names models and prompts as they are now.
    pub fn version(&self) -> String {
        format!("{} {}", self.prompts.current().version, self.models.join(" "))
    }

    /// Answers from the evidence. What it took is in `used`, also when it fails.
    ///
    /// # Errors
    /// [`AnswerError::Model`] or [`AnswerError::Prompt`].
    pub async fn grounded(
        &self,
        inquiry: &Inquiry,
        on_text: Option<OnText<'_>>,
        used: &mut Vec<Spend>,
    ) -> Result<Answer, AnswerError> {
        let templates = self.prompts.current();
        let prompt = prompt::grounded(inquiry, &templates, self.budget)?;
        let guard = self.guard(&templates, inquiry);
        let spent = Spent::default();
        let said = self.ask(&prompt, &guard, on_text, &spent).await;
        *used = spent.by_model();
        let said = said?;
        let reading = structured::read(&said.text);
        let shown = inquiry.evidence.get(..prompt.products).unwrap_or(&inquiry.evidence);
        let text = citing_only(shown, &reading.used, &self.bounded(&reading.answer));
        if text.is_empty() {
            return Err(withheld(&said, "its answer was empty"));
        }
        let used = |id: &String| reading.used.contains(id) || text.contains(&format!("[{id}]"));
        let sources = shown.iter().map(|e| e.product.id.clone()).filter(used).collect();
        tracing::info!(
            prompt = templates.version,
            model = said.model,
            products = prompt.products,
            pictures = prompt.pictures,
            tokens = prompt.tokens,
            covered = reading.covered,
            "answered"
        );
        Ok(Answer {
            unsupported: figures::unsupported(&text, shown),
            text,
            origin: Origin::Model,
            sources,
            covered: reading.covered,
            model: Some(said.model),
            prompt: Some(templates.version.clone()),
            ..Answer::default()
        })
    }

    /// Asks about the photo alone.
    ///
    /// # Errors
    /// [`AnswerError::Model`].
    pub async fn ungrounded(&self, question: &str, photo: &[u8]) -> Result<Answer, AnswerError> {
        let prompt = prompt::ungrounded(question, photo, self.budget.detail);
        let guard = Guard::new("", "", &self.secrets, question.to_owned());
        let spent = Spent::default();
        let said = self.ask(&prompt, &guard, None, &spent).await?;
        let text = self.bounded(&said.text);
        let answer = Answer { text, origin: Origin::Model, ..Answer::default() };
        Ok(Answer { model: Some(said.model), ..answer }.with_spent(spent.by_model()))
    }

    /// What a model writes, held against the guard while it grows and when it is whole.
    async fn ask(
        &self,
        prompt: &Prompt,
        guard: &Guard,
        on_text: Option<OnText<'_>>,
        spent: &Spent,
    ) -> Result<Said, AnswerError> {
        // When the next state may be passed on.
        let (next, leaked) = (Mutex::new(None::<Instant>), Mutex::new(None::<Leak>));
        let ear = |content: &str| {
            let Some(on_text) = on_text else { return true };
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            let begun = Instant::now();
            if next.is_some_and(|next| begun < next) {
                return true;
            }
            let Some(text) = structured::so_far(content) else { return true };
            let text = self.bounded(&text);
            let checked = guard.check(&text);
            match checked {
                Ok(()) if guard.is_doubtful(&text) => {}
                Ok(()) => on_text(&text),
                Err(leak) => {
                    *leaked.lock().unwrap_or_else(PoisonError::into_inner) = Some(leak);
                }
            }
            // A long text takes longer to check; reading on comes first.
            let pause = PACE.max(4 * begun.elapsed());
            *next = Some(Instant::now() + pause);
            checked.is_ok()
        };
        let said = self.providers.ask(prompt, &ear, spent).await;
        if let Some(leak) = *leaked.lock().unwrap_or_else(PoisonError::into_inner) {
            tracing::warn!(reason = %leak, "an answer was withheld");
        }
        let said = said?;
        let whole =
            if prompt.structured { structured::read(&said.text).answer } else { said.text.clone() };
        guard.check(&whole).map_err(|leak| withheld(&said, &format!("it was withheld: {leak}")))?;
        Ok(said)
    }

    fn guard(&self, templates: &Templates, inquiry: &Inquiry) -> Guard {
        let attributes = inquiry.evidence.iter().flat_map(|e| e.product.attributes.values());
        let texts =
            inquiry.evidence.iter().flat_map(|e| [&e.product.description, &e.product.title]);
        let readable: Vec<&str> = attributes.chain(texts).map(String::as_str).collect();
        let readable = readable.join("\n");
        let names = inquiry.evidence.iter().flat_map(|e| e.product.attributes.keys());
        let names = names.map(String::as_str);
        let entries = names.chain([readable.as_str()]).collect::<Vec<_>>().join("\n");
        let ids: Vec<&str> = inquiry.evidence.iter().map(|e| e.product.id.as_str()).collect();
        Guard::new(&templates.rules, &templates.version, &self.secrets, readable).grounded(
            &entries,
            &ids.join("\n"),
            self.ungrounded,
        )
    }

    fn bounded(&self, text: &str) -> String {
        let text = text.trim();
        match text.char_indices().nth(self.longest) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        }
    }
}

/// The text without citations of ids that were not shown: what it `claims` to rest on, or has the look of
/// an id, and stands in no entry.
fn citing_only(shown: &[Evidence], claims: &[String], text: &str) -> String {
    let known = |id: &str| {
        let states = |e: &Evidence| {
            let p = &e.product;
            let values = p.attributes.values().chain([&p.title, &p.description]);
            p.id.eq_ignore_ascii_case(id) || values.into_iter().any(|v| v.contains(id))
        };
        shown.iter().any(states)
    };
    let like_an_id = |part: &str| {
        part.chars().any(char::is_alphabetic)
            && part.chars().any(char::is_numeric)
            && part.chars().all(|c| c.is_alphanumeric() || "-_.:/".contains(c))
    };
    let made_up = |part: &&str| {
        let claimed = claims.iter().any(|claim| claim.eq_ignore_ascii_case(part));
        (claimed || like_an_id(part)) && !known(part)
    };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, from)) = rest.split_once('[') {
        out.push_str(before);
        rest = from;
        // `[words](address)` is a link.
        let inner = from.split_once(']').filter(|(_, after)| !after.starts_with('('));
        let Some((inner, after)) = inner else {
            out.push('[');
            continue;
        };
        let (gone, left): (Vec<&str>, Vec<&str>) =
            inner.split([',', ';']).map(str::trim).partition(made_up);
        if gone.is_empty() {
            out.push('[');
            continue;
        }
        rest = after;
        if left.is_empty() {
            out.truncate(out.trim_end_matches(' ').len());
        } else {
            out.push_str(&format!("[{}]", left.join(", ")));
        }
    }
    out.push_str(rest);
    out.trim().to_owned()
}

fn withheld(said: &Said, reason: &str) -> AnswerError {
    AnswerError::Model { server: said.model.clone(), reason: reason.to_owned() }
}

impl From<PromptError> for AnswerError {
    fn from(error: PromptError) -> Self {
        Self::Prompt(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Product;

    #[test]
    fn ids_that_were_not_shown_are_not_cited() {
        let product = Product {
            id: "lamp".into(),
            title: "Lamp".into(),
            description: "The button is marked [ON].".into(),
            attributes: Default::default(),
            images: vec![],
        };
        let shown = [Evidence { product, score: 0.9, picture: None }];
        for (text, left) in [
            ("It weighs 2 kg [lamp] [made-up].", "It weighs 2 kg [lamp]."),
            ("[LM-X2] It weighs 2 kg [LAMP]", "It weighs 2 kg [LAMP]"),
            ("It weighs 2 kg [lamp, made-up; 4712]", "It weighs 2 kg [lamp]"),
            ("It weighs 2 kg [made-up, SKU/12].", "It weighs 2 kg."),
            (
                "Press [ON] or [POWER] [twice], see [here](https://x.example).",
                "Press [ON] or [POWER] [twice], see [here](https://x.example).",
            ),
            ("- [ ] a box, [1] and [two words], [open", "- [ ] a box, [1] and [two words], [open"),
            ("[made-up]", ""),
        ] {
            let claims = ["made-up".to_owned(), "4712".to_owned()];
            assert_eq!(citing_only(&shown, &claims, text), left);
        }
    }
}
