//! Asking: photo and question to matches and answer, follow-ups, `/similar`, and the buttons
//! below an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::answered::{answered, links, written};
use super::apart::{Settled, Waiting};
use super::call::{Call, Spent};
use super::error::KbError;
use super::markup::web_link;
use super::reply::{Reply, Thumbnail, Upload};
use super::session::{Found, Press, Seen, Session};
use crate::answer::{self, Evidence, Inquiry, Turn};
use crate::catalogue::Product;
use crate::clip::Embedding;
use crate::reading::{asks, lists, spoken};
use crate::search::{Matches, SearchError};

/// Pause between two states of a growing answer.
const GROW: Duration = Duration::from_millis(60);

impl Call {
    /// A question, about the photo that came with it, the one it replies to, or the last one.
    pub async fn ask(&self, text: &str) -> Result<(), KbError> {
        let photos = self.photos();
        let question = match text.trim() {
            "" if photos.is_empty() => {
                self.refuse("ask-nothing", &[]).await;
                return Ok(());
            }
            "" => None,
            text => Some(answer::question(text, &self.engine().settings().answer)?),
        };
        self.send(Reply::Typing).await;
        let shared = self.bot().sessions.of(self.key());
        let mut session = self.timed(Spent::Queued, shared.lock()).await;
        let done = self.ask_in(&mut session, photos, question).await;
        self.bot().sessions.keep(self.key(), &shared, &session);
        done
    }

    async fn ask_in(
        &self,
        session: &mut Session,
        photos: &[Upload],
        question: Option<String>,
    ) -> Result<(), KbError> {
        let mut named = Named::default();
        if !photos.is_empty() {
            let (vector, jpeg) = self.look(photos).await?;
            let k = self.engine().settings().search.k;
            let matches = self.kb().matching(vector.clone(), question.clone(), true, k).await?;
            self.show(&matches, 0).await?;
            if matches.matches.is_empty() {
                return self.nothing_there(session).await;
            }
            session.turns.clear();
            named = Named::by(&matches, question.as_deref());
            self.take_up(session, vector, jpeg, matches).await?;
        } else if let Some(question) = &question
            && session.waiting.is_none()
        {
            named = self.look_again(session, question).await?;
        }
        match question {
            None => self.tell("what-to-know", &[]).await,
            Some(_) if session.seen.is_none() => self.refuse("ask-needs-photo", &[]).await,
            Some(question) => {
                let settled = self.settled(session, question, &mut named).await?;
                if let Settled::Answer(question) = settled {
                    self.answer(session, question).await?;
                    // "Is it lighter than the LM-X2?" is no change of subject.
                    if let Some(id) = named.beside {
                        super::apart::choose(session, &id);
                    }
                }
            }
        }
        Ok(())
    }

    /// The first question about a photo that came alone may name the product, as one that comes with
    /// a photo may; a later one only by its id or model number.
    pub(super) async fn look_again(
        &self,
        session: &mut Session,
        question: &str,
    ) -> Result<Named, KbError> {
        let Some(before) = session.seen.as_ref() else { return Ok(Named::default()) };
        let first_question = session.turns.is_empty() && !before.chosen && before.rejected == 0;
        let (vector, jpeg) = (before.vector.clone(), Arc::clone(&before.jpeg));
        let k = self.engine().settings().search.k;
        let mut matches =
            self.kb().matching(vector.clone(), Some(question.to_owned()), true, k).await?;
        let Some(first) = matches.matches.first().map(|m| m.product.id.clone()) else {
            return Ok(Named::default());
        };
        let talked_of = before.found.get(before.rejected).cloned();
        let same = talked_of.as_ref().is_some_and(|found| found.product == first);
        if same && matches.named < 2 {
            if matches.alone {
                super::apart::choose(session, &first);
            }
            return Ok(Named { alone: matches.alone, beside: None });
        }
        // What the user has said it is counts for more than what the photo says.
        let said = talked_of.filter(|_| !same && (before.chosen || before.rejected > 0));
        if let Some(said) = said.as_ref().filter(|_| matches.named > 0 && compares(question)) {
            (matches.alone, matches.seen) = (false, Some(said.product.clone()));
        }
        let named = Named::by(&matches, Some(question));
        if first_question || matches.named > 0 {
            let behind = matches.named;
            self.show(&matches, 0).await?;
            self.take_up(session, vector, jpeg, matches).await?;
            if let (Some(seen), Some(said)) = (&mut session.seen, said) {
                seen.found.retain(|found| found.product != said.product);
                seen.found.insert(behind.min(seen.found.len()), said);
            }
        }
        Ok(named)
    }

