//! Products of f32 rows: `out[i][j] = Σ a[i][p] × w[j][p]`.
//!
//! Both operands are read along `p`, so neither needs repacking. A block of sums lives in
//! registers while `p` runs; their lanes are added up once at its end.

#![expect(clippy::needless_range_loop, reason = "a block's sums are named by row and column")]

use super::{Grid, Isa, Level};

/// Rows of `a` in the largest block.
pub(super) const TALL: usize = 6;

/// `out` is `[a.rows, w.rows]`; `k` values are summed.
pub(in crate::clip) fn product(isa: Isa, a: &Grid, w: &Grid, k: usize, out: &mut [f32]) {
    if a.rows == 0 || w.rows == 0 {
        return;
    }
    // What the kernels' pointers rely on.
    assert!(a.values.len() >= (a.rows - 1) * a.stride + k);
    assert!(w.values.len() >= (w.rows - 1) * w.stride + k);
    assert!(out.len() >= a.rows * w.rows);
    match isa.0 {
        // SAFETY: an `Isa` exists only where the processor has its instructions, and the
        // operands reach as far as was just asserted.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::product(a, w, k, out) },
        // SAFETY: likewise.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::product(a, w, k, out) },
        Level::Portable => portable(a, w, k, out),
    }
}

/// `rows` in as few blocks of at most `most` as there can be, of nearly the same height.
#[cfg(target_arch = "x86_64")]
pub(super) fn blocks(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(most);
    (0..count).map(move |i| {
        let (begin, end) = (i * rows / count, (i + 1) * rows / count);
        (begin, end - begin)
    })
}

/// Calls `$block::<rows, columns>` with the numbers as constants.
#[cfg(target_arch = "x86_64")]
macro_rules! by_height {
    ($height:expr, $block:ident, $cols:literal, $args:tt, $($n:literal)*) => {
        match $height {
            $($n => $block::<$n, $cols> $args,)*
            _ => unreachable!("blocks are not taller"),
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) use avx512::four;

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    use super::{Grid, TALL, blocks};

    /// # Safety
    /// AVX-512, and operands as long as [`super::product`] asserts.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn product(a: &Grid, w: &Grid, k: usize, out: &mut [f32]) {
        let n = w.rows;
        let lines = 4 * k.div_ceil(16);
        let ahead = lines.div_ceil(a.rows.div_ceil(TALL));
        let mut j = 0;
        while j < n {
            let wide = n - j >= 4;
            // SAFETY: rows up to `n` are within `w`.
            let wp = unsafe { w.values.as_ptr().add(j * w.stride) };
            let mut next = wp.wrapping_add(4 * w.stride);
            for (row, height) in blocks(a.rows, TALL) {
                // The next weights come from further away than this block takes to compute.
                for line in 0..ahead {
                    _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(line * 16).cast());
                }
                next = next.wrapping_add(ahead * 16);
                // SAFETY: this block's rows and columns are within the operands and `out`.
                unsafe {
                    let ap = a.values.as_ptr().add(row * a.stride);
                    let op = out.as_mut_ptr().add(row * n + j);
                    if wide {
                        by_height!(height, block, 4, (ap, a.stride, wp, w.stride, k, op, n), 1 2 3 4 5 6);
                    } else {
                        for c in 0..n - j {
                            let (wp, op) = (wp.add(c * w.stride), op.add(c));
                            by_height!(height, block, 1, (ap, a.stride, wp, w.stride, k, op, n), 1 2 3 4 5 6);
                        }
                    }
                }
            }
            j += 4;
        }
    }

    /// `R` rows by `C` (4 or 1) columns.
    ///
    /// # Safety
    /// AVX-512; `a` has `R` rows of `k`, `w` `C`, and `out` `R` rows of `C`, at their strides.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    unsafe fn block<const R: usize, const C: usize>(
        a: *const f32,
        a_stride: usize,
        w: *const f32,
        w_stride: usize,
        k: usize,
        out: *mut f32,
        out_stride: usize,
    ) {
        let mut sums = [[_mm512_setzero_ps(); C]; R];
        // SAFETY: every load is within `k` of a row's start, by masks at its end.
        unsafe {
            let mut p = 0;
            while p + 16 <= k {
                let ws: [__m512; C] =
                    std::array::from_fn(|c| _mm512_loadu_ps(w.add(c * w_stride + p)));
                for r in 0..R {
                    let x = _mm512_loadu_ps(a.add(r * a_stride + p));
                    for c in 0..C {
                        sums[r][c] = _mm512_fmadd_ps(x, ws[c], sums[r][c]);
                    }
                }
                p += 16;
            }
            if p < k {
                let mask = (1 << (k - p)) - 1;
                for r in 0..R {
                    let x = _mm512_maskz_loadu_ps(mask, a.add(r * a_stride + p));
                    for c in 0..C {
                        let y = _mm512_maskz_loadu_ps(mask, w.add(c * w_stride + p));
                        sums[r][c] = _mm512_fmadd_ps(x, y, sums[r][c]);
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                let out = out.add(r * out_stride);
                if C == 4 {
                    _mm_storeu_ps(out, four(sums[0], sums[1 % C], sums[2 % C], sums[3 % C]));
                } else {
                    *out = _mm512_reduce_add_ps(sums[0]);
                }
            }
        }
    }

    /// The sums of four vectors' lanes.
    #[target_feature(enable = "avx512f,avx512dq")]
    #[inline]
    pub(in crate::clip::kernel) fn four(a: __m512, b: __m512, c: __m512, d: __m512) -> __m128 {
        let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        let all =
            _mm512_add_ps(_mm512_shuffle_ps::<0x44>(ab, cd), _mm512_shuffle_ps::<0xEE>(ab, cd));
        let half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps::<1>(all));
        _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Grid, blocks};

    /// With four columns that is what sixteen registers hold.
    const TALL: usize = 3;

    /// # Safety
    /// AVX2 and FMA, and operands as long as [`super::product`] asserts.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn product(a: &Grid, w: &Grid, k: usize, out: &mut [f32]) {
        let n = w.rows;
        let mut j = 0;
        while j < n {
            let wide = n - j >= 4;
            for (row, height) in blocks(a.rows, TALL) {
                // SAFETY: this block's rows and columns are within the operands and `out`.
                unsafe {
                    let ap = a.values.as_ptr().add(row * a.stride);
                    let wp = w.values.as_ptr().add(j * w.stride);
                    let op = out.as_mut_ptr().add(row * n + j);
                    if wide {
                        by_height!(height, block, 4, (ap, a.stride, wp, w.stride, k, op, n), 1 2 3);
                    } else {
                        for c in 0..n - j {
                            let (wp, op) = (wp.add(c * w.stride), op.add(c));
                            by_height!(height, block, 1, (ap, a.stride, wp, w.stride, k, op, n), 1 2 3);
                        }
                    }
                }
            }
            j += 4;
        }
    }

    /// `R` rows by `C` columns.
    ///
    /// # Safety
    /// AVX2 and FMA; `a` has `R` rows of `k`, `w` `C`, and `out` `R` rows of `C`, at their
    /// strides.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    unsafe fn block<const R: usize, const C: usize>(
        a: *const f32,
        a_stride: usize,
        w: *const f32,
        w_stride: usize,
        k: usize,
        out: *mut f32,
        out_stride: usize,
    ) {
        let mut sums = [[_mm256_setzero_ps(); C]; R];
        // SAFETY: every access is within `k` of a row's start.
        unsafe {
            let mut p = 0;
            while p + 8 <= k {
                let xs: [__m256; R] =
                    std::array::from_fn(|r| _mm256_loadu_ps(a.add(r * a_stride + p)));
                for c in 0..C {
                    let y = _mm256_loadu_ps(w.add(c * w_stride + p));
                    for r in 0..R {
                        sums[r][c] = _mm256_fmadd_ps(xs[r], y, sums[r][c]);
                    }
                }
                p += 8;
            }
            for r in 0..R {
                for c in 0..C {
                    let half = _mm_add_ps(
                        _mm256_castps256_ps128(sums[r][c]),
                        _mm256_extractf128_ps::<1>(sums[r][c]),
                    );
                    let pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
                    let one = _mm_add_ss(pair, _mm_movehdup_ps(pair));
                    let mut sum = _mm_cvtss_f32(one);
                    for q in p..k {
                        sum += *a.add(r * a_stride + q) * *w.add(c * w_stride + q);
                    }
                    *out.add(r * out_stride + c) = sum;
                }
            }
        }
    }
}

