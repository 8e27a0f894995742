//! The promise that a large JPEG, which is decoded at a part of its size, gets the vector of the
//! whole picture, and that what the quick decoder does not read goes the ordinary way.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use magpie::clip::Clip;
use magpie::photo::{Detail, Limits, Photo, PhotoError};

/// What `tests/parity.rs` asks from a file on; at 12 megapixels reduced decoding keeps 0.99998.
const ENOUGH: f32 = 0.9999;

/// A picture with edges, slopes, fine texture and noise; the same every time.
fn scene(width: u32, height: u32, seed: u32) -> RgbImage {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as f32 / 255.0 - 0.5
    };
    let (w, h) = (width as f32, height as f32);
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / w, y as f32 / h);
        let turn = seed as f32 * 0.7;
        let slope = 90.0 * (u * turn.cos() + v * turn.sin()).abs();
        let disc = (u - 0.4).hypot(v - 0.55) < 0.05 * (2 + seed % 5) as f32;
        let bars = ((u * (11 + seed) as f32).fract() < 0.3) && v > 0.6;
        let weave = 12.0 * ((x as f32 * 0.9).sin() * (y as f32 * 0.7).sin());
        let grain = 14.0 * noise();
        let base = match (disc, bars) {
            (true, _) => [200.0, 60.0, 40.0],
            (_, true) => [30.0, 90.0, 160.0],
            _ => [110.0 + slope, 120.0, 150.0 - slope],
        };
        Rgb(base.map(|c| (c + weave + grain).clamp(0.0, 255.0) as u8))
    })
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, quality).encode_image(picture).unwrap();
    out
}

fn whole(bytes: &[u8]) -> Photo {
    Photo::decode(bytes, &Limits::default()).unwrap()
}

fn reduced(bytes: &[u8], detail: Detail) -> Photo {
    Photo::decode_for(bytes, &Limits::default(), detail).unwrap()
}

fn fixture(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// The fixture models see 32 pixels or so; scaled as ViT-B/32's 224 are to 12 megapixels, their
/// photos would be tiny. These are as large as make the quick decoder shrink by 2, 4 and 8.
#[test]
fn the_vector_is_that_of_the_whole_picture() {
    let models = ["clip-tiny", "clip-tiny-gelu", "clip-tiny-legacy", "../../models/mini"];
    for model in models.iter().filter(|m| fixture(m).join("model.safetensors").exists()) {
        let clip = Clip::open(&fixture(model)).unwrap();
        let detail = clip.preprocessor().detail();
        let mut smallest = (1f32, String::new());
        for (seed, times) in [2u32, 3, 4, 5, 8, 9, 11].into_iter().enumerate() {
            for (wide, high) in [(4, 3), (3, 4), (3, 3), (16, 9)] {
                let side = detail.short * times / 3;
                let whole_squares = |side: u32| side.next_multiple_of(8);
                let (wide, high) = (whole_squares(side * wide / 3), whole_squares(side * high / 3));
                let picture = scene(wide, high, seed as u32);
                let bytes = jpeg(&picture, [75, 88, 95][seed % 3]);
                let (all, small) = (whole(&bytes), reduced(&bytes, detail));
                let cosine =
                    clip.embed_photo(&all).unwrap().cosine(&clip.embed_photo(&small).unwrap());
                if cosine < smallest.0 {
                    let name =
                        format!("{:?} as {:?}", picture.dimensions(), small.rgb().dimensions());
                    smallest = (cosine, name);
                }
            }
        }
        println!(
            "{model}: smallest cosine to the whole picture {:.7} ({})",
            smallest.0, smallest.1
        );
        assert!(smallest.0 >= ENOUGH, "{model}: {smallest:?}");
    }
}

/// The mean of each square of the whole picture is what a pixel of the reduced one should be.
#[test]
fn a_reduced_picture_is_the_mean_of_the_whole_one() {
    for (width, height, quality) in
        [(640, 480, 90), (1000, 1000, 60), (2000, 31, 80), (320, 2000, 95)]
    {
        let bytes = jpeg(&scene(width, height, width), quality);
        let full = whole(&bytes);
        for shrink in [2, 4, 8] {
            let (short, long) = (width.min(height) / shrink, width.max(height) / shrink);
            let small = reduced(&bytes, Detail { short, long });
            if small.rgb().dimensions() != (width / shrink, height / shrink) {
                // Not a whole number of squares.
                assert_eq!(height, 31);
                continue;
            }
            let apart = apart(&full, &small, shrink);
            println!("{width} × {height} by {shrink}: {apart:.2} grey levels");
            assert!(apart < 3.0, "{width} × {height} by {shrink}: {apart:.2} grey levels");
        }
    }
}

/// Grey levels between the pixels of `small` and the means of the squares they stand for.
fn apart(full: &Photo, small: &Photo, shrink: u32) -> f64 {
    let mut sum = 0.0;
    for (x, y, pixel) in small.rgb().enumerate_pixels() {
        for channel in 0..3 {
            let square = (0..shrink * shrink).map(|n| {
                let (x, y) = (x * shrink + n % shrink, y * shrink + n / shrink);
                f64::from(full.rgb().get_pixel(x, y)[channel])
            });
            let mean = square.sum::<f64>() / f64::from(shrink * shrink);
            sum += (mean - f64::from(pixel[channel])).abs();
        }
    }
    sum / (small.rgb().len() as f64)
}

/// Pillow's and other programs' files: halved colours, one colour, rotations.
#[test]
fn the_shape_is_right_for_every_kind_of_jpeg() {
    let half = Detail { short: 1, long: 1 };
    let mut seen = 0;
    for entry in std::fs::read_dir(fixture("photos")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "jpg") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let (all, small) = (whole(&bytes), reduced(&bytes, half));
        let name = path.display();
        let ratio = f64::from(all.width()) / f64::from(small.width());
        assert!(
            (f64::from(all.height()) / f64::from(small.height()) - ratio).abs() < 1e-9,
            "{name}"
        );
        if ratio > 1.0 {
            // One of them is so coarse that steps between blocks are most of it.
            let apart = apart(&all, &small, ratio as u32);
            println!("{name} by {ratio}: {apart:.2} grey levels");
            assert!(apart < 4.0, "{name}: {apart:.2} grey levels");
            seen += 1;
        }
    }
    assert!(seen >= 10, "only {seen} were reduced");
}

