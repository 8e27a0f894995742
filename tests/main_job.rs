//! The main job with the model that ships: a photo and a question in, the matched product and
//! a grounded answer out.

mod support;

use std::path::PathBuf;

use magpie::answer::{Evidence, Inquiry, extract};
use magpie::catalogue::Product;
use serde_json::Value;
use support::{Run, magpie, repo};

fn sample_questions() -> Vec<Value> {
    let text = std::fs::read_to_string(repo("kb/photos/questions.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_demo_matches_and_answers_its_sample_photos() {
    let demo = Run::new(magpie().args(["demo", "--json"]).output().unwrap()).ok();
    assert!(demo["products"].as_u64().unwrap() >= 24);
    let answers = demo["answers"].as_array().unwrap();
    let questions = sample_questions();
    assert_eq!(answers.len(), questions.len());
    assert!(answers.len() >= 24);
    let (mut found, mut said, mut sayable) = (0, 0, 0);
    for (answer, question) in answers.iter().zip(&questions) {
        assert_eq!(answer["origin"], "extractive");
        assert_eq!(answer["photo"], question["photo"]);
        let right = answer["matches"][0]["id"] == question["product_id"];
        found += usize::from(right);
        // What the answer says is judged where the match is right.
        let text = answer["answer"].as_str().unwrap();
        match question["expect"].as_str() {
            Some(fact) if right => {
                sayable += 1;
                let holds = text.contains(fact);
                if !holds {
                    println!("{}: {text}", question["question"]);
                }
                said += usize::from(holds);
            }
            _ => {}
        }
    }
    println!("{found} of {} photos matched, {said} of {sayable} facts said", answers.len());
    // The model card says 38 of 41; below this floor the shipped model or the search is broken.
    assert!(found * 20 >= answers.len() * 17, "{found} of {} photos matched", answers.len());
    assert!(said * 100 >= sayable * 85, "{said} of {sayable} facts said");
}

#[test]
fn a_product_added_from_the_command_line_is_matched_and_quoted() {
    let shop = support::Shop::new();
    let run = |args: &[&str]| {
        let mut command = magpie();
        command.args(args).arg("--json").arg("--data").arg(shop.data());
        Run::new(command.output().unwrap()).ok()
    };
    let kb = repo("kb");
    run(&["kb", "import", kb.to_str().unwrap()]);
    let photo = shop.picture("new.png", 4);
    let text = "A woven wall hanging. It weighs 840 g.";
    run(&["kb", "add", &photo, "--id", "new", "--title", "Wall Hanging", "--description", text]);
    let answer = run(&["ask", &photo, "How heavy is this?"]);
    assert_eq!(answer["matches"][0]["id"], "new");
    assert_eq!(answer["sources"], serde_json::json!(["new"]));
    assert_eq!(answer["confident"], true);
    assert!(answer["answer"].as_str().unwrap().contains("840 g"), "{answer}");
}

#[test]
fn words_that_name_a_product_help_its_photo_and_words_that_ask_do_no_harm() {
    let shop = support::Shop::new();
    shop.run(&["kb", "import", repo("kb").to_str().unwrap()]).ok();
    let report = shop.run(&["eval", repo("kb/photos/words.csv").to_str().unwrap()]).ok();
    let words = &report["words"];
    println!("{words}");
    assert!(words["helped"].as_u64().unwrap() >= 1, "{words} {:#}", report["worst"]);
    assert_eq!(words["hurt"], 0, "{words} {:#}", report["worst"]);
    // By words alone, a title finds its product.
    let report = shop.run(&["similar", "--text", "gooseneck kettle"]).ok();
    assert_eq!(report["matches"][0]["id"], "LM-KT3");
    // An id or a model number to the letter wins, whatever the photo shows.
    let photo = repo("kb/photos/gander-at-home-1.jpg");
    for named in ["how heavy is the LM-PB20", "PB-20, weight?", "what does the PB 20 weigh"] {
        let answer = shop.run(&["ask", photo.to_str().unwrap(), named]).ok();
        assert_eq!(answer["matches"][0]["id"], "LM-PB20", "{named}");
        assert!(answer["answer"].as_str().unwrap().contains("355 g"), "{answer}");
    }
    // What was added a moment ago, too.
    let new = shop.picture("new.png", 4);
    let text = "A woven wall hanging. It weighs 840 g.";
    let wall = ["--id", "WALL-7", "--title", "Wall Hanging", "--description", text];
    shop.run(&[&["kb", "add", &new], &wall[..]].concat()).ok();
    let answer = shop.run(&["ask", photo.to_str().unwrap(), "what does wall-7 weigh"]).ok();
    assert_eq!(answer["matches"][0]["id"], "WALL-7", "{answer}");
}

#[test]
fn grocery_photos_find_their_product() {
    let Some(data) = std::env::var_os("MAGPIE_GROCERY_DIR").map(PathBuf::from) else {
        println!("skipped: MAGPIE_GROCERY_DIR does not name the Grocery Store Dataset");
        return;
    };
    let shop = support::Shop::new();
    let run = |args: &[&str]| {
        let mut command = magpie();
        command.args(args).arg("--json").arg("--data").arg(shop.data());
        Run::new(command.output().unwrap()).ok()
    };
    let catalogue = data.join("catalogue");
    assert_eq!(run(&["kb", "import", catalogue.to_str().unwrap()])["added"], 81);
    let report = run(&["eval", data.join("val.csv").to_str().unwrap()]);
    println!("{}", serde_json::json!({"recall_at_1": report["recall_at_1"], "mrr": report["mrr"]}));
    assert_eq!(report["photos"], 296);
    // The model card says 0.53 and 0.91; chance is 0.01 and 0.06.
    let recall = |key: &str| report[key].as_f64().unwrap();
    assert!(recall("recall_at_1") > 0.48 && recall("recall_at_5") > 0.85, "{report}");
}

#[test]
fn the_extract_holds_the_fact_when_the_match_is_right() {
    let listing = std::fs::read_to_string(repo("kb/description.json")).unwrap();
    let rows: Vec<serde_json::Map<String, Value>> =
        listing.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut said, mut facts, mut refused, mut unanswerable) = (0, 0, 0, 0);
    for question in sample_questions() {
        let row = rows.iter().find(|r| r["id"] == question["product_id"]).unwrap();
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let own = ["id", "title", "description", "image_path"];
        let attributes = row
            .iter()
            .filter(|(key, _)| !own.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let product = Product {
            id: text("id"),
            title: text("title"),
            description: text("description"),
            attributes,
            images: Vec::new(),
        };
        let answer = extract::answer(&Inquiry {
            question: question["question"].as_str().unwrap().to_owned(),
            photo: Vec::new(),
            evidence: vec![Evidence { product, score: 0.9, picture: None }],
            confident: true,
            ..Inquiry::default()
        });
        match question["expect"].as_str() {
            Some(fact) => {
                facts += 1;
                said += usize::from(answer.text.contains(fact));
                if !answer.text.contains(fact) {
                    println!("{fact}: {}: {}", question["question"], answer.text);
                }
            }
            None => {
                unanswerable += 1;
                refused += usize::from(answer.covered == Some(false));
                println!("unanswerable: {}: {}", question["question"], answer.text);
            }
        }
    }
    println!("{said} of {facts} facts said, {refused} of {unanswerable} refused");
    assert!(said * 100 >= facts * 85, "{said} of {facts} facts said");
    assert!(refused * 2 >= unanswerable, "{refused} of {unanswerable} refused");
}
