//! The web chat over HTTP: it answers, only admins change anything, other sites and strangers
//! get nowhere, and whatever is wrong ends in a problem document.

mod alike;
mod attacks;
#[path = "../support/drawn.rs"]
mod drawn;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/obedient.rs"]
mod obedient;
#[path = "../support/mod.rs"]
mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use http::{Reply, unproxied};
use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE,
    ETAG, HOST, HeaderMap, IF_NONE_MATCH, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE,
    WWW_AUTHENTICATE,
};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use serde_json::{Value, json};
use support::{Run, Shop, magpie, picture, tiny};

const ADMIN: &str = "the admins' own token";
const ACCESS: &str = "the visitors' token";
/// Every request that only admins may make.
const ADMINS_ONLY: [(&str, &str); 9] = [
    ("GET", "/api/products"),
    ("POST", "/api/products"),
    ("PATCH", "/api/products/lamp"),
    ("DELETE", "/api/products/lamp"),
    ("POST", "/api/undo"),
    ("GET", "/api/log"),
    ("GET", "/api/stats"),
    ("POST", "/api/import"),
    ("GET", "/api/export"),
];

/// A running `magpie serve` on a catalogue of its own.
struct Web {
    child: Child,
    url: String,
    client: Client,
    shop: Shop,
}

impl Web {
    /// With an admin token and nothing in the catalogue.
    fn empty() -> Self {
        Self::start(Shop::new(), &[("MAGPIE__WEB__ADMIN_TOKEN", ADMIN)])
    }

    /// With an admin token and two products: a lamp and a kettle.
    fn stocked() -> Self {
        Self::start(stocked(), &[("MAGPIE__WEB__ADMIN_TOKEN", ADMIN)])
    }

