//! Products in 8 bits: weights with a scale per output, activations with one per row, found as
//! they come; sums in 32-bit integers.
//!
//! Weights are packed into panels of [`PANEL`] outputs in groups of four inputs, as the VNNI
//! instruction takes them. It multiplies unsigned with signed bytes, so activations are stored 128
//! too high, and every output starts from what takes that away again.

#![expect(clippy::needless_range_loop, reason = "a block's sums are named by row and column")]

use std::ops::{Deref, Range};
use std::sync::Arc;

use memmap2::Mmap;
use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::Level;
use super::{Isa, for_each_isa};
use crate::clip::weights::huge_pages;

/// The largest magnitude.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = if v.abs() > *lane { v.abs() } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(0f32, |a, b| a.max(b.abs()))
}

/// The nearest integer, in the low bits at least, of a small number.
#[inline(always)]
fn rounded(x: f32) -> i32 {
    // Adding 1.5 × 2²³ leaves it in the lowest bits.
    (x + 12_582_912.0).to_bits() as i32 - 0x4b40_0000
}

/// Outputs that lie together.
pub(super) const PANEL: usize = 16;
/// Inputs that lie together.
const GROUP: usize = 4;
const OFFSET: i32 = 128;

/// Where codes lie.
enum Store {
    Own(Vec<i8>),
    /// Among others', in huge pages.
    Shared(Arc<Mmap>, Range<usize>),
}

impl Deref for Store {
    type Target = [i8];

    fn deref(&self) -> &[i8] {
        match self {
            Self::Own(codes) => codes,
            Self::Shared(all, range) => bytemuck::cast_slice(&all[range.clone()]),
        }
    }
}

/// Moves the codes of matrices that are read one after the other into the same huge pages, where the
/// system has such. A pass walks over all of them, and with small pages looks up one for every 4 KiB.
pub(super) fn gather(all: &mut [&mut Packed]) {
    /// Of a cache line.
    const LINE: usize = 64;
    let mut ends = Vec::with_capacity(all.len());
    let mut length = 0usize;
    for packed in all.iter() {
        let begin = length.next_multiple_of(LINE);
        length = begin + packed.codes.len();
        ends.push(begin..length);
    }
    let Some(mut pages) = huge_pages(length) else { return };
    for (packed, range) in all.iter().zip(&ends) {
        pages[range.clone()].copy_from_slice(bytemuck::cast_slice(&packed.codes));
    }
    let Ok(pages) = pages.make_read_only().map(Arc::new) else { return };
    for (packed, range) in all.iter_mut().zip(ends) {
        packed.codes = Store::Shared(Arc::clone(&pages), range);
    }
}

/// A dense layer's weights in 8 bits.
pub(in crate::clip) struct Packed {
    /// `[panels, groups, PANEL, GROUP]`; what is beyond the matrix is zero.
    codes: Store,
    /// Of each output in `codes`.
    scales: Vec<f32>,
    /// `-OFFSET × Σ codes` of each.
    starts: Vec<i32>,
    groups: usize,
    /// Outputs whose panels begin anew, such as a head's.
    block: usize,
}

impl Packed {
    /// Packs `[outputs, inputs]` so that panels begin at every multiple of `block` outputs.
    pub(super) fn new(weight: &[f32], inputs: usize, block: usize) -> Self {
        let outputs = weight.len() / inputs;
        let per_block = block.div_ceil(PANEL);
        let (panels, groups) = (outputs / block * per_block, inputs.div_ceil(GROUP));
        let mut codes = vec![0i8; panels * groups * PANEL * GROUP];
        let mut scales = vec![0f32; panels * PANEL];
        let mut starts = vec![0i32; panels * PANEL];
        codes
            .par_chunks_exact_mut(groups * PANEL * GROUP)
            .zip(scales.par_chunks_exact_mut(PANEL))
            .zip(starts.par_chunks_exact_mut(PANEL))
            .enumerate()
            .for_each(|(panel, ((codes, scales), starts))| {
                let first = panel % per_block * PANEL;
                let count = PANEL.min(block - first);
                let at = panel / per_block * block + first;
                let mut line = vec![0i8; groups * GROUP];
                for (lane, row) in
                    weight[at * inputs..(at + count) * inputs].chunks_exact(inputs).enumerate()
                {
                    let top = largest(row);
                    scales[lane] = top / 127.0;
                    let inverse = if top > 0.0 { 127.0 / top } else { 0.0 };
                    for (code, w) in line.iter_mut().zip(row) {
                        *code = rounded(w * inverse) as i8;
                    }
                    let sum: i32 = line.iter().map(|code| i32::from(*code)).sum();
                    for (group, four) in line.as_chunks::<GROUP>().0.iter().enumerate() {
                        codes[(group * PANEL + lane) * GROUP..][..GROUP].copy_from_slice(four);
                    }
                    starts[lane] = -OFFSET * sum;
                }
            });
        Self { codes: Store::Own(codes), scales, starts, groups, block }
    }

