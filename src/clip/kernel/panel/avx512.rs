//! Panels on AVX-512: a panel is one vector of rows, and 3 panels by 8 weights keep their sums in registers.

#![expect(clippy::needless_range_loop, reason = "a tile's sums are named by panel and column")]

use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::super::dense::four;
use super::{Grid, Operand, PANEL, TOGETHER};

/// Inputs whose panels stay in the first cache while the outputs pass by.
const DEPTH: usize = 128;
/// Outputs whose sums are kept from one such depth to the next.
const BREADTH: usize = 96;
/// Floats of a cache line.
const LINE: usize = 16;

/// # Safety
/// AVX-512; sixteen rows of a sixteenth of `to` each.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn lay_out(rows: &[&[f32]; PANEL], to: &mut [f32]) {
    let width = to.len() / PANEL;
    let mut p = 0;
    // SAFETY: within the rows, and within `to`, by the caller's promise.
    unsafe {
        while p + 8 <= width {
            for half in 0..2 {
                let square =
                    std::array::from_fn(|i| _mm256_loadu_ps(rows[half * 8 + i].as_ptr().add(p)));
                for (i, line) in transposed(square).into_iter().enumerate() {
                    _mm256_storeu_ps(to.as_mut_ptr().add((p + i) * PANEL + half * 8), line);
                }
            }
            p += 8;
        }
    }
    for p in p..width {
        let to = &mut to[p * PANEL..][..PANEL];
        to.iter_mut().zip(rows).for_each(|(to, row)| *to = row[p]);
    }
}

/// # Safety
/// AVX-512, and operands as long as [`super::product`] asserts.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) unsafe fn product(a: &Operand, count: usize, w: &Grid, k: usize, out: &mut [f32]) {
    let n = w.rows;
    let mut sums = MaybeUninit::<Sums<{ BREADTH * TOGETHER }>>::uninit();
    let mut rest_sums = MaybeUninit::<Sums<{ BREADTH * PANEL * LINE }>>::uninit();
    for j in (0..n).step_by(BREADTH) {
        let columns = BREADTH.min(n - j);
        let mut panel = 0;
        while panel < count {
            let together = match count - panel {
                4 => 2,
                n => n.min(3),
            };
            let last = panel + together == count;
            // SAFETY: these rows of `w`, panels and places of `out` are within.
            unsafe {
                let block = Block {
                    panels: a.panels.as_ptr().add(panel * k * PANEL),
                    rest: a.rest.values.as_ptr(),
                    rest_stride: a.rest.stride,
                    rest_rows: if last { a.rest.rows } else { 0 },
                    w: w.values.as_ptr().add(j * w.stride),
                    w_stride: w.stride,
                    k,
                    out: out.as_mut_ptr().add(panel * PANEL * n + j),
                    stride: n,
                    sums: sums.as_mut_ptr().cast(),
                    rest_sums: rest_sums.as_mut_ptr().cast(),
                };
                match together {
                    3 => block.compute::<3>(columns),
                    2 => block.compute::<2>(columns),
                    _ => block.compute::<1>(columns),
                }
            }
            panel += together;
        }
    }
}

/// Of up to [`BREADTH`] outputs, as vectors: of [`TOGETHER`] rows, a panel's rows in each, or of the
/// rows that fill no panel, to be added up across.
#[repr(align(64))]
struct Sums<const N: usize>([f32; N]);

struct Block {
    panels: *const f32,
    rest: *const f32,
    rest_stride: usize,
    rest_rows: usize,
    w: *const f32,
    w_stride: usize,
    k: usize,
    out: *mut f32,
    stride: usize,
    sums: *mut f32,
    rest_sums: *mut f32,
}

