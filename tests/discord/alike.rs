//! Products that a photo cannot tell apart: what Discord shows, and the two ways to answer.

use super::*;
use crate::obedient::obedient;

/// Three pots, two of which share a picture.
async fn pots(change: impl FnOnce(&mut Settings)) -> Stage {
    let stage = Stage::bare(Discord::new().await, change).await;
    for (id, number, colour, weight) in
        [("pot-a", 7, "red", 1), ("pot-b", 7, "blue", 2), ("bowl", 9, "green", 9)]
    {
        let title = format!("id:{id} title:\"The {id}\"");
        add(&stage.bot, format!("/kb add {title} It weighs {weight} kg."), number).await;
        let edit = format!("/kb edit {id} colour:{colour}");
        obedient::says(&stage.bot, "", &edit, vec![]).await;
    }
    stage
}

impl Stage {
    /// Asks in a channel of its own, and waits for the question that comes back.
    async fn torn(&self) -> (String, Vec<Written>) {
        let (place, photo) = (self.discord.id().to_string(), self.photo(7));
        self.writes(&place, "How heavy is it?", vec![photo]);
        let asked = self.discord.until("a choice", |d| {
            let standing = d.standing(&place);
            let choice = |w: &Written| w.body["components"].to_string().contains("blue");
            standing.iter().any(choice).then_some(standing)
        });
        let asked = asked.await;
        (place, asked)
    }

    fn presses(&self, place: &str, asked: &[Written], label: &str) -> String {
        self.discord.press(USER, &button(asked, label), |event| {
            event["channel_id"] = place.into();
            event["message"]["channel_id"] = place.into();
        })
    }

    fn writes(&self, place: &str, words: &str, files: Vec<Value>) {
        self.discord.message(USER, &format!("<@{ME}> {words}"), |m| {
            m["mentions"] = json!([person(ME)]);
            m["channel_id"] = place.into();
            m["attachments"] = files.into();
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_or_words_say_which_look_alike_it_is() {
    let stage = pots(|_| {}).await;
    let (place, asked) = stage.torn().await;
    let text: String = asked.iter().map(said).collect();
    assert!(text.contains("The pot-a") && text.contains("colour"), "{text}");
    assert!(!text.contains("Helpful") && asked.iter().filter(|w| !w.files.is_empty()).count() == 1);
    button(&asked, "None of these");
    let pressed = stage.presses(&place, &asked, "blue");
    stage.says(&pressed, "2 kg").await;

    let (place, _) = stage.torn().await;
    stage.writes(&place, "the red one", vec![]);
    stage.says(&place, "1 kg").await;
    stage.writes(&place, "and the weight again?", vec![]);
    stage.says(&place, "1 kg").await;

    let (place, asked) = stage.torn().await;
    let pressed = stage.presses(&place, &asked, "None of these");
    stage.says(&pressed, "9 kg").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_once_it_is_clear_which_it_is() {
    let (server, dir) = (obedient(), tempfile::tempdir().unwrap());
    let stage = pots(|s| obedient::shop(s, &server, dir.path())).await;
    let (place, asked) = stage.torn().await;
    assert_eq!(server.requests().len(), 0);
    let pressed = stage.presses(&place, &asked, "blue");
    stage.says(&pressed, "A kettle").await;
    obedient::asked_about(&server, "How heavy is it?", "pot-b", "pot-a");
    stage.end().await;
}
