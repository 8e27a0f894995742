//! `magpie demo`: the whole way once, on the sample catalogue compiled into the binary, then the
//! web chat over it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::{Context, Outcome, ask, kb, output, serve};
use crate::answer::Answerer;
use crate::catalogue::Catalogue;
use crate::catalogue::import::{Embed, Options};
use crate::clip::Clip;
use crate::photo::Detail;
use crate::{sample, search};

const QUESTIONS: &str = "photos/questions.jsonl";

#[derive(Args)]
pub(super) struct Demo {
    /// End after the answers; so does --json
    #[arg(long)]
    once: bool,
}

#[derive(Deserialize)]
struct Question {
    photo: String,
    question: String,
    product_id: String,
}

pub(super) fn run(context: &Context, args: &Demo) -> Result<Outcome> {
    let dir = tempfile::tempdir().context("no temporary directory")?;
    let data = dir.path().join("data");
    let clip = context.clip()?;
    answers(context, &clip, &dir.path().join("kb"), &data)?;
    if args.once || context.json {
        return Ok(Outcome::Done);
    }
    output::line("\nThe web chat serves the sample catalogue until Ctrl-C:");
    let mut settings = context.settings.clone();
    settings.catalogue.dir = data;
    // Another demo may have the usual port.
    if std::net::TcpListener::bind(settings.web.listen).is_err() {
        settings.web.listen.set_port(0);
    }
    serve::serve(settings, clip, false)
}

/// Imports the sample into `data`, then asks every photo its question.
fn answers(context: &Context, clip: &Clip, sample: &Path, data: &Path) -> Result<()> {
    let settings = &context.settings;
    sample::unpack(sample).context("the sample catalogue")?;
    let catalogue = Catalogue::open_for(data, &clip.model())?;
    let options = Options { limits: settings.photo.clone(), ..Options::default() };
    let report = kb::import_with_progress(&catalogue, clip, sample, &options)?;
    if !report.failed.is_empty() {
        bail!("the sample catalogue does not import: {:?}", report.failed);
    }
    let stats = catalogue.stats()?;
    if !context.json {
        output::line(&format!(
            "Imported the sample catalogue with the model {}: {} products, {} images in {:.1} s.\n",
            clip.name(),
            stats.products,
            stats.images,
            report.seconds
        ));
    }
    let answerer = Answerer::new(&settings.answer)?;
    let runtime = ask::runtime()?;
    let (mut answers, mut right) = (Vec::new(), 0);
    let questions = questions(sample)?;
    for q in &questions {
        let photo = ask::open(&sample.join("photos").join(&q.photo), context, Detail::FULL)?;
        let query = search::query(clip, Some(&photo), None, settings.search.text_weight)?;
        let matches = search::search(&catalogue, &query, 3)?;
        let inquiry =
            ask::inquiry(&catalogue, q.question.clone(), &photo, &matches, &settings.answer)?;
        let answer = runtime.block_on(answerer.answer(&inquiry));
        right += usize::from(matches.matches.first().is_some_and(|m| m.product.id == q.product_id));
        if context.json {
            let mut value = output::answer_json(&answer, &matches);
            value["photo"] = json!(q.photo);
            value["question"] = json!(q.question);
            answers.push(value);
        } else {
            output::line(&format!("kb/photos/{}: {}", q.photo, q.question));
            output::line(&output::matches_text(&matches));
            output::line(&format!("  → {}\n", answer.text));
        }
    }
    if context.json {
        output::json(&json!({ "products": stats.products, "answers": answers }))?;
    } else {
        output::line(&format!("{right} of {} photos found their product first.", questions.len()));
        if !answerer.has_model() {
            output::line(
                "The answers are extracts of the catalogue. With OPENAI_API_KEY set, a vision model \
                 writes them.",
            );
        }
    }
    Ok(())
}

fn questions(sample: &Path) -> Result<Vec<Question>> {
    let text = std::fs::read_to_string(sample.join(QUESTIONS)).context(QUESTIONS)?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).context(QUESTIONS))
        .collect()
}
