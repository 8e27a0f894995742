//! `magpie eval`: how often labelled photos find their product.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Context, Outcome, output, parse_k};
use crate::clip::{BATCH, Clip, Embedding};
use crate::photo::{Limits, Photo};
use crate::search::{Matches, search};

/// Ranks at which a product still counts for the mean reciprocal rank.
const DEFAULT_RANKS: usize = 100;
const WORST: usize = 100;

#[derive(Args)]
pub(super) struct Eval {
    /// CSV with a header: photo,product_id[,category], photos relative to the file; a column
    /// "text" in place of "photo" measures searching by words
    labels: PathBuf,
    /// Ranks to look at
    #[arg(short, value_parser = parse_k, default_value_t = DEFAULT_RANKS)]
    k: usize,
}

#[derive(Deserialize)]
struct Label {
    photo: Option<PathBuf>,
    text: Option<String>,
    product_id: String,
    category: Option<String>,
}

/// One judged row.
#[derive(Serialize)]
struct Row {
    query: String,
    product_id: String,
    /// Rank of the right product, from 1.
    rank: Option<usize>,
    /// Product that came first.
    found: Option<String>,
    score: Option<f32>,
    confident: bool,
    #[serde(skip)]
    category_right: Option<bool>,
}

#[derive(Serialize)]
struct Failure {
    line: u64,
    photo: String,
    error: String,
}

#[derive(Serialize)]
struct Report {
    photos: usize,
    recall_at_1: f64,
    recall_at_5: f64,
    mrr: f64,
    category_at_1: Option<f64>,
    seconds: f64,
    /// Of the confident answers, how many are right; none when none was confident.
    confident_precision: Option<f64>,
    confident_share: f64,
    failed: Vec<Failure>,
    worst: Vec<Row>,
}

pub(super) fn run(context: &Context, args: Eval) -> Result<Outcome> {
    let started = Instant::now();
    let labels = read(&args.labels)?;
    let clip = context.clip()?;
    let catalogue = context.catalogue_for(&clip)?;
    let root = args.labels.parent().unwrap_or(Path::new(""));
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    let bar = output::progress(labels.len(), "matching");
    for batch in labels.chunks(BATCH * 2) {
        for ((line, label), query) in
            batch.iter().zip(queries(&clip, root, batch, &context.settings.photo)?)
        {
            match query {
                Ok(query) => rows.push(judge(label, &search(&catalogue, &query, args.k.max(5))?)),
                Err(error) => {
                    let photo = label.photo.as_deref().unwrap_or(Path::new(""));
                    failed.push(Failure { line: *line, photo: photo.display().to_string(), error });
                }
            }
        }
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    let report = summarise(rows, failed, started.elapsed().as_secs_f64());
    if context.json {
        output::json(&report)?;
    } else {
        print(&report);
    }
    Ok(if report.failed.is_empty() { Outcome::Done } else { Outcome::Partial })
}

fn read(path: &Path) -> Result<Vec<(u64, Label)>> {
    let name = || path.display().to_string();
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).with_context(name)?;
    let headers = reader.headers().with_context(name)?.clone();
    let has = |column: &str| headers.iter().any(|h| h.trim_start_matches('\u{feff}') == column);
    if !has("product_id") || !(has("photo") || has("text")) {
        bail!("{}: its header must be photo,product_id[,category]", path.display());
    }
    let mut labels = Vec::new();
    let headers: csv::StringRecord =
        headers.iter().map(|h| h.trim_start_matches('\u{feff}')).collect();
    for record in reader.records() {
        let record = record.with_context(name)?;
        let line = record.position().map_or(0, csv::Position::line);
        let label: Label = record
            .deserialize(Some(&headers))
            .with_context(|| format!("{} line {line}", path.display()))?;
        labels.push((line, label));
    }
    if labels.is_empty() {
        bail!("{}: it has no rows", path.display());
    }
    Ok(labels)
}

/// Query vectors of a batch; a row whose photo cannot be read has its reason instead.
fn queries(
    clip: &Clip,
    root: &Path,
    batch: &[(u64, Label)],
    limits: &Limits,
) -> Result<Vec<Result<Embedding, String>>> {
    let pixels: Vec<Option<Result<Vec<f32>, String>>> = batch
        .par_iter()
        .map(|(_, label)| {
            let path = label.photo.as_ref()?;
            let photo = Photo::open(&root.join(path), limits, clip.preprocessor().detail())
                .map_err(|e| e.to_string());
            Some(photo.map(|p| clip.preprocessor().pixels(&p)))
        })
        .collect();
    let usable: Vec<&Vec<f32>> = pixels.iter().flatten().flatten().collect();
    let mut embedded = Vec::with_capacity(usable.len());
    for chunk in usable.chunks(BATCH) {
        embedded.extend(clip.embed_pixels(chunk)?);
    }
    let mut embedded = embedded.into_iter();
    let mut out = Vec::with_capacity(batch.len());
    for ((_, label), pixels) in batch.iter().zip(pixels) {
        out.push(match (pixels, &label.text) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(_)), _) => embedded.next().ok_or_else(|| "it was not embedded".to_owned()),
            (None, Some(text)) => Ok(clip.embed_text(text)?),
            (None, None) => Err("the row names no photo".into()),
        });
    }
    Ok(out)
}

