//! From a question and the matches to an answer that says where it came from.
//!
//! With a key, a vision model of any OpenAI-compatible server (`provider/`) answers from the
//! catalogue's entries (`prompt.rs`), in a shape that says what it used (`structured.rs`); what it must
//! not say is withheld (`guard.rs`), and figures that are not the catalogue's are named
//! (`figures.rs`). Without a key, without a confident match, or when every server fails, the answer is an
//! extract of the best match's own text ([`extract`]), and says so.

pub mod cache;
pub mod cost;
pub mod extract;
mod figures;
mod grounding;
mod guard;
mod prompt;
mod provider;
mod retold;
mod spelled;
mod structured;
mod templates;
mod tokens;
mod units;
mod written;

use std::sync::Arc;

use serde::Serialize;

use crate::catalogue::Product;
use crate::config::{AnswerSettings, Detail};
use crate::photo::{self, Limits, Photo, PhotoError};
use written::Model;

/// What servers scale pictures to, so that more pixels would only take longer to send (OpenAI, "Images
/// and vision"): at low detail into a square of this side,
const LOW_SIDE: u32 = 512;
/// otherwise into one of this, and then so that the shorter side is at most the other.
const LONG_SIDE: u32 = 2048;
const SHORT_SIDE: u32 = 768;
const SENT_QUALITY: u8 = 85;

/// Who wrote an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A vision model, grounded in the catalogue unless it was asked without.
    Model,
    /// Sentences of the catalogue.
    #[default]
    Extractive,
}

/// Tokens of one answer, retries and failed servers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    pub input_tokens: u64,
    /// Those of them that the server had cached.
    pub cached_tokens: u64,
    pub output_tokens: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.input_tokens += more.input_tokens;
        self.cached_tokens += more.cached_tokens;
        self.output_tokens += more.output_tokens;
    }
}

/// What one model used for an answer, retries included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// By its server's name for it.
    pub model: String,
    pub usage: Usage,
    /// Whether the server did not count it, so that it is an estimate.
    pub estimated: bool,
}

/// An answer with the ids of the products it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Answer {
    #[serde(rename = "answer")]
    pub text: String,
    pub origin: Origin,
    pub sources: Vec<String>,
    /// Whether the catalogue says what was asked; none where whoever answered did not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covered: Option<bool>,
    /// Figures of the text, as it writes them, that stand in no evidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
    /// The model that wrote it, by its server's name for it; none for an extract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Version of the prompts it was asked with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Over all models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The same by model, in the order in which they were asked.
    #[serde(skip)]
    pub spent: Vec<Spend>,
}

impl Answer {
    fn with_spent(self, spent: Vec<Spend>) -> Self {
        let sum = |mut sum: Usage, more: &Spend| {
            sum += more.usage;
            sum
        };
        let usage = (!spent.is_empty()).then(|| spent.iter().fold(Usage::default(), sum));
        Self { usage, spent, ..self }
    }
}

/// A matched product as evidence.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub product: Product,
    /// Cosine to the user's photo.
    pub score: f32,
    /// JPEG of its best-matching image.
    pub picture: Option<Vec<u8>>,
}

/// A question and its answer, earlier in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub question: String,
    pub answer: String,
}

/// What is asked, and what is known about it.
#[derive(Debug, Clone, Default)]
pub struct Inquiry {
    pub question: String,
    /// The user's photo as JPEG.
    pub photo: Vec<u8>,
    /// Best match first.
    pub evidence: Vec<Evidence>,
    pub confident: bool,
    /// The conversation so far, oldest first.
    pub turns: Vec<Turn>,
    /// BCP 47 tag of the language that the extract's own words are in; empty: English.
    pub language: String,
}

/// Hears the answer so far, each time from its beginning.
pub type OnText<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Why a question was not answered, worded for the person who asked.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("the question is empty; ask something about the photo")]
    EmptyQuestion,
    #[error("the question has {length} characters, the limit is {limit}; ask it shorter")]
    LongQuestion { length: usize, limit: usize },
    #[error(
        "asking about the photo alone needs a vision model; set OPENAI_API_KEY, or answer.api_key \
         and answer.base_url in the configuration"
    )]
    NoModel,
    #[error("the vision model at {server} did not answer: {reason}")]
    Model { server: String, reason: String },
    #[error("the vision model at {name} cannot be used: {reason}")]
    Provider { name: String, reason: String },
    #[error("a prompt cannot be used: {0}")]
    Prompt(String),
    #[error(transparent)]
    Photo(#[from] PhotoError),
}

/// Trims a question and drops its control characters.
///
/// # Errors
/// [`AnswerError::EmptyQuestion`] or [`AnswerError::LongQuestion`].
pub fn question(text: &str, settings: &AnswerSettings) -> Result<String, AnswerError> {
    let kept: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect();
    let kept = kept.trim();
    let length = kept.chars().count();
    match length {
        0 => Err(AnswerError::EmptyQuestion),
        n if n > settings.max_question => {
            Err(AnswerError::LongQuestion { length, limit: settings.max_question })
        }
        _ => Ok(kept.to_owned()),
    }
}

/// What a photo may be decoded to before [`sendable`] takes it. A sixteenth less is as good, and cameras'
/// 3000 and 3024 pixels then give it at a quarter.
pub fn needed(detail: Detail) -> photo::Detail {
    match detail {
        Detail::Low => photo::Detail::picture(LOW_SIDE),
        _ => photo::Detail { short: SHORT_SIDE - SHORT_SIDE / 16, long: 0 },
    }
}

