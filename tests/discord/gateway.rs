//! The gateway: resuming, sessions that end, shards, tokens that are not accepted.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_resumes_with_nothing_lost_or_doubled() {
    let stage = Stage::new().await;
    let one = stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    stage.says(&channel(), "2 kg").await;
    let identified = &stage.discord.identified()[0];
    assert_eq!(identified["presence"]["status"], "online");
    assert_eq!(identified["presence"]["activities"][0]["state"], "Send me a photo and a question");
    for break_off in [
        Discord::cut as fn(&Discord),
        |d| d.close(4000),
        Discord::reconnect,
        |d| d.invalidate(true),
    ] {
        let resumed = stage.discord.resumed().len();
        break_off(&stage.discord);
        let place = stage.discord.id().to_string();
        stage.discord.message(USER, &format!("<@{ME}> /help"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
        });
        stage.discord.until("RESUME", |d| (d.resumed().len() > resumed).then_some(())).await;
        let helped = stage.says(&place, "/similar").await.len();
        stage.discord.repeat();
        // Whatever comes after the repeated event shows that it was left alone.
        let after = stage.discord.id().to_string();
        stage.discord.message(USER, &format!("<@{ME}> /help"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = after.as_str().into();
        });
        stage.says(&after, "/similar").await;
        assert_eq!(stage.discord.standing(&place).len(), helped);
    }
    let replies = stage.discord.at(&channel());
    let one = one.to_string();
    let to_one = |w: &&Written| w.body["message_reference"]["message_id"] == one.as_str();
    assert_eq!(replies.iter().filter(to_one).count(), 1);
    assert_eq!(stage.discord.identified().len(), 1);
    stage.discord.until("a heartbeat", |d| (d.heartbeats() > 0).then_some(())).await;
    // A session that cannot be resumed starts anew.
    stage.discord.invalidate(false);
    stage.discord.until("IDENTIFY", |d| (d.identified().len() == 2).then_some(())).await;
    let place = stage.discord.id().to_string();
    stage.discord.message(USER, "/help", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = place.as_str().into();
    });
    stage.says(&place, "/similar").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_never_goes_on_is_given_up_for_a_new_one() {
    let stage = Stage::new().await;
    stage.discord.refuse_to_resume(4000);
    stage.discord.cut();
    stage.discord.until("IDENTIFY", |d| (d.identified().len() == 2).then_some(())).await;
    assert_eq!(stage.discord.resumed().len(), 3);
    let place = stage.help();
    stage.says(&place, "/similar").await;
    stage.end().await;

    // One whose own address is gone goes on where sessions begin.
    let discord = Discord::new().await;
    discord.resume_at("ws://127.0.0.1:1/gateway");
    let stage = Stage::on(discord, |_| {}).await;
    stage.discord.cut();
    let place = stage.help();
    stage.says(&place, "/similar").await;
    let (resumed, identified) = (stage.discord.resumed(), stage.discord.identified());
    assert_eq!((resumed.len(), identified.len()), (1, 1));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_revoked_token_is_said_without_the_token() {
    let discord = Discord::new().await;
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.catalogue.dir = dir.path().join("data");
    let bot = Bot::new(settings, Clip::open(&tiny()).unwrap()).unwrap();
    let settings = DiscordSettings {
        token: "wrong-token".to_owned().into(),
        api_url: discord.url(),
        ..DiscordSettings::default()
    };
    let run = front::discord::run(settings, bot, CancellationToken::new());
    let error = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap_err();
    assert!(error.contains("does not accept the token"), "{error}");
    assert!(!error.contains("wrong-token"), "{error}");

    // Revoked while it runs, which the gateway says or any call.
    let unauthorized = |stage: &Stage| {
        stage.discord.fault(Fault {
            method: "POST",
            path: "/messages".into(),
            times: 1,
            status: 401,
            headers: vec![],
            body: json!({"message": "401: Unauthorized", "code": 0}),
        });
        stage.help();
    };
    for revoke in [&(|s: &Stage| s.discord.close(4004)) as &dyn Fn(&Stage), &unauthorized] {
        let stage = Stage::new().await;
        revoke(&stage);
        let ended = tokio::time::timeout(PATIENCE, stage.running).await.unwrap().unwrap();
        let error = ended.unwrap_err();
        assert!(error.contains("does not accept the token") && !error.contains(TOKEN), "{error}");
    }
    // What the operator must switch on is said as well.
    let stage = Stage::new().await;
    stage.discord.close(4014);
    let ended = tokio::time::timeout(PATIENCE, stage.running).await.unwrap().unwrap();
    assert!(ended.unwrap_err().contains("Message Content Intent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_shards_each_answer_once() {
    let discord = Discord::new().await;
    discord.set_shards(2);
    let stage = Stage::on(discord, |_| {}).await;
    stage.discord.until("both", |d| (d.identified().len() == 2).then_some(())).await;
    let mut shards: Vec<Value> =
        stage.discord.identified().iter().map(|i| i["shard"].clone()).collect();
    shards.sort_by_key(|s| s[0].as_u64());
    assert_eq!(shards, [json!([0, 2]), json!([1, 2])]);
    for shard in [0, 1] {
        let place = stage.discord.id();
        let mut event = discord::message(stage.discord.id(), place, &person(USER), "/help");
        event["mentions"] = json!([person(ME)]);
        event["guild_id"] = discord::guild_of(shard).to_string().into();
        // The second delivery is another shard's, as while the bot is given another number of them.
        stage.discord.event_on(shard, "MESSAGE_CREATE", event.clone());
        stage.discord.event_on(1 - shard, "MESSAGE_CREATE", event);
        stage.says(&place.to_string(), "/similar").await;
        let after = stage.help();
        stage.says(&after, "/similar").await;
        let place = place.to_string();
        assert_eq!(stage.discord.standing(&place).len(), stage.discord.standing(&after).len());
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_network_is_down_is_answered_once_when_it_is_back() {
    let stage = Stage::new().await;
    let line = stage.discord.line().clone();
    for (down, tries) in [(Line::cut as fn(&Line), 4), (Line::swallow, 1)] {
        stage.says(&stage.help(), "/similar").await;
        down(&line);
        let meanwhile = stage.help();
        line.tried(tries).await;
        line.mend();
        let answered = stage.says(&meanwhile, "/similar").await.len();
        let after = stage.help();
        stage.says(&after, "/similar").await;
        assert_eq!(stage.discord.standing(&meanwhile).len(), answered);
    }
    assert_eq!((stage.discord.identified().len(), stage.discord.resumed().len()), (1, 2));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_meanwhile_begins_anew() {
    let stage = Stage::new().await;
    stage.discord.close(4009);
    stage.discord.until("IDENTIFY", |d| (d.identified().len() == 2).then_some(())).await;
    stage.says(&stage.help(), "/similar").await;
    assert!(stage.discord.resumed().is_empty());
    stage.end().await;
}
