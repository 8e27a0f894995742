//! The two towers on the CPU.
//!
//! A pass keeps its rows in [`Scratch`], which the next one uses again, and is a few phases a
//! block: normalise, then q, k, v and attention head by head, then three products whose ends do
//! the rest (bias, activation, residual). In the last block only one row of each photo or text
//! goes further than its keys and values, for nothing else is read after it. Sequences of
//! different lengths lie one after the other, without padding.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::engine::Precision;
use super::kernel::{self, Grid, Isa, Matrix, Rows, Shared};
use super::model::{Activation, ModelConfig, Shape, end_of_text};
use super::weights::{View, Weights};

/// Both towers with their projections.
pub(super) struct Towers {
    vision: VisionTower,
    text: TextTower,
    isa: Isa,
    spare: Mutex<Vec<Scratch>>,
}

/// A pass's buffers.
#[derive(Default)]
struct Scratch {
    /// The residual stream.
    x: Rows,
    normed: Rows,
    mixed: Rows,
    inner: Rows,
}

impl Towers {
    /// # Errors
    /// The tensor at fault and what is wrong with it.
    pub(super) fn new(
        weights: &Weights,
        config: &ModelConfig,
        isa: Isa,
        precision: Precision,
    ) -> Result<Self, String> {
        Ok(Self {
            vision: VisionTower::new(weights, config, precision)?,
            text: TextTower::new(weights, config, precision)?,
            isa,
            spare: Mutex::default(),
        })
    }

    /// Photos of `[3, s, s]` each to one row of `projection_dim` each, not normalised.
    pub(super) fn image_features(&self, photos: &[&[f32]]) -> Vec<Vec<f32>> {
        self.pass(|scratch| self.vision.forward(self.isa, photos, scratch))
    }

    /// Token ids to one row of `projection_dim` each, not normalised. The lengths may differ; none
    /// may be beyond the model's, and no id beyond its vocabulary.
    pub(super) fn text_features(&self, texts: &[&[u32]]) -> Vec<Vec<f32>> {
        self.pass(|scratch| self.text.forward(self.isa, texts, scratch))
    }

    fn pass<R: Send>(&self, run: impl FnOnce(&mut Scratch) -> R + Send) -> R {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = spare().pop().unwrap_or_default();
        // On a thread of the pool, where starting parallel work costs least.
        let result = rayon::scope(|_| run(&mut scratch));
        spare().push(scratch);
        result
    }
}

struct VisionTower {
    /// `[hidden, 3 × patch × patch]`: a convolution whose stride is its kernel is one product.
    patches: Matrix,
    class: View,
    positions: View,
    pre_norm: Norm,
    encoder: Encoder,
    post_norm: Norm,
    projection: Matrix,
    size: usize,
    patch: usize,
}

impl VisionTower {
    fn new(w: &Weights, config: &ModelConfig, precision: Precision) -> Result<Self, String> {
        let (c, out) = (&config.vision, config.projection_dim);
        let (d, p, side) = (c.hidden_size, c.patch_size, c.image_size / c.patch_size);
        let norm = |name: &str| Norm::new(w, &format!("vision_model.{name}"), d, c.layer_norm_eps);
        let embedding =
            |name: &str, shape: &[usize]| w.get(&format!("vision_model.embeddings.{name}"), shape);
        Ok(Self {
            patches: Matrix::new(embedding("patch_embedding.weight", &[d, 3, p, p])?, d, 3 * p * p),
            class: embedding("class_embedding", &[d])?,
            positions: embedding("position_embedding.weight", &[side * side + 1, d])?,
            // The misspelling is the checkpoint format's own.
            pre_norm: norm("pre_layrnorm")?,
            encoder: Encoder::new(w, "vision_model", &c.shape(), precision, false)?,
            post_norm: norm("post_layernorm")?,
            projection: Matrix::new(w.get("visual_projection.weight", &[out, d])?, out, d),
            size: c.image_size,
            patch: p,
        })
    }

