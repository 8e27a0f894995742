//! From a photo's bytes to its vector: decoding beside embedding, eight people at once, an import,
//! and the start of the program.
//!
//!     cargo bench --bench pipeline -- [--model DIR] [--precision int8] [--photo FILE] [--rounds 15] [--rows 320]
//!         [--only photo|together|import|start]
//!
//! Without `--photo` a picture of 12 megapixels is made; without `--model` the embedded model
//! runs, for which decoding is most of the work. Figures are medians; what is compared takes turns.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use magpie::catalogue::Catalogue;
use magpie::catalogue::import::{Embed, Options, import};
use magpie::clip::batch::Batcher;
use magpie::clip::{BATCH, Clip, Engine, Precision, Source};
use magpie::cores;
use magpie::photo::{Limits, Photo};

const PEOPLE: usize = 8;

struct Bench {
    clip: Arc<Clip>,
    model: String,
    precision: Precision,
    rounds: usize,
    rows: usize,
    photo: Vec<u8>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default| {
        option(name).map_or(default, |n| n.parse().unwrap_or_else(|_| panic!("{name} N")))
    };
    let model = option("--model").unwrap_or_else(|| "mini".into());
    let source: Source = model.parse().expect("a model");
    let photo = option("--photo").map_or_else(twelve_megapixels, |file| {
        std::fs::read(&file).unwrap_or_else(|e| panic!("{file}: {e}"))
    });
    let precision = match option("--precision").as_deref() {
        None | Some("f32") => Precision::F32,
        Some("int8") => Precision::Int8,
        Some(other) => panic!("--precision {other} is neither f32 nor int8"),
    };
    let bench = Bench {
        clip: Arc::new(Clip::load(&source, Engine::with(precision)).expect("the model loads")),
        precision,
        model,
        rounds: number("--rounds", 15),
        rows: number("--rows", 320),
        photo,
    };
    println!("{}, {:?}, {} cores", bench.model, bench.precision, cores::count());
    type Part = (&'static str, fn(&Bench));
    let parts: [Part; 4] = [
        ("photo", Bench::photo),
        ("together", Bench::together),
        ("import", Bench::import),
        ("start", Bench::start),
    ];
    let only = option("--only");
    for (name, part) in parts {
        if only.as_deref().is_none_or(|only| only == name) {
            part(&bench);
        }
    }
}

/// A camera's picture: slopes, edges, texture and the noise of a sensor, which is most of a file.
fn twelve_megapixels() -> Vec<u8> {
    let mut state = 1u32;
    let picture = RgbImage::from_fn(4000, 3000, |x, y| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let noise = (state >> 24) as f32 / 255.0 * 24.0 - 12.0;
        let slope = (x as f32 / 37.0).sin() * 30.0 + y as f32 / 40.0;
        let tile = if (x / 240 + y / 170) % 3 == 0 { 40.0 } else { 0.0 };
        Rgb([60.0, 90.0, 70.0].map(|c| (c + slope + tile + noise).clamp(0.0, 255.0) as u8))
    });
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, 88).encode_image(&picture).expect("it encodes");
    out
}

/// Milliseconds that `work` takes.
fn time(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1e3
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Medians of several things that take turns.
fn turns<const N: usize>(rounds: usize, mut all: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut took = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (work, took) in all.iter_mut().zip(&mut took) {
            let milliseconds = time(&mut **work);
            if round > 0 {
                took.push(milliseconds);
            }
        }
    }
    took.map(median)
}

/// The sample catalogue's pictures, as files.
fn samples() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("kb/photos");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&dir).expect("kb/photos").map(|e| e.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "jpg"));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a photo")).collect()
}

/// The file with a comment in it, so that it is another file with the same picture.
fn numbered(jpeg: &[u8], number: usize) -> Vec<u8> {
    let comment = [&[0xff, 0xfe, 0, 6][..], &(number as u32).to_be_bytes()].concat();
    [&jpeg[..2], &comment, &jpeg[2..]].concat()
}

