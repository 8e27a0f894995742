//! `magpie kb import` takes the cookbook's layout as people really write it, and tells every
//! row it could not use.

mod support;

use std::fs;
use std::io::{Cursor, Write};

use magpie::catalogue::CatalogueError;
use magpie::catalogue::archive::{ArchiveLimits, Unpacked, unpack};
use serde_json::json;
use support::Shop;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn shop(pictures: u32) -> Shop {
    let shop = Shop::new();
    for n in 0..pictures {
        shop.picture(&format!("kb/images/{n}.png"), n);
    }
    shop
}

fn row(n: u32) -> String {
    json!({"image_path": format!("images/{n}.png"), "description": format!("Thing {n}.")})
        .to_string()
}

#[test]
fn lines_arrays_boms_and_crlf_all_import() {
    let rows = [row(0), row(1)];
    for (name, listing) in [
        ("lines", rows.join("\n")),
        ("crlf", rows.join("\r\n") + "\r\n"),
        ("bom", format!("\u{feff}{}", rows.join("\n"))),
        ("array", format!("[{}]", rows.join(",\n"))),
        ("bom and array", format!("\u{feff}[\r\n{}\r\n]\r\n", rows.join(",\r\n"))),
        ("blank lines", format!("\n{}\n\n{}\n", rows[0], rows[1])),
    ] {
        let shop = shop(2);
        let kb = shop.listing(&listing);
        let report = shop.run(&["kb", "import", &kb]).ok();
        assert_eq!((&report["added"], &report["failed"]), (&json!(2), &json!([])), "{name}");
        let product = shop.run(&["kb", "show", "images-0"]).ok();
        assert_eq!(
            (&product["title"], &product["description"]),
            (&json!("Thing 0"), &json!("Thing 0."))
        );
    }
}

#[test]
fn the_optional_keys_and_any_other_are_kept_in_order() {
    let shop = shop(3);
    let kb = shop.listing(
        &[
            r#"{"image_path":"images/0.png","id":"lamp","title":"Lamp","description":"A lamp.","price":89,"url":"https://example.com/l","category":"Light","colours":["red","blue"],"dimmable":true,"none":null}"#,
            r#"{"image_path":"images/1.png","id":"lamp","description":"A lamp.","category":"Other","weight":"1 kg"}"#,
            r#"{"image_path":"images/2.png","id":"lamp","description":"From above."}"#,
        ]
        .join("\n"),
    );
    assert_eq!(shop.run(&["kb", "import", &kb]).ok()["added"], 3);
    let lamp = shop.run(&["kb", "show", "lamp"]).ok();
    assert_eq!(lamp["images"].as_array().unwrap().len(), 3);
    assert_eq!(lamp["description"], "A lamp.\n\nFrom above.");
    assert_eq!(
        serde_json::to_string(&lamp["attributes"]).unwrap(),
        r#"{"price":"89","url":"https://example.com/l","category":"Light","colours":"red, blue","dimmable":"true","weight":"1 kg"}"#
    );
}

#[test]
fn an_object_of_attributes_may_use_the_listings_own_keys() {
    let shop = shop(1);
    let kb = shop.listing(
        r#"{"image_path":"images/0.png","id":"a","description":"A.","size":"L","attributes":{"title":"T","price":9,"none":null}}"#,
    );
    shop.run(&["kb", "import", &kb]).ok();
    assert_eq!(
        serde_json::to_string(&shop.run(&["kb", "show", "a"]).ok()["attributes"]).unwrap(),
        r#"{"size":"L","title":"T","price":"9"}"#
    );
}

