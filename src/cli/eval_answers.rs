//! `magpie eval-answers`: whether answers hold the facts they should, and are refused where the
//! catalogue does not say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::runtime::Runtime;

use super::facts::{Fact, plain};
use super::{Context, Outcome, ask, output, usage};
use crate::answer::{self, Answer, Answerer, Evidence, Inquiry, Origin};
use crate::catalogue::{Catalogue, Tally};
use crate::clip::Clip;
use crate::photo::Detail;
use crate::search::{self, Lexicon, Query};

const WORST: usize = 100;

#[derive(Args)]
pub(super) struct EvalAnswers {
    /// JSON Lines: {"photo", "question", "product_id", "facts"}, photos relative to the file; "facts" is
    /// what the answer must say, an alternative spelling beside another in a list of its own, or null
    /// where the catalogue does not say; without it an answer is only listed. `magpie feedback export`
    /// writes such a file, without photos
    questions: PathBuf,
    /// Answer from the product that the row names, and do not match the photo: measures the answers
    /// apart from the matching, and needs no photos
    #[arg(long)]
    given: bool,
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    photo: PathBuf,
    question: String,
    product_id: String,
    #[serde(default, alias = "must_contain")]
    facts: Expected,
    /// Another way to say that `facts` is null.
    #[serde(default)]
    must_refuse: bool,
}

/// What a right answer is.
#[derive(Default)]
enum Expected {
    /// It holds these.
    Facts(Vec<Fact>),
    /// It says that the catalogue does not say.
    Refusal,
    /// Nobody has said so far.
    #[default]
    Unknown,
}

impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Self::Refusal, Self::Facts))
    }
}

impl Question {
    fn expected(&self) -> &Expected {
        if self.must_refuse { &Expected::Refusal } else { &self.facts }
    }
}

/// One judged answer.
#[derive(Debug, Serialize)]
struct Row {
    photo: PathBuf,
    question: String,
    product_id: String,
    answer: String,
    origin: Origin,
    /// Facts that the answer lacks.
    missing: Vec<String>,
    /// None: it is not known what a right answer is.
    answerable: Option<bool>,
    /// Whether the right product was matched.
    matched: bool,
    /// Whether the right product was cited, and whether another was.
    cited: bool,
    cited_others: bool,
    refused: bool,
    /// Figures of the answer that the catalogue does not have.
    unsupported: Vec<String>,
    #[serde(skip)]
    took: Duration,
    #[serde(skip)]
    tally: Option<Tally>,
}

impl Row {
    /// Whether the answer is what it should be.
    fn right(&self) -> bool {
        if self.answerable == Some(true) { self.missing.is_empty() } else { self.refused }
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
    /// The same, of answers that do not add that the entry does not say it outright.
    coverage_outright: Option<f64>,
    /// Of the answers that said the catalogue does not say, how many were right to.
    refusal_precision: Option<f64>,
    /// Of the questions that the catalogue does not answer, how many were refused, where the right
    /// product was matched.
    refusal_recall: Option<f64>,
    /// Of the answers that hold their facts, how many cite the right product.
    citation: Option<f64>,
    /// Of the answers that cite anything, how many cite the right product and no other, where it was
    /// matched.
    citation_exact: Option<f64>,
    /// Answers with figures that the catalogue does not have.
    unsupported: usize,
    /// Who wrote how many answers.
    origins: BTreeMap<&'static str, usize>,
    /// Tokens as the server counted them, or estimates.
    input_tokens: u64,
    cached_tokens: u64,
    output_tokens: u64,
    /// Answers of models whose tokens the server did not count, so that they are estimates.
    uncounted: usize,
    /// Money by currency, from `answer.prices`.
    cost: BTreeMap<String, f64>,
    answer_ms_p50: f64,
    answer_ms_p99: f64,
    seconds: f64,
    failed: Vec<Failure>,
    wrong: Vec<Row>,
    /// Answers to rows that do not say what a right one is.
    unjudged: Vec<Row>,
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
    lexicon: Lexicon,
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
        let (lexicon, runtime) = (Lexicon::default(), ask::runtime()?);
        Ok(Self { context, root, clip, catalogue, lexicon, answerer, runtime })
    }