    /// The panel in which output `col` stands, and its place there.
    fn place(&self, col: usize) -> (usize, usize) {
        let per_block = self.block.div_ceil(PANEL);
        let within = col % self.block;
        (col / self.block * per_block + within / PANEL, within % PANEL)
    }

    /// Rows `rows` of `a` with the outputs `cols`, which begin a panel and end within its block.
    pub(super) fn product(
        &self,
        isa: Isa,
        a: &Codes,
        rows: Range<usize>,
        cols: Range<usize>,
        out: &mut [f32],
    ) {
        let (width, height) = (cols.len(), rows.len());
        assert!(a.groups == self.groups && rows.end <= a.scales.len() && width > 0);
        assert!(out.len() >= width * height);
        let (first, lane) = self.place(cols.start);
        assert_eq!(lane, 0, "a tile begins a panel");
        let size = self.groups * PANEL * GROUP;
        let panels = width.div_ceil(PANEL);
        let codes = &self.codes[first * size..(first + panels) * size];
        let scales = &self.scales[first * PANEL..(first + panels) * PANEL];
        let starts = &self.starts[first * PANEL..(first + panels) * PANEL];
        let stride = a.groups * GROUP;
        let values = &a.values[rows.start * stride..rows.end * stride];
        let job = Job {
            codes,
            scales,
            starts,
            values,
            tops: &a.scales[rows],
            groups: self.groups,
            width,
        };
        #[cfg(target_arch = "x86_64")]
        if isa.vnni() {
            // SAFETY: `vnni` says that the processor has the instructions; the slices are as
            // long as `Job` says, by the lines above.
            return unsafe { vnni::product(&job, out) };
        }
        plain(isa, &job, out);
    }
}

/// A product's operands: `panels` whole panels and `tops.len()` rows of `groups` × [`GROUP`].
pub(in crate::clip) struct Job<'a> {
    codes: &'a [i8],
    scales: &'a [f32],
    starts: &'a [i32],
    values: &'a [u8],
    tops: &'a [f32],
    groups: usize,
    /// Outputs, at most as many as the panels hold.
    width: usize,
}

/// Rows of activations in 8 bits.
#[derive(Default)]
pub(super) struct Codes {
    values: Vec<u8>,
    scales: Vec<f32>,
    groups: usize,
}

impl Codes {
    /// Takes `count` rows, each `row(i)` long as `width`.
    pub(super) fn take<'a>(
        &mut self,
        isa: Isa,
        count: usize,
        width: usize,
        row: impl Fn(usize) -> &'a [f32] + Sync,
    ) {
        self.groups = width.div_ceil(GROUP);
        let stride = self.groups * GROUP;
        self.values.resize(count * stride, OFFSET as u8);
        self.scales.resize(count, 0.0);
        self.values
            .par_chunks_exact_mut(stride)
            .zip(&mut self.scales)
            .with_min_len(16)
            .enumerate()
            .for_each(|(i, (codes, scale))| quantise(isa, row(i), codes, scale));
    }
}

#[inline(always)]
fn quantise_body(row: &[f32], codes: &mut [u8], scale: &mut f32) {
    let top = largest(row);
    *scale = top / 127.0;
    let inverse = if top > 0.0 { 127.0 / top } else { 0.0 };
    for (code, v) in codes.iter_mut().zip(row) {
        *code = (rounded(v * inverse) + OFFSET) as u8;
    }
    codes[row.len()..].fill(OFFSET as u8);
}

for_each_isa! {
    /// One row to 8 bits and its scale.
    fn quantise(row: &[f32], codes: &mut [u8], scale: &mut f32) = quantise_body
}

#[inline(always)]
fn plain_body(job: &Job, out: &mut [f32]) {
    let size = job.groups * PANEL * GROUP;
    for (row, (values, top)) in
        job.values.chunks_exact(job.groups * GROUP).zip(job.tops).enumerate()
    {
        for (panel, codes) in job.codes.chunks_exact(size).enumerate() {
            let at = panel * PANEL;
            let mut sums = [0i32; PANEL];
            sums.copy_from_slice(&job.starts[at..at + PANEL]);
            for (x, codes) in
                values.as_chunks::<GROUP>().0.iter().zip(codes.as_chunks::<{ PANEL * GROUP }>().0)
            {
                for (lane, sum) in sums.iter_mut().enumerate() {
                    for i in 0..GROUP {
                        *sum += i32::from(x[i]) * i32::from(codes[lane * GROUP + i]);
                    }
                }
            }
            let end = (at + PANEL).min(job.width);
            let to = &mut out[row * job.width..][at..end];
            for (lane, to) in to.iter_mut().enumerate() {
                *to = sums[lane] as f32 * (top * job.scales[at + lane]);
            }
        }
    }
}

