//! Camera JPEGs at a half, a quarter or an eighth of their size.
//!
//! A JPEG holds each 8 × 8 block as frequencies, and a small picture needs only the low ones:
//! the others are stepped over, several at a time, without being looked at. That is where the
//! time goes, since every bit must be read to find the next block.
//!
//! Only what cameras write is read here: 8 bits, Huffman codes, one scan, grey or YCbCr.
//! Anything else, and anything that looks damaged, is `None` and left to the full decoder, which
//! has the last word on what is a picture. No input makes this code panic or allocate more
//! than the reduced picture, its planes and a copy of the file.

use image::RgbImage;

use super::huffman::{Bits, Table};

/// The scales there are, smallest picture first.
pub(super) const SHRINKS: [u32; 3] = [8, 4, 2];

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const QUANTISATION: u8 = 0xdb;
const RESTARTS: u8 = 0xdd;
const HUFFMAN: u8 = 0xc4;
const BASELINE: u8 = 0xc0;
const EXTENDED: u8 = 0xc1;
const ADOBE: u8 = 0xee;
const FIRST_RESTART: u8 = 0xd0;

/// From a coefficient's place in the file to `8 × row + column`.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Samples along one side of a reduced block, at most.
const MOST: usize = 4;

/// Decodes at `1 / shrink` of the size, rounded up; `None` for what is not read here.
pub(super) fn decode(bytes: &[u8], shrink: u32) -> Option<RgbImage> {
    let (frame, scan) = Frame::parse(bytes)?;
    let parts = Intervals::unstuff(scan)?;
    let mut planes = frame.planes(shrink)?;
    read(&frame, &parts, &mut planes)?;
    Some(frame.assemble(&planes, shrink))
}

/// What the segments before the scan say.
struct Frame {
    width: usize,
    height: usize,
    components: Vec<Component>,
    /// MCUs between restart markers, 0 for none.
    interval: usize,
}

struct Component {
    id: u8,
    /// Blocks of an MCU along each side.
    across: usize,
    down: usize,
    quantisation: [u16; 64],
    tables: Option<(Table, Table)>,
}

/// The tables by number; they may be defined anew before the scan, and the last one counts.
#[derive(Default)]
struct Tables {
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
}

