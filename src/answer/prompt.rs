//! What the vision model is told: the rules, the catalogue's entries, the customer's photo and words,
//! the conversation.
//!
//! What stays the same from question to question comes first, so that servers which cache prompts find
//! the beginning again: rules, entries, photo, then turns and the new question. Entries are JSON inside
//! a block that nothing in them can close (see `templates.rs`). How many there are depends on how far
//! the best match leads, and on the budget.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::templates::{PromptError, Templates};
use super::{Evidence, Inquiry, tokens};
use crate::catalogue::Product;
use crate::config::{AnswerSettings, Detail};

/// Products are shown until the right one is among them with this likelihood,
const ENOUGH: f32 = 0.95;
/// and those with less than this as text alone.
const CONTENDER: f32 = 0.05;
/// What CLIP was trained to scale cosines by before its softmax.
const SCALE: f32 = 100.0;
/// A description is not cut below so many characters.
const SHORTEST: usize = 200;
/// Where an entry is too long an attribute's value is halved from the first of these down to the second.
const LONG_VALUE: usize = 2048;
const SHORT_VALUE: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Text(String),
    /// A JPEG in base64.
    Picture(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub role: Role,
    pub parts: Vec<Part>,
}

/// A prompt as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prompt {
    pub messages: Vec<Message>,
    /// Entries in it: the first so many of the evidence.
    pub products: usize,
    /// Pictures in it, the photo included.
    pub pictures: usize,
    /// Its length.
    pub tokens: usize,
    /// Whether the answer is to be in the shape of [`super::structured`].
    pub structured: bool,
}

/// How long a prompt may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub products: usize,
    pub tokens: usize,
    pub detail: Detail,
}

impl Budget {
    pub fn new(settings: &AnswerSettings) -> Self {
        let AnswerSettings { products, prompt_tokens: tokens, .. } = *settings;
        Self { products, tokens, detail: settings.closest_look() }
    }
}

/// Rules, entries with their pictures, the customer's photo, the turns and the question.
pub(super) fn grounded(
    inquiry: &Inquiry,
    templates: &Templates,
    budget: Budget,
) -> Result<Prompt, PromptError> {
    let question = templates.question(&inquiry.question, &inquiry.language)?;
    let mut room = Room { left: budget.tokens, used: 0 };
    room.spend(tokens::text(&templates.rules) + tokens::text(&question) + 4 * tokens::MESSAGE);
    let photo = Some(&inquiry.photo).filter(|p| !p.is_empty());
    room.spend(photo.map_or(0, |p| tokens::picture(p, budget.detail)));
    let entries = entries(inquiry, templates, budget, &mut room)?;
    let (products, mut pictures) = (entries.len(), usize::from(photo.is_some()));

    let mut parts = vec![Part::Text("<catalogue>".into())];
    for (text, picture) in entries {
        parts.push(Part::Text(text));
        pictures += usize::from(picture.is_some());
        parts.extend(picture.map(|p| self::picture(p)));
    }
    parts.push(Part::Text("</catalogue>".into()));
    if let Some(photo) = photo {
        parts.push(Part::Text("The customer's photo:".into()));
        parts.push(picture(photo));
    }
    let mut messages =
        vec![Message { role: Role::System, parts: vec![Part::Text(templates.rules.clone())] }];
    for (question, answer) in turns(inquiry, templates, &mut room)? {
        parts.push(Part::Text(question));
        messages.push(Message { role: Role::User, parts: std::mem::take(&mut parts) });
        messages.push(Message { role: Role::Assistant, parts: vec![Part::Text(answer)] });
    }
    parts.push(Part::Text(question));
    messages.push(Message { role: Role::User, parts });
    Ok(Prompt { messages, products, pictures, tokens: room.used, structured: true })
}

/// The photo and the question, nothing else.
pub(super) fn ungrounded(question: &str, photo: &[u8], detail: Detail) -> Prompt {
    let parts = vec![picture(photo), Part::Text(question.to_owned())];
    let tokens = tokens::text(question) + tokens::picture(photo, detail) + tokens::MESSAGE;
    let messages = vec![Message { role: Role::User, parts }];
    Prompt { messages, products: 0, pictures: 1, tokens, structured: false }
}

fn picture(jpeg: &[u8]) -> Part {
    Part::Picture(STANDARD.encode(jpeg))
}

