//! `magpie eval-answers`: whether answers hold the facts they should, and are refused where the
//! catalogue does not say.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::{Context, Outcome, ask, output};
use crate::answer::{self, Answer, Answerer, Evidence, Inquiry};
use crate::catalogue::Catalogue;
use crate::clip::Clip;
use crate::search;

const WORST: usize = 100;

#[derive(Args)]
pub(super) struct EvalAnswers {
    /// JSON Lines: {"photo", "question", "product_id", "facts"}, photos relative to the file; "facts" is
    /// what the answer must say, an alternative spelling beside another in a list of its own, or null
    /// where the catalogue does not say
    questions: PathBuf,
    /// Answer from the product that the row names, and do not match the photo: measures the answers
    /// apart from the matching
    #[arg(long)]
    given: bool,
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    photo: PathBuf,
    question: String,
    product_id: String,
    /// None: the catalogue does not say.
    facts: Option<Vec<Fact>>,
}

/// Words that an answer must hold, in any of these spellings.
#[derive(Deserialize)]
#[serde(untagged)]
enum Fact {
    One(String),
    Any(Vec<String>),
}

impl Fact {
    fn is_in(&self, said: &str) -> bool {
        match self {
            Self::One(words) => holds(said, &plain(words)),
            Self::Any(spellings) => spellings.iter().any(|s| holds(said, &plain(s))),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::One(words) => words,
            Self::Any(spellings) => spellings.first().map_or("", String::as_str),
        }
    }
}

/// Lower case with plain quotes and dashes, one space between words and none between a number and
/// its unit, so that "2 kg", "2kg" and "2 kg" with a hard space are the same.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let is_unit = word.starts_with(|c: char| c.is_alphabetic() || c == '%' || c == '°');
        let joined = is_unit && out.ends_with(|c: char| c.is_ascii_digit());
        if !joined && !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{2010}'..='\u{2013}' | '\u{2212}' => '-',
            c => c,
        }));
    }
    out
}

/// Whether a text holds the words, where the "5 W" of "45 W" is not "5 W".
fn holds(text: &str, words: &str) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    !words.is_empty()
        && text.match_indices(words).any(|(at, _)| {
            let (before, after) = (text.get(..at), text.get(at + words.len()..));
            let before = before.and_then(|b| b.chars().next_back());
            let after = after.and_then(|a| a.chars().next());
            let inside = digit(words.chars().next()) && (digit(before) || before == Some('.'))
                || digit(words.chars().next_back()) && digit(after);
            !inside
        })
}

/// One judged answer.
#[derive(Debug, Serialize)]
struct Row {
    photo: PathBuf,
    question: String,
    product_id: String,
    answer: String,
    /// Facts that the answer lacks.
    missing: Vec<String>,
    answerable: bool,
    /// Whether the right product was matched.
    matched: bool,
    cited: bool,
    refused: bool,
    #[serde(skip)]
    took: Duration,
}

impl Row {
    /// Whether the answer is what it should be.
    fn right(&self) -> bool {
        if self.answerable { self.missing.is_empty() } else { self.refused }
    }
}

#[derive(Debug, Serialize)]
struct Failure {
    line: usize,
    photo: PathBuf,
    error: String,
}

/// Shares are of 1; one of no rows is none.
#[derive(Debug, Serialize)]
struct Report {
    questions: usize,
    answerable: usize,
    matched: Option<f64>,
    /// Of the answerable questions, how many answers hold every fact.
    coverage: Option<f64>,
    /// The same where the right product was matched.
    coverage_matched: Option<f64>,
    /// Of the answers that said the catalogue does not say, how many were right to.
    refusal_precision: Option<f64>,
    /// Of the questions that the catalogue does not answer, how many were refused, where the right
    /// product was matched.
    refusal_recall: Option<f64>,
    /// Of the answers that hold their facts, how many cite the right product.
    citation: Option<f64>,
    answer_ms_p50: f64,
    answer_ms_p99: f64,
    seconds: f64,
    failed: Vec<Failure>,
    wrong: Vec<Row>,
}

