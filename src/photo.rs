//! Untrusted bytes in, a bounded, upright RGB picture out.
//!
//! Every photo enters Magpie through [`Photo::decode`], whether a chat user sent it or an
//! import read it from disk, and every limit on pictures stands in [`Limits`]. Size and
//! decoder memory are checked against the header before any pixel is allocated. Nothing
//! here knows CLIP, LMDB or chat.

mod bare;
mod huffman;
mod jpeg;

use std::io::Cursor;
use std::path::Path;

use fast_image_resize as fir;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use serde::{Deserialize, Serialize};

/// The media types of what [`Photo::decode`] reads, behind `image/`, in all spellings.
pub const MEDIA_TYPES: [&str; 8] = ["jpeg", "jpg", "pjpeg", "png", "webp", "gif", "bmp", "tiff"];
/// How the names of such files end, behind the dot.
pub const ENDINGS: [&str; 8] = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"];

/// What a photo may cost. The same limits hold for chat uploads and imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest encoded file, in bytes.
    pub max_bytes: u64,
    /// Largest picture, width × height, in pixels.
    pub max_pixels: u64,
    /// Most memory the decoder may allocate, in bytes.
    pub max_decoder_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 32 * 1024 * 1024,
            max_pixels: 64_000_000,
            max_decoder_bytes: 512 * 1024 * 1024,
        }
    }
}

/// How much of a picture somebody needs, in pixels. A JPEG that has more may be decoded at a
/// half, a quarter or an eighth of its size, as long as neither side becomes shorter than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Of the shorter side.
    pub short: u32,
    /// Of the longer side.
    pub long: u32,
}

impl Detail {
    /// Every pixel.
    pub const FULL: Self = Self { short: u32::MAX, long: u32::MAX };

    /// Enough for a picture whose longest side has at most `side` pixels. A sixteenth less is
    /// as good, and cameras' 4000 and 4032 pixels then give one without scaling it twice.
    pub fn picture(side: u32) -> Self {
        Self { short: 0, long: side - side / 16 }
    }

    /// Enough for both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { short: self.short.max(other.short), long: self.long.max(other.long) }
    }

    /// By how much a picture may shrink; `None` when every pixel is needed.
    fn shrink(self, width: u32, height: u32) -> Option<u32> {
        let (short, long) = (width.min(height), width.max(height));
        jpeg::SHRINKS.into_iter().find(|shrink| {
            // A last pixel that stands for fewer than the others would shift what lies before it, by
            // enough to see in the vector.
            let fits = |side: u32| side.is_multiple_of(*shrink);
            short / shrink >= self.short && long / shrink >= self.long && fits(short) && fits(long)
        })
    }
}

/// Why bytes are not a usable photo, worded for the person who sent them.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    #[error("the file is empty; send a photo as JPEG, PNG, WebP, GIF, BMP or TIFF")]
    Empty,
    #[error(
        "the photo is {bytes} bytes, over the limit of {limit}; send a smaller one (a longest side of 2000 px is plenty)"
    )]
    TooManyBytes { bytes: u64, limit: u64 },
    #[error(
        "the photo is {width} × {height} pixels, over the limit of {limit} pixels; scale it down first"
    )]
    TooManyPixels { width: u32, height: u32, limit: u64 },
    #[error("{format} is not supported; send JPEG, PNG, WebP, GIF, BMP or TIFF instead")]
    Unsupported { format: String },
    #[error("the {format} file is damaged or cut short ({reason}); save or send it again")]
    Damaged { format: String, reason: String },
    #[error("decoding the {format} needs more memory than allowed; scale it down first")]
    TooMuchMemory { format: String },
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
}

/// A decoded picture: 8-bit sRGB, upright, at least 1 × 1 pixel.
#[derive(Debug, Clone)]
pub struct Photo {
    rgb: RgbImage,
    /// Whether these are a JPEG's own pixels, neither turned nor reduced.
    as_filed: bool,
}

