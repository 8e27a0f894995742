//! `config.json`: a CLIP's shape.

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

/// What both towers' transformers have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub width: usize,
    pub inner: usize,
    pub heads: usize,
    pub layers: usize,
    pub act: Activation,
    pub eps: f64,
}

macro_rules! shaped {
    ($config:ty) => {
        impl $config {
            pub(super) fn shape(&self) -> Shape {
                Shape {
                    width: self.hidden_size,
                    inner: self.intermediate_size,
                    heads: self.num_attention_heads,
                    layers: self.num_hidden_layers,
                    act: self.hidden_act,
                    eps: self.layer_norm_eps,
                }
            }
        }
    };
}

shaped!(TextConfig);
shaped!(VisionConfig);

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

/// Where a text is pooled. As in `transformers`, a config with end token 2 (OpenAI's own, where
/// the value is a leftover) means the highest id, any other the end token's first place.
pub(super) fn end_of_text(ids: &[u32], eos: u32) -> usize {
    let highest = || {
        let top = ids.iter().max();
        ids.iter().position(|id| Some(id) == top).unwrap_or(0)
    };
    if eos == 2 { highest() } else { ids.iter().position(|&id| id == eos).unwrap_or(0) }
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
