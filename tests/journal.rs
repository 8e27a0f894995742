//! Every change says who made it and can be taken back by them: whole or not at all, never over
//! somebody else's work.

mod support;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use heed::types::{Bytes, Str};
use magpie::catalogue::import::{Embed, Options, import};
use magpie::catalogue::{
    Action, Author, Catalogue, CatalogueError, Change, ModelId, PreparedImage, Product, ProductText,
};
use magpie::clip::Embedding;
use magpie::photo::Photo;
use serde_json::json;
use support::{Shop, picture};

const D: usize = 8;

fn text(id: &str, description: &str) -> ProductText {
    ProductText { id: id.into(), description: description.into(), ..Default::default() }
        .checked()
        .unwrap()
}

fn image(number: u32) -> (PreparedImage, Embedding) {
    let photo = Photo::from_rgb(picture(number)).unwrap();
    (PreparedImage::new(&number.to_le_bytes(), "a.png", &photo).unwrap(), vector(number))
}

fn vector(number: u32) -> Embedding {
    let mut state = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    Embedding::new((0..D).map(|_| next() + next() + next() + next()).collect()).unwrap()
}

fn model(fingerprint: &str, dimensions: usize) -> ModelId {
    ModelId { name: "test".into(), fingerprint: fingerprint.into(), dimensions }
}

fn author(name: &str) -> Author {
    Author { id: format!("test:{name}"), name: name.into() }
}

fn open(dir: &Path) -> Catalogue {
    Catalogue::open_for(dir, &model("f", D)).unwrap()
}

/// Everything a catalogue says about a product, pixels and vectors included.
type Everything = (Product, Vec<(Vec<u8>, Vec<u8>, Embedding)>);

fn everything(catalogue: &Catalogue, id: &str) -> Option<Everything> {
    let product = catalogue.find(id).unwrap()?;
    let images = product
        .images
        .iter()
        .map(|&i| {
            let picture = catalogue.picture(i).unwrap().unwrap();
            let thumbnail = catalogue.thumbnail(i).unwrap().unwrap();
            (picture, thumbnail, catalogue.vector(i).unwrap().unwrap())
        })
        .collect();
    Some((product, images))
}

fn first(catalogue: &Catalogue, number: u32) -> Option<String> {
    let hits = catalogue.nearest(&vector(number), 1, None).unwrap();
    hits.into_iter().next().map(|h| h.product.id)
}

/// The newest line of the log.
fn last(catalogue: &Catalogue) -> Change {
    catalogue.log(0, 1).unwrap().pop().unwrap()
}

#[test]
fn every_kind_of_change_is_taken_back_in_turn() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let ann = author("Ann");
    catalogue.put_by(&ann, &text("a", "A."), &[image(1)]).unwrap();
    let added = everything(&catalogue, "a");
    catalogue.put_by(&ann, &text("a", "A."), &[image(2), image(3)]).unwrap();
    let grown = everything(&catalogue, "a");
    catalogue.put_by(&ann, &text("a", "Better."), &[]).unwrap();
    let edited = everything(&catalogue, "a");
    catalogue.remove_by(&ann, "a").unwrap();
    assert_eq!(first(&catalogue, 2), None);
    let actions = |log: &[Change]| log.iter().map(|c| (c.action, c.images)).collect::<Vec<_>>();
    let log = catalogue.log(0, 10).unwrap();
    assert_eq!(
        actions(&log),
        [(Action::Removed, 3), (Action::Edited, 0), (Action::ImagesAdded, 2), (Action::Added, 1)]
    );
    for (action, state) in [
        (Action::Removed, &edited),
        (Action::Edited, &grown),
        (Action::ImagesAdded, &added),
        (Action::Added, &None),
    ] {
        let undone = catalogue.undo(&ann).unwrap().unwrap();
        assert_eq!((undone.action, undone.undone), (action, true));
        assert_eq!(&everything(&catalogue, "a"), state, "{action:?}");
        assert_eq!(last(&catalogue).undoes, Some(undone.number));
    }
    assert_eq!(catalogue.undo(&ann).unwrap(), None);
    let stats = catalogue.stats().unwrap();
    assert_eq!((stats.products, stats.images), (0, 0));
    let log = catalogue.log(0, 100).unwrap();
    assert!(log.iter().rev().map(|c| c.number).eq(1..=8));
    assert_eq!(log.iter().filter(|c| c.undone).count(), 4);
    // A delivery that comes again takes nothing else back.
    let by = |delivery| catalogue.undo_once(&ann, delivery).unwrap().map(|c| c.number);
    assert_eq!(by("chat:1"), None);
    catalogue.put_by(&ann, &text("b", "B."), &[image(1)]).unwrap();
    catalogue.put_by(&ann, &text("b", "Better."), &[]).unwrap();
    assert_eq!(
        [by("chat:1"), by("chat:1"), by("chat:2"), by("chat:2")],
        [Some(10), Some(10), Some(9), Some(9)]
    );
    // What was taken back can be done again.
    assert_eq!(catalogue.put_by(&ann, &text("a", "A."), &[image(1)]).unwrap().images, 1);
}

