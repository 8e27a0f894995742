//! Answers are measured: the shipped questions by the real binary, and what `eval-answers` says of
//! input it cannot use.

mod support;

use serde_json::json;
use support::{Shop, repo};

/// What extracts reach on the shipped questions, of 1, and must not fall below: facts quoted, facts quoted
/// as an answer, and what the catalogue does not say refused.
const COVERAGE: f64 = 0.85;
const OUTRIGHT: f64 = 0.40;
const REFUSAL: f64 = 0.80;

#[test]
fn extracts_hold_the_facts_and_refuse_what_the_catalogue_does_not_say() {
    let shop = Shop::new();
    shop.run(&["kb", "import", repo("kb").to_str().unwrap()]).ok();
    let questions = repo("kb/questions.jsonl");
    let report = shop.run(&["eval-answers", questions.to_str().unwrap(), "--given"]).ok();
    let (all, answerable) = (report["questions"].as_u64(), report["answerable"].as_u64());
    let (all, answerable) = (all.unwrap(), answerable.unwrap());
    assert!(all >= 150 && (all - answerable) * 5 >= all, "{answerable} of {all} are answerable");
    for wrong in report["wrong"].as_array().unwrap() {
        println!("{} {} {}", wrong["question"], wrong["missing"], wrong["answer"]);
    }
    println!("{report:#}");
    let share = |key: &str| report[key].as_f64().unwrap();
    assert!(share("coverage") >= COVERAGE && share("coverage_outright") >= OUTRIGHT);
    assert!(share("refusal_recall") >= REFUSAL);
    assert_eq!((share("matched"), share("citation")), (1.0, 1.0));
}

#[test]
fn a_row_that_cannot_be_asked_is_listed_and_stops_no_other() {
    let shop = Shop::new();
    let picture = shop.picture("a.png", 1);
    let added = ["--id", "a", "--title", "Lamp", "--description", "It weighs 2 kg."];
    shop.run(&[&["kb", "add", &picture], &added[..]].concat()).ok();
    let rows = [
        json!({ "photo": "a.png", "question": "How heavy?", "product_id": "a", "facts": ["2kg"] }),
        json!({ "photo": "none.png", "question": "How heavy?", "product_id": "a", "facts": ["2kg"] }),
        json!({ "photo": "a.png", "question": " ", "product_id": "a", "facts": null }),
        json!({ "photo": "a.png", "question": "Which year?", "product_id": "a", "facts": null }),
    ];
    let lines: Vec<String> = rows.iter().map(|r| r.to_string()).collect();
    let file = shop.path("questions.jsonl");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let run = shop.run(&["eval-answers", file]);
    assert_eq!(run.code, 2, "{run:?}");
    let report = run.json();
    assert_eq!(report["questions"], 2);
    assert_eq!(report["wrong"], json!([]));
    assert_eq!((&report["coverage"], &report["refusal_recall"]), (&json!(1.0), &json!(1.0)));
    let failed = report["failed"].as_array().unwrap();
    let lines: Vec<_> = failed.iter().map(|f| f["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3]);
    assert!(failed[0]["error"].as_str().unwrap().contains("none.png"));

    let unknown = shop.path("unknown.jsonl");
    let row = json!({ "question": "Why?", "product_id": "b", "facts": null });
    std::fs::write(&unknown, row.to_string()).unwrap();
    let run = shop.run(&["eval-answers", unknown.to_str().unwrap(), "--given"]);
    assert_eq!(run.code, 2);
    assert!(run.json()["failed"][0]["error"].as_str().unwrap().contains("\"b\""), "{run:?}");
}

#[test]
fn a_file_that_holds_no_questions_is_refused_by_name() {
    let shop = Shop::new();
    let missing = shop.run(&["eval-answers", "/nowhere.jsonl", "--given"]).error(1);
    assert!(missing.contains("/nowhere.jsonl"), "{missing}");
    for (text, told) in
        [("", "no questions"), ("{\"question\": 1}", "line 1"), ("\n\nno", "line 3")]
    {
        let file = shop.path("questions.jsonl");
        std::fs::write(&file, text).unwrap();
        let error = shop.run(&["eval-answers", file.to_str().unwrap(), "--given"]).error(1);
        assert!(error.contains("questions.jsonl") && error.contains(told), "{error}");
    }
}
