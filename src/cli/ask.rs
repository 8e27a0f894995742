//! `magpie similar` and `magpie ask`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::{Context, Outcome, output, parse_k, usage};
use crate::answer::{self, Answerer, Evidence, Inquiry};
use crate::bot::look_alikes_question;
use crate::catalogue::{Catalogue, ImageId};
use crate::config::AnswerSettings;
use crate::photo::{Detail, Limits, Photo};
use crate::reading::spoken;
use crate::search::{self, Lexicon, Matches, Query, differ};

#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Similar {
    /// The photo
    #[arg(required_unless_present = "text")]
    photo: Option<PathBuf>,
    /// Words, alone or beside the photo
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// How many matches
    #[arg(short, value_parser = parse_k)]
    k: Option<usize>,
}

#[derive(Args)]
pub(super) struct Ask {
    /// The photo
    photo: PathBuf,
    /// The question
    question: String,
    /// Ask the vision model about the photo alone, without the catalogue
    #[arg(long)]
    no_kb: bool,
    /// Ask the vision model anew; always so here, since only a running bot remembers answers
    #[arg(long)]
    no_cache: bool,
}

pub(super) fn similar(context: &Context, args: Similar) -> Result<Outcome> {
    let settings = &context.settings;
    let clip = context.clip()?;
    let detail = clip.preprocessor().detail();
    let photo = args.photo.map(|path| open(&path, context, detail)).transpose()?;
    let catalogue = context.catalogue_for(&clip)?;
    let query =
        search::query(&clip, photo.as_ref(), args.text.as_deref(), settings.search.text_weight)?;
    let words = args.text.as_deref();
    let query = Query { vector: &query, words, photo: photo.is_some() };
    let k = args.k.unwrap_or(settings.search.k);
    let matches = search::find(&catalogue, &Lexicon::default(), query, k)?;
    if context.json {
        output::json(&output::matches_json(&matches))?;
    } else {
        output::line(&output::matches_text(&matches));
    }
    Ok(Outcome::Done)
}

pub(super) fn ask(context: &Context, args: Ask) -> Result<Outcome> {
    let settings = &context.settings;
    let question = answer::question(&args.question, &settings.answer)?;
    let photo = open(&args.photo, context, Detail::FULL)?;
    let answerer = Answerer::new(&settings.answer)?;
    let runtime = runtime()?;
    let mut which = Which::Clear;
    let (answer, matches) = if args.no_kb {
        let sent = answer::sendable(&photo, settings.answer.closest_look())?;
        let answer = runtime.block_on(answerer.without_catalogue(&question, &sent))?;
        // Where there is a catalogue, what is spent without it counts, too.
        if context.settings.catalogue.dir.exists() {
            usage::record(context, &context.catalogue()?, &answer)?;
        }
        (answer, Matches::default())
    } else {
        let clip = context.clip()?;
        let catalogue = context.catalogue_for(&clip)?;
        let query = search::query(&clip, Some(&photo), None, settings.search.text_weight)?;
        let query = Query { vector: &query, words: Some(&question), photo: true };
        let mut matches = search::find(&catalogue, &Lexicon::default(), query, settings.search.k)?;
        which = settle(&catalogue, &question, &mut matches)?;
        let mut inquiry = inquiry(&catalogue, question, &photo, &matches, &settings.answer)?;
        if matches!(which, Which::Said) {
            inquiry.evidence.truncate(1);
        }
        let answer = runtime.block_on(answerer.answer(&inquiry));
        usage::record(context, &catalogue, &answer)?;
        (answer, matches)
    };
    if context.json {
        let mut value = output::answer_json(&answer, &matches);
        if let Which::Open(which) = &which {
            value["which"] = serde_json::json!(which);
        }
        output::json(&value)?;
    } else {
        if !args.no_kb {
            output::line(&output::matches_text(&matches));
            output::line("");
        }
        if let Which::Open(which) = &which {
            output::line(which);
        }
        output::line(&answer.text);
    }
    Ok(Outcome::Done)
}

/// Which of the matches a question is about.
enum Which {
    /// The photo tells.
    Clear,
    /// The question has said so.
    Said,
    /// One of several look-alikes: what to look at, as it is asked.
    Open(String),
}

/// Where the photo cannot tell look-alikes apart, the question may.
fn settle(catalogue: &Catalogue, question: &str, matches: &mut Matches) -> Result<Which> {
    if matches.named > 0 && matches.confident {
        return Ok(Which::Said);
    }
    let alike = search::look_alikes(catalogue, matches)?;
    if alike.len() < 2 {
        return Ok(Which::Clear);
    }
    let difference = differ::difference(&alike);
    let Some(at) = differ::named(question, &difference.choices, &alike) else {
        let language = spoken(question).unwrap_or("en");
        return Ok(Which::Open(look_alikes_question(language, &difference)));
    };
    let chosen = difference.choices.get(at).map(|c| c.product.as_str());
    let at = matches.matches.iter().position(|m| Some(m.product.id.as_str()) == chosen);
    if let Some(at) = at {
        let found = matches.matches.remove(at);
        matches.matches.insert(0, found);
        matches.confident = true;
    }
    Ok(Which::Said)
}

/// Gathers what an answer is made from: the photo, and the first matches with their pictures.
pub(super) fn inquiry(
    catalogue: &Catalogue,
    question: String,
    photo: &Photo,
    matches: &Matches,
    settings: &AnswerSettings,
) -> Result<Inquiry> {
    let detail = settings.closest_look();
    let products = if matches.alone { 1 } else { settings.products };
    let evidence = matches.weighed().take(products).map(|(m, score)| {
        let picture = catalogue.picture(m.image)?;
        let picture = picture.map(|jpeg| answer::sendable_picture(jpeg, detail));
        Ok(Evidence { product: m.product.clone(), score, picture })
    });
    Ok(Inquiry {
        question,
        photo: answer::sendable(photo, detail)?,
        evidence: evidence.collect::<Result<_>>()?,
        confident: matches.confident,
        ..Inquiry::default()
    })
}

/// A kept picture, decoded again.
pub(super) fn kept_photo(catalogue: &Catalogue, image: ImageId, detail: Detail) -> Result<Photo> {
    let jpeg =
        catalogue.picture(image)?.with_context(|| format!("image {image} has no picture"))?;
    Ok(Photo::decode_for(&jpeg, &Limits::default(), detail)?)
}

/// Opens a photo in as much detail as is needed; the error names the file.
pub(super) fn open(path: &std::path::Path, context: &Context, detail: Detail) -> Result<Photo> {
    Photo::open(path, &context.settings.photo, detail).with_context(|| path.display().to_string())
}

/// The runtime for network calls; CLIP and LMDB stay on the calling thread.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
