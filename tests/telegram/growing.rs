//! Answers that grow by edits.

use super::*;

#[tokio::test]
async fn the_answer_grows_by_edits_and_its_last_state_stays() {
    let model = Model::new().await;
    let stage = Stage::with(&[("kettle", 2)], |s| {
        with_model(s, &model);
        // Its length is all that this answer is for.
        s.answer.max_ungrounded = 0;
    })
    .await;
    User::new(7).writes(&stage.fake).photo(png(2)).caption("How heavy?").send();
    model.say("It weighs <img src=x onerror=alert(1)> **2");
    let first = stage.fake.says(7, "<img src=x onerror=alert(1)>").await;
    // "typing" is shown for five seconds, so it is said again and again.
    let typing = |f: &Telegram| f.calls("sendChatAction").len() >= 3;
    stage.fake.until("typing", |f| Some(()).filter(|()| typing(f))).await;
    // What comes sooner than the bot's own pace waits for the next words.
    tokio::time::sleep(Duration::from_millis(100)).await;
    model.say(" kg** & [this](https://evil.example/x) `</code>` ");
    let second = stage.fake.says(7, "2 kg & this </code>").await;
    assert_eq!(first.id, second.id);
    // More than a message holds, with tags around the cut.
    model.say(&"**kettle ö** <& ".repeat(380));
    model.say("the end");
    model.end();
    let (last, _) = stage.fake.button(7, "👍").await;
    let shown = stage.fake.chat(7);
    let texts: Vec<&Shown> = shown.iter().filter(|s| s.method == "sendmessage").collect();
    assert!(texts.len() > 1 && texts[0].id == first.id && texts.last() == Some(&&last));
    assert!(last.text.ends_with("the end") && last.html.contains("<b>kettle ö</b>"), "{last:?}");
    assert!(texts.iter().all(|t| !t.html.contains("evil")));
    assert!(texts[0].edits >= 1);
    stage.end().await;
}