/// What is left of a budget.
struct Room {
    left: usize,
    used: usize,
}

impl Room {
    fn spend(&mut self, tokens: usize) {
        self.left = self.left.saturating_sub(tokens);
        self.used += tokens;
    }

    /// Spends it if it is there.
    fn fits(&mut self, tokens: usize) -> bool {
        let fits = tokens <= self.left;
        if fits {
            self.spend(tokens);
        }
        fits
    }
}

/// The likelihood of each product, as CLIP's softmax has it, if one of them is the right one.
fn likelihoods(scores: &[f32]) -> Vec<f32> {
    let best = scores.iter().copied().fold(f32::MIN, f32::max);
    let weights: Vec<f32> = scores.iter().map(|s| ((s - best) * SCALE).exp()).collect();
    let whole: f32 = weights.iter().sum();
    weights.into_iter().map(|w| w / whole).collect()
}

/// How many of the best products have to be shown.
fn enough(likelihoods: &[f32]) -> usize {
    let mut sum = 0.0;
    let reached = likelihoods.iter().position(|l| {
        sum += l;
        sum >= ENOUGH
    });
    reached.map_or(likelihoods.len(), |at| at + 1)
}

type Entry<'a> = (String, Option<&'a Vec<u8>>);

fn entries<'a>(
    inquiry: &'a Inquiry,
    templates: &Templates,
    budget: Budget,
    room: &mut Room,
) -> Result<Vec<Entry<'a>>, PromptError> {
    let scores: Vec<f32> = inquiry.evidence.iter().map(|e| e.score).collect();
    let likely = likelihoods(&scores);
    let most = enough(&likely).min(budget.products);
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (Evidence { product, picture, .. }, likely) in
        inquiry.evidence.iter().zip(likely).take(most)
    {
        let first = entries.is_empty();
        let mut text = templates.product(product)?;
        let mut cost = tokens::text(&text);
        // The best match is never left out; if it must, it loses the end of its description.
        if first && cost > room.left {
            (text, cost) = shortened(product, templates, room.left)?;
            room.spend(cost);
        } else if !room.fits(cost) {
            break;
        }
        let picture = picture.as_ref().filter(|p| {
            (first || likely >= CONTENDER) && room.fits(tokens::picture(p, budget.detail))
        });
        entries.push((text, picture));
    }
    Ok(entries)
}

/// An entry cut until it fits: the description, to [`SHORTEST`], then what the attributes say, then their
/// number.
fn shortened(
    product: &Product,
    templates: &Templates,
    room: usize,
) -> Result<(String, usize), PromptError> {
    let cut = |text: &mut String, most: usize| {
        if let Some((end, _)) = text.char_indices().nth(most) {
            text.truncate(end);
            text.push('…');
        }
    };
    let mut product = product.clone();
    let mut longest = LONG_VALUE;
    loop {
        let length = product.description.chars().count();
        if length > SHORTEST {
            cut(&mut product.description, SHORTEST.max(length * 3 / 4) - 1);
        } else if longest > SHORT_VALUE {
            longest /= 2;
            product.attributes.values_mut().for_each(|value| cut(value, longest));
        } else {
            product.attributes.pop();
        }
        let text = templates.product(&product)?;
        let cost = tokens::text(&text);
        let shortest = longest <= SHORT_VALUE && product.attributes.is_empty();
        if cost <= room || shortest {
            return Ok((text, cost));
        }
    }
}

