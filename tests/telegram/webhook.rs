//! Updates by webhook, delivered to the real binary as Telegram and a proxy would.

use super::telegram::{Hook, post};
use super::*;

const URL: &str = "https://bot.example.com/telegram";
const SECRET: &str = "0123456789-abcdef_ABCDEF";

/// A shop with a kettle.
fn shop() -> Shop {
    let shop = Shop::new();
    let picture = shop.picture("kettle.png", 2);
    let text = "A kettle. It weighs 2 kg.";
    shop.run(&["kb", "add", &picture, "--description", text, "--id", "kettle"]).ok();
    shop
}

fn hooked(shop: &Shop, fake: &Telegram, model: Option<&Model>) -> Served {
    let settings = [
        ("MAGPIE__TELEGRAM__WEBHOOK_URL", URL),
        ("MAGPIE__TELEGRAM__WEBHOOK_SECRET", SECRET),
        ("MAGPIE__WEB__ACCESS_TOKEN", "a-token-for-visitors"),
        ("MAGPIE__BOT__GRACE_S", "1"),
    ];
    Served::start(shop, fake, model, &settings)
}

#[tokio::test]
async fn a_photo_that_is_delivered_is_answered_and_delivered_twice_answered_once() {
    let (fake, shop) = (Telegram::new().await, shop());
    let served = hooked(&shop, &fake, None);
    let hook = fake.until("a webhook", Telegram::webhook).await;
    assert_eq!((hook.url.as_str(), hook.secret.as_deref()), (URL, Some(SECRET)));
    let user = User::new(7);
    user.writes(&fake).photo(png(2)).caption("How heavy?").send();
    let update = fake.waiting().unwrap().to_string();
    assert_eq!(fake.deliver(&served.url).await, 200);
    let (answer, good) = fake.button(7, "👍").await;
    assert!(answer.text.contains("2 kg"), "{answer:?}");
    let again = post(&served.url, &hook, Some(SECRET), update).await;
    assert_eq!((again.status, again.body.as_str()), (200, ""));
    user.presses(&fake, &answer, &good);
    assert_eq!(fake.deliver(&served.url).await, 200);
    fake.says(7, "May I keep this?").await;
    // A chat is answered in its order, so a second answer would stand before this.
    user.writes(&fake).text("/forget").send();
    assert_eq!(fake.deliver(&served.url).await, 200);
    fake.says(7, "forgotten").await;
    let shown = fake.chat(7);
    let pictures = shown.iter().filter(|s| s.method == "sendphoto").count();
    assert_eq!((shown.len(), pictures), (4, 1), "{shown:?}");
    assert!(fake.calls("getUpdates").is_empty());
    assert_eq!(fake.faults(), [""; 0]);
    let log = std::fs::read_to_string(shop.path("log")).unwrap();
    assert!(log.contains(URL) && !log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn only_who_knows_the_secret_delivers_and_nothing_else_is_opened() {
    let (fake, shop) = (Telegram::new().await, shop());
    let served = hooked(&shop, &fake, None);
    let hook = fake.until("a webhook", Telegram::webhook).await;
    let user = User::new(7);
    user.writes(&fake).text("/help").send();
    let update = fake.waiting().unwrap().to_string();
    let cased = SECRET.to_uppercase();
    for secret in [None, Some(""), Some("wrong"), Some(&SECRET[1..]), Some(cased.as_str())] {
        for body in [update.clone(), "{".to_owned()] {
            let told = post(&served.url, &hook, secret, body).await;
            assert_eq!((told.status, told.body.as_str()), (403, ""), "{secret:?}");
        }
    }
    let oversized = format!("{{\"update_id\": 1, \"x\": \"{}\"}}", "x".repeat(1 << 20));
    for (body, status) in
        [("{", 400), ("{}", 400), ("[1]", 400), ("", 400), (oversized.as_str(), 413)]
    {
        let told = post(&served.url, &hook, Some(SECRET), body.to_owned()).await;
        assert_eq!((told.status, told.body.as_str()), (status, ""));
    }
    // Under the public name there is the webhook alone, and under its own name nothing is new.
    for path in ["", "/", "/api/me", "/telegram/", "/telegram/x", "/assets/app.js"] {
        let beside = Hook { url: format!("https://bot.example.com{path}"), ..hook.clone() };
        assert_eq!(post(&served.url, &beside, Some(SECRET), update.clone()).await.status, 421);
    }
    let host = served.url.replace("http://", "https://");
    for (path, status) in [("api/similar", 401), ("telegram/x", 404)] {
        let own = Hook { url: format!("{host}{path}"), ..hook.clone() };
        assert_eq!(post(&served.url, &own, Some(SECRET), update.clone()).await.status, status);
    }
    assert_eq!(fake.deliver(&served.url).await, 200);
    fake.says(7, "/similar").await;
    assert_eq!(fake.chat(7).len(), 1);
    assert_eq!(fake.faults(), [""; 0]);
}

#[tokio::test]
async fn what_was_confirmed_before_the_bot_stopped_or_was_killed_is_answered_after_the_next_start()
{
    let (fake, model, shop) = (Telegram::new().await, Model::new().await, shop());
    let mut served = hooked(&shop, &fake, Some(&model));
    let user = User::new(7);
    user.writes(&fake).photo(png(2)).caption("How heavy?").send();
    let photo = fake.waiting().unwrap().to_string();
    assert_eq!(fake.deliver(&served.url).await, 200);
    model.say("It weighs ");
    fake.says(7, "It weighs").await;
    // Confirmed and not begun: the chat's answers come in their order.
    user.writes(&fake).text("/help").send();
    assert_eq!(fake.deliver(&served.url).await, 200);
    served.kill();
    assert!(!fake.chat(7).iter().any(|s| s.text.contains("/similar")));

    let mut served = hooked(&shop, &fake, Some(&model));
    model.asked(2).await;
    // Telegram never heard of the confirmation.
    let hook = fake.webhook().unwrap();
    assert_eq!(post(&served.url, &hook, Some(SECRET), photo).await.status, 200);
    model.say("It weighs 2 kg.");
    model.end();
    fake.button(7, "👍").await;
    fake.says(7, "/similar").await;

    user.writes(&fake).photo(png(2)).caption("And this?").send();
    assert_eq!(fake.deliver(&served.url).await, 200);
    model.say("It has ");
    fake.says(7, "It has").await;
    user.writes(&fake).text("/nonsense").send();
    assert_eq!(fake.deliver(&served.url).await, 200);
    served.terminate().await;
    assert!(!fake.chat(7).iter().any(|s| s.text.contains("nonsense")));

    let _served = hooked(&shop, &fake, Some(&model));
    fake.says(7, "nonsense").await;
    let times = |text: &str| fake.chat(7).iter().filter(|s| s.text.contains(text)).count();
    assert_eq!((times("It weighs 2 kg."), times("/similar"), times("nonsense")), (1, 1, 1));
    assert_eq!(model.asked.borrow().to_owned(), 3);
    assert_eq!(fake.faults(), [""; 0]);
}

#[tokio::test]
async fn a_webhook_that_was_left_behind_is_taken_away_for_polling() {
    let stage = Stage::new(&[]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let hook = Hook { url: URL.into(), secret: None, allowed: Vec::new() };
    fake.set_webhook(hook);
    // It is in the middle of a request for updates; the next one is refused.
    user.writes(fake).text("/help").send();
    fake.until("no webhook", |f| Some(()).filter(|()| f.webhook().is_none())).await;
    user.writes(fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    assert_eq!((fake.calls("deleteWebhook").len(), fake.chat(7).len()), (1, 2));
    stage.end().await;
}

#[tokio::test]
async fn a_delivery_that_cannot_be_written_down_is_refused_and_comes_again() {
    let (fake, shop) = (Telegram::new().await, shop());
    let journal = shop.data().join(format!("telegram-{}.jsonl", telegram::BOT));
    std::fs::create_dir(&journal).unwrap();
    let served = hooked(&shop, &fake, None);
    fake.until("a webhook", Telegram::webhook).await;
    User::new(7).writes(&fake).text("/help").send();
    for _ in 0..2 {
        assert_eq!(fake.deliver(&served.url).await, 500);
    }
    assert_eq!(fake.chat(7).len(), 0);
    std::fs::remove_dir(&journal).unwrap();
    assert_eq!(fake.deliver(&served.url).await, 200);
    fake.says(7, "/similar").await;
    assert_eq!(fake.chat(7).len(), 1);
}

#[tokio::test]
async fn a_token_that_is_revoked_is_noticed_by_the_first_call() {
    let (fake, shop) = (Telegram::new().await, shop());
    let served = hooked(&shop, &fake, None);
    fake.until("a webhook", Telegram::webhook).await;
    for method in ["sendMessage", "getMe"] {
        fake.plan(method, &[Fault::Refused(401, "Unauthorized")]);
    }
    User::new(7).writes(&fake).text("/help").send();
    assert_eq!(fake.deliver(&served.url).await, 200);
    fake.until("a question", |f| Some(()).filter(|()| f.calls("getMe").len() == 2)).await;
    let log = || std::fs::read_to_string(shop.path("log")).unwrap();
    let told = async {
        while !log().contains("Telegram is off") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.unwrap();
    // Written down, it is answered when there is a token again.
    drop(served);
    let _served = hooked(&shop, &fake, None);
    fake.says(7, "/similar").await;
}