impl Frame {
    /// Reads up to the scan's data, which is returned with all that follows.
    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = bytes.strip_prefix(&[0xff, START])?;
        let mut tables = Tables::default();
        let mut header: Option<&[u8]> = None;
        let mut interval = 0;
        loop {
            let [0xff, marker, high, low, ..] = *rest else { return None };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let body = rest.get(4..length.checked_add(2)?)?;
            rest = rest.get(length + 2..)?;
            match marker {
                QUANTISATION => tables.quantise(body)?,
                HUFFMAN => tables.huffman(body)?,
                BASELINE | EXTENDED if header.is_none() => header = Some(body),
                RESTARTS => interval = usize::from(u16::from_be_bytes(body.try_into().ok()?)),
                // Not YCbCr: transformed otherwise, or not at all.
                ADOBE if body.starts_with(b"Adobe") && body.get(11) != Some(&1) => return None,
                SCAN => {
                    let mut frame = Self::new(header?, &tables, interval)?;
                    frame.choose(body, tables)?;
                    return Some((frame, rest));
                }
                // What applications add, and comments.
                0xe0..=0xef | 0xfe => {}
                _ => return None,
            }
        }
    }

    fn new(body: &[u8], tables: &Tables, interval: usize) -> Option<Self> {
        let [8, h1, h0, w1, w0, count, parts @ ..] = body else { return None };
        let side = |high: &u8, low: &u8| usize::from(u16::from_be_bytes([*high, *low]));
        let (width, height) = (side(w1, w0), side(h1, h0));
        if width == 0 || height == 0 || parts.len() != 3 * usize::from(*count) {
            return None;
        }
        let mut components = Vec::new();
        for part in parts.chunks_exact(3) {
            let [id, sampling, table] = *part else { return None };
            let (across, down) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            let quantisation = *tables.quantisation.get(usize::from(table))?.as_ref()?;
            components.push(Component { id, across, down, quantisation, tables: None });
        }
        match components.as_mut_slice() {
            // A scan of one component goes block by block, whatever its sampling says.
            [grey] => (grey.across, grey.down) = (1, 1),
            [y, cb, cr] => {
                let fits = |c: &Component| (c.across, c.down) == (1, 1);
                let known = (1..=2).contains(&y.across) && (1..=2).contains(&y.down);
                if !known || !fits(cb) || !fits(cr) || [y.id, cb.id, cr.id] == *b"RGB" {
                    return None;
                }
            }
            _ => return None,
        }
        Some(Self { width, height, components, interval })
    }

    /// Gives the components the Huffman tables that the scan's header names.
    fn choose(&mut self, body: &[u8], tables: Tables) -> Option<()> {
        let (count, rest) = body.split_first()?;
        let (chosen, spectral) = rest.split_at_checked(2 * self.components.len())?;
        if usize::from(*count) != self.components.len() || spectral != [0, 63, 0] {
            return None;
        }
        for (component, part) in self.components.iter_mut().zip(chosen.chunks_exact(2)) {
            let [id, numbers] = *part else { return None };
            if id != component.id {
                return None;
            }
            let dc = tables.dc.get(usize::from(numbers >> 4))?.clone()?;
            let ac = tables.ac.get(usize::from(numbers & 15))?.clone()?;
            component.tables = Some((dc, ac));
        }
        Some(())
    }

    /// MCUs along each side.
    fn mcus(&self) -> Option<(usize, usize)> {
        let largest = self.components.first()?;
        Some((self.width.div_ceil(8 * largest.across), self.height.div_ceil(8 * largest.down)))
    }

    fn planes(&self, shrink: u32) -> Option<Vec<Plane>> {
        let largest = self.components.first()?;
        let (mcus_across, mcus_down) = self.mcus()?;
        let side = 8 / shrink as usize;
        self.components
            .iter()
            .map(|c| {
                // Colours that the file holds at half the size need not be shrunk as far.
                let wide = (side * largest.across / c.across).min(MOST);
                let high = (side * largest.down / c.down).min(MOST);
                let width = mcus_across * c.across * wide;
                Some(Plane {
                    block: Block::new(wide, high, &c.quantisation),
                    width,
                    samples: vec![0; width * mcus_down * c.down * high],
                })
            })
            .collect()
    }

    fn assemble(&self, planes: &[Plane], shrink: u32) -> RgbImage {
        let shrink = shrink as usize;
        let (width, height) = (self.width.div_ceil(shrink), self.height.div_ceil(shrink));
        let mut out = RgbImage::new(width as u32, height as u32);
        let rows = out.chunks_exact_mut(3 * width).enumerate();
        match planes {
            [y, cb, cr] => {
                let (across, down) = (y.width / cb.width, y.samples.len() / y.width * cb.width);
                let down = down / cb.samples.len();
                let mut wide = [vec![0u8; y.width], vec![0u8; y.width]];
                for (n, row) in rows {
                    for (plane, wide) in [cb, cr].into_iter().zip(&mut wide) {
                        plane.widen(n / down, across, wide);
                    }
                    colour(row, y.row(n), &wide[0], &wide[1]);
                }
            }
            [grey, ..] => {
                for (n, row) in rows {
                    for (to, from) in row.chunks_exact_mut(3).zip(grey.row(n)) {
                        to.fill(*from);
                    }
                }
            }
            [] => {}
        }
        out
    }
}

impl Tables {
    fn quantise(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((head, rest)) = body.split_first() {
            let bytes = match head >> 4 {
                0 => 1,
                1 => 2,
                _ => return None,
            };
            let (values, after) = rest.split_at_checked(64 * bytes)?;
            let mut table = [0; 64];
            for (to, from) in table.iter_mut().zip(values.chunks_exact(bytes)) {
                *to = from.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte));
            }
            *self.quantisation.get_mut(usize::from(head & 15))? = Some(table);
            body = after;
        }
        Some(())
    }

    fn huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((head, rest)) = body.split_first() {
            let (lengths, rest) = rest.split_first_chunk::<16>()?;
            let count = lengths.iter().map(|n| usize::from(*n)).sum();
            let (symbols, after) = rest.split_at_checked(count)?;
            let tables = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(head & 15))? = Some(Table::new(lengths, symbols)?);
            body = after;
        }
        Some(())
    }
}

/// The scan's data without stuffing, cut at its restart markers.
struct Intervals {
    data: Vec<u8>,
    /// Where each interval ends in `data`.
    ends: Vec<usize>,
}

