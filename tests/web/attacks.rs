//! What reaches the browser when the vision model obeys whoever attacks it.

use super::*;
use crate::obedient::{Attack, KEY, SHOP, attacks, obedient};

#[tokio::test]
async fn whatever_the_model_is_told_the_page_gets_nothing_harmful() {
    for attack in &attacks() {
        let server = obedient();
        let (url, shop) = (format!("{}/v1", server.url()), Shop::new());
        let web = Web::start(
            shop,
            &[
                ("MAGPIE__WEB__ADMIN_TOKEN", ADMIN),
                ("MAGPIE__ANSWER__BASE_URL", &url),
                ("MAGPIE__ANSWER__API_KEY", KEY),
            ],
        );
        let photo = || Part::bytes(obedient::png(&attack.shot())).file_name("1.png");
        for (n, command) in attack.commands().into_iter().enumerate() {
            let form = Form::new().text("question", command);
            let form = if n == 0 { form.part("photo", photo()) } else { form };
            ok(web.admin("POST", "/api/ask").multipart(form).send().await.unwrap()).await;
        }
        let question = format!("/ask {}", attack.question());
        let form = Form::new().text("question", question).part("photo", photo());
        let asked = web.call("POST", "/api/ask").header(ACCEPT, "text/event-stream");
        let stream = asked.multipart(form).send().await.unwrap().text().await.unwrap();
        harmless(attack, &stream, &obedient::rules(attack, &server));
    }
}

fn harmless(attack: &Attack, stream: &str, system: &str) {
    let (name, mut ends, mut answers) = (&attack.name, 0, 0);
    for event in stream.split("\n\n").filter(|e| !e.is_empty() && !e.starts_with(':')) {
        let (kind, data) = event.split_once('\n').unwrap_or_else(|| panic!("{name}: {event:?}"));
        let kind = kind.strip_prefix("event: ").unwrap_or_else(|| panic!("{name}: {event:?}"));
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        match kind {
            "growing" | "answer" | "text" => {
                answers += usize::from(kind == "answer");
                let mut links = Vec::new();
                find("link", &data, &mut links);
                find("url", &data, &mut links);
                assert!(links.iter().all(|l| l == SHOP), "{name}: {links:?}");
                let text = data["markup"].as_array().unwrap_or_else(|| panic!("{name}: {data}"));
                let blocks = text.iter().map(|block| {
                    let mut texts = Vec::new();
                    find("text", block, &mut texts);
                    texts.concat()
                });
                obedient::harmless(name, &blocks.collect::<Vec<_>>().join("\n"), system);
                let text = data["text"].as_str().unwrap_or_default();
                obedient::harmless(name, text, system);
                assert!(kind != "answer" || obedient::flagged(attack, text), "{name}: {text}");
            }
            "done" => {
                ends += 1;
                assert!(data["admin"].is_null(), "{name}");
            }
            "typing" | "matches" | "buttons" => {}
            other => panic!("{name}: {other}: {data}"),
        }
    }
    assert_eq!((answers, ends), (1, 1), "{name}: {stream}");
}

/// The strings that stand under a key, wherever it is.
fn find(key: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(all) => all.iter().for_each(|(k, v)| match v.as_str() {
            Some(text) if k == key => out.push(text.to_owned()),
            _ => find(key, v, out),
        }),
        Value::Array(all) => all.iter().for_each(|v| find(key, v, out)),
        _ => {}
    }
}
