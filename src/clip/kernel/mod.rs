//! The arithmetic of the CPU's towers: products with fused ends, and the passes between them.
//!
//! Every kernel exists for AVX-512, for AVX2 with FMA, and as plain Rust for every other
//! processor; an [`Isa`] picks one at run time. Products read a weight's rows where the
//! checkpoint holds them, `[outputs, inputs]`, so nothing is packed or copied at the start. What is
//! laid out anew for AVX-512 are the activations, which are few: 16 rows side by side, 48 of them to
//! 8 weights at a time (`panel/`). Rows that fill no panel, and other processors, take both operands
//! as they are, contiguous along the inputs, in blocks of 6 × 4 that keep their sums in registers
//! (`dense.rs`).

mod dense;
mod eight;
mod math;
mod panel;

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

pub(super) use math::{activate, add, layer_norm, mix, softmax};

use super::weights::View;

/// The instructions that a tower is computed with. A value exists only for what this
/// processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(Level);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// What this processor has, the fastest last; plain Rust is always among them.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "nothing to add"))]
        let mut all = vec![Self(Level::Portable)];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            all.push(Self(Level::Avx2));
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                all.push(Self(Level::Avx512));
            }
        }
        all
    }

    /// Whether it has products of bytes (AVX-512 VNNI).
    #[cfg(target_arch = "x86_64")]
    fn vnni(self) -> bool {
        self.0 == Level::Avx512 && is_x86_feature_detected!("avx512vnni")
    }

    /// The fastest that this processor has.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self(Level::Portable))
    }
}

/// Compiles one body for every [`Isa`]; the body must be `#[inline(always)]`.
macro_rules! for_each_isa {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments, reason = "slices with their strides")]
        pub(in crate::clip) fn $name(isa: Isa, $($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $ty),*) {
                    $body($($arg),*);
                }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $ty),*) {
                    $body($($arg),*);
                }
                match isa.0 {
                    // SAFETY: an `Isa` exists only where the processor has its instructions.
                    Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: likewise.
                    Level::Avx2 => return unsafe { avx2($($arg),*) },
                    Level::Portable => {}
                }
            }
            let _ = isa;
            $body($($arg),*);
        }
    };
}
use for_each_isa;

/// Floats between the rows of a buffer, so that rows of 4 KiB multiples do not all fall into the
/// same few sets of the first cache.
const GAP: usize = 16;

/// Rows of activations, kept and reused from one pass to the next.
#[derive(Default)]
pub(super) struct Rows {
    values: Vec<f32>,
    width: usize,
    count: usize,
    /// The same in 8 bits, or in panels, after [`Rows::prepare`].
    codes: eight::Codes,
    panels: panel::Panels,
}

impl Rows {
    /// Makes room for `count` rows of `width`; what they hold is left over from before.
    pub(super) fn reset(&mut self, count: usize, width: usize) {
        (self.width, self.count) = (width, count);
        self.panels.clear();
        let size = count * self.stride();
        if self.values.len() < size {
            self.values.resize(size, 0.0);
        }
    }

    fn stride(&self) -> usize {
        self.width.next_multiple_of(GAP) + GAP
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        let at = row * self.stride();
        &self.values[at..at + self.width]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let at = row * self.stride();
        &mut self.values[at..at + self.width]
    }

    /// Runs `fill` on every row with its number, on several threads where that pays.
    pub(super) fn fill(&mut self, fill: impl Fn(usize, &mut [f32]) + Sync) {
        /// Floats below which waking another thread takes longer than the work.
        const ALONE: usize = 1 << 17;
        let (stride, width, count) = (self.stride(), self.width, self.count);
        let rows = &mut self.values[..count * stride];
        if count * width < ALONE {
            rows.chunks_exact_mut(stride).enumerate().for_each(|(i, r)| fill(i, &mut r[..width]));
        } else {
            rows.par_chunks_exact_mut(stride)
                .with_min_len(8)
                .enumerate()
                .for_each(|(i, r)| fill(i, &mut r[..width]));
        }
    }

    /// Makes the rows ready for products with these weights, of each of `parts` by itself.
    pub(super) fn prepare(
        &mut self,
        isa: Isa,
        weight: &Matrix,
        parts: impl Iterator<Item = Range<usize>>,
    ) {
        let (values, stride, width) = (&self.values, self.stride(), self.width);
        let row = |i: usize| &values[i * stride..i * stride + width];
        match weight.held {
            Held::Eight(_) => self.codes.take(isa, self.count, width, row),
            Held::Full(_) => self.panels.take(isa, width, parts, row),
        }
    }

    /// Makes them ready for products of all rows.
    pub(super) fn prepare_all(&mut self, isa: Isa, weight: &Matrix) {
        self.prepare(isa, weight, std::iter::once(0..self.count));
    }

    /// Keeps only these rows, in this order; `rows` must ascend.
    pub(super) fn keep(&mut self, rows: &[usize]) {
        let (stride, width) = (self.stride(), self.width);
        for (to, &from) in rows.iter().enumerate() {
            self.values.copy_within(from * stride..from * stride + width, to * stride);
        }
        self.count = rows.len();
        self.panels.clear();
    }

    /// Hands the rows to several threads that write different parts of them.
    pub(super) fn shared(&mut self) -> Shared<'_> {
        let (width, count, stride) = (self.width, self.count, self.stride());
        Shared { start: self.values.as_mut_ptr(), width, count, stride, rows: PhantomData }
    }
}

/// [`Rows`] that several threads write at once, each other parts.
pub(super) struct Shared<'a> {
    start: *mut f32,
    width: usize,
    count: usize,
    stride: usize,
    rows: PhantomData<&'a mut Rows>,
}

