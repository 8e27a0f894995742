//! Products that a photo cannot tell apart: what Telegram shows, and the two ways to answer.

use super::*;
use crate::obedient::obedient;

/// Three pots, two of which share a picture.
async fn pots(change: impl FnOnce(&mut Settings)) -> Stage {
    let stage = Stage::with(&[], change).await;
    for (id, number, colour, weight) in
        [("pot-a", 7, "red", 1), ("pot-b", 7, "blue", 2), ("bowl", 9, "green", 9)]
    {
        let title = format!("id:{id} title:\"The {id}\"");
        add(&stage.bot, &format!("/kb add {title} It weighs {weight} kg."), number).await;
        let edit = format!("/kb edit {id} colour:{colour}");
        obedient::says(&stage.bot, "", &edit, vec![]).await;
    }
    stage
}

/// Asks as somebody new, and waits for the question that comes back: it, and its button for blue.
async fn torn(stage: &Stage, user: &User) -> (Shown, String) {
    user.writes(&stage.fake).photo(png(7)).caption("How heavy is it?").send();
    stage.fake.button(user.id, "blue").await
}

#[tokio::test]
async fn a_button_or_words_say_which_look_alike_it_is() {
    let stage = pots(|_| {}).await;
    let (fake, user) = (&stage.fake, User::new(7));
    let (asked, blue) = torn(&stage, &user).await;
    let text: String = fake.chat(7).iter().map(|s| s.text.as_str()).collect();
    assert!(text.contains("The pot-a") && text.contains("colour"), "{text}");
    let labels: Vec<&str> = asked.buttons.iter().map(|(label, _)| label.as_str()).collect();
    assert!(labels.contains(&"red") && labels.len() == 3, "{labels:?}");
    user.presses(fake, &asked, &blue);
    fake.says(7, "2 kg").await;

    let user = User::new(8);
    torn(&stage, &user).await;
    user.writes(fake).text("the red one").send();
    fake.says(8, "1 kg").await;

    let user = User::new(9);
    let (asked, _) = torn(&stage, &user).await;
    user.presses(fake, &asked, &fake.button(9, "None of these").await.1);
    fake.says(9, "9 kg").await;
    stage.end().await;
}

#[tokio::test]
async fn a_model_is_asked_once_it_is_clear_which_it_is() {
    let (server, dir) = (obedient(), tempfile::tempdir().unwrap());
    let stage = pots(|s| obedient::shop(s, &server, dir.path())).await;
    let user = User::new(7);
    let (asked, blue) = torn(&stage, &user).await;
    assert_eq!(server.requests().len(), 0);
    user.presses(&stage.fake, &asked, &blue);
    stage.fake.says(7, "A kettle").await;
    obedient::asked_about(&server, "How heavy is it?", "pot-b", "pot-a");
    stage.end().await;
}
