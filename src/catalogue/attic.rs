//! What is kept of removed images, so that a removal can be taken back.

use heed::RwTxn;
use serde::{Deserialize, Serialize};

use super::store::Tables;
use super::write::record_keys;
use super::{CatalogueError, ImageId, ImageRecord, index};

const LABEL: u8 = 0;
const PICTURE: u8 = 1;
const THUMBNAIL: u8 = 2;
const VECTOR: u8 = 3;

#[derive(Serialize, Deserialize)]
struct Label {
    record: ImageRecord,
    /// Fingerprint of the model that made the vector.
    model: Option<String>,
}

fn key(image: ImageId, part: u8) -> [u8; 5] {
    let [a, b, c, d] = image.to_be_bytes();
    [a, b, c, d, part]
}

/// Copies an image into the attic; one that is not whole is left to its fate.
pub(super) fn keep(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    image: ImageId,
    model: Option<&str>,
) -> Result<(), CatalogueError> {
    let record = tables.images.get(txn, &image)?;
    let picture = tables.pictures.get(txn, &image)?.map(<[u8]>::to_vec);
    let thumbnail = tables.thumbnails.get(txn, &image)?.map(<[u8]>::to_vec);
    let vector = index::vector(tables, txn, image)?;
    let (Some(record), Some(picture), Some(thumbnail), Some(vector)) =
        (record, picture, thumbnail, vector)
    else {
        return Ok(());
    };
    let label = Label { record, model: model.map(str::to_owned) };
    let label = serde_json::to_vec(&label).map_err(|e| heed::Error::Encoding(e.into()))?;
    let parts = [
        (LABEL, label),
        (PICTURE, picture),
        (THUMBNAIL, thumbnail),
        (VECTOR, index::bytes(&vector)),
    ];
    for (part, bytes) in parts {
        tables.attic.put(txn, &key(image, part), &bytes)?;
    }
    Ok(())
}

/// Brings an image back under its number.
///
/// # Errors
/// [`CatalogueError::CannotRestore`] when it is not there or its vector is another model's
/// than `model`.
pub(super) fn bring_back(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    product: &str,
    image: ImageId,
    model: Option<&str>,
) -> Result<(), CatalogueError> {
    let cannot = |reason: &str| CatalogueError::CannotRestore {
        product: product.to_owned(),
        reason: reason.to_owned(),
    };
    let part = |part| -> Result<Vec<u8>, CatalogueError> {
        let bytes = tables.attic.get(txn, &key(image, part))?;
        Ok(bytes.ok_or_else(|| cannot("one of its pictures was not kept"))?.to_vec())
    };
    let (label, picture, thumbnail, vector) =
        (part(LABEL)?, part(PICTURE)?, part(THUMBNAIL)?, part(VECTOR)?);
    let label: Label =
        serde_json::from_slice(&label).map_err(|e| heed::Error::Decoding(e.into()))?;
    if label.model.as_deref() != model {
        return Err(cannot("the catalogue was given another model since"));
    }
    for key in record_keys(&label.record, &picture) {
        tables.hashes.put(txn, &key, &image)?;
    }
    tables.images.put(txn, &image, &label.record)?;
    tables.pictures.put(txn, &image, &picture)?;
    tables.thumbnails.put(txn, &image, &thumbnail)?;
    index::bring_back(tables, txn, image, &vector)?;
    forget(tables, txn, image)
}

/// Deletes an image from the attic for good.
pub(super) fn forget(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    image: ImageId,
) -> Result<(), CatalogueError> {
    for part in [LABEL, PICTURE, THUMBNAIL, VECTOR] {
        tables.attic.delete(txn, &key(image, part))?;
    }
    Ok(())
}