    fn start(shop: Shop, environment: &[(&str, &str)]) -> Self {
        let log = File::create(shop.path("log")).unwrap();
        let mut child = serve(&shop).envs(environment.iter().copied()).stderr(log).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let url = first.trim_end().trim_end_matches('/').to_owned();
        let log = std::fs::read_to_string(shop.path("log")).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "the address comes first: {first:?} {log}");
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none());
        Self { child, url, client: client.build().unwrap(), shop }
    }

    fn call(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.url))
    }

    fn admin(&self, method: &str, path: &str) -> RequestBuilder {
        self.call(method, path).bearer_auth(ADMIN)
    }

    /// The JSON of an admin's request that must succeed.
    async fn done(&self, method: &str, path: &str) -> Value {
        ok(self.admin(method, path).send().await.unwrap()).await
    }

    async fn ask(&self, photo: Option<u32>, question: &str) -> Value {
        ok(self.call("POST", "/api/ask").multipart(asking(photo, question)).send().await.unwrap())
            .await
    }

    /// Adds a product and returns the response.
    async fn add(&self, photo: u32, description: &str, more: &[(&'static str, &str)]) -> Response {
        let mut form = Form::new().part("photo", png(photo));
        form = form.text("description", description.to_owned());
        for (name, value) in more {
            form = form.text(*name, (*value).to_owned());
        }
        self.admin("POST", "/api/products").multipart(form).send().await.unwrap()
    }

    fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(shop: &Shop) -> Command {
    let mut command = unproxied(magpie());
    command.arg("serve").arg("--data").arg(shop.data()).arg("--model").arg(tiny());
    command.env("MAGPIE__WEB__LISTEN", "127.0.0.1:0");
    command.env("MAGPIE__BOT__USER_BURST", "1000").stdout(Stdio::piped());
    command
}

fn stocked() -> Shop {
    let shop = Shop::new();
    for (id, number, text) in [
        ("lamp", 1, "A red lamp. It weighs 2 kg."),
        ("kettle", 2, "A blue kettle. It holds 1.7 l."),
    ] {
        let photo = shop.picture(&format!("{id}.png"), number);
        shop.run(&["kb", "add", &photo, "--description", text, "--id", id]).ok();
    }
    shop
}

fn png(number: u32) -> Part {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture(number).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    Part::bytes(bytes.into_inner()).file_name("photo.png")
}

fn asking(photo: Option<u32>, question: &str) -> Form {
    let form = Form::new().text("question", question.to_owned());
    photo.into_iter().fold(form, |form, number| form.part("photo", png(number)))
}

async fn ok(response: Response) -> Value {
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The problem document of a response that must have this status.
async fn problem(response: Response, status: u16) -> Value {
    let (headers, found) = (response.headers().clone(), response.status());
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_eq!(headers[CONTENT_TYPE], "application/problem+json", "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains(' ')), "a sentence: {problem}");
    problem
}

/// The events of a stream, by name.
fn events(stream: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|l| Some(l.strip_prefix(name)?.trim().to_owned()))
    };
    stream
        .split("\n\n")
        .filter_map(|event| {
            let data = serde_json::from_str(&field(event, "data:")?).unwrap();
            Some((field(event, "event:")?, data))
        })
        .collect()
}

fn cookies(headers: &HeaderMap) -> Vec<&str> {
    headers.get_all(SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect()
}

fn pair(cookie: &str) -> &str {
    cookie.split(';').next().unwrap()
}

#[tokio::test]
async fn the_server_is_ready_when_its_address_is_printed() {
    let web = Web::empty();
    for path in ["/healthz", "/readyz"] {
        let response = web.call("GET", path).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.text().await.unwrap()),
            (200, "ok".into())
        );
    }
    let me = ok(web.call("GET", "/api/me").send().await.unwrap()).await;
    assert_eq!(
        [&me["access"], &me["admin"], &me["needs_access"], &me["empty"], &me["can_load_sample"]],
        [true, false, false, true, true]
    );
    assert!(me["strings"]["web-send"].is_string() && me["limits"]["max_photos"].is_u64(), "{me}");
}

#[tokio::test]
async fn a_photo_is_answered_and_a_follow_up_needs_none() {
    let web = Web::stocked();
    let cookie = format!("magpie_user={}", "a".repeat(32));
    for (photo, question) in [(Some(1), "How heavy is it?"), (None, "And what does it weigh?")] {
        let call = web.call("POST", "/api/ask").header(COOKIE, &cookie);
        let answer = ok(call.multipart(asking(photo, question)).send().await.unwrap()).await;
        let text = answer["answer"]["text"].as_str().unwrap();
        assert!(text.contains("2 kg"), "{answer}");
        assert_eq!(answer["answer"]["origin"], "extractive");
        assert_eq!(answer["answer"]["sources"][0]["id"], "lamp");
        assert!(answer["timings"]["total"].as_f64().unwrap() > 0.0);
        if photo.is_some() {
            let best = &answer["matches"][0];
            assert_eq!(best["id"], "lamp");
            let thumbnail = web.call("GET", best["thumbnail"].as_str().unwrap()).send().await;
            let thumbnail = thumbnail.unwrap();
            assert_eq!(thumbnail.headers()[CONTENT_TYPE], "image/jpeg");
            assert_eq!(thumbnail.headers()["x-content-type-options"], "nosniff");
            assert!(thumbnail.bytes().await.unwrap().starts_with(&[0xff, 0xd8, 0xff]));
        }
    }
    let forget = web.call("POST", "/api/forget").header(COOKIE, &cookie).json(&json!({}));
    assert_eq!(forget.send().await.unwrap().status(), 204);
    let call = web.call("POST", "/api/ask").header(COOKIE, &cookie);
    let again = call.multipart(asking(None, "And its colour?")).send().await.unwrap();
    problem(again, 422).await;
}

#[tokio::test]
async fn one_conversation_knows_nothing_of_another() {
    let web = Web::stocked();
    web.ask(Some(1), "How heavy is it?").await;
    for (conversation, user) in [("other", "a"), ("main", "b")] {
        let form = asking(None, "How heavy is it?").text("conversation", conversation);
        let call = web.call("POST", "/api/ask");
        let call = match user {
            "a" => call,
            _ => call.header(COOKIE, format!("magpie_user={}", "b".repeat(32))),
        };
        problem(call.multipart(form).send().await.unwrap(), 422).await;
    }
}

#[tokio::test]
async fn the_events_of_an_answer_come_in_order() {
    let web = Web::stocked();
    let call = web.call("POST", "/api/ask").header(ACCEPT, "text/event-stream");
    let response = call.multipart(asking(Some(1), "How heavy is it?")).send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    let events = events(&response.text().await.unwrap());
    let place = |name: &str| events.iter().position(|(n, _)| n == name).expect(name);
    let order = ["typing", "matches", "answer", "done"].map(place);
    assert!(order.is_sorted() && order[3] == events.len() - 1, "{events:?}");
    assert_eq!(events[order[1]].1["matches"][0]["id"], "lamp");
    assert!(events[order[2]].1["text"].as_str().unwrap().contains("2 kg"));
    assert_eq!(events[order[2]].1["markup"][0]["kind"], "paragraph");

    let call = web.call("POST", "/api/similar").header(ACCEPT, "text/event-stream");
    let form = Form::new().text("words", " ").text("conversation", "without-a-photo");
    let response = call.multipart(form).send().await.unwrap();
    let events = self::events(&response.text().await.unwrap());
    let names: Vec<&str> = events.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["problem", "done"], "what goes wrong is an event too");
    assert_eq!(events[0].1["status"], 422);
}