impl Photo {
    /// Decodes JPEG, PNG, WebP, GIF (first frame), BMP or TIFF.
    ///
    /// EXIF orientation is applied, transparency is laid on white, 16-bit channels are
    /// rounded to 8. Colour profiles are ignored, as CLIP's own preprocessing ignores them.
    ///
    /// # Errors
    /// A [`PhotoError`] that names the format or the limit and what to send instead.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, PhotoError> {
        Self::decode_for(bytes, limits, Detail::FULL)
    }

    /// Decodes as [`Photo::decode`] does, but no more than `detail` asks for where that is
    /// quicker. The limits are those of the whole picture.
    ///
    /// # Errors
    /// As [`Photo::decode`].
    pub fn decode_for(bytes: &[u8], limits: &Limits, detail: Detail) -> Result<Self, PhotoError> {
        let format = sniff(bytes, limits)?;
        let name = format_name(format);
        // The decoder fills what is missing with grey, which would match some grey product.
        if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
            return Err(PhotoError::Damaged {
                format: name.into(),
                reason: "its end is missing".into(),
            });
        }
        let damaged = |e: image::ImageError| explain(e, name);

        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut bounds = image::Limits::default();
        bounds.max_alloc = Some(limits.max_decoder_bytes);
        reader.limits(bounds);
        let mut decoder = reader.into_decoder().map_err(damaged)?;

        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 {
            return Err(PhotoError::Damaged {
                format: name.into(),
                reason: "it has no pixels".into(),
            });
        }
        if u64::from(width) * u64::from(height) > limits.max_pixels {
            return Err(PhotoError::TooManyPixels { width, height, limit: limits.max_pixels });
        }
        if decoder.total_bytes() > limits.max_decoder_bytes {
            return Err(PhotoError::TooMuchMemory { format: name.into() });
        }

        // A broken EXIF block costs the rotation, not the photo.
        let orientation =
            decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
        let reduced = match format {
            ImageFormat::Jpeg => reduced(bytes, width, height, detail),
            _ => None,
        };
        let mut picture = match reduced {
            Some(rgb) => DynamicImage::ImageRgb8(rgb),
            None => DynamicImage::from_decoder(decoder).map_err(damaged)?,
        };
        let as_filed = format == ImageFormat::Jpeg
            && orientation == image::metadata::Orientation::NoTransforms
            && (picture.width(), picture.height()) == (width, height);
        picture.apply_orientation(orientation);
        Ok(Self { rgb: on_white(picture), as_filed })
    }

    /// Reads and decodes a file, refusing one over the byte limit before reading it.
    ///
    /// # Errors
    /// As [`Photo::decode`], and [`PhotoError::Unreadable`] when the file cannot be read.
    pub fn open(path: &Path, limits: &Limits, detail: Detail) -> Result<Self, PhotoError> {
        Self::decode_for(&read(path, limits)?, limits, detail)
    }

    /// A picture that is already decoded, for callers that made the pixels themselves.
    pub fn from_rgb(rgb: RgbImage) -> Option<Self> {
        (rgb.width() > 0 && rgb.height() > 0).then_some(Self { rgb, as_filed: false })
    }

    pub fn width(&self) -> u32 {
        self.rgb.width()
    }

    pub fn height(&self) -> u32 {
        self.rgb.height()
    }

    /// The pixels, row by row, three bytes each.
    pub fn rgb(&self) -> &RgbImage {
        &self.rgb
    }

    /// A JPEG whose longest side is at most `max_side` pixels: the `file` that this photo was decoded
    /// from, down to its picture, when that is small enough already, else as [`Photo::to_jpeg`] writes it.
    ///
    /// # Errors
    /// As [`Photo::to_jpeg`].
    pub fn kept(&self, file: &[u8], max_side: u32, quality: u8) -> Result<Vec<u8>, PhotoError> {
        let pixels = self.rgb.width() as usize * self.rgb.height() as usize;
        let small = self.width().max(self.height()) <= max_side && file.len() <= pixels / 2;
        match if self.as_filed && small { bare::bare(file) } else { None } {
            Some(jpeg) => Ok(jpeg),
            None => self.to_jpeg(max_side, quality),
        }
    }

    /// A JPEG whose longest side is at most `max_side` pixels; smaller pictures keep their size. Colours
    /// are written at half of it, as cameras do.
    ///
    /// # Errors
    /// Only when the encoder refuses the picture, which a decoded photo does not provoke.
    pub fn to_jpeg(&self, max_side: u32, quality: u8) -> Result<Vec<u8>, PhotoError> {
        let internal = |reason: String| PhotoError::Damaged { format: "photo".into(), reason };
        let longest = self.width().max(self.height());
        let scaled;
        let rgb = if longest > max_side.max(1) {
            let ratio = f64::from(max_side.max(1)) / f64::from(longest);
            let side = |s: u32| ((f64::from(s) * ratio).round() as u32).max(1);
            scaled = resize(&self.rgb, side(self.width()), side(self.height()), RESAMPLE_THUMB)
                .map_err(internal)?;
            &scaled
        } else {
            &self.rgb
        };
        let side = |s: u32| u16::try_from(s).map_err(|_| internal(format!("a side of {s} pixels")));
        let (width, height) = (side(rgb.width())?, side(rgb.height())?);
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.encode(rgb, width, height, ColorType::Rgb).map_err(|e| internal(e.to_string()))?;
        Ok(out)
    }
}

