//! Who may change the catalogue, with which commands.

use super::*;

#[tokio::test]
async fn an_admin_grows_the_catalogue() {
    let stage = Stage::new(&[]).await;
    let (fake, ada) = (&stage.fake, User::new(ADMIN));
    let add = "/kb add id:K-1 title:\"Kettle <b>\" It weighs 2 kg & more.";
    ada.writes(fake).photo(png(2)).caption(add).send();
    fake.says(ADMIN, "Added K-1 (Kettle <b>)").await;
    // A caption of an album's is about all of it.
    ada.writes(fake).photo(png(11)).in_album("c").caption("/kb add id:A-1 title:Pair Two.").send();
    ada.writes(fake).photo(png(12)).in_album("c").send();
    let added = fake.until("the pair", |f| {
        f.chat(ADMIN).into_iter().rev().find(|s| {
            s.text.contains("Added A-1") || s.buttons.iter().any(|(l, _)| l.contains("anyway"))
        })
    });
    let added = added.await;
    if let Some((_, anyway)) = added.buttons.first() {
        ada.presses(fake, &added, anyway);
    }
    fake.says(ADMIN, "Added A-1 (Pair) with 2 images").await;
    ada.writes(fake).text("/kb undo").send();
    fake.says(ADMIN, "Taken back").await;
    // In reply to an album, all of it.
    let album: Vec<_> = (3..6)
        .map(|n| ada.writes(fake).photo(png(n)).in_album("a").caption("look").send())
        .collect();
    fake.button(ADMIN, "👍").await;
    ada.writes(fake).text("/kb add id:L-1 title:Lamp A lamp.").reply_to(&album[1]).send();
    let added = fake
        .until("the lamp", |f| {
            f.chat(ADMIN).into_iter().rev().find(|s| {
                s.text.contains("Added L-1") || s.buttons.iter().any(|(l, _)| l.contains("anyway"))
            })
        })
        .await;
    if let Some((_, anyway)) = added.buttons.first() {
        ada.presses(fake, &added, anyway);
    }
    fake.says(ADMIN, "with 3 images").await;
    for (command, words) in [
        ("list", "2 products"),
        ("find weighs", "K-1"),
        ("stats", "2 products, 4 images"),
        ("edit K-1 price:€5 url:https://shop.example/?a=1&b=2", "price: €5"),
        ("log", "U1: changed K-1"),
        ("undo", "Taken back"),
        ("show L-1", "and 2 more images"),
        ("show nothing", "no product nothing"),
        ("", "/kb export"),
    ] {
        ada.writes(fake).text(&format!("/kb {command}")).send();
        fake.says(ADMIN, words).await;
    }
    let shown = fake.chat(ADMIN);
    let link = shown.iter().find(|s| s.html.contains("<a href")).unwrap();
    assert!(link.html.contains("href=\"https://shop.example/?a=1&amp;b=2\""), "{link:?}");
    assert!(shown.iter().any(|s| s.method == "sendphoto" && s.text == "Lamp"));

    ada.writes(fake).text("/kb remove K-1").send();
    let (sure, remove) = fake.button(ADMIN, "Remove").await;
    assert!(sure.text.contains("Remove K-1") && sure.buttons.len() == 2);
    ada.presses(fake, &sure, &remove);
    fake.says(ADMIN, "Removed K-1").await;
    ada.writes(fake).text("/kb export").send();
    let file = fake
        .until("the export", |f| f.chat(ADMIN).into_iter().find(|s| s.method == "senddocument"))
        .await;
    assert_eq!(file.files, ["catalogue.zip"]);
    let zip = fake.upload("catalogue.zip");
    assert!(zip.starts_with(b"PK"));
    ada.writes(fake).text("/kb remove L-1").send();
    fake.says(ADMIN, "Remove L-1").await;
    let (sure, remove) = fake.button(ADMIN, "Remove").await;
    ada.presses(fake, &sure, &remove);
    fake.says(ADMIN, "Removed L-1").await;
    let archive = || ada.writes(fake).document("c.zip", "application/zip", zip.clone());
    archive().caption("/kb import").send();
    fake.says(ADMIN, "3 added").await;
    assert_eq!(stage.ids().await, ["L-1"]);
    for (named, files) in [("/katalog importieren", 2), ("/kb@magpie_test_bot import", 3)] {
        archive().caption(named).send();
        fake.until(named, |f| {
            let said = f.chat(ADMIN).iter().filter(|s| s.text.contains("3 unchanged")).count();
            Some(()).filter(|()| said == files - 1)
        })
        .await;
    }
    ada.writes(fake).photo(png(1)).caption("/kb import").send();
    fake.says(ADMIN, "needs a zip archive").await;
    stage.end().await;
}

#[tokio::test]
async fn nobody_else_may_and_no_file_is_fetched_for_them() {
    let stage = Stage::new(&[("lamp", 1)]).await;
    let (fake, user) = (&stage.fake, User { language: "de", ..User::new(7) });
    let commands = [
        "add id:x x",
        "list",
        "edit lamp title:x",
        "remove lamp",
        "import",
        "export",
        "undo",
        "log",
        "stats",
        "show lamp",
        "find lamp",
        "",
    ];
    for command in commands {
        user.writes(fake).photo(png(2)).caption(&format!("/kb {command}")).send();
    }
    fake.until("refusals", |f| Some(()).filter(|()| f.chat(7).len() == commands.len())).await;
    let shown = fake.chat(7);
    assert!(lines(&shown).iter().all(|(_, t)| t.contains("nichts geändert")), "{shown:?}");
    assert_eq!((fake.fetched().len(), stage.ids().await), (0, vec!["lamp".to_owned()]));
    user.writes(fake).text("/help").send();
    assert!(!fake.says(7, "/treffer").await.text.contains("/katalog"));
    stage.end().await;
}
