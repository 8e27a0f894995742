//! A vision model's answer reaches the chat while it is being written, and nothing that breaks on
//! the way costs the user the answer: the real client against a fake server.

#[path = "support/http.rs"]
mod http;
mod support;

use http::{Reply as Sent, Request as Asked, Server};
use magpie::bot::{Bot, Markup, Platform, Reply, Request, Upload};
use magpie::clip::Clip;
use magpie::config::Settings;
use serde_json::{Value, json};
use support::{picture, tiny};
use tokio_stream::StreamExt;

/// Server-sent events as OpenAI words a streamed completion.
fn events(pieces: &[&str]) -> String {
    let chunk = |delta: Value| {
        let choices =
            json!([{"index": 0, "delta": delta, "finish_reason": null, "logprobs": null}]);
        let chunk = json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "m", "choices": choices});
        format!("data: {chunk}\n\n")
    };
    let head = chunk(json!({"role": "assistant", "content": ""}));
    let body: String = pieces.iter().map(|p| chunk(json!({ "content": p }))).collect();
    format!("{head}{body}data: [DONE]\n\n")
}

fn streams(pieces: &[&str]) -> Sent {
    Sent::new(200, events(pieces)).header("content-type", "text/event-stream")
}

struct Stage {
    bot: Bot,
    _dir: tempfile::TempDir,
}

impl Stage {
    async fn new(server: &Server) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.catalogue.dir = dir.path().join("data");
        settings.answer.base_url = format!("{}/v1", server.url());
        settings.answer.api_key = "sk-sesame4711".to_owned().into();
        settings.answer.timeout_s = 20;
        let stage =
            Self { bot: Bot::new(settings, Clip::open(&tiny()).unwrap()).unwrap(), _dir: dir };
        let add = "/kb add id:kettle title:Kettle It weighs 2 kg.";
        stage.says(Request { admin: true, files: vec![photo()], ..user(add) }).await;
        let link = "/kb edit kettle url:https://shop.example/kettle";
        stage.says(Request { admin: true, ..user(link) }).await;
        stage
    }

    async fn says(&self, request: Request) -> Vec<Reply> {
        self.bot.handle(request).collect().await
    }
}

fn user(text: &str) -> Request {
    Request { text: text.into(), ..Request::new(Platform::Web, "s", "c", "u") }
}

fn asking(question: &str) -> Request {
    Request { files: vec![photo()], ..user(question) }
}

fn photo() -> Upload {
    let mut png = std::io::Cursor::new(Vec::new());
    picture(1).write_to(&mut png, image::ImageFormat::Png).unwrap();
    Upload { name: "1.png".into(), bytes: png.into_inner().into() }
}

fn answer(replies: &[Reply]) -> (&Markup, String) {
    let found = replies.iter().find_map(|r| match r {
        Reply::Answer(answer) => Some((&answer.text, format!("{:?}", answer.origin))),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{replies:?}"))
}

#[tokio::test]
async fn the_answer_grows_before_it_is_whole() {
    let server = Server::new(|_, _| streams(&["It weighs ", "**2 kg** ", "[kettle]."]));
    let stage = Stage::new(&server).await;
    let replies = stage.says(asking("How heavy is it?")).await;
    let growing = replies.iter().position(|r| matches!(r, Reply::Growing(_)));
    let whole = replies.iter().position(|r| matches!(r, Reply::Answer(_)));
    assert!(growing.is_some() && growing < whole, "{replies:?}");
    let (text, origin) = answer(&replies);
    assert_eq!((text.text().as_str(), origin.as_str()), ("It weighs 2 kg [kettle].", "Model"));
    assert!(text.0[0].spans().iter().any(|s| s.bold && s.text == "2 kg"));
    let Some(Reply::Answer(answered)) = whole.and_then(|n| replies.get(n)) else { unreachable!() };
    let source = &answered.sources[0];
    assert_eq!(source.url.as_deref(), Some("https://shop.example/kettle"));
}

#[tokio::test]
async fn the_conversation_goes_along_with_a_follow_up() {
    let server = Server::new(|_, _| streams(&["Two kilograms."]));
    let stage = Stage::new(&server).await;
    stage.says(asking("How heavy is it?")).await;
    stage.says(user("And in pounds?")).await;
    let asked: Vec<Asked> = server.requests();
    let messages = asked.last().unwrap().json()["messages"].clone();
    let roles: Vec<&str> =
        messages.as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(messages[2]["content"], "Two kilograms.");
    assert!(
        messages[1].to_string().contains("How heavy") && messages[3].to_string().contains("pounds")
    );
}

#[tokio::test]
async fn links_lead_only_where_the_catalogue_does() {
    let server = Server::new(|_, _| {
        streams(&[
            "See [its page](https://shop.example/kettle) or [this](https://evil.example/x) ",
            "<img src=x onerror=alert(1)>",
        ])
    });
    let stage = Stage::new(&server).await;
    let replies = stage.says(asking("Where can I read more?")).await;
    let shown = replies.iter().filter_map(|r| match r {
        Reply::Growing(markup) => Some(markup),
        Reply::Answer(answer) => Some(&answer.text),
        _ => None,
    });
    for markup in shown {
        let spans = markup.0.iter().flat_map(|b| b.spans());
        let links: Vec<&str> = spans.filter_map(|s| s.link.as_deref()).collect();
        assert!(links.iter().all(|l| *l == "https://shop.example/kettle"), "{links:?}");
    }
    assert!(answer(&replies).0.text().contains("<img src=x"));
}

#[tokio::test]
async fn a_stream_that_breaks_ends_in_an_extract() {
    let whole = events(&["It weighs ", "nine tons, ", "says the model."]);
    let cases: [fn(&str) -> Sent; 4] = [
        |whole| Sent::new(200, whole).header("content-type", "text/event-stream").cut(),
        |_| Sent::new(200, "data: {\"oops\"\n\n").header("content-type", "text/event-stream"),
        |_| Sent::new(200, "data: [DONE]\n\n").header("content-type", "text/event-stream"),
        |_| {
            Sent::json(
                400,
                &json!({"error": {"message": "no", "type": "x", "param": null, "code": null}}),
            )
        },
    ];
    for (n, case) in cases.into_iter().enumerate() {
        let whole = whole.clone();
        let server = Server::new(move |_, _| case(&whole));
        let stage = Stage::new(&server).await;
        let replies = stage.says(asking("How heavy is it?")).await;
        let (text, origin) = answer(&replies);
        assert_eq!(origin, "Extractive", "case {n}");
        assert!(text.text().contains("2 kg"), "case {n}: {text:?}");
        assert!(matches!(replies.last(), Some(Reply::Done(_))));
    }
}
