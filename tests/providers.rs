//! The servers behind an answer: how each kind is addressed, what happens when one fails, and that none
//! of the ways in which one can costs the user the answer, leaks or leaves anything running. Against
//! fake servers on this machine.

#[path = "support/http.rs"]
mod http;
mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{NOBODY, Reply, Server};
use magpie::answer::{Answer, Answerer, Evidence, Inquiry, Origin, Turn, Usage};
use magpie::catalogue::Product;
use magpie::config::{
    AnswerSettings, Detail, ProviderKind, ProviderSettings, Structured, TokenLimit,
};
use serde_json::{Value, json};

const KEY: &str = "sk-sesame4711";
/// Longer than any of these tests takes where nothing is wrong.
const LONG: Duration = Duration::from_secs(20);

fn provider(server: &Server) -> ProviderSettings {
    ProviderSettings {
        base_url: format!("{}/v1", server.url()),
        model: "m".into(),
        ..ProviderSettings::default()
    }
}

fn settings(servers: &[&Server]) -> AnswerSettings {
    let named = |(n, server): (usize, &&Server)| ProviderSettings {
        model: format!("model-{n}"),
        ..provider(server)
    };
    let providers = servers.iter().enumerate().map(named).collect();
    AnswerSettings { providers, timeout_s: 10, first_byte_s: 1, ..AnswerSettings::default() }
}

fn inquiry() -> Inquiry {
    let product = Product {
        id: "kettle".into(),
        title: "Kettle".into(),
        description: "It weighs 2 kg.".into(),
        attributes: Default::default(),
        images: vec![],
    };
    Inquiry {
        question: "How heavy is it?".into(),
        photo: vec![1, 2, 3],
        evidence: vec![Evidence { product, score: 0.9, picture: None }],
        confident: true,
        ..Inquiry::default()
    }
}

/// An event of a streamed completion.
fn event(delta: &Value, finish: Option<&str>) -> String {
    let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    format!("data: {}\n\n", json!({"object": "chat.completion.chunk", "choices": choices}))
}

fn events(pieces: &[&str]) -> String {
    pieces.iter().map(|p| event(&json!({ "content": p }), None)).collect()
}

fn streamed(body: String) -> Reply {
    Reply::new(200, body).header("content-type", "text/event-stream")
}

/// A whole streamed answer.
fn says(pieces: &[&str]) -> Reply {
    streamed(events(pieces) + "data: [DONE]\n\n")
}

fn structured(answer: &str, used: &[&str], covered: bool) -> Reply {
    let whole = json!({"answer": answer, "used": used, "covered": covered}).to_string();
    let (first, last) = whole.split_at(whole.len() / 2);
    says(&[first, last])
}

fn busy(seconds: u64) -> Reply {
    Reply::json(429, &json!({"error": {"message": "Slow down"}})).header("retry-after", seconds)
}

async fn ask(settings: &AnswerSettings) -> Answer {
    Answerer::new(settings).unwrap().answer(&inquiry()).await
}

#[tokio::test]
async fn an_answer_says_what_it_used_and_what_it_cost() {
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 64}}});
    let whole = json!({"answer": "It weighs 2 kg and holds 3 l.", "used": ["made-up", "kettle"],
        "covered": true});
    let body = events(&[&whole.to_string()]) + &event(&json!({}), Some("stop"));
    let body = body + &format!("data: {usage}\n\ndata: [DONE]\n\n");
    let server = Server::new(move |_, _| streamed(body.clone()));
    let answer = ask(&settings(&[&server])).await;
    assert_eq!(answer.text, "It weighs 2 kg and holds 3 l.");
    assert_eq!(answer.sources, ["kettle"], "made-up ids are dropped");
    assert_eq!(answer.unsupported, ["3 l"]);
    assert_eq!((answer.covered, answer.model.as_deref()), (Some(true), Some("model-0")));
    assert_eq!(answer.prompt.map(|version| version.len()), Some(12));
    let counted = Usage { input_tokens: 90, cached_tokens: 64, output_tokens: 12 };
    assert_eq!(answer.usage, Some(counted));
    assert!(!answer.spent[0].estimated);
}

