//! Questions: by message, by command and from the menu, with all that belongs to an answer.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_mention_with_photo_and_question_gets_matches_in_order_then_an_answer() {
    let stage = Stage::new().await;
    let message = stage.mention(USER, "How heavy is it?", Some(stage.photo(2)));
    let standing = stage.says(&channel(), "2 kg").await;
    let [matches, answer] = standing.as_slice() else { panic!("{standing:#?}") };
    assert_eq!(matched(matches)[0], "kettle");
    assert_eq!(matches.body["embeds"].as_array().unwrap().len(), 3);
    let names: Vec<&str> = matches.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["match-1.jpg", "match-2.jpg", "match-3.jpg"]);
    assert!(matches.files.iter().all(|(_, bytes)| bytes.starts_with(&[0xff, 0xd8])));
    for (n, embed) in matches.body["embeds"].as_array().unwrap().iter().enumerate() {
        assert_eq!(embed["thumbnail"]["url"], format!("attachment://match-{}.jpg", n + 1));
    }
    assert_eq!(matches.body["message_reference"]["message_id"], message.to_string());
    assert!(answer.body["message_reference"].is_null());
    button(&standing, "Helpful");
    let written = stage.discord.at(&channel());
    assert_eq!(written[0].what, "typing", "{written:#?}");
    // What follows is about the same photo.
    stage.mention(USER, "and what is it?", None);
    stage.says(&channel(), "The kettle").await;
    let intents = stage.discord.identified()[0]["intents"].as_u64().unwrap();
    assert_eq!(intents, 1 | 1 << 9 | 1 << 12);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_in_a_direct_message_gets_matches() {
    let stage = Stage::new().await;
    let photo = stage.photo(1);
    let dm = "4999";
    stage.discord.message(USER, "", |m| {
        m.as_object_mut().unwrap().remove("guild_id");
        m.as_object_mut().unwrap().remove("member");
        m["channel_id"] = dm.into();
        m["attachments"] = json!([photo]);
    });
    let standing = stage.says(dm, "What would you like to know").await;
    assert_eq!(matched(&standing[0])[0], "lamp");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_meant_for_the_bot_is_answered() {
    let stage = Stage::with(|s| s.discord.channels = vec![4001]).await;
    let photo = stage.photo(1);
    stage.discord.message(USER, "just talking", |m| m["attachments"] = json!([photo]));
    stage.discord.message(USER, "no photo", |m| m["channel_id"] = "4001".into());
    stage.discord.message(6000, &format!("<@{ME}> I am a bot"), |m| {
        m["mentions"] = json!([person(ME)]);
        m["author"]["bot"] = true.into();
    });
    stage.discord.message(USER, "", |m| {
        m["channel_id"] = "4001".into();
        m["attachments"] = json!([photo]);
    });
    stage.says("4001", "What would you like to know").await;
    assert!(stage.discord.at(&channel()).is_empty());
    // A reply to a message with a photo is about that photo; one to the bot goes on.
    let other = stage.photo(2);
    stage.discord.message(USER, &format!("<@!{ME}> how heavy is it?"), |m| {
        m["mentions"] = json!([person(ME)]);
        m["referenced_message"] = discord::message(7, CHANNEL, &person(6001), "look");
        m["referenced_message"]["attachments"] = json!([other]);
        m["type"] = 19.into();
    });
    let standing = stage.says(&channel(), "2 kg").await;
    assert_eq!(matched(&standing[0])[0], "kettle");
    stage.discord.message(USER, "and what is it?", |m| {
        m["referenced_message"] = discord::message(8, CHANNEL, &person(ME), "");
        m["referenced_message"]["attachments"] = json!([stage.photo(3)]);
        m["type"] = 19.into();
    });
    stage.says(&channel(), "The kettle").await;
    let intents = stage.discord.identified()[0]["intents"].as_u64().unwrap();
    assert_eq!(intents, 1 | 1 << 9 | 1 << 12 | 1 << 15);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ask_is_acknowledged_then_answered_and_its_buttons_work() {
    let stage = Stage::new().await;
    let photo = stage.photo(1);
    let token = stage.discord.command(USER, ask("How heavy is it?", Some(&photo)), |_| {});
    let standing = stage.says(&token, "1 kg").await;
    assert_eq!(standing[0].id, "@original");
    assert_eq!(matched(&standing[0])[0], "lamp");
    let first = &stage.discord.at(&token)[0];
    assert!(first.what == "callback" && first.body["type"] == 5 && !first.ephemeral());

    let next = button(&standing, "Not this one");
    // Nobody else can press it, and they alone are told so.
    let stranger = stage.discord.press(6001, &next, |_| {});
    let told = stage.says(&stranger, "no longer works").await;
    assert!(told.iter().all(Written::ephemeral));
    assert_eq!(stage.marks(&stranger), Vec::<Mark>::new());
    let pressed = stage.discord.press(USER, &next, |_| {});
    let standing = stage.says(&pressed, "kg").await;
    assert_eq!(matched(&standing[0]).len(), 2);
    // It is seen what was chosen, and it cannot be chosen again; judging the answer still can.
    let mark = |label: &str, off, chosen| Mark { label: label.to_owned(), off, chosen };
    let marks = stage.marks(&pressed);
    let [first, good, bad] = marks.as_slice() else { panic!("{marks:?}") };
    assert_eq!(*first, mark("Not this one", true, true));
    assert!(!good.off && !bad.off && !good.chosen, "{marks:?}");
    let again = stage.discord.press(USER, &next, |_| {});
    assert!(stage.says(&again, "no longer works").await.iter().all(Written::ephemeral));
    let judged = stage.discord.press(USER, &button(&standing, "👍"), |_| {});
    let asked = stage.says(&judged, "May I keep this?").await;
    let thanks = stage.discord.press(USER, &button(&asked, "Keep it"), |_| {});
    stage.says(&thanks, "noted").await;
    let marks = stage.marks(&judged);
    let [next, good, bad] = marks.as_slice() else { panic!("{marks:?}") };
    assert!(!next.off && good.off && good.chosen && bad.off && !bad.chosen, "{marks:?}");

    // A follow-up is about the same photo, in the user's own language.
    let german = stage.discord.command(USER, ask("Was kostet es?", None), |e| {
        e["locale"] = "de".into();
    });
    stage.says(&german, "Auszug").await;
    let similar = slash("similar", vec![option("k", 4, 1.into())], Some(&photo));
    let similar = stage.discord.command(USER, similar, |_| {});
    assert_eq!(matched(&stage.says(&similar, "The lamp").await[0]), ["lamp"]);
    let forget = stage.discord.command(USER, slash("forget", vec![], None), |_| {});
    stage.says(&forget, "forgotten").await;
    let without = stage.discord.command(USER, ask("How heavy is it?", None), |_| {});
    let told = stage.says(&without, "Send me a photo").await;
    assert!(told.iter().all(Written::ephemeral), "{told:#?}");
    let help = stage.discord.command(USER, slash("help", vec![], None), |_| {});
    assert!(!said(&stage.says(&help, "/similar").await[0]).contains("/kb"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_messages_are_answered_in_the_language_of_the_last_command() {
    let stage = Stage::new().await;
    let direct = |user: u64, words: &str| {
        let place = discord::dm_of(user).to_string();
        stage.discord.message(user, words, |m| {
            m["channel_id"] = place.as_str().into();
            for of_guilds in ["guild_id", "member"] {
                m.as_object_mut().unwrap().remove(of_guilds);
            }
        });
        place
    };
    let german = stage.discord.command(USER, slash("help", vec![], None), |e| {
        e["locale"] = "de".into();
    });
    stage.says(&german, "/treffer").await;
    stage.says(&direct(USER, "/help"), "/treffer").await;
    stage.says(&direct(6001, "/help"), "/similar").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_asks_about_another_messages_photo() {
    let stage = Stage::new().await;
    let mut target = discord::message(42, CHANNEL, &person(6001), "look");
    let data = |target: &Value| {
        json!({"id": "9", "name": "Ask Magpie about this photo", "type": 3, "target_id": "42",
            "resolved": {"messages": {"42": target}}})
    };
    let bare = stage.discord.command(USER, data(&target), |_| {});
    assert!(stage.says(&bare, "no photo").await[0].id == "@original");
    assert!(stage.discord.at(&bare)[0].ephemeral());
    target["attachments"] = json!([stage.photo(3)]);
    let token = stage.discord.command(USER, data(&target), |_| {});
    let standing = stage.says(&token, "What would you like to know").await;
    assert_eq!(matched(&standing[0])[0], "chair");
    // A forwarded message carries what it forwards beside itself.
    target["attachments"] = json!([]);
    target["message_snapshots"] = json!([{"message": {
        "content": "", "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": null,
        "mentions": [], "mention_roles": [], "attachments": [stage.photo(2)], "embeds": [],
        "type": 0, "flags": 0, "components": [],
    }}]);
    let token = stage.discord.command(USER, data(&target), |_| {});
    let standing = stage.says(&token, "What would you like to know").await;
    assert_eq!(matched(&standing[0])[0], "kettle");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_shown_as_it_is_and_pings_nobody() {
    let stage = Stage::new().await;
    let title = "**@everyone** [x](https://evil.example)";
    let edit = Request {
        admin: true,
        command: Some(magpie::bot::command::Command::Kb(magpie::bot::command::Kb::Edit {
            id: "lamp".into(),
            fields: [
                ("title".to_owned(), title.to_owned()),
                ("description".to_owned(), "# Big\n<@1> ||spoiler|| ```code``` weighs.".to_owned()),
            ]
            .into_iter()
            .collect(),
        })),
        ..Request::new(Platform::Discord, "", "setup", "setup")
    };
    let _: Vec<Reply> = stage.bot.handle(edit).collect().await;
    let token = stage.discord.command(USER, ask("What weighs?", Some(&stage.photo(1))), |_| {});
    let standing = stage.says(&token, "weighs.").await;
    let heading = standing[0].body["embeds"][0]["title"].as_str().unwrap();
    assert!(heading.starts_with(r"\*\*\@everyone\*\* \[x\](https\://evil.example)"), "{heading}");
    for written in &standing {
        let text = written.content();
        let link = |(at, _): (usize, _)| !text[..at].ends_with('\\');
        assert!(!text.match_indices("](").any(link), "{text}");
        assert!(!text.contains("<@") && !text.contains("||"), "{text}");
    }
    // A name that a user chose, in a sentence of the bot's.
    let odd = stage.discord.attachment("**@here**.txt", "text/plain", b"x".to_vec());
    stage.mention(USER, "", Some(odd));
    let told = stage.says(&channel(), "**@here**.txt").await;
    assert!(told[0].content().starts_with(r"\*\*\@here\*\*.txt"), "{told:#?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_chats_at_once_each_get_their_own_answer() {
    let stage = Stage::new().await;
    let chats: Vec<(String, u32)> =
        (0..50).map(|n| (stage.discord.id().to_string(), n % 3 + 1)).collect();
    for (n, (place, number)) in chats.iter().enumerate() {
        let photo = stage.photo(*number);
        stage.discord.message(USER + 100 + n as u64, &format!("<@{ME}> How heavy is it?"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.as_str().into();
            m["attachments"] = json!([photo]);
        });
    }
    for (place, number) in &chats {
        let standing = stage.says(place, &format!("weighs {number} kg")).await;
        assert_eq!(standing.len(), 2, "{standing:#?}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_keeps_from_the_bot_is_said_to_be_unseen() {
    let stage = Stage::new().await;
    let reply = |to: Value, words: &str, mentioned: bool| {
        let place = stage.discord.id().to_string();
        stage.discord.message(USER, words, |m| {
            m["channel_id"] = place.as_str().into();
            m["referenced_message"] = to;
            m["type"] = 19.into();
            if mentioned {
                m["mentions"] = json!([person(ME)]);
            }
        });
        place
    };
    let own = || discord::message(8, CHANNEL, &person(ME), "It weighs 2 kg.");
    let others = || {
        let mut message = discord::message(7, CHANNEL, &person(6001), "look");
        message["attachments"] = json!([stage.photo(2)]);
        message
    };
    // A photo of one's own is remembered, and yet not what is pointed at.
    stage.mention(USER, "How heavy is it?", Some(stage.photo(1)));
    stage.says(&channel(), "1 kg").await;
    let words = format!("<@{ME}> how heavy is it?");
    stage.says(&reply(others(), &words, true), "Ask Magpie about this photo").await;
    stage.says(&reply(own(), "and what is it?", false), "only messages that mention me").await;
    // Mentioned, it sees the words; a command needs no photo.
    stage.says(&reply(own(), &format!("<@{ME}> /help"), true), "/similar").await;
    stage.says(&reply(others(), &format!("<@{ME}> /help"), true), "/similar").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_listed_channel_questions_go_on_and_talk_is_left_alone() {
    let stage = Stage::with(|s| s.discord.channels = vec![4002]).await;
    let says = |who: u64, words: &str, photo: Option<Value>| {
        stage.discord.message(who, words, |m| {
            m["channel_id"] = "4002".into();
            m["attachments"] = photo.into_iter().collect();
        });
    };
    let (nobody, someone) = (USER + 50, USER + 51);
    says(nobody, "what does everybody do tonight?", None);
    says(someone, "", Some(stage.photo(2)));
    // Right behind the photo, which is still being looked at.
    says(someone, "how heavy is it?", None);
    stage.says("4002", "2 kg").await;
    says(someone, "thanks, nice", None);
    says(someone, "and what is it called?", None);
    let both = |d: &Discord| {
        let standing = d.standing("4002");
        let answers = standing.iter().filter(|w| said(w).contains("entry for The kettle")).count();
        (answers == 2).then_some(standing)
    };
    let standing = stage.discord.until("both answers", both).await;
    assert_eq!(standing.len(), 4, "the matches, what to ask, two answers: {standing:#?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_of_a_listed_channel_is_listed() {
    let stage = Stage::with(|s| s.discord.channels = vec![4001]).await;
    let thread = stage.discord.id().to_string();
    stage.discord.event(
        "THREAD_CREATE",
        json!({"id": thread, "parent_id": "4001", "type": 11,
        "guild_id": GUILD.to_string()}),
    );
    let photo = stage.photo(1);
    stage.discord.message(USER, "how heavy is it?", |m| {
        m["channel_id"] = thread.as_str().into();
        m["attachments"] = json!([photo]);
    });
    stage.says(&thread, "1 kg").await;
    stage.end().await;
}
