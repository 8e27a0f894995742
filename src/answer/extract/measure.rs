//! How well entries are quoted, on the questions that the weights were fitted on, and the rows for fitting
//! them anew.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::quote::{Said, said};
use super::{score, units};
use crate::catalogue::Product;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Products by id, of a `description.json`.
fn catalogue(path: &Path) -> HashMap<String, Product> {
    let product = |row: &Value| {
        let own = ["id", "title", "description", "image_path"];
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let attributes =
            row.as_object().unwrap().iter().filter(|(key, _)| !own.contains(&key.as_str()));
        Product {
            id: text("id"),
            title: text("title"),
            description: text("description"),
            attributes: attributes
                .map(|(key, v)| (key.clone(), v.as_str().unwrap().into()))
                .collect(),
            images: Vec::new(),
        }
    };
    lines(path).iter().map(|row| (row["id"].as_str().unwrap().to_owned(), product(row))).collect()
}

/// Shares of facts quoted, of facts quoted as an answer, and of unanswerable questions refused.
fn measure(products: &HashMap<String, Product>, questions: &[Value]) -> [f64; 3] {
    let plain = |text: &str| text.to_lowercase().replace('\u{2019}', "'");
    let (mut answerable, mut held, mut answered, mut other, mut refused) = (0, 0, 0, 0, 0);
    for row in questions {
        let product = &products[row["product_id"].as_str().unwrap()];
        let (quotes, sure) = match said(row["question"].as_str().unwrap(), product) {
            Said::Answer(quotes) => (quotes, true),
            Said::Near(quotes) => (quotes, false),
            Said::Nothing => (Vec::new(), false),
        };
        let text = plain(&quotes.join(" "));
        let Some(facts) = row["facts"].as_array() else {
            other += 1;
            refused += usize::from(!sure);
            continue;
        };
        answerable += 1;
        let there = facts.iter().all(|fact| match fact.as_array() {
            Some(any) => any.iter().any(|s| text.contains(&plain(s.as_str().unwrap()))),
            None => text.contains(&plain(fact.as_str().unwrap())),
        });
        held += usize::from(there);
        answered += usize::from(there && sure);
    }
    let share = |part: usize, of: usize| part as f64 / of as f64;
    [share(held, answerable), share(answered, answerable), share(refused, other)]
}

#[test]
fn most_facts_are_quoted_and_most_of_what_is_not_said_is_not_claimed() {
    let (train, kb) = (root().join("models/words/train"), root().join("kb"));
    for (entries, questions, least) in [
        (train.join("catalogue.jsonl"), train.join("questions.jsonl"), [0.85, 0.4, 0.8]),
        (kb.join("description.json"), kb.join("questions.jsonl"), [0.85, 0.4, 0.8]),
        // In other languages than the entries'.
        (kb.join("description.json"), kb.join("questions-other.jsonl"), [0.8, 0.4, 0.75]),
    ] {
        let [held, answered, refused] = measure(&catalogue(&entries), &lines(&questions));
        println!(
            "{}: {held:.3} held, {answered:.3} as an answer, {refused:.3} refused",
            questions.display()
        );
        let reached = [held, answered, refused].iter().zip(least).all(|(now, least)| *now >= least);
        assert!(reached, "at least {least:?}");
    }
}

#[test]
#[ignore = "writes target/*.rows for models/words/train/fit.py"]
fn rows_for_fitting() {
    let train = root().join("models/words/train");
    for (name, entries, questions) in [
        ("train", train.join("catalogue.jsonl"), train.join("questions.jsonl")),
        ("kb", root().join("kb/description.json"), root().join("kb/questions.jsonl")),
    ] {
        let products = catalogue(&entries);
        let mut out = String::new();
        for row in lines(&questions) {
            let product = &products[row["product_id"].as_str().unwrap()];
            let units = units::units(product);
            let asked = units::asked(row["question"].as_str().unwrap(), product);
            let features = score::features(&asked, &units);
            let whole = score::whole(&asked, &features, &vec![0.5; features.len()]);
            let pieces: Vec<Value> = units
                .iter()
                .zip(&features)
                .map(|(unit, f)| json!({"text": unit.text, "f": f.to_vec()}))
                .collect();
            let row = json!({
                "q": row["question"], "id": product.id, "facts": row["facts"],
                "whole": whole.to_vec(), "rows": pieces,
            });
            writeln!(out, "{row}").unwrap();
        }
        std::fs::write(root().join("target").join(format!("{name}.rows")), out).unwrap();
    }
}
