//! The two towers, computed with candle.
//!
//! What GPUs run, and what the CPU's own towers ([`super::tower`]) are measured and tested
//! against. The architecture is `CLIPModel` of `transformers`: pre-norm transformers, a ViT with
//! a class token for photos and a causal one for texts, each pooled to one token and projected.

use candle_core::{D, DType, Device, IndexOp, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module, VarBuilder, ops::softmax_last_dim};

use super::model::{Activation, ModelConfig, Shape, TextConfig, end_of_text};

impl Activation {
    fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::QuickGelu => x * candle_nn::ops::sigmoid(&(x * 1.702f64)?)?,
            Self::Gelu => x.gelu_erf(),
            Self::GeluPytorchTanh => x.gelu(),
        }
    }
}

/// Both towers with their projections.
pub(super) struct Towers {
    vision: VisionTower,
    text: TextTower,
}

impl Towers {
    /// Copies a checkpoint to the device.
    pub(super) fn new(weights: &[u8], config: &ModelConfig, device: &Device) -> Result<Self> {
        let vars = &VarBuilder::from_slice_safetensors(weights, DType::F32, device)?;
        Ok(Self { vision: VisionTower::new(vars, config)?, text: TextTower::new(vars, config)? })
    }

    /// Photos of `[3, s, s]` to one row of `projection_dim` each, not normalised.
    pub(super) fn image_features(&self, photos: &[&[f32]], side: usize) -> Result<Vec<Vec<f32>>> {
        let pixels =
            Tensor::from_vec(photos.concat(), (photos.len(), 3, side, side), self.device())?;
        self.vision.forward(&pixels)?.to_vec2()
    }

    /// Token ids of one length to one row of `projection_dim` each, not normalised.
    pub(super) fn text_features(
        &self,
        rows: &[&[u32]],
        config: &TextConfig,
    ) -> Result<Vec<Vec<f32>>> {
        self.text.forward(rows, config)?.to_vec2()
    }

    fn device(&self) -> &Device {
        self.text.tokens.device()
    }
}

struct VisionTower {
    /// `[hidden, 3 × patch × patch]`: a convolution whose stride is its kernel is one product.
    patches: Linear,
    class: Tensor,
    positions: Tensor,
    pre_norm: LayerNorm,
    encoder: Encoder,
    post_norm: LayerNorm,
    projection: Linear,
    patch: usize,
}

impl VisionTower {
    fn new(vars: &VarBuilder, config: &ModelConfig) -> Result<Self> {
        let c = &config.vision;
        let vb = vars.pp("vision_model");
        let (d, p, side) = (c.hidden_size, c.patch_size, c.image_size / c.patch_size);
        let shape = c.shape();
        let embeddings = vb.pp("embeddings");
        let kernel = embeddings.get((d, 3, p, p), "patch_embedding.weight")?;
        Ok(Self {
            patches: Linear::new(kernel.reshape((d, 3 * p * p))?, None),
            class: embeddings.get(d, "class_embedding")?.reshape((1, 1, d))?,
            positions: embeddings.get((side * side + 1, d), "position_embedding.weight")?,
            // The misspelling is the checkpoint format's own.
            pre_norm: candle_nn::layer_norm(d, c.layer_norm_eps, vb.pp("pre_layrnorm"))?,
            encoder: Encoder::new(&vb, &shape)?,
            post_norm: candle_nn::layer_norm(d, c.layer_norm_eps, vb.pp("post_layernorm"))?,
            projection: candle_nn::linear_no_bias(
                d,
                config.projection_dim,
                vars.pp("visual_projection"),
            )?,
            patch: p,
        })
    }

    fn forward(&self, pixels: &Tensor) -> Result<Tensor> {
        let (n, channels, height, width) = pixels.dims4()?;
        let p = self.patch;
        let (rows, cols) = (height / p, width / p);
        // [n, 3, rows × p, cols × p] to [n, rows × cols, 3 × p × p]
        let patches = pixels
            .i((.., .., ..rows * p, ..cols * p))?
            .contiguous()?
            .reshape(&[n, channels, rows, p, cols, p])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .contiguous()?
            .reshape((n, rows * cols, channels * p * p))?;
        let patches = self.patches.forward(&patches)?;
        let class = self.class.broadcast_as((n, 1, patches.dim(D::Minus1)?))?;
        let x =
            Tensor::cat(&[&class.contiguous()?, &patches], 1)?.broadcast_add(&self.positions)?;
        let x = self.encoder.forward(&self.pre_norm.forward(&x)?, None)?;
        let pooled = self.post_norm.forward(&x.i((.., 0, ..))?.contiguous()?)?;
        self.projection.forward(&pooled)
    }
}

struct TextTower {
    tokens: Tensor,
    positions: Tensor,
    encoder: Encoder,
    final_norm: LayerNorm,
    projection: Linear,
}

