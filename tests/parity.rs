//! The promise that a photo or text gets the vector `transformers` would give it.
//!
//! `tests/fixtures/make.py` wrote the models, the photos and what `transformers` makes of them.
//! Cosines are held to 0.9999 from the file on, and to 0.99999 from Pillow's own pixels, where
//! no JPEG decoder stands between. `cargo test --test parity -- --nocapture` prints the smallest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use magpie::clip::{Clip, Engine, Isa, Precision};
use magpie::photo::{Limits, Photo};
use safetensors::SafeTensors;
use serde::Deserialize;

const FROM_FILE: f64 = 0.9999;
const FROM_PIXELS: f64 = 0.99999;

#[derive(Deserialize)]
struct Expected {
    photos: Vec<PhotoFile>,
    models: BTreeMap<String, Model>,
}

#[derive(Deserialize)]
struct PhotoFile {
    file: String,
    width: u32,
    height: u32,
    /// The file itself, or a PNG of the pixels Pillow decodes from it.
    same_pixels: String,
}

#[derive(Deserialize)]
struct Model {
    photos: Vec<PhotoVector>,
    texts: Vec<TextVector>,
    special_literals: Vec<SpecialLiteral>,
}

#[derive(Deserialize)]
struct PhotoVector {
    file: String,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct TextVector {
    text: String,
    ids: Vec<u32>,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct SpecialLiteral {
    text: String,
    as_special: Encoded,
    as_text: Encoded,
}

#[derive(Deserialize)]
struct Encoded {
    ids: Vec<u32>,
    embedding: Vec<f32>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn expected(file: &str) -> Expected {
    let path = fixtures().join(file);
    let json = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&json).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn open(dir: &Path) -> Clip {
    Clip::open(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
}

fn photo(file: &str) -> Photo {
    let bytes =
        fs::read(fixtures().join("photos").join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    Photo::decode(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn cosine(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len(), "dimensions");
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
    };
    dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).sqrt()
}

/// Cosines of one kind, each with the photo or text it belongs to.
struct Cosines {
    kind: &'static str,
    floor: f64,
    all: Vec<(String, f64)>,
}

impl Cosines {
    fn new(kind: &'static str, floor: f64) -> Self {
        Self { kind, floor, all: Vec::new() }
    }

    fn add(&mut self, name: impl Into<String>, ours: &[f32], theirs: &[f32]) {
        self.all.push((name.into(), cosine(ours, theirs)));
    }

    fn smallest(&self) -> String {
        let (name, smallest) = self.all.iter().min_by(|a, b| a.1.total_cmp(&b.1)).expect("some");
        format!("{} {smallest:.7} ({name})", self.kind)
    }

    fn too_small(&self, model: &str) -> Vec<String> {
        let low = |(name, cosine): &(String, f64)| {
            // Written so that a NaN counts as too small.
            let fine = *cosine >= self.floor;
            (!fine).then(|| format!("{model}: {} {name}: {cosine:.7} < {}", self.kind, self.floor))
        };
        self.all.iter().filter_map(low).collect()
    }
}

/// A text short enough for a message, its control characters written out.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(30).collect::<String>())
}

/// The towers for each of this processor's instruction sets, and candle's.
fn engines() -> Vec<Engine> {
    let own = |isa| Engine::Own { isa, precision: Precision::F32 };
    Isa::available().into_iter().map(own).chain([Engine::Candle]).collect()
}

/// From Pillow's own pixels and for texts; measured on the model that ships, which is trained.
#[test]
fn eight_bits_stay_close_on_every_processor() {
    const CLOSE: f64 = 0.995;
    let own = |isa, precision| Engine::Own { isa, precision };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let full = open(&dir.join("models/mini"));
    let customers = fs::read_dir(dir.join("kb/photos")).expect("the sample catalogue's photos");
    let photos: Vec<Photo> = customers
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "jpg"))
        .map(|path| Photo::decode(&fs::read(path).expect("readable"), &Limits::default()))
        .collect::<Result<_, _>>()
        .expect("they decode");
    assert!(photos.len() > 20);
    let texts = ["a red kettle", "", "how heavy is the lamp, and does it come in black?"];
    let theirs =
        [full.embed_photos(&photos).expect("photos"), full.embed_texts(&texts).expect("texts")];
    for isa in Isa::available() {
        let eight = Clip::open_with(&dir.join("models/mini"), own(isa, Precision::Int8));
        let eight = eight.expect("mini loads");
        assert_eq!(eight.fingerprint(), full.fingerprint());
        let ours = [
            eight.embed_photos(&photos).expect("photos"),
            eight.embed_texts(&texts).expect("texts"),
        ];
        for (kind, (ours, theirs)) in ["photo", "text"].iter().zip(ours.iter().zip(&theirs)) {
            let cosines = ours.iter().zip(theirs).map(|(a, b)| cosine(a, b));
            let smallest = cosines.fold(1.0, f64::min);
            println!("{isa:?}: smallest cosine of a {kind} in 8 bits: {smallest:.5}");
            assert!(smallest >= CLOSE, "{isa:?}: a {kind} has only {smallest}");
        }
    }
}

/// [`compare_on`] on every engine.
fn compare(name: &str, dir: &Path, photos: &[PhotoFile], model: &Model) -> Vec<String> {
    let on = |engine| compare_on(engine, &format!("{name}, {engine:?}"), dir, photos, model);
    engines().into_iter().flat_map(on).collect()
}

/// Embeds everything with the model in `dir`; prints the smallest cosines and returns a line for
/// each that is too small.
fn compare_on(
    engine: Engine,
    name: &str,
    dir: &Path,
    photos: &[PhotoFile],
    model: &Model,
) -> Vec<String> {
    let clip = Clip::open_with(dir, engine).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    assert_eq!(photos.len(), model.photos.len());
    let mut files = Cosines::new("file", FROM_FILE);
    let mut pixels = Cosines::new("same pixels", FROM_PIXELS);
    for (file, theirs) in photos.iter().zip(&model.photos) {
        assert_eq!(file.file, theirs.file);
        let pair = [photo(&file.file), photo(&file.same_pixels)];
        for (cosines, photo) in [&mut files, &mut pixels].into_iter().zip(&pair) {
            let ours = clip.embed_photos(std::slice::from_ref(photo)).expect("one photo embeds");
            cosines.add(&file.file, &ours[0], &theirs.embedding);
        }
    }
    let mut texts = Cosines::new("text", FROM_PIXELS);
    for theirs in &model.texts {
        let ours = clip.embed_texts(std::slice::from_ref(&theirs.text)).expect("one text embeds");
        texts.add(quoted(&theirs.text), &ours[0], &theirs.embedding);
    }
    let kinds = [files, pixels, texts];
    println!(
        "{name}: smallest cosine by {}",
        kinds.each_ref().map(Cosines::smallest).join(", by ")
    );
    kinds.iter().flat_map(|kind| kind.too_small(name)).collect()
}

/// Runs `check` on every fixture model, and only then fails, with all it found.
fn on_every_model(check: impl Fn(&str, &Path, &Expected, &Model) -> Vec<String>) {
    let expected = expected("expected.json");
    let wrong: Vec<String> = expected
        .models
        .iter()
        .flat_map(|(name, model)| check(name, &fixtures().join(name), &expected, model))
        .collect();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn photos_and_texts_get_the_vectors_of_transformers() {
    on_every_model(|name, dir, expected, model| compare(name, dir, &expected.photos, model));
}

#[test]
fn the_small_model_that_ships_gets_them_too() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/mini");
    if !dir.join("model.safetensors").exists() || !fixtures().join("mini_expected.json").exists() {
        println!(
            "mini: skipped, for want of models/mini or of mini_expected.json (make.py --mini)"
        );
        return;
    }
    let expected = expected("mini_expected.json");
    let mut wrong = compare("mini", &dir, &expected.photos, &expected.models["mini"]);
    wrong.extend(wrong_ids("mini", &dir, &expected.models["mini"]));
    assert!(
        wrong.is_empty(),
        "{} differ; if models/mini changed, run make.py --mini again:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_batch_gives_each_what_it_gets_alone() {
    on_every_model(|name, dir, expected, model| {
        let clip = open(dir);
        let mut photos = Cosines::new("batched photo", FROM_FILE);
        let all: Vec<Photo> = expected.photos.iter().map(|p| photo(&p.file)).collect();
        for (ours, theirs) in
            clip.embed_photos(&all).expect("a batch embeds").iter().zip(&model.photos)
        {
            photos.add(&theirs.file, ours, &theirs.embedding);
        }
        // Lengths differ from 2 tokens to the longest, so padding that leaks would show.
        let mut texts = Cosines::new("batched text", FROM_PIXELS);
        let all: Vec<String> = model.texts.iter().map(|t| t.text.clone()).collect();
        for (ours, theirs) in
            clip.embed_texts(&all).expect("a batch embeds").iter().zip(&model.texts)
        {
            texts.add(quoted(&theirs.text), ours, &theirs.embedding);
        }
        assert_eq!((photos.all.len(), texts.all.len()), (model.photos.len(), model.texts.len()));
        [photos, texts].iter().flat_map(|kind| kind.too_small(name)).collect()
    });
}

fn wrong_ids(name: &str, dir: &Path, model: &Model) -> Vec<String> {
    let clip = open(dir);
    let literals = model.special_literals.iter().map(|l| (&l.text, &l.as_text.ids));
    let texts = model.texts.iter().map(|t| (&t.text, &t.ids));
    texts
        .chain(literals)
        .filter_map(|(text, theirs)| {
            let ours = clip.tokenizer().ids(text).expect("any text has ids");
            (ours != *theirs).then(|| format!("{name}: {}: {ours:?}, not {theirs:?}", quoted(text)))
        })
        .collect()
}

#[test]
fn texts_get_the_token_ids_of_transformers() {
    on_every_model(|name, dir, _, model| wrong_ids(name, dir, model));
}

/// `transformers` would end the text where a user types the end token; Magpie reads on.
#[test]
fn a_special_token_typed_by_a_user_is_text() {
    on_every_model(|name, dir, _, model| {
        let clip = open(dir);
        let mut texts = Cosines::new("literal", FROM_PIXELS);
        for literal in &model.special_literals {
            assert_ne!(literal.as_special.ids, literal.as_text.ids);
            assert!(cosine(&literal.as_special.embedding, &literal.as_text.embedding) < FROM_FILE);
            let ours = clip.embed_texts(std::slice::from_ref(&literal.text)).expect("embeds");
            texts.add(quoted(&literal.text), &ours[0], &literal.as_text.embedding);
        }
        texts.too_small(name)
    });
}

/// One grey level is 1/255 before normalising and at most 0.016 after it. The resampler may round
/// the other way here and there, but not by two levels and not often.
#[test]
fn preprocessing_gives_the_pixel_values_of_transformers() {
    let file = fs::read(fixtures().join("pixel_values.safetensors")).expect("readable");
    let tensors = SafeTensors::deserialize(&file).expect("valid");
    for (name, tensor) in tensors.iter() {
        let (model, file) = name.split_once('/').expect("model/photo");
        let theirs: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")))
            .collect();
        let ours = open(&fixtures().join(model)).preprocessor().pixels(&photo(file));
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let differences: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).collect();
        let largest = differences.iter().copied().fold(0.0, f32::max);
        let off = differences.iter().filter(|d| **d > 1e-5).count() as f32 / ours.len() as f32;
        println!(
            "{name}: largest difference {largest:.6}, {:.2} % rounded the other way",
            off * 100.0
        );
        assert!(largest < 0.016, "{name}: a value differs by {largest}, more than one grey level");
        assert!(off < 0.02, "{name}: {:.1} % of the values differ", off * 100.0);
    }
}

/// Size and uprightness, from every format; then how far the decoders are apart.
#[test]
fn photos_decode_as_pillow_decodes_them() {
    for expected in expected("expected.json").photos {
        let file = &expected.file;
        let ours = photo(file);
        let size = (ours.width(), ours.height());
        assert_eq!(size, (expected.width, expected.height), "{file}");
        if expected.same_pixels == *file {
            continue;
        }
        let theirs = photo(&expected.same_pixels);
        let apart = ours.rgb().iter().zip(theirs.rgb().iter()).map(|(a, b)| a.abs_diff(*b));
        let (sum, largest) =
            apart.fold((0u64, 0u8), |(sum, most), d| (sum + u64::from(d), most.max(d)));
        let mean = sum as f64 / ours.rgb().len() as f64;
        println!("{file}: {mean:.3} grey levels apart on average, {largest} at most");
        assert!(mean < 2.0, "{file}: {mean:.2} grey levels apart on average");
    }
}
