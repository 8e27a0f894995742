//! The conversation, driven as a front-end drives it: real CLIP, real LMDB, no platform.

mod support;

use std::sync::Arc;
use std::time::Duration;

use magpie::bot::{Bot, FailureKind, Platform, RepliedTo, Reply, Request, Upload};
use magpie::catalogue::{Catalogue, Feedback};
use magpie::clip::Clip;
use magpie::config::{Settings, SpaceSettings};
use support::{picture, tiny};
use tempfile::TempDir;
use tokio_stream::StreamExt;

/// A bot on a catalogue of its own.
struct Stage {
    bot: Bot,
    _dir: TempDir,
}

impl Stage {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(tempfile::tempdir().unwrap(), change)
    }

    /// Another bot, which knows of this one what it has written down.
    async fn restarted(&self) -> Self {
        self.bot.stop(Duration::ZERO).await;
        let dir = tempfile::tempdir().unwrap();
        let data = |dir: &TempDir| dir.path().join("data");
        std::fs::create_dir(data(&dir)).unwrap();
        for file in std::fs::read_dir(data(&self._dir)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), data(&dir).join(file.file_name())).unwrap();
        }
        Self::on(dir, |_| {})
    }

    fn on(dir: TempDir, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        settings.catalogue.dir = dir.path().join("data");
        settings.bot.user_per_minute = 6000;
        settings.bot.user_burst = 1000;
        settings.bot.total_per_minute = 60_000;
        change(&mut settings);
        let bot = Bot::new(settings, Clip::open(&tiny()).unwrap()).unwrap();
        Self { bot, _dir: dir }
    }

    /// With these products, each shown in the picture of its number.
    async fn with(products: &[(&str, u32)]) -> Self {
        let stage = Self::new(|_| {});
        for (id, number) in products {
            stage.add(admin(), id, *number).await;
        }
        stage
    }

    async fn add(&self, by: Request, id: &str, number: u32) {
        let text = format!("/kb add id:{id} title:\"The {id}\" The {id} weighs {number} kg.");
        let replies = self.all(Request { text, files: vec![photo(number)], ..by }).await;
        if let Some(Reply::Buttons(buttons)) =
            replies.iter().find(|r| matches!(r, Reply::Buttons(_)))
        {
            // Random weights find much alike: add it all the same.
            let press = Some(buttons[0].action.clone());
            self.all(Request { press, ..admin() }).await;
        }
    }

    /// Every reply to a request but the timings that end it.
    async fn all(&self, request: Request) -> Vec<Reply> {
        let mut replies: Vec<Reply> = self.bot.handle(request).collect().await;
        assert!(matches!(replies.pop(), Some(Reply::Done(_))), "{replies:?}");
        replies
    }

    /// The replies to a text.
    async fn says(&self, by: Request, text: &str) -> Vec<Reply> {
        self.all(Request { text: text.into(), ..by }).await
    }

    /// What was changed, newest first.
    async fn log(&self) -> usize {
        self.bot.kb(Platform::Web, "s", "c").log(0, 1000).await.unwrap().len()
    }

    async fn ids(&self) -> Vec<String> {
        let page = self.bot.kb(Platform::Web, "s", "c").products(0, 1000).await.unwrap();
        page.products.into_iter().map(|p| p.id).collect()
    }
}

fn user(name: &str) -> Request {
    Request::new(Platform::Web, "s", "c", name)
}

fn admin() -> Request {
    Request { admin: true, name: "Ada".into(), ..user("ada") }
}

fn photo(number: u32) -> Upload {
    let mut png = std::io::Cursor::new(Vec::new());
    picture(number).write_to(&mut png, image::ImageFormat::Png).unwrap();
    Upload { name: format!("{number}.png"), bytes: png.into_inner().into() }
}

fn asking(by: Request, number: u32, question: &str) -> Request {
    Request { text: question.into(), files: vec![photo(number)], ..by }
}

