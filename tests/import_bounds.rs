//! The promise that an import takes as much memory for a hundred thousand photos as for a few
//! hundred: only so many of them are prepared and not yet committed.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use image::{Rgb, RgbImage};
use magpie::catalogue::import::{Embed, Options, import};
use magpie::catalogue::{Catalogue, ModelId};
use magpie::clip::Embedding;
use magpie::cores;
use magpie::photo::Photo;
use serde_json::json;

/// Embeds a picture as its one colour, and counts what it was given.
#[derive(Default)]
struct Counting {
    prepared: AtomicUsize,
}

impl Embed for Counting {
    fn model(&self) -> ModelId {
        ModelId { name: "test".into(), fingerprint: "f".into(), dimensions: 3 }
    }

    fn prepare(&self, photo: &Photo) -> Vec<f32> {
        self.prepared.fetch_add(1, SeqCst);
        photo.rgb().get_pixel(0, 0).0.iter().map(|c| f32::from(*c) + 1.0).collect()
    }

    fn embed(&self, prepared: &[Vec<f32>]) -> Result<Vec<Embedding>, String> {
        prepared.iter().map(|p| Embedding::new(p.clone()).ok_or("no vector".into())).collect()
    }
}

#[test]
fn few_photos_are_in_memory_at_once() {
    const ROWS: usize = 1500;
    /// Rows of a batch; `cores` has two more batches under way than there are cores.
    const BATCH: usize = 32;
    let dir = tempfile::tempdir().unwrap();
    let mut listing = String::new();
    for n in 0..ROWS {
        let colour = Rgb([(n % 40 * 6) as u8, (n / 40 * 6) as u8, 255]);
        let name = format!("{n}.png");
        RgbImage::from_pixel(2, 2, colour).save(dir.path().join(&name)).unwrap();
        let row = json!({"image_path": name, "id": format!("p{n}"), "description": "A thing."});
        listing += &format!("{row}\n");
    }
    fs::write(dir.path().join("description.json"), listing).unwrap();

    let embedder = Counting::default();
    let catalogue = Catalogue::open_for(&dir.path().join("data"), &embedder.model()).unwrap();
    let most = AtomicUsize::new(0);
    let seen = AtomicUsize::new(0);
    let report = import(&catalogue, dir.path(), &embedder, &Options::default(), &|done, total| {
        assert_eq!((total, done - seen.swap(done, SeqCst) <= BATCH), (ROWS, true));
        most.fetch_max(embedder.prepared.load(SeqCst) - done, SeqCst);
    })
    .unwrap();
    assert_eq!((report.added, report.failed), (ROWS, vec![]));
    let bound = (cores::count() + 2) * BATCH;
    println!("{most:?} of {ROWS} rows were in memory at once, of {bound} that may be");
    assert!(most.load(SeqCst) <= bound);
    // Each vector went to the row that it was made for.
    for n in [0, 31, 32, 700, ROWS - 1] {
        let colour = [(n % 40 * 6) as f32 + 1.0, (n / 40 * 6) as f32 + 1.0, 256.0];
        let hits = catalogue.nearest(&Embedding::new(colour.to_vec()).unwrap(), 1, None).unwrap();
        assert_eq!(hits[0].product.id, format!("p{n}"));
    }
}
