//! Limits, refusals and lines that break.

use super::*;

#[tokio::test]
async fn told_to_wait_it_waits_and_an_edit_that_fails_becomes_a_message() {
    let model = Model::new().await;
    let stage = Stage::with(&[("kettle", 2)], |s| with_model(s, &model)).await;
    let (fake, user) = (&stage.fake, User::new(7));
    fake.plan("sendMessage", &[Fault::Flood(1)]);
    fake.plan("sendPhoto", &[Fault::Flood(1)]);
    fake.plan(
        "editMessageText",
        &[Fault::Flood(1), Fault::Refused(400, "Bad Request: message can't be edited")],
    );
    user.writes(fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs ");
    let first = fake.says(7, "It weighs").await;
    model.say("2 kg, ");
    let second = fake.says(7, "2 kg").await;
    assert!(second.id > first.id);
    model.say("I think.");
    model.end();
    let (last, _) = fake.button(7, "👍").await;
    assert_eq!((last.id, last.text.as_str()), (second.id, "It weighs 2 kg, I think."));
    let sent = fake.calls("sendPhoto");
    assert!(sent.len() == 2 && sent[1].at - sent[0].at >= Duration::from_secs(1));
    stage.end().await;
}

#[tokio::test]
async fn pictures_that_telegram_refuses_are_named_instead() {
    let stage = Stage::new(&[("kettle", 2), ("lamp", 1)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    fake.plan("sendMediaGroup", &[Fault::Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")]);
    user.writes(fake).photo(png(2)).caption("/similar").send();
    let named = fake.says(7, "The lamp").await;
    assert!(named.text.contains("The kettle") && named.files.is_empty(), "{named:?}");
    stage.end().await;
}

#[tokio::test]
async fn trouble_on_the_line_loses_and_doubles_nothing() {
    let stage = Stage::new(&[("lamp", 1)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).text("/help").send();
    fake.says(7, "/similar").await;
    fake.plan("getUpdates", &[Fault::Cut, Fault::Flood(1), Fault::Broken, Fault::Cut]);
    for n in 0..5 {
        user.writes(fake).text(&format!("/unknown{n}")).send();
    }
    fake.says(7, "/unknown4").await;
    user.writes(fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    let shown = fake.chat(7);
    let told: Vec<&str> = lines(&shown).into_iter().map(|(_, text)| text).collect();
    assert_eq!(told.len(), 7, "{told:?}");
    assert!((0..5).all(|n| told[n + 1].contains(&format!("/unknown{n}"))), "{told:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_wrong_token_or_webhook_is_said_at_once_and_the_token_never() {
    let stage = Stage::new(&[]).await;
    let stop = CancellationToken::new;
    let wrong =
        TelegramSettings { token: "12:not-the-token".to_owned().into(), ..stage.settings.clone() };
    let told = front::telegram::run(wrong, stage.bot.clone(), None, stop()).await.unwrap_err();
    assert!(told.contains("@BotFather") && !told.contains("not-the-token"), "{told}");
    let webhook = TelegramSettings {
        webhook_url: "https://x.example/telegram".into(),
        ..stage.settings.clone()
    };
    let told = front::telegram::webhook(&webhook).map(drop).unwrap_err();
    assert!(told.contains("telegram.webhook_secret"), "{told}");
    stage.end().await;
}

#[tokio::test]
async fn a_cut_in_the_middle_of_an_answer_loses_and_doubles_nothing() {
    let model = Model::new().await;
    let stage = Stage::with(&[("kettle", 2)], |s| with_model(s, &model)).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs ");
    fake.says(7, "It weighs").await;
    fake.line.cut();
    User::new(8).writes(fake).text("/help").send();
    model.say("2 kg.");
    model.end();
    fake.line.tried(12).await;
    fake.line.mend();
    let (answer, _) = fake.button(7, "👍").await;
    assert_eq!(answer.text, "It weighs 2 kg.");
    fake.says(8, "/similar").await;
    User::new(8).writes(fake).text("/forget").send();
    fake.says(8, "forgotten").await;
    assert_eq!((fake.chat(7).len(), fake.chat(8).len()), (2, 2));
    stage.end().await;
}

#[tokio::test]
async fn what_cannot_be_written_down_stays_with_telegram() {
    let mut blocked = std::path::PathBuf::new();
    let stage = Stage::with(&[], |s| {
        // A directory stands where the journal should.
        blocked = s.catalogue.dir.join(format!("telegram-{}.jsonl", telegram::BOT));
        std::fs::create_dir_all(&blocked).unwrap();
    })
    .await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).text("/help").send();
    fake.until("tries", |f| Some(()).filter(|()| f.calls("getUpdates").len() > 2)).await;
    assert_eq!((fake.unconfirmed(), fake.chat(7).len()), (1, 0));
    std::fs::remove_dir(&blocked).unwrap();
    fake.says(7, "/similar").await;
    user.writes(fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    assert_eq!(fake.chat(7).len(), 2);
    stage.end().await;
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_it() {
    let stage = Stage::new(&[]).await;
    stage.fake.plan("getUpdates", &[Fault::Refused(401, "Unauthorized")]);
    User::new(7).writes(&stage.fake).text("/help").send();
    let told = stage.running.await.unwrap().unwrap_err();
    assert!(told.contains("@BotFather"), "{told}");
}