impl Block {
    /// `columns` outputs of `P` panels.
    ///
    /// # Safety
    /// AVX-512; there are so many panels, weights, sums and places for what comes out.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn compute<const P: usize>(&self, columns: usize) {
        for begin in (0..self.k).step_by(DEPTH) {
            let depth = begin..(begin + DEPTH).min(self.k);
            let mut j = 0;
            while j < columns {
                // SAFETY: as promised, and these are below `columns`.
                j += unsafe {
                    match columns - j {
                        16.. if P == 1 => self.tile::<16, P>(j, columns, depth.clone()),
                        8.. => self.tile::<8, P>(j, columns, depth.clone()),
                        _ => self.tile::<1, P>(j, columns, depth.clone()),
                    }
                };
            }
        }
    }

    /// `C` outputs (1 or a multiple of 8) from `j` on, of `P` panels, a part of the inputs. Returns `C`.
    ///
    /// # Safety
    /// As [`Self::compute`].
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    unsafe fn tile<const C: usize, const P: usize>(
        &self,
        j: usize,
        columns: usize,
        depth: Range<usize>,
    ) -> usize {
        let &Self { w_stride, k, .. } = self;
        // SAFETY: all of these rows, columns and inputs exist.
        unsafe {
            let (w, kept) = (self.w.add(j * w_stride), self.sums.add(j * P * PANEL));
            let kept = |c: usize, i: usize| kept.add((c * P + i) * PANEL);
            // The next weights come from further away than this tile takes to compute.
            let next = if j + C < columns {
                w.wrapping_add(C * w_stride + depth.start)
            } else {
                self.w.wrapping_add(depth.end)
            };
            let mut sums = [[_mm512_setzero_ps(); P]; C];
            if depth.start > 0 {
                for c in 0..C {
                    sums[c] = std::array::from_fn(|i| _mm512_load_ps(kept(c, i)));
                }
            }
            let mut begin = depth.start;
            while begin < depth.end {
                let end = (begin + LINE).min(depth.end);
                for c in 0..C {
                    let line = next.wrapping_add(c * w_stride + begin - depth.start);
                    _mm_prefetch::<_MM_HINT_T1>(line.cast());
                }
                for p in begin..end {
                    let xs: [__m512; P] = std::array::from_fn(|i| {
                        _mm512_loadu_ps(self.panels.add((i * k + p) * PANEL))
                    });
                    for c in 0..C {
                        let y = _mm512_set1_ps(*w.add(c * w_stride + p));
                        for i in 0..P {
                            sums[c][i] = _mm512_fmadd_ps(xs[i], y, sums[c][i]);
                        }
                    }
                }
                begin = end;
            }
            if depth.end < k {
                for c in 0..C {
                    for i in 0..P {
                        _mm512_store_ps(kept(c, i), sums[c][i]);
                    }
                }
            } else {
                self.write(j, &sums);
            }
            // While their weights are near.
            let mut row = 0;
            while row < self.rest_rows {
                for c in (0..C).step_by(8) {
                    let j = j + c;
                    let to = self.out.add((P * PANEL + row) * self.stride + j);
                    match (C, self.rest_rows - row) {
                        (1, _) => self.pairs::<1, 1>(row, j, depth.clone(), to),
                        (_, 1) => self.pairs::<1, 8>(row, j, depth.clone(), to),
                        _ => self.pairs::<2, 8>(row, j, depth.clone(), to),
                    }
                }
                row += if C == 1 { 1 } else { 2 };
            }
        }
        C
    }

    /// `R` of the rows that fill no panel, from `row` on, with `C` outputs (1 or 8) from `j` on, a part
    /// of the inputs.
    ///
    /// # Safety
    /// As [`Self::compute`]; `to` has room for them.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    unsafe fn pairs<const R: usize, const C: usize>(
        &self,
        row: usize,
        j: usize,
        depth: Range<usize>,
        to: *mut f32,
    ) {
        // SAFETY: all of these rows, columns and inputs exist, and what is beyond `depth` is not read.
        unsafe {
            let (w, x) = (self.w.add(j * self.w_stride), self.rest.add(row * self.rest_stride));
            let kept = self.rest_sums.add((row * BREADTH + j) * LINE);
            let kept = |r: usize, c: usize| kept.add((r * BREADTH + c) * LINE);
            let mut sums = [[_mm512_setzero_ps(); C]; R];
            if depth.start > 0 {
                for r in 0..R {
                    sums[r] = std::array::from_fn(|c| _mm512_load_ps(kept(r, c)));
                }
            }
            for p in depth.clone().step_by(LINE) {
                let mask = u16::MAX >> (LINE - LINE.min(depth.end - p));
                let xs: [__m512; R] = std::array::from_fn(|r| {
                    _mm512_maskz_loadu_ps(mask, x.add(r * self.rest_stride + p))
                });
                for c in 0..C {
                    let y = _mm512_maskz_loadu_ps(mask, w.add(c * self.w_stride + p));
                    for r in 0..R {
                        sums[r][c] = _mm512_fmadd_ps(xs[r], y, sums[r][c]);
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                if depth.end < self.k {
                    for c in 0..C {
                        _mm512_store_ps(kept(r, c), sums[c]);
                    }
                    continue;
                }
                let to = to.add(r * self.stride);
                if C == 1 {
                    *to = _mm512_reduce_add_ps(sums[0]);
                    continue;
                }
                for c in (0..C).step_by(4) {
                    let s = |i: usize| sums[(c + i) % C];
                    _mm_storeu_ps(to.add(c), four(s(0), s(1), s(2), s(3)));
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::compute`].
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    unsafe fn write<const C: usize, const P: usize>(&self, j: usize, sums: &[[__m512; P]; C]) {
        for i in 0..P {
            for half in 0..2 {
                // SAFETY: eight rows of `C` places each are within `out`.
                unsafe {
                    let to = self.out.add((i * PANEL + half * 8) * self.stride + j);
                    if C == 1 {
                        let mut lanes = [0f32; 8];
                        _mm256_storeu_ps(lanes.as_mut_ptr(), one_half(sums[0][i], half));
                        for (lane, sum) in lanes.into_iter().enumerate() {
                            *to.add(lane * self.stride) = sum;
                        }
                        continue;
                    }
                    for c in (0..C).step_by(8) {
                        let square = std::array::from_fn(|l| one_half(sums[(c + l) % C][i], half));
                        for (lane, line) in transposed(square).into_iter().enumerate() {
                            _mm256_storeu_ps(to.add(lane * self.stride + c), line);
                        }
                    }
                }
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn one_half(v: __m512, half: usize) -> __m256 {
    if half == 0 { _mm512_castps512_ps256(v) } else { _mm512_extractf32x8_ps::<1>(v) }
}

/// Lane `j` of row `i` goes to lane `i` of row `j`.
#[target_feature(enable = "avx")]
#[inline]
fn transposed(r: [__m256; 8]) -> [__m256; 8] {
    let low = |i: usize| _mm256_unpacklo_ps(r[i], r[i + 1]);
    let high = |i: usize| _mm256_unpackhi_ps(r[i], r[i + 1]);
    let (a, b, c, d) = (low(0), high(0), low(2), high(2));
    let (e, f, g, h) = (low(4), high(4), low(6), high(6));
    let first = |x, y| _mm256_shuffle_ps::<0x44>(x, y);
    let last = |x, y| _mm256_shuffle_ps::<0xEE>(x, y);
    let upper = [first(a, c), last(a, c), first(b, d), last(b, d)];
    let lower = [first(e, g), last(e, g), first(f, h), last(f, h)];
    std::array::from_fn(|i| {
        let (u, l) = (upper[i % 4], lower[i % 4]);
        if i < 4 {
            _mm256_permute2f128_ps::<0x20>(u, l)
        } else {
            _mm256_permute2f128_ps::<0x31>(u, l)
        }
    })
}