/// The newest turns that there is room for, oldest first.
fn turns(
    inquiry: &Inquiry,
    templates: &Templates,
    room: &mut Room,
) -> Result<Vec<(String, String)>, PromptError> {
    let mut turns = Vec::new();
    for turn in inquiry.turns.iter().rev() {
        let question = templates.question(&turn.question, &inquiry.language)?;
        let cost = tokens::text(&question) + tokens::text(&turn.answer) + 2 * tokens::MESSAGE;
        if !room.fits(cost) {
            break;
        }
        turns.push((question, turn.answer.clone()));
    }
    turns.reverse();
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::answer::Turn;
    use crate::answer::templates::Prompts;

    fn templates() -> Arc<Templates> {
        Prompts::open(Path::new("")).unwrap().current()
    }

    fn evidence(id: &str, score: f32, words: usize) -> Evidence {
        let product = Product {
            id: id.into(),
            title: id.to_uppercase(),
            description: "word ".repeat(words),
            attributes: Default::default(),
            images: vec![],
        };
        Evidence { product, score, picture: Some(vec![1, 2, 3]) }
    }

    fn inquiry(scores: &[f32]) -> Inquiry {
        let evidence =
            scores.iter().enumerate().map(|(n, s)| evidence(&format!("p{n}"), *s, 20)).collect();
        let turn = |n: usize| Turn { question: format!("q{n}"), answer: format!("a{n}") };
        Inquiry {
            question: "How heavy is it?".into(),
            photo: vec![9],
            evidence,
            confident: true,
            turns: (0..3).map(turn).collect(),
            language: "de".into(),
        }
    }

    fn budget(tokens: usize) -> Budget {
        Budget { products: 3, tokens, detail: Detail::Low }
    }

    #[test]
    fn a_clear_winner_goes_alone_and_look_alikes_together() {
        for (scores, products) in [
            (&[0.9, 0.7, 0.69, 0.6][..], 1),
            (&[0.9, 0.895, 0.7, 0.6], 2),
            (&[0.9, 0.895, 0.894, 0.893], 3),
            (&[0.9], 1),
        ] {
            let prompt = grounded(&inquiry(scores), &templates(), budget(8000)).unwrap();
            assert_eq!((prompt.products, prompt.pictures), (products, products + 1), "{scores:?}");
        }
    }

    #[test]
    fn the_beginning_stays_the_same_in_a_conversation() {
        let mut inquiry = inquiry(&[0.9]);
        inquiry.turns.truncate(1);
        let first = grounded(&inquiry, &templates(), budget(8000)).unwrap();
        let roles: Vec<Role> = first.messages.iter().map(|m| m.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
        let asked = std::mem::replace(&mut inquiry.question, "And wide?".into());
        inquiry.turns.push(Turn { question: asked, answer: "2 kg".into() });
        let second = grounded(&inquiry, &templates(), budget(8000)).unwrap();
        assert_eq!(second.messages[..4], first.messages[..]);
        assert!(
            matches!(&second.messages[5].parts[..], [Part::Text(t)] if t.contains("And wide?"))
        );
    }

    #[test]
    fn an_entry_with_too_much_to_say_keeps_to_the_budget() {
        let mut inquiry = inquiry(&[0.9]);
        inquiry.turns.clear();
        let product = &mut inquiry.evidence[0].product;
        let long = "wörter ".repeat(280);
        product.attributes = (0..64).map(|n| (format!("attribute {n}"), long.clone())).collect();
        let prompt = grounded(&inquiry, &templates(), budget(3000)).unwrap();
        assert!(prompt.tokens <= 3000 && prompt.products == 1, "{}", prompt.tokens);
        let text = format!("{:?}", prompt.messages);
        assert!(text.contains("attribute 0") && text.contains("word word"), "{text}");
    }

    #[test]
    fn what_does_not_fit_gives_way_from_the_back() {
        let templates = templates();
        let inquiry = inquiry(&[0.9, 0.899, 0.898]);
        let whole = grounded(&inquiry, &templates, budget(8000)).unwrap();
        assert_eq!((whole.products, whole.pictures, whole.messages.len()), (3, 4, 8));
        let mut least = (usize::MAX, usize::MAX);
        for tokens in (0..=whole.tokens).rev().step_by(10) {
            let prompt = grounded(&inquiry, &templates, budget(tokens)).unwrap();
            assert!(
                prompt.products == 1 || prompt.tokens <= tokens,
                "{} > {tokens}",
                prompt.tokens
            );
            least = (least.0.min(prompt.products), least.1.min(prompt.messages.len()));
        }
        assert_eq!(least, (1, 2), "the best match stays, turns do not");
    }

    #[test]
    fn a_long_entry_loses_its_end_and_not_its_attributes() {
        let mut inquiry = inquiry(&[]);
        let mut long = evidence("long", 0.9, 20_000);
        long.product.attributes.insert("weight".into(), "2 kg".into());
        inquiry.evidence = vec![long];
        let prompt = grounded(&inquiry, &templates(), budget(3000)).unwrap();
        assert!(prompt.tokens <= 3000, "{}", prompt.tokens);
        let Part::Text(entry) = &prompt.messages[1].parts[1] else { panic!("{prompt:?}") };
        assert!(entry.contains("2 kg") && entry.contains('…') && entry.len() > 5000, "{entry}");
    }
}