#[test]
fn a_removed_product_comes_back_to_searches_and_knows_its_images_again() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let ann = author("Ann");
    for n in 0..3 {
        catalogue.put(&text(&format!("p{n}"), "P."), &[image(n)]).unwrap();
    }
    let before = everything(&catalogue, "p1");
    for _ in 0..2 {
        catalogue.remove_by(&ann, "p1").unwrap();
        assert!(catalogue.undo(&ann).unwrap().is_some());
        assert_eq!(everything(&catalogue, "p1"), before);
    }
    assert_eq!(first(&catalogue, 1).unwrap(), "p1");
    let hash = image(1).0.hash;
    assert!(catalogue.has_image("p1", &hash).unwrap());
    assert_eq!(catalogue.put(&text("p1", "P."), &[image(1)]).unwrap().images, 0);
    assert_eq!(catalogue.images().unwrap().len(), 3);
}

#[test]
fn what_came_back_stands_in_the_trees_once() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let photo = Photo::from_rgb(image::RgbImage::new(4, 4)).unwrap();
    let rows: Vec<_> = (0..5000u32)
        .map(|n| {
            let image = PreparedImage::new(&n.to_le_bytes(), "a.png", &photo).unwrap();
            (text(&format!("p{n:04}"), "P."), [(image, vector(n))])
        })
        .collect();
    let puts: Vec<_> = rows.iter().map(|(t, i)| (t, i.as_slice())).collect();
    catalogue.put_all(&puts).unwrap();
    assert!(catalogue.index_if_due().unwrap());
    let ann = author("Ann");
    catalogue.remove_by(&ann, "p0042").unwrap();
    assert_ne!(first(&catalogue, 42).unwrap(), "p0042");
    catalogue.undo(&ann).unwrap();
    let hits = catalogue.nearest(&vector(42), 5, None).unwrap();
    assert_eq!(hits.iter().filter(|h| h.product.id == "p0042").count(), 1);
    assert_eq!(hits[0].product.id, "p0042");
}

#[test]
fn nobody_takes_back_what_others_did() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let (ann, bob) = (author("Ann"), author("Bob"));
    catalogue.put_by(&ann, &text("a", "A."), &[]).unwrap();
    assert_eq!(catalogue.undo(&bob).unwrap(), None);
    catalogue.put_by(&bob, &text("b", "B."), &[]).unwrap();
    // Ann's newest is not the catalogue's newest.
    assert_eq!(catalogue.undo(&ann).unwrap().unwrap().products, ["a"]);
    assert_eq!(catalogue.products(0, 10).unwrap().len(), 1);
}

#[test]
fn what_somebody_changed_since_stays_and_they_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let (ann, bob) = (author("Ann"), author("Bob"));
    catalogue.put(&text("lamp", "Start."), &[]).unwrap();
    catalogue.put_by(&ann, &text("lamp", "Ann's."), &[]).unwrap();
    catalogue.put_by(&bob, &text("lamp", "Bob's."), &[image(1)]).unwrap();
    let (before, log) = (everything(&catalogue, "lamp"), catalogue.log(0, 10).unwrap());
    let error = catalogue.undo(&ann).unwrap_err();
    assert!(matches!(error, CatalogueError::ChangedSince { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("lamp") && message.contains("Bob"), "{message}");
    assert_eq!((everything(&catalogue, "lamp"), catalogue.log(0, 10).unwrap()), (before, log));
    // Once Bob has taken his back, Ann can.
    catalogue.undo(&bob).unwrap();
    assert_eq!(catalogue.product("lamp").unwrap().description, "Ann's.");
    catalogue.undo(&ann).unwrap();
    assert_eq!(catalogue.product("lamp").unwrap().description, "Start.");
    // Bob's text happens to be Ann's, and is still Bob's.
    catalogue.put_by(&ann, &text("lamp", "Ann's."), &[]).unwrap();
    catalogue.put_by(&bob, &text("lamp", "Bob's."), &[]).unwrap();
    catalogue.put_by(&bob, &text("lamp", "Ann's."), &[]).unwrap();
    assert!(catalogue.undo(&ann).unwrap_err().to_string().contains("Bob"));
    // A change that is not in the log counts too.
    catalogue.put(&text("lamp", "Nobody's."), &[]).unwrap();
    assert!(catalogue.undo(&bob).unwrap_err().to_string().contains("somebody"));
}

#[test]
fn what_changes_nothing_is_not_logged() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let ann = author("Ann");
    catalogue.put_by(&ann, &text("a", "A."), &[image(1)]).unwrap();
    catalogue.put_by(&ann, &text("a", "A."), &[image(1)]).unwrap();
    assert!(matches!(catalogue.remove_by(&ann, "none"), Err(CatalogueError::NoProduct(_))));
    assert_eq!(catalogue.log(0, 10).unwrap().len(), 1);
}

