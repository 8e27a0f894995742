//! The catalogue keeps what it was given: whole or not at all, found at once, through
//! growth, other processes, other models and sudden death.

mod support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use magpie::catalogue::import::Embed;
use magpie::catalogue::{Catalogue, CatalogueError, ModelId, PreparedImage, ProductText};
use magpie::clip::{Clip, Embedding};
use magpie::photo::Photo;
use support::{Run, Shop, picture, tiny};

fn text(id: &str, description: &str) -> ProductText {
    ProductText { id: id.into(), description: description.into(), ..Default::default() }
        .checked()
        .unwrap()
}

fn image(number: u32) -> PreparedImage {
    let photo = Photo::from_rgb(picture(number)).unwrap();
    PreparedImage::new(&number.to_le_bytes(), "a.png", &photo).unwrap()
}

/// A unit vector that depends on the number alone.
fn vector(number: u64, dimensions: usize) -> Embedding {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    // The sum of four is near enough to a normal distribution to spread over the sphere.
    Embedding::new((0..dimensions).map(|_| next() + next() + next() + next()).collect()).unwrap()
}

fn model(dimensions: usize) -> ModelId {
    ModelId { name: "test".into(), fingerprint: "f".into(), dimensions }
}

#[test]
fn the_same_image_twice_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open_for(dir.path(), &model(8)).unwrap();
    let one = [(image(1), vector(1, 8))];
    let first = catalogue.put(&text("a", "A."), &one).unwrap();
    assert!(first.created && first.images == 1);
    let again = catalogue.put(&text("a", "A."), &one).unwrap();
    assert_eq!((again.created, again.changed, again.images), (false, false, 0));
    // Another product may have it too.
    assert_eq!(catalogue.put(&text("b", "B."), &one).unwrap().images, 1);
    let changed = catalogue.put(&text("a", "New text."), &one).unwrap();
    assert!(changed.changed && changed.images == 0);
    assert_eq!(catalogue.stats().unwrap().images, 2);
    assert_eq!(catalogue.product("a").unwrap().description, "New text.");
}

#[test]
fn a_removed_product_is_gone_with_its_images_and_can_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open_for(dir.path(), &model(8)).unwrap();
    for n in 0..3 {
        let images = [(image(n), vector(n.into(), 8))];
        catalogue.put(&text(&format!("p{n}"), "P."), &images).unwrap();
    }
    let removed = catalogue.remove("p1").unwrap();
    let hits = catalogue.nearest(&vector(1, 8), 5, None).unwrap();
    assert_eq!(hits.len(), 2);
    assert!(hits.iter().all(|h| h.product.id != "p1"));
    assert_eq!(catalogue.picture(removed.images[0]).unwrap(), None);
    assert!(matches!(catalogue.remove("p1"), Err(CatalogueError::NoProduct(_))));
    assert_eq!(catalogue.put(&text("p1", "P."), &[(image(1), vector(1, 8))]).unwrap().images, 1);
    assert_eq!(catalogue.nearest(&vector(1, 8), 1, None).unwrap()[0].product.id, "p1");
}

#[test]
fn names_are_found_by_their_beginnings_in_any_case_and_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open_for(dir.path(), &model(8)).unwrap();
    let products: Vec<ProductText> =
        [("LAMP-7", "Aura light"), ("oak-lamp", "Oak"), ("x1", "A lampshade")]
            .map(|(id, title)| ProductText { title: title.into(), ..text(id, "lamp") })
            .into_iter()
            .chain((0..2000).map(|n| text(&format!("part-{n:05}"), "A part.")))
            .collect();
    let batch: Vec<(&ProductText, &[_])> = products.iter().map(|p| (p, [].as_slice())).collect();
    catalogue.put_all(&batch).unwrap();
    let found = |typed: &str, take: usize, time: u64| -> Vec<String> {
        let names = catalogue.names(typed, take, Duration::from_millis(time)).unwrap();
        names.into_iter().map(|n| n.id).collect()
    };
    assert_eq!(found("lamp", 25, 60_000), ["LAMP-7", "x1", "oak-lamp"]);
    assert_eq!(found("Light AURA", 25, 60_000), ["LAMP-7"]);
    assert_eq!(found("PART-0001", 3, 60_000), ["part-00010", "part-00011", "part-00012"]);
    assert_eq!(found("", 2, 60_000), ["LAMP-7", "oak-lamp"]);
    // Without any time, an id is still found by just its beginning.
    assert_eq!(found("part-01999", 25, 0), ["part-01999"]);
    assert!(found("lampshade", 25, 0).is_empty());
}

