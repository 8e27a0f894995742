//! Wrong input of every kind ends in a sentence that names it, the right exit code, and a
//! catalogue that is as it was.

mod support;

use std::fs;

use image::{ImageEncoder, Rgb, RgbImage};
use support::{Run, Shop, magpie, picture, repo, tiny};

fn shop_with_one() -> Shop {
    let shop = Shop::new();
    let photo = shop.picture("one.png", 1);
    shop.run(&["kb", "add", &photo, "--description", "A red lamp. It weighs 2 kg.", "--id", "one"])
        .ok();
    shop
}

#[test]
fn photos_that_are_none_are_refused_by_name() {
    let shop = shop_with_one();
    let at = |name: &str| shop.path(name).to_str().unwrap().to_owned();
    fs::create_dir(shop.path("folder")).unwrap();
    fs::write(shop.path("empty.jpg"), b"").unwrap();
    fs::write(shop.path("text.jpg"), b"this is only text").unwrap();
    fs::write(shop.path("photo.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    fs::write(shop.path("photo.avif"), b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf").unwrap();
    fs::write(shop.path("page.pdf"), b"%PDF-1.7\n1 0 obj").unwrap();
    fs::write(shop.path("huge.png"), png_header(60_000, 60_000)).unwrap();
    fs::write(shop.path("zero.png"), png_header(0, 10)).unwrap();
    fs::write(shop.path("big.jpg"), vec![0xff; 33 << 20]).unwrap();
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&picture(3)).unwrap();
    fs::write(shop.path("cut.png"), &png(&picture(3))[..400]).unwrap();
    fs::write(shop.path("cut.jpg"), &jpeg[..80]).unwrap();
    fs::write(shop.path("half.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
    fs::write(shop.path("almost.jpg"), &jpeg[..jpeg.len() - 2]).unwrap();
    for (name, word) in [
        ("none.jpg", "none.jpg"),
        ("folder", "directory"),
        ("empty.jpg", "empty"),
        ("text.jpg", "text file"),
        ("photo.heic", "HEIC"),
        ("photo.avif", "AVIF"),
        ("page.pdf", "PDF"),
        ("huge.png", "60000 × 60000"),
        ("zero.png", "damaged"),
        ("big.jpg", "bytes"),
        ("cut.png", "damaged"),
        ("cut.jpg", "damaged"),
        ("half.jpg", "end is missing"),
        ("almost.jpg", "end is missing"),
    ] {
        let error = shop.run(&["similar", &at(name)]).error(1);
        assert!(error.contains(word) && error.contains(name), "{name}: {error}");
        let error = shop.run(&["ask", &at(name), "what is it?"]).error(1);
        assert!(error.contains(word), "{name}: {error}");
    }
    let stats = shop.run(&["kb", "stats"]).ok();
    assert_eq!((stats["products"].as_u64(), stats["images"].as_u64()), (Some(1), Some(1)));
}

/// A PNG that claims a size and holds no pixels.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut ihdr = b"IHDR".to_vec();
    ihdr.extend(width.to_be_bytes());
    ihdr.extend(height.to_be_bytes());
    ihdr.extend([8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    out.extend(&ihdr);
    out.extend(crc32(&ihdr).to_be_bytes());
    out.extend(b"\0\0\0\0IDAT");
    out.extend(crc32(b"IDAT").to_be_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &b| {
        (0..8).fold(
            crc ^ u32::from(b),
            |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 },
        )
    })
}

fn png(rgb: &RgbImage) -> Vec<u8> {
    let mut out = Vec::new();
    image::codecs::png::PngEncoder::new(&mut out)
        .write_image(rgb, rgb.width(), rgb.height(), image::ExtendedColorType::Rgb8)
        .unwrap();
    out
}

#[test]
fn a_large_photo_within_the_limits_is_taken() {
    let shop = shop_with_one();
    // Noise does not compress: about 20 MB.
    let mut state = 7u32;
    let noise = RgbImage::from_fn(2600, 2600, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
    });
    let bytes = png(&noise);
    assert!(bytes.len() > 19_000_000, "{}", bytes.len());
    fs::write(shop.path("large.png"), bytes).unwrap();
    let large = shop.path("large.png");
    assert_eq!(shop.run(&["similar", large.to_str().unwrap()]).ok()["matches"][0]["id"], "one");
}

#[test]
fn the_photo_limits_follow_the_configuration() {
    let shop = shop_with_one();
    let photo = shop.path("one.png");
    let run = |key: &str| {
        Run::new(
            shop.command(&["similar", photo.to_str().unwrap()]).env(key, "1000").output().unwrap(),
        )
    };
    assert!(run("MAGPIE__PHOTO__MAX_BYTES").error(1).contains("limit of 1000"));
    assert!(run("MAGPIE__PHOTO__MAX_PIXELS").error(1).contains("96 × 72"));
    assert!(run("MAGPIE__PHOTO__MAX_DECODER_BYTES").error(1).contains("memory"));
}

#[test]
fn questions_out_of_bounds_are_wrong_usage() {
    let shop = shop_with_one();
    let photo = shop.picture("ask.png", 1);
    for (question, word) in [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\u{1}\u{2}\u{1b}", "empty"),
        (&"x".repeat(10_000), "10000"),
    ] {
        let error = shop.run(&["ask", &photo, question]).error(64);
        assert!(error.contains(word), "{error}");
    }
    let answer = shop.run(&["ask", &photo, "how\u{7} heavy\u{1b}[31m is it?"]).ok();
    assert!(answer["answer"].as_str().unwrap().contains("2 kg"), "{answer}");
    assert_eq!(answer["origin"], "extractive");
    assert_eq!(answer["sources"], serde_json::json!(["one"]));
}

#[test]
fn k_runs_from_one_to_whatever_there_is() {
    let shop = shop_with_one();
    let photo = shop.picture("q.png", 2);
    for bad in ["0", "-1", "x", "1001", "99999999999999999999"] {
        let error = shop.run(&["similar", &photo, "-k", bad]).error(64);
        assert!(error.contains(bad), "{bad}: {error}");
    }
    let found = shop.run(&["similar", &photo, "-k", "1000"]).ok();
    assert_eq!(found["matches"].as_array().unwrap().len(), 1);
}

#[test]
fn an_empty_catalogue_answers_that_it_is_empty() {
    let shop = Shop::new();
    let photo = shop.picture("q.png", 2);
    let found = shop.run(&["similar", &photo]).ok();
    assert_eq!(found, serde_json::json!({"matches": [], "confident": false}));
    let answer = shop.run(&["ask", &photo, "what is it?"]).ok();
    assert_eq!(answer["sources"], serde_json::json!([]));
    assert!(answer["answer"].as_str().unwrap().contains("Nothing in the catalogue"), "{answer}");
    assert_eq!(shop.run(&["kb", "list"]).ok()["products"], serde_json::json!([]));
    assert_eq!(shop.run(&["kb", "stats"]).ok()["products"], 0);
    for args in [
        vec!["kb", "show", "x"],
        vec!["kb", "remove", "x"],
        vec!["kb", "edit", "x", "--title", "t"],
    ] {
        assert!(shop.run(&args).error(1).contains("\"x\""), "{args:?}");
    }
}

#[test]
fn wrong_usage_exits_with_64_and_help_with_0() {
    let shop = Shop::new();
    for args in [
        vec!["frobnicate"],
        vec!["similar"],
        vec!["ask", "one.jpg"],
        vec!["kb", "add", "x.jpg"],
        vec!["kb", "edit", "x"],
        vec!["--nonsense"],
    ] {
        assert!(!shop.run(&args).error(64).is_empty(), "{args:?}");
    }
    for args in [vec!["--help"], vec!["kb", "--help"], vec!["--version"]] {
        assert_eq!(Run::new(magpie().args(&args).output().unwrap()).code, 0, "{args:?}");
    }
}

#[test]
fn a_wrong_configuration_is_named() {
    let shop = Shop::new();
    let file = shop.path("magpie.toml");
    let run = |text: &str| {
        fs::write(&file, text).unwrap();
        shop.run(&["kb", "stats", "--config", file.to_str().unwrap()]).error(1)
    };
    assert!(run("[search]\nkk = 3").contains("kk"));
    assert!(run("[search]\nk = 0").contains("search.k"));
    assert!(run("[search\n").contains("configuration"));
    let error = shop.run(&["kb", "stats", "--config", "/no/such.toml"]).error(1);
    assert!(error.contains("/no/such.toml"), "{error}");
}

#[test]
fn damaged_models_are_named_with_the_file_at_fault() {
    let shop = Shop::new();
    let model = shop.path("model");
    let fresh = || {
        let _ = fs::remove_dir_all(&model);
        fs::create_dir(&model).unwrap();
        for entry in fs::read_dir(tiny()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), model.join(entry.file_name())).unwrap();
        }
    };
    let error = || {
        let mut command = magpie();
        command.args(["model", "info", "--json"]).arg(&model);
        Run::new(command.output().unwrap()).error(1)
    };
    for file in ["config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"] {
        fresh();
        fs::remove_file(model.join(file)).unwrap();
        assert!(error().contains(&format!("has no {file}")), "{file}: {}", error());
        fs::write(model.join(file), b"{").unwrap();
        assert!(error().contains(&format!("{file} of the model")), "{file}: {}", error());
    }
    fresh();
    let weights = fs::read(model.join("model.safetensors")).unwrap();
    fs::write(model.join("model.safetensors"), &weights[..weights.len() / 2]).unwrap();
    assert!(error().contains("model.safetensors"), "{}", error());
    fresh();
    let config = fs::read_to_string(model.join("config.json")).unwrap();
    let other = config.replacen("\"projection_dim\": 32", "\"projection_dim\": 48", 9);
    assert_ne!(config, other);
    fs::write(model.join("config.json"), other).unwrap();
    let shape = error();
    assert!(shape.contains("model.safetensors") && shape.contains("shape"), "{shape}");
    let error =
        Run::new(magpie().args(["model", "info", "/no/such/dir", "--json"]).output().unwrap());
    assert!(error.error(1).contains("/no/such/dir"));
}