#[test]
fn a_name_cannot_break_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let eve = Author { id: "x".repeat(500), name: "Eve\n2  took over\u{1b}[2J".repeat(50) };
    catalogue.put_by(&eve, &text("a", "A."), &[]).unwrap();
    let line = last(&catalogue);
    assert!(line.author.name.starts_with("Eve2  took over[2J") && line.author.name.len() <= 100);
    assert!(catalogue.undo(&eve).unwrap().is_some(), "she is still the one who did it");
}

#[test]
fn only_the_newest_changes_can_be_taken_back_and_the_older_stay_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let (ann, bob) = (author("Ann"), author("Bob"));
    catalogue.put(&text("old", "Old."), &[image(1)]).unwrap();
    catalogue.put(&text("new", "New."), &[image(2)]).unwrap();
    catalogue.remove_by(&bob, "old").unwrap();
    let ids = catalogue.remove_by(&ann, "new").unwrap().images;
    for n in 0..199 {
        let carl = author("Carl");
        catalogue.put_by(&carl, &text("c", &format!("Text {n}.")), &[]).unwrap();
    }
    // 201 changes: Bob's is one too old, Ann's the oldest that is kept.
    let error = catalogue.undo(&bob).unwrap_err();
    assert!(matches!(error, CatalogueError::UndoTooOld { number: 1 }), "{error:?}");
    assert!(error.to_string().contains("200"), "{error}");
    assert!(catalogue.undo(&ann).unwrap().is_some());
    assert_eq!(catalogue.product("new").unwrap().images, ids);
    assert_eq!(catalogue.log(0, 1000).unwrap().len(), 202);
    assert_eq!(catalogue.log(200, 1).unwrap()[0].number, 2);
}

#[test]
fn pictures_embedded_by_another_model_do_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let ann = author("Ann");
    catalogue.put(&text("stays", "S."), &[image(1)]).unwrap();
    catalogue.put(&text("goes", "G."), &[image(2)]).unwrap();
    catalogue.remove_by(&ann, "goes").unwrap();
    let (left, _) = catalogue.images().unwrap()[0];
    catalogue.replace_vectors(&model("other", D), &[(left, vector(9))]).unwrap();
    let error = catalogue.undo(&ann).unwrap_err().to_string();
    assert!(error.contains("goes") && error.contains("another model"), "{error}");
    assert_eq!(catalogue.find("goes").unwrap(), None);
    assert_eq!(catalogue.images().unwrap().len(), 1);
}

#[test]
fn a_catalogue_from_before_there_was_a_log_opens_and_gets_one() {
    let dir = tempfile::tempdir().unwrap();
    {
        let mut options = heed::EnvOpenOptions::new();
        options.map_size(1 << 24).max_dbs(4);
        // SAFETY: the directory is this test's own.
        let env = unsafe { options.open(dir.path()) }.unwrap();
        let txn = env.write_txn().unwrap();
        let made = env.create_databases_and_commit(txn, |dbs, txn| -> Result<_, heed::Error> {
            let meta: heed::Database<'_, Str, Bytes> = dbs.create_database(txn, Some("meta"))?;
            meta.put(txn, "schema", b"1")?;
            let products: heed::Database<'_, Str, Bytes> =
                dbs.create_database(txn, Some("products"))?;
            let old = r#"{"id":"old","title":"Old","description":"Old."}"#;
            products.put(txn, "old", old.as_bytes())?;
            Ok(heed::CommitOrAbort::<_, ()>::Commit(()))
        });
        made.unwrap().unwrap_commit();
        env.prepare_for_closing().wait();
    }
    let catalogue = open(dir.path());
    assert_eq!(catalogue.log(0, 10).unwrap(), []);
    assert_eq!(catalogue.feedback(0, 10).unwrap(), []);
    catalogue.remove_by(&author("Ann"), "old").unwrap();
    catalogue.undo(&author("Ann")).unwrap();
    assert_eq!(catalogue.product("old").unwrap().title, "Old");
}

