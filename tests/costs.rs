//! What answers cost is counted, kept apart and kept within budgets: real LMDB and the real client
//! against a fake server, and the command line that shows it.

#[path = "support/http.rs"]
mod http;
mod support;

use std::sync::Arc;
use std::time::Duration;

use http::{Reply as Sent, Server};
use magpie::bot::{Bot, Platform, Reply, Request, Upload};
use magpie::catalogue::{Catalogue, Feedback, Matched, Spender, Tally, UsageRow, today};
use magpie::clip::Clip;
use magpie::config::{PriceSettings, Settings, SpaceSettings};
use serde_json::{Value, json};
use support::{Shop, picture, tiny};
use tokio::sync::Barrier;
use tokio_stream::StreamExt;

/// What the fake server says it counted.
const COUNTED: [u64; 3] = [1000, 400, 20];

/// An answer in the shape that models are asked for, with what it cost.
fn covered(answer: &str) -> Sent {
    let shaped = json!({ "answer": answer, "used": ["kettle"], "covered": true });
    let [input, cached, output] = COUNTED;
    let usage = json!({"prompt_tokens": input, "completion_tokens": output,
        "total_tokens": input + output, "prompt_tokens_details": {"cached_tokens": cached}});
    let last = json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": "m", "choices": [], "usage": usage});
    streamed_then(&shaped.to_string(), &format!("data: {last}\n\n"))
}

/// Server-sent events of a streamed completion whose tokens nobody counts.
fn streamed(text: &str) -> Sent {
    streamed_then(text, "")
}

fn streamed_then(text: &str, last: &str) -> Sent {
    let chunk = |delta: Value| {
        let choices =
            json!([{"index": 0, "delta": delta, "finish_reason": null, "logprobs": null}]);
        let chunk = json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "m", "choices": choices});
        format!("data: {chunk}\n\n")
    };
    let body = chunk(json!({ "role": "assistant", "content": text }));
    let body = format!("{body}{last}data: [DONE]\n\n");
    Sent::new(200, body).header("content-type", "text/event-stream")
}

/// A bot whose answers come from a fake server.
struct Stage {
    bot: Bot,
    server: Server,
    dir: tempfile::TempDir,
}

impl Stage {
    async fn new(server: Server, change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.catalogue.dir = dir.path().join("data");
        settings.answer.base_url = format!("{}/v1", server.url());
        settings.answer.api_key = "sk-sesame4711".to_owned().into();
        settings.answer.prices = vec![PriceSettings {
            model: "gpt-4o".into(),
            input: 2.0,
            cached_input: Some(1.0),
            output: 8.0,
            currency: "USD".into(),
        }];
        settings.bot.user_burst = 1000;
        settings.bot.user_per_minute = 60_000;
        settings.bot.total_per_minute = 600_000;
        settings.spaces.push(SpaceSettings {
            space: "web:museum".into(),
            catalogue: dir.path().join("museum"),
        });
        change(&mut settings);
        let bot = Bot::new(settings, Clip::open(&tiny()).unwrap()).unwrap();
        let stage = Self { bot, server, dir };
        for space in ["s", "museum"] {
            let add = "/kb add id:kettle title:Kettle It weighs 2 kg.";
            let admin = Request { admin: true, ..from(space, "ada", add) };
            stage.all(Request { files: vec![photo()], ..admin }).await;
        }
        stage
    }

    async fn all(&self, request: Request) -> Vec<Reply> {
        self.bot.handle(request).collect().await
    }

    /// What was written down, once everything in work is done.
    async fn rows(&self, place: &str) -> Vec<UsageRow> {
        self.bot.stop(Duration::from_secs(20)).await;
        self.bot.kb(Platform::Web, place, "c").usage(0).await.unwrap()
    }
}

fn from(space: &str, user: &str, text: &str) -> Request {
    Request { text: text.into(), ..Request::new(Platform::Web, space, "c", user) }
}

fn asking(space: &str, user: &str, question: &str) -> Request {
    Request { files: vec![photo()], ..from(space, user, question) }
}

fn photo() -> Upload {
    let mut png = std::io::Cursor::new(Vec::new());
    picture(1).write_to(&mut png, image::ImageFormat::Png).unwrap();
    Upload { name: "1.png".into(), bytes: png.into_inner().into() }
}