const RESAMPLE_THUMB: fir::ResizeAlg = fir::ResizeAlg::Convolution(fir::FilterType::Lanczos3);

/// A JPEG at the smallest scale that `detail` allows; `None` when it takes the full decoder.
fn reduced(bytes: &[u8], width: u32, height: u32, detail: Detail) -> Option<RgbImage> {
    let shrink = detail.shrink(width, height)?;
    let rgb = jpeg::decode(bytes, shrink)?;
    // Both decoders must have read the same header.
    (rgb.dimensions() == (width.div_ceil(shrink), height.div_ceil(shrink))).then_some(rgb)
}

/// Resamples in 8-bit passes as Pillow does; a convolution filter antialiases when it shrinks.
///
/// # Errors
/// A sentence when the target has no pixels or is beyond what the resizer can hold.
pub(crate) fn resize(
    rgb: &RgbImage,
    width: u32,
    height: u32,
    algorithm: fir::ResizeAlg,
) -> Result<RgbImage, String> {
    let options = fir::ResizeOptions::new().resize_alg(algorithm);
    let mut resizer = fir::Resizer::new();
    // The resizer alone would go down the columns first. Pillow starts with the rows, and where
    // a pass clips at black or white the order shows in the result.
    let mut wide = RgbImage::new(width, rgb.height());
    resizer.resize(rgb, &mut wide, &options).map_err(|e| e.to_string())?;
    let mut out = RgbImage::new(width, height);
    resizer.resize(&wide, &mut out, &options).map_err(|e| e.to_string())?;
    Ok(out)
}

/// Reads a file of at most `limits.max_bytes`.
///
/// # Errors
/// [`PhotoError::Unreadable`] or [`PhotoError::TooManyBytes`].
pub fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, PhotoError> {
    use std::io::Read;
    let unreadable = |e: &dyn std::fmt::Display| PhotoError::Unreadable {
        path: path.display().to_string(),
        reason: e.to_string(),
    };
    let file = std::fs::File::open(path).map_err(|e| unreadable(&e))?;
    let meta = file.metadata().map_err(|e| unreadable(&e))?;
    if meta.is_dir() {
        return Err(unreadable(&"it is a directory, not a photo"));
    }
    if meta.len() > limits.max_bytes {
        return Err(PhotoError::TooManyBytes { bytes: meta.len(), limit: limits.max_bytes });
    }
    // A device or a growing file can hold more than its metadata says.
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    file.take(limits.max_bytes + 1).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    if bytes.len() as u64 > limits.max_bytes {
        return Err(PhotoError::TooManyBytes {
            bytes: bytes.len() as u64,
            limit: limits.max_bytes,
        });
    }
    Ok(bytes)
}

/// The format by its magic bytes; a file's name is never believed.
fn sniff(bytes: &[u8], limits: &Limits) -> Result<ImageFormat, PhotoError> {
    if bytes.is_empty() {
        return Err(PhotoError::Empty);
    }
    if bytes.len() as u64 > limits.max_bytes {
        return Err(PhotoError::TooManyBytes {
            bytes: bytes.len() as u64,
            limit: limits.max_bytes,
        });
    }
    match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Jpeg
            | ImageFormat::Png
            | ImageFormat::WebP
            | ImageFormat::Gif
            | ImageFormat::Bmp
            | ImageFormat::Tiff),
        ) => Ok(format),
        _ => Err(PhotoError::Unsupported { format: foreign_name(bytes) }),
    }
}

/// A name for what was sent instead of a supported picture.
fn foreign_name(bytes: &[u8]) -> String {
    if let Some(kind) = infer::get(bytes) {
        return match kind.mime_type() {
            "image/heif" | "image/heic" => "HEIC/HEIF".into(),
            "image/avif" => "AVIF".into(),
            mime => format!("a {} file ({mime})", kind.extension().to_uppercase()),
        };
    }
    if std::str::from_utf8(&bytes[..bytes.len().min(512)]).is_ok_and(|s| !s.contains('\0')) {
        return "a text file".into();
    }
    "this kind of file".into()
}

