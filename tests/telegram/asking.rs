//! Questions: photos, albums, replies, changed captions, groups, topics, words.

use std::collections::HashSet;

use super::*;

#[tokio::test]
async fn a_photo_with_a_question_gets_an_album_and_an_answer_with_buttons() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2), ("chair", 3)]).await;
    let user = User::new(7);
    user.writes(&stage.fake).photo(png(2)).caption("How heavy is it?").send();
    let (answer, _) = stage.fake.button(7, "👍").await;
    assert!(answer.text.contains("2 kg"), "{answer:?}");
    let shown = stage.fake.chat(7);
    let (album, said) = (&shown[0], &shown[1]);
    assert_eq!((shown.len(), album.method.as_str(), said), (2, "sendmediagroup", &answer));
    let scores: Vec<&str> = album.text.lines().filter(|l| l.contains('(')).collect();
    assert!(scores.len() == 3 && scores[0].starts_with("The kettle (1.00"), "{scores:?}");
    assert!(scores.is_sorted_by_key(|s| std::cmp::Reverse(s.rsplit('(').next())), "{scores:?}");
    assert!(album.files[0].starts_with("kettle"), "{album:?}");
    assert!(stage.fake.upload(&album.files[0]).starts_with(&[0xff, 0xd8]));
    assert!(!stage.fake.calls("sendChatAction").is_empty());
    // The largest size was fetched, once.
    assert_eq!(stage.fake.fetched().len(), 1);
    stage.end().await;
}

#[tokio::test]
async fn a_photo_alone_is_asked_about_and_follow_ups_and_buttons_remember_it() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).photo(png(1)).send();
    fake.says(7, "What would you like to know").await;
    user.writes(fake).text("and how heavy is it?").send();
    let (answer, next) = fake.button(7, "Not this one").await;
    assert!(answer.text.contains("1 kg"));
    user.presses(fake, &answer, &next);
    let other = fake.says(7, "2 kg").await;
    assert!(other.text.contains("no confident match"), "{other:?}");
    let single = fake.chat(7).into_iter().find(|s| s.method == "sendphoto").unwrap();
    assert!(single.text.contains("The kettle"), "{single:?}");
    let (shown, good) = fake.button(7, "👍").await;
    user.presses(fake, &shown, &good);
    let (asked, keep) = fake.button(7, "Keep it").await;
    assert!(asked.text.contains("May I keep this?"), "{asked:?}");
    user.presses(fake, &asked, &keep);
    fake.says(7, "Thank you").await;
    // Pressed by somebody else, or made up.
    let before = fake.chat(7).len();
    User::new(8).presses(fake, &shown, &good);
    let told = |f: &Telegram| f.alerts().iter().any(|a| a.contains("somebody else")).then_some(());
    fake.until("an alert", told).await;
    assert_eq!(fake.chat(7).len(), before);
    user.presses(fake, &shown, &"x".repeat(64));
    user.writes(fake).text("/forget").send();
    fake.says(7, "forgotten").await;
    user.writes(fake).text("how heavy is it?").send();
    fake.says(7, "Send me a photo").await;
    fake.until("answers to queries", |f| Some(()).filter(|()| f.answered_queries() == [1; 5]))
        .await;
    stage.end().await;
}

#[tokio::test]
async fn an_album_is_one_request_and_a_reply_finds_its_photo() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    user.writes(fake).photo(png(2)).in_album("a").caption("How heavy?").send();
    user.writes(fake).photo(png(2)).in_album("a").send();
    let answer = fake.says(7, "2 kg").await;
    let lamp = user.writes(fake).photo(png(1)).send();
    fake.says(7, "What would you like to know").await;
    user.writes(fake).photo(png(2)).send();
    fake.until("both", |f| {
        let asked = f.chat(7).iter().filter(|s| s.text.contains("What would")).count();
        Some(()).filter(|()| asked == 2)
    })
    .await;
    user.writes(fake).text("what does this weigh?").reply_to(&lamp).send();
    let replied = fake.says(7, "1 kg").await;
    assert!(replied.id > answer.id);
    // Too many pictures are refused before any is fetched.
    let fetched = fake.fetched().len();
    for _ in 0..6 {
        user.writes(fake).photo(png(1)).in_album("b").send();
    }
    fake.says(7, "6 photos came at once, and I take at most 4").await;
    assert_eq!(fake.fetched().len(), fetched);
    assert_eq!(fake.chat(7).iter().filter(|s| s.method == "sendmediagroup").count(), 4);
    stage.end().await;
}

#[tokio::test]
async fn a_changed_caption_is_answered_once() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let message = user.writes(fake).photo(png(2)).caption("What?");
    message.clone().send();
    fake.button(7, "👍").await;
    message.clone().caption("How heavy?").send_edited(5);
    message.caption("How heavy?").send_edited(5);
    // A changed text is not asked anew.
    let text = user.writes(fake).text("/help");
    text.clone().send();
    text.text("/help me").send_edited(6);
    fake.says(7, "/similar").await;
    user.writes(fake).text("/nonsense").send();
    let last = fake.says(7, "nonsense").await;
    // Two albums with their answers, and the two texts.
    let shown = fake.chat(7);
    assert_eq!((shown.len(), shown[5].id), (6, last.id), "{shown:?}");
    stage.end().await;
}