    /// Remembers a photo with what it matches, and which of that it cannot tell apart.
    async fn take_up(
        &self,
        session: &mut Session,
        vector: Embedding,
        jpeg: Arc<[u8]>,
        matches: Matches,
    ) -> Result<(), KbError> {
        let mut seen = seen(vector, jpeg, &matches);
        let said = matches.named > 0 && matches.confident;
        seen.alike = if said { Vec::new() } else { self.kb().look_alikes(matches).await? };
        session.see(seen);
        Ok(())
    }

    /// The photos of this message, or of the one it replies to.
    pub fn photos(&self) -> &[Upload] {
        let request = self.request();
        match (&request.files, &request.reply_to) {
            (own, _) if !own.is_empty() => own,
            (_, Some(replied)) => &replied.files,
            (own, None) => own,
        }
    }

    /// One vector for all photos (several are views of one thing: the mean of their vectors), and
    /// the first as a vision model gets it.
    async fn look(&self, photos: &[Upload]) -> Result<(Embedding, Arc<[u8]>), KbError> {
        let limit = self.engine().settings().bot.max_photos;
        if photos.len() > limit {
            return Err(KbError::TooManyPhotos { sent: photos.len(), limit });
        }
        let decoded = try_join_all(photos.iter().map(|p| self.engine().decode(p))).await?;
        let waited = decoded.iter().map(|d| d.waited).max().unwrap_or_default();
        self.spend(Spent::Queued, waited);
        let (pixels, pictures): (Vec<_>, Vec<_>) =
            decoded.into_iter().map(|d| (d.pixels, d.photo)).unzip();
        let embedding = try_join_all(pixels.into_iter().map(|p| self.engine().embed(p)));
        let vectors = self.timed(Spent::Clip, embedding).await?;
        let jpeg: Arc<[u8]> = match pictures.into_iter().next() {
            Some(first) if self.engine().answerer().has_model() => {
                let detail = self.engine().settings().answer.closest_look();
                let sendable =
                    self.engine().compute(move || answer::sendable(&first, detail)).await?;
                sendable.map_err(|source| KbError::Photo { name: String::new(), source })?.into()
            }
            _ => Arc::new([]),
        };
        Ok((mean(&vectors).ok_or(SearchError::Opposed)?, jpeg))
    }

    /// Shows matches with their thumbnails, from the `from`th on.
    async fn show(&self, matches: &Matches, from: usize) -> Result<(), KbError> {
        let shown: Vec<_> = matches.matches.iter().skip(from).cloned().collect();
        let captions: Vec<String> = shown
            .iter()
            .map(|m| {
                let score = format!("{:.2}", m.score);
                let title = m.product.title.as_str();
                self.say("match-caption", &[("title", title.into()), ("score", score.into())])
            })
            .collect();
        let read = move |catalogue: &crate::catalogue::Catalogue| {
            let with_jpeg = shown.into_iter().zip(captions).map(|(m, caption)| {
                let jpeg = catalogue.thumbnail(m.image)?;
                Ok(Thumbnail { product: m.product, image: m.image, score: m.score, jpeg, caption })
            });
            with_jpeg.collect::<Result<Vec<_>, KbError>>()
        };
        let thumbnails = self.kb().with(read).await?;
        let confident = matches.confident && from == 0;
        self.send(Reply::Matches { thumbnails, confident }).await;
        Ok(())
    }

    async fn nothing_there(&self, session: &mut Session) -> Result<(), KbError> {
        self.tell("catalogue-empty", &[]).await;
        if self.request().admin {
            let load = self.button(session, "button-sample", Press::LoadSample);
            self.send(Reply::Buttons(vec![load])).await;
        }
        Ok(())
    }

