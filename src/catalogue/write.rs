//! Writing: products come, change and go, each in one transaction.
//!
//! Every change is told as [`Step`]s, the product before and after, which the journal keeps
//! when there is an author.

use std::collections::HashSet;

use heed::RwTxn;
use serde::{Deserialize, Serialize};

use super::journal::{Action, Author};
use super::{
    Catalogue, CatalogueError, ImageId, ImageRecord, ModelId, PreparedImage, Product, ProductText,
    attic, index,
};
use crate::clip::Embedding;

/// What [`Catalogue::put`] did with one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Put {
    /// The product did not exist.
    pub created: bool,
    /// Its text changed.
    pub changed: bool,
    /// Images that were new to it.
    pub images: usize,
}

impl Put {
    fn action(self) -> Action {
        match self {
            Self { created: true, .. } => Action::Added,
            Self { images: 1.., .. } => Action::ImagesAdded,
            _ => Action::Edited,
        }
    }
}

/// One product before and after a change; `None` where there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    pub before: Option<Product>,
    pub after: Option<Product>,
}

impl Step {
    pub(super) fn id(&self) -> &str {
        self.before.as_ref().or(self.after.as_ref()).map_or("", |p| p.id.as_str())
    }

    /// Images that this step took away.
    pub(super) fn gone(&self) -> Vec<ImageId> {
        only_in(self.before.as_ref(), self.after.as_ref())
    }

    /// Images that this step brought.
    pub(super) fn come(&self) -> Vec<ImageId> {
        only_in(self.after.as_ref(), self.before.as_ref())
    }
}

fn only_in(one: Option<&Product>, other: Option<&Product>) -> Vec<ImageId> {
    let images = |p: Option<&Product>| p.map(|p| p.images.clone()).unwrap_or_default();
    let theirs: HashSet<ImageId> = images(other).into_iter().collect();
    images(one).into_iter().filter(|image| !theirs.contains(image)).collect()
}

/// A product's text and the images to add to it.
pub(super) type Row<'a> = (&'a ProductText, &'a [(PreparedImage, Embedding)]);

impl Catalogue {
    /// Creates a product, adds images to one, or changes its text, in one transaction. An
    /// image the product already has is skipped. Nothing is written to the log.
    ///
    /// # Errors
    /// [`CatalogueError`]; the catalogue is as it was.
    pub fn put(
        &self,
        text: &ProductText,
        images: &[(PreparedImage, Embedding)],
    ) -> Result<Put, CatalogueError> {
        let mut done = self.put_all(&[(text, images)])?;
        Ok(done.pop().unwrap_or_default())
    }

    /// As [`Catalogue::put`], written to the log with its author when anything changed.
    ///
    /// # Errors
    /// [`CatalogueError`]; the catalogue is as it was.
    pub fn put_by(
        &self,
        author: &Author,
        text: &ProductText,
        images: &[(PreparedImage, Embedding)],
    ) -> Result<Put, CatalogueError> {
        self.store.write(|txn| {
            let (put, step) = self.put_one(txn, text, images)?;
            self.record(txn, author, put.action(), None, &[step])?;
            Ok(put)
        })
    }

