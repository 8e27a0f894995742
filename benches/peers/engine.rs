//! Magpie's side of `compare.py`: loads a model once, then embeds photos as it is told.
//!
//!     engine MODEL f32|huge|int8|candle PIXELS
//!
//! `PIXELS` holds little-endian f32, photo after photo. Each line on standard input is a batch
//! size; each answer is the milliseconds that the pass took, then the first photo's vector.

use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;
use std::time::Instant;

use magpie::clip::{Clip, Engine, Isa, Precision};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [model, engine, pixels] = arguments.as_slice() else {
        // `cargo bench` and `cargo test` start every program.
        println!("usage: engine MODEL f32|huge|int8|candle PIXELS");
        return Ok(());
    };
    let own = |precision| Engine::Own { isa: Isa::best(), precision };
    let huge = engine == "huge";
    let engine = match engine.as_str() {
        "f32" | "huge" => own(Precision::F32),
        "int8" => own(Precision::Int8),
        _ => Engine::Candle,
    };
    let clip = Clip::open_with(Path::new(model), engine)?;
    if huge && !clip.copy_to_huge_pages() {
        return Err("this system has no huge pages".into());
    }
    let side = clip.config().vision.image_size;
    let values: Vec<f32> = std::fs::read(pixels)?
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    let photos: Vec<&[f32]> = values.chunks_exact(3 * side * side).collect();
    for line in stdin().lock().lines() {
        let batch: usize = line?.trim().parse()?;
        let begun = Instant::now();
        let vectors = clip.embed_pixels(photos.get(..batch).ok_or("not so many photos")?)?;
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        let first: Vec<String> =
            vectors.first().map(|v| v.iter().map(f32::to_string).collect()).unwrap_or_default();
        println!("{took} {}", first.join(" "));
        stdout().flush()?;
    }
    Ok(())
}