#[tokio::test]
async fn what_a_server_used_before_it_failed_is_its_own() {
    let counted = json!({"object": "chat.completion.chunk", "choices": [],
        "usage": {"prompt_tokens": 90, "completion_tokens": 12}});
    let first = Server::new(|_, _| streamed(events(&["It wei"])).cut());
    let second = Server::new(move |_, _| {
        streamed(
            events(&["2 kg [kettle] [LM-X2]."]) + &format!("data: {counted}\n\ndata: [DONE]\n\n"),
        )
    });
    let answer = ask(&settings(&[&first, &second])).await;
    assert_eq!(answer.text, "2 kg [kettle].", "nor are they cited");
    let [broken, whole] = &answer.spent[..] else { panic!("{answer:?}") };
    assert_eq!((broken.model.as_str(), broken.estimated), ("model-0", true));
    assert!(broken.usage.input_tokens > 300 && broken.usage.output_tokens < 10, "{broken:?}");
    assert_eq!((whole.model.as_str(), whole.estimated), ("model-1", false));
    assert_eq!((whole.usage.input_tokens, whole.usage.output_tokens), (90, 12));
    assert_eq!(answer.usage.unwrap().input_tokens, broken.usage.input_tokens + 90);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    type Cut = fn(Reply) -> Reply;
    for cut in [Reply::cut as Cut, Reply::closed] {
        let server = Server::new(move |_, before| match before {
            0 => cut(streamed(events(&["{\"answer\": \"It weighs nine"]))),
            _ => structured("2 kg", &["kettle"], true),
        });
        let mut settings = settings(&[&server]);
        settings.retries = 1;
        let answer = ask(&settings).await;
        assert_eq!((answer.model.as_deref(), &*answer.text), (Some("model-0"), "2 kg"));
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn what_a_server_does_not_count_is_estimated() {
    let server = Server::new(|_, _| says(&["It weighs ", "2 kg [kettle]."]));
    let answer = ask(&settings(&[&server])).await;
    let usage = answer.usage.unwrap();
    assert!(answer.spent[0].estimated);
    assert!(usage.input_tokens > 300 && (5..20).contains(&usage.output_tokens), "{usage:?}");
}

#[tokio::test]
async fn the_text_streams_out_of_the_structure() {
    let server =
        Server::new(|_, _| structured("Two \"kilograms\",\nsay the 👍 scales.", &[], true));
    let answerer = Answerer::new(&settings(&[&server])).unwrap();
    let heard = Mutex::new(Vec::new());
    let on_text = |text: &str| heard.lock().unwrap().push(text.to_owned());
    let answer = answerer.stream(&inquiry(), &on_text).await;
    let heard = heard.into_inner().unwrap();
    assert!(!heard.is_empty() && heard.iter().all(|h| answer.text.starts_with(h)), "{heard:?}");
    assert_eq!(answer.text, "Two \"kilograms\",\nsay the 👍 scales.");
}

#[tokio::test]
async fn every_kind_of_server_gets_what_it_expects() {
    let server = Server::new(|_, _| structured("2 kg", &["kettle"], true));
    let mut settings = settings(&[&server]);
    settings.providers[0] = ProviderSettings {
        kind: ProviderKind::Azure,
        base_url: server.url(),
        model: "my-deployment".into(),
        api_key: KEY.to_owned().into(),
        headers: [("x-title".to_owned(), "Magpie".to_owned().into())].into(),
        temperature: Some(1.0),
        max_tokens: Some(55),
        detail: Some(Detail::Low),
        ..ProviderSettings::default()
    };
    ask(&settings).await;
    settings.providers[0] = ProviderSettings {
        structured: Structured::Object,
        token_limit: TokenLimit::MaxCompletionTokens,
        api_key: KEY.to_owned().into(),
        ..provider(&server)
    };
    ask(&settings).await;
    settings.providers[0] = provider(&server);
    ask(&settings).await;
    let [azure, hosted, local] = &server.requests()[..] else { panic!("{:?}", server.lines()) };
    assert_eq!(
        azure.path,
        "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    );
    assert_eq!((azure.header("api-key"), azure.header("authorization")), (Some(KEY), None));
    assert_eq!(azure.header("x-title"), Some("Magpie"));
    let body = azure.json();
    assert_eq!((&body["max_completion_tokens"], &body["temperature"]), (&55.into(), &1.0.into()));
    assert_eq!(body["messages"][1]["content"][4]["image_url"]["detail"], "low", "{body}");
    assert_eq!(hosted.header("authorization"), Some(&*format!("Bearer {KEY}")));
    assert_eq!(hosted.json()["response_format"], json!({"type": "json_object"}));
    assert_eq!(hosted.json()["max_completion_tokens"], 800);
    assert_eq!((local.header("authorization"), local.header("api-key")), (None, None));
    assert_eq!((&local.json()["max_tokens"], &local.json()["stream"]), (&800.into(), &true.into()));
}

#[tokio::test]
async fn what_a_server_refuses_to_understand_is_left_out_from_then_on() {
    let server = Server::new(|request, _| {
        let body = request.json();
        let complaint = if body.get("response_format").is_some() {
            "response_format is not supported by this model"
        } else if body.get("max_tokens").is_some() {
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        } else if body.get("temperature").is_some() {
            "'temperature' does not support 0.2 with this model"
        } else {
            return says(&["It weighs 2 kg [kettle]."]);
        };
        Reply::json(400, &json!({"error": {"message": complaint}}))
    });
    let answerer = Answerer::new(&settings(&[&server])).unwrap();
    for requests in [4, 5] {
        let answer = answerer.answer(&inquiry()).await;
        assert_eq!((answer.origin, answer.sources), (Origin::Model, vec!["kettle".to_owned()]));
        assert_eq!(server.requests().len(), requests);
    }
}

#[tokio::test]
async fn a_server_that_fails_hands_on_to_the_next() {
    let failing = || Reply::new(500, "Oops").header("retry-after", 0);
    let first = Server::new(move |_, _| failing());
    let second = Server::new(|_, _| structured("2 kg", &["kettle"], true));
    let third = Server::new(|_, _| structured("no", &[], true));
    let answer = ask(&settings(&[&first, &second, &third])).await;
    assert_eq!((answer.text.as_str(), answer.model.as_deref()), ("2 kg", Some("model-1")));
    assert_eq!((first.requests().len(), second.requests().len()), (3, 1));
    assert_eq!(third.lines(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let server =
        Server::new(
            |_, before| {
                if before == 0 { busy(1) } else { structured("2 kg", &["kettle"], true) }
            },
        );
    let asked = Instant::now();
    assert_eq!(ask(&settings(&[&server])).await.origin, Origin::Model);
    assert!(asked.elapsed() >= Duration::from_secs(1) && server.requests().len() == 2);
    // Nobody waits an hour.
    let (hour, next) = (Server::new(|_, _| busy(3600)), Server::new(|_, _| says(&["2 kg"])));
    let asked = Instant::now();
    assert_eq!(ask(&settings(&[&hour, &next])).await.model.as_deref(), Some("model-1"));
    assert!(asked.elapsed() < LONG / 2 && hour.requests().len() == 1);
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_left_alone_for_a_while() {
    let server = Server::new(|_, _| Reply::new(500, "").header("retry-after", 0));
    let mut settings = settings(&[&server]);
    (settings.breaker_failures, settings.retries) = (2, 0);
    let answerer = Answerer::new(&settings).unwrap();
    for _ in 0..5 {
        assert_eq!(answerer.answer(&inquiry()).await.origin, Origin::Extractive);
    }
    assert_eq!(server.requests().len(), 2);
    // A question that is at fault says nothing of the server.
    let picky = Server::new(|_, _| Reply::json(400, &json!({"error": {"message": "bad image"}})));
    settings.providers =
        vec![ProviderSettings { structured: Structured::None, ..provider(&picky) }];
    let answerer = Answerer::new(&settings).unwrap();
    for _ in 0..5 {
        answerer.answer(&inquiry()).await;
    }
    assert!(picky.requests().len() >= 5);
}

/// Every way of failing; the question ends with a labelled answer in time, nothing is left open, and
/// nothing of what the server sent shows.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_server_does_the_question_is_answered_in_time() {
    let half = || events(&["{\"answer\": \"It weighs nine tons", ", says "]);
    type Case = (&'static str, Box<dyn Fn() -> Reply + Send + Sync>);
    let cases: Vec<Case> = vec![
        ("429", Box::new(|| busy(0))),
        ("500", Box::new(|| Reply::new(500, "nine tons").header("retry-after", 0))),
        ("silence", Box::new(Reply::never)),
        ("a head and no body", Box::new(|| streamed(String::new()).stalled())),
        ("comments only", Box::new(|| streamed(": nine tons\n\n".into()).stalled())),
        ("a hang in the middle", Box::new(move || streamed(half()).stalled())),
        ("a cut with a length", Box::new(move || streamed(half() + &half()).cut())),
        ("a cut without one", Box::new(move || streamed(half()).closed())),
        ("no JSON", Box::new(|| streamed("data: {\"nine tons\"\n\n".into()))),
        (
            "an error in the stream",
            Box::new(move || {
                streamed(half() + "data: {\"error\": {\"message\": \"nine tons\"}}\n\n")
            }),
        ),
        ("nothing", Box::new(|| Reply::new(200, ""))),
        ("an empty answer", Box::new(|| says(&["", " "]))),
        ("an empty structure", Box::new(|| structured("", &[], true))),
        ("another structure", Box::new(|| says(&["{\"weight\": \"nine tons\"}"]))),
        (
            "a content filter",
            Box::new(move || streamed(half() + &event(&json!({}), Some("content_filter")))),
        ),
        ("a refusal", Box::new(|| streamed(event(&json!({"refusal": "nine tons"}), None)))),
        ("a page", Box::new(|| Reply::new(200, "<html>nine tons"))),
        ("bytes", Box::new(|| Reply::new(200, vec![0xff; 4096]))),
        ("an endless answer", Box::new(|| streamed(events(&["nine tons "])).endless())),
        ("an endless line", Box::new(|| streamed("data: nine tons ".into()).endless())),
        ("an endless object", Box::new(|| Reply::new(200, "{\"nine tons\": ").endless())),
        ("an endless error", Box::new(|| Reply::new(500, "nine tons ").endless())),
    ];
    for (case, reply) in cases {
        let reply = Arc::new(reply);
        let server = Server::new(move |_, _| reply());
        let mut settings = settings(&[&server]);
        (settings.timeout_s, settings.retries) = (3, 1);
        settings.providers[0].api_key = KEY.to_owned().into();
        let asked = Instant::now();
        let answerer = Answerer::new(&settings).unwrap();
        let answer = answerer.stream(&inquiry(), &|_| ()).await;
        assert!(asked.elapsed() < Duration::from_secs(5), "{case}: {:?}", asked.elapsed());
        assert_eq!(answer.origin, Origin::Extractive, "{case}: {answer:?}");
        assert!(answer.text.contains("extract") && answer.text.contains("2 kg"), "{case}");
        assert!(!answer.text.contains("nine") && !answer.text.contains(KEY), "{case}");
        drop(answerer);
        assert!(server.is_left(LONG), "{case}: a connection stays open");
    }
    let mut nobody = settings(&[]);
    nobody.providers = vec![ProviderSettings {
        base_url: NOBODY.into(),
        model: "m".into(),
        ..ProviderSettings::default()
    }];
    assert_eq!(ask(&nobody).await.origin, Origin::Extractive);
}

#[tokio::test]
async fn servers_that_hang_leave_time_for_the_next() {
    let half = events(&["{\"answer\": \"It wei"]);
    let hanging =
        Server::new(
            move |_, before| {
                if before == 0 { Reply::never() } else { streamed(half.clone()).stalled() }
            },
        );
    let good = Server::new(|_, _| structured("2 kg", &["kettle"], true));
    let answerer = Answerer::new(&settings(&[&hanging, &good])).unwrap();
    for _ in 0..2 {
        let answer = answerer.stream(&inquiry(), &|_| ()).await;
        assert_eq!(answer.model.as_deref(), Some("model-1"));
    }
    assert_eq!(hanging.requests().len(), 2, "what hangs is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listening_ends_the_request() {
    let begun = events(&["It weighs "]);
    let server = Server::new(move |_, _| streamed(begun.clone()).stalled());
    let mut settings = settings(&[&server]);
    settings.first_byte_s = 600;
    let answerer = Answerer::new(&settings).unwrap();
    let (heard, hears) = tokio::sync::oneshot::channel();
    let heard = Mutex::new(Some(heard));
    let asking = tokio::spawn(async move {
        let on_text = |_: &str| {
            if let Some(heard) = heard.lock().unwrap().take() {
                heard.send(()).expect("somebody waits");
            }
        };
        answerer.stream(&inquiry(), &on_text).await
    });
    hears.await.expect("the beginning is heard");
    asking.abort();
    assert!(asking.await.is_err());
    assert!(server.is_left(LONG), "the connection is closed");
}

#[tokio::test]
async fn without_a_confident_match_nobody_is_asked_to_guess() {
    let server = Server::new(|_, _| says(&["A kettle, I guess."]));
    let answerer = Answerer::new(&settings(&[&server])).unwrap();
    let unsure = Inquiry { confident: false, ..inquiry() };
    assert_eq!(answerer.answer(&unsure).await.origin, Origin::Extractive);
    assert_eq!(server.lines(), [] as [&str; 0]);
}

#[tokio::test]
async fn prompts_of_ones_own_are_used_and_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(dir.path().join("question.jinja"), text).unwrap();
    write("Asked: {{ question }}");
    let server = Server::new(|_, _| says(&["2 kg"]));
    let mut settings = settings(&[&server]);
    settings.prompts = dir.path().to_owned();
    let answerer = Answerer::new(&settings).unwrap();
    let turn = Turn { question: "<b>".into(), answer: "x".into() };
    let inquiry = Inquiry { turns: vec![turn], ..inquiry() };
    let first = answerer.answer(&inquiry).await.prompt;
    write("Now asked: {{ question }}");
    let second = answerer.answer(&inquiry).await.prompt;
    assert!(first.is_some() && second.is_some() && first != second);
    let said = |n: usize| server.requests()[n].json()["messages"].clone();
    assert_eq!(said(0)[3]["content"], "Asked: \"How heavy is it?\"");
    assert_eq!(said(1)[3]["content"], "Now asked: \"How heavy is it?\"");
    assert!(said(0)[1].to_string().contains("u003cb>"), "{}", said(0)[1]);
}