fn origin(replies: &[Reply]) -> &'static str {
    let found = replies.iter().find_map(|r| match r {
        Reply::Answer(answer) => Some(answer.origin == magpie::answer::Origin::Model),
        _ => None,
    });
    if found.unwrap_or_else(|| panic!("{replies:?}")) { "model" } else { "extract" }
}

fn sum(rows: &[UsageRow]) -> Tally {
    let mut all = Tally::default();
    rows.iter().for_each(|row| all += &row.tally);
    all
}

#[tokio::test]
async fn what_answers_cost_is_counted_by_user_and_space_and_no_space_sees_anothers() {
    let stage = Stage::new(Server::new(|_, _| streamed("It weighs 2 kg [kettle].")), |_| {}).await;
    for (space, user) in [("s", "anna"), ("s", "anna"), ("s", "bert"), ("museum", "anna")] {
        let replies = stage.all(asking(space, user, "How heavy is it?")).await;
        assert_eq!(origin(&replies), "model");
    }
    let rows = stage.rows("s").await;
    let mut counts: Vec<u64> = rows.iter().map(|r| r.tally.questions + r.tally.repeated).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2], "{rows:?}");
    assert!(rows.iter().all(|r| r.space == "web:s" && r.day == today() && !r.user.is_empty()));
    let spent = sum(&rows);
    assert!(spent.input_tokens > 0 && spent.output_tokens > 0 && spent.cost["USD"] > 0);
    let museum = stage.rows("museum").await;
    let [row] = museum.as_slice() else { panic!("{museum:?}") };
    assert_eq!((row.space.as_str(), row.tally.questions), ("web:museum", 1));
    assert!(rows.iter().all(|r| r.user != row.user), "a user can be followed across spaces");
    for place in ["data", "museum"] {
        let file = std::fs::read(stage.dir.path().join(place).join("data.mdb")).unwrap();
        assert!(!file.windows(8).any(|w| w == b"web:anna"), "{place} names a user");
    }
}

#[tokio::test]
async fn the_same_question_is_paid_once_until_the_product_changes() {
    let stage =
        Stage::new(Server::new(|_, n| covered(&format!("It weighs 2 kg, answer {n}."))), |_| {})
            .await;
    let ask = async |user: &str, question: &str| {
        let replies = stage.all(asking("s", user, question)).await;
        let answer = replies.iter().find_map(|r| match r {
            Reply::Answer(answer) => Some(answer.text.text()),
            _ => None,
        });
        answer.unwrap_or_else(|| panic!("{replies:?}"))
    };
    let first = ask("anna", "How heavy is it?").await;
    assert_eq!(ask("bert", "how heavy  is it").await, first);
    assert_eq!(ask("cora", "HOW HEAVY IS IT?!").await, first);
    assert_eq!(stage.server.requests().len(), 1);
    assert_ne!(ask("bert", "How heavy is it in summer?").await, first);
    // A follow-up is asked anew, even when it is the same words.
    stage.all(from("s", "bert", "How heavy is it?")).await;
    assert_eq!(stage.server.requests().len(), 3);
    // Another catalogue has its own answers, and a changed product new ones.
    stage.all(asking("museum", "anna", "How heavy is it?")).await;
    assert_eq!(stage.server.requests().len(), 4);
    let edit = Request { admin: true, ..from("s", "ada", "/kb edit kettle colour:red") };
    stage.all(edit).await;
    assert_ne!(ask("bert", "How heavy is it?").await, first);
    assert_eq!(stage.server.requests().len(), 5);
    let rows = stage.rows("s").await;
    let spent = sum(&rows);
    assert_eq!((spent.questions, spent.repeated, spent.estimated), (4, 2, 0));
    let [input, cached, output] = COUNTED.map(|n| 4 * n);
    assert_eq!(
        (spent.input_tokens, spent.cached_tokens, spent.output_tokens),
        (input, cached, output)
    );
    // 2 for fresh tokens, 1 for cached, 8 for written.
    assert_eq!(spent.cost["USD"], (input - cached) * 2 + cached + output * 8);
    assert!(rows.iter().all(|r| r.model == "gpt-4o"), "{rows:?}");
}

