//! `preprocessor_config.json`: from a photo to the pixels the image tower sees.
//!
//! The steps and their order are those of `transformers`' `CLIPImageProcessor` on Pillow:
//! scale the shortest edge, crop the centre, rescale, normalise per channel. Both the
//! current file format and the older one with bare integers are read.

use fast_image_resize as fir;
use image::RgbImage;
use serde::Deserialize;

use crate::photo::{self, Detail, Photo};

/// Beyond this ratio of sides the far ends, which the centre crop drops anyway, are cut off
/// before scaling: a 1 × 60,000 picture would otherwise be scaled to 3 gigapixels.
const MAX_ASPECT: u32 = 100;

/// How many pixels of a photo make one that the tower sees, at least: with fewer, what a JPEG
/// leaves out when it is decoded small could be told from what resampling leaves out.
const OVERSAMPLE: u32 = 3;

/// The image processor of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessor {
    resize: Option<Resize>,
    crop: Option<(u32, u32)>,
    algorithm: fir::ResizeAlg,
    /// `value × scale + shift` per channel: rescale and normalise in one step.
    scale: [f32; 3],
    shift: [f32; 3],
    side: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Resize {
    ShortestEdge(u32),
    Exact { width: u32, height: u32 },
}

#[derive(Deserialize)]
#[serde(default)]
struct File {
    do_resize: bool,
    size: Size,
    resample: u8,
    do_center_crop: bool,
    crop_size: Size,
    do_rescale: bool,
    rescale_factor: f64,
    do_normalize: bool,
    image_mean: [f64; 3],
    image_std: [f64; 3],
}

impl Default for File {
    fn default() -> Self {
        Self {
            do_resize: true,
            size: Size::Side(224),
            resample: 3,
            do_center_crop: true,
            crop_size: Size::Side(224),
            do_rescale: true,
            rescale_factor: 1.0 / 255.0,
            do_normalize: true,
            image_mean: [0.48145466, 0.4578275, 0.40821073],
            image_std: [0.26862954, 0.26130258, 0.27577711],
        }
    }
}

#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Size {
    Side(u32),
    ShortestEdge { shortest_edge: u32 },
    Exact { width: u32, height: u32 },
}

impl Preprocessor {
    /// Reads the file for a tower that sees `side` × `side` pixels.
    pub(super) fn parse(json: &[u8], side: usize) -> Result<Self, String> {
        let file: File = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        let side = u32::try_from(side).map_err(|e| e.to_string())?;
        let resize = file.do_resize.then_some(match file.size {
            Size::Side(s) | Size::ShortestEdge { shortest_edge: s } => Resize::ShortestEdge(s),
            Size::Exact { width, height } => Resize::Exact { width, height },
        });
        let crop = file.do_center_crop.then_some(match file.crop_size {
            Size::Side(s) | Size::ShortestEdge { shortest_edge: s } => (s, s),
            Size::Exact { width, height } => (width, height),
        });
        let target = crop.or(match resize {
            Some(Resize::Exact { width, height }) => Some((width, height)),
            _ => None,
        });
        if target != Some((side, side)) {
            return Err(format!("it makes pictures of {target:?}, the model sees {side} × {side}"));
        }
        if matches!(resize, Some(Resize::ShortestEdge(0))) || side > 4096 {
            return Err("its size is zero or beyond 4096".into());
        }
        let (mean, std) = if file.do_normalize {
            (file.image_mean, file.image_std)
        } else {
            ([0.0; 3], [1.0; 3])
        };
        if std.iter().any(|s| !s.is_normal()) {
            return Err("image_std holds a zero".into());
        }
        let factor = if file.do_rescale { file.rescale_factor } else { 1.0 };
        Ok(Self {
            resize,
            crop,
            algorithm: algorithm(file.resample)?,
            scale: std.map(|s| (factor / s) as f32),
            shift: std::array::from_fn(|c| (-mean[c] / std[c]) as f32),
            side,
        })
    }

    /// What a photo may be decoded to before [`Preprocessor::pixels`] takes it.
    pub fn detail(&self) -> Detail {
        match self.resize {
            None => Detail::FULL,
            Some(Resize::ShortestEdge(edge)) => {
                Detail { short: edge.saturating_mul(OVERSAMPLE), long: 0 }
            }
            Some(Resize::Exact { width, height }) => {
                Detail { short: width.max(height).saturating_mul(OVERSAMPLE), long: 0 }
            }
        }
    }

    /// The photo as the image tower takes it: `[3, s, s]`, channel by channel, row by row.
    pub fn pixels(&self, photo: &Photo) -> Vec<f32> {
        let scaled = self.scaled(photo.rgb());
        let (width, height) = self.crop.unwrap_or((self.side, self.side));
        let left = (i64::from(scaled.width()) - i64::from(width)).div_euclid(2);
        let top = (i64::from(scaled.height()) - i64::from(height)).div_euclid(2);
        let plane = (width * height) as usize;
        let levels: [[f32; 256]; 3] = std::array::from_fn(|c| {
            std::array::from_fn(|level| level as f32 * self.scale[c] + self.shift[c])
        });
        let mut out = vec![0f32; 3 * plane];
        // A picture smaller than the crop is surrounded by black, as `transformers` does.
        for (values, levels) in out.chunks_exact_mut(plane).zip(&levels) {
            values.fill(levels[0]);
        }
        let across = Overlap::new(left, width, scaled.width());
        let down = Overlap::new(top, height, scaled.height());
        let stride = 3 * scaled.width() as usize;
        for row in 0..down.length {
            let from = stride * (down.from + row) + 3 * across.from;
            let pixels = &scaled.as_raw()[from..from + 3 * across.length];
            let to = width as usize * (down.to + row) + across.to;
            for (c, levels) in levels.iter().enumerate() {
                let values = &mut out[c * plane + to..][..across.length];
                for (value, pixel) in values.iter_mut().zip(pixels.chunks_exact(3)) {
                    *value = levels[usize::from(pixel[c])];
                }
            }
        }
        out
    }