    fn ask(&self, asked: &Question) -> Result<Row> {
        let inquiry = self.inquiry(asked)?;
        let first = inquiry.evidence.first();
        let matched = first.is_some_and(|e| e.product.id == asked.product_id);
        let began = Instant::now();
        let answer = self.runtime.block_on(self.answerer.answer(&inquiry));
        let took = began.elapsed();
        let tally = usage::record(self.context, &self.catalogue, &answer)?;
        Ok(Row { tally, ..judged(asked, &answer, matched, took) })
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
        if asked.photo.as_os_str().is_empty() {
            bail!("it has no photo; with --given none is needed");
        }
        let photo = ask::open(&self.root.join(&asked.photo), self.context, Detail::FULL)?;
        let query = search::query(clip, Some(&photo), None, settings.search.text_weight)?;
        let query = Query { vector: &query, words: Some(&question), photo: true };
        let matches = search::find(&self.catalogue, &self.lexicon, query, settings.search.k)?;
        ask::inquiry(&self.catalogue, question, &photo, &matches, &settings.answer)
    }
}

fn judged(asked: &Question, answer: &Answer, matched: bool, took: Duration) -> Row {
    let said = plain(&answer.text);
    let lacks = |facts: &Vec<Fact>| {
        facts.iter().filter(|f| !f.is_in(&said)).map(|f| f.name().to_owned()).collect()
    };
    let (answerable, missing) = match asked.expected() {
        Expected::Facts(facts) => (Some(true), lacks(facts)),
        Expected::Refusal => (Some(false), Vec::new()),
        Expected::Unknown => (None, Vec::new()),
    };
    Row {
        photo: asked.photo.clone(),
        question: asked.question.clone(),
        product_id: asked.product_id.clone(),
        answer: answer.text.clone(),
        origin: answer.origin,
        missing,
        answerable,
        matched,
        cited: answer.sources.contains(&asked.product_id),
        cited_others: answer.sources.iter().any(|id| *id != asked.product_id),
        refused: answer.covered == Some(false),
        unsupported: answer.unsupported.clone(),
        took,
        tally: None,
    }
}

