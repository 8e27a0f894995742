//! What a model is computed with: the CPU's own towers, or candle's for GPUs.

use std::sync::Arc;

use candle_core::Device;
use serde::Deserialize;

use super::kernel::Isa;
use super::model::ModelConfig;
use super::weights::{Bytes, Weights};
use super::{ClipError, candle, tower};

/// How the CPU's towers compute their dense layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    #[default]
    F32,
    /// Weights with a scale per output, activations with one per row; fast where the processor
    /// has AVX-512 VNNI.
    Int8,
}

/// Which towers compute, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The CPU's own towers.
    Own { isa: Isa, precision: Precision },
    /// candle's: on the GPU in a build with the feature `cuda` or `metal`, else the CPU.
    Candle,
}

impl Engine {
    /// The GPU in a build for one, else the CPU's fastest instructions.
    pub fn with(precision: Precision) -> Self {
        if cfg!(any(feature = "cuda", feature = "metal")) {
            Self::Candle
        } else {
            Self::Own { isa: Isa::best(), precision }
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::with(Precision::default())
    }
}

/// Both towers of a model.
pub(super) enum Towers {
    Own(Box<tower::Towers>),
    Candle(Box<candle::Towers>),
}

impl Towers {
    /// # Errors
    /// What is wrong with the weights, or that there is no GPU.
    pub(super) fn load(
        bytes: &Arc<Bytes>,
        config: &ModelConfig,
        engine: Engine,
    ) -> Result<Self, String> {
        match engine {
            Engine::Own { isa, precision } => {
                let weights = Weights::read(Arc::clone(bytes))?;
                Ok(Self::Own(Box::new(tower::Towers::new(&weights, config, isa, precision)?)))
            }
            Engine::Candle => {
                let device = device().map_err(|e| e.to_string())?;
                let towers =
                    candle::Towers::new(bytes, config, &device).map_err(|e| e.to_string())?;
                Ok(Self::Candle(Box::new(towers)))
            }
        }
    }

    /// Photos of `[3, s, s]` to one row of `projection_dim` each, not normalised.
    pub(super) fn photos(
        &self,
        photos: &[&[f32]],
        config: &ModelConfig,
    ) -> Result<Vec<Vec<f32>>, ClipError> {
        match self {
            Self::Own(towers) => Ok(towers.image_features(photos)),
            Self::Candle(towers) => Ok(towers.image_features(photos, config.vision.image_size)?),
        }
    }

    /// Token ids, in ascending order of length, to one row of `projection_dim` each, not
    /// normalised.
    pub(super) fn texts(
        &self,
        texts: &[&[u32]],
        config: &ModelConfig,
    ) -> Result<Vec<Vec<f32>>, ClipError> {
        match self {
            Self::Own(towers) => Ok(towers.text_features(texts)),
            // candle's take one length a pass, so that a long text does not pad the short ones.
            Self::Candle(towers) => {
                let mut all = Vec::with_capacity(texts.len());
                for group in texts.chunk_by(|a, b| a.len() == b.len()) {
                    all.extend(towers.text_features(group, &config.text)?);
                }
                Ok(all)
            }
        }
    }
}

fn device() -> candle_core::Result<Device> {
    if cfg!(feature = "cuda") {
        Device::new_cuda(0)
    } else if cfg!(feature = "metal") {
        Device::new_metal(0)
    } else {
        Ok(Device::Cpu)
    }
}