/// All text of a response, a line each.
fn text(replies: &[Reply]) -> String {
    let line = |reply: &Reply| match reply {
        Reply::Text(markup) => markup.text(),
        Reply::Answer(answer) => answer.text.text(),
        Reply::Error(failure) => failure.text.clone(),
        Reply::Product(product) => format!("{}: {}", product.id, product.description),
        _ => String::new(),
    };
    replies.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn failure(replies: &[Reply]) -> FailureKind {
    match replies.last() {
        Some(Reply::Error(failure)) => failure.kind,
        other => panic!("{other:?} of {replies:?}"),
    }
}

fn matched(replies: &[Reply]) -> Vec<String> {
    let thumbnails = replies.iter().find_map(|r| match r {
        Reply::Matches { thumbnails, .. } => Some(thumbnails),
        _ => None,
    });
    let thumbnails = thumbnails.unwrap_or_else(|| panic!("no matches: {replies:?}"));
    assert!(
        thumbnails.iter().all(|t| t.jpeg.as_ref().is_some_and(|j| j.starts_with(&[0xff, 0xd8])))
    );
    thumbnails.iter().map(|t| t.product.id.clone()).collect()
}

fn buttons(replies: &[Reply]) -> Vec<(String, String)> {
    let shown = replies.iter().filter_map(|r| match r {
        Reply::Buttons(buttons) => {
            Some(buttons.iter().map(|b| (b.label.clone(), b.action.clone())))
        }
        _ => None,
    });
    shown.flatten().collect()
}

fn action(replies: &[Reply], label: &str) -> Option<String> {
    let all = buttons(replies);
    let found = all.iter().find(|(l, _)| l.contains(label));
    Some(found.unwrap_or_else(|| panic!("no {label}: {all:?}")).1.clone())
}

#[tokio::test]
async fn a_photo_with_a_question_gets_matches_then_an_answer() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2), ("chair", 3)]).await;
    let replies = stage.all(asking(user("u"), 2, "How heavy is it?")).await;
    let kinds: Vec<&str> = replies
        .iter()
        .map(|r| match r {
            Reply::Typing => "typing",
            Reply::Matches { .. } => "matches",
            Reply::Answer(_) => "answer",
            Reply::Buttons(_) => "buttons",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(kinds, ["typing", "matches", "answer", "buttons"]);
    assert_eq!(matched(&replies)[0], "kettle");
    assert!(text(&replies).contains("2 kg"), "{}", text(&replies));
    let Some(Reply::Answer(answer)) = replies.get(2) else { panic!("{replies:?}") };
    assert_eq!(answer.sources[0].id, "kettle");
}

#[tokio::test]
async fn a_photo_alone_gets_matches_and_a_question_back_and_a_follow_up_remembers_it() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2)]).await;
    let replies = stage.all(asking(user("u"), 1, "")).await;
    assert_eq!(matched(&replies)[0], "lamp");
    assert!(text(&replies).contains("What would you like to know"));
    let replies = stage.says(user("u"), "and how heavy is it?").await;
    assert!(text(&replies).contains("1 kg"), "{replies:?}");
    // Neither another user nor another chat has heard of the photo.
    for other in [user("v"), Request { chat: "d".into(), ..user("u") }] {
        let replies = stage.says(other, "how heavy is it?").await;
        assert!(text(&replies).contains("Send me a photo"), "{replies:?}");
    }
    stage.says(user("u"), "/forget").await;
    let replies = stage.says(user("u"), "how heavy is it?").await;
    assert_eq!(failure(&replies), FailureKind::Invalid);
}

#[tokio::test]
async fn a_reply_to_a_photo_is_about_that_photo() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2)]).await;
    stage.all(asking(user("u"), 1, "")).await;
    let reply_to = Some(RepliedTo { text: String::new(), files: vec![photo(2)] });
    let replies =
        stage.all(Request { reply_to: reply_to.clone(), ..asking_text("how heavy?") }).await;
    assert_eq!(matched(&replies)[0], "kettle");
    let replies = stage.all(Request { reply_to, ..asking_text("/similar 1") }).await;
    assert_eq!(matched(&replies), ["kettle"]);
}

fn asking_text(text: &str) -> Request {
    Request { text: text.into(), ..user("u") }
}

#[tokio::test]
async fn similar_shows_the_matches_alone_in_order() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2), ("chair", 3)]).await;
    let replies = stage.all(asking(user("u"), 3, "/similar 2")).await;
    let Some(Reply::Matches { thumbnails, .. }) = replies.last() else { panic!("{replies:?}") };
    assert_eq!((thumbnails.len(), thumbnails[0].product.id.as_str()), (2, "chair"));
    assert!(thumbnails[0].score >= thumbnails[1].score);
    assert!(thumbnails[0].caption.contains("The chair") && thumbnails[0].caption.contains("1.00"));
    assert_eq!(matched(&stage.says(user("u"), "/similar red things").await).len(), 3);
    assert_eq!(matched(&stage.says(user("u"), "/similar").await)[0], "chair");
    assert_eq!(failure(&stage.says(user("w"), "/similar").await), FailureKind::Invalid);
}