#[test]
fn eval_names_labels_it_cannot_use() {
    let shop = shop_with_one();
    let labels = shop.path("labels.csv");
    let run = |text: &str| {
        fs::write(&labels, text).unwrap();
        shop.run(&["eval", labels.to_str().unwrap()])
    };
    assert!(run("a,b\n1,2\n").error(1).contains("photo,product_id"));
    assert!(run("photo,product_id\n").error(1).contains("no rows"));
    assert!(run("photo,product_id\none.png\n").error(1).contains("line"));
    let part = run("photo,product_id,category\none.png,one,\nnone.png,one,\n");
    assert_eq!(part.code, 2, "{part:?}");
    let part = part.json();
    assert_eq!((part["photos"].as_u64(), part["recall_at_1"].as_f64()), (Some(1), Some(1.0)));
    assert_eq!(part["category_at_1"], serde_json::Value::Null);
    assert_eq!(part["failed"][0]["line"], 3);
}

#[test]
fn every_supported_format_is_taken_from_end_to_end() {
    let shop = shop_with_one();
    let photos = repo("tests/fixtures/photos");
    for name in ["jpeg_cmyk.jpg", "jpeg_progressive.jpg", "bmp.bmp", "exif_6.jpg"] {
        let path = photos.join(name);
        let found = shop.run(&["similar", path.to_str().unwrap()]).ok();
        assert_eq!(found["matches"][0]["id"], "one", "{name}");
    }
}