/// Embeds a picture as the colours of its corner.
struct Corner;

impl Embed for Corner {
    fn model(&self) -> ModelId {
        model("f", D)
    }

    fn prepare(&self, photo: &Photo) -> Vec<f32> {
        photo.rgb().pixels().flat_map(|p| p.0).take(D).map(|c| f32::from(c) + 1.0).collect()
    }

    fn embed(&self, prepared: &[Vec<f32>]) -> Result<Vec<Embedding>, String> {
        prepared.iter().map(|p| Embedding::new(p.clone()).ok_or("no vector".into())).collect()
    }
}

fn by(name: &str) -> Options {
    Options { author: Some(author(name)), ..Options::default() }
}

#[test]
fn an_import_is_one_change_and_goes_back_as_one() {
    let shop = Shop::new();
    let rows: Vec<String> = (0..100)
        .map(|n| {
            shop.picture(&format!("kb/{n}.png"), n);
            // Two images each, 50 rows and so several commits apart.
            let product = format!("p{:02}", n % 50);
            json!({"image_path": format!("{n}.png"), "id": product, "description": "New."})
                .to_string()
        })
        .collect();
    let kb = shop.listing(&rows.join("\n"));
    let catalogue = open(&shop.data());
    let ann = author("Ann");
    catalogue.put(&text("p07", "There before."), &[image(700)]).unwrap();
    catalogue.put(&text("other", "Not in the import."), &[image(701)]).unwrap();
    let before = (everything(&catalogue, "p07"), everything(&catalogue, "other"));
    let report = import(&catalogue, Path::new(&kb), &Corner, &by("Ann"), &|_, _| {}).unwrap();
    assert_eq!(report.added, 100);
    let log = catalogue.log(0, 10).unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].action, log[0].count, log[0].images), (Action::Imported, 50, 100));
    assert_eq!(log[0].products.len(), 20);
    // Again: nothing to log.
    import(&catalogue, Path::new(&kb), &Corner, &by("Ann"), &|_, _| {}).unwrap();
    assert_eq!(catalogue.log(0, 10).unwrap().len(), 1);
    // One product somebody else has touched keeps the whole import.
    catalogue.put_by(&author("Bob"), &text("p31", "Bob's."), &[]).unwrap();
    let error = catalogue.undo(&ann).unwrap_err().to_string();
    assert!(error.contains("p31") && error.contains("Bob"), "{error}");
    assert_eq!(catalogue.stats().unwrap().images, 102);
    catalogue.undo(&author("Bob")).unwrap();
    assert_eq!(catalogue.undo(&ann).unwrap().unwrap().count, 50);
    let stats = catalogue.stats().unwrap();
    assert_eq!((stats.products, stats.images), (2, 2));
    assert_eq!((everything(&catalogue, "p07"), everything(&catalogue, "other")), before);
    // And an import of nobody's is not logged.
    import(&catalogue, Path::new(&kb), &Corner, &Options::default(), &|_, _| {}).unwrap();
    assert_eq!(last(&catalogue).action, Action::Undone);
}

#[test]
fn a_large_import_goes_back_and_leaves_a_catalogue_that_any_model_can_have() {
    let shop = Shop::new();
    let rows: Vec<String> = (0..4200u32)
        .map(|n| {
            let [a, b, ..] = n.to_le_bytes();
            let name = format!("kb/{n}.bmp");
            let pixels = image::RgbImage::from_fn(4, 4, |x, y| image::Rgb([a, b, (x * y) as u8]));
            fs::create_dir_all(shop.path("kb")).unwrap();
            pixels.save(shop.path(&name)).unwrap();
            json!({"image_path": format!("{n}.bmp"), "description": "New."}).to_string()
        })
        .collect();
    let kb = shop.listing(&rows.join("\n"));
    let catalogue = open(&shop.data());
    let report = import(&catalogue, Path::new(&kb), &Corner, &by("Ann"), &|_, _| {}).unwrap();
    assert_eq!(report.added, 4200);
    let started = std::time::Instant::now();
    catalogue.undo(&author("Ann")).unwrap();
    println!("4200 products taken back in {:?}", started.elapsed());
    assert_eq!(catalogue.stats().unwrap().images, 0);
    // The trees held vectors of another length.
    catalogue.adopt(&model("longer", D + 4)).unwrap();
    let longer = Embedding::new((1..=D + 4).map(|v| v as f32).collect()).unwrap();
    catalogue.put(&text("a", "A."), &[(image(1).0, longer.clone())]).unwrap();
    assert_eq!(catalogue.nearest(&longer, 3, None).unwrap()[0].product.id, "a");
}