#[tokio::test]
async fn not_this_one_answers_from_the_next_match() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2)]).await;
    let replies = stage.all(asking(user("u"), 1, "How heavy is it?")).await;
    let press = action(&replies, "Not this one");
    // Nobody else can press it.
    let stranger = stage.all(Request { press: press.clone(), ..user("v") }).await;
    assert!(text(&stranger).contains("no longer works"));
    let next = stage.all(Request { press: press.clone(), ..user("u") }).await;
    assert_eq!(matched(&next), ["kettle"]);
    assert!(text(&next).contains("2 kg") && text(&next).contains("no confident match"));
    assert!(buttons(&next).iter().all(|(label, _)| !label.contains("Not this one")));
    let again = stage.all(Request { press, ..user("u") }).await;
    assert!(text(&again).contains("no longer works"));
}

#[tokio::test]
async fn an_undo_that_comes_again_after_a_restart_takes_nothing_else_back() {
    let stage = Stage::with(&[("lamp", 1), ("bowl", 9)]).await;
    stage.says(admin(), "/kb edit lamp colour:red").await;
    stage.says(admin(), "/kb edit lamp colour:blue").await;
    let undo = || Request { delivery: "42".into(), ..admin() };
    stage.says(undo(), "/kb undo").await;
    // Another process knows nothing of the deliveries of the first.
    let again = stage.restarted().await;
    let replies = again.says(undo(), "/kb undo").await;
    assert!(text(&replies).contains("lamp"), "{replies:?}");
    let shown = again.says(admin(), "/kb show lamp").await;
    let Some(Reply::Product(lamp)) = shown.first() else { panic!("{shown:?}") };
    assert_eq!(lamp.attributes["colour"], "red");
}

/// Three pots, two of which share a picture.
async fn pots() -> Stage {
    let stage = Stage::with(&[("pot-a", 7), ("pot-b", 7), ("bowl", 9)]).await;
    stage.says(admin(), "/kb edit pot-a colour:red description:\"It weighs 1 kg.\"").await;
    stage.says(admin(), "/kb edit pot-b colour:blue description:\"It weighs 2 kg.\"").await;
    stage
}

#[tokio::test]
async fn look_alikes_are_told_apart_by_a_question_and_the_answer_to_it() {
    let stage = pots().await;
    let asked = stage.all(asking(user("u"), 7, "How heavy is it?")).await;
    assert!(!asked.iter().any(|r| matches!(r, Reply::Answer(_))), "{asked:?}");
    let question = text(&asked);
    for part in ["The pot-a or The pot-b", "colour", "red", "blue"] {
        assert!(question.contains(part), "{question}");
    }
    let labels: Vec<String> = buttons(&asked).into_iter().map(|(label, _)| label).collect();
    let mut colours = labels.get(..2).unwrap().to_vec();
    colours.sort();
    assert_eq!((colours, labels.len()), (vec!["blue".into(), "red".into()], 3));
    // By its button.
    let pressed = stage.all(Request { press: action(&asked, "blue"), ..user("u") }).await;
    assert!(text(&pressed).contains("2 kg"), "{pressed:?}");
    // In words, which then is what follow-ups are about.
    stage.all(asking(user("v"), 7, "How heavy is it?")).await;
    let told = stage.says(user("v"), "the red one").await;
    assert!(text(&told).contains("1 kg"), "{told:?}");
    let told = stage.says(user("v"), "and the weight again?").await;
    assert!(text(&told).contains("1 kg"), "{told:?}");
    // None of them.
    stage.all(asking(user("w"), 7, "How heavy is it?")).await;
    let told = stage.says(user("w"), "neither").await;
    assert!(text(&told).contains("9 kg") && text(&told).contains("no confident match"), "{told:?}");
    // Something else is asked meanwhile: it is answered, about the closest.
    stage.all(asking(user("x"), 7, "How heavy is it?")).await;
    let told = stage.says(user("x"), "what does it weigh in pounds, roughly?").await;
    assert!(told.iter().any(|r| matches!(r, Reply::Answer(_))), "{told:?}");
}