/// The photo as it is sent to a vision model: with no more pixels than one that looks that closely
/// uses.
///
/// # Errors
/// As [`Photo::to_jpeg`].
pub fn sendable(photo: &Photo, detail: Detail) -> Result<Vec<u8>, PhotoError> {
    photo.to_jpeg(longest_side(photo.width(), photo.height(), detail), SENT_QUALITY)
}

/// A picture of the catalogue as it is sent. Those are small enough for any but a passing look; one
/// that cannot be scaled is sent as it is.
pub fn sendable_picture(jpeg: Vec<u8>, detail: Detail) -> Vec<u8> {
    if detail != Detail::Low {
        return jpeg;
    }
    let scaled = Photo::decode(&jpeg, &Limits::default()).and_then(|p| sendable(&p, detail));
    scaled.unwrap_or(jpeg)
}

/// Pixels that the longer side may have.
fn longest_side(width: u32, height: u32, detail: Detail) -> u32 {
    if detail == Detail::Low {
        return LOW_SIDE;
    }
    let (long, short) = (width.max(height).max(1), width.min(height).max(1));
    let fits = f64::from(SHORT_SIDE) * f64::from(long) / f64::from(short);
    LONG_SIDE.min(fits.round() as u32)
}

/// Answers questions with whatever is configured.
#[derive(Clone)]
pub struct Answerer {
    model: Option<Arc<Model>>,
}

impl Answerer {
    /// Uses a vision model when one is configured.
    ///
    /// # Errors
    /// [`AnswerError::Provider`] or [`AnswerError::Prompt`], naming what is wrong with the settings.
    pub fn new(settings: &AnswerSettings) -> Result<Self, AnswerError> {
        Ok(Self { model: Model::new(settings)?.map(Arc::new) })
    }

    /// Whether a vision model is configured.
    pub fn has_model(&self) -> bool {
        self.model.is_some()
    }

    /// Answers from the catalogue. Where no match is confident the model is not asked to guess. Servers
    /// that fail cost the model's wording, not the answer: the extract serves, labelled, and the log has
    /// the reason.
    pub async fn answer(&self, inquiry: &Inquiry) -> Answer {
        self.answer_with(inquiry, None).await
    }

    /// As [`Answerer::answer`]; `on_text` hears the model's answer while it is being written. What it
    /// heard is void when the answer returned is another, as when the server fails half way.
    pub async fn stream(&self, inquiry: &Inquiry, on_text: OnText<'_>) -> Answer {
        self.answer_with(inquiry, Some(on_text)).await
    }

    /// Whether such an inquiry goes to a model.
    pub fn asks_model(&self, inquiry: &Inquiry) -> bool {
        self.model.is_some() && inquiry.confident && !inquiry.evidence.is_empty()
    }

    /// Names models and prompts as they are now: answers of another version may be others.
    pub fn version(&self) -> String {
        self.model.as_ref().map(|model| model.version()).unwrap_or_default()
    }

    async fn answer_with(&self, inquiry: &Inquiry, on_text: Option<OnText<'_>>) -> Answer {
        let mut spent = Vec::new();
        if let Some(model) = &self.model
            && self.asks_model(inquiry)
        {
            match model.grounded(inquiry, on_text, &mut spent).await {
                Ok(answer) => return answer.with_spent(spent),
                Err(e) => tracing::warn!(error = %e, "answering with an extract instead"),
            }
        }
        extract::answer(inquiry).with_spent(spent)
    }

    /// Asks the vision model about the photo alone, without the catalogue.
    ///
    /// # Errors
    /// [`AnswerError::NoModel`] or [`AnswerError::Model`].
    pub async fn without_catalogue(
        &self,
        question: &str,
        photo: &[u8],
    ) -> Result<Answer, AnswerError> {
        let model = self.model.as_ref().ok_or(AnswerError::NoModel)?;
        model.ungrounded(question, photo).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_has_no_more_pixels_than_the_model_uses() {
        for (size, detail, sent) in [
            ((4000, 3000), Detail::High, (1024, 768)),
            ((3000, 4000), Detail::Auto, (768, 1024)),
            ((3000, 3000), Detail::High, (768, 768)),
            ((6000, 1000), Detail::High, (2048, 341)),
            ((640, 480), Detail::High, (640, 480)),
            ((1000, 500), Detail::High, (1000, 500)),
            ((4000, 3000), Detail::Low, (512, 384)),
            ((96, 72), Detail::Low, (96, 72)),
        ] {
            let photo = Photo::from_rgb(image::RgbImage::new(size.0, size.1)).unwrap();
            let size_of = |jpeg: &[u8]| {
                let photo = Photo::decode(jpeg, &Limits::default()).unwrap();
                (photo.width(), photo.height())
            };
            let jpeg = sendable(&photo, detail).unwrap();
            assert_eq!(size_of(&jpeg), sent, "{size:?} {detail:?}");
            // What fits is not encoded anew where it is only looked at closely.
            assert_eq!(size_of(&sendable_picture(jpeg.clone(), detail)), sent);
        }
        assert_eq!(sendable_picture(b"no picture".to_vec(), Detail::Low), b"no picture");
    }

    #[test]
    fn questions_are_cleaned_and_bounded() {
        let settings = AnswerSettings::default();
        assert_eq!(question(" how\u{0} heavy\n? ", &settings).unwrap(), "how heavy ?");
        for empty in ["", "  \n", "\u{1}\u{2}\u{1b}"] {
            assert!(matches!(question(empty, &settings), Err(AnswerError::EmptyQuestion)));
        }
        let long = question(&"x".repeat(10_000), &settings).unwrap_err().to_string();
        assert!(long.contains("10000") && long.contains("2000"), "{long}");
    }
}
