//! Look-alikes: where a photo cannot tell products apart, a question about what can be seen on them, and
//! its answer, by button or in words.

use std::sync::Arc;

use super::ask::Named;
use super::call::Call;
use super::error::KbError;
use super::markup::Markup;
use super::reply::Reply;
use super::session::{Press, Session};
use crate::reading::{asks, spoken};
use crate::search::differ::{Choice, Difference, Meant, difference, meant, named};
use crate::words::say;

/// A question that waits until it is clear which product it is about.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub question: String,
    pub choices: Arc<[Choice]>,
}

/// What becomes of a question once look-alikes were thought of.
pub enum Settled {
    /// It can be answered.
    Answer(String),
    /// It waits, or everything was said.
    Done,
}

/// The question that tells products apart, in a chat user's language.
pub fn wording(language: &str, difference: &Difference) -> String {
    let or = say(language, "look-alikes-or", &[]);
    let listed = |part: fn(&Choice) -> &String| {
        let parts: Vec<&str> = difference.choices.iter().map(|c| part(c).as_str()).collect();
        match parts.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} {or} {last}", rest.join(", ")),
            None => String::new(),
        }
    };
    let titles = listed(|c| &c.title);
    match &difference.attribute {
        Some(attribute) => {
            let values = listed(|c| &c.value);
            let named = [
                ("titles", titles.into()),
                ("attribute", attribute.as_str().into()),
                ("values", values.into()),
            ];
            say(language, "look-alikes-attribute", &named)
        }
        None => say(language, "look-alikes-titles", &[("titles", titles.into())]),
    }
}

impl Call {
    /// Answers in words to an open question, and asks one where the photo leaves it open. `named_there`
    /// becomes what such an answer names to the letter.
    pub(super) async fn settled(
        &self,
        session: &mut Session,
        question: String,
        named_there: &mut Named,
    ) -> Result<Settled, KbError> {
        if let Some(waiting) = session.waiting.take() {
            match meant(&question, &waiting.choices) {
                Meant::One(at) => {
                    if let Some(choice) = waiting.choices.get(at) {
                        choose(session, &choice.product);
                    }
                    return Ok(Settled::Answer(waiting.question));
                }
                Meant::Neither => return self.neither(session, waiting).await,
                Meant::Unclear => {
                    // "It's the LM-KT3" names one that was not offered; else something else is asked,
                    // and it is not asked about again.
                    *named_there = self.look_again(session, &question).await?;
                    if let Some(seen) = &mut session.seen {
                        seen.alike.clear();
                    }
                    let open = named_there.alone && !asks(&question);
                    return Ok(Settled::Answer(if open { waiting.question } else { question }));
                }
            }
        }
        let alike = match session.seen.as_mut() {
            Some(seen) => std::mem::take(&mut seen.alike),
            None => Vec::new(),
        };
        if alike.len() < 2 {
            return Ok(Settled::Answer(question));
        }
        let read = move |catalogue: &crate::catalogue::Catalogue| {
            let products = alike.iter().map(|id| Ok(catalogue.find(id)?));
            Ok(products
                .collect::<Result<Vec<_>, KbError>>()?
                .into_iter()
                .flatten()
                .collect::<Vec<_>>())
        };
        let products = self.kb().with(read).await?;
        let difference = difference(&products);
        // "What does the brass one weigh?" has said it already.
        if let Some(at) = named(&question, &difference.choices, &products)
            && let Some(choice) = difference.choices.get(at)
        {
            choose(session, &choice.product);
            return Ok(Settled::Answer(question));
        }
        if difference.choices.len() < 2 {
            return Ok(Settled::Answer(question));
        }
        let language = spoken(&question).unwrap_or(&self.request().language);
        let asked = wording(language, &difference);
        let waiting = Waiting { question, choices: difference.choices.clone().into() };
        self.send(Reply::Text(Markup::plain(&asked))).await;
        let mut buttons = Vec::new();
        for choice in &difference.choices {
            let press = Press::Choose { product: choice.product.clone(), waiting: waiting.clone() };
            let label = if difference.attribute.is_some() { &choice.value } else { &choice.title };
            let mut button = self.button(session, "button-neither", press);
            button.label = label.chars().take(60).collect();
            buttons.push(button);
        }
        let neither = Press::Neither(waiting.clone());
        buttons.push(self.button(session, "button-neither", neither));
        self.send(Reply::Buttons(buttons)).await;
        session.waiting = Some(waiting);
        Ok(Settled::Done)
    }

    /// It is none of the look-alikes: what else the photo matched.
    pub(super) async fn neither(
        &self,
        session: &mut Session,
        waiting: Waiting,
    ) -> Result<Settled, KbError> {
        session.waiting = None;
        let Some(seen) = session.seen.as_mut() else { return Ok(Settled::Done) };
        seen.found.retain(|f| !waiting.choices.iter().any(|c| c.product == f.product));
        (seen.confident, seen.chosen) = (false, false);
        if seen.found.is_empty() {
            self.tell("no-more-matches", &[]).await;
            return Ok(Settled::Done);
        }
        Ok(Settled::Answer(waiting.question))
    }
}

/// The user has said that it is this product.
pub(super) fn choose(session: &mut Session, product: &str) {
    session.waiting = None;
    let Some(seen) = session.seen.as_mut() else { return };
    if let Some(at) = seen.found.iter().position(|f| f.product == product) {
        let found = seen.found.remove(at);
        seen.found.insert(0, found);
        (seen.rejected, seen.confident, seen.chosen) = (0, true, true);
        seen.alike.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_what_to_look_at() {
        let choice = |title: &str, value: &str| Choice {
            product: title.to_lowercase(),
            title: title.into(),
            value: value.into(),
        };
        let choices = vec![choice("Pebble 10", "1 USB-C"), choice("Pebble 20 Duo", "2 USB-C")];
        let asked = Difference { attribute: Some("ports".into()), choices: choices.clone() };
        let english = wording("en", &asked);
        assert!(english.contains("Pebble 10 or Pebble 20 Duo"), "{english}");
        assert!(english.contains("ports") && english.contains("1 USB-C or 2 USB-C"), "{english}");
        let german = wording("de", &asked);
        assert!(german.contains("1 USB-C oder 2 USB-C"), "{german}");
        let titles = wording("en", &Difference { attribute: None, choices });
        assert!(titles.contains("Pebble 10 or Pebble 20 Duo"), "{titles}");
    }
}