pub(super) fn run(context: &Context, args: &EvalAnswers) -> Result<Outcome> {
    let started = Instant::now();
    let questions = read(&args.questions)?;
    let judge = Judge::new(context, args)?;
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    let bar = output::progress(questions.len(), "answering");
    for (line, question) in questions {
        match judge.ask(&question) {
            Ok(row) => rows.push(row),
            Err(error) => {
                failed.push(Failure { line, photo: question.photo, error: format!("{error:#}") })
            }
        }
        bar.inc(1);
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

fn read(path: &Path) -> Result<Vec<(usize, Question)>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let questions: Vec<(usize, Question)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            let place = || format!("{} line {}", path.display(), at + 1);
            Ok((at + 1, serde_json::from_str(line).with_context(place)?))
        })
        .collect::<Result<_>>()?;
    if questions.is_empty() {
        bail!("{}: it has no questions", path.display());
    }
    Ok(questions)
}

/// Asks and judges.
struct Judge<'a> {
    context: &'a Context,
    /// Where the photos are.
    root: &'a Path,
    /// None: products are given.
    clip: Option<Clip>,
    catalogue: Catalogue,
    answerer: Answerer,
    runtime: Runtime,
}

impl<'a> Judge<'a> {
    fn new(context: &'a Context, args: &'a EvalAnswers) -> Result<Self> {
        let clip = (!args.given).then(|| context.clip()).transpose()?;
        let catalogue = match &clip {
            Some(clip) => context.catalogue_for(clip)?,
            None => context.catalogue()?,
        };
        let root = args.questions.parent().unwrap_or(Path::new(""));
        let answerer = Answerer::new(&context.settings.answer)?;
        Ok(Self { context, root, clip, catalogue, answerer, runtime: ask::runtime()? })
    }

    fn ask(&self, asked: &Question) -> Result<Row> {
        let inquiry = self.inquiry(asked)?;
        let first = inquiry.evidence.first();
        let matched = first.is_some_and(|e| e.product.id == asked.product_id);
        let began = Instant::now();
        let answer = self.runtime.block_on(self.answerer.answer(&inquiry));
        Ok(judged(asked, &answer, matched, began.elapsed()))
    }

    fn inquiry(&self, asked: &Question) -> Result<Inquiry> {
        let settings = &self.context.settings;
        let question = answer::question(&asked.question, &settings.answer)?;
        let Some(clip) = &self.clip else {
            let product = self.catalogue.product(&asked.product_id)?;
            let picture = match product.images.first() {
                Some(image) => self.catalogue.picture(*image)?,
                None => None,
            };
            let photo = picture.clone().unwrap_or_default();
            let evidence = vec![Evidence { product, score: 1.0, picture }];
            return Ok(Inquiry {
                question,
                photo,
                evidence,
                confident: true,
                ..Inquiry::default()
            });
        };
        let photo = ask::open(&self.root.join(&asked.photo), self.context)?;
        let query = search::query(clip, Some(&photo), None, settings.search.text_weight)?;
        let matches = search::search(&self.catalogue, &query, settings.search.k)?;
        ask::inquiry(&self.catalogue, question, &photo, &matches, settings.answer.products)
    }
}

fn judged(asked: &Question, answer: &Answer, matched: bool, took: Duration) -> Row {
    let said = plain(&answer.text);
    let lacks = |facts: &Vec<Fact>| {
        facts.iter().filter(|f| !f.is_in(&said)).map(|f| f.name().to_owned()).collect()
    };
    Row {
        photo: asked.photo.clone(),
        question: asked.question.clone(),
        product_id: asked.product_id.clone(),
        answer: answer.text.clone(),
        missing: asked.facts.as_ref().map(lacks).unwrap_or_default(),
        answerable: asked.facts.is_some(),
        matched,
        cited: answer.sources.contains(&asked.product_id),
        refused: answer.covered == Some(false),
        took,
    }
}

fn summarise(rows: Vec<Row>, failed: Vec<Failure>, seconds: f64) -> Report {
    let share = |of: &dyn Fn(&Row) -> bool, are: &dyn Fn(&Row) -> bool| {
        let all = rows.iter().filter(|r| of(r)).count();
        (all > 0).then(|| rows.iter().filter(|r| of(r) && are(r)).count() as f64 / all as f64)
    };
    let mut took: Vec<Duration> = rows.iter().map(|r| r.took).collect();
    took.sort_unstable();
    let quantile = |q: f64| {
        let at = (q * took.len().saturating_sub(1) as f64).round() as usize;
        took.get(at).map_or(0.0, |t| t.as_secs_f64() * 1000.0)
    };
    let mut report = Report {
        questions: rows.len(),
        answerable: rows.iter().filter(|r| r.answerable).count(),
        matched: share(&|_| true, &|r| r.matched),
        coverage: share(&|r| r.answerable, &Row::right),
        coverage_matched: share(&|r| r.answerable && r.matched, &Row::right),
        refusal_precision: share(&|r| r.refused, &|r| !r.answerable),
        refusal_recall: share(&|r| !r.answerable && r.matched, &|r| r.refused),
        citation: share(&|r| r.answerable && r.right(), &|r| r.cited),
        answer_ms_p50: quantile(0.5),
        answer_ms_p99: quantile(0.99),
        seconds,
        failed,
        wrong: Vec::new(),
    };
    // Where another product was matched, the answer had no chance.
    let (mut wrong, hopeless): (Vec<_>, Vec<_>) =
        rows.into_iter().filter(|r| !r.right()).partition(|r| r.matched);
    wrong.extend(hopeless);
    wrong.truncate(WORST);
    report.wrong = wrong;
    report
}

