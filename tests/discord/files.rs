//! Attachments on their way in and out.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_checked_before_they_are_fetched() {
    let stage = Stage::with(|s| s.photo.max_bytes = 1_000_000).await;
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut photo = stage.photo(1);
        change(&mut photo);
        stage.discord.command(USER, ask("What is it?", Some(&photo)), |_| {})
    };
    for (change, words) in [
        (&(|p: &mut Value| p["size"] = 5_000_000.into()) as &dyn Fn(&mut Value), "5.0 MB"),
        (&|p| p["content_type"] = "application/pdf".into(), "application/pdf"),
        (&|p| p["content_type"] = "image/heic".into(), "image/heic"),
        (&|p| p["url"] = "https://evil.example/a.png".into(), "own server"),
        (&|p| p["url"] = "http://169.254.169.254/a.png".into(), "own server"),
    ] {
        let token = refused(change);
        let told = stage.says(&token, words).await;
        assert!(told.iter().all(Written::ephemeral), "{told:#?}");
    }
    let zip = stage.discord.attachment("c.zip", "application/zip", b"PK".to_vec());
    stage.mention(USER, "", Some(zip));
    stage.says(&channel(), "c.zip is an archive").await;
    assert!(stage.discord.downloads().is_empty());
    // What Discord says of a file may be wrong, and the file may be gone.
    let host = stage.discord.url();
    let token = refused(&|p| p["url"] = format!("{host}/files/gone.png").into());
    stage.says(&token, "no longer there").await;
    let mut large = stage.discord.attachment("a.png", "image/png", vec![0; 2_000_000]);
    large["size"] = 1000.into();
    let token = stage.discord.command(USER, ask("What is it?", Some(&large)), |_| {});
    stage.says(&token, "at most 1.0 MB").await;
    let broken = stage.discord.attachment("a.png", "image/png", b"not a png".to_vec());
    let token = stage.discord.command(USER, ask("What is it?", Some(&broken)), |_| {});
    stage.says(&token, "a.png").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_or_redirecting_file_server_holds_up_nobody_else() {
    let stage = Stage::new().await;
    let elsewhere = Discord::new().await;
    let secret = elsewhere.attachment("a.png", "image/png", png(1));
    let away = stage.discord.redirected("a.png", "image/png", secret["url"].as_str().unwrap());
    let token = stage.discord.command(USER, ask("What is it?", Some(&away)), |_| {});
    stage.says(&token, "could not be fetched").await;
    assert!(elsewhere.downloads().is_empty());

    let (slow, gate) = stage.discord.slow("slow.png", "image/png", png(2));
    let (broken, closing) = stage.discord.slow("broken.png", "image/png", png(3));
    let slow = stage.discord.command(USER, ask("How heavy is it?", Some(&slow)), |_| {});
    let broken = stage.discord.command(6001, ask("How heavy is it?", Some(&broken)), |_| {});
    stage.discord.until("both", |d| (d.downloads().len() == 3).then_some(())).await;
    let other = ask("How heavy is it?", Some(&stage.photo(1)));
    let other = stage.discord.command(6002, other, |_| {});
    stage.says(&other, "1 kg").await;
    assert!(stage.discord.standing(&slow).is_empty() && stage.discord.standing(&broken).is_empty());
    gate.add_permits(1);
    closing.close();
    stage.says(&slow, "2 kg").await;
    stage.says(&broken, "could not be fetched").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_does_not_overtake_the_photo_it_is_about() {
    let stage = Stage::new().await;
    stage.mention(USER, "How heavy is it?", Some(stage.photo(1)));
    stage.says(&channel(), "1 kg").await;
    let (slow, gate) = stage.discord.slow("slow.png", "image/png", png(2));
    let photo = stage.mention(USER, "What is this?", Some(slow));
    stage.discord.until("the photo", |d| (d.downloads().len() == 2).then_some(())).await;
    let question = stage.mention(USER, "How heavy is it?", None);
    let pressed = stage.discord.command(USER, ask("How heavy is it, again?", None), |_| {});
    // Somebody else's question in the same channel waits for neither.
    let other = stage.discord.command(6001, ask("How heavy is it?", Some(&stage.photo(1))), |_| {});
    stage.says(&other, "1 kg").await;
    let replies = |d: &Discord, to: u64| {
        let to = to.to_string();
        let replies = d.at(&channel());
        replies.into_iter().find(|w| w.body["message_reference"]["message_id"] == to.as_str())
    };
    assert!(replies(&stage.discord, question).is_none());
    assert!(stage.discord.standing(&pressed).is_empty());
    gate.add_permits(1);
    stage.says(&pressed, "2 kg").await;
    let number = |message| replies(&stage.discord, message).map(|w| w.id);
    let (photo, question) = (number(photo), number(question));
    assert!(photo.is_some() && photo < question, "{photo:?} {question:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_discord_does_not_take_ends_in_a_sentence() {
    let stage = Stage::new().await;
    stage.discord.fault(Fault {
        method: "PATCH",
        path: "/messages/@original".into(),
        times: 1,
        status: 413,
        headers: vec![],
        body: json!({"message": "Request entity too large", "code": 40005}),
    });
    let token = stage.discord.command(USER, kb("export", vec![], None), manager);
    let told = stage.says(&token, "did not take the file").await;
    // In place of the acknowledgement, which only the one who asked sees.
    assert!(told.len() == 1 && told[0].id == "@original", "{told:#?}");
    assert!(stage.discord.at(&token)[0].ephemeral());
    stage.end().await;
}