#[test]
fn importing_again_changes_nothing_and_new_text_is_an_update() {
    let shop = shop(2);
    let kb = shop.listing(&[row(0), row(1)].join("\n"));
    shop.run(&["kb", "import", &kb]).ok();
    let again = shop.run(&["kb", "import", &kb]).ok();
    assert_eq!((&again["added"], &again["unchanged"]), (&json!(0), &json!(2)));
    let kb = shop.listing(&[row(0), row(1).replace("Thing 1.", "Better.")].join("\n"));
    let dry = shop.run(&["kb", "import", &kb, "--dry-run"]).ok();
    assert_eq!((&dry["updated"], &dry["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(shop.run(&["kb", "show", "images-1"]).ok()["description"], "Thing 1.");
    let update = shop.run(&["kb", "import", &kb]).ok();
    assert_eq!((&update["updated"], &update["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(shop.run(&["kb", "show", "images-1"]).ok()["description"], "Better.");
    assert_eq!(shop.run(&["kb", "stats"]).ok()["images"], 2);
}

/// A listing in which every row but the first and last is bad in its own way.
fn mixed(shop: &Shop) -> String {
    fs::write(shop.path("kb/images/text.jpg"), b"no picture").unwrap();
    shop.picture("outside.png", 77);
    std::os::unix::fs::symlink(shop.path("outside.png"), shop.path("kb/images/out.png")).unwrap();
    let absolute = shop.path("outside.png");
    shop.listing(
        &[
            row(0),
            r#"{"image_path":"images/none.png","description":"Missing."}"#.into(),
            r#"{"image_path":"images/text.jpg","description":"Not a picture."}"#.into(),
            r#"{"image_path":"images/1.png","description":"Trailing comma."},"#.into(),
            r#"{"image_path":"images/1.png","description":"Cut"#.into(),
            r#"{"image_path":"images/1.png","description":"  "}"#.into(),
            r#"{"image_path":"images/1.png"}"#.into(),
            r#"{"image_path":"images/0.png","description":"Twice."}"#.into(),
            r#"{"image_path":"images/./0.png","description":"Twice in disguise."}"#.into(),
            r#"{"image_path":"../outside.png","description":"Up."}"#.into(),
            json!({"image_path": absolute, "description": "Absolute."}).to_string(),
            r#"{"image_path":"images/out.png","description":"Link."}"#.into(),
            r#"{"description":"No path."}"#.into(),
            r#"["images/1.png"]"#.into(),
            r#"{"image_path":"images/1.png","description":"Bad id.","id":"a b"}"#.into(),
            r#"{"image_path":"images","description":"A directory."}"#.into(),
            row(1),
        ]
        .join("\n"),
    )
}

#[test]
fn bad_rows_are_listed_and_stop_nothing() {
    let shop = shop(2);
    let kb = mixed(&shop);
    let run = shop.run(&["kb", "import", &kb]);
    assert_eq!(run.code, 2, "{run:?}");
    let report = run.json();
    assert_eq!(report["added"], 2);
    let failed = report["failed"].as_array().unwrap();
    let expected = [
        (2, "no such file"),
        (3, "text file"),
        (4, "comma"),
        (5, "malformed JSON"),
        (6, "description is empty"),
        (7, "description is empty"),
        (8, "duplicate path: line 1"),
        (9, "duplicate path: line 1"),
        (10, "leaves the directory"),
        (11, "leaves the directory"),
        (12, "symbolic link"),
        (13, "no image_path"),
        (14, "malformed JSON"),
        (15, "a b"),
        (16, "directory"),
    ];
    assert_eq!(failed.len(), expected.len(), "{failed:#?}");
    for (failure, (line, word)) in failed.iter().zip(expected) {
        assert_eq!(failure["line"], line, "{failure}");
        assert!(failure["error"].as_str().unwrap().contains(word), "{line}: {failure}");
    }
    assert_eq!(shop.run(&["kb", "stats"]).ok()["products"], 2);
}

#[test]
fn strict_imports_nothing_and_a_dry_run_only_reports() {
    let shop = shop(2);
    let kb = mixed(&shop);
    for flag in ["--strict", "--dry-run"] {
        let run = shop.run(&["kb", "import", &kb, flag]);
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(run.json()["failed"].as_array().unwrap().len(), 15);
        assert_eq!(shop.run(&["kb", "stats"]).ok()["products"], 0, "{flag}");
    }
    let good = shop.listing(&row(0));
    assert_eq!(shop.run(&["kb", "import", &good, "--strict"]).ok()["added"], 1);
}

#[test]
fn a_listing_that_is_not_there_is_named() {
    let shop = shop(1);
    let none = shop.path("nowhere");
    assert!(shop.run(&["kb", "import", none.to_str().unwrap()]).error(1).contains("nowhere"));
    let images = shop.path("kb/images");
    let error = shop.run(&["kb", "import", images.to_str().unwrap()]).error(1);
    assert!(error.contains("description.json"), "{error}");
    let kb = shop.listing("");
    assert_eq!(shop.run(&["kb", "import", &kb]).ok()["added"], 0);
}

#[test]
fn add_show_edit_and_remove_do_what_they_say() {
    let shop = Shop::new();
    let (one, two) = (shop.picture("one.png", 1), shop.picture("two.png", 2));
    let added =
        shop.run(&["kb", "add", &one, &two, "--description", "A lamp.", "--title", "Big Lamp"]);
    assert_eq!(
        added.ok(),
        json!({"id":"big-lamp","created":true,"images_added":2,"images_known":0})
    );
    let twice = shop.run(&["kb", "add", &one, "--description", "X.", "--title", "Big Lamp"]);
    assert!(twice.error(1).contains("--id big-lamp"), "{twice:?}");
    let more = shop.run(&["kb", "add", &one, "--description", "A lamp.", "--id", "big-lamp"]);
    assert_eq!(more.ok()["images_known"], 1);
    assert_eq!(shop.run(&["kb", "show", "big-lamp"]).ok()["title"], "Big Lamp");
    assert_eq!(
        shop.run(&["kb", "edit", "big-lamp", "--description", "Red."]).ok()["changed"],
        true
    );
    assert!(shop.run(&["kb", "edit", "big-lamp", "--description", " "]).error(1).contains("empty"));
    assert_eq!(shop.run(&["kb", "show", "big-lamp"]).ok()["description"], "Red.");
    let found = shop.run(&["similar", &two, "--text", "lamp"]).ok();
    assert_eq!(found["matches"][0]["image"], "two.png");
    assert_eq!(shop.run(&["kb", "remove", "big-lamp"]).ok()["images"], 2);
    assert_eq!(shop.run(&["kb", "stats"]).ok()["images"], 0);
    for (name, limit) in
        [("bad id", "a b"), ("long id", "x".repeat(129).as_str())].map(|(n, i)| (n, i.to_owned()))
    {
        let run = shop.run(&["kb", "add", &one, "--description", "X.", "--id", &limit]);
        assert!(run.error(1).contains("product id"), "{name}");
    }
}

/// A zip archive of these entries.
fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        zip.start_file(*name, deflated).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn unzipped(bytes: &[u8]) -> Result<Unpacked, CatalogueError> {
    unpack(Cursor::new(bytes), &ArchiveLimits::default())
}

/// Why an archive is refused.
fn refusal(bytes: &[u8], limits: &ArchiveLimits) -> String {
    unpack(Cursor::new(bytes), limits).unwrap_err().to_string()
}

/// Every occurrence of `from` made `to`, which is as long.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
            found += 1;
        }
    }
    assert!(found > 0);
    out
}

#[test]
fn a_zip_of_the_directory_imports_like_the_directory() {
    let shop = shop(2);
    let pictures = [0, 1].map(|n| fs::read(shop.path(&format!("kb/images/{n}.png"))).unwrap());
    let listing = [row(0), row(1)].join("\n");
    for folder in ["", "catalogue/", "./", "catalogue\\"] {
        let name = |path: &str| format!("{folder}{path}");
        let (list, one, two) =
            (name("description.json"), name("images/0.png"), name("images/1.png"));
        let archive = zipped(&[
            (&list, listing.as_bytes()),
            (&one, &pictures[0]),
            (&two, &pictures[1]),
            ("__MACOSX/._description.json", b"Mac"),
            (&name(".DS_Store"), b"Mac"),
        ]);
        // The name says nothing; the first bytes do.
        let file = shop.path("archive.dat");
        fs::write(&file, archive).unwrap();
        let other = Shop::new();
        let report = other.run(&["kb", "import", file.to_str().unwrap()]).ok();
        assert_eq!((&report["added"], &report["failed"]), (&json!(2), &json!([])), "{folder}");
    }
}

#[test]
fn what_is_unpacked_goes_away_again() {
    let unpacked = unzipped(&zipped(&[("a/description.json", b"[]"), ("a/.hidden", b"")])).unwrap();
    let root = unpacked.root.clone();
    assert!(root.ends_with("a") && root.join("description.json").is_file());
    assert!(!root.join(".hidden").exists());
    drop(unpacked);
    assert!(!root.exists() && !root.parent().unwrap().exists());
}

#[test]
fn an_entry_that_leads_out_is_refused_by_name() {
    for name in
        ["../evil.jpg", "images/../../evil.jpg", "/tmp/evil.jpg", "C:\\evil.jpg", "..\\evil"]
    {
        let archive = zipped(&[("description.json", b"[]"), (name, b"x")]);
        let error = unzipped(&archive).unwrap_err();
        assert!(
            matches!(&error, CatalogueError::ArchiveEntry { entry, .. } if entry == name),
            "{error}"
        );
    }
    assert!(!std::env::temp_dir().join("evil.jpg").exists());
}

#[test]
fn links_devices_and_locked_entries_are_refused() {
    let limits = ArchiveLimits::default();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link.jpg", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let archive = zip.finish().unwrap().into_inner();
    let error = refusal(&archive, &limits);
    assert!(error.contains("link.jpg") && error.contains("symbolic link"), "{error}");
    // The upper half of the attributes is the Unix mode: 0o120777 becomes a device's.
    let device = patched(&archive, &0o120_777u16.to_le_bytes(), &0o020_777u16.to_le_bytes());
    assert!(refusal(&device, &limits).contains("no plain file"));
    let archive = zipped(&[("locked.jpg", b"x")]);
    // Bit 0 of the flags, after signature and version, in both headers.
    let central = archive.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut locked = archive;
    locked[6] |= 1;
    locked[central + 8] |= 1;
    let error = refusal(&locked, &limits);
    assert!(error.contains("locked.jpg") && error.contains("encrypted"), "{error}");
}

#[test]
fn one_name_twice_is_refused() {
    let limits = ArchiveLimits::default();
    let archive = patched(&zipped(&[("a1.jpg", b"x"), ("a2.jpg", b"y")]), b"a2.jpg", b"a1.jpg");
    assert!(refusal(&archive, &limits).contains("same name"));
    let disguised = refusal(&zipped(&[("a/1.jpg", b"x"), ("a/./1.jpg", b"y")]), &limits);
    assert!(disguised.contains("a/./1.jpg") && disguised.contains("twice"), "{disguised}");
    let both = refusal(&zipped(&[("a", b"x"), ("a/b", b"y")]), &limits);
    assert!(both.contains("a/b"), "{both}");
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let zeros = vec![0; 8 << 20];
    let archive = zipped(&[("description.json", b"[]"), ("bomb.jpg", &zeros)]);
    assert!(archive.len() < 20_000);
    let limits = ArchiveLimits::default();
    let error = refusal(&archive, &limits);
    assert!(error.contains("bomb.jpg") && error.contains("tightly"), "{error}");
    let small = ArchiveLimits { bytes: 1 << 20, ratio: u64::MAX, ..limits.clone() };
    assert!(refusal(&archive, &small).contains("1048576"));
    let few = ArchiveLimits { files: 1, ..limits };
    assert!(refusal(&archive, &few).contains("2 entries"));
}

#[test]
fn a_header_that_lies_is_found_out_by_the_bytes() {
    let limits = ArchiveLimits { bytes: 100_000, ..ArchiveLimits::default() };
    let zeros = vec![0; 300_000];
    let archive = zipped(&[("description.json", b"[]"), ("bomb.jpg", &zeros)]);
    for said in [10u32, 300_001] {
        let size = 300_000u32.to_le_bytes();
        let lying = patched(&archive, &size, &said.to_le_bytes());
        let limits = ArchiveLimits { bytes: 400_000, ..limits.clone() };
        let error = refusal(&lying, &limits);
        assert!(error.contains("bomb.jpg") && error.contains("damaged"), "{said}: {error}");
    }
    // Whatever it says, no more than the limit is ever written.
    let lying = patched(&archive, &300_000u32.to_le_bytes(), &10u32.to_le_bytes());
    unpack(Cursor::new(lying), &limits).unwrap_err();
    // The checksum tells what the sizes do not.
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("bent.txt", stored).unwrap();
    zip.write_all(b"0123456789").unwrap();
    let bent = patched(&zip.finish().unwrap().into_inner(), b"4567", b"4667");
    let error = refusal(&bent, &limits);
    assert!(error.contains("bent.txt") && error.contains("damaged"), "{error}");
}

#[test]
fn what_is_no_archive_of_a_catalogue_says_so() {
    let limits = ArchiveLimits::default();
    let good = zipped(&[("description.json", b"[]"), ("images/a.jpg", &[7; 5000])]);
    assert!(refusal(b"", &limits).contains("cut short"));
    assert!(refusal(b"PK and then nothing of the kind", &limits).contains("cut short"));
    assert!(refusal(&good[..good.len() - 30], &limits).contains("cut short"));
    assert!(refusal(&zipped(&[]), &limits).contains("no files"));
    assert!(refusal(&zipped(&[("images/", b""), (".a", b"x")]), &limits).contains("no files"));
    for listing in ["a/b/description.json", "Description.txt"] {
        let error = refusal(&zipped(&[(listing, b"[]")]), &limits);
        assert!(error.contains("description.json"), "{error}");
    }
    let two = zipped(&[("a/description.json", b"[]"), ("b/description.json", b"[]")]);
    assert!(refusal(&two, &limits).contains("one folder"));
    // Through the command: a sentence, and nothing imported.
    let shop = Shop::new();
    let file = shop.path("kb.zip");
    fs::write(&file, &good[..200]).unwrap();
    assert!(shop.run(&["kb", "import", file.to_str().unwrap()]).error(1).contains("zip"));
}
