//! `magpie kb import` takes the cookbook's layout as people really write it, and tells every
//! row it could not use.

mod support;

use std::fs;

use serde_json::json;
use support::Shop;

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