    fn scaled(&self, rgb: &RgbImage) -> RgbImage {
        let (w, h) = rgb.dimensions();
        let (width, height) = match self.resize {
            None => return rgb.clone(),
            Some(Resize::Exact { width, height }) => (width, height),
            Some(Resize::ShortestEdge(edge)) => {
                let (short, long) = (w.min(h), w.max(h));
                if long / short > MAX_ASPECT {
                    return self.scaled(&centre(rgb, short * MAX_ASPECT));
                }
                // Integer division, as `transformers` truncates here.
                let other = (u64::from(edge) * u64::from(long) / u64::from(short)) as u32;
                if w <= h { (edge, other) } else { (other, edge) }
            }
        };
        if (width, height) == (w, h) {
            return rgb.clone();
        }
        // Only a zero-sized target fails, and `parse` refused those.
        photo::resize(rgb, width, height, self.algorithm)
            .unwrap_or_else(|_| RgbImage::new(width.max(1), height.max(1)))
    }
}

/// What a crop and a picture have in common along one side.
struct Overlap {
    /// Where it begins in the picture, and in the crop.
    from: usize,
    to: usize,
    length: usize,
}

impl Overlap {
    /// A crop of `crop` pixels that begins at `first`, maybe before the picture's `side` pixels.
    fn new(first: i64, crop: u32, side: u32) -> Self {
        let (from, to) = (first.max(0), (-first).max(0));
        let length = (i64::from(side) - from).min(i64::from(crop) - to).max(0);
        // None is negative, nor longer than a side.
        Self { from: from as usize, to: to as usize, length: length as usize }
    }
}

/// The middle `length` pixels of the longer side.
fn centre(rgb: &RgbImage, length: u32) -> RgbImage {
    let (w, h) = rgb.dimensions();
    if w > h {
        image::imageops::crop_imm(rgb, (w - length) / 2, 0, length, h).to_image()
    } else {
        image::imageops::crop_imm(rgb, 0, (h - length) / 2, w, length).to_image()
    }
}

/// Pillow's resampling constants.
fn algorithm(resample: u8) -> Result<fir::ResizeAlg, String> {
    use fir::{FilterType as F, ResizeAlg::Convolution};
    Ok(match resample {
        0 => fir::ResizeAlg::Nearest,
        1 => Convolution(F::Lanczos3),
        2 => Convolution(F::Bilinear),
        3 => Convolution(F::CatmullRom),
        4 => Convolution(F::Box),
        5 => Convolution(F::Hamming),
        other => return Err(format!("resample {other} is not one of Pillow's 0 to 5")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = br#"{"crop_size":8,"size":8,"resample":3,"do_normalize":false}"#;

    fn photo(w: u32, h: u32) -> Photo {
        Photo::from_rgb(RgbImage::from_fn(w, h, |x, y| image::Rgb([x as u8, y as u8, 9]))).unwrap()
    }

    #[test]
    fn old_and_new_files_mean_the_same() {
        let new = br#"{"crop_size":{"height":8,"width":8},"size":{"shortest_edge":8},
                       "do_rescale":true,"rescale_factor":0.00392156862745098,"do_normalize":false}"#;
        assert_eq!(Preprocessor::parse(OLD, 8).unwrap(), Preprocessor::parse(new, 8).unwrap());
    }

    #[test]
    fn every_shape_of_photo_gives_one_square() {
        let p = Preprocessor::parse(OLD, 8).unwrap();
        for (w, h) in [(1, 1), (1, 900), (900, 1), (8, 8), (3, 5), (640, 480), (1, 30_000)] {
            let pixels = p.pixels(&photo(w, h));
            assert_eq!(pixels.len(), 3 * 8 * 8, "{w} × {h}");
            assert!((pixels[2 * 64 + 30] - 9.0 / 255.0).abs() < 1e-6, "{w} × {h}");
        }
    }

    #[test]
    fn a_photo_smaller_than_the_crop_gets_a_black_border() {
        let json = br#"{"do_resize":false,"crop_size":4,"do_normalize":false,"do_rescale":false}"#;
        let pixels = Preprocessor::parse(json, 4).unwrap().pixels(&photo(2, 2));
        assert_eq!(
            &pixels[32..],
            &[0., 0., 0., 0., 0., 9., 9., 0., 0., 9., 9., 0., 0., 0., 0., 0.]
        );
    }

    #[test]
    fn a_file_that_does_not_fit_the_model_is_refused() {
        assert!(Preprocessor::parse(OLD, 16).unwrap_err().contains("16 × 16"));
        for bad in [r#"{"crop_size":8,"size":8,"resample":9}"#, r#"{"size":0,"crop_size":8}"#, "{"]
        {
            assert!(Preprocessor::parse(bad.as_bytes(), 8).is_err(), "{bad}");
        }
    }
}
