//! A checkpoint's tensors as f32 slices: straight from the memory map where the file holds f32,
//! converted once where it holds f16 or bf16.

use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use half::{bf16, f16};
use memmap2::{Mmap, MmapMut};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata};

/// The bytes of a `model.safetensors`.
pub(super) enum Bytes {
    Map {
        file: Mmap,
        /// The same bytes in huge pages, which the towers' walk over all weights finds faster.
        huge: OnceLock<Mmap>,
    },
    #[cfg_attr(not(feature = "mini"), expect(dead_code, reason = "only `mini` is compiled in"))]
    Static(&'static [u8]),
}

impl Bytes {
    pub(super) fn map(file: Mmap) -> Self {
        Self::Map { file, huge: OnceLock::new() }
    }

    /// Copies a mapped file into huge pages, which all that is read from now on comes from. False where
    /// there is no mapped file, or the system has no such pages.
    pub(super) fn to_huge_pages(&self) -> bool {
        let Self::Map { file, huge } = self else { return false };
        if huge.get().is_some() {
            return true;
        }
        let copied = huge_pages(file.len()).and_then(|mut pages| {
            pages.copy_from_slice(file);
            pages.make_read_only().ok()
        });
        copied.is_some_and(|copied| huge.set(copied).is_ok())
    }
}

/// Memory of so many bytes in huge pages, where the system has such and room for them; it may still
/// give small ones.
#[cfg(target_os = "linux")]
pub(super) fn huge_pages(length: usize) -> Option<MmapMut> {
    let pages = MmapMut::map_anon(length).ok()?;
    pages.advise(memmap2::Advice::HugePage).ok()?;
    Some(pages)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn huge_pages(_: usize) -> Option<MmapMut> {
    None
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Map { file, huge } => huge.get().unwrap_or(file),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_hold_the_same() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..5_000_000u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &content).unwrap();
        // SAFETY: nobody else knows this file.
        let bytes = Bytes::map(unsafe { Mmap::map(file.as_file()) }.unwrap());
        assert_eq!(bytes.to_huge_pages(), cfg!(target_os = "linux"));
        assert_eq!(bytes.to_huge_pages(), cfg!(target_os = "linux"));
        assert!(*bytes == *content);
        assert!(!Bytes::Static(&[1, 2]).to_huge_pages());
    }
}
