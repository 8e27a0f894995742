//! The two towers, computed with candle.
//!
//! The architecture is `CLIPModel` of `transformers`: pre-norm transformers, a ViT with a
//! class token for photos and a causal one for texts, each pooled to one token and
//! projected. Beside `candle_transformers::models::clip` it takes q, k and v in one
//! product, knows both GELUs, `layer_norm_eps`, and both ways of finding the text's end
//! token, so fine-tunes and re-trainings load as well as OpenAI's own checkpoints.

use candle_core::{D, DType, Device, IndexOp, Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module, VarBuilder, ops::softmax_last_dim};
use serde::Deserialize;

/// `config.json`; what it leaves out has the value `CLIPConfig` of `transformers` gives it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ModelConfig {
    #[serde(default = "default_projection", deserialize_with = "or_default_projection")]
    pub projection_dim: usize,
    #[serde(default, rename = "text_config")]
    pub text: TextConfig,
    #[serde(default, rename = "vision_config")]
    pub vision: VisionConfig,
    /// Older checkpoints repeat a tower here; `transformers` lets the repetition win.
    #[serde(default, rename = "text_config_dict")]
    text_override: Option<TextConfig>,
    #[serde(default, rename = "vision_config_dict")]
    vision_override: Option<VisionConfig>,
}

fn default_projection() -> usize {
    512
}

fn or_default_projection<'de, D: serde::Deserializer<'de>>(
    d: D,
) -> std::result::Result<usize, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_else(default_projection))
}

/// The text tower's shape.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct TextConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub max_position_embeddings: usize,
    pub hidden_act: Activation,
    pub layer_norm_eps: f64,
    pub eos_token_id: u32,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 49408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
            eos_token_id: 49407,
        }
    }
}

/// The image tower's shape.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct VisionConfig {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_channels: usize,
    /// Side of the square the tower sees, in pixels.
    pub image_size: usize,
    /// Side of one patch, in pixels.
    pub patch_size: usize,
    pub hidden_act: Activation,
    pub layer_norm_eps: f64,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 32,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        }
    }
}

/// The activation between a block's two dense layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x × sigmoid(1.702 x)`
    QuickGelu,
    /// The exact GELU.
    Gelu,
    /// The GELU by tanh.
    #[serde(alias = "gelu_new")]
    GeluPytorchTanh,
}

impl Activation {
    fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::QuickGelu => x * candle_nn::ops::sigmoid(&(x * 1.702f64)?)?,
            Self::Gelu => x.gelu_erf(),
            Self::GeluPytorchTanh => x.gelu(),
        }
    }
}

impl ModelConfig {
    /// Reads `config.json` and refuses shapes that cannot be a CLIP.
    pub(super) fn parse(json: &[u8]) -> std::result::Result<Self, String> {
        let mut config: Self = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        if let Some(text) = config.text_override.take() {
            config.text = text;
        }
        if let Some(vision) = config.vision_override.take() {
            config.vision = vision;
        }
        let (t, v) = (&config.text, &config.vision);
        let sizes = [
            config.projection_dim,
            t.vocab_size,
            t.hidden_size,
            t.intermediate_size,
            t.num_attention_heads,
            v.hidden_size,
            v.intermediate_size,
            v.num_attention_heads,
            v.image_size,
            v.patch_size,
        ];
        if sizes.contains(&0) {
            return Err("a size in it is zero".into());
        }
        if sizes.iter().any(|s| *s > 1 << 20) {
            return Err("a size in it is beyond any CLIP".into());
        }
        if t.max_position_embeddings < 3 {
            return Err("max_position_embeddings must be at least 3".into());
        }
        if v.num_channels != 3 {
            return Err(format!("num_channels is {}, photos have 3", v.num_channels));
        }
        if v.patch_size > v.image_size {
            return Err("patch_size is larger than image_size".into());
        }
        for (tower, width, heads) in [
            ("text", t.hidden_size, t.num_attention_heads),
            ("vision", v.hidden_size, v.num_attention_heads),
        ] {
            if !width.is_multiple_of(heads) {
                return Err(format!(
                    "{tower}: hidden_size {width} does not divide by {heads} heads"
                ));
            }
        }
        Ok(config)
    }
}