fn portable(a: &Grid, w: &Grid, k: usize, out: &mut [f32]) {
    let row = |grid: &Grid, i: usize| i * grid.stride..i * grid.stride + k;
    for j in (0..w.rows).step_by(2) {
        let other = (j + 1).min(w.rows - 1);
        let ws = [&w.values[row(w, j)], &w.values[row(w, other)]];
        for i in 0..a.rows {
            let sums = two(&a.values[row(a, i)], ws);
            out[i * w.rows + j] = sums[0];
            out[i * w.rows + other] = sums[if other == j { 0 } else { 1 }];
        }
    }
}

/// Dot products of one row with two, in lanes that the compiler turns into SIMD.
fn two(a: &[f32], ws: [&[f32]; 2]) -> [f32; 2] {
    let mut lanes = [[0f32; 8]; 2];
    let (chunks, rest) = a.as_chunks::<8>();
    let [(w0, r0), (w1, r1)] = ws.map(|w| w.as_chunks::<8>());
    for ((x, y0), y1) in chunks.iter().zip(w0).zip(w1) {
        for l in 0..8 {
            lanes[0][l] += x[l] * y0[l];
            lanes[1][l] += x[l] * y1[l];
        }
    }
    let tail = |r: &[f32]| rest.iter().zip(r).map(|(x, y)| x * y).sum::<f32>();
    [lanes[0].iter().sum::<f32>() + tail(r0), lanes[1].iter().sum::<f32>() + tail(r1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_isa_gives_the_sums_at_any_size() {
        let value = |i: usize| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5;
        for (m, n, k) in [(1, 1, 1), (1, 5, 16), (6, 4, 32), (7, 9, 33), (13, 6, 100), (2, 3, 7)] {
            let (sa, sw) = (k + 5, k);
            let a: Vec<f32> = (0..m * sa).map(value).collect();
            let w: Vec<f32> = (0..n * sw).map(|i| value(i + 77)).collect();
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; m * n];
                let grid = |values, stride, rows| Grid { values, stride, rows };
                product(isa, &grid(&a, sa, m), &grid(&w, sw, n), k, &mut out);
                for (at, got) in out.iter().enumerate() {
                    let (i, j) = (at / n, at % n);
                    let want: f64 =
                        (0..k).map(|p| f64::from(a[i * sa + p]) * f64::from(w[j * sw + p])).sum();
                    assert!((f64::from(*got) - want).abs() < 1e-4, "{isa:?} {m}×{n}×{k}: {i}, {j}");
                }
            }
        }
    }
}