#[test]
fn results_fall_by_score_and_ties_go_by_id() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open_for(dir.path(), &model(8)).unwrap();
    for (id, v) in [("c", 7), ("a", 7), ("b", 7), ("far", 9)] {
        let number = u32::from(id.as_bytes()[0]);
        catalogue.put(&text(id, "P."), &[(image(number), vector(v, 8))]).unwrap();
    }
    let two = [(image(50), vector(9, 8)), (image(51), vector(7, 8))];
    catalogue.put(&text("both", "P."), &two).unwrap();
    let hits = catalogue.nearest(&vector(7, 8), 10, None).unwrap();
    let ids: Vec<_> = hits.iter().map(|h| h.product.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "both", "c", "far"]);
    assert!(hits[..4].iter().all(|h| (h.score - 1.0).abs() < 1e-6));
    // Fewer than there are ties: still by id.
    let hits = catalogue.nearest(&vector(7, 8), 2, None).unwrap();
    assert_eq!([&hits[0].product.id, &hits[1].product.id], ["a", "b"]);
}

#[test]
fn a_full_memory_map_grows_and_nobody_notices() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open_with_map(dir.path(), 1 << 20).unwrap();
    catalogue.adopt(&model(8)).unwrap();
    for n in 0..200 {
        let images = [(image(n), vector(n.into(), 8))];
        catalogue.put(&text(&format!("p{n:03}"), "P."), &images).unwrap();
    }
    assert!(catalogue.stats().unwrap().bytes > 1 << 20);
    assert_eq!(catalogue.products(0, 1000).unwrap().len(), 200);
    for n in [0, 77, 199] {
        assert_eq!(
            catalogue.nearest(&vector(n, 8), 1, None).unwrap()[0].product.id,
            format!("p{n:03}")
        );
    }
}

/// Many products with one image each, written in few transactions.
fn fill(catalogue: &Catalogue, numbers: std::ops::Range<u64>, dimensions: usize) {
    let photo = Photo::from_rgb(image::RgbImage::new(4, 4)).unwrap();
    for chunk in numbers.collect::<Vec<_>>().chunks(1000) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|n| {
                let image = PreparedImage::new(&n.to_le_bytes(), "a.png", &photo).unwrap();
                (text(&format!("p{n:05}"), "P."), [(image, vector(*n, dimensions))])
            })
            .collect();
        let puts: Vec<_> = rows.iter().map(|(t, i)| (t, i.as_slice())).collect();
        catalogue.put_all(&puts).unwrap();
    }
}

#[test]
fn with_trees_an_addition_is_found_at_once_and_a_removal_is_not() {
    const D: usize = 24;
    let dir = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open_for(dir.path(), &model(D)).unwrap();
    fill(&catalogue, 0..6000, D);
    assert!(catalogue.index_if_due().unwrap(), "6000 vectors are worth trees");
    assert!(!catalogue.index_if_due().unwrap(), "nothing is new since");
    fill(&catalogue, 6000..6010, D);
    assert!(!catalogue.index_if_due().unwrap(), "ten more are not worth a rebuild");
    let first = |n: u64| catalogue.nearest(&vector(n, D), 1, None).unwrap()[0].product.id.clone();
    assert_eq!(first(6007), "p06007");
    assert_eq!(first(42), "p00042");
    catalogue.remove("p00042").unwrap();
    catalogue.remove("p06007").unwrap();
    assert_ne!(first(42), "p00042");
    assert_ne!(first(6007), "p06007");
}

