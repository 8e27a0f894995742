//! When a match may be called confident, measured on the catalogue itself.
//!
//! A cosine means nothing by itself: it depends on the model, on how alike the products are
//! and on how far customers' photos are from catalogue pictures. So a sample of the
//! catalogue's pictures is turned into stand-ins for customers' photos (turned, cropped or
//! laid on a texture, lit and tinted otherwise; [`distorted`]), and each is searched for
//! twice: as it is, where the right answer is known, and with its product hidden, where
//! every answer is wrong. What is recorded is how far the best match stands out from the
//! ranks behind it ([`standout`]), which a photo whose scores are all low can do as well as
//! any. The threshold is the lowest above which [`PRECISION`] of the stand-ins' best matches
//! are right. A model that cannot tell the products apart reaches that nowhere, and is then
//! never confident; only a copy of a catalogue picture always is. A catalogue of one product has
//! nothing to stand out from and is treated the same.

use image::{Rgb, RgbImage};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::SearchError;
use crate::catalogue::{Catalogue, Hit, ImageId, ImageRecord};
use crate::clip::{BATCH, Clip};
use crate::photo::{Limits, Photo};

/// Share of right answers among the stand-ins that pass.
const PRECISION: f64 = 0.8;
/// A photo of a product that is not in the catalogue counts as this many of one that is: people
/// mostly ask about what the shop sells.
const HIDDEN_WEIGHT: f64 = 0.25;
/// Ranks behind the best that it is held against.
pub(super) const BEHIND: usize = 8;
/// Pictures made into stand-ins.
const SAMPLE: usize = 96;
/// Fewest stand-ins above a threshold for it to mean something.
const FEWEST: usize = 8;
/// From this cosine on, the query is the catalogue's picture itself, re-encoded or scaled.
const SAME_PICTURE: f32 = 0.985;
/// Nearer than this, two cosines are one.
const TIED: f32 = 1e-3;
/// Share by which a catalogue may grow or shrink before it is measured again.
const DRIFT: f64 = 0.1;
/// Side of a stand-in, in pixels.
const SIDE: u32 = 256;

/// What was measured on a catalogue, kept in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Images in the catalogue when it was measured.
    images: u64,
    /// The standout that a confident match exceeds; none when nothing is reliable.
    threshold: Option<f32>,
}

impl Calibration {
    /// Measures a catalogue when it was not yet, or has changed much since. It embeds at most
    /// 96 pictures; call it after changing a catalogue, not in a search.
    ///
    /// # Errors
    /// [`SearchError`] when the catalogue cannot be read or written or the model fails.
    pub fn refresh(clip: &Clip, catalogue: &Catalogue) -> Result<Self, SearchError> {
        let images = catalogue.image_count()?;
        if let Some(stored) = catalogue.calibration::<Self>()?
            && stored.images.abs_diff(images) as f64 <= DRIFT * stored.images as f64
        {
            return Ok(stored);
        }
        let measured = Self { images, threshold: threshold(probe(clip, catalogue)?) };
        catalogue.set_calibration(&measured)?;
        Ok(measured)
    }

    /// Whether the best of these hits is likely right. `stored` is none for a catalogue that was
    /// never measured.
    pub(super) fn confident(stored: Option<&Self>, hits: &[Hit]) -> bool {
        // Two products that share a picture are not told apart by it.
        if let [best, second, ..] = hits
            && best.score - second.score < TIED
        {
            return false;
        }
        if hits.first().is_some_and(|h| h.score >= SAME_PICTURE) {
            return true;
        }
        match (stored.and_then(|c| c.threshold), standout(hits)) {
            (Some(threshold), Some(standout)) => standout > threshold,
            _ => false,
        }
    }
}

/// How far the best stands out: its lead over the runner-up plus its lead over the mean of
/// the ranks behind, in cosine. The first tells a product from its look-alike, the second a
/// known thing from an unknown one.
fn standout(hits: &[Hit]) -> Option<f32> {
    let (best, rest) = hits.split_first()?;
    let behind = &rest[..rest.len().min(BEHIND)];
    let runner_up = behind.first()?.score;
    let mean = behind.iter().map(|h| h.score).sum::<f32>() / behind.len() as f32;
    Some((best.score - runner_up) + (best.score - mean))
}

/// How one stand-in's search went.
struct Probe {
    standout: f32,
    right: bool,
    weight: f64,
}

fn probe(clip: &Clip, catalogue: &Catalogue) -> Result<Vec<Probe>, SearchError> {
    let all = catalogue.images()?;
    let step = all.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<&(ImageId, ImageRecord)> = all.iter().step_by(step).collect();
    let mut probes = Vec::new();
    for batch in sample.chunks(BATCH) {
        let mut photos = Vec::with_capacity(batch.len());
        let mut records = Vec::with_capacity(batch.len());
        for (image, record) in batch {
            let Some(jpeg) = catalogue.picture(*image)? else { continue };
            let Ok(picture) = Photo::decode(&jpeg, &Limits::default()) else { continue };
            photos.extend(Photo::from_rgb(distorted(picture.rgb(), u64::from(*image))));
            records.push(record);
        }
        for (query, record) in clip.embed_photos(&photos)?.iter().zip(records) {
            for (hidden, weight) in [(None, 1.0), (Some(record.product.as_str()), HIDDEN_WEIGHT)] {
                let hits = catalogue.nearest(query, BEHIND + 1, hidden)?;
                let right = hits.first().is_some_and(|h| h.product.id == record.product);
                probes.extend(standout(&hits).map(|standout| Probe { standout, right, weight }));
            }
        }
    }
    Ok(probes)
}

