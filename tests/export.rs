//! An export is the catalogue in the layout that an import takes, and gives the same one.

mod support;

use std::fs::{self, File};

use magpie::catalogue::{Catalogue, ProductText};
use serde_json::{Value, json};
use support::Shop;
use zip::{CompressionMethod, ZipArchive};

fn shop() -> Shop {
    let shop = Shop::new();
    for n in 0..6 {
        shop.picture(&format!("kb/{n}.png"), n);
    }
    let kb = shop.listing(
        &[
            json!({"image_path":"0.png","id":"Lamp.1","title":"Lamp","description":"A lamp.\n\nDimmable: \"yes\", 5 °C.","price":89,"colours":["red","blue"]}),
            json!({"image_path":"1.png","id":"Lamp.1","description":"From above.","weight":"1 kg"}),
            json!({"image_path":"2.png","id":"lamp-1","title":"Another","description":"Its id looks alike."}),
            json!({"image_path":"3.png","id":"été","description":"Not in ASCII."}),
            json!({"image_path":"4.png","description":"Without an id."}),
            json!({"image_path":"5.png","id":"***","description":"Nothing to make a name of."}),
        ]
        .map(|row| row.to_string())
        .join("\n"),
    );
    assert_eq!(shop.run(&["kb", "import", &kb]).ok()["added"], 6);
    // Attributes named like the listing's own keys.
    let odd = ["--set", "title=T", "--set", "id=I", "--set", "attributes=A"];
    shop.run(&[&["kb", "edit", "lamp-1"], odd.as_slice()].concat()).ok();
    shop
}

/// The products with the number of their images in place of the images.
fn products(shop: &Shop) -> Vec<Value> {
    let list = shop.run(&["kb", "list"]).ok();
    let list = list["products"].as_array().unwrap().clone();
    list.iter()
        .map(|p| {
            let mut product = shop.run(&["kb", "show", p["id"].as_str().unwrap()]).ok();
            product["images"] = json!(product["images"].as_array().unwrap().len());
            // As text: the order of the attributes counts.
            json!(product.to_string())
        })
        .collect()
}

#[test]
fn importing_an_export_gives_the_same_products() {
    let (shop, copy) = (shop(), Shop::new());
    let file = shop.path("out.zip");
    let file = file.to_str().unwrap();
    let exported = shop.run(&["kb", "export", file]).ok();
    assert_eq!(exported, json!({"products": 5, "images": 6, "left_out": []}));
    let report = copy.run(&["kb", "import", file]).ok();
    assert_eq!((&report["added"], &report["failed"]), (&json!(6), &json!([])));
    // Where the pictures came from knows them again.
    let again = shop.run(&["kb", "import", file]).ok();
    assert_eq!((&again["added"], &again["unchanged"]), (&json!(0), &json!(6)));
    assert_eq!(products(&copy), products(&shop));
    // Matching works on the copy, from the customer's own picture.
    let photo = shop.path("kb/2.png");
    let found = copy.run(&["similar", photo.to_str().unwrap()]).ok();
    assert_eq!(found["matches"][0]["id"], "lamp-1");
    // What was exported once is not new.
    let again = copy.run(&["kb", "import", file]).ok();
    assert_eq!((&again["added"], &again["unchanged"]), (&json!(0), &json!(6)));
}

#[test]
fn the_archive_holds_the_kept_pictures_and_a_row_for_each() {
    let shop = shop();
    let path = shop.path("out.zip");
    shop.run(&["kb", "export", path.to_str().unwrap()]).ok();
    let mut zip = ZipArchive::new(File::open(&path).unwrap()).unwrap();
    let listing = std::io::read_to_string(zip.by_name("description.json").unwrap()).unwrap();
    let rows: Vec<Value> = listing.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((rows.len(), zip.len()), (6, 7));
    for row in &rows {
        let keys: Vec<_> = row.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["image_path", "id", "title", "description", "attributes"]);
        let name = row["image_path"].as_str().unwrap();
        let mut entry = zip.by_name(name).unwrap();
        assert_eq!(entry.compression(), CompressionMethod::Stored);
        let mut bytes = Vec::new();
        std::io::copy(&mut entry, &mut bytes).unwrap();
        assert_eq!(image::guess_format(&bytes).unwrap(), image::ImageFormat::Jpeg, "{name}");
    }
    assert_eq!(rows[0]["image_path"], "images/image-1.jpg");
    assert!(rows.iter().any(|r| r["image_path"] == "images/lamp-1-3.jpg"), "{rows:#?}");
}

#[test]
fn a_file_that_is_there_is_kept_unless_told_otherwise() {
    let shop = shop();
    let file = shop.path("dir/out.zip");
    fs::create_dir(shop.path("dir")).unwrap();
    fs::write(&file, b"precious").unwrap();
    let file = file.to_str().unwrap();
    assert!(shop.run(&["kb", "export", file]).error(1).contains("--force"));
    assert_eq!(fs::read(file).unwrap(), b"precious");
    shop.run(&["kb", "export", file, "--force"]).ok();
    assert!(ZipArchive::new(File::open(file).unwrap()).is_ok());
    assert_eq!(fs::read_dir(shop.path("dir")).unwrap().count(), 1, "nothing else stays there");
    let nowhere = shop.path("nowhere/out.zip");
    assert!(shop.run(&["kb", "export", nowhere.to_str().unwrap()]).error(1).contains("nowhere"));
}

#[test]
fn a_product_without_images_is_named_as_left_out() {
    let shop = shop();
    let catalogue = Catalogue::open(&shop.data()).unwrap();
    let bare =
        ProductText { id: "bare".into(), description: "No picture.".into(), ..Default::default() };
    catalogue.put(&bare.checked().unwrap(), &[]).unwrap();
    drop(catalogue);
    let run = shop.run(&["kb", "export", shop.path("out.zip").to_str().unwrap()]);
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(run.json(), json!({"products": 5, "images": 6, "left_out": ["bare"]}));
}

#[test]
fn an_empty_catalogue_exports_to_an_empty_listing() {
    let shop = Shop::new();
    let file = shop.path("out.zip");
    let exported = shop.run(&["kb", "export", file.to_str().unwrap()]).ok();
    assert_eq!(exported["images"], 0);
    assert_eq!(shop.run(&["kb", "import", file.to_str().unwrap()]).ok()["added"], 0);
}
