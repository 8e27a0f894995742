//! A checkpoint's tensors as f32 slices: straight from the memory map where the file holds f32,
//! converted once where it holds f16 or bf16.

use std::ops::{Deref, Range};
use std::sync::Arc;

use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata};

/// The bytes of a `model.safetensors`.
pub(super) enum Bytes {
    Map(Mmap),
    #[cfg_attr(not(feature = "mini"), expect(dead_code, reason = "only `mini` is compiled in"))]
    Static(&'static [u8]),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Map(map) => map,
            Self::Static(bytes) => bytes,
        }
    }
}

/// A checkpoint whose header has been read.
pub(super) struct Weights {
    bytes: Arc<Bytes>,
    /// Where the tensors begin in `bytes`.
    start: usize,
    metadata: Metadata,
}

impl Weights {
    /// # Errors
    /// What is wrong with the file's header or length.
    pub(super) fn read(bytes: Arc<Bytes>) -> Result<Self, String> {
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| e.to_string())?;
        Ok(Self { bytes, start: header + size_of::<u64>(), metadata })
    }

    /// The tensor of that name, which must have this shape.
    ///
    /// # Errors
    /// The tensor's name and what is wrong with it.
    pub(super) fn get(&self, name: &str, shape: &[usize]) -> Result<View, String> {
        let info = self.metadata.info(name).ok_or_else(|| format!("it has no tensor {name}"))?;
        if info.shape != shape {
            return Err(format!("{name} has shape {:?}, not {shape:?}", info.shape));
        }
        let (begin, end) = info.data_offsets;
        let range = self.start + begin..self.start + end;
        let bytes = self.bytes.get(range.clone()).ok_or_else(|| format!("{name} is cut off"))?;
        let owned = match info.dtype {
            Dtype::F32 if bytemuck::try_cast_slice::<u8, f32>(bytes).is_ok() => {
                return Ok(View(Held::Mapped(Arc::clone(&self.bytes), range)));
            }
            // A file may put its tensors at odd addresses.
            Dtype::F32 => convert(bytes, f32::from_le_bytes),
            Dtype::F16 => convert(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => convert(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F64 => convert(bytes, |b| f64::from_le_bytes(b) as f32),
            other => return Err(format!("{name} is of type {other:?}, not a float")),
        };
        Ok(View(Held::Owned(owned)))
    }
}

fn convert<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|chunk| value(*chunk)).collect()
}

/// One tensor's values, row by row.
pub(super) struct View(Held);

enum Held {
    Mapped(Arc<Bytes>, Range<usize>),
    Owned(Vec<f32>),
}

impl Deref for View {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.0 {
            // `Weights::get` has seen this very range be aligned.
            Held::Mapped(bytes, range) => bytemuck::cast_slice(&bytes[range.clone()]),
            Held::Owned(values) => values,
        }
    }
}

impl From<Vec<f32>> for View {
    fn from(values: Vec<f32>) -> Self {
        Self(Held::Owned(values))
    }
}