impl Intervals {
    fn unstuff(scan: &[u8]) -> Option<Self> {
        let mut data = Vec::with_capacity(scan.len() + Bits::PADDING);
        let mut ends = Vec::new();
        let mut rest = scan;
        loop {
            let at = memchr::memchr(0xff, rest)?;
            let (plain, marker) = rest.split_at(at);
            data.extend_from_slice(plain);
            rest = marker.get(2..)?;
            match marker.get(1)? {
                0 => data.push(0xff),
                &END => break,
                &restart if restart == FIRST_RESTART + (ends.len() % 8) as u8 => {
                    ends.push(data.len());
                }
                _ => return None,
            }
        }
        ends.push(data.len());
        data.resize(data.len() + Bits::PADDING, 0);
        Some(Self { data, ends })
    }
}

/// One component of the reduced picture.
struct Plane {
    block: Block,
    width: usize,
    samples: Vec<u8>,
}

impl Plane {
    fn row(&self, n: usize) -> &[u8] {
        self.samples.get(n * self.width..(n + 1) * self.width).unwrap_or_default()
    }

    /// A row with each sample repeated.
    fn widen(&self, n: usize, times: usize, out: &mut [u8]) {
        let row = self.row(n);
        if times == 1 {
            out.copy_from_slice(row);
            return;
        }
        for (to, from) in out.chunks_exact_mut(times).zip(row) {
            to.fill(*from);
        }
    }
}

/// How a block of one component becomes `wide` × `high` samples.
struct Block {
    wide: usize,
    high: usize,
    /// The last place in the file that holds a frequency which is needed.
    last: usize,
    /// From a place in the file to `MOST × row + column`, or beyond for what is not needed.
    places: [u8; 64],
    /// Of each frequency that is kept, by `MOST × row + column`.
    weights: [f32; MOST * MOST],
    /// `[sample][frequency]`, along and down.
    along: [[f32; MOST]; MOST],
    down: [[f32; MOST]; MOST],
}

impl Block {
    const UNUSED: u8 = (MOST * MOST) as u8;

    fn new(wide: usize, high: usize, quantisation: &[u16; 64]) -> Self {
        let mut block = Self {
            wide,
            high,
            last: 0,
            places: [Self::UNUSED; 64],
            weights: [0.0; MOST * MOST],
            along: basis(wide),
            down: basis(high),
        };
        for (at, (natural, step)) in ZIGZAG.iter().zip(quantisation).enumerate() {
            let (row, column) = (usize::from(natural / 8), usize::from(natural % 8));
            if row < high && column < wide {
                let place = MOST * row + column;
                block.last = at;
                block.places[at] = place as u8;
                block.weights[place] = f32::from(*step);
            }
        }
        block
    }

    /// Reads one block and writes its samples; `out` begins at its upper left corner.
    fn decode(
        &self,
        bits: &mut Bits<'_>,
        (dc, ac): &(Table, Table),
        base: &mut i32,
        out: &mut [u8],
        stride: usize,
    ) -> Option<()> {
        let mut kept = [0i32; MOST * MOST];
        *base = base.wrapping_add(bits.difference(dc)?);
        kept[0] = *base;
        bits.frequencies(ac, self.last, |at, value| {
            if let Some(place) =
                self.places.get(at).and_then(|place| kept.get_mut(usize::from(*place)))
            {
                *place = value;
            }
        })?;
        match (self.wide, self.high) {
            (1, 1) => *out.first_mut()? = sample(kept[0] as f32 * self.weights[0] * 0.125),
            (2, 2) => self.two(&kept, out.get_mut(..stride + 2)?, stride),
            _ => self.any(&kept, out, stride)?,
        }
        Some(())
    }

    fn two(&self, kept: &[i32; MOST * MOST], out: &mut [u8], stride: usize) {
        let of = |place: usize, weight: f32| kept[place] as f32 * self.weights[place] * weight;
        let (c, k) = (self.along[0][0], self.along[0][1]);
        let (mean, across) = (of(0, c * c), of(1, c * k));
        let (down, both) = (of(MOST, c * k), of(MOST + 1, k * k));
        out[0] = sample(mean + across + down + both);
        out[1] = sample(mean - across + down - both);
        out[stride] = sample(mean + across - down - both);
        out[stride + 1] = sample(mean - across - down + both);
    }