/// The transformer's shape as either tower's config gives it.
macro_rules! shape_of {
    ($config:expr) => {
        Shape {
            width: $config.hidden_size,
            inner: $config.intermediate_size,
            heads: $config.num_attention_heads,
            layers: $config.num_hidden_layers,
            act: $config.hidden_act,
            eps: $config.layer_norm_eps,
        }
    };
}

/// Both towers with their projections.
pub(super) struct Towers {
    vision: VisionTower,
    text: TextTower,
}

impl Towers {
    pub(super) fn new(vars: &VarBuilder, config: &ModelConfig) -> Result<Self> {
        Ok(Self { vision: VisionTower::new(vars, config)?, text: TextTower::new(vars, config)? })
    }

    /// `[n, 3, s, s]` to `[n, projection_dim]`, not normalised.
    pub(super) fn image_features(&self, pixels: &Tensor) -> Result<Tensor> {
        self.vision.forward(pixels)
    }

    /// Rows of token ids of one length to `[n, projection_dim]`, not normalised.
    pub(super) fn text_features(&self, rows: &[&[u32]], config: &TextConfig) -> Result<Tensor> {
        self.text.forward(rows, config)
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
        let shape = shape_of!(c);
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
        let shape = shape_of!(c);
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
        let flat = Tensor::from_vec(rows.concat(), rows.len() * length, &Device::Cpu)?;
        let x = self
            .tokens
            .index_select(&flat, 0)?
            .reshape((rows.len(), length, ()))?
            .broadcast_add(&self.positions.narrow(0, 0, length)?)?;
        let x = self.encoder.forward(&x, Some(&causal_mask(length)?))?;
        let pooled: Vec<Tensor> =
            ends.iter().enumerate().map(|(row, &end)| x.i((row, end))).collect::<Result<_>>()?;
        let pooled = self.final_norm.forward(&Tensor::stack(&pooled, 0)?)?;
        self.projection.forward(&pooled)
    }
}

/// Where a text is pooled. As in `transformers`, a config with end token 2 (OpenAI's own, where
/// the value is a leftover) means the highest id, any other the end token's first place.
fn end_of_text(ids: &[u32], eos: u32) -> usize {
    let highest = || {
        let top = ids.iter().max();
        ids.iter().position(|id| Some(id) == top).unwrap_or(0)
    };
    if eos == 2 { highest() } else { ids.iter().position(|&id| id == eos).unwrap_or(0) }
}

/// `[n, n]`, 0 where a token may look and a very low number where it may not.
fn causal_mask(n: usize) -> Result<Tensor> {
    let mask: Vec<f32> =
        (0..n * n).map(|at| if at % n > at / n { f32::MIN } else { 0.0 }).collect();
    Tensor::from_vec(mask, (n, n), &Device::Cpu)
}

struct Shape {
    width: usize,
    inner: usize,
    heads: usize,
    layers: usize,
    act: Activation,
    eps: f64,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_is_vit_base_patch32() {
        let c = ModelConfig::parse(b"{}").unwrap();
        assert_eq!((c.projection_dim, c.vision.patch_size, c.text.vocab_size), (512, 32, 49408));
        let c = ModelConfig::parse(br#"{"projection_dim":null,"text_config":{"hidden_size":64}}"#);
        assert_eq!(c.unwrap().text.hidden_size, 64);
    }

    #[test]
    fn impossible_shapes_are_refused_by_name() {
        for (json, word) in [
            (r#"{"vision_config":{"hidden_size":10,"num_attention_heads":3}}"#, "vision"),
            (r#"{"text_config":{"vocab_size":0}}"#, "zero"),
            (r#"{"vision_config":{"patch_size":512}}"#, "patch_size"),
            (r#"{"vision_config":{"num_channels":1}}"#, "num_channels"),
            (r#"{"vision_config":{"hidden_act":"relu6"}}"#, "relu6"),
            ("[", "EOF"),
        ] {
            let reason = ModelConfig::parse(json.as_bytes()).unwrap_err();
            assert!(reason.contains(word), "{json}: {reason}");
        }
    }

    #[test]
    fn the_end_of_a_text_is_found_both_ways() {
        assert_eq!(end_of_text(&[8, 3, 9, 9], 2), 2);
        assert_eq!(end_of_text(&[8, 3, 7, 9], 7), 2);
        assert_eq!(end_of_text(&[], 7), 0);
    }
}