    fn forward(&self, isa: Isa, photos: &[&[f32]], s: &mut Scratch) -> Vec<Vec<f32>> {
        let d = self.class.len();
        let patches = (self.size / self.patch).pow(2);
        let tokens = patches + 1;
        s.inner.reset(photos.len() * patches, 3 * self.patch * self.patch);
        s.inner.fill(|row, to| self.cut(photos[row / patches], row % patches, to));
        s.inner.prepare_all(isa, &self.patches);
        s.x.reset(photos.len() * tokens, d);
        for photo in 0..photos.len() {
            let row = s.x.row_mut(photo * tokens);
            row.copy_from_slice(&self.class);
            kernel::add(isa, &self.positions[..d], &vec![0.0; d], row);
        }
        let x = s.x.shared();
        self.patches.apply(isa, &s.inner, |row, cols, values| {
            let (photo, patch) = (row / patches, row % patches + 1);
            let position = &self.positions[patch * d..][cols.clone()];
            // SAFETY: each place of the product is finished once, and no two rows map to one.
            let to = unsafe { x.part(photo * tokens + patch, &cols) };
            to.copy_from_slice(values);
            to.iter_mut().zip(position).for_each(|(to, p)| *to += p);
        });
        self.pre_norm.apply(isa, &s.x, &mut s.normed);
        std::mem::swap(&mut s.x, &mut s.normed);
        let photos: Vec<Sequence> = (0..photos.len())
            .map(|i| Sequence { rows: i * tokens..(i + 1) * tokens, pooled: i * tokens })
            .collect();
        self.encoder.forward(isa, &photos, s);
        self.post_norm.apply(isa, &s.x, &mut s.normed);
        project(isa, &self.projection, &s.normed, &mut s.inner)
    }

    /// One patch of a photo, channel by channel, row by row.
    fn cut(&self, photo: &[f32], patch: usize, to: &mut [f32]) {
        let (p, across) = (self.patch, self.size / self.patch);
        let (top, left) = (patch / across * p, patch % across * p);
        for (line, to) in to.chunks_exact_mut(p).enumerate() {
            let (channel, y) = (line / p, top + line % p);
            let from = (channel * self.size + y) * self.size + left;
            to.copy_from_slice(&photo[from..from + p]);
        }
    }
}

struct TextTower {
    tokens: View,
    positions: View,
    encoder: Encoder,
    final_norm: Norm,
    projection: Matrix,
    eos: u32,
}

impl TextTower {
    fn new(w: &Weights, config: &ModelConfig, precision: Precision) -> Result<Self, String> {
        let (c, out) = (&config.text, config.projection_dim);
        let d = c.hidden_size;
        let embedding = |name: &str, rows: usize| {
            w.get(&format!("text_model.embeddings.{name}.weight"), &[rows, d])
        };
        Ok(Self {
            tokens: embedding("token_embedding", c.vocab_size)?,
            positions: embedding("position_embedding", c.max_position_embeddings)?,
            encoder: Encoder::new(w, "text_model", &c.shape(), precision, true)?,
            final_norm: Norm::new(w, "text_model.final_layer_norm", d, c.layer_norm_eps)?,
            projection: Matrix::new(w.get("text_projection.weight", &[out, d])?, out, d),
            eos: c.eos_token_id,
        })
    }

    fn forward(&self, isa: Isa, texts: &[&[u32]], s: &mut Scratch) -> Vec<Vec<f32>> {
        let d = self.encoder.width;
        s.x.reset(texts.iter().map(|t| t.len()).sum(), d);
        let mut sequences = Vec::with_capacity(texts.len());
        let mut begin = 0;
        for text in texts {
            for (place, &id) in text.iter().enumerate() {
                let row = s.x.row_mut(begin + place);
                row.copy_from_slice(&self.tokens[id as usize * d..][..d]);
                row.iter_mut().zip(&self.positions[place * d..]).for_each(|(x, p)| *x += p);
            }
            let pooled = begin + end_of_text(text, self.eos);
            sequences.push(Sequence { rows: begin..begin + text.len(), pooled });
            begin += text.len();
        }
        self.encoder.forward(isa, &sequences, s);
        self.final_norm.apply(isa, &s.x, &mut s.normed);
        project(isa, &self.projection, &s.normed, &mut s.inner)
    }
}

fn project(isa: Isa, projection: &Matrix, from: &Rows, to: &mut Rows) -> Vec<Vec<f32>> {
    to.reset(from.count(), projection.outputs());
    let rows = to.shared();
    projection.apply(isa, from, |row, cols, values| {
        // SAFETY: each place of the product is finished once.
        unsafe { rows.part(row, &cols) }.copy_from_slice(values);
    });
    (0..to.count()).map(|row| to.row(row).to_vec()).collect()
}

struct Norm {
    weight: View,
    bias: View,
    eps: f32,
}