#[tokio::test]
async fn as_many_matches_as_were_asked_for() {
    let web = Web::stocked();
    for (k, words, count) in [("1", "lamp", 1), ("2", "2 lamps", 2)] {
        let form = Form::new().text("k", k).text("words", words);
        let call = web.call("POST", "/api/similar").multipart(form);
        let found = ok(call.send().await.unwrap()).await;
        assert_eq!(found["matches"].as_array().unwrap().len(), count, "{found}");
        assert_eq!(found["answer"], Value::Null);
    }
}

#[tokio::test]
async fn nothing_changes_without_the_admin_token() {
    let web = Web::stocked();
    for (method, path) in ADMINS_ONLY {
        for token in [None, Some("not the token at all"), Some("")] {
            let call = web.call(method, path);
            let call = token.into_iter().fold(call, |call, token| call.bearer_auth(token));
            let response = call.send().await.unwrap();
            assert!(response.headers().contains_key(WWW_AUTHENTICATE), "{method} {path}");
            problem(response, 401).await;
        }
        let forged = format!("magpie_admin={}", "0".repeat(64));
        problem(web.call(method, path).header(COOKIE, forged).send().await.unwrap(), 401).await;
    }
    problem(web.call("POST", "/api/sample").send().await.unwrap(), 403).await;
    let refused = web.call("POST", "/api/ask").multipart(asking(None, "/kb remove lamp"));
    problem(refused.send().await.unwrap(), 403).await;
    assert_eq!(web.done("GET", "/api/stats").await["products"], 2);
    let log = web.done("GET", "/api/log").await;
    assert_eq!(log["changes"].as_array().unwrap().len(), 2, "only what the test itself added");

    let web = Web::start(stocked(), &[]);
    for (method, path) in ADMINS_ONLY {
        let refused = web.call(method, path).send().await.unwrap();
        let detail = problem(refused, 403).await["detail"].to_string();
        assert!(detail.contains("MAGPIE__WEB__ADMIN_TOKEN"), "{detail}");
    }
}

