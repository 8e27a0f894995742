//! Calls that Discord limits, fails or refuses.

use super::*;

/// What comes of the next message that is sent to the channel.
fn sending(status: u16, headers: Vec<(&'static str, String)>, body: Value) -> Fault {
    let path = format!("/channels/{CHANNEL}/messages");
    Fault { method: "POST", path, times: 1, status, headers, body }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_failures_of_discord_are_waited_out() {
    let stage = Stage::new().await;
    let limited = json!({"message": "You are being rate limited.", "retry_after": 0.7,
        "global": false, "code": 0});
    stage.discord.fault(sending(429, vec![("retry-after", "1".into())], limited));
    stage.discord.fault(sending(502, vec![], Value::Null));
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(standing.len(), 2, "{standing:#?}");
    // What Discord refuses for good is not tried again: the answer goes to whoever asked, and the
    // next request is served where it was made.
    stage.discord.fault(sending(403, vec![], json!({"message": "Missing Access", "code": 50001})));
    let before = stage.discord.requests().len();
    stage.mention(USER, "/help", None);
    let sends = |d: &Discord| {
        let path = format!("POST /channels/{CHANNEL}/messages");
        d.requests().iter().skip(before).filter(|r| **r == path).count()
    };
    stage.says(&discord::dm_of(USER).to_string(), "/similar").await;
    assert_eq!(sends(&stage.discord), 1);
    stage.mention(USER, "/help", None);
    stage.says(&channel(), "/similar").await;
    assert_eq!(sends(&stage.discord), 2);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_replies_are_not_allowed_the_channel_is_written_to_without() {
    let stage = Stage::new().await;
    stage.discord.fault(sending(403, vec![], json!({"message": "Cannot reply without permission to read message history", "code": 160_002})));
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    let [matches, _] = standing.as_slice() else { panic!("{standing:#?}") };
    assert!(matches.body["message_reference"].is_null() && !matches.files.is_empty());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_in_one_channel_are_all_answered_within_its_limit() {
    let stage = Stage::new().await;
    stage.discord.limit();
    stage.discord.far(Duration::from_millis(150));
    for user in 0..14 {
        stage.mention(USER + 100 + user, "/help", None);
    }
    let all = |d: &Discord| (d.standing(&channel()).len() == 14).then_some(());
    stage.discord.until("14 answers", all).await;
    // What the first calls of all were on their way for, and no more.
    assert!(stage.discord.limited() < 12, "{}", stage.discord.limited());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_on_everything_stops_every_route() {
    let stage = Stage::new().await;
    let limited = stage.discord.id().to_string();
    stage.discord.fault(Fault {
        method: "POST",
        path: format!("/channels/{limited}/messages"),
        times: 1,
        status: 429,
        headers: vec![("retry-after", "2".into()), ("x-ratelimit-global", "true".into())],
        body: json!({"message": "You are being rate limited.", "retry_after": 1.5, "global": true}),
    });
    let asked = std::time::Instant::now();
    stage.discord.message(USER, "/help", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = limited.as_str().into();
    });
    let sends = format!("POST /channels/{limited}/messages");
    stage.discord.until("the limit", |d| d.requests().contains(&sends).then_some(())).await;
    // What is sent before the bot has read that it must wait may still go through; when the answer to
    // that has come, it has read it.
    let early = stage.help();
    stage.says(&early, "/similar").await;
    let other = stage.help();
    for place in [&limited, &other] {
        let standing = stage.says(place, "/similar").await;
        assert!(standing[0].at - asked >= Duration::from_millis(1500), "{place}");
    }
    let calls = stage.discord.requests().iter().filter(|r| **r == sends).count();
    assert_eq!(calls, 1 + stage.discord.standing(&limited).len());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_whose_token_has_died_is_answered_in_the_channel() {
    let stage = Stage::new().await;
    let dead = |method| Fault {
        method,
        path: format!("/webhooks/{}/", discord::APPLICATION),
        times: 1,
        status: 401,
        headers: vec![],
        body: json!({"message": "Invalid Webhook Token", "code": 50027}),
    };
    // From the first word on: matches and answer go to the channel, each once.
    stage.discord.fault(dead("PATCH"));
    stage.discord.command(USER, ask("How heavy is it?", Some(&stage.photo(2))), |_| {});
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(standing.len(), 2, "{standing:#?}");
    assert_eq!(matched(&standing[0])[0], "kettle");
    button(&standing, "Helpful");
    // In the middle.
    let unknown = Fault {
        status: 404,
        body: json!({"message": "Unknown Webhook", "code": 10015}),
        ..dead("POST")
    };
    stage.discord.fault(unknown);
    let token = stage.discord.command(USER, ask("How heavy is it?", Some(&stage.photo(1))), |_| {});
    stage.says(&channel(), "1 kg").await;
    assert_eq!(matched(&stage.discord.standing(&token)[0])[0], "lamp");
    // What only the user should see goes to nobody else, an admin's answer above all.
    let direct = discord::dm_of(USER).to_string();
    let before = stage.discord.at(&channel()).len();
    stage.discord.fault(dead("PATCH"));
    stage.discord.command(USER, kb("stats", vec![], None), manager);
    stage.says(&direct, "3 products").await;
    stage.discord.fault(dead("PATCH"));
    stage.discord.command(USER, slash("forget", vec![], None), |_| {});
    stage.says(&direct, "forgotten").await;
    // A refusal in a public response, and a channel where the bot may not write.
    stage.discord.fault(dead("POST"));
    stage.discord.command(USER, ask("How heavy is it?", None), |_| {});
    stage.says(&direct, "Send me a photo").await;
    assert_eq!(stage.discord.at(&channel()).len(), before);
    stage.discord.fault(dead("PATCH"));
    stage.discord.fault(Fault {
        method: "POST",
        path: format!("/channels/{CHANNEL}/messages"),
        times: 1,
        status: 403,
        headers: vec![],
        body: json!({"message": "Missing Access", "code": 50001}),
    });
    stage.discord.command(USER, ask("How heavy is it?", Some(&stage.photo(3))), |_| {});
    stage.says(&direct, "3 kg").await;
    assert_eq!(stage.discord.at(&channel()).len(), before);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_that_may_have_arrived_is_not_sent_twice() {
    let stage = Stage::new().await;
    let failing = |path: String| Fault {
        method: "POST",
        path,
        times: 1,
        status: 502,
        headers: vec![],
        body: Value::Null,
    };
    // The answer, and then the sentence about it, which better comes twice than not at all.
    for _ in 0..2 {
        stage.discord.fault(failing(format!("/webhooks/{}/", discord::APPLICATION)));
    }
    let hook = |r: &&String| r.starts_with("POST /webhooks/");
    let token = stage.discord.command(USER, ask("How heavy is it?", Some(&stage.photo(2))), |_| {});
    let standing = stage.says(&token, "may be missing").await;
    let [matches, told] = standing.as_slice() else { panic!("{standing:#?}") };
    assert!(matched(matches)[0] == "kettle" && told.ephemeral());
    // An acknowledgement is tried twice.
    stage.discord.fault(failing("/callback".into()));
    let help = stage.discord.command(USER, slash("help", vec![], None), |_| {});
    stage.says(&help, "/similar").await;
    // A message can be recognised, so it is sent again.
    let place = stage.discord.id().to_string();
    stage.discord.fault(failing(format!("/channels/{place}/messages")));
    stage.discord.message(USER, "/help", |m| {
        m["mentions"] = json!([person(ME)]);
        m["channel_id"] = place.as_str().into();
    });
    let standing = stage.says(&place, "/similar").await;
    assert!(standing[0].body["enforce_nonce"] == true && standing[0].body["nonce"].is_string());
    assert_eq!(stage.discord.requests().iter().filter(hook).count(), 3);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outlives_an_outage_in_its_middle() {
    // The first is tried more often than a minute has room for, at the pace of the tries.
    for (down, tries) in [(Line::cut as fn(&Line), 9), (Line::swallow, 2)] {
        let model = Model::new().await;
        let stage = Stage::with(|s| with_model(s, &model)).await;
        stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
        model.say("It weighs");
        stage.says(&channel(), "It weighs").await;
        down(stage.discord.line());
        model.say(" two kilos.");
        model.end();
        stage.discord.line().tried(tries).await;
        stage.discord.line().mend();
        let standing = stage.says(&channel(), "two kilos.").await;
        assert_eq!(standing.len(), 2, "{standing:#?}");
        button(&stage.discord.standing(&channel()), "Helpful");
        stage.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_pictures_are_not_allowed_the_matches_come_without() {
    let stage = Stage::new().await;
    stage.discord.fault(sending(
        403,
        vec![],
        json!({"message": "Missing Permissions", "code": 50013}),
    ));
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(matched(&standing[0])[0], "kettle");
    assert!(standing[0].files.is_empty() && standing[0].body["embeds"][0]["thumbnail"].is_null());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_page_without_a_domain_takes_no_match_away() {
    let stage = Stage::new().await;
    let edit = Request {
        admin: true,
        text: "/kb edit kettle url:http://shelf/kettle".into(),
        ..Request::new(Platform::Discord, "", "setup", "setup")
    };
    let _: Vec<Reply> = stage.bot.handle(edit).collect().await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(matched(&standing[0])[0], "kettle");
    let embed = &standing[0].body["embeds"][0];
    assert!(embed["url"].is_null() && !embed["thumbnail"].is_null(), "{embed}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_whose_embeds_are_refused_come_as_words() {
    let stage = Stage::new().await;
    let refused = json!({"message": "Invalid Form Body", "code": 50035});
    stage.discord.fault(Fault { times: 2, ..sending(400, vec![], refused) });
    stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    assert!(said(&standing[0]).contains("The kettle"), "{standing:#?}");
    assert!(standing[0].body["embeds"].is_null() && standing[0].files.is_empty());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_acknowledged_while_everything_else_must_wait() {
    let stage = Stage::new().await;
    let wait =
        json!({"message": "You are being rate limited.", "retry_after": 100, "global": true});
    stage.discord.fault(sending(429, vec![("x-ratelimit-global", "true".to_owned())], wait));
    stage.mention(USER, "/help", None);
    // One for webhooks holds for that webhook alone, and is waited for.
    stage.discord.fault(Fault {
        method: "PATCH",
        path: "@original".into(),
        times: 1,
        status: 429,
        headers: vec![("x-ratelimit-global", "true".to_owned())],
        body: json!({"message": "You are being rate limited.", "retry_after": 0.3, "global": true}),
    });
    let sent = |d: &Discord| d.requests().iter().any(|r| r.contains("/messages")).then_some(());
    stage.discord.until("the limit", sent).await;
    // Somebody else: one person's requests wait for each other.
    let helped = stage.discord.command(6001, json!({"id": "9", "name": "help", "type": 1}), |_| {});
    stage.says(&helped, "/similar").await;
    let edits = |r: &&String| r.contains("@original");
    assert_eq!(stage.discord.requests().iter().filter(edits).count(), 2);
    stage.end().await;
}
