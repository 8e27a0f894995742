//! `magpie feedback`: what people thought of answers.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::facts::{figures, holds, plain};
use super::{Context, Outcome, output, usage};
use crate::catalogue::{Catalogue, Feedback};

const DAY_MS: u64 = 86_400_000;

#[derive(Subcommand)]
pub(super) enum Command {
    /// The verdicts, newest first
    List {
        #[command(flatten)]
        which: Which,
        /// Verdicts shown
        #[arg(short = 'n', value_name = "N", default_value_t = 20)]
        count: usize,
    },
    /// Write the verdicts as JSON Lines that `magpie eval-answers --given` takes
    Export {
        /// The file, or "-" for stdout
        file: PathBuf,
        #[command(flatten)]
        which: Which,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// How many answers were found helpful, by who wrote them and by product
    Stats,
    /// Delete verdicts
    #[command(group = clap::ArgGroup::new("chosen").required(true).multiple(false))]
    Forget {
        /// These, by number
        #[arg(group = "chosen")]
        numbers: Vec<u64>,
        /// Those given before a day: 2026-11-25, or 7d for all but the last seven days
        #[arg(long, group = "chosen", value_name = "DAY", value_parser = usage::parse_day)]
        before: Option<u32>,
        /// Every one
        #[arg(long, group = "chosen")]
        all: bool,
    },
}

/// Some of the verdicts.
#[derive(Args)]
pub(super) struct Which {
    /// Only helpful answers
    #[arg(long, conflicts_with = "bad")]
    good: bool,
    /// Only answers that were not
    #[arg(long)]
    bad: bool,
    /// Given from this day on: 2026-11-25, or 7d for the last seven days
    #[arg(long, value_name = "DAY", value_parser = usage::parse_day)]
    since: Option<u32>,
}

impl Which {
    fn holds(&self, row: &Feedback) -> bool {
        let since = u64::from(self.since.unwrap_or(0)) * DAY_MS;
        row.at_ms >= since && (row.good || !self.good) && !(row.good && self.bad)
    }
}

pub(super) fn run(context: &Context, command: &Command) -> Result<Outcome> {
    let catalogue = context.catalogue()?;
    // What was to be kept for so long only is not shown after it.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    catalogue.expire_feedback(now_ms, context.settings.feedback.keep_days)?;
    match command {
        Command::List { which, count } => list(context, &catalogue, which, *count),
        Command::Export { file, which, force } => export(context, &catalogue, file, which, *force),
        Command::Stats => stats(context, &catalogue),
        Command::Forget { numbers, before, all } => {
            let before = before.map(|day| u64::from(day) * DAY_MS);
            let gone = catalogue.forget_feedback(|number, row| {
                *all || numbers.contains(&number) || before.is_some_and(|ms| row.at_ms < ms)
            })?;
            if context.json {
                output::json(&json!({ "forgotten": gone }))?;
            } else {
                output::line(&format!("{gone} verdicts forgotten"));
            }
            Ok(Outcome::Done)
        }
    }
}

fn chosen(catalogue: &Catalogue, which: &Which) -> Result<Vec<(u64, Feedback)>> {
    let mut rows = catalogue.numbered_feedback(0, usize::MAX)?;
    rows.retain(|(_, row)| which.holds(row));
    Ok(rows)
}

fn list(context: &Context, catalogue: &Catalogue, which: &Which, count: usize) -> Result<Outcome> {
    let mut rows = chosen(catalogue, which)?;
    let total = rows.len();
    rows.truncate(count);
    if context.json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(number, row)| Ok(Value::Object(exported(catalogue, *number, row)?)))
            .collect::<Result<_>>()?;
        output::json(&json!({ "total": total, "feedback": rows }))?;
        return Ok(Outcome::Done);
    }
    for (number, row) in &rows {
        let mark = if row.good { "good" } else { "bad" };
        let (at, ids) = (usage::time(row.at_ms)?, row.products.join(" "));
        let by = row.model.as_deref().unwrap_or(&row.origin);
        output::line(&format!(
            "{number:>6}  {mark:<4}  {at}  {}  {by}  {ids}\n        {}\n        {}",
            row.platform, row.question, row.answer
        ));
    }
    output::line(&format!("{} of {total} verdicts", rows.len()));
    Ok(Outcome::Done)
}