    /// As [`Catalogue::put`] for several products, all in one transaction.
    ///
    /// # Errors
    /// [`CatalogueError`]; none of them is written.
    pub fn put_all(&self, batch: &[Row<'_>]) -> Result<Vec<Put>, CatalogueError> {
        self.store.write(|txn| {
            batch.iter().map(|(text, images)| Ok(self.put_one(txn, text, images)?.0)).collect()
        })
    }

    /// As [`Catalogue::put_all`], as one more part of the import in the log that has this
    /// number; tells its number.
    pub(super) fn put_import(
        &self,
        author: &Author,
        number: Option<u64>,
        batch: &[Row<'_>],
    ) -> Result<(Vec<Put>, Option<u64>), CatalogueError> {
        self.store.write(|txn| {
            let (mut puts, mut steps) = (Vec::new(), Vec::new());
            for (text, images) in batch {
                let (put, step) = self.put_one(txn, text, images)?;
                puts.push(put);
                steps.push(step);
            }
            Ok((puts, self.record(txn, author, Action::Imported, number, &steps)?))
        })
    }

    fn put_one(
        &self,
        txn: &mut RwTxn<'_>,
        text: &ProductText,
        images: &[(PreparedImage, Embedding)],
    ) -> Result<(Put, Step), CatalogueError> {
        let t = self.store.tables();
        let before = t.products.get(txn, &text.id)?;
        let mut ids = before.as_ref().map(|p| p.images.clone()).unwrap_or_default();
        let known = ids.len();
        for (image, vector) in images {
            let key = hash_key(&image.hash, &text.id);
            if t.hashes.get(txn, &key)?.is_some() {
                continue;
            }
            let id = self.next_image(txn)?;
            let record = ImageRecord {
                product: text.id.clone(),
                hash: hex(&image.hash),
                source: image.source.clone(),
            };
            t.images.put(txn, &id, &record)?;
            for key in record_keys(&record, &image.picture) {
                t.hashes.put(txn, &key, &id)?;
            }
            t.pictures.put(txn, &id, &image.picture)?;
            t.thumbnails.put(txn, &id, &image.thumbnail)?;
            index::add(t, txn, id, vector)?;
            ids.push(id);
        }
        let put = Put {
            created: before.is_none(),
            changed: before.as_ref().is_some_and(|p| !text.same_as(p)),
            images: ids.len() - known,
        };
        let after = Product {
            id: text.id.clone(),
            title: text.title.clone(),
            description: text.description.clone(),
            attributes: text.attributes.clone(),
            images: ids,
        };
        if put.created || put.changed || put.images > 0 {
            t.products.put(txn, &after.id, &after)?;
            self.texts_changed(txn)?;
        }
        Ok((put, Step { before, after: Some(after) }))
    }

    fn next_image(&self, txn: &mut RwTxn<'_>) -> Result<ImageId, CatalogueError> {
        let id: ImageId = self.meta(txn, "next_image")?.unwrap_or(0);
        let next = id.checked_add(1).ok_or_else(|| CatalogueError::Unusable {
            dir: self.dir.display().to_string(),
            reason: "it has used up its four billion image numbers".into(),
        })?;
        self.set_meta(txn, "next_image", &next)?;
        Ok(id)
    }

    /// Removes a product with its images and vectors, for good and without a line in the log.
    ///
    /// # Errors
    /// [`CatalogueError::NoProduct`].
    pub fn remove(&self, id: &str) -> Result<Product, CatalogueError> {
        let id = self.product(id)?.id;
        self.store.write(|txn| {
            let product = self.take_out(txn, &id)?;
            for image in &product.images {
                self.drop_image(txn, *image)?;
            }
            Ok(product)
        })
    }

    /// As [`Catalogue::remove`], written to the log with its author; the images are kept for
    /// [`Catalogue::undo`].
    ///
    /// # Errors
    /// [`CatalogueError::NoProduct`].
    pub fn remove_by(&self, author: &Author, id: &str) -> Result<Product, CatalogueError> {
        let id = self.product(id)?.id;
        self.store.write(|txn| {
            let model = self.meta::<ModelId>(txn, "model")?.map(|m| m.fingerprint);
            let product = self.take_out(txn, &id)?;
            for image in &product.images {
                attic::keep(self.store.tables(), txn, *image, model.as_deref())?;
                self.drop_image(txn, *image)?;
            }
            let step = Step { before: Some(product.clone()), after: None };
            self.record(txn, author, Action::Removed, None, &[step])?;
            Ok(product)
        })
    }

    /// Deletes a product's text and tells what it was; its images stay for the caller.
    fn take_out(&self, txn: &mut RwTxn<'_>, id: &str) -> Result<Product, CatalogueError> {
        let t = self.store.tables();
        let product =
            t.products.get(txn, id)?.ok_or_else(|| CatalogueError::NoProduct(id.to_owned()))?;
        t.products.delete(txn, id)?;
        self.texts_changed(txn)?;
        Ok(product)
    }

    /// Deletes everything of an image.
    pub(super) fn drop_image(
        &self,
        txn: &mut RwTxn<'_>,
        image: ImageId,
    ) -> Result<(), CatalogueError> {
        let t = self.store.tables();
        if let Some(record) = t.images.get(txn, &image)? {
            let picture = t.pictures.get(txn, &image)?.map(<[u8]>::to_vec).unwrap_or_default();
            for key in record_keys(&record, &picture) {
                if t.hashes.get(txn, &key)? == Some(image) {
                    t.hashes.delete(txn, &key)?;
                }
            }
        }
        t.images.delete(txn, &image)?;
        t.pictures.delete(txn, &image)?;
        t.thumbnails.delete(txn, &image)?;
        index::remove(t, txn, image)
    }
}

pub(super) fn hash_key(hash: &[u8; 32], product: &str) -> Vec<u8> {
    [hash.as_slice(), product.as_bytes()].concat()
}

/// The keys in `hashes` of a stored image: the file it came from, and the picture that was kept of
/// it, which is what an export hands out and may come back in an import.
pub(super) fn record_keys(record: &ImageRecord, picture: &[u8]) -> [Vec<u8>; 2] {
    [unhex(&record.hash), *blake3::hash(picture).as_bytes()]
        .map(|hash| hash_key(&hash, &record.product))
}

fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

fn unhex(text: &str) -> [u8; 32] {
    blake3::Hash::from_hex(text).map_or([0; 32], |h| *h.as_bytes())
}