#[tokio::test]
async fn a_question_that_says_which_look_alike_it_is_needs_no_other() {
    let stage = pots().await;
    for (question, answer) in
        [("What does the blue one weigh?", "2 kg"), ("POT-A, how heavy?", "1 kg")]
    {
        let told = stage.all(asking(user("u"), 7, question)).await;
        assert!(text(&told).contains(answer), "{question}: {told:?}");
    }
    // The photo alone, then the question.
    stage.all(asking(user("v"), 7, "")).await;
    let asked =
        stage.says(Request { language: "de".into(), ..user("v") }, "Wie schwer ist das?").await;
    assert!(text(&asked).contains("red oder blue") || text(&asked).contains("blue oder red"));
    let told = stage.says(Request { language: "de".into(), ..user("v") }, "blau").await;
    assert!(text(&told).contains("2 kg") && text(&told).contains("Auszug"), "{told:?}");
}

#[tokio::test]
async fn an_id_decides_whenever_it_is_given() {
    let stage = pots().await;
    stage.add(admin(), "cup-c", 4).await;
    // In place of one of the look-alikes that were offered, and the question is not forgotten.
    stage.all(asking(user("u"), 7, "How heavy is it?")).await;
    let told = stage.says(user("u"), "It is cup-c").await;
    assert!(text(&told).contains("4 kg"), "{told:?}");
    // Of the look-alike that was first anyway: nobody is asked which it is.
    stage.all(asking(user("v"), 7, "")).await;
    for (id, kilos) in [("pot-a", "1 kg"), ("pot-b", "2 kg")] {
        let told = stage.says(user("v"), &format!("How heavy is {id}?")).await;
        assert!(text(&told).contains(kilos) && !text(&told).contains("confident"), "{told:?}");
    }
    // Set beside what the user said it is, it does not take its place.
    let told = stage.says(user("v"), "Is it lighter than cup-c?").await;
    assert_eq!(matched(&told)[0], "cup-c", "{told:?}");
    let told = stage.says(user("v"), "And the weight?").await;
    assert!(text(&told).contains("2 kg"), "{told:?}");
    // Two of them are meant together.
    let told = stage.all(asking(user("w"), 4, "Is pot-a heavier than pot-b?")).await;
    let mut both = matched(&told).get(..2).unwrap().to_vec();
    both.sort();
    assert_eq!(both, ["pot-a", "pot-b"]);
    assert!(told.iter().any(|r| matches!(r, Reply::Answer(_))), "{told:?}");
    assert!(!text(&told).contains("confident"), "{told:?}");
}

#[tokio::test]
async fn buttons_about_one_photo_do_nothing_to_the_next() {
    let stage = pots().await;
    let asked = stage.all(asking(user("u"), 7, "How heavy is it?")).await;
    let answered = stage.all(asking(user("u"), 9, "How heavy is it?")).await;
    assert!(text(&answered).contains("9 kg"), "{answered:?}");
    let pressed = stage.all(Request { press: action(&asked, "blue"), ..user("u") }).await;
    assert!(text(&pressed).contains("no longer works"), "{pressed:?}");
    let again = stage.says(user("u"), "and the weight again?").await;
    assert!(text(&again).contains("9 kg"), "{again:?}");
}

#[tokio::test]
async fn a_question_after_the_photo_may_name_the_product() {
    let stage = pots().await;
    stage.all(asking(user("u"), 9, "")).await;
    let told = stage.says(user("u"), "How heavy is the blue pot-b?").await;
    assert_eq!(matched(&told)[0], "pot-b", "{told:?}");
    assert!(text(&told).contains("2 kg"), "{told:?}");
    // Later on only to the letter.
    let told = stage.says(user("u"), "And the red one?").await;
    assert!(!told.iter().any(|r| matches!(r, Reply::Matches { .. })), "{told:?}");
    let told = stage.says(user("u"), "And how heavy is pot-a?").await;
    assert_eq!(matched(&told)[0], "pot-a", "{told:?}");
    assert!(text(&told).contains("1 kg"), "{told:?}");
}