impl Norm {
    fn new(w: &Weights, name: &str, width: usize, eps: f64) -> Result<Self, String> {
        Ok(Self {
            weight: w.get(&format!("{name}.weight"), &[width])?,
            bias: w.get(&format!("{name}.bias"), &[width])?,
            eps: eps as f32,
        })
    }

    fn apply(&self, isa: Isa, from: &Rows, to: &mut Rows) {
        to.reset(from.count(), self.weight.len());
        to.fill(|row, to| {
            kernel::layer_norm(isa, from.row(row), &self.weight, &self.bias, self.eps, to);
        });
    }
}

/// One photo's or text's rows in the stream.
struct Sequence {
    rows: Range<usize>,
    /// The row that the tower's result is taken from.
    pooled: usize,
}

struct Encoder {
    blocks: Vec<Block>,
    width: usize,
    heads: usize,
    act: Activation,
    causal: bool,
}

impl Encoder {
    fn new(
        w: &Weights,
        tower: &str,
        s: &Shape,
        precision: Precision,
        causal: bool,
    ) -> Result<Self, String> {
        let block = |i| Block::new(w, &format!("{tower}.encoder.layers.{i}"), s, precision);
        let mut blocks = (0..s.layers).map(block).collect::<Result<Vec<_>, _>>()?;
        Matrix::gather(blocks.iter_mut().flat_map(Block::matrices));
        Ok(Self { blocks, width: s.width, heads: s.heads, act: s.act, causal })
    }

    /// Leaves in `s.x` one row a sequence, the pooled one.
    fn forward(&self, isa: Isa, sequences: &[Sequence], s: &mut Scratch) {
        let pooled: Vec<usize> = sequences.iter().map(|s| s.pooled).collect();
        for (i, block) in self.blocks.iter().enumerate() {
            let last = i + 1 == self.blocks.len();
            block.norm1.apply(isa, &s.x, &mut s.normed);
            s.normed.prepare(isa, &block.q.weight, sequences.iter().map(|s| s.rows.clone()));
            s.mixed.reset(if last { pooled.len() } else { s.x.count() }, self.width);
            self.attend(isa, block, sequences, last, &s.normed, &s.mixed.shared());
            if last {
                s.x.keep(&pooled);
            }
            s.mixed.prepare_all(isa, &block.out.weight);
            let x = s.x.shared();
            block.out.weight.apply(isa, &s.mixed, |row, cols, values| {
                // SAFETY: each place of the product is finished once.
                let to = unsafe { x.part(row, &cols) };
                kernel::add(isa, values, &block.out.bias[cols], to);
            });
            block.norm2.apply(isa, &s.x, &mut s.normed);
            s.normed.prepare_all(isa, &block.fc1.weight);
            s.inner.reset(s.x.count(), block.fc1.weight.outputs());
            let inner = s.inner.shared();
            block.fc1.weight.apply(isa, &s.normed, |row, cols, values| {
                // SAFETY: each place of the product is finished once.
                let to = unsafe { inner.part(row, &cols) };
                kernel::activate(isa, self.act, values, &block.fc1.bias[cols], to);
            });
            s.inner.prepare_all(isa, &block.fc2.weight);
            let x = s.x.shared();
            block.fc2.weight.apply(isa, &s.inner, |row, cols, values| {
                // SAFETY: each place of the product is finished once.
                let to = unsafe { x.part(row, &cols) };
                kernel::add(isa, values, &block.fc2.bias[cols], to);
            });
        }
        if self.blocks.is_empty() {
            s.x.keep(&pooled);
        }
    }

    /// Attention of every head in every sequence, to `mixed`; of the pooled rows only in the
    /// last block.
    fn attend(
        &self,
        isa: Isa,
        block: &Block,
        sequences: &[Sequence],
        last: bool,
        normed: &Rows,
        mixed: &Shared,
    ) {
        let n = sequences.len();
        // Neighbours in this order share a head's weights.
        (0..n * self.heads).into_par_iter().with_max_len(1).for_each(|task| {
            let (head, number) = (task / n, task % n);
            let sequence = &sequences[number];
            let (queries, first) = if last {
                (sequence.pooled..sequence.pooled + 1, number)
            } else {
                (sequence.rows.clone(), sequence.rows.start)
            };
            let job = Head { isa, block, normed, head, width: self.width / self.heads };
            job.attend(&sequence.rows, queries, self.causal, first, mixed);
        });
    }
}