impl Bench {
    fn pixels(&self, jpeg: &[u8]) -> Vec<f32> {
        let processor = self.clip.preprocessor();
        let photo = Photo::decode_for(jpeg, &Limits::default(), processor.detail());
        processor.pixels(&photo.expect("a photo"))
    }

    fn photo(&self) {
        let (clip, limits) = (&self.clip, Limits::default());
        let photo = Photo::decode(&self.photo, &limits).expect("a photo");
        println!("\nphoto: {} × {}, {} kB", photo.width(), photo.height(), self.photo.len() / 1000);
        let pixels = [clip.preprocessor().pixels(&photo)];
        let cosine = {
            let reduced = clip.embed_pixels(&[self.pixels(&self.photo)]).expect("a vector");
            clip.embed_pixels(&pixels).expect("a vector")[0].cosine(&reduced[0])
        };
        let [whole, small, embed] = turns(
            self.rounds,
            [
                &mut || {
                    let photo = Photo::decode(&self.photo, &limits).expect("a photo");
                    std::hint::black_box(clip.preprocessor().pixels(&photo));
                },
                &mut || {
                    std::hint::black_box(self.pixels(&self.photo));
                },
                &mut || {
                    std::hint::black_box(clip.embed_pixels(&pixels).expect("a vector"));
                },
            ],
        );
        println!("  decoded whole, and resized   {whole:7.1} ms");
        println!("  decoded small, and resized   {small:7.1} ms   cosine to whole {cosine:.6}");
        println!("  embedded                     {embed:7.1} ms");
        println!("  share of decoding and resizing: {:.1} %", 100.0 * small / (small + embed));
    }

    fn together(&self) {
        let files = Arc::new(samples());
        let clip = &self.clip;
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let batcher = Batcher::start(Arc::clone(clip), PEOPLE).expect("a thread");
        let pixels: Vec<Vec<f32>> = files.iter().take(PEOPLE).map(|f| self.pixels(f)).collect();

        println!("\ntogether: {PEOPLE} photos");
        let [one, pass, split] = turns(
            self.rounds.div_ceil(2),
            [
                &mut || {
                    for photo in &pixels {
                        clip.embed_pixels(std::slice::from_ref(photo)).expect("a vector");
                    }
                },
                &mut || {
                    clip.embed_pixels(&pixels).expect("vectors");
                },
                &mut || {
                    let done = cores::in_order(
                        &pixels,
                        PEOPLE,
                        |part| clip.embed_pixels(part).map(drop),
                        |_, done| done,
                    );
                    done.expect("vectors");
                },
            ],
        );
        println!("  one after the other, on all cores   {one:7.1} ms");
        println!("  in one pass on all cores            {pass:7.1} ms   {:.2} ×", one / pass);
        println!("  in a pass for each core             {split:7.1} ms   {:.2} ×", one / split);

        let [direct, queued] = turns(
            self.rounds,
            [
                &mut || {
                    clip.embed_pixels(&pixels[..1]).expect("a vector");
                },
                &mut || {
                    runtime.block_on(batcher.photo(pixels[0].clone())).expect("a vector");
                },
            ],
        );
        println!("  one person alone: {direct:.1} ms without the queue, {queued:.1} ms with it");

        let ask = |file: Vec<u8>| {
            let (clip, batcher) = (Arc::clone(clip), batcher.clone());
            async move {
                let decoded = tokio::task::spawn_blocking(move || {
                    let processor = clip.preprocessor();
                    let photo = Photo::decode_for(&file, &Limits::default(), processor.detail());
                    processor.pixels(&photo.expect("a photo"))
                });
                batcher.photo(decoded.await.expect("pixels")).await.expect("a vector");
            }
        };
        let each = 4;
        let person = |n: usize| {
            let asked: Vec<_> =
                (0..each).map(|i| ask(files[(n * each + i) % files.len()].clone())).collect();
            async move {
                for photo in asked {
                    photo.await;
                }
            }
        };
        let [alone, crowd] = turns(
            self.rounds.div_ceil(3),
            [
                &mut || {
                    (0..PEOPLE).for_each(|n| runtime.block_on(person(n)));
                },
                &mut || {
                    runtime.block_on(async {
                        let people: Vec<_> = (0..PEOPLE).map(|n| tokio::spawn(person(n))).collect();
                        for person in people {
                            person.await.expect("no panic");
                        }
                    });
                },
            ],
        );
        let rate = |took: f64| (PEOPLE * each) as f64 / took * 1e3;
        println!(
            "  bytes to vectors: {:.1} photos/s one at a time, {:.1} with {PEOPLE} at once: {:.2} ×",
            rate(alone),
            rate(crowd),
            alone / crowd
        );
    }