#[tokio::test]
async fn words_are_heard_as_soon_as_another_process_has_written_them() {
    let stage = pots().await;
    let ask = || stage.all(asking(user("u"), 7, "How heavy is the zebra?"));
    assert_eq!(matched(&ask().await)[0], "pot-a");
    let data = stage._dir.path().join("data");
    let mut command = support::magpie();
    command.args(["kb", "edit", "pot-b", "--title", "Zebra pot", "--data"]).arg(&data);
    let edited = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(edited.status.success(), "{edited:?}");
    let replies = ask().await;
    assert_eq!(matched(&replies)[0], "pot-b");
    assert!(text(&replies).contains("2 kg"), "{replies:?}");
}

/// What was kept of users' verdicts, newest first.
async fn kept(stage: &Stage) -> Vec<Feedback> {
    stage.bot.kb(Platform::Web, "s", "c").feedback(0, 10).await.unwrap()
}

#[tokio::test]
async fn feedback_is_kept_with_question_answer_and_evidence_once_the_user_agrees() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2)]).await;
    let replies = stage.all(asking(user("u"), 1, "How heavy is it?")).await;
    let press = |replies: &[Reply], label: &str| {
        stage.all(Request { press: action(replies, label), ..user("u") })
    };
    let asked = press(&replies, "👍").await;
    let said = text(&asked);
    assert!(said.contains("May I keep") && said.contains("365 days"), "{said}");
    assert!(said.contains("Not your photo") && kept(&stage).await.is_empty(), "{said}");
    assert!(text(&press(&asked, "Don’t").await).contains("nothing was kept"));
    assert!(kept(&stage).await.is_empty());
    let asked = press(&replies, "👍").await;
    assert!(text(&press(&asked, "Keep it").await).contains("noted"));
    // Who agreed is not asked again, and who changes their mind has one verdict.
    assert!(text(&press(&replies, "👎").await).contains("noted"));
    let rows = kept(&stage).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(!row.good && row.answer.contains("1 kg") && row.at_ms > 0 && row.consent == 1);
    assert_eq!((row.question.as_str(), row.language.as_str()), ("How heavy is it?", "en"));
    assert_eq!(row.products, ["lamp"]);
    let evidence: Vec<&str> = row.evidence.iter().map(|m| m.id.as_str()).collect();
    assert_eq!(evidence, ["lamp", "kettle"]);
    assert!(row.evidence[0].score > 0.99 && row.covered == Some(true) && !row.follow_up);
    let more = stage.says(user("u"), "and how heavy again?").await;
    assert!(text(&press(&more, "👍").await).contains("noted"));
    let rows = kept(&stage).await;
    assert!(rows.len() == 2 && rows[0].good && rows[0].follow_up, "{rows:?}");
    // A conversation that is forgotten takes the consent along.
    stage.says(user("u"), "/forget").await;
    let anew = stage.all(asking(user("u"), 1, "How heavy is it?")).await;
    assert!(text(&press(&anew, "👍").await).contains("May I keep"));
}

#[tokio::test]
async fn the_users_language_asks_whether_feedback_may_be_kept_and_it_can_be_off() {
    let stage = Stage::with(&[("lamp", 1)]).await;
    let german = || Request { language: "de-AT".into(), ..user("u") };
    let replies = stage.all(asking(german(), 1, "Wie schwer ist sie?")).await;
    let asked = stage.all(Request { press: action(&replies, "👎"), ..german() }).await;
    assert!(text(&asked).contains("Darf ich das behalten?") && text(&asked).contains("365 Tage"));
    assert_eq!(buttons(&asked).len(), 2);
    let off = Stage::new(|s| s.feedback.keep_days = 0);
    off.add(admin(), "lamp", 1).await;
    let replies = off.all(asking(user("u"), 1, "How heavy is it?")).await;
    assert!(buttons(&replies).is_empty(), "{replies:?}");
}

#[tokio::test]
async fn feedback_is_not_kept_longer_than_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let catalogue = Catalogue::open(&data).unwrap();
    for days in [0, 364, 366] {
        let old = Feedback { at_ms: now - days * 86_400_000, ..Feedback::default() };
        catalogue.add_feedback(&old).unwrap();
    }
    drop(catalogue);
    let stage = Stage::new(|s| s.catalogue.dir = data);
    assert_eq!(kept(&stage).await.len(), 3);
    stage.bot.upkeep().await;
    assert_eq!(kept(&stage).await.len(), 2);
}