/// Whether a JPEG's picture data is closed by an end marker (ITU T.81, B.1.1.3). Segments are
/// walked up to the first scan, since an embedded preview has an end marker of its own.
fn jpeg_ends(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, after @ ..] = rest {
        if *marker == START_OF_SCAN {
            return after.windows(2).rev().any(|pair| pair == END_OF_IMAGE);
        }
        // 0xff may be repeated before a marker; 0x01 and the restarts carry no length.
        rest = match (marker, after) {
            (0xff, _) => &rest[1..],
            (0x01 | 0xd0..=0xd7, _) => after,
            (_, [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                after.get(length.max(2)..).unwrap_or_default()
            }
            _ => return false,
        };
    }
    // Not the shape of a JPEG: the decoder has the better words for it.
    !rest.is_empty()
}

fn format_name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        _ => "image",
    }
}

fn explain(error: image::ImageError, format: &str) -> PhotoError {
    use image::ImageError;
    match error {
        ImageError::Limits(_) => PhotoError::TooMuchMemory { format: format.into() },
        ImageError::Unsupported(e) => {
            PhotoError::Unsupported { format: format!("this kind of {format} ({e})") }
        }
        other => PhotoError::Damaged { format: format.into(), reason: other.to_string() },
    }
}

/// Drops the alpha channel by laying the picture on white.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (from, to) in rgba.pixels().zip(rgb.pixels_mut()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            let blended = u32::from(from[channel]) * alpha + 255 * (255 - alpha);
            to[channel] = ((blended + 127) / 255) as u8;
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_jpeg_is_kept_and_anything_else_written_anew() {
        let rgb = RgbImage::from_fn(120, 80, |x, y| image::Rgb([x as u8 * 2, y as u8 * 3, 90]));
        let jpeg = Photo::from_rgb(rgb.clone()).unwrap().to_jpeg(120, 80).unwrap();
        let secret = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0 where it was taken";
        let segment = [&[0xff, 0xe1, 0, secret.len() as u8 + 2], &secret[..]].concat();
        let file = [&jpeg[..2], &segment, &jpeg[2..], b"<script>"].concat();
        let kept = |file: &[u8], side| {
            let photo = Photo::decode(file, &Limits::default()).unwrap();
            photo.kept(file, side, 60).unwrap()
        };
        let bare = kept(&file, 120);
        assert_eq!(bare, kept(&jpeg, 120));
        assert!(!bare.windows(5).any(|w| w == &secret[20..25]) && bare.ends_with(&[0xff, 0xd9]));
        let pixels = |file: &[u8]| Photo::decode(file, &Limits::default()).unwrap().rgb;
        assert_eq!(pixels(&bare), pixels(&jpeg));

        let scaled = pixels(&kept(&file, 60));
        assert_eq!(scaled.dimensions(), (60, 40));
        let mut turned = secret.to_vec();
        turned[6..].fill(0);
        turned[6..28].copy_from_slice(&[
            0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0,
        ]);
        let segment = [&[0xff, 0xe1, 0, turned.len() as u8 + 2], &turned[..]].concat();
        let file = [&jpeg[..2], &segment, &jpeg[2..]].concat();
        assert_eq!(pixels(&kept(&file, 120)).dimensions(), (80, 120));
        let noise = RgbImage::from_fn(120, 80, |x, y| {
            let n = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761) >> 16;
            image::Rgb([n as u8, (n >> 3) as u8, (n >> 5) as u8])
        });
        let large = Photo::from_rgb(noise).unwrap().to_jpeg(120, 98).unwrap();
        assert!(large.len() > 120 * 80 / 2 && kept(&large, 120).len() < large.len());
        let mut png = Cursor::new(Vec::new());
        rgb.write_to(&mut png, ImageFormat::Png).unwrap();
        let anew = Photo::from_rgb(rgb).unwrap().to_jpeg(120, 60).unwrap();
        assert_eq!(kept(png.get_ref(), 120), anew);
    }

    #[test]
    fn a_picture_shrinks_as_far_as_it_may_and_evenly() {
        let clip = Detail { short: 448, long: 0 };
        assert_eq!(clip.shrink(4000, 3000), Some(4));
        assert_eq!(clip.shrink(3024, 4032), Some(4));
        assert_eq!(clip.shrink(8000, 6000), Some(8));
        assert_eq!(clip.shrink(1024, 768), None);
        assert_eq!(clip.shrink(1200, 1002), Some(2));
        assert_eq!(clip.shrink(1200, 1001), None);
        assert_eq!(clip.shrink(1200, 897), None);
        assert_eq!(clip.and(Detail::picture(1024)).shrink(4000, 3000), Some(4));
        assert_eq!(clip.and(Detail::picture(1024)).shrink(3000, 2000), Some(2));
        assert_eq!(Detail::FULL.shrink(65_535, 65_535), None);
    }
}