#[test]
fn the_trees_find_what_an_exact_scan_finds() {
    const D: usize = 24;
    let (with, without) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let trees = Catalogue::open_for(with.path(), &model(D)).unwrap();
    let exact = Catalogue::open_for(without.path(), &model(D)).unwrap();
    for catalogue in [&trees, &exact] {
        fill(catalogue, 0..6000, D);
    }
    assert!(trees.index_if_due().unwrap());
    let (mut found, mut all) = (0, 0);
    for query in 0..50 {
        let query = vector(1_000_000 + query, D);
        let ids = |c: &Catalogue| -> HashSet<String> {
            c.nearest(&query, 10, None).unwrap().into_iter().map(|h| h.product.id).collect()
        };
        found += ids(&trees).intersection(&ids(&exact)).count();
        all += 10;
    }
    let recall = f64::from(found as u32) / f64::from(all);
    println!("recall@10 of the trees against an exact scan: {recall:.3}");
    assert!(recall >= 0.95, "{recall}");
}

#[test]
fn another_model_is_refused_with_the_command_that_helps_and_that_command_helps() {
    let shop = Shop::new();
    let photo = shop.picture("one.png", 1);
    shop.run(&["kb", "add", &photo, "--description", "One.", "--id", "one"]).ok();
    let gelu = support::repo("tests/fixtures/clip-tiny-gelu");
    let with = |args: &[&str]| {
        let mut command = support::magpie();
        command.args(args).arg("--json").arg("--data").arg(shop.data()).arg("--model").arg(&gelu);
        Run::new(command.output().unwrap())
    };
    let error = with(&["similar", &photo]).error(1);
    assert!(error.contains("magpie kb reembed"), "{error}");
    assert_eq!(with(&["kb", "reembed"]).ok()["images"], 1);
    assert_eq!(with(&["similar", &photo]).ok()["matches"][0]["id"], "one");
    assert!(shop.run(&["similar", &photo]).error(1).contains("reembed"));
}

#[test]
fn two_processes_share_a_directory() {
    let shop = Shop::new();
    let clip = Clip::open(&tiny()).unwrap();
    let mine = Catalogue::open_for(&shop.data(), &clip.model()).unwrap();
    let photo = shop.picture("theirs.png", 5);
    shop.run(&["kb", "add", &photo, "--description", "Theirs.", "--id", "theirs"]).ok();
    assert_eq!(mine.product("theirs").unwrap().description, "Theirs.");
    let query = clip.embed_photo(&Photo::from_rgb(picture(5)).unwrap()).unwrap();
    assert_eq!(mine.nearest(&query, 1, None).unwrap()[0].product.id, "theirs");
    mine.put(&text("mine", "Mine."), &[(image(6), query)]).unwrap();
    assert_eq!(shop.run(&["kb", "show", "mine"]).ok()["title"], "Mine");
}

#[test]
fn a_map_grown_by_another_process_is_followed() {
    let shop = Shop::new();
    let clip = Clip::open(&tiny()).unwrap();
    let mine = Catalogue::open_with_map(&shop.data(), 1 << 20).unwrap();
    mine.adopt(&clip.model()).unwrap();
    let lines: Vec<String> = (0..150)
        .map(|n| {
            shop.picture(&format!("kb/{n}.png"), n);
            format!("{{\"image_path\":\"{n}.png\",\"description\":\"Number {n}.\"}}")
        })
        .collect();
    let kb = shop.listing(&lines.join("\n"));
    assert_eq!(shop.run(&["kb", "import", &kb]).ok()["added"], 150);
    assert_eq!(mine.products(0, 1000).unwrap().len(), 150);
    mine.put(&text("mine", "Mine."), &[(image(900), vector(1, 32))]).unwrap();
    assert_eq!(shop.run(&["kb", "stats"]).ok()["products"], 151);
}

