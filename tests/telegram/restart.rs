//! Stopped or killed in the middle, and started again.

use super::*;

#[tokio::test]
async fn stopped_in_the_middle_of_an_answer_it_ends_it_and_the_rest_waits_for_the_next_start() {
    let model = Model::new().await;
    let stage = Stage::with(&[("kettle", 2)], |s| with_model(s, &model)).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs ");
    fake.says(7, "It weighs").await;
    // Taken, but not begun: the chat's answers come in their order.
    user.writes(fake).text("/help").send();
    fake.until("all taken", |f| Some(()).filter(|()| f.unconfirmed() == 0)).await;
    stage.stop.cancel();
    fake.until("the last poll", |f| {
        let last = f.calls("getUpdates").last()?.fields.get("timeout")?.as_i64();
        Some(()).filter(|()| last == Some(0))
    })
    .await;
    user.writes(fake).text("/forget").send();
    model.say("2 kg.");
    model.end();
    fake.button(7, "👍").await;
    stage.running.await.unwrap().unwrap();
    let before = fake.chat(7).len();
    assert_eq!((before, fake.unconfirmed()), (2, 1));
    let stop = CancellationToken::new();
    let again = front::telegram::run(stage.settings.clone(), stage.bot.clone(), None, stop.clone());
    let again = tokio::spawn(again);
    fake.says(7, "forgotten").await;
    let shown = fake.chat(7);
    assert_eq!(shown.len(), before + 2, "{shown:?}");
    assert!(shown[2].text.contains("/similar"));
    stop.cancel();
    again.await.unwrap().unwrap();
    assert_eq!((fake.unconfirmed(), fake.faults()), (0, vec![]));
}

#[tokio::test]
async fn killed_in_the_middle_of_an_answer_it_answers_after_the_next_start() {
    let (fake, model, shop) = (Telegram::new().await, Model::new().await, Shop::new());
    let picture = shop.picture("kettle.png", 2);
    shop.run(&[
        "kb",
        "add",
        &picture,
        "--description",
        "A kettle. It weighs 2 kg.",
        "--id",
        "kettle",
    ])
    .ok();
    let mut served = Served::start(&shop, &fake, Some(&model), &[]);
    User::new(7).writes(&fake).text("/help").send();
    fake.says(7, "/similar").await;
    User::new(8).writes(&fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs ");
    fake.says(8, "It weighs").await;
    fake.until("all taken", |f| Some(()).filter(|()| f.unconfirmed() == 0)).await;
    // The picture and the words are noted.
    let journal = shop.data().join(format!("telegram-{}.jsonl", telegram::BOT));
    let noted = || std::fs::read_to_string(&journal).unwrap_or_default().matches("said").count();
    let noting = async {
        while noted() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), noting).await.unwrap();
    served.kill();
    let _served = Served::start(&shop, &fake, Some(&model), &[]);
    model.asked(2).await;
    model.say("It weighs 2 kg.");
    model.end();
    let (answer, _) = fake.button(8, "👍").await;
    assert_eq!(answer.text, "It weighs 2 kg.");
    // What was said before it broke off is taken back, and what was answered is not answered again.
    User::new(7).writes(&fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    assert_eq!((fake.chat(7).len(), fake.chat(8).len()), (2, 2));
    assert_eq!(fake.faults(), [""; 0]);
    let log = std::fs::read_to_string(shop.path("log")).unwrap();
    let secret = TOKEN.split_once(':').unwrap().1;
    assert!(log.contains("serving @") && !log.contains(secret), "{log}");
}