#[test]
fn the_limits_are_those_of_the_whole_picture() {
    let bytes = jpeg(&scene(640, 480, 1), 80);
    let tight = Limits { max_pixels: 640 * 480 - 1, ..Limits::default() };
    let detail = Detail { short: 10, long: 10 };
    let refused = Photo::decode_for(&bytes, &tight, detail);
    assert!(matches!(refused, Err(PhotoError::TooManyPixels { width: 640, height: 480, .. })));
    let tight = Limits { max_decoder_bytes: 640 * 480 * 3 - 1, ..Limits::default() };
    let refused = Photo::decode_for(&bytes, &tight, detail);
    assert!(matches!(refused, Err(PhotoError::TooMuchMemory { .. })));
}

/// Whatever is done to a file, reduced decoding accepts and refuses what whole decoding does.
#[test]
fn damage_is_judged_as_for_the_whole_picture() {
    let detail = Detail { short: 8, long: 8 };
    let mut random = 12345u32;
    let mut next = |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % below
    };
    let good =
        [jpeg(&scene(96, 64, 3), 70), std::fs::read(fixture("photos/jpeg_420.jpg")).unwrap()];
    let mut refused = 0;
    for round in 0..4000 {
        let mut bytes = good[round % 2].clone();
        match round % 4 {
            0 => bytes.truncate(next(bytes.len())),
            _ => {
                for _ in 0..=round % 3 {
                    let at = next(bytes.len());
                    bytes[at] = next(256) as u8;
                }
            }
        }
        let limits = Limits { max_pixels: 4_000_000, ..Limits::default() };
        let all = Photo::decode(&bytes, &limits);
        let small = Photo::decode_for(&bytes, &limits, detail);
        match (all, small) {
            (Err(all), Err(small)) => {
                assert_eq!(all.to_string(), small.to_string());
                refused += 1;
            }
            // Where the whole decoder finds fault late in the data, a code that is stepped over may
            // have hidden it.
            (Err(_), Ok(_)) => {}
            (Ok(_), small) => {
                small.unwrap();
            }
        }
    }
    assert!(refused > 500, "{refused}");
}