fn judge(label: &Label, matches: &Matches) -> Row {
    let first = matches.matches.first();
    let category_right = label.category.as_deref().filter(|c| !c.is_empty()).map(|wanted| {
        first.and_then(|m| m.product.attributes.get("category")).is_some_and(|c| c == wanted)
    });
    Row {
        query: label.text.clone().unwrap_or_else(|| {
            label.photo.as_deref().unwrap_or(Path::new("")).display().to_string()
        }),
        product_id: label.product_id.clone(),
        rank: matches.matches.iter().position(|m| m.product.id == label.product_id).map(|i| i + 1),
        found: first.map(|m| m.product.id.clone()),
        score: first.map(|m| m.score),
        confident: matches.confident,
        category_right,
    }
}

fn summarise(mut rows: Vec<Row>, failed: Vec<Failure>, seconds: f64) -> Report {
    let n = rows.len().max(1) as f64;
    let share = |count: usize| count as f64 / n;
    let within = |k: usize| share(rows.iter().filter(|r| r.rank.is_some_and(|x| x <= k)).count());
    let judged: Vec<bool> = rows.iter().filter_map(|r| r.category_right).collect();
    let confident: Vec<bool> =
        rows.iter().filter(|r| r.confident).map(|r| r.rank == Some(1)).collect();
    let portion = |flags: &[bool]| {
        (!flags.is_empty())
            .then(|| flags.iter().filter(|f| **f).count() as f64 / flags.len() as f64)
    };
    let (recall_at_1, recall_at_5) = (within(1), within(5));
    let mrr = rows.iter().filter_map(|r| r.rank).map(|r| 1.0 / r as f64).sum::<f64>() / n;
    let (category_at_1, confident_precision) = (portion(&judged), portion(&confident));
    let confident_share = share(confident.len());
    let photos = rows.len();
    rows.retain(|r| r.rank != Some(1));
    rows.sort_by_key(|r| std::cmp::Reverse(r.rank.unwrap_or(usize::MAX)));
    rows.truncate(WORST);
    Report {
        photos,
        recall_at_1,
        recall_at_5,
        mrr,
        category_at_1,
        seconds,
        confident_precision,
        confident_share,
        failed,
        worst: rows,
    }
}

fn print(report: &Report) {
    let optional = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.3}"));
    output::line(&format!(
        "photos         {}\nrecall@1       {:.3}\nrecall@5       {:.3}\nMRR            {:.3}\n\
         category@1     {}\nconfident      {:.3} of all, {} of them right\nseconds        {:.1}",
        report.photos,
        report.recall_at_1,
        report.recall_at_5,
        report.mrr,
        optional(report.category_at_1),
        report.confident_share,
        optional(report.confident_precision),
        report.seconds,
    ));
    for f in &report.failed {
        output::line(&format!("line {}: {}: {}", f.line, f.photo, f.error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rank: Option<usize>, confident: bool, category_right: Option<bool>) -> Row {
        Row {
            query: String::new(),
            product_id: "x".into(),
            rank,
            found: None,
            score: None,
            confident,
            category_right,
        }
    }

    #[test]
    fn the_figures_are_what_their_names_say() {
        let rows = vec![
            row(Some(1), true, Some(true)),
            row(Some(4), true, Some(true)),
            row(Some(10), false, Some(false)),
            row(None, false, None),
        ];
        let report = summarise(rows, Vec::new(), 1.0);
        assert_eq!(report.photos, 4);
        assert_eq!((report.recall_at_1, report.recall_at_5), (0.25, 0.5));
        assert!((report.mrr - (1.0 + 0.25 + 0.1) / 4.0).abs() < 1e-12);
        assert!((report.category_at_1.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((report.confident_share, report.confident_precision), (0.5, Some(0.5)));
        let worst: Vec<_> = report.worst.iter().map(|r| r.rank).collect();
        assert_eq!(worst, [None, Some(10), Some(4)]);
    }
}