#[tokio::test]
async fn the_access_token_opens_the_chat_and_no_more() {
    let tokens = [("MAGPIE__WEB__ACCESS_TOKEN", ACCESS), ("MAGPIE__WEB__ADMIN_TOKEN", ADMIN)];
    let web = Web::start(stocked(), &tokens);
    for page in ["/", "/admin"] {
        let response = web.call("GET", page).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[LOCATION]),
            (303, &"/login".parse().unwrap())
        );
    }
    assert_eq!(web.call("GET", "/login").send().await.unwrap().status(), 200);
    let me = ok(web.call("GET", "/api/me").send().await.unwrap()).await;
    assert_eq!([&me["access"], &me["needs_access"], &me["empty"]], [false, true, false]);
    let ask = || web.call("POST", "/api/ask").multipart(asking(Some(1), "How heavy is it?"));
    problem(ask().send().await.unwrap(), 401).await;
    problem(web.call("GET", "/api/images/1/thumbnail").send().await.unwrap(), 401).await;
    for token in [ACCESS, ADMIN] {
        ok(ask().bearer_auth(token).send().await.unwrap()).await;
    }
    let stats = web.call("GET", "/api/stats");
    problem(stats.bearer_auth(ACCESS).send().await.unwrap(), 403).await;

    let login = |token: &str| web.call("POST", "/api/login").json(&json!({ "token": token }));
    let refused = login("somebody's token").send().await.unwrap();
    assert!(cookies(refused.headers()).is_empty());
    problem(refused, 401).await;
    let response = login(ACCESS).send().await.unwrap();
    assert_eq!(response.status(), 204);
    let set = cookies(response.headers());
    let access = set.iter().find(|c| c.starts_with("magpie_access=")).expect("the access cookie");
    assert!(
        ["HttpOnly", "SameSite=Strict", "Path=/"].iter().all(|a| access.contains(a)),
        "{access}"
    );
    assert!(!access.contains("Secure") && !access.contains("visitors"), "{access}");
    ok(ask().header(COOKIE, pair(access)).send().await.unwrap()).await;
    let stats = web.call("GET", "/api/stats").header(COOKIE, pair(access));
    problem(stats.send().await.unwrap(), 403).await;

    let response = login(ADMIN).header("x-forwarded-proto", "https").send().await.unwrap();
    let set = cookies(response.headers());
    assert!(set.len() == 3 && set.iter().all(|c| c.ends_with("; Secure")), "{set:?}");
    let all: Vec<&str> = set.iter().map(|c| pair(c)).collect();
    ok(web.call("GET", "/api/stats").header(COOKIE, all.join("; ")).send().await.unwrap()).await;
    let response = web.call("POST", "/api/logout").send().await.unwrap();
    assert!(cookies(response.headers()).iter().all(|c| c.contains("Max-Age=0")));
}

#[tokio::test]
async fn tokens_cannot_be_guessed_quickly() {
    let web = Web::empty();
    let login = async |token: &str| {
        let request = web.call("POST", "/api/login").json(&json!({ "token": token }));
        request.send().await.unwrap()
    };
    for _ in 0..20 {
        assert_eq!(login(ADMIN).await.status(), 204, "the right token is never too often");
    }
    for n in 0..10 {
        problem(login(&format!("guess {n}")).await, 401).await;
    }
    for token in ["one more guess", ADMIN] {
        let response = login(token).await;
        assert!(response.headers()[RETRY_AFTER].to_str().unwrap().parse::<u64>().unwrap() > 0);
        problem(response, 429).await;
    }
}

#[tokio::test]
async fn another_sites_page_can_change_nothing() {
    let web = Web::empty();
    let own = web.url.clone();
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/api/sample", "/api/forget", "/api/login", "/api/logout", "/api/ask"] {
            let call = web.call("POST", path).header(name, value).json(&json!({}));
            problem(call.send().await.unwrap(), 403).await;
        }
    }
    let own =
        web.call("POST", "/api/forget").header(ORIGIN, own).header("sec-fetch-site", "same-origin");
    assert_eq!(own.json(&json!({})).send().await.unwrap().status(), 204);
    assert_eq!(web.done("GET", "/api/stats").await["products"], 0);
}

#[tokio::test]
async fn a_foreign_host_name_is_refused() {
    let web = Web::empty();
    for host in ["evil.example", "127.0.0.1.evil.example", "192.168.0.1:80", "localhost.evil"] {
        problem(web.call("GET", "/api/me").header(HOST, host).send().await.unwrap(), 421).await;
        problem(web.call("GET", "/").header(HOST, host).send().await.unwrap(), 421).await;
    }
    for host in ["localhost", "LOCALHOST:99", "127.0.0.7", "[::1]:8642"] {
        ok(web.call("GET", "/api/me").header(HOST, host).send().await.unwrap()).await;
    }
}