struct Linear {
    weight: Matrix,
    bias: View,
}

impl Linear {
    /// Of the blocks' dense layers; `part` outputs are computed together.
    fn new(
        w: &Weights,
        name: &str,
        (outputs, inputs): (usize, usize),
        part: usize,
        precision: Precision,
    ) -> Result<Self, String> {
        let weight = w.get(&format!("{name}.weight"), &[outputs, inputs])?;
        let weight = match precision {
            Precision::F32 => Matrix::new(weight, outputs, inputs),
            Precision::Int8 => Matrix::eight(&weight, outputs, inputs, part),
        };
        Ok(Self { weight, bias: w.get(&format!("{name}.bias"), &[outputs])? })
    }
}

struct Block {
    norm1: Norm,
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    fn new(w: &Weights, name: &str, s: &Shape, precision: Precision) -> Result<Self, String> {
        let d = s.width;
        let norm = |part: &str| Norm::new(w, &format!("{name}.{part}"), d, s.eps);
        let linear = |layer: &str, outputs, inputs, part| {
            Linear::new(w, &format!("{name}.{layer}"), (outputs, inputs), part, precision)
        };
        let head = d / s.heads;
        Ok(Self {
            norm1: norm("layer_norm1")?,
            q: linear("self_attn.q_proj", d, d, head)?,
            k: linear("self_attn.k_proj", d, d, head)?,
            v: linear("self_attn.v_proj", d, d, head)?,
            out: linear("self_attn.out_proj", d, d, d)?,
            norm2: norm("layer_norm2")?,
            fc1: linear("mlp.fc1", s.inner, d, s.inner)?,
            fc2: linear("mlp.fc2", d, s.inner, d)?,
        })
    }

    /// In the order they are read.
    fn matrices(&mut self) -> [&mut Matrix; 6] {
        let Self { q, k, v, out, fc1, fc2, .. } = self;
        [q, k, v, out, fc1, fc2].map(|linear| &mut linear.weight)
    }
}

/// One head's work on one sequence, small enough for the inner caches.
struct Head<'a> {
    isa: Isa,
    block: &'a Block,
    normed: &'a Rows,
    head: usize,
    width: usize,
}

impl Head<'_> {
    /// `queries` are rows of the stream within `rows`; `first` is where the first one's result
    /// goes in `mixed`.
    fn attend(
        &self,
        rows: &Range<usize>,
        queries: Range<usize>,
        causal: bool,
        first: usize,
        mixed: &Shared,
    ) {
        let (isa, width, tokens) = (self.isa, self.width, rows.len());
        let sizes = [queries.len() * width, tokens * width, tokens * width];
        kernel::with_buffer(sizes.iter().sum::<usize>() + queries.len() * tokens, |buffer| {
            let (q, buffer) = buffer.split_at_mut(sizes[0]);
            let (k, buffer) = buffer.split_at_mut(sizes[1]);
            let (v, scores) = buffer.split_at_mut(sizes[2]);
            self.project(&self.block.q, queries.clone(), (width as f32).powf(-0.5), q);
            self.project(&self.block.k, rows.clone(), 1.0, k);
            self.project(&self.block.v, rows.clone(), 1.0, v);
            let grid = |values, rows| Grid { values, stride: width, rows };
            kernel::product(isa, &grid(q, queries.len()), &grid(k, tokens), width, scores);
            let cols = self.head * width..(self.head + 1) * width;
            for (i, scores) in scores.chunks_exact_mut(tokens).enumerate() {
                let seen = if causal { queries.start + i + 1 - rows.start } else { tokens };
                let scores = &mut scores[..seen];
                kernel::softmax(isa, scores);
                // SAFETY: a head's columns of a sequence's rows belong to this task alone.
                let to = unsafe { mixed.part(first + i, &cols) };
                kernel::mix(isa, scores, &v[..seen * width], to);
            }
        });
    }

    /// This head's part of q, k or v, times `scale`.
    fn project(&self, linear: &Linear, rows: Range<usize>, scale: f32, out: &mut [f32]) {
        let cols = self.head * self.width..(self.head + 1) * self.width;
        linear.weight.product(self.isa, self.normed, rows, cols.clone(), out);
        for row in out.chunks_exact_mut(self.width) {
            for (x, b) in row.iter_mut().zip(&linear.bias[cols.clone()]) {
                *x = (*x + b) * scale;
            }
        }
    }
}