#[tokio::test]
async fn nobody_but_an_admin_changes_or_reads_the_catalogue() {
    let stage = Stage::with(&[("lamp", 1)]).await;
    let (ids, log) = (stage.ids().await, stage.log().await);
    for command in [
        "add id:x title:x x",
        "show lamp",
        "list",
        "find lamp",
        "edit lamp title:x",
        "remove lamp",
        "stats",
        "import",
        "export",
        "undo",
        "log",
        "",
        "nonsense",
    ] {
        let request = asking(user("u"), 1, &format!("/kb {command}"));
        let replies = stage.all(request).await;
        assert_eq!(failure(&replies), FailureKind::Denied, "{command}");
        assert_eq!(replies.len(), 1, "{command}");
        assert!(text(&replies).contains("Nothing was changed"), "{command}");
    }
    assert_eq!((stage.ids().await, stage.log().await), (ids, log));
    let help = text(&stage.says(user("u"), "/help").await);
    assert!(help.contains("/similar") && !help.contains("/kb"), "{help}");
    assert!(text(&stage.says(admin(), "/start").await).contains("/kb undo"));
}

#[tokio::test]
async fn an_admin_who_is_none_any_more_cannot_press_the_old_button() {
    let stage = Stage::with(&[("lamp", 1)]).await;
    let press = action(&stage.says(admin(), "/kb remove lamp").await, "Remove");
    let replies = stage.all(Request { press, admin: false, ..admin() }).await;
    assert_eq!(failure(&replies), FailureKind::Denied);
    assert_eq!(stage.ids().await, ["lamp"]);
}

#[tokio::test]
async fn an_admin_grows_edits_and_takes_back() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2)]).await;
    let list = text(&stage.says(admin(), "/kb list").await);
    assert!(list.contains("2 products") && list.contains("lamp The lamp"), "{list}");
    assert!(text(&stage.says(admin(), "/kb find weighs 2").await).contains("kettle"));
    assert!(text(&stage.says(admin(), "/kb find unicorn").await).contains("no such"));
    assert!(text(&stage.says(admin(), "/kb show lamp").await).contains("weighs 1 kg"));
    assert_eq!(failure(&stage.says(admin(), "/kb show nothing").await), FailureKind::NotFound);

    let edited = stage.says(admin(), "/kb edit lamp title:Bright lamp price:€5").await;
    let Some(Reply::Product(product)) = edited.last() else { panic!("{edited:?}") };
    assert_eq!(
        (product.title.as_str(), product.attributes["price"].as_str()),
        ("Bright lamp", "€5")
    );
    assert!(text(&stage.says(admin(), "/kb log").await).contains("Ada: changed lamp"));
    assert!(text(&stage.says(admin(), "/kb undo").await).contains("Taken back"));
    assert!(text(&stage.says(admin(), "/kb list").await).contains("The lamp"));

    let asked = stage.says(admin(), "/kb remove lamp").await;
    assert!(text(&asked).contains("Remove lamp (The lamp) with its image?"), "{asked:?}");
    assert_eq!(stage.ids().await.len(), 2);
    let press = action(&asked, "Remove");
    stage.all(Request { press, ..admin() }).await;
    assert_eq!(stage.ids().await, ["kettle"]);
    // Another admin has nothing to take back; this one has.
    let other = Request { admin: true, ..user("bob") };
    assert!(text(&stage.says(other, "/kb undo").await).contains("no change of yours"));
    stage.says(admin(), "/kb undo").await;
    assert_eq!(stage.ids().await, ["kettle", "lamp"]);
    assert_eq!(matched(&stage.all(asking(user("u"), 1, "")).await)[0], "lamp");
    assert!(text(&stage.says(admin(), "/kb stats").await).contains("2 products, 2 images"));
}

#[tokio::test]
async fn a_near_duplicate_is_named_and_asked_about() {
    let stage = Stage::with(&[("lamp", 1)]).await;
    let asked = stage.all(asking(admin(), 1, "/kb add id:copy A copy of it.")).await;
    assert!(text(&asked).contains("lamp (The lamp)"), "{asked:?}");
    assert_eq!(stage.ids().await, ["lamp"]);
    let press = action(&asked, "Cancel");
    stage.all(Request { press, ..admin() }).await;
    assert_eq!(stage.ids().await, ["lamp"]);
    let press = action(&asked, "Add anyway");
    assert!(text(&stage.all(Request { press, ..admin() }).await).contains("Added copy"));
    assert_eq!(stage.ids().await, ["copy", "lamp"]);
}