#[test]
fn others_are_not_let_in_without_a_token() {
    let shop = Shop::new();
    let mut command = serve(&shop);
    let run = Run::new(command.env("MAGPIE__WEB__LISTEN", "0.0.0.0:0").output().unwrap());
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    for word in
        ["0.0.0.0:0", "web.access_token", "MAGPIE__WEB__ACCESS_TOKEN", "openssl rand -hex 24"]
    {
        assert!(run.stderr.contains(word), "{run:?}");
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let web = Web::empty();
    let address = web.url.trim_start_matches("http://");
    for (path, head) in [
        ("/api/ask", String::new()),
        ("/api/products", format!("authorization: Bearer {ADMIN}\r\n")),
        ("/api/import", format!("authorization: Bearer {ADMIN}\r\n")),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 99999999999\r\n\
             content-type: multipart/form-data; boundary=x\r\nconnection: close\r\n{head}\r\n"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 413 "), "{path}: {response}");
        assert!(response.contains("application/problem+json"), "{path}: {response}");
    }
}

#[tokio::test]
async fn wrong_input_ends_in_a_problem() {
    let web = Web::stocked();
    let json = |body: &'static str| (Some("application/json"), body);
    let form = "multipart/form-data; boundary=x";
    let part = |name: &str, value: &str| {
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--x--\r\n"
        )
    };
    let long = part("words", &"word ".repeat(300_000));
    for (status, method, path, (kind, body)) in [
        (404, "GET", "/nothing", (None, "")),
        (404, "GET", "/assets/../index.html", (None, "")),
        (404, "GET", "/assets/nothing.js", (None, "")),
        (404, "GET", "/api/products/no-such-thing", (None, "")),
        (404, "GET", "/api/images/4294967295/picture", (None, "")),
        (404, "DELETE", "/api/products/no-such-thing", (None, "")),
        (404, "POST", "/api/undo", (None, "")),
        (405, "PUT", "/api/me", (None, "")),
        (405, "DELETE", "/", (None, "")),
        (400, "GET", "/api/images/x/picture", (None, "")),
        (400, "GET", "/api/images/4294967296/picture", (None, "")),
        (400, "GET", "/api/products/%ff", (None, "")),
        (400, "GET", "/api/products?skip=-1", (None, "")),
        (400, "GET", "/api/products?take=many", (None, "")),
        (422, "GET", "/api/products?take=0", (None, "")),
        (422, "GET", "/api/log?take=201", (None, "")),
        (415, "POST", "/api/press", (None, "{}")),
        (415, "POST", "/api/ask", json("{}")),
        (415, "POST", "/api/import", json("{}")),
        (400, "POST", "/api/press", json("{\"action\":")),
        (422, "POST", "/api/press", json("{\"action\": 7}")),
        (422, "POST", "/api/forget", json("[]")),
        (422, "POST", "/api/press", json("{\"action\": \"x\", \"more\": 1}")),
        (422, "POST", "/api/press", json("{\"action\": \"0123456789abcdef\"}")),
        (422, "POST", "/api/forget", json("{\"conversation\": \"a b\"}")),
        (422, "PATCH", "/api/products/lamp", json("{\"attributes\": {\"a\": 1}}")),
        (422, "PATCH", "/api/products/lamp", json("{\"description\": \" \"}")),
        (404, "PATCH", "/api/products/no-such-thing", json("{\"title\": \"x\"}")),
        (400, "POST", "/api/ask", (Some("multipart/form-data"), "x")),
        (400, "POST", "/api/ask", (Some(form), "--x\r\nnonsense")),
        (400, "POST", "/api/ask", (Some(form), &part("elsewhere", "x"))),
        (422, "POST", "/api/ask", (Some(form), &part("question", " "))),
        (422, "POST", "/api/ask", (Some(form), &part("photo", "no picture"))),
        (422, "POST", "/api/ask", (Some(form), &part("conversation", ""))),
        (422, "POST", "/api/similar", (Some(form), &part("k", "21"))),
        (413, "POST", "/api/similar", (Some(form), &long)),
        (422, "POST", "/api/products", (Some(form), &part("title", "x"))),
        (422, "POST", "/api/products", (Some(form), &part("description", "A red lamp."))),
        (422, "POST", "/api/products", (Some(form), &part("attributes", "[1]"))),
        (422, "POST", "/api/import", (Some(form), &part("archive", "no archive"))),
        (422, "POST", "/api/import", (Some(form), "--x--\r\n")),
    ] {
        let call = web.admin(method, path).body(body.to_owned());
        let call = kind.into_iter().fold(call, |call, kind| call.header(CONTENT_TYPE, kind));
        let response = call.send().await.unwrap();
        let (found, allow) = (response.status(), response.headers().get(ALLOW).cloned());
        assert_eq!(found, status, "{method} {path} {}", response.text().await.unwrap());
        assert_eq!(status == 405, allow.is_some(), "{method} {path}");
        let call = web.admin(method, path).body(body.to_owned()).header(ACCEPT_LANGUAGE, "de");
        let call = kind.into_iter().fold(call, |call, kind| call.header(CONTENT_TYPE, kind));
        problem(call.send().await.unwrap(), status).await;
    }
    let call = web.call("GET", "/nothing").header(ACCEPT_LANGUAGE, "de-AT, en;q=0.5");
    let detail = problem(call.send().await.unwrap(), 404).await;
    assert_eq!(detail["detail"], "Unter dieser Adresse gibt es nichts.");
    assert_eq!(web.done("GET", "/api/stats").await["products"], 2, "nothing was changed");
}

