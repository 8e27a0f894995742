//! A JPEG down to its picture: no EXIF, place, preview, colour profile or comment, and nothing behind
//! its end. The picture's own bytes stay as they are, so nothing is lost and nothing is encoded again.
//!
//! Only what every program shows alike is taken: baseline, one scan, grey or YCbCr (ITU T.81, annex B;
//! JFIF 1.02). Anything else is `None`, and is written anew from its pixels.

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const QUANTISATION: u8 = 0xdb;
const RESTARTS: u8 = 0xdd;
const HUFFMAN: u8 = 0xc4;
const BASELINE: u8 = 0xc0;
const JFIF: u8 = 0xe0;
const ADOBE: u8 = 0xee;
/// A whole JFIF segment: version 1.1, square pixels, no preview.
const HEADER: [u8; 18] = *b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";

/// The file without all that is not its picture.
pub(super) fn bare(file: &[u8]) -> Option<Vec<u8>> {
    let mut rest = file.strip_prefix(&[0xff, START])?;
    let mut out = Vec::with_capacity(file.len() + HEADER.len());
    out.extend_from_slice(&[0xff, START]);
    out.extend_from_slice(&HEADER);
    let (mut components, mut declared) = (None, false);
    loop {
        let [0xff, marker, high, low, ..] = *rest else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (segment, after) = rest.split_at_checked(length.checked_add(2)?)?;
        let body = segment.get(4..)?;
        rest = after;
        match marker {
            BASELINE if components.is_none() => components = Some(*body.get(5)?),
            QUANTISATION | HUFFMAN | RESTARTS => {}
            JFIF => {
                declared |= body.starts_with(b"JFIF\0");
                continue;
            }
            ADOBE if body.starts_with(b"Adobe") => {
                if body.get(11) != Some(&1) {
                    return None;
                }
                declared = true;
                continue;
            }
            0xe1..=0xef | 0xfe => continue,
            SCAN => {
                // What does not say what its colours are may be taken for RGB by some.
                let clear = matches!(components?, 1) || components? == 3 && declared;
                if !clear || body.first() != components.as_ref() {
                    return None;
                }
                out.extend_from_slice(segment);
                out.extend_from_slice(scan(rest)?);
                return Some(out);
            }
            _ => return None,
        }
        out.extend_from_slice(segment);
    }
}

/// The picture's data with its end marker, up to which no marker but restarts may come.
fn scan(data: &[u8]) -> Option<&[u8]> {
    for at in memchr::memchr_iter(0xff, data) {
        match data.get(at + 1)? {
            0 | 0xd0..=0xd7 => {}
            &END => return data.get(..at + 2),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::Photo;

    /// A JPEG as jpeg-encoder writes it, with its JFIF segment.
    fn file() -> Vec<u8> {
        let rgb = image::RgbImage::from_fn(40, 24, |x, y| image::Rgb([x as u8 * 6, y as u8, 90]));
        Photo::from_rgb(rgb).unwrap().to_jpeg(40, 80).unwrap()
    }

    fn with(marker: u8, body: &[u8]) -> Vec<u8> {
        let file = file();
        let length = (body.len() as u16 + 2).to_be_bytes();
        [&file[..2], &[0xff, marker], &length, body, &file[2..]].concat()
    }

    #[test]
    fn what_is_not_the_picture_is_left_out() {
        let plain = bare(&file()).unwrap();
        for (marker, body) in [
            (0xe1, &b"Exif\0\0 here: 48.1, 11.5"[..]),
            (0xfe, b"a comment"),
            (0xe2, b"ICC_PROFILE"),
        ] {
            let file = [with(marker, body), b"<script>and more</script>".to_vec()].concat();
            assert_eq!(bare(&file).unwrap(), plain, "{marker:x}");
        }
        assert_eq!(bare(&plain).unwrap(), plain);
        let pixels = |jpeg: &[u8]| image::load_from_memory(jpeg).unwrap().into_rgb8();
        assert_eq!(pixels(&plain), pixels(&file()));
    }

    #[test]
    fn what_programs_show_in_different_ways_is_not_taken() {
        let no_transform = [&b"Adobe"[..], &[0, 100, 0, 0, 0, 0, 0]].concat();
        assert!(bare(&with(0xee, &no_transform)).is_none());
        let file = file();
        let at = file.windows(2).position(|pair| pair == [0xff, JFIF]).unwrap();
        let length = 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        let undeclared = [&file[..at], &file[at + length..]].concat();
        assert!(bare(&undeclared).is_none());
        let baseline = file.windows(2).position(|pair| pair == [0xff, BASELINE]).unwrap();
        for other in [0xc1, 0xc2, 0xc9] {
            let mut file = file.clone();
            file[baseline + 1] = other;
            assert!(bare(&file).is_none(), "{other:x}");
        }
    }

    #[test]
    fn what_is_cut_or_damaged_is_not_taken() {
        let file = file();
        for length in 0..file.len() {
            assert!(bare(&file[..length]).is_none(), "{length}");
        }
        let mut marked = file.clone();
        let end = file.len() - 4;
        marked[end..end + 2].copy_from_slice(&[0xff, 0xc4]);
        assert!(bare(&marked).is_none());
    }
}