for_each_isa! {
    /// Without instructions for bytes.
    fn plain(job: &Job, out: &mut [f32]) = plain_body
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    use std::arch::x86_64::*;

    use super::{GROUP, Job, PANEL};
    use crate::clip::kernel::dense::blocks;

    const TALL: usize = 6;
    /// Bytes of a cache line.
    const LINE: usize = 64;

    /// # Safety
    /// AVX-512 with VNNI; `job`'s slices as long as it says, `out` for every row and output.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    pub(super) unsafe fn product(job: &Job, out: &mut [f32]) {
        let panels = job.width.div_ceil(PANEL);
        let size = job.groups * PANEL * GROUP;
        let mut panel = 0;
        while panel < panels {
            let wide = match panels - panel {
                1 => 1,
                2 | 3 => 2,
                _ => 4,
            };
            // The next weights come from further away than a block takes to compute: each block asks
            // for its share of them. They may lie in the next tile, or nowhere.
            let ahead = (4 * size).div_ceil(LINE).div_ceil(job.tops.len().div_ceil(TALL));
            let mut next = job.codes.as_ptr().wrapping_add((panel + wide) * size);
            for (row, height) in blocks(job.tops.len(), TALL) {
                for line in 0..ahead {
                    _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(line * LINE));
                }
                next = next.wrapping_add(ahead * LINE);
                // SAFETY: rows and panels of this block are within the job.
                unsafe {
                    macro_rules! block {
                        ($($n:literal)*) => {
                            match (height, wide) {
                                $(($n, 4) => block::<$n, 4>(job, row, panel, out),
                                ($n, 2) => block::<$n, 2>(job, row, panel, out),
                                ($n, _) => block::<$n, 1>(job, row, panel, out),)*
                                _ => unreachable!("blocks are not taller"),
                            }
                        };
                    }
                    block!(1 2 3 4 5 6);
                }
            }
            panel += wide;
        }
    }

    /// `R` rows by `C` panels.
    ///
    /// # Safety
    /// As [`product`]; the rows and panels are within `job`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn block<const R: usize, const C: usize>(
        job: &Job,
        row: usize,
        panel: usize,
        out: &mut [f32],
    ) {
        let (stride, size) = (job.groups * GROUP, job.groups * PANEL * GROUP);
        // SAFETY: each access is within the row or panel that the caller vouches for.
        unsafe {
            let a = job.values.as_ptr().add(row * stride);
            let w = job.codes.as_ptr().add(panel * size);
            let starts = job.starts.as_ptr().add(panel * PANEL);
            let mut sums: [[__m512i; C]; R] =
                [std::array::from_fn(|c| _mm512_loadu_si512(starts.add(c * PANEL).cast())); R];
            for g in 0..job.groups {
                let ws: [__m512i; C] = std::array::from_fn(|c| {
                    _mm512_loadu_si512(w.add(c * size + g * PANEL * GROUP).cast())
                });
                for r in 0..R {
                    let four = a.add(r * stride + g * GROUP).cast::<i32>().read_unaligned();
                    let x = _mm512_set1_epi32(four);
                    for c in 0..C {
                        sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], x, ws[c]);
                    }
                }
            }
            let scales = job.scales.as_ptr().add(panel * PANEL);
            for r in 0..R {
                let top = _mm512_set1_ps(job.tops[row + r]);
                for c in 0..C {
                    let scale = _mm512_mul_ps(top, _mm512_loadu_ps(scales.add(c * PANEL)));
                    let value = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[r][c]), scale);
                    let at = (panel + c) * PANEL;
                    let to = &mut out[(row + r) * job.width + at..(row + r + 1) * job.width];
                    let mask = if to.len() >= PANEL { !0 } else { (1 << to.len()) - 1 };
                    _mm512_mask_storeu_ps(to.as_mut_ptr(), mask, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_isa_gives_the_same_sums_and_they_are_near() {
        let value = |i: usize| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5;
        for (m, n, k, block) in
            [(1, 16, 4, 16), (7, 96, 33, 96), (13, 20, 100, 10), (6, 64, 768, 64)]
        {
            let a: Vec<f32> = (0..m * k).map(value).collect();
            let w: Vec<f32> = (0..n * k).map(|i| value(i + 77)).collect();
            let packed = Packed::new(&w, k, block);
            let mut first: Option<Vec<f32>> = None;
            for isa in Isa::available() {
                let mut codes = Codes::default();
                codes.take(isa, m, k, |i| &a[i * k..(i + 1) * k]);
                let mut all = vec![0.0; m * n];
                for begin in (0..n).step_by(block) {
                    let mut out = vec![f32::NAN; m * block];
                    packed.product(isa, &codes, 0..m, begin..begin + block, &mut out);
                    for (i, got) in out.iter().enumerate() {
                        let (row, col) = (i / block, begin + i % block);
                        let want: f32 = (0..k).map(|p| a[row * k + p] * w[col * k + p]).sum();
                        let far = 0.01 * (k as f32).sqrt();
                        assert!((got - want).abs() < far, "{isa:?} {m}×{n}×{k}: {got}, {want}");
                        all[row * n + col] = *got;
                    }
                }
                assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{isa:?}");
            }
        }
    }
}