/// The lowest standout above which enough of the probes are right.
fn threshold(mut probes: Vec<Probe>) -> Option<f32> {
    probes.sort_by(|a, b| b.standout.total_cmp(&a.standout));
    let (mut right, mut all, mut found) = (0.0, 0.0, None);
    for (n, probe) in probes.iter().enumerate() {
        all += probe.weight;
        right += if probe.right { probe.weight } else { 0.0 };
        if n + 1 >= FEWEST && right >= PRECISION * all {
            found = Some(probe.standout);
        }
    }
    // Strictly above: a probe that stands out exactly so far has passed.
    found.map(f32::next_down)
}

/// A stand-in for a customer's photo of what a catalogue picture shows.
fn distorted(picture: &RgbImage, seed: u64) -> RgbImage {
    let mut rng = StdRng::seed_from_u64(seed);
    let (w, h) = (picture.width() as f32, picture.height() as f32);
    // Below 1 the picture fills the frame and is cropped, above it lies on a texture.
    let zoom = if seed.is_multiple_of(2) {
        rng.random_range(0.55..0.85)
    } else {
        rng.random_range(1.1..1.5)
    };
    let angle: f32 = rng.random_range(-0.3..0.3);
    let (sin, cos) = angle.sin_cos();
    let step = zoom * w.min(h) / SIDE as f32;
    let centre_x = w / 2.0 + rng.random_range(-0.1..0.1) * w;
    let centre_y = h / 2.0 + rng.random_range(-0.1..0.1) * h;
    let stretch: f32 = rng.random_range(0.85..1.15);
    let texture = Texture::new(&mut rng);
    let gamma: f32 = rng.random_range(0.65..1.5);
    let gains: [f32; 3] = std::array::from_fn(|_| rng.random_range(0.8..1.15));
    let mut out = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (dx, dy) = (x as f32 - SIDE as f32 / 2.0, (y as f32 - SIDE as f32 / 2.0) * stretch);
        let at_x = centre_x + (dx * cos - dy * sin) * step;
        let at_y = centre_y + (dx * sin + dy * cos) * step;
        let colour = image::imageops::interpolate_bilinear(picture, at_x, at_y)
            .unwrap_or_else(|| texture.at(x, y));
        lit(colour, gamma, gains)
    });
    for pixel in out.pixels_mut() {
        let noise: i16 = rng.random_range(-8..=8);
        pixel.0 = pixel.0.map(|v| (i16::from(v) + noise).clamp(0, 255) as u8);
    }
    image::imageops::fast_blur(&out, rng.random_range(0.3..1.2))
}

fn lit(colour: Rgb<u8>, gamma: f32, gains: [f32; 3]) -> Rgb<u8> {
    let channel = |c: usize| (f32::from(colour[c]) / 255.0).powf(gamma) * gains[c] * 255.0;
    Rgb([0, 1, 2].map(|c| channel(c).clamp(0.0, 255.0) as u8))
}

/// Stripes of two colours, as a table or a shelf has.
struct Texture {
    colours: [[u8; 3]; 2],
    across: f32,
    down: f32,
}

impl Texture {
    fn new(rng: &mut StdRng) -> Self {
        let base: [u8; 3] = std::array::from_fn(|_| rng.random_range(20..235));
        let other = base.map(|v: u8| v.saturating_add_signed(rng.random_range(-40..40)));
        Self {
            colours: [base, other],
            across: rng.random_range(0.02..0.3),
            down: rng.random_range(0.02..0.3),
        }
    }

    fn at(&self, x: u32, y: u32) -> Rgb<u8> {
        let wave = (x as f32 * self.across).sin() + (y as f32 * self.down).sin();
        Rgb(self.colours[usize::from(wave > 0.0)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(rows: &[(f32, bool)]) -> Vec<Probe> {
        rows.iter().map(|&(standout, right)| Probe { standout, right, weight: 1.0 }).collect()
    }

    #[test]
    fn the_threshold_lets_as_many_pass_as_stay_reliable() {
        let mut rows: Vec<(f32, bool)> = (0..20).map(|i| (1.0 - i as f32 * 0.01, true)).collect();
        rows.extend((0..20).map(|i| (0.5 - i as f32 * 0.01, false)));
        let at = threshold(probes(&rows)).unwrap();
        // Five wrong ones beside twenty right ones are just tolerable.
        assert!(at < 0.46 && at > 0.45, "{at}");
    }

    #[test]
    fn a_model_that_only_guesses_is_never_confident() {
        let rows: Vec<(f32, bool)> = (0..50).map(|i| (i as f32, i % 2 == 0)).collect();
        assert_eq!(threshold(probes(&rows)), None);
        assert_eq!(threshold(probes(&[(1.0, true); 3])), None, "three are too few to tell");
        assert_eq!(threshold(Vec::new()), None);
    }

    #[test]
    fn a_stand_in_is_the_same_every_time_and_another_for_another_picture() {
        let picture = RgbImage::from_fn(80, 60, |x, y| Rgb([x as u8 * 3, y as u8 * 4, 90]));
        assert_eq!(distorted(&picture, 3), distorted(&picture, 3));
        assert_ne!(distorted(&picture, 3), distorted(&picture, 4));
        assert_eq!(distorted(&RgbImage::new(1, 1), 5).dimensions(), (SIDE, SIDE));
    }
}