#[tokio::test]
async fn adding_says_what_is_missing_and_adds_nothing() {
    let stage = Stage::with(&[("lamp", 1)]).await;
    let log = stage.log().await;
    for (request, word) in [
        (asking(admin(), 5, "/kb add"), "needs a description"),
        (Request { text: "/kb add A kettle.".into(), ..admin() }, "at least one photo"),
        (asking(admin(), 5, "/kb add title:Lamp Another."), "id or title"),
        (asking(admin(), 5, "/kb add id:\"a b\" Text."), "without spaces"),
        (asking(admin(), 5, "/kb import"), "zip"),
        (
            Request {
                files: vec![Upload { name: "x.txt".into(), bytes: b"no photo"[..].into() }],
                text: "/kb add id:t Text.".into(),
                ..admin()
            },
            "x.txt",
        ),
    ] {
        let said = stage.all(request).await;
        assert!(text(&said).contains(word), "{word}: {said:?}");
    }
    assert!(text(&stage.says(admin(), "/kb undo").await).contains("Taken back"));
    assert_eq!(stage.log().await, log + 1);
}

#[tokio::test]
async fn a_catalogue_leaves_and_comes_back_as_an_archive() {
    let stage = Stage::with(&[("lamp", 1), ("kettle", 2)]).await;
    let replies = stage.says(admin(), "/kb export").await;
    let Some(Reply::File { name, path }) = replies.last() else { panic!("{replies:?}") };
    let archive = Upload { name: name.clone(), bytes: std::fs::read(&**path).unwrap().into() };
    let other = Stage::with(&[]).await;
    let import = Request { files: vec![archive], text: "/kb import".into(), ..admin() };
    assert!(text(&other.all(import).await).contains("2 added"));
    assert_eq!(other.ids().await, ["kettle", "lamp"]);
    assert!(text(&other.says(admin(), "/kb undo").await).contains("Taken back"));
    assert!(other.ids().await.is_empty());
}

#[tokio::test]
async fn one_space_never_sees_anothers_products() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(|s| {
        s.spaces = ["telegram:museum", "telegram:inner-chat"]
            .map(|space| SpaceSettings {
                space: space.into(),
                catalogue: dir.path().join(space.replace(':', "-")),
            })
            .into();
    });
    let at = |space: &str, chat: &str| Request {
        admin: true,
        ..Request::new(Platform::Telegram, space, chat, "ada")
    };
    let places = [("shop", "c"), ("museum", "c"), ("museum", "inner-chat")];
    for (n, (space, chat)) in places.into_iter().enumerate() {
        stage.add(at(space, chat), &format!("{space}-{chat}"), n as u32 + 1).await;
    }
    for (n, (space, chat)) in places.into_iter().enumerate() {
        let own = vec![format!("{space}-{chat}")];
        for number in 1..4 {
            // By search, whichever photo is asked about.
            assert_eq!(matched(&stage.all(asking(at(space, chat), number, "")).await), own);
        }
        assert_eq!(matched(&stage.says(at(space, chat), "/similar anything").await), own);
        for (m, (space2, chat2)) in places.into_iter().enumerate().filter(|(m, _)| *m != n) {
            // By id and by command.
            let foreign = format!("{space2}-{chat2}");
            for command in ["show", "remove", "edit"] {
                let command = format!("/kb {command} {foreign} title:x");
                let said = stage.says(at(space, chat), &command).await;
                assert_eq!(failure(&said), FailureKind::NotFound, "{command}");
            }
            assert!(!text(&stage.says(at(space, chat), "/kb list").await).contains(&foreign));
            // By a follow-up or a button after moving.
            let there =
                stage.all(asking(at(space2, chat2), m as u32 + 1, "How heavy is it?")).await;
            let followed = stage.says(at(space, &format!("new-{m}")), "How heavy is it?").await;
            assert!(!text(&followed).contains(&foreign), "{followed:?}");
            let press = action(&there, "👍");
            let pressed = stage.all(Request { press, ..at(space, chat) }).await;
            assert!(text(&pressed).contains("no longer works"));
        }
    }
    // The same ids on another platform are another place.
    let web = Request::new(Platform::Web, "museum", "inner-chat", "ada");
    assert_eq!(matched(&stage.all(asking(web, 2, "")).await), ["shop-c"]);
}