#[tokio::test]
async fn without_a_cache_and_without_a_yes_of_the_catalogue_every_question_is_asked() {
    let asked_twice = async |server: Server, change: fn(&mut Settings)| {
        let stage = Stage::new(server, change).await;
        for user in ["anna", "bert"] {
            let replies = stage.all(asking("s", user, "How heavy is it?")).await;
            assert_eq!(origin(&replies), "model");
        }
        stage.server.requests().len()
    };
    let sure = || Server::new(|_, _| covered("It weighs 2 kg."));
    assert_eq!(asked_twice(sure(), |_| {}).await, 1);
    assert_eq!(asked_twice(sure(), |s| s.answer.cache = 0).await, 2);
    let untold = Server::new(|_, _| streamed("It weighs 2 kg [kettle]."));
    assert_eq!(asked_twice(untold, |_| {}).await, 2);
    let invented = Server::new(|_, _| covered("It weighs 2 kg and draws 900 W."));
    assert_eq!(asked_twice(invented, |_| {}).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_questions_at_once_do_not_overrun_a_budget() {
    const BUDGET: u64 = 12_000;
    let server = Server::new(|_, _| streamed("It weighs 2 kg [kettle]."));
    let stage = Stage::new(server, |s| {
        s.answer.cache = 0;
        s.budget.total_tokens = BUDGET;
    })
    .await;
    let start = Arc::new(Barrier::new(50));
    let asked = (0..50).map(|n| {
        let (bot, start) = (stage.bot.clone(), Arc::clone(&start));
        tokio::spawn(async move {
            start.wait().await;
            let request = asking("s", &format!("user-{n}"), "How heavy is it?");
            bot.handle(request).collect::<Vec<Reply>>().await
        })
    });
    let mut by_model = 0;
    for task in asked.collect::<Vec<_>>() {
        let replies = task.await.unwrap();
        assert!(replies.iter().any(|r| matches!(r, Reply::Matches { .. })), "{replies:?}");
        by_model += usize::from(origin(&replies) == "model");
    }
    assert!((1..50).contains(&by_model), "{by_model} answers were written");
    assert_eq!(stage.server.requests().len(), by_model);
    let spent = sum(&stage.rows("s").await);
    assert_eq!(spent.questions as usize, by_model);
    assert!(spent.tokens() <= BUDGET, "{spent:?}");
}

#[tokio::test]
async fn a_used_up_budget_is_said_in_the_users_language_with_matches_and_extract() {
    let budgets: [fn(&mut Settings); 4] = [
        |s| s.budget.user_tokens = 10,
        |s| s.budget.space_tokens = 10,
        |s| s.budget.total_tokens = 10,
        |s| s.budget.user_money = 0.000_01,
    ];
    for (n, budget) in budgets.into_iter().enumerate() {
        let stage = Stage::new(Server::new(|_, _| streamed("no")), budget).await;
        for (language, question, used_up, extract) in [
            ("en", "How heavy is it?", "used up", "(extract)"),
            ("de", "Wie schwer ist das?", "aufgebraucht", "(Auszug)"),
        ] {
            let request = Request { language: language.into(), ..asking("s", "u", question) };
            let replies = stage.all(request).await;
            let kinds: Vec<&str> = replies
                .iter()
                .map(|r| match r {
                    Reply::Matches { .. } => "matches",
                    Reply::Text(text) if text.text().contains(used_up) => "refusal",
                    Reply::Answer(a) if a.text.text().contains(extract) => "extract",
                    Reply::Buttons(_) => "buttons",
                    Reply::Typing | Reply::Done(_) => "",
                    other => panic!("budget {n}: {other:?}"),
                })
                .filter(|kind| !kind.is_empty())
                .collect();
            assert_eq!(kinds, ["matches", "refusal", "extract", "buttons"], "budget {n}");
        }
        assert_eq!(stage.server.requests().len(), 0, "budget {n}");
        assert_eq!(stage.rows("s").await, []);
    }
}

#[tokio::test]
async fn a_budget_of_a_space_leaves_others_theirs_and_that_of_a_user_follows_them() {
    let stage = Stage::new(Server::new(|_, _| streamed("It weighs 2 kg [kettle].")), |s| {
        s.answer.cache = 0;
        s.budget.space_tokens = 12_000;
        s.budget.user_tokens = 15_000;
    })
    .await;
    let ask = async |space: &str, user: &str| {
        origin(&stage.all(asking(space, user, "How heavy is it?")).await)
    };
    // What an answer cost is written down behind it and held back until then, so one refusal alone may
    // be early.
    let spend = async |space: &str, user: &str| {
        let (mut written, mut refused) = (0, 0);
        while refused < 3 {
            if ask(space, user).await == "model" {
                (written, refused) = (written + 1, 0);
                assert!(written < 60, "the budget has no end");
            } else {
                refused += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        written
    };
    let written = spend("s", "anna").await;
    assert!(written > 0);
    assert_eq!(ask("s", "bert").await, "extract");
    assert_eq!(ask("museum", "bert").await, "model");
    // What she spent in one space counts in another, whose own budget is untouched.
    let more = spend("museum", "anna").await;
    assert!(more < written, "{more} after {written}");
}

#[tokio::test]
async fn a_question_that_is_broken_off_is_counted_as_an_estimate() {
    let stage = Stage::new(Server::new(|_, _| Sent::never()), |_| {}).await;
    let mut replies = stage.bot.handle(asking("s", "u", "How heavy is it?"));
    while stage.server.requests().is_empty() {
        tokio::time::timeout(Duration::from_millis(20), replies.next()).await.ok();
    }
    drop(replies);
    let rows = stage.rows("s").await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.tally.questions, row.tally.estimated), (1, 1));
    assert!(row.tally.input_tokens > 1000, "{row:?}");
}

#[tokio::test]
async fn a_server_that_refuses_costs_nothing() {
    let refuses = |_: &http::Request, _| {
        let error = json!({"message": "no", "type": "x", "param": null, "code": null});
        Sent::json(400, &json!({ "error": error }))
    };
    let stage = Stage::new(Server::new(refuses), |s| s.budget.user_tokens = 9000).await;
    for _ in 0..5 {
        let replies = stage.all(asking("s", "u", "How heavy is it?")).await;
        assert_eq!(origin(&replies), "extract");
        assert!(!replies.iter().any(|r| matches!(r, Reply::Text(_))), "{replies:?}");
    }
    assert_eq!(stage.rows("s").await, []);
}

/// A shop with what was spent on two days.
fn spent_shop() -> Shop {
    let shop = Shop::new();
    let catalogue = Catalogue::open(&shop.data()).unwrap();
    for (day, user, space, model, tokens) in [
        (today() - 9, "telegram:1", "telegram:private", "a", 100),
        (today(), "telegram:1", "telegram:-5", "a", 10),
        (today(), "telegram:2", "telegram:-5", "b", 1),
    ] {
        let (space, user, model) = (space.into(), user.into(), model.into());
        let cost = [("EUR".to_owned(), tokens * 3)].into_iter().collect();
        let tally = Tally { questions: 1, input_tokens: tokens, cost, ..Tally::default() };
        catalogue.record_usage(day, &Spender { space, user, model }, &tally).unwrap();
    }
    shop
}

#[test]
fn usage_is_shown_by_user_space_day_and_model() {
    let shop = spent_shop();
    let tokens = |args: &[&str]| -> Vec<u64> {
        let shown = shop.run(&[&["usage"], args].concat()).ok();
        let rows = shown["rows"].as_array().unwrap().clone();
        let tokens: Vec<u64> = rows.iter().map(|r| r["input_tokens"].as_u64().unwrap()).collect();
        assert_eq!(shown["total"]["input_tokens"], tokens.iter().sum::<u64>());
        tokens
    };
    assert_eq!(tokens(&[]), [100, 11]);
    assert_eq!(tokens(&["--by", "model"]), [110, 1]);
    assert_eq!(tokens(&["--by", "space"]), [11, 100]);
    assert_eq!(tokens(&["--since", "7d"]), [11]);
    assert_eq!(tokens(&["--by", "user", "--user", "telegram:1"]), [110]);
    assert_eq!(tokens(&["--user", "telegram:3"]), [0; 0]);
    let by_user = shop.run(&["usage", "--by", "user"]).ok();
    assert!(!by_user.to_string().contains("telegram:1"), "{by_user}");
    let total = &by_user["total"];
    assert_eq!((&total["questions"], &total["cost"]), (&json!(3), &json!({"EUR": 0.000333})));
    assert!(shop.run(&["usage", "--since", "soon"]).error(64).contains("soon"));
    assert_eq!(Shop::new().run(&["usage"]).ok()["rows"], json!([]));
}

/// A shop with a kettle and three verdicts on answers about it.
fn judged_shop() -> Shop {
    let shop = Shop::new();
    let picture = shop.picture("a.png", 1);
    let text =
        ["--id", "kettle", "--title", "Kettle", "--description", "It weighs 2 kg. It is red."];
    shop.run(&[&["kb", "add", &picture], &text[..]].concat()).ok();
    let catalogue = Catalogue::open(&shop.data()).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let verdict = |question: &str, answer: &str, good, covered| Feedback {
        at_ms: now,
        good,
        platform: "web".into(),
        language: "en".into(),
        question: question.into(),
        answer: answer.into(),
        origin: "extractive".into(),
        products: vec!["kettle".into()],
        evidence: vec![Matched { id: "kettle".into(), score: 0.5 }],
        covered: Some(covered),
        consent: 1,
        ..Feedback::default()
    };
    for row in [
        verdict("How heavy is it?", "It weighs 2 kg, not 3 kg.", true, true),
        verdict("Who designed it?", "the catalogue does not say.", true, false),
        verdict("Which colour has it?", "It weighs 2 kg.", false, true),
        Feedback { at_ms: now - 400 * 86_400_000, ..verdict("Old?", "Yes.", true, true) },
    ] {
        catalogue.add_feedback(&row).unwrap();
    }
    shop
}

#[test]
fn exported_feedback_is_fit_for_evaluation() {
    let shop = judged_shop();
    let file = shop.path("feedback.jsonl");
    let file = file.to_str().unwrap();
    assert_eq!(shop.run(&["feedback", "export", file]).ok()["exported"], 3);
    assert!(shop.run(&["feedback", "export", file]).error(1).contains("--force"));
    let text = std::fs::read_to_string(file).unwrap();
    let rows: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let questions: Vec<&str> = rows.iter().map(|r| r["question"].as_str().unwrap()).collect();
    assert_eq!(questions, ["How heavy is it?", "Who designed it?", "Which colour has it?"]);
    assert_eq!(rows[0]["facts"], json!(["2 kg"]));
    assert!(rows[1]["facts"].is_null() && rows[1].as_object().unwrap().contains_key("facts"));
    assert!(!rows[2].as_object().unwrap().contains_key("facts"), "{}", rows[2]);
    assert_eq!(rows[0]["evidence"], json!([{"id": "kettle", "score": 0.5}]));
    let report = shop.run(&["eval-answers", file, "--given"]).ok();
    assert_eq!((&report["questions"], &report["answerable"]), (&json!(3), &json!(1)));
    assert_eq!((&report["coverage"], &report["refusal_recall"]), (&json!(1.0), &json!(1.0)));
    assert_eq!(report["unjudged"][0]["question"], "Which colour has it?");
    // Without the products given, a row needs a photo, and says so.
    let without = shop.run(&["eval-answers", file]);
    assert_eq!(without.code, 2, "{without:?}");
    assert!(without.json()["failed"][0]["error"].as_str().unwrap().contains("--given"));
    let printed = shop.run(&["feedback", "export", "-", "--bad"]);
    assert_eq!((printed.code, printed.json()["good"].clone()), (0, json!(false)));
}

#[test]
fn feedback_is_listed_counted_and_forgotten() {
    let shop = judged_shop();
    let list = shop.run(&["feedback", "list", "-n", "1"]).ok();
    assert_eq!((&list["total"], list["feedback"].as_array().unwrap().len()), (&json!(3), 1));
    let number = list["feedback"][0]["number"].to_string();
    let stats = shop.run(&["feedback", "stats"]).ok();
    assert_eq!((&stats["good"], &stats["bad"]), (&json!(2), &json!(1)));
    assert_eq!(stats["products"]["kettle"], json!({"good": 2, "bad": 1}));
    assert_eq!(shop.run(&["feedback", "forget", &number]).ok()["forgotten"], 1);
    assert_eq!(shop.run(&["feedback", "list"]).ok()["total"], 2);
    let tomorrow = ["feedback", "forget", "--before", "2999-01-01"];
    assert_eq!(shop.run(&tomorrow).ok()["forgotten"], 2);
    assert_eq!(shop.run(&["feedback", "forget", "--all"]).ok()["forgotten"], 0);
    shop.run(&["feedback", "forget"]).error(64);
}