impl TextTower {
    fn new(vars: &VarBuilder, config: &ModelConfig) -> Result<Self> {
        let c = &config.text;
        let vb = vars.pp("text_model");
        let (d, embeddings) = (c.hidden_size, vb.pp("embeddings"));
        let shape = c.shape();
        Ok(Self {
            tokens: embeddings.get((c.vocab_size, d), "token_embedding.weight")?,
            positions: embeddings
                .get((c.max_position_embeddings, d), "position_embedding.weight")?,
            encoder: Encoder::new(&vb, &shape)?,
            final_norm: candle_nn::layer_norm(d, c.layer_norm_eps, vb.pp("final_layer_norm"))?,
            projection: candle_nn::linear_no_bias(
                d,
                config.projection_dim,
                vars.pp("text_projection"),
            )?,
        })
    }

    fn forward(&self, rows: &[&[u32]], config: &TextConfig) -> Result<Tensor> {
        let length = rows.first().map_or(0, |r| r.len());
        let ends: Vec<usize> = rows.iter().map(|r| end_of_text(r, config.eos_token_id)).collect();
        let flat = Tensor::from_vec(rows.concat(), rows.len() * length, self.tokens.device())?;
        let x = self
            .tokens
            .index_select(&flat, 0)?
            .reshape((rows.len(), length, ()))?
            .broadcast_add(&self.positions.narrow(0, 0, length)?)?;
        let x = self.encoder.forward(&x, Some(&causal_mask(length, self.tokens.device())?))?;
        let pooled: Vec<Tensor> =
            ends.iter().enumerate().map(|(row, &end)| x.i((row, end))).collect::<Result<_>>()?;
        let pooled = self.final_norm.forward(&Tensor::stack(&pooled, 0)?)?;
        self.projection.forward(&pooled)
    }
}

/// `[n, n]`, 0 where a token may look and a very low number where it may not.
fn causal_mask(n: usize, device: &Device) -> Result<Tensor> {
    let mask: Vec<f32> =
        (0..n * n).map(|at| if at % n > at / n { f32::MIN } else { 0.0 }).collect();
    Tensor::from_vec(mask, (n, n), device)
}

struct Encoder {
    blocks: Vec<Block>,
}

impl Encoder {
    fn new(vb: &VarBuilder, shape: &Shape) -> Result<Self> {
        let layers = vb.pp("encoder.layers");
        let blocks =
            (0..shape.layers).map(|i| Block::new(&layers.pp(i), shape)).collect::<Result<_>>()?;
        Ok(Self { blocks })
    }

    fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        self.blocks.iter().try_fold(x.clone(), |x, block| block.forward(&x, mask))
    }
}

struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    out: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    act: Activation,
}

impl Block {
    fn new(vb: &VarBuilder, s: &Shape) -> Result<Self> {
        let (d, attention) = (s.width, vb.pp("self_attn"));
        Ok(Self {
            norm1: candle_nn::layer_norm(d, s.eps, vb.pp("layer_norm1"))?,
            qkv: fused_qkv(&attention, d, s.heads)?,
            out: candle_nn::linear(d, d, attention.pp("out_proj"))?,
            norm2: candle_nn::layer_norm(d, s.eps, vb.pp("layer_norm2"))?,
            fc1: candle_nn::linear(d, s.inner, vb.pp("mlp.fc1"))?,
            fc2: candle_nn::linear(s.inner, d, vb.pp("mlp.fc2"))?,
            heads: s.heads,
            act: s.act,
        })
    }

    fn forward(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let x = (x + self.attention(&self.norm1.forward(x)?, mask)?)?;
        let inner = self.act.apply(&self.fc1.forward(&self.norm2.forward(&x)?)?)?;
        &x + self.fc2.forward(&inner)?
    }

    fn attention(&self, x: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let (n, tokens, d) = x.dims3()?;
        // [n, tokens, 3 × d] to [3, n, heads, tokens, d / heads]
        let qkv = self
            .qkv
            .forward(x)?
            .reshape((n, tokens, 3, self.heads, d / self.heads))?
            .permute((2, 0, 3, 1, 4))?
            .contiguous()?;
        let (q, k, v) = (qkv.i(0)?, qkv.i(1)?, qkv.i(2)?);
        let scores = q.matmul(&k.t()?)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let mixed = softmax_last_dim(&scores)?.matmul(&v)?;
        self.out.forward(&mixed.transpose(1, 2)?.contiguous()?.reshape((n, tokens, d))?)
    }
}

/// The three projections as one, with attention's scale folded into q.
fn fused_qkv(vb: &VarBuilder, d: usize, heads: usize) -> Result<Linear> {
    let scale = ((d / heads) as f64).powf(-0.5);
    let part = |name: &str| -> Result<(Tensor, Tensor)> {
        let vb = vb.pp(name);
        Ok((vb.get((d, d), "weight")?, vb.get(d, "bias")?))
    };
    let ((qw, qb), (kw, kb), (vw, vb)) = (part("q_proj")?, part("k_proj")?, part("v_proj")?);
    let weight = Tensor::cat(&[&(qw * scale)?, &kw, &vw], 0)?;
    let bias = Tensor::cat(&[&(qb * scale)?, &kb, &vb], 0)?;
    debug_assert_eq!(weight.dtype(), DType::F32);
    Ok(Linear::new(weight, Some(bias)))
}