    fn any(&self, kept: &[i32; MOST * MOST], out: &mut [u8], stride: usize) -> Option<()> {
        if kept[1..].iter().all(|value| *value == 0) {
            let flat = sample(kept[0] as f32 * self.weights[0] * 0.125);
            for row in out.chunks_mut(stride).take(self.high) {
                // The usual width is written at once.
                match row.first_chunk_mut() {
                    Some(four) if self.wide == MOST => *four = [flat; MOST],
                    _ => row.get_mut(..self.wide)?.fill(flat),
                }
            }
            return Some(());
        }
        let mut half = [[0f32; MOST]; MOST];
        for (row, half) in half.iter_mut().enumerate().take(self.high) {
            for column in 0..MOST {
                let place = MOST * row + column;
                let value = kept[place] as f32 * self.weights[place];
                for (sample, sum) in half.iter_mut().enumerate() {
                    *sum += value * self.along[sample][column];
                }
            }
        }
        for (row, out) in out.chunks_mut(stride).enumerate().take(self.high) {
            let mut sums = [0f32; MOST];
            for (half, weight) in half.iter().zip(&self.down[row]) {
                for (sum, value) in sums.iter_mut().zip(half) {
                    *sum += value * weight;
                }
            }
            for (to, sum) in out.get_mut(..self.wide)?.iter_mut().zip(sums) {
                *to = sample(sum);
            }
        }
        Some(())
    }
}

/// `[sample][frequency]` of the inverse transform where each sample is the mean of `8 / side`
/// full-size ones (ITU T.81, A.3.3), over the `side` lowest frequencies.
fn basis(side: usize) -> [[f32; MOST]; MOST] {
    let mut basis = [[0.0; MOST]; MOST];
    let group = 8 / side.max(1);
    for (sample, row) in basis.iter_mut().enumerate().take(side) {
        for (frequency, weight) in row.iter_mut().enumerate().take(side) {
            let norm = if frequency == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
            let sum: f64 = (sample * group..(sample + 1) * group)
                .map(|x| {
                    ((2 * x + 1) as f64 * frequency as f64 * std::f64::consts::PI / 16.0).cos()
                })
                .sum();
            *weight = (0.5 * norm * sum / group as f64) as f32;
        }
    }
    basis
}

/// A value around zero as a grey level.
fn sample(value: f32) -> u8 {
    // The cast saturates.
    (value + 128.5) as u8
}

/// Decodes the scan into the planes.
fn read(frame: &Frame, parts: &Intervals, planes: &mut [Plane]) -> Option<()> {
    let (across, down) = frame.mcus()?;
    let total = across * down;
    let interval = if frame.interval == 0 { total } else { frame.interval };
    if parts.ends.len() != total.div_ceil(interval) {
        return None;
    }
    let mut begin = 0;
    for (n, end) in parts.ends.iter().enumerate() {
        let mut bits = Bits::new(parts.data.get(begin..)?, end - begin);
        begin = *end;
        let mut bases = [0i32; 3];
        for mcu in n * interval..((n + 1) * interval).min(total) {
            let (column, row) = (mcu % across, mcu / across);
            for ((component, plane), base) in
                frame.components.iter().zip(&mut *planes).zip(&mut bases)
            {
                let tables = component.tables.as_ref()?;
                let Plane { block, width, samples } = plane;
                for y in 0..component.down {
                    for x in 0..component.across {
                        let top = (row * component.down + y) * block.high;
                        let left = (column * component.across + x) * block.wide;
                        let out = samples.get_mut(top * *width + left..)?;
                        block.decode(&mut bits, tables, base, out, *width)?;
                    }
                }
            }
            if bits.overrun() {
                return None;
            }
        }
    }
    Some(())
}

/// A row of YCbCr as RGB (JFIF 1.02), in 16-bit fixed point.
fn colour(out: &mut [u8], luma: &[u8], blue: &[u8], red: &[u8]) {
    const fn fixed(x: f64) -> i32 {
        (x * 65536.0 + 0.5) as i32
    }
    const HALF: i32 = 1 << 15;
    let level = |value: i32| (value >> 16).clamp(0, 255) as u8;
    for (((to, y), cb), cr) in out.chunks_exact_mut(3).zip(luma).zip(blue).zip(red) {
        let y = (i32::from(*y) << 16) + HALF;
        let (cb, cr) = (i32::from(*cb) - 128, i32::from(*cr) - 128);
        to[0] = level(y + fixed(1.402) * cr);
        to[1] = level(y - fixed(0.344_136_286) * cb - fixed(0.714_136_286) * cr);
        to[2] = level(y + fixed(1.772) * cb);
    }
}
