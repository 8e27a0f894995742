//! Products that a photo cannot tell apart: what the web chat's API gives, and the two ways to answer.

use super::*;
use crate::obedient::{KEY, obedient};

/// Three pots, two of which share a picture.
fn pots() -> Shop {
    let shop = Shop::new();
    for (id, number, colour, weight) in
        [("pot-a", 7, "red", 1), ("pot-b", 7, "blue", 2), ("bowl", 9, "green", 9)]
    {
        let photo = shop.picture(&format!("{id}.png"), number);
        let (title, text) = (format!("The {id}"), format!("It weighs {weight} kg."));
        shop.run(&["kb", "add", &photo, "--id", id, "--title", &title, "--description", &text])
            .ok();
        shop.run(&["kb", "edit", id, "--set", &format!("colour={colour}")]).ok();
    }
    shop
}

/// Somebody's conversation.
struct Talk<'a> {
    web: &'a Web,
    user: &'static str,
}

impl Talk<'_> {
    async fn says(&self, photo: Option<u32>, words: &str) -> Value {
        let form = asking(photo, words).text("conversation", "main");
        self.done(self.web.call("POST", "/api/ask").multipart(form)).await
    }

    async fn presses(&self, reply: &Value, label: &str) -> Value {
        let buttons = reply["buttons"].as_array().unwrap();
        let button = buttons.iter().find(|b| b["label"].as_str().unwrap().contains(label));
        let button = button.unwrap_or_else(|| panic!("no {label}: {reply}"));
        let body = json!({ "action": button["action"], "conversation": "main" });
        self.done(self.web.call("POST", "/api/press").json(&body)).await
    }

    async fn done(&self, request: RequestBuilder) -> Value {
        let cookie = format!("magpie_user={}", self.user.repeat(32));
        ok(request.header(COOKIE, cookie).send().await.unwrap()).await
    }
}

fn answer(reply: &Value) -> &str {
    reply["answer"]["text"].as_str().unwrap_or_else(|| panic!("{reply}"))
}

#[tokio::test]
async fn a_button_or_words_say_which_look_alike_it_is() {
    let web = Web::start(pots(), &[]);
    let talk = Talk { web: &web, user: "a" };
    let asked = talk.says(Some(7), "How heavy is it?").await;
    assert!(asked["answer"].is_null(), "{asked}");
    let text = asked["texts"][0]["text"].as_str().unwrap();
    assert!(text.contains("The pot-a") && text.contains("colour"), "{text}");
    assert!(answer(&talk.presses(&asked, "blue").await).contains("2 kg"));

    let talk = Talk { web: &web, user: "b" };
    talk.says(Some(7), "How heavy is it?").await;
    assert!(answer(&talk.says(None, "the red one").await).contains("1 kg"));

    let talk = Talk { web: &web, user: "c" };
    let asked = talk.says(Some(7), "How heavy is it?").await;
    assert!(answer(&talk.presses(&asked, "None of these").await).contains("9 kg"));
}

#[tokio::test]
async fn a_model_is_asked_once_it_is_clear_which_it_is() {
    let server = obedient();
    let url = format!("{}/v1", server.url());
    let model = [("MAGPIE__ANSWER__BASE_URL", url.as_str()), ("MAGPIE__ANSWER__API_KEY", KEY)];
    let web = Web::start(pots(), &model);
    let talk = Talk { web: &web, user: "a" };
    let asked = talk.says(Some(7), "How heavy is it?").await;
    assert_eq!(server.requests().len(), 0);
    assert!(answer(&talk.presses(&asked, "blue").await).contains("A kettle"));
    obedient::asked_about(&server, "How heavy is it?", "pot-b", "pot-a");
}