#[tokio::test]
async fn what_is_no_photo_or_too_large_is_refused_before_it_is_fetched() {
    let stage = Stage::with(&[("lamp", 1)], |s| s.photo.max_bytes = 50_000).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let image = |size| user.writes(fake).claimed("big.jpg", "image/jpeg", size, png(1));
    image(60_000).caption("what?").send();
    fake.says(7, "big.jpg has 0.1 MB").await;
    user.writes(fake).document("plan.pdf", "application/pdf", b"%PDF".to_vec()).send();
    fake.says(7, "plan.pdf").await;
    user.writes(fake).document("c.zip", "application/zip", b"PK".to_vec()).send();
    fake.says(7, "c.zip is an archive").await;
    let sticker = json!({"file_id": "s", "file_unique_id": "s", "file_size": 5, "width": 5,
        "height": 5, "type": "regular", "is_animated": false, "is_video": false});
    user.writes(fake).field("sticker", sticker).send();
    fake.says(7, "I can only look at photos").await;
    assert_eq!(fake.fetched().len(), 0);
    // Of a photo in several sizes the largest that may be fetched is.
    let mut sizes = user.writes(fake).photo(png(1)).caption("how heavy?");
    let huge = json!({"file_id": "huge", "file_unique_id": "huge", "file_size": 60_000,
        "width": 2560, "height": 1920});
    sizes.json["photo"].as_array_mut().unwrap().push(huge);
    let best = sizes.json["photo"][1]["file_id"].as_str().unwrap().to_owned();
    sizes.send();
    fake.says(7, "1 kg").await;
    assert_eq!(fake.fetched(), [format!("photos/{best}")]);
    // A file may be larger than it was said to be, or gone.
    user.writes(fake).claimed("liar.jpg", "image/jpeg", 10, vec![0; 60_000]).send();
    fake.says(7, "liar.jpg").await;
    user.writes(fake).lost_photo().caption("what?").send();
    fake.says(7, "no longer has that file").await;
    let before = fake.fetched().len();
    user.writes(fake)
        .document("a.heic", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec())
        .send();
    fake.says(7, "a.heic: I can’t read HEIC").await;
    user.writes(fake).document("b.svg", "image/svg+xml", b"<svg/>".to_vec()).send();
    fake.says(7, "b.svg: I can’t read SVG").await;
    assert_eq!(fake.fetched().len(), before);
    // What says nothing of being one is found out when it is there.
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    user.writes(fake).document("c.jpg", "image/jpeg", heic).send();
    fake.until("a third", |f| (f.fetched().len() > before).then_some(())).await;
    user.writes(fake).document("1.png", "image/png", png(1)).caption("how heavy?").send();
    let weighed = |f: &Telegram| f.chat(7).iter().filter(|s| s.text.contains("1 kg")).count() == 2;
    fake.until("another answer", |f| Some(()).filter(|()| weighed(f))).await;
    stage.end().await;
}

#[tokio::test]
async fn in_a_group_only_who_means_the_bot_is_answered_there() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let place = topic(GROUP, 5);
    let bystander = user.at(fake, &place).photo(png(1)).caption("look at this").send();
    for text in ["hello", "/ask@other_bot x", "/roll", "@other_bot hi", "/kb@other_bot list"] {
        user.at(fake, &place).text(text).send();
    }
    let asked = user.at(fake, &place).photo(png(2)).caption("@Magpie_Test_Bot how heavy?").send();
    let (answer, _) = fake.button(GROUP, "👍").await;
    assert!(answer.text.contains("2 kg"));
    let shown = fake.chat(GROUP);
    assert!(shown.iter().all(|s| s.thread == Some(5)));
    assert_eq!(shown[0].reply_to, asked["message_id"].as_i64());
    let said = shown.len();
    // In reply to the bot, without naming it; by a command; about somebody else's photo.
    let bots = telegram_message(&answer);
    user.at(fake, &place).text("and what is it?").reply_to(&bots).send();
    fake.until("a follow-up", |f| Some(()).filter(|()| f.chat(GROUP).len() == said + 1)).await;
    user.at(fake, &place).text("/ask@magpie_test_bot how heavy?").reply_to(&bystander).send();
    fake.says(GROUP, "1 kg").await;
    user.at(fake, &place).text("/help").send();
    fake.says(GROUP, "/similar").await;
    let before = fake.chat(GROUP).len();
    user.at(fake, &place).text("/nonsense").send();
    user.at(fake, &place).text("/hilfe").send();
    fake.until("help", |f| Some(()).filter(|()| f.chat(GROUP).len() == before + 1)).await;
    // The same user elsewhere has no photo to ask about.
    user.at(fake, &group(GROUP)).text("/ask how heavy?").send();
    let elsewhere = fake.says(GROUP, "which product you mean").await;
    assert_eq!(elsewhere.thread, None);
    // An anonymous admin presses buttons in their own name; others do not press for the group.
    let asked = User::new(1_087_968_824).at(fake, &place).photo(png(2));
    let asked = asked.field("sender_chat", place["chat"].clone());
    let mut asked = asked.caption("/ask@magpie_test_bot how heavy?");
    asked.json["from"]["is_bot"] = json!(true);
    let before = fake.chat(GROUP).len();
    asked.send();
    let answered = |f: &Telegram| {
        f.chat(GROUP).split_off(before).into_iter().find_map(|s| {
            let good = s.buttons.iter().find(|(label, _)| label.contains("👍"))?.1.clone();
            Some((s, good))
        })
    };
    let (answer, good) = fake.until("the group's answer", answered).await;
    fake.own(GROUP, 50);
    user.presses(fake, &answer, &good);
    let alerts = |f: &Telegram| (f.alerts().len() == 1).then_some(());
    fake.until("an alert", alerts).await;
    User::new(50).presses(fake, &answer, &good);
    fake.says(GROUP, "May I keep this?").await;
    // An anonymous admin of the group is none of the catalogue.
    let anonymous = User::new(1_087_968_824).at(fake, &place).text("/kb stats");
    let chat = place["chat"].clone();
    let mut anonymous = anonymous.field("sender_chat", chat);
    anonymous.json["from"]["is_bot"] = json!(true);
    anonymous.send();
    fake.says(GROUP, "Nothing was changed").await;
    User::new(ADMIN).at(fake, &place).text("/kb@magpie_test_bot stats").send();
    fake.says(GROUP, "2 products").await;
    stage.end().await;
}

