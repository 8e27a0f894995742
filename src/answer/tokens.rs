//! How long a prompt is, in tokens: text by GPT-4o's own vocabulary, pictures by the rule of their
//! `detail`. Other models count a little otherwise, which a budget can bear.

use std::io::Cursor;
use std::sync::OnceLock;

use tiktoken::CoreBpe;

use crate::config::Detail;

/// Tokens around each message besides its text.
pub(super) const MESSAGE: usize = 4;
/// A picture at low detail, and what one at high detail costs besides its tiles.
const LOW: usize = 85;
const TILE: usize = 170;
/// At high detail a picture is scaled into this square,
const SQUARE: f64 = 2048.0;
/// its shorter side then to this,
const SHORT: f64 = 768.0;
/// and cut into tiles of this side.
const SIDE: f64 = 512.0;

static VOCABULARY: OnceLock<CoreBpe> = OnceLock::new();

fn vocabulary() -> &'static CoreBpe {
    VOCABULARY.get_or_init(tiktoken::encoding::o200k_base)
}

/// Loads the vocabulary, which takes a fifth of a second, beside whatever else is starting.
pub(super) fn prepare() {
    std::thread::spawn(|| {
        vocabulary();
    });
}

/// Tokens of a text.
pub(super) fn text(text: &str) -> usize {
    vocabulary().count(text)
}

/// Tokens of a picture (OpenAI, "Images and vision", the rule of the GPT-4o family). One that cannot
/// be read counts as large.
pub(super) fn picture(jpeg: &[u8], detail: Detail) -> usize {
    if detail == Detail::Low {
        return LOW;
    }
    let size = image::ImageReader::new(Cursor::new(jpeg)).with_guessed_format().ok();
    let (width, height) = size.and_then(|r| r.into_dimensions().ok()).unwrap_or((1024, 1024));
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let fit = (SQUARE / width.max(height)).min(1.0);
    let fit = fit * (SHORT / (width.min(height) * fit)).min(1.0);
    let tiles = (width * fit / SIDE).ceil() * (height * fit / SIDE).ceil();
    LOW + TILE * tiles as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_count_as_gpt_4o_counts_them() {
        for (words, count) in
            [("", 0), ("hello world", 2), ("Der Wasserkocher fasst 1,7 Liter.", 12)]
        {
            assert_eq!(text(words), count, "{words}");
        }
    }

    #[test]
    fn pictures_count_by_their_tiles() {
        let jpeg = |width, height| {
            let mut bytes = Cursor::new(Vec::new());
            let picture = image::RgbImage::new(width, height);
            picture.write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
            bytes.into_inner()
        };
        for (width, height, tokens) in
            [(1024, 1024, 765), (2048, 4096, 1105), (96, 72, 255), (1024, 768, 765)]
        {
            assert_eq!(picture(&jpeg(width, height), Detail::Auto), tokens, "{width} x {height}");
            assert_eq!(picture(&jpeg(width, height), Detail::Low), 85);
        }
        assert_eq!(picture(b"no picture", Detail::High), 765);
    }
}