    fn import(&self) {
        let files = samples();
        let dir = tempfile::tempdir().expect("a directory");
        let mut listing = String::new();
        for n in 0..self.rows {
            let name = format!("{n}.jpg");
            std::fs::write(dir.path().join(&name), numbered(&files[n % files.len()], n))
                .expect("room for photos");
            listing += &format!(
                "{{\"image_path\":\"{name}\",\"id\":\"p{n}\",\"description\":\"Number {n}.\"}}\n"
            );
        }
        std::fs::write(dir.path().join("description.json"), listing).expect("room");
        let pixels: Vec<Vec<f32>> = files.iter().take(BATCH).map(|f| self.pixels(f)).collect();
        println!("\nimport: {} rows", self.rows);
        let clip: &Clip = &self.clip;
        let begun = memory();
        let mut round = 0;
        let passes = self.rows.div_ceil(BATCH);
        let [own, whole] = turns(
            3,
            [
                &mut || {
                    for _ in 0..passes {
                        clip.embed_pixels(&pixels).expect("vectors");
                    }
                },
                &mut || {
                    round += 1;
                    let data = dir.path().join(format!("data-{round}"));
                    let catalogue = Catalogue::open_for(&data, &clip.model()).expect("opens");
                    let done =
                        import(&catalogue, dir.path(), clip, &Options::default(), &|_, _| ());
                    assert_eq!(done.expect("it imports").added, self.rows);
                },
            ],
        );
        let own = (passes * BATCH) as f64 / own * 1e3;
        let whole = self.rows as f64 / whole * 1e3;
        println!("  embedding alone, {BATCH} at a time   {own:6.1} photos/s");
        println!(
            "  import                         {whole:6.1} photos/s   {:.1} %",
            100.0 * whole / own
        );
        println!("  memory: {begun} MB before, {} MB at most", memory());
    }

    fn start(&self) {
        let dir = tempfile::tempdir().expect("a directory");
        let photo = dir.path().join("photo.jpg");
        std::fs::write(&photo, &samples()[0]).expect("room for a photo");
        let precision = if self.precision == Precision::Int8 { "int8" } else { "f32" };
        let run = |arguments: &[&str]| {
            let status = Command::new(env!("CARGO_BIN_EXE_magpie"))
                .args(arguments)
                .env("MAGPIE__CLIP__PRECISION", precision)
                .current_dir(dir.path())
                .stdout(Stdio::null())
                .status();
            assert!(status.is_ok_and(|s| s.success()), "magpie {arguments:?} failed");
        };
        let (model, photo) = (self.model.as_str(), photo.to_str().expect("a path"));
        let embed = ["model", "embed", photo, "--model", model];
        let [info, vector] = turns(
            self.rounds.min(9),
            [&mut || run(&["model", "info", model]), &mut || run(&embed)],
        );
        println!("\nstart: {info:.0} ms to load the model, {vector:.0} ms to the first vector");
    }
}

/// The most memory the process had, in MB, where the system tells.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1000
}