#[tokio::test]
async fn limits_are_polite_and_say_when_to_come_back() {
    let stage = Stage::new(|s| {
        s.bot.user_per_minute = 1;
        s.bot.user_burst = 2;
        s.bot.max_photos = 2;
    });
    let three = Request { files: vec![photo(1); 3], ..user("u") };
    assert!(text(&stage.all(three).await).contains("at most 2"));
    let long = stage.all(asking(user("u"), 1, &"x".repeat(5000))).await;
    assert!(text(&long).contains("5000 characters"));
    let replies = stage.says(user("u"), "/help").await;
    let Some(Reply::Error(failure)) = replies.last() else { panic!("{replies:?}") };
    assert_eq!(failure.kind, FailureKind::Limited);
    assert!(failure.retry_after.is_some_and(|s| (1..=60).contains(&s)));
    assert!(failure.text.contains(&format!("{} second", failure.retry_after.unwrap())));
    assert!(text(&stage.says(user("v"), "/help").await).contains("/similar"));
}

#[tokio::test]
async fn a_message_delivered_twice_is_answered_once() {
    let stage = Stage::with(&[]).await;
    let request = Request { delivery: "m1".into(), text: "/help".into(), ..user("u") };
    assert!(!stage.all(request.clone()).await.is_empty());
    let again: Vec<Reply> = stage.bot.handle(request).collect().await;
    assert!(again.is_empty(), "{again:?}");
}

#[tokio::test]
async fn wrong_photos_are_refused_by_name_in_the_users_language() {
    let stage = Stage::with(&[("lamp", 1)]).await;
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    for (name, bytes, english, german) in [
        ("a.heic", &heic[..], "HEIC/HEIF", "HEIC/HEIF kann ich nicht lesen"),
        ("b.jpg", b"\xff\xd8\xff\xe0 broken", "damaged", "beschädigt"),
        ("c.png", b"", "empty", "leer"),
        ("d.jpg", b"just words", "a text file", "JPEG, PNG"),
    ] {
        for (language, word) in [("en", english), ("de-AT", german), ("xx", english)] {
            let files = vec![Upload { name: name.into(), bytes: bytes.into() }];
            let request = Request { files, language: language.into(), ..asking_text("what?") };
            let replies = stage.all(request).await;
            assert_eq!(failure(&replies), FailureKind::Invalid);
            let said = text(&replies);
            assert!(said.contains(word) && said.contains(name), "{language}: {said}");
        }
    }
}

#[tokio::test]
async fn an_empty_catalogue_says_so_and_offers_admins_the_sample() {
    let stage = Stage::with(&[]).await;
    let replies = stage.all(asking(user("u"), 1, "what is it?")).await;
    assert!(text(&replies).contains("catalogue is empty") && buttons(&replies).is_empty());
    let replies = stage.all(asking(admin(), 1, "what is it?")).await;
    let press = action(&replies, "sample");
    let loaded = stage.all(Request { press, ..admin() }).await;
    assert!(text(&loaded).contains("64 added"), "{loaded:?}");
    assert_eq!(stage.ids().await.len(), 32);
}

#[tokio::test]
async fn many_at_once_get_their_own_answers() {
    let products: Vec<(String, u32)> = (1..9).map(|n| (format!("p{n}"), n)).collect();
    let named: Vec<(&str, u32)> = products.iter().map(|(id, n)| (id.as_str(), *n)).collect();
    let stage = Arc::new(Stage::with(&named).await);
    let asked = (0..40u32).map(|n| {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move {
            let number = n % 8 + 1;
            let replies = stage.all(asking(user(&n.to_string()), number, "how heavy?")).await;
            assert_eq!(matched(&replies)[0], format!("p{number}"));
            assert!(text(&replies).contains(&format!("{number} kg")));
        })
    });
    for one in asked.collect::<Vec<_>>() {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn a_stopping_bot_ends_what_it_has_and_takes_nothing_new() {
    let stage = Stage::with(&[("lamp", 1)]).await;
    let mut running = stage.bot.handle(asking(user("u"), 1, "how heavy?"));
    assert!(matches!(running.next().await, Some(Reply::Typing)));
    let bot = stage.bot.clone();
    let stopped = tokio::spawn(async move { bot.stop(Duration::from_secs(20)).await });
    let rest: Vec<Reply> = running.collect().await;
    assert!(text(&rest).contains("1 kg"), "{rest:?}");
    stopped.await.unwrap();
    assert_eq!(failure(&stage.says(user("u"), "/help").await), FailureKind::Unavailable);
}