#[test]
fn one_process_opens_a_directory_once_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let first = Catalogue::open(dir.path()).unwrap();
    let second = Catalogue::open(dir.path()).err().unwrap().to_string();
    assert!(second.contains("open already"), "{second}");
    drop(first);
    Catalogue::open(dir.path()).unwrap();
}

#[test]
fn what_is_no_catalogue_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("data.mdb"), vec![7u8; 20_000]).unwrap();
    let error = Catalogue::open(dir.path()).err().unwrap().to_string();
    assert!(error.contains("damaged") && error.contains("backup"), "{error}");
    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let error = Catalogue::open(&file).err().unwrap().to_string();
    assert!(error.contains("file"), "{error}");
}

#[test]
fn a_disk_without_room_is_a_clear_error_and_loses_nothing() {
    let shop = Shop::new();
    let photo = shop.picture("one.png", 1);
    shop.run(&["kb", "add", &photo, "--description", "One.", "--id", "one"]).ok();
    let data = shop.data();
    let size = std::fs::metadata(data.join("data.mdb")).unwrap().len();
    // A file-size limit just above what is there stands in for a full disk.
    let lines: Vec<String> = (0..64)
        .map(|n| {
            shop.picture(&format!("kb/{n}.png"), n + 10);
            format!("{{\"image_path\":\"{n}.png\",\"description\":\"Number {n}.\"}}")
        })
        .collect();
    let kb = shop.listing(&lines.join("\n"));
    let run = |limit: &str| {
        let mut command = std::process::Command::new("bash");
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\"");
        command.arg("-c").arg(script).arg("bash").arg(env!("CARGO_BIN_EXE_magpie"));
        command.args(["kb", "import", &kb, "--json", "--data"]).arg(&data);
        command.arg("--model").arg(tiny()).current_dir(shop.dir.path());
        Run::new(command.output().unwrap())
    };
    let error = run(&(size / 1024 + 16).to_string()).error(1);
    assert!(error.contains("full") && error.contains("as it was"), "{error}");
    assert_eq!(shop.run(&["kb", "list"]).ok()["products"].as_array().unwrap().len(), 1);
    assert_eq!(run("unlimited").ok()["added"], 64);
}

#[test]
fn an_import_killed_in_the_middle_goes_on_where_it_stopped() {
    const N: usize = 400;
    let shop = Shop::new();
    let lines: Vec<String> = (0..N)
        .map(|n| {
            shop.picture(&format!("kb/{n}.png"), n as u32);
            format!("{{\"image_path\":\"{n}.png\",\"description\":\"Number {n}.\"}}")
        })
        .collect();
    let kb = shop.listing(&lines.join("\n"));
    // A second process watches the catalogue grow and tells when to strike.
    let mut import = shop.command(&["kb", "import", &kb]).stdout(Stdio::piped()).spawn().unwrap();
    let done = loop {
        let seen = watched(&shop.data());
        if seen > 0 || import.try_wait().unwrap().is_some() {
            break seen;
        }
    };
    import.kill().unwrap();
    import.wait().unwrap();
    let kept = shop.run(&["kb", "stats"]).ok()["images"].as_u64().unwrap();
    assert!(kept >= done, "{kept} of {done} committed images");
    println!("killed with {kept} of {N} images committed");
    let report = shop.run(&["kb", "import", &kb]).ok();
    assert_eq!(report["unchanged"].as_u64(), Some(kept));
    assert_eq!(report["added"].as_u64(), Some(N as u64 - kept));
    let stats = shop.run(&["kb", "stats"]).ok();
    assert_eq!(
        (stats["products"].as_u64(), stats["images"].as_u64()),
        (Some(N as u64), Some(N as u64))
    );
}

/// Images another process has committed so far.
fn watched(data: &Path) -> u64 {
    let mut child = support::magpie()
        .args(["kb", "stats", "--json", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    out.read_to_string(&mut String::new()).unwrap();
    child.wait().unwrap();
    serde_json::from_str::<serde_json::Value>(&line)
        .ok()
        .and_then(|v| v["images"].as_u64())
        .unwrap_or(0)
}
