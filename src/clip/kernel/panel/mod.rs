//! Products of f32 rows that were laid out for it: sixteen rows side by side, input by input.
//!
//! A vector then holds one input of sixteen rows, and is multiplied with one weight at a time, which is
//! read where the checkpoint holds it. So nothing is added up across lanes, the weights pass by once for
//! 48 rows, and what comes from the second cache for every product is a tenth of what [`super::dense`]
//! reads; processors that start two products of 16 floats a cycle need that. Laying out takes time in
//! proportion to the rows alone, and is shared by all outputs. After Goto and van de Geijn, "Anatomy of
//! High-Performance Matrix Multiplication" (2008), with the small operand packed in place of the large.

#[cfg(target_arch = "x86_64")]
mod avx512;

use std::ops::Range;

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::Level;
use super::{Grid, Isa};

/// Rows that lie side by side.
pub(super) const PANEL: usize = 16;
/// Rows whose panels are read together, as many as keep their sums in registers.
pub(super) const TOGETHER: usize = 3 * PANEL;

/// Rows in panels, `[panels, width, PANEL]`; empty where the processor has no use for them.
#[derive(Default)]
pub(super) struct Panels {
    values: Vec<f32>,
    /// The first row of each, ascending.
    starts: Vec<usize>,
    width: usize,
}

impl Panels {
    pub(super) fn clear(&mut self) {
        self.starts.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Lays out the rows of each part, from its beginning, as far as they fill panels.
    pub(super) fn take<'a>(
        &mut self,
        isa: Isa,
        width: usize,
        parts: impl Iterator<Item = Range<usize>>,
        row: impl Fn(usize) -> &'a [f32] + Sync,
    ) {
        self.clear();
        if !has(isa) {
            return;
        }
        let starts = |part: Range<usize>| {
            let last = (part.end + 1).saturating_sub(PANEL);
            (part.start..last).step_by(PANEL)
        };
        self.starts.extend(parts.flat_map(starts));
        self.width = width;
        let (size, count) = (width * PANEL, self.starts.len());
        if self.values.len() < size * count {
            self.values.resize(size * count, 0.0);
        }
        if count == 0 || width == 0 {
            return self.clear();
        }
        let panels = self.values[..size * count].par_chunks_exact_mut(size);
        // Fewer are done before another thread is awake.
        panels.zip(&self.starts).with_min_len(4).for_each(|(to, start)| {
            let rows: [&[f32]; PANEL] = std::array::from_fn(|i| &row(start + i)[..width]);
            lay_out(isa, &rows, to);
        });
    }

    /// The panels of these rows, from the first on as far as they reach.
    pub(super) fn of(&self, rows: &Range<usize>) -> &[f32] {
        let Ok(first) = self.starts.binary_search(&rows.start) else { return &[] };
        let follows = |(i, start): &(usize, &usize)| {
            **start == rows.start + i * PANEL && **start + PANEL <= rows.end
        };
        let count = self.starts[first..].iter().enumerate().take_while(follows).count();
        let size = self.width * PANEL;
        &self.values[first * size..(first + count) * size]
    }
}

/// Whether there are kernels for it.
fn has(isa: Isa) -> bool {
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => true,
        _ => false,
    }
}

/// Sixteen rows of `to.len() / 16` floats, side by side.
fn lay_out(isa: Isa, rows: &[&[f32]; PANEL], to: &mut [f32]) {
    assert!(rows.iter().all(|r| r.len() * PANEL == to.len()));
    match isa.0 {
        // SAFETY: an `Isa` exists only where the processor has its instructions, and the rows are
        // as long as was just asserted.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::lay_out(rows, to) },
        _ => unreachable!("other processors have no panels"),
    }
}

/// Rows of activations: those in panels, which must not be none, and the fewer than sixteen behind them.
pub(super) struct Operand<'a> {
    pub(super) panels: &'a [f32],
    pub(super) rest: Grid<'a>,
}

/// `out[i][j] = Σ a[i][p] × w[j][p]`, `[a.rows, w.rows]`; `k` values are summed.
pub(super) fn product(isa: Isa, a: &Operand, w: &Grid, k: usize, out: &mut [f32]) {
    let count = a.panels.len() / (k * PANEL);
    assert!(a.panels.len() == count * k * PANEL && count > 0 && a.rest.rows < PANEL);
    if w.rows == 0 {
        return;
    }
    // What the kernel's pointers rely on.
    assert!(w.values.len() >= (w.rows - 1) * w.stride + k);
    assert!(a.rest.rows == 0 || a.rest.values.len() >= (a.rest.rows - 1) * a.rest.stride + k);
    assert!(out.len() >= (count * PANEL + a.rest.rows) * w.rows);
    match isa.0 {
        // SAFETY: an `Isa` exists only where the processor has its instructions, and the
        // operands reach as far as was just asserted.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::product(a, count, w, k, out) },
        _ => unreachable!("other processors have no panels"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_give_the_sums_at_any_size() {
        let value = |i: usize| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5;
        for (m, n, k) in [
            (16, 8, 8),
            (17, 1, 5),
            (32, 33, 64),
            (50, 24, 333),
            (64, 117, 7),
            (95, 9, 140),
            (31, 26, 128),
            (48, 200, 300),
        ] {
            let a: Vec<f32> = (0..m * k).map(value).collect();
            let w: Vec<f32> = (0..n * k).map(|i| value(i + 77)).collect();
            for isa in Isa::available().into_iter().filter(|isa| has(*isa)) {
                let mut panels = Panels::default();
                panels.take(isa, k, std::iter::once(0..m), |i| &a[i * k..(i + 1) * k]);
                let rows = m / PANEL * PANEL;
                let panels = panels.of(&(0..m));
                assert_eq!(panels.len(), rows * k);
                let rest = Grid { values: &a[rows * k..], stride: k, rows: m - rows };
                let mut out = vec![f32::NAN; m * n];
                let w = Grid { values: &w, stride: k, rows: n };
                product(isa, &Operand { panels, rest }, &w, k, &mut out);
                for (at, got) in out.iter().enumerate() {
                    let (i, j) = (at / n, at % n);
                    let terms =
                        (0..k).map(|p| f64::from(a[i * k + p]) * f64::from(w.values[j * k + p]));
                    let want: f64 = terms.sum();
                    assert!((f64::from(*got) - want).abs() < 1e-4, "{m}×{n}×{k}: {i}, {j}");
                }
            }
        }
    }

    #[test]
    fn parts_have_panels_of_their_own() {
        let rows = vec![[1f32; 4]; 100];
        for isa in Isa::available() {
            let mut panels = Panels::default();
            panels.take(isa, 4, [0..40, 40..50, 50..100].into_iter(), |i| &rows[i]);
            let floats = |n: usize| if has(isa) { n * 4 } else { 0 };
            for (of, count) in
                [(0..40, 32), (0..31, 16), (40..50, 0), (50..100, 48), (66..100, 32), (1..40, 0)]
            {
                assert_eq!(panels.of(&of).len(), floats(count), "{of:?}");
            }
            panels.clear();
            assert!(panels.of(&(0..40)).is_empty());
        }
    }
}