// SAFETY: it stands for `&mut Rows`, whose floats any thread may write; that no two write the
// same ones is the promise of who calls `part`.
unsafe impl Sync for Shared<'_> {}

impl Shared<'_> {
    /// Columns `cols` of a row.
    ///
    /// # Safety
    /// No two parts that exist at the same time may overlap.
    #[expect(clippy::mut_from_ref, reason = "that is what it is for")]
    pub(super) unsafe fn part(&self, row: usize, cols: &Range<usize>) -> &mut [f32] {
        assert!(row < self.count && cols.start <= cols.end && cols.end <= self.width);
        // SAFETY: within the buffer by the line above; unaliased by the caller's promise.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.start.add(row * self.stride + cols.start),
                cols.len(),
            )
        }
    }
}

/// A dense layer's weights, `[outputs, inputs]`.
pub(super) struct Matrix {
    held: Held,
    inputs: usize,
    outputs: usize,
    /// Tiles do not reach over multiples of this many outputs.
    block: usize,
}

enum Held {
    Full(View),
    Eight(eight::Packed),
}

impl Matrix {
    pub(super) fn new(weight: View, outputs: usize, inputs: usize) -> Self {
        assert_eq!(weight.len(), outputs * inputs);
        Self { held: Held::Full(weight), inputs, outputs, block: outputs }
    }

    /// In 8 bits; products are then of `block` outputs (which divides them) or parts of one.
    pub(super) fn eight(weight: &View, outputs: usize, inputs: usize, block: usize) -> Self {
        assert!(weight.len() == outputs * inputs && outputs.is_multiple_of(block));
        let held = Held::Eight(eight::Packed::new(weight, inputs, block));
        Self { held, inputs, outputs, block }
    }

    /// Has matrices in 8 bits that are read one after the other lie together in memory.
    pub(super) fn gather<'a>(all: impl Iterator<Item = &'a mut Self>) {
        let mut packed: Vec<&mut eight::Packed> = all
            .filter_map(|matrix| match &mut matrix.held {
                Held::Eight(packed) => Some(packed),
                Held::Full(_) => None,
            })
            .collect();
        if !packed.is_empty() {
            eight::gather(&mut packed);
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// `a[rows] × weightᵀ` for the outputs `cols`, written to `out`, `[rows, cols]`. It reads what
    /// [`Rows::prepare`] left; in 8 bits `cols` begins at a multiple of 16 in its block.
    pub(super) fn product(
        &self,
        isa: Isa,
        a: &Rows,
        rows: Range<usize>,
        cols: Range<usize>,
        out: &mut [f32],
    ) {
        assert!(a.width == self.inputs && rows.end <= a.count && cols.end <= self.outputs);
        match &self.held {
            Held::Eight(packed) => packed.product(isa, &a.codes, rows, cols, out),
            Held::Full(weight) => {
                let (k, stride) = (self.inputs, a.stride());
                let w = Grid { values: &weight[cols.start * k..], stride: k, rows: cols.len() };
                let from = |row: usize| Grid {
                    values: &a.values[row * stride..],
                    stride,
                    rows: rows.end - row,
                };
                let panels = a.panels.of(&rows);
                let rest = from(rows.start + panels.len() / k);
                if panels.is_empty() || rest.rows >= panel::PANEL {
                    dense::product(isa, &from(rows.start), &w, k, out);
                } else {
                    panel::product(isa, &panel::Operand { panels, rest }, &w, k, out);
                }
            }
        }
    }

    /// The whole product in tiles over all threads; `finish` gets a row's number, the outputs
    /// and their values, each place once.
    pub(super) fn apply(
        &self,
        isa: Isa,
        a: &Rows,
        finish: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
    ) {
        assert_eq!(self.block, self.outputs, "tiles are of one block");
        // So many rows stay in the second cache while a tile's weights pass by.
        const ROWS: usize = panel::TOGETHER;
        let mut blocks = (a.count / ROWS).max(1);
        let mut height = ROWS;
        if a.panels.is_empty() {
            height = a.count.div_ceil(blocks).next_multiple_of(dense::TALL);
            blocks = a.count.div_ceil(height);
        }
        let share = self.outputs * blocks / (4 * rayon::current_num_threads());
        let width = share.next_multiple_of(16).clamp(32, 96);
        // Neighbours in this order share their weights.
        let tiles = self.outputs.div_ceil(width) * blocks;
        (0..tiles).into_par_iter().with_max_len(1).for_each(|tile| {
            let (column, block) = (tile / blocks * width, tile % blocks * height);
            let cols = column..(column + width).min(self.outputs);
            // Of panels, the last block has the rows that fill no other.
            let end = if tile % blocks + 1 == blocks { a.count } else { block + height };
            let rows = block..end;
            with_buffer(rows.len() * cols.len(), |out| {
                self.product(isa, a, rows.clone(), cols.clone(), out);
                for (row, values) in rows.zip(out.chunks_exact_mut(cols.len())) {
                    finish(row, cols.clone(), values);
                }
            });
        });
    }
}

/// Rows of a product's operand, contiguous along what is summed over.
pub(super) struct Grid<'a> {
    pub(super) values: &'a [f32],
    pub(super) stride: usize,
    pub(super) rows: usize,
}

pub(super) use dense::product;

/// Runs `work` on this thread's own buffer, of undefined content.
pub(super) fn with_buffer<R>(size: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local! {
        static BUFFER: std::cell::RefCell<Vec<f32>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    BUFFER.with_borrow_mut(|buffer| {
        if buffer.len() < size {
            buffer.resize(size, 0.0);
        }
        work(&mut buffer[..size])
    })
}