fn summarise(rows: Vec<Row>, failed: Vec<Failure>, seconds: f64) -> Report {
    let share = |of: &dyn Fn(&Row) -> bool, are: &dyn Fn(&Row) -> bool| {
        let all = rows.iter().filter(|r| of(r)).count();
        (all > 0).then(|| rows.iter().filter(|r| of(r) && are(r)).count() as f64 / all as f64)
    };
    let count = |are: &dyn Fn(&Row) -> bool| rows.iter().filter(|r| are(r)).count();
    let answerable = |r: &Row| r.answerable == Some(true);
    let unanswerable = |r: &Row| r.answerable == Some(false);
    let mut took: Vec<Duration> = rows.iter().map(|r| r.took).collect();
    took.sort_unstable();
    let quantile = |q: f64| {
        let at = (q * took.len().saturating_sub(1) as f64).round() as usize;
        took.get(at).map_or(0.0, |t| t.as_secs_f64() * 1000.0)
    };
    let mut spent = Tally::default();
    rows.iter().filter_map(|r| r.tally.as_ref()).for_each(|tally| spent += tally);
    let by_model = |r: &Row| r.origin == Origin::Model;
    let mut report = Report {
        questions: rows.len(),
        answerable: count(&answerable),
        matched: share(&|_| true, &|r| r.matched),
        coverage: share(&answerable, &Row::right),
        coverage_matched: share(&|r| answerable(r) && r.matched, &Row::right),
        coverage_outright: share(&|r| answerable(r) && r.matched, &|r| r.right() && !r.refused),
        refusal_precision: share(&|r| r.refused && r.answerable.is_some(), &unanswerable),
        refusal_recall: share(&|r| unanswerable(r) && r.matched, &|r| r.refused),
        citation: share(&|r| answerable(r) && r.right(), &|r| r.cited),
        citation_exact: share(&|r| r.matched && (r.cited || r.cited_others), &|r| !r.cited_others),
        unsupported: count(&|r| !r.unsupported.is_empty()),
        origins: [("model", count(&by_model)), ("extractive", count(&|r| !by_model(r)))].into(),
        input_tokens: spent.input_tokens,
        cached_tokens: spent.cached_tokens,
        output_tokens: spent.output_tokens,
        uncounted: count(&|r| by_model(r) && r.tally.as_ref().is_none_or(|t| t.estimated > 0)),
        cost: usage::money(&spent),
        answer_ms_p50: quantile(0.5),
        answer_ms_p99: quantile(0.99),
        seconds,
        failed,
        wrong: Vec::new(),
        unjudged: Vec::new(),
    };
    let (judged, unjudged) = rows.into_iter().partition::<Vec<_>, _>(|r| r.answerable.is_some());
    report.unjudged = unjudged;
    // Where another product was matched, the answer had no chance.
    let (mut wrong, hopeless): (Vec<_>, Vec<_>) =
        judged.into_iter().filter(|r| !r.right()).partition(|r| r.matched);
    wrong.extend(hopeless);
    wrong.truncate(WORST);
    report.wrong = wrong;
    report
}