fn print(report: &Report) {
    for row in report.wrong.iter().filter(|r| r.matched) {
        let why = match row.answerable {
            true => format!("lacks {}", row.missing.join(", ")),
            false => "should say that the catalogue does not say".to_owned(),
        };
        output::line(&format!("{} {}\n  {}\n  {why}\n", row.product_id, row.question, row.answer));
    }
    let share = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.3}"));
    output::line(&format!(
        "questions           {}, {} of them answerable\nmatched             {}\n\
         coverage            {}, where matched {}\nrefusal precision   {}\n\
         refusal recall      {}\ncitation            {}\n\
         ms an answer        {:.2} (p99 {:.2})\nseconds             {:.1}",
        report.questions,
        report.answerable,
        share(report.matched),
        share(report.coverage),
        share(report.coverage_matched),
        share(report.refusal_precision),
        share(report.refusal_recall),
        share(report.citation),
        report.answer_ms_p50,
        report.answer_ms_p99,
        report.seconds,
    ));
    for f in &report.failed {
        output::line(&format!("line {}: {}: {}", f.line, f.photo.display(), f.error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, covered: bool) -> Answer {
        let sources = vec!["k".to_owned()];
        Answer { text: text.into(), sources, covered: Some(covered), ..Answer::default() }
    }

    fn asked(facts: &str) -> Question {
        let line = format!(r#"{{"question": "how much?", "product_id": "k", "facts": {facts}}}"#);
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_fact_is_found_in_any_of_its_spellings() {
        let question = asked(r#"[["0.9 litres", "900 ml"], "4 minutes"]"#);
        let row =
            judged(&question, &answer("900\u{a0}ML in 4  minutes", true), true, Duration::ZERO);
        assert!(row.missing.is_empty() && row.right(), "{row:?}");
        let row = judged(&question, &answer("900 ml", true), true, Duration::ZERO);
        assert_eq!(row.missing, ["4 minutes"]);
        for (said, fact, there) in [
            ("up to 45 W", "5 W", false),
            ("1.5 kg", "5 kg", false),
            ("it gives 5W", "5 W", true),
            ("IP65.", "IP6", false),
            ("rated IP65.", "ip65", true),
            ("from −10 to 45 °C", "-10 to 45°C", true),
            ("it isn’t waterproof", "isn't waterproof", true),
        ] {
            assert_eq!(holds(&plain(said), &plain(fact)), there, "{fact} in {said}");
        }
    }

    #[test]
    fn the_figures_are_what_their_names_say() {
        let rows = vec![
            judged(&asked(r#"["1 kg"]"#), &answer("1 kg", true), true, Duration::from_millis(1)),
            judged(&asked(r#"["1 kg"]"#), &answer("no", false), true, Duration::from_millis(2)),
            judged(&asked(r#"["1 kg"]"#), &answer("2 kg", true), false, Duration::from_millis(3)),
            judged(&asked("null"), &answer("no", false), true, Duration::from_millis(4)),
            judged(&asked("null"), &answer("yes", true), true, Duration::from_millis(5)),
        ];
        let report = summarise(rows, Vec::new(), 1.0);
        assert_eq!((report.questions, report.answerable), (5, 3));
        assert_eq!(report.matched, Some(0.8));
        assert_eq!((report.coverage, report.coverage_matched), (Some(1.0 / 3.0), Some(0.5)));
        assert_eq!((report.refusal_precision, report.refusal_recall), (Some(0.5), Some(0.5)));
        assert_eq!(report.citation, Some(1.0));
        assert_eq!((report.answer_ms_p50, report.answer_ms_p99), (3.0, 5.0));
        let wrong: Vec<_> = report.wrong.iter().map(|r| r.matched).collect();
        assert_eq!(wrong, [true, true, false]);
    }
}
