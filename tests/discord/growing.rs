//! Answers that grow by editing, to their end.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_grows_by_editing_and_a_deleted_one_is_said_anew() {
    let model = Model::new().await;
    let stage = Stage::with(|s| {
        with_model(s, &model);
        // Its length is all that this answer is for.
        s.answer.max_ungrounded = 0;
    })
    .await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    model.say("It ");
    stage.says(&channel(), "It").await;
    for (piece, seen) in
        [("weighs ", "weighs"), ("**two kilos** ", "kilos"), ("and is red.", "red")]
    {
        model.say(piece);
        // What comes right behind another piece is shown with the next one.
        while tokio::time::timeout(Duration::from_millis(200), stage.says(&channel(), seen))
            .await
            .is_err()
        {
            model.say(" ");
        }
    }
    let standing = stage.discord.standing(&channel());
    let id = standing.last().unwrap().id.clone();
    let long = "kettle ".repeat(650);
    model.say(&format!("\n\n{long}\n\nThe end. [kettle]"));
    model.end();
    let standing = stage
        .discord
        .until("the end", |d| {
            let standing = d.standing(&channel());
            standing.iter().any(|w| said(w).contains("The end")).then_some(standing)
        })
        .await;
    assert!(standing.len() >= 4, "{}", standing.len());
    assert_eq!(standing[1].id, id);
    assert!(standing[1].content().contains("**two kilos**"), "{}", standing[1].content());
    button(&standing[standing.len() - 1..], "Helpful");
    let written = stage.discord.at(&channel());
    let edits: Vec<_> = written.iter().filter(|w| w.what == "edit").map(|w| w.at).collect();
    assert!(!edits.is_empty());
    for pair in edits.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(1150), "{:?}", pair[1] - pair[0]);
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_edited_is_sent_again() {
    let model = Model::new().await;
    let stage = Stage::with(|s| with_model(s, &model)).await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    model.say("It weighs");
    let standing = stage.says(&channel(), "It weighs").await;
    let old = standing.last().unwrap().id.clone();
    stage.discord.fault(Fault {
        method: "PATCH",
        path: format!("/messages/{old}"),
        times: 100,
        status: 404,
        headers: vec![],
        body: json!({"message": "Unknown Message", "code": 10008}),
    });
    model.say(" two kilos.");
    model.end();
    let standing = stage.says(&channel(), "two kilos.").await;
    assert_ne!(standing.last().unwrap().id, old);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_lets_an_answer_come_to_its_end() {
    let model = Model::new().await;
    let stage = Stage::with(|s| with_model(s, &model)).await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    model.say("It weighs");
    stage.says(&channel(), "It weighs").await;
    stage.stop.cancel();
    stage
        .discord
        .until("idle", |d| d.presences().iter().find(|p| p["status"] == "idle").cloned())
        .await;
    // Whoever comes now is told.
    let late = stage.discord.id().to_string();
    stage.discord.message(USER, "hello", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = late.as_str().into();
    });
    stage.says(&late, "being restarted").await;
    model.say(" two kilos.");
    model.end();
    let discord = stage.discord.clone();
    stage.end().await;
    let standing = discord.standing(&channel());
    assert!(standing.last().unwrap().content().contains("two kilos."), "{standing:#?}");
    assert_eq!(discord.closed(), [Some(1000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_the_program_finish_an_answer() {
    let (discord, model) = (Discord::new().await, Model::new().await);
    let shop = support::Shop::new();
    shop.picture("kb/kettle.png", 2);
    let row = json!({"image_path": "kettle.png", "id": "kettle", "description": "It weighs 2 kg."});
    shop.run(&["kb", "import", &shop.listing(&row.to_string())]).ok();
    let mut serving = shop
        .command(&["serve"])
        .env("MAGPIE__DISCORD__CDN_HOSTS", discord.host())
        .env("MAGPIE__WEB__LISTEN", "127.0.0.1:0")
        .env("MAGPIE__ANSWER__BASE_URL", &model.url)
        .env("MAGPIE__ANSWER__API_KEY", "sk-none")
        .env("MAGPIE__DISCORD__TOKEN", TOKEN)
        .env("MAGPIE__DISCORD__API_URL", discord.url())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    discord.until("IDENTIFY", |d| (d.identified().len() == 1).then_some(())).await;
    let photo = discord.attachment("photo.png", "image/png", png(2));
    discord.message(USER, &format!("<@{ME}> How heavy is it?"), |m| {
        m["mentions"] = json!([person(ME)]);
        m["attachments"] = json!([photo]);
    });
    let says = |words: &'static str| {
        let discord = discord.clone();
        async move {
            let said = |d: &Discord| d.standing(&channel()).iter().any(|w| said(w).contains(words));
            discord.until(words, |d| said(d).then_some(())).await;
        }
    };
    model.say("It weighs");
    says("It weighs").await;
    let kill = std::process::Command::new("kill").arg(serving.id().to_string()).status();
    assert!(kill.unwrap().success());
    discord
        .until("idle", |d| d.presences().iter().any(|p| p["status"] == "idle").then_some(()))
        .await;
    model.say(" two kilos.");
    model.end();
    says("two kilos.").await;
    let ended = tokio::task::spawn_blocking(move || serving.wait().unwrap());
    let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
    assert_eq!(discord.closed(), [Some(1000)]);
    assert_eq!(discord.complaints(), Vec::<String>::new());
}