fn print(report: &Report) {
    for row in report.wrong.iter().filter(|r| r.matched) {
        let why = match row.answerable {
            Some(true) => format!("lacks {}", row.missing.join(", ")),
            _ => "should say that the catalogue does not say".to_owned(),
        };
        output::line(&format!("{} {}\n  {}\n  {why}\n", row.product_id, row.question, row.answer));
    }
    for row in &report.unjudged {
        let (id, asked) = (&row.product_id, &row.question);
        output::line(&format!("{id} {asked}\n  {}\n  not judged\n", row.answer));
    }
    let share = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.3}"));
    let cost: Vec<String> = report.cost.iter().map(|(c, m)| format!("{m:.4} {c}")).collect();
    let lines = [
        ("questions", format!("{}, {} of them answerable", report.questions, report.answerable)),
        ("matched", share(report.matched)),
        (
            "coverage",
            format!("{}, where matched {}", share(report.coverage), share(report.coverage_matched)),
        ),
        ("without refusals", share(report.coverage_outright)),
        ("refusal precision", share(report.refusal_precision)),
        ("refusal recall", share(report.refusal_recall)),
        (
            "citation",
            format!("{}, nothing else {}", share(report.citation), share(report.citation_exact)),
        ),
        ("wrong figures", report.unsupported.to_string()),
        ("by a model", report.origins.get("model").copied().unwrap_or_default().to_string()),
        (
            "tokens",
            format!(
                "{} in ({} cached), {} out",
                report.input_tokens, report.cached_tokens, report.output_tokens
            ),
        ),
        ("cost", if cost.is_empty() { "-".to_owned() } else { cost.join(", ") }),
        ("ms an answer", format!("{:.2} (p99 {:.2})", report.answer_ms_p50, report.answer_ms_p99)),
        ("seconds", format!("{:.1}", report.seconds)),
    ];
    for (name, value) in lines {
        output::line(&format!("{name:<20}{value}"));
    }
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
        assert_eq!((report.citation, report.citation_exact), (Some(1.0), Some(1.0)));
        assert_eq!(report.coverage_outright, Some(0.5));
        assert_eq!((report.answer_ms_p50, report.answer_ms_p99), (3.0, 5.0));
        let wrong: Vec<_> = report.wrong.iter().map(|r| r.matched).collect();
        assert_eq!(wrong, [true, true, false]);
    }

    #[test]
    fn facts_in_a_refusal_are_no_strict_coverage_and_a_second_source_is_not_exact() {
        let facts = || asked(r#"["1 kg"]"#);
        let mut both = answer("1 kg", true);
        both.sources.push("other".into());
        both.unsupported.push("3 kg".into());
        let rows = vec![
            judged(
                &facts(),
                &answer("the catalogue does not say; nearest: 1 kg", false),
                true,
                Duration::ZERO,
            ),
            judged(&facts(), &both, true, Duration::ZERO),
        ];
        let report = summarise(rows, Vec::new(), 1.0);
        assert_eq!((report.coverage, report.coverage_outright), (Some(1.0), Some(0.5)));
        assert_eq!((report.citation, report.citation_exact), (Some(1.0), Some(0.5)));
        assert_eq!((report.unsupported, report.origins["extractive"]), (1, 2));
    }

    #[test]
    fn what_is_expected_can_be_said_in_several_ways() {
        let parse = |more: &str| {
            let line = format!(r#"{{"question": "q", "product_id": "k"{more}}}"#);
            let question: Question = serde_json::from_str(&line).unwrap();
            judged(&question, &answer("a", true), true, Duration::ZERO).answerable
        };
        assert_eq!(parse(""), None);
        assert_eq!(parse(r#", "facts": null"#), Some(false));
        assert_eq!(parse(r#", "must_refuse": true"#), Some(false));
        assert_eq!(parse(r#", "facts": ["a"]"#), Some(true));
        assert_eq!(parse(r#", "must_contain": ["a"]"#), Some(true));
        let rows = vec![judged(
            &serde_json::from_str(r#"{"question": "q", "product_id": "k"}"#).unwrap(),
            &answer("a", true),
            true,
            Duration::ZERO,
        )];
        let report = summarise(rows, Vec::new(), 1.0);
        assert_eq!((report.unjudged.len(), report.wrong.len(), report.coverage), (1, 0, None));
    }

    /// The shipped questions against the entries they are about.
    #[test]
    fn every_fact_of_the_shipped_questions_stands_in_its_entry() {
        let kb = Path::new(env!("CARGO_MANIFEST_DIR")).join("kb");
        let entries = std::fs::read_to_string(kb.join("description.json")).unwrap();
        let entries: Vec<serde_json::Value> =
            entries.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let entry = |id: &str| {
            let rows = entries.iter().filter(|e| e["id"] == id);
            let texts: Vec<String> = rows
                .flat_map(|e| e.as_object().unwrap().iter())
                .filter(|(key, _)| *key != "image_path" && *key != "url")
                .filter_map(|(key, value)| Some(format!("{key}: {}", value.as_str()?)))
                .collect();
            plain(&texts.join("\n"))
        };
        let questions = read(&kb.join("questions.jsonl")).unwrap();
        let mut refusals = 0;
        for (line, question) in &questions {
            let said = entry(&question.product_id);
            assert!(!said.is_empty(), "line {line}: there is no {}", question.product_id);
            assert!(kb.join(&question.photo).is_file(), "line {line}: {:?}", question.photo);
            match question.expected() {
                Expected::Facts(facts) => {
                    assert!(!facts.is_empty(), "line {line} has no facts");
                    for fact in facts {
                        assert!(fact.is_in(&said), "line {line}: {fact:?} is not in {said}");
                    }
                }
                Expected::Refusal => refusals += 1,
                Expected::Unknown => panic!("line {line} does not say what is right"),
            }
        }
        let asked: std::collections::HashSet<_> =
            questions.iter().map(|(_, q)| (&q.product_id, plain(&q.question))).collect();
        assert_eq!(asked.len(), questions.len(), "a question stands twice");
        assert!(questions.len() >= 150 && refusals * 5 >= questions.len());
    }
}
