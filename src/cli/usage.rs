//! `magpie usage`: what answers cost, and the writing down of what the command line itself spent.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{Context, Outcome, output};
use crate::answer::{Answer, cost};
use crate::catalogue::{Catalogue, Spender, Tally, UsageRow, today};

/// What the command line's own questions are counted under, as space and as user.
const CLI: &str = "cli";
const DAY_S: i64 = 86_400;

#[derive(Args)]
pub(super) struct Usage {
    /// A line for each of these
    #[arg(long, value_enum, default_value_t = By::Day)]
    by: By,
    /// From this day on: 2026-11-25, or 7d for the last seven days [default: all that is kept]
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    since: Option<u32>,
    /// Only this user, as in telegram:4711; what is kept holds no ids, but can be asked for one
    #[arg(long, value_name = "PLATFORM:ID")]
    user: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    User,
    Space,
    Day,
    Model,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Space => "space",
            Self::Day => "day",
            Self::Model => "model",
        }
    }

    fn of(self, row: &UsageRow) -> String {
        match self {
            Self::User => row.user.clone(),
            Self::Space => row.space.clone(),
            Self::Day => date(row.day),
            Self::Model => row.model.clone(),
        }
    }
}

pub(super) fn run(context: &Context, args: &Usage) -> Result<Outcome> {
    let catalogue = context.catalogue()?;
    let mut rows = catalogue.usage(args.since.unwrap_or(0))?;
    if let Some(user) = &args.user {
        let hash = catalogue.user_hash(user)?;
        rows.retain(|row| Some(&row.user) == hash.as_ref());
    }
    let mut groups: BTreeMap<String, Tally> = BTreeMap::new();
    let mut total = Tally::default();
    for row in &rows {
        *groups.entry(args.by.of(row)).or_default() += &row.tally;
        total += &row.tally;
    }
    if context.json {
        let rows = groups.iter().map(|(name, tally)| {
            let mut row = Map::new();
            row.insert(args.by.name().to_owned(), json!(name));
            row.extend(fields(tally));
            Value::Object(row)
        });
        let rows: Vec<Value> = rows.collect();
        let since = args.since.map(date);
        output::json(&json!({ "since": since, "rows": rows, "total": fields(&total) }))?;
    } else {
        print(args.by, &groups, &total);
    }
    Ok(Outcome::Done)
}

fn fields(tally: &Tally) -> Map<String, Value> {
    let fields = [
        ("questions", json!(tally.questions)),
        ("repeated", json!(tally.repeated)),
        ("estimated", json!(tally.estimated)),
        ("input_tokens", json!(tally.input_tokens)),
        ("cached_tokens", json!(tally.cached_tokens)),
        ("output_tokens", json!(tally.output_tokens)),
        ("cost", json!(money(tally))),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Money by currency.
pub(super) fn money(tally: &Tally) -> BTreeMap<String, f64> {
    tally.cost.iter().map(|(currency, micros)| (currency.clone(), *micros as f64 / 1e6)).collect()
}

fn print(by: By, groups: &BTreeMap<String, Tally>, total: &Tally) {
    if groups.is_empty() {
        output::line("nothing was spent");
        return;
    }
    let name = |name: &str| if name.is_empty() { "others".to_owned() } else { name.to_owned() };
    let width = groups.keys().map(|n| name(n).chars().count()).max().unwrap_or(0).max(5);
    output::line(&format!(
        "{:width$}  {:>9}  {:>8}  {:>12}  {:>12}  {:>10}  cost",
        by.name(),
        "questions",
        "repeated",
        "tokens in",
        "of it cached",
        "tokens out",
    ));
    let all = ("total".to_owned(), total);
    let lines = groups.iter().map(|(n, tally)| (name(n), tally)).chain([all]);
    for (name, tally) in lines {
        let cost: Vec<String> =
            money(tally).iter().map(|(currency, money)| format!("{money:.4} {currency}")).collect();
        output::line(&format!(
            "{name:width$}  {:>9}  {:>8}  {:>12}  {:>12}  {:>10}  {}",
            tally.questions,
            tally.repeated,
            tally.input_tokens,
            tally.cached_tokens,
            tally.output_tokens,
            if cost.is_empty() { "-".to_owned() } else { cost.join(", ") },
        ));
    }
    if total.estimated > 0 {
        let count = total.estimated;
        output::line(&format!(
            "the tokens of {count} questions are estimates: no server counted them"
        ));
    }
}

/// Writes down what an answer for the command line cost; none where no model was asked.
pub(super) fn record(
    context: &Context,
    catalogue: &Catalogue,
    answer: &Answer,
) -> Result<Option<Tally>> {
    let mut sum = None::<Tally>;
    for (model, tally) in cost::tallies(&context.settings.answer, &answer.spent) {
        let spender = Spender { space: CLI.into(), user: CLI.into(), model };
        catalogue.record_usage(today(), &spender, &tally)?;
        *sum.get_or_insert_default() += &tally;
    }
    Ok(sum)
}

/// `YYYY-MM-DD` of a day since 1970.
pub(super) fn date(day: u32) -> String {
    let at = jiff::Timestamp::from_second(i64::from(day) * DAY_S);
    at.map_or_else(|_| day.to_string(), |at| at.to_zoned_datetime(TimeZone::UTC).date().to_string())
}

/// A day, or how many days back, as days since 1970.
pub(super) fn parse_day(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is no day; write it as 2026-11-25, or 7d for seven days back");
    if let Some(back) = text.strip_suffix('d') {
        let back: u32 = back.parse().map_err(|_| wrong())?;
        return Ok(today().saturating_sub(back.saturating_sub(1)));
    }
    let date: Date = text.parse().map_err(|_| wrong())?;
    let at = date.to_zoned_datetime(TimeZone::UTC).map_err(|_| wrong())?;
    u32::try_from(at.timestamp().as_second() / DAY_S).map_err(|_| wrong())
}

/// A point in time as `YYYY-MM-DDTHH:MM:SSZ`.
pub(super) fn time(at_ms: u64) -> Result<String> {
    let at = i64::try_from(at_ms).context("a time far in the future")?;
    let at = jiff::Timestamp::from_second(at / 1000)?;
    Ok(at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_and_read() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(parse_day("1970-01-02"), Ok(1));
        assert_eq!(parse_day(&date(20_000)), Ok(20_000));
        assert_eq!(parse_day("1d"), Ok(today()));
        assert_eq!(parse_day("7d"), Ok(today() - 6));
        for wrong in ["", "yesterday", "d", "2026-13-01", "1969-12-31"] {
            assert!(parse_day(wrong).is_err(), "{wrong}");
        }
        assert_eq!(time(1000).unwrap(), "1970-01-01T00:00:01Z");
    }
}