fn export(
    context: &Context,
    catalogue: &Catalogue,
    file: &PathBuf,
    which: &Which,
    force: bool,
) -> Result<Outcome> {
    let mut rows = chosen(catalogue, which)?;
    // Oldest first, as they came.
    rows.reverse();
    let lines: Vec<String> = rows
        .iter()
        .map(|(number, row)| Ok(Value::Object(exported(catalogue, *number, row)?).to_string()))
        .collect::<Result<_>>()?;
    if file.as_os_str() == "-" {
        lines.iter().for_each(|line| output::line(line));
        return Ok(Outcome::Done);
    }
    let place = || file.display().to_string();
    if !force && file.exists() {
        bail!("{} exists already; --force replaces it", place());
    }
    let out = OpenOptions::new().write(true).create(true).truncate(true).open(file);
    let mut out = BufWriter::new(out.with_context(place)?);
    for line in &lines {
        writeln!(out, "{line}").with_context(place)?;
    }
    out.flush().with_context(place)?;
    if context.json {
        output::json(&json!({ "exported": lines.len() }))?;
    } else {
        output::line(&format!("{} verdicts in {}", lines.len(), place()));
    }
    Ok(Outcome::Done)
}

/// A row for `eval-answers`. There `facts` is what an answer must hold: of an answer that helped, its
/// figures that stand in the product's entry; null where it rightly said that the catalogue does not
/// say. Of other answers, and of those in the middle of a conversation, nobody knows what a right one
/// is, and the key is left out.
fn exported(catalogue: &Catalogue, number: u64, row: &Feedback) -> Result<Map<String, Value>> {
    let best = row.evidence.first().map(|e| &e.id);
    let product = row.products.first().or(best);
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("number", json!(number));
    put("at", json!(usage::time(row.at_ms)?));
    put("good", json!(row.good));
    put("product_id", json!(product.map(String::as_str).unwrap_or_default()));
    put("question", json!(row.question));
    let helped = row.good && !row.follow_up;
    if helped && row.covered == Some(false) {
        put("facts", Value::Null);
    } else if helped
        && let Some(product) = product.map(|id| catalogue.find(id)).transpose()?.flatten()
    {
        let attributes: Vec<&str> = product.attributes.values().map(String::as_str).collect();
        let entry = plain(&format!("{} {}", product.description, attributes.join(" ")));
        let facts: Vec<String> = figures(&row.answer)
            .into_iter()
            .filter(|figure| holds(&entry, &plain(figure)))
            .collect();
        if !facts.is_empty() {
            put("facts", json!(facts));
        }
    }
    put("answer", json!(row.answer));
    put("origin", json!(row.origin));
    put("model", json!(row.model));
    put("prompt", json!(row.prompt));
    put("covered", json!(row.covered));
    put("confident", json!(row.confident));
    put("follow_up", json!(row.follow_up));
    put("products", json!(row.products));
    put("evidence", json!(row.evidence));
    put("platform", json!(row.platform));
    put("language", json!(row.language));
    put("consent", json!(row.consent));
    Ok(out)
}

/// Helpful and not.
#[derive(Default, Clone, Copy)]
struct Votes {
    good: u64,
    bad: u64,
}

impl Votes {
    fn add(&mut self, good: bool) {
        *(if good { &mut self.good } else { &mut self.bad }) += 1;
    }

    fn json(self) -> Value {
        json!({ "good": self.good, "bad": self.bad })
    }
}

fn stats(context: &Context, catalogue: &Catalogue) -> Result<Outcome> {
    let rows = catalogue.numbered_feedback(0, usize::MAX)?;
    let mut all = Votes::default();
    let mut authors: BTreeMap<String, Votes> = BTreeMap::new();
    let mut products: BTreeMap<String, Votes> = BTreeMap::new();
    for (_, row) in &rows {
        all.add(row.good);
        let prompt = row.prompt.as_ref().map(|p| format!(" {p}")).unwrap_or_default();
        let author = row.model.as_ref().map(|model| format!("{model}{prompt}"));
        authors.entry(author.unwrap_or_else(|| row.origin.clone())).or_default().add(row.good);
        for id in &row.products {
            products.entry(id.clone()).or_default().add(row.good);
        }
    }
    if context.json {
        let group = |of: &BTreeMap<String, Votes>| -> Map<String, Value> {
            of.iter().map(|(name, votes)| (name.clone(), votes.json())).collect()
        };
        output::json(&json!({
            "good": all.good,
            "bad": all.bad,
            "by": group(&authors),
            "products": group(&products),
        }))?;
        return Ok(Outcome::Done);
    }
    let line = |name: &str, v: Votes| {
        output::line(&format!("{:>6} good {:>6} bad  {name}", v.good, v.bad))
    };
    line("all", all);
    authors.iter().for_each(|(name, votes)| line(name, *votes));
    // The products that need a better entry first.
    let mut worst: Vec<_> = products.iter().filter(|(_, v)| v.bad > 0).collect();
    worst.sort_by_key(|(_, v)| std::cmp::Reverse(v.bad));
    worst.iter().take(20).for_each(|(name, votes)| line(name, **votes));
    Ok(Outcome::Done)
}