#[tokio::test]
async fn a_product_is_added_found_edited_removed_and_restored() {
    let web = Web::empty();
    let attributes = json!({"colour": "red", "url": "https://example.com/lamp"}).to_string();
    let more = [("id", "lamp"), ("title", "Red Lamp"), ("attributes", attributes.as_str())];
    let response = web.add(1, "It weighs 2 kg.", &more).await;
    assert_eq!(response.status(), 201);
    let added = ok(response).await;
    assert_eq!([&added["created"], &added["images_added"]], [&json!(true), &json!(1)]);
    assert_eq!(added["product"]["url"], "https://example.com/lamp");
    let image = added["product"]["images"][0].as_u64().unwrap();
    for size in ["thumbnail", "picture"] {
        let call = web.call("GET", &format!("/api/images/{image}/{size}"));
        let response = call.send().await.unwrap();
        assert_eq!(response.headers()[CACHE_CONTROL], "private, max-age=3600");
        assert!(response.bytes().await.unwrap().starts_with(&[0xff, 0xd8, 0xff]));
    }

    let refused = problem(web.add(1, "Another lamp.", &[("id", "copy")]).await, 409).await;
    assert_eq!(refused["duplicate"]["id"], "lamp");
    assert!(refused["duplicate"]["score"].as_f64().unwrap() > 0.97);
    let forced = web.add(1, "Another lamp.", &[("id", "copy"), ("force", "true")]).await;
    assert_eq!(forced.status(), 201);

    let all = web.done("GET", "/api/products?take=1").await;
    assert_eq!((all["products"].as_array().unwrap().len(), &all["total"]), (1, &json!(2)));
    let found = web.done("GET", "/api/products?q=red%20lamp").await;
    assert_eq!([&found["total"], &found["products"][0]["id"]], [&json!(1), &json!("lamp")]);

    let edit = web.admin("PATCH", "/api/products/lamp");
    let edit =
        edit.json(&json!({"description": "It weighs 3 kg.", "attributes": {"colour": "blue"}}));
    let edited = ok(edit.send().await.unwrap()).await;
    assert_eq!(edited["attributes"], json!({"colour": "blue"}));
    assert_eq!([&edited["title"], &edited["description"]], ["Red Lamp", "It weighs 3 kg."]);

    let removed = web.done("DELETE", "/api/products/lamp").await;
    assert_eq!(removed, json!({"id": "lamp", "title": "Red Lamp"}));
    problem(web.call("GET", "/api/products/lamp").send().await.unwrap(), 404).await;
    let undone = web.done("POST", "/api/undo").await;
    assert_eq!([&undone["action"], &undone["products"][0]], ["removed", "lamp"]);
    let back = ok(web.call("GET", "/api/products/lamp").send().await.unwrap()).await;
    assert_eq!(back["description"], "It weighs 3 kg.");

    let log = web.done("GET", "/api/log").await;
    let actions: Vec<&str> =
        log["changes"].as_array().unwrap().iter().map(|c| c["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["undone", "removed", "edited", "added", "added"]);
    assert!(
        log["changes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["author"]["id"].as_str().is_some_and(|id| id.starts_with("web:")))
    );
    assert_eq!(web.done("GET", "/api/log?skip=1&take=1").await["changes"][0]["undone"], true);
}

#[tokio::test]
async fn an_export_is_imported_by_another_server() {
    let (from, to) = (Web::stocked(), Web::empty());
    let response = from.admin("GET", "/api/export").send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/zip");
    let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(disposition.starts_with("attachment; filename="), "{disposition}");
    let archive = response.bytes().await.unwrap().to_vec();
    for (added, unchanged) in [(2, 0), (0, 2)] {
        let form = Form::new().part("archive", Part::bytes(archive.clone()).file_name("a.zip"));
        let import = to.admin("POST", "/api/import").multipart(form);
        let report = ok(import.send().await.unwrap()).await;
        assert_eq!([&report["added"], &report["unchanged"]], [added, unchanged], "{report}");
        assert_eq!(report["failed"], json!([]));
    }
    let answer = to.ask(Some(2), "How much does it hold?").await;
    assert_eq!(answer["matches"][0]["id"], "kettle");
    assert!(answer["answer"]["text"].as_str().unwrap().contains("1.7 l"), "{answer}");
}

#[tokio::test]
async fn the_sample_is_loaded_by_anyone_while_there_is_nothing_else() {
    let web = Web::start(Shop::new(), &[]);
    let report = ok(web.call("POST", "/api/sample").send().await.unwrap()).await;
    assert!(report["added"].as_u64().unwrap() > 50 && report["failed"] == json!([]), "{report}");
    problem(web.call("POST", "/api/sample").send().await.unwrap(), 403).await;
    let me = ok(web.call("GET", "/api/me").send().await.unwrap()).await;
    assert_eq!([&me["empty"], &me["can_load_sample"]], [false, false]);
}

#[tokio::test]
async fn a_button_works_only_for_whom_it_was_shown_to() {
    let web = Web::stocked();
    let user = |letter: &str| format!("magpie_user={}", letter.repeat(32));
    let ask = web.call("POST", "/api/ask").header(COOKIE, user("a"));
    let answer = ok(ask.multipart(asking(Some(1), "How heavy is it?")).send().await.unwrap()).await;
    let action = answer["buttons"].as_array().unwrap().last().unwrap()["action"].clone();
    let press = |letter: &str, conversation: &str| {
        let body = json!({ "action": action, "conversation": conversation });
        web.call("POST", "/api/press").header(COOKIE, user(letter)).json(&body)
    };
    problem(press("b", "main").send().await.unwrap(), 422).await;
    problem(press("a", "other").send().await.unwrap(), 422).await;
    let asked = ok(press("a", "main").send().await.unwrap()).await;
    let text = asked["texts"][0]["text"].as_str().unwrap();
    assert!(text.contains("May I keep this?") && text.contains("365 days"), "{asked}");
    let keep = json!({ "action": asked["buttons"][0]["action"], "conversation": "main" });
    let keep = web.call("POST", "/api/press").header(COOKIE, user("a")).json(&keep);
    let thanks = ok(keep.send().await.unwrap()).await;
    assert!(thanks["texts"][0]["text"].as_str().unwrap().contains("noted"), "{thanks}");
}

#[tokio::test]
async fn every_route_is_described() {
    let web = Web::empty();
    let api = ok(web.call("GET", "/api/openapi.json").send().await.unwrap()).await;
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let described = |method: &str, path: &str| {
        api["paths"][path][method.to_lowercase()]["responses"].is_object()
    };
    let others = [
        ("GET", "/api/me"),
        ("POST", "/api/login"),
        ("POST", "/api/logout"),
        ("POST", "/api/ask"),
        ("POST", "/api/similar"),
        ("POST", "/api/press"),
        ("POST", "/api/forget"),
        ("GET", "/api/products/{id}"),
        ("GET", "/api/images/{image}/thumbnail"),
        ("GET", "/api/images/{image}/picture"),
        ("POST", "/api/sample"),
        ("GET", "/api/openapi.json"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
    ];
    let mut count = 0;
    for (method, path) in ADMINS_ONLY.into_iter().chain(others) {
        let path = path.replace("/lamp", "/{id}");
        assert!(described(method, &path), "{method} {path}");
        count += 1;
    }
    let paths = api["paths"].as_object().unwrap().values();
    assert_eq!(paths.map(|p| p.as_object().unwrap().len()).sum::<usize>(), count);
}

#[tokio::test]
async fn pages_run_nothing_that_is_not_theirs_and_are_sent_once() {
    let web = Web::empty();
    for page in ["/", "/admin"] {
        let response = web.call("GET", page).send().await.unwrap();
        let headers = response.headers().clone();
        assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value);
        }
        assert!(headers["permissions-policy"].to_str().unwrap().contains("camera=(self)"));
        let body = response.text().await.unwrap();
        for inline in ["<style", " style=", " onclick=", "javascript:", "<script>"] {
            assert!(!body.contains(inline), "{page} has {inline}");
        }
        let known = web.call("GET", page).header(IF_NONE_MATCH, &headers[ETAG]);
        assert_eq!(known.send().await.unwrap().status(), 304);
        let head = web.call("HEAD", page).send().await.unwrap();
        assert_eq!(head.headers()[ETAG], headers[ETAG]);
        assert_eq!((head.status().as_u16(), head.text().await.unwrap()), (200, String::new()));
        // Whatever the page loads is there, under the type that `nosniff` insists on.
        for path in body.split('"').filter(|p| p.starts_with("/assets/")) {
            let asset = web.call("GET", path).send().await.unwrap();
            assert_eq!(asset.status(), 200, "{path}");
            assert_eq!(asset.headers()[CACHE_CONTROL], "no-cache");
        }
    }
}

#[tokio::test]
async fn a_description_with_html_stays_text() {
    let web = Web::empty();
    let hostile = "<script>alert(1)</script> <img src=x onerror=alert(2)>";
    assert_eq!(web.add(1, hostile, &[("id", "x"), ("title", hostile)]).await.status(), 201);
    let response = web.call("GET", "/api/products/x").send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(ok(response).await["description"], hostile);
    let answer = web.ask(Some(1), "What is it?").await;
    let spans = answer["answer"]["markup"][0]["spans"].as_array().unwrap();
    assert!(spans.iter().all(|s| s.get("link").is_none()), "{answer}");
}

#[tokio::test]
async fn told_to_stop_it_ends_what_is_in_work_and_leaves_well() {
    let model = http::Server::new(|_, _| Reply::never());
    let url = format!("{}/v1", model.url());
    let settings = [
        ("MAGPIE__ANSWER__BASE_URL", url.as_str()),
        ("MAGPIE__ANSWER__API_KEY", "sk-test"),
        ("MAGPIE__BOT__GRACE_S", "0"),
    ];
    let mut web = Web::start(stocked(), &settings);
    let call = web.call("POST", "/api/ask").header(ACCEPT, "text/event-stream");
    let form = asking(Some(1), "How heavy is it?");
    let mut response = call.multipart(form).send().await.unwrap();
    let mut stream = String::new();
    while !stream.contains("event: matches") {
        let chunk = response.chunk().await.unwrap().expect("the model never answers");
        stream += std::str::from_utf8(&chunk).unwrap();
    }
    web.terminate();
    while let Some(chunk) = response.chunk().await.unwrap() {
        stream += std::str::from_utf8(&chunk).unwrap();
    }
    let events = events(&stream);
    let [.., (problem, why), (done, _)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((problem.as_str(), done.as_str()), ("problem", "done"));
    assert_eq!(why["status"], 503, "{why}");
    assert!(web.child.wait().unwrap().success());
    let log = std::fs::read_to_string(web.shop.path("log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}