fn telegram_message(shown: &Shown) -> Value {
    json!({
        "message_id": shown.id, "date": 1_764_000_000, "text": shown.text,
        "from": { "id": telegram::BOT, "is_bot": true, "first_name": "Magpie",
            "username": telegram::NAME },
        "chat": { "id": shown.chat, "type": "supergroup", "title": "Workshop", "is_forum": true },
    })
}

#[tokio::test]
async fn fifty_chats_at_once_get_their_own_answers() {
    let products: Vec<(String, u32)> = (1..9).map(|n| (format!("p{n}"), n)).collect();
    let named: Vec<(&str, u32)> = products.iter().map(|(id, n)| (id.as_str(), *n)).collect();
    let stage = Stage::new(&named).await;
    let fake = &stage.fake;
    for chat in 100..150 {
        let number = (chat % 8 + 1) as u32;
        User::new(chat).writes(fake).photo(png(number)).caption("how heavy?").send();
    }
    for chat in 100..150 {
        let (answer, _) = fake.button(chat, "👍").await;
        let number = chat % 8 + 1;
        assert!(answer.text.contains(&format!("{number} kg")), "{chat}: {answer:?}");
        assert_eq!(fake.chat(chat).len(), 2);
    }
    stage.end().await;
}

#[tokio::test]
async fn the_menu_is_set_in_every_language_and_words_find_cards() {
    let stage = Stage::new(&[("lamp", 1), ("kettle", 2)]).await;
    let fake = &stage.fake;
    fake.until("menus", |f| Some(()).filter(|()| f.calls("setMyCommands").len() == 16)).await;
    let menus: Vec<_> = fake
        .calls("setMyCommands")
        .into_iter()
        .map(|m| {
            let language = m.fields.get("language_code").and_then(Value::as_str).map(str::to_owned);
            let last = m.fields["commands"].as_array().unwrap().last().unwrap().clone();
            (m.fields["scope"]["type"].clone(), language, last)
        })
        .collect();
    let (everybody, admin) = menus.split_at(8);
    let languages = ["de", "es", "fr", "it", "nl", "pl", "pt"];
    for (menus, scope, english, german) in
        [(everybody, "default", "help", "hilfe"), (admin, "chat", "kb", "katalog")]
    {
        assert!(menus.iter().all(|(s, ..)| s == scope), "{menus:?}");
        let spoken: Vec<_> = menus.iter().map(|(_, language, _)| language.as_deref()).collect();
        assert_eq!(spoken, [&[None], &languages.map(Some)[..]].concat());
        let name = |n: usize| menus[n].2["command"].clone();
        assert_eq!([name(0), name(1), name(2)], [english, german, english]);
        let told: HashSet<String> =
            menus.iter().map(|(.., c)| c["description"].to_string()).collect();
        assert_eq!(told.len(), menus.len(), "each in its own words: {told:?}");
    }
    User::new(7).looks_for(fake, "kettle");
    let cards = fake
        .until("cards", |f| Some(f.calls("answerInlineQuery").first()?.fields["results"].clone()))
        .await;
    assert_eq!(
        (cards.as_array().map(Vec::len), &cards[0]["title"]),
        (Some(1), &json!("The kettle"))
    );
    stage.end().await;
}