    /// Answers about the photo in the session, streaming, with buttons below.
    pub(super) async fn answer(
        &self,
        session: &mut Session,
        question: String,
    ) -> Result<(), KbError> {
        let Some(seen) = session.seen.clone() else { return Ok(()) };
        let left = seen.found.len().saturating_sub(seen.rejected);
        let inquiry = Inquiry {
            question: question.clone(),
            photo: seen.jpeg.to_vec(),
            evidence: self.evidence(&seen).await?,
            confident: seen.confident && seen.rejected == 0,
            turns: session.turns.iter().cloned().collect(),
            language: self.request().language.clone(),
        };
        let links = links(&inquiry.evidence);
        // When a state was last shown, and how long it was.
        let grown = Mutex::new(None::<(Instant, usize)>);
        let on_text = |text: &str| {
            let mut last = grown.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_none_or(|(at, length)| at.elapsed() >= GROW && length != text.len()) {
                *last = Some((Instant::now(), text.len()));
                self.offer(Reply::Growing(written(text, &links)));
            }
        };
        let written = self.timed(Spent::Model, self.written(&inquiry, &on_text)).await?;
        if let Some(over) = written.over {
            self.tell_over(over).await;
        }
        let answer = written.answer;
        let judged = Arc::new(self.judged(&inquiry, &answer));
        let turn = Turn { question: question.clone(), answer: answer.text.clone() };
        session.remember(turn, self.engine().settings().bot.turns);
        // What stands beside the answer is in the answer's language.
        let language = spoken(&question).unwrap_or(&inquiry.language);
        let shown = answered(answer, &inquiry.evidence, &links, language);
        self.send(Reply::Answer(shown)).await;
        let mut buttons = Vec::new();
        if left > 1 {
            buttons.push(self.button(session, "button-next", Press::Next { question }));
        }
        if self.takes_feedback() {
            let good = Press::Feedback(Arc::clone(&judged), true);
            buttons.push(self.button(session, "button-good", good));
            buttons.push(self.button(session, "button-bad", Press::Feedback(judged, false)));
        }
        if !buttons.is_empty() {
            self.send(Reply::Buttons(buttons)).await;
        }
        Ok(())
    }

    /// The remembered matches' products as the catalogue has them now.
    async fn evidence(&self, seen: &Seen) -> Result<Vec<Evidence>, KbError> {
        let settings = &self.engine().settings().answer;
        // Its look-alikes would only confuse whoever has said which one it is.
        let products = if seen.chosen { 1 } else { settings.products };
        let detail = settings.closest_look();
        let found: Vec<Found> =
            seen.found.iter().skip(seen.rejected).take(products).cloned().collect();
        let pictures = self.engine().answerer().has_model();
        self.kb()
            .with(move |catalogue| {
                let mut evidence = Vec::with_capacity(found.len());
                for Found { product, image, score } in found {
                    let Some(product) = catalogue.find(&product)? else { continue };
                    let picture = if pictures { catalogue.picture(image)? } else { None };
                    let picture = picture.map(|jpeg| answer::sendable_picture(jpeg, detail));
                    evidence.push(Evidence { product, score, picture });
                }
                Ok(evidence)
            })
            .await
    }

    /// "Not this one": the next match, and the question again.
    pub async fn next(&self, session: &mut Session, question: &str) -> Result<(), KbError> {
        let Some(seen) = session.seen.as_mut() else {
            self.refuse("button-expired", &[]).await;
            return Ok(());
        };
        seen.rejected += 1;
        seen.chosen = false;
        if seen.rejected >= seen.found.len() {
            self.tell("no-more-matches", &[]).await;
            return Ok(());
        }
        let (found, from) = (seen.found.clone(), seen.rejected);
        let matches = self
            .kb()
            .with(move |catalogue| {
                let mut matches = Matches::default();
                for Found { product, image, score } in found {
                    if let Some(product) = catalogue.find(&product)? {
                        let source = String::new();
                        matches.matches.push(crate::search::Match {
                            product,
                            image,
                            source,
                            score,
                        });
                    }
                }
                Ok(matches)
            })
            .await?;
        self.show(&matches, from).await?;
        self.answer(session, question.to_owned()).await
    }

    /// None of the look-alikes: the other matches, and the question about the first of them.
    pub async fn none_of(&self, session: &mut Session, waiting: Waiting) -> Result<(), KbError> {
        let rest = self.neither(session, waiting).await?;
        match rest {
            Settled::Answer(question) => self.answer(session, question).await,
            Settled::Done => Ok(()),
        }
    }

