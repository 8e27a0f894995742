//! Photos and texts to vectors: the CPU's own towers in f32 and in 8 bits beside candle's, on
//! `mini` and on a ViT-B/32 of full size with random weights.
//!
//! candle's towers here are Magpie's own on candle's layers, which are faster than
//! `candle_transformers`' (q, k and v are one product), so the comparison flatters nobody.

use std::fs;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use magpie::clip::{Clip, Engine, Isa, Precision};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

const BATCHES: [usize; 3] = [1, 8, 16];
/// 16 tokens with its start and end.
const TEXT: &str = "a a a a a a a a a a a a a a";

/// The tensors of a ViT-B/32, as `(name, shape)`.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut all = vec![
        ("vision_model.embeddings.class_embedding".to_owned(), vec![768]),
        ("vision_model.embeddings.patch_embedding.weight".to_owned(), vec![768, 3, 32, 32]),
        ("vision_model.embeddings.position_embedding.weight".to_owned(), vec![50, 768]),
        ("visual_projection.weight".to_owned(), vec![512, 768]),
        ("text_model.embeddings.token_embedding.weight".to_owned(), vec![49408, 512]),
        ("text_model.embeddings.position_embedding.weight".to_owned(), vec![77, 512]),
        ("text_projection.weight".to_owned(), vec![512, 512]),
    ];
    let mut layer = |name: String, shape: Vec<usize>| {
        all.push((format!("{name}.bias"), vec![shape[0]]));
        all.push((format!("{name}.weight"), shape));
    };
    for (norm, width) in [
        ("vision_model.pre_layrnorm", 768),
        ("vision_model.post_layernorm", 768),
        ("text_model.final_layer_norm", 512),
    ] {
        layer(norm.to_owned(), vec![width]);
    }
    for (tower, d) in [("vision_model", 768), ("text_model", 512)] {
        for block in (0..12).map(|i| format!("{tower}.encoder.layers.{i}")) {
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                layer(format!("{block}.self_attn.{part}"), vec![d, d]);
            }
            layer(format!("{block}.mlp.fc1"), vec![4 * d, d]);
            layer(format!("{block}.mlp.fc2"), vec![d, 4 * d]);
            layer(format!("{block}.layer_norm1"), vec![d]);
            layer(format!("{block}.layer_norm2"), vec![d]);
        }
    }
    all
}

/// Writes such a model, with seeded weights and `mini`'s tokenizer.
fn make_full(dir: &Path) {
    let mini = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/mini");
    fs::copy(mini.join("tokenizer.json"), dir.join("tokenizer.json")).expect("a tokenizer");
    fs::write(dir.join("config.json"), "{}").expect("writable");
    fs::write(dir.join("preprocessor_config.json"), "{}").expect("writable");
    let mut state = 1u32;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state as f32 / u32::MAX as f32 - 0.5) * 0.07
    };
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = shapes()
        .into_iter()
        .map(|(name, shape)| {
            let bytes = (0..shape.iter().product()).flat_map(|_| random().to_le_bytes()).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("sizes agree"))
    });
    serialize_to_file(views, None, &dir.join("model.safetensors")).expect("writable");
}

fn engines() -> [(&'static str, Engine); 3] {
    let own = |precision| Engine::Own { isa: Isa::best(), precision };
    [("f32", own(Precision::F32)), ("int8", own(Precision::Int8)), ("candle", Engine::Candle)]
}

fn embed(c: &mut Criterion) {
    let full = tempfile::tempdir().expect("room for 600 MB");
    make_full(full.path());
    let mini = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/mini");
    for (model, dir) in [("mini", mini.as_path()), ("vit-b-32", full.path())] {
        for (engine, chosen) in engines() {
            let clip = Clip::open_with(dir, chosen).expect("the model loads");
            let side = clip.config().vision.image_size;
            let photo: Vec<f32> = (0..3 * side * side).map(|i| (i % 977) as f32 / 500.0).collect();
            for kind in ["photo", "text"] {
                let mut group = c.benchmark_group(format!("{model}/{kind}"));
                group.sample_size(10);
                for batch in BATCHES {
                    group.throughput(Throughput::Elements(batch as u64));
                    group.bench_function(BenchmarkId::new(engine, batch), |b| match kind {
                        "photo" => b.iter(|| clip.embed_pixels(&vec![&photo; batch])),
                        _ => b.iter(|| clip.embed_texts(&vec![TEXT; batch])),
                    });
                }
                group.finish();
            }
        }
    }
}

criterion_group!(benches, embed);
criterion_main!(benches);
