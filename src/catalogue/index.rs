//! Nearest vectors: arroy's trees, and an exact scan over what is not in them yet.
//!
//! A vector is written to the `flat` table in the transaction of its image, so the very next
//! search sees it. [`rebuild`] moves the flat vectors into the trees once there are enough
//! of them to matter. Removed images leave the trees at the same moment and are skipped
//! until then.

use std::num::NonZeroUsize;

use arroy::distances::Cosine;
use heed::{RoTxn, RwTxn};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rayon::prelude::*;

use super::CatalogueError;
use super::product::ImageId;
use super::store::Tables;
use crate::clip::dot;

/// So many vectors are scanned in well under a millisecond, so a catalogue up to this size
/// has no trees at all and every answer is exact.
pub(super) const FLAT: u64 = 4096;
/// Above that, the trees are rebuilt when an eighth of the catalogue is not in them.
const FLAT_SHARE: u64 = 8;
/// Tree nodes looked at per wanted image and tree; `tests/catalogue.rs` holds the recall.
const EFFORT: usize = 20;
const SEED: u64 = 0x6d61_6770_6965;
const INDEX: u16 = 0;

/// Writes the vector of a new image.
pub(super) fn add(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    id: ImageId,
    vector: &[f32],
) -> Result<(), CatalogueError> {
    Ok(tables.flat.put(txn, &id, &bytes(vector))?)
}

/// A vector as it is stored.
pub(super) fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Gives a forgotten image its vector back.
pub(super) fn bring_back(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    id: ImageId,
    stored: &[u8],
) -> Result<(), CatalogueError> {
    // One that still stands in the trees would be found twice if it were in `flat` as well.
    if !tables.gone.delete(txn, &id)? {
        tables.flat.put(txn, &id, stored)?;
    }
    Ok(())
}

/// Forgets the vector of an image.
pub(super) fn remove(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    id: ImageId,
) -> Result<(), CatalogueError> {
    if !tables.flat.delete(txn, &id)? {
        tables.gone.put(txn, &id, &())?;
    }
    Ok(())
}

/// Whether [`rebuild`] is worth its time now.
pub(super) fn due(tables: &Tables, txn: &RoTxn<'_>) -> Result<bool, CatalogueError> {
    let limit = FLAT.max(tables.images.len(txn)? / FLAT_SHARE);
    Ok(tables.flat.len(txn)? > limit || tables.gone.len(txn)? > limit)
}

/// Moves every flat vector into the trees and takes the removed ones out.
pub(super) fn rebuild(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    dimensions: usize,
) -> Result<(), CatalogueError> {
    let writer = arroy::Writer::<Cosine>::new(tables.trees, INDEX, dimensions);
    let moved: Vec<(ImageId, Vec<f32>)> = tables
        .flat
        .iter(txn)?
        .map(|entry| entry.map(|(id, bytes)| (id, floats(bytes).collect())))
        .collect::<Result<_, _>>()?;
    for (id, vector) in moved {
        writer.add_item(txn, id, &vector)?;
    }
    let gone: Vec<ImageId> =
        tables.gone.iter(txn)?.map(|entry| entry.map(|(id, ())| id)).collect::<Result<_, _>>()?;
    for id in gone {
        writer.del_item(txn, id)?;
    }
    tables.flat.clear(txn)?;
    tables.gone.clear(txn)?;
    let mut rng = StdRng::seed_from_u64(SEED);
    Ok(writer.builder(&mut rng).build(txn)?)
}

/// Drops every vector and tree.
pub(super) fn clear(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    dimensions: usize,
) -> Result<(), CatalogueError> {
    arroy::Writer::<Cosine>::new(tables.trees, INDEX, dimensions).clear(txn)?;
    tables.trees.clear(txn)?;
    tables.flat.clear(txn)?;
    Ok(tables.gone.clear(txn)?)
}

/// The stored vector of an image.
pub(super) fn vector(
    tables: &Tables,
    txn: &RoTxn<'_>,
    id: ImageId,
) -> Result<Option<Vec<f32>>, CatalogueError> {
    if let Some(bytes) = tables.flat.get(txn, &id)? {
        return Ok(Some(floats(bytes).collect()));
    }
    match trees(tables, txn)? {
        Some(reader) => Ok(reader.item_vector(txn, id)?),
        None => Ok(None),
    }
}

/// The `n` images nearest to a unit vector with their cosines, best first, ties by id.
pub(super) fn nearest(
    tables: &Tables,
    txn: &RoTxn<'_>,
    query: &[f32],
    n: usize,
) -> Result<Vec<(ImageId, f32)>, CatalogueError> {
    let mut found = scan(tables, txn, query)?;
    if let Some(reader) = trees(tables, txn)? {
        let gone = tables.gone.len(txn)? as usize;
        let want = n.saturating_add(gone).min(reader.n_items() as usize);
        let mut nns = reader.nns(want);
        if let Some(k) = NonZeroUsize::new(want * reader.n_trees().max(1) * EFFORT) {
            nns.search_k(k);
        }
        for (id, _) in nns.by_vector(txn, query)? {
            if tables.gone.get(txn, &id)?.is_none()
                && let Some(vector) = reader.item_vector(txn, id)?
            {
                found.push((id, dot(query, &vector)));
            }
        }
    }
    found.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(n);
    Ok(found)
}

/// Every flat vector's cosine to the query.
fn scan(
    tables: &Tables,
    txn: &RoTxn<'_>,
    query: &[f32],
) -> Result<Vec<(ImageId, f32)>, CatalogueError> {
    let rows: Vec<(ImageId, &[u8])> = tables.flat.iter(txn)?.collect::<Result<_, _>>()?;
    let score = |&(id, bytes): &(ImageId, &[u8])| (id, dot_bytes(query, bytes));
    // Below this the threads cost more than the scan.
    const ALONE: usize = 2048;
    Ok(if rows.len() < ALONE {
        rows.iter().map(score).collect()
    } else {
        rows.par_iter().map(score).collect()
    })
}

fn trees<'t>(
    tables: &Tables,
    txn: &'t RoTxn<'_>,
) -> Result<Option<arroy::Reader<'t, Cosine>>, CatalogueError> {
    match arroy::Reader::open(txn, INDEX, tables.trees) {
        Ok(reader) => Ok(Some(reader)),
        Err(arroy::Error::MissingMetadata(_)) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))
}

/// As [`dot`], on a vector as LMDB stores it, which need not be aligned.
fn dot_bytes(query: &[f32], bytes: &[u8]) -> f32 {
    let mut lanes = [0f32; 8];
    let (stored, _) = bytes.as_chunks::<4>();
    let (q8, s8) = (query.chunks_exact(8), stored.chunks_exact(8));
    let rest: f32 =
        q8.remainder().iter().zip(s8.remainder()).map(|(q, s)| q * f32::from_le_bytes(*s)).sum();
    for (q, s) in q8.zip(s8) {
        for ((lane, q), s) in lanes.iter_mut().zip(q).zip(s) {
            *lane += q * f32::from_le_bytes(*s);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_vector_gives_the_same_product() {
        let a: Vec<f32> = (0..37).map(|i| (i as f32 * 0.7).sin()).collect();
        let bytes: Vec<u8> = a.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(dot_bytes(&a, &bytes), dot(&a, &a));
        assert_eq!(floats(&bytes).collect::<Vec<_>>(), a);
    }
}