#[test]
fn a_killed_import_goes_back_as_far_as_it_came() {
    const N: usize = 300;
    let shop = Shop::new();
    let rows: Vec<String> = (0..N)
        .map(|n| {
            shop.picture(&format!("kb/{n}.png"), n as u32);
            json!({"image_path": format!("{n}.png"), "description": "New."}).to_string()
        })
        .collect();
    let kb = shop.listing(&rows.join("\n"));
    let mut import = shop.command(&["kb", "import", &kb]).stdout(Stdio::null()).spawn().unwrap();
    let images = || shop.run(&["kb", "stats"]).ok()["images"].as_u64().unwrap();
    while images() == 0 && import.try_wait().unwrap().is_none() {}
    import.kill().unwrap();
    import.wait().unwrap();
    let kept = images();
    println!("killed with {kept} of {N} images committed");
    let undone = shop.run(&["kb", "undo"]).ok();
    assert_eq!(undone["undone"]["count"].as_u64(), Some(kept));
    assert_eq!(images(), 0);
}

#[test]
fn the_command_line_logs_and_takes_back() {
    let shop = Shop::new();
    let lamp = shop.picture("lamp.png", 1);
    assert_eq!(shop.run(&["kb", "undo"]).ok(), json!({"undone": null}));
    shop.run(&["kb", "add", &lamp, "--description", "A lamp.", "--id", "lamp"]).ok();
    shop.run(&["kb", "edit", "lamp", "--title", "Lamp"]).ok();
    shop.run(&["kb", "remove", "lamp"]).ok();
    let log = shop.run(&["kb", "log", "-n", "2"]).ok();
    let changes = log["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(
        (&changes[0]["action"], &changes[1]["action"]),
        (&json!("removed"), &json!("edited"))
    );
    assert_eq!(changes[0]["author"]["id"], "cli");
    assert_eq!(shop.run(&["kb", "undo"]).ok()["undone"]["action"], "removed");
    assert_eq!(shop.run(&["similar", &lamp]).ok()["matches"][0]["id"], "lamp");
    let mut command = support::magpie();
    command.args(["kb", "log", "--data"]).arg(shop.data()).env("USER", "ann");
    let output = command.output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with("4  20") && lines[0].contains("took back 3: lamp"), "{lines:?}");
    assert!(lines[1].contains("removed lamp, 1 images (taken back)"), "{lines:?}");
}

#[test]
fn an_attribute_is_set_and_removed() {
    let shop = Shop::new();
    let lamp = shop.picture("lamp.png", 1);
    shop.run(&["kb", "add", &lamp, "--description", "A lamp.", "--id", "lamp"]).ok();
    let set = |args: &[&str]| {
        let run = shop.run(&[&["kb", "edit", "lamp"], args].concat());
        let changed = run.ok()["changed"].clone();
        let lamp = shop.run(&["kb", "show", "lamp"]).ok();
        (changed, serde_json::to_string(&lamp["attributes"]).unwrap())
    };
    let yes = |attributes: &str| (json!(true), attributes.to_owned());
    assert_eq!(
        set(&["--set", "price=89 €", "--set", "url=https://e.com/?a=b", "--set", "size=L"]),
        yes(r#"{"price":"89 €","url":"https://e.com/?a=b","size":"L"}"#)
    );
    assert_eq!(set(&["--set", "url=", "--set", "price=99"]), yes(r#"{"price":"99","size":"L"}"#));
    assert_eq!(set(&["--set", "none="]).0, json!(false));
    for wrong in ["price", "=1"] {
        assert_eq!(shop.run(&["kb", "edit", "lamp", "--set", wrong]).code, 64, "{wrong}");
    }
}