    /// `/similar`: the matches alone, for a photo, words, both, or the last photo.
    pub async fn similar(&self, k: Option<usize>, words: &str) -> Result<(), KbError> {
        let settings = self.engine().settings();
        let k = k.unwrap_or(settings.search.k);
        let words = match words.trim() {
            "" => None,
            words => Some(answer::question(words, &settings.answer)?),
        };
        let shared = self.bot().sessions.of(self.key());
        let mut session = self.timed(Spent::Queued, shared.lock()).await;
        let photo = match self.photos() {
            [] if words.is_none() => {
                session.seen.as_ref().map(|s| (s.vector.clone(), s.jpeg.clone()))
            }
            [] => None,
            photos => {
                self.send(Reply::Typing).await;
                Some(self.look(photos).await?)
            }
        };
        let text = match &words {
            Some(words) => Some(self.timed(Spent::Clip, self.engine().embed_text(words)).await?),
            None => None,
        };
        let query = match (&photo, text) {
            (Some((photo, _)), Some(text)) => {
                text.blend(photo, settings.search.text_weight).ok_or(SearchError::Opposed)?
            }
            (Some((photo, _)), None) => photo.clone(),
            (None, Some(text)) => text,
            (None, None) => {
                self.refuse("similar-needs", &[]).await;
                return Ok(());
            }
        };
        let with_photo = photo.is_some();
        let matches = self.kb().matching(query.clone(), words, with_photo, k).await?;
        if let Some((vector, jpeg)) = photo {
            session.turns.clear();
            session.see(seen(vector, jpeg, &matches));
        }
        self.show(&matches, 0).await?;
        if matches.matches.is_empty() {
            self.nothing_there(&mut session).await?;
        }
        self.bot().sessions.keep(self.key(), &shared, &session);
        Ok(())
    }
}

/// Whether a question sets what it names beside what is talked of: "is it lighter than the LM-X2?"
fn compares(question: &str) -> bool {
    const BESIDE: &str = "than vs versus compare compared als vergleich verglichen que comparé comparée che dan \
vergeleken niż od";
    const IT: &str = "it its this these mine er sie es dieser diese dieses il elle ce cet cette celui este esta esto \
questo questa esse essa isto hij dit deze het tego tym";
    let asked = asks(question);
    let words = question.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let mut words = words.map(|word| (lists(BESIDE, &word), lists(IT, &word)));
    words.any(|(beside, it)| beside || (asked && it))
}

/// What a question names to the letter.
#[derive(Default)]
pub(super) struct Named {
    /// One product, and nothing else is meant.
    pub alone: bool,
    /// The photo's own product, where it names others.
    beside: Option<String>,
}

impl Named {
    fn by(matches: &Matches, question: Option<&str>) -> Self {
        let beside = matches.seen.clone().filter(|_| question.is_some_and(compares));
        Self { alone: matches.alone, beside }
    }
}

fn seen(vector: Embedding, jpeg: Arc<[u8]>, matches: &Matches) -> Seen {
    let found = matches.weighed();
    let found = found
        .map(|(m, score)| Found { product: m.product.id.clone(), image: m.image, score })
        .collect();
    let (confident, chosen) = (matches.confident, matches.alone);
    Seen { vector, jpeg, found, confident, rejected: 0, chosen, alike: Vec::new() }
}

/// The unit vector in the middle of several; none when they cancel out.
fn mean(vectors: &[Embedding]) -> Option<Embedding> {
    if let [only] = vectors {
        return Some(only.clone());
    }
    let mut sum = vec![0.0; vectors.first()?.len()];
    for vector in vectors {
        sum.iter_mut().zip(vector.iter()).for_each(|(s, v)| *s += v);
    }
    Embedding::new(sum)
}

/// A product's own page, from its attribute `url`.
pub fn product_url(product: &Product) -> Option<String> {
    product.attributes.get("url").and_then(|url| web_link(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_views_make_one_vector() {
        let (x, y) = (Embedding::new(vec![1.0, 0.0]), Embedding::new(vec![0.0, 1.0]));
        let both = mean(&[x.clone().unwrap(), y.unwrap()]).unwrap();
        assert!((both.cosine(&x.clone().unwrap()) - 0.5f32.sqrt()).abs() < 1e-6);
        let opposite = Embedding::new(vec![-1.0, 0.0]).unwrap();
        assert!(mean(&[x.unwrap(), opposite]).is_none());
        assert!(mean(&[]).is_none());
    }
}
