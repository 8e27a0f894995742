//! The company's products in one LMDB environment.
//!
//! [`Catalogue`] is all that other rooms see: products with their text, pictures, thumbnails
//! and vectors, each written in one transaction. It stores vectors and finds near ones, but
//! does not know how they are made. Several processes may have one directory open.

mod error;
pub mod import;
mod index;
mod listing;
mod product;
mod store;

use std::path::{Path, PathBuf};

use heed::{RoTxn, RwTxn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clip::Embedding;
use crate::photo::{Photo, PhotoError};
pub use error::CatalogueError;
pub use product::{ImageId, ImageRecord, MAX_ID, Product, ProductText, slug, valid_id};
use store::{MAP_SIZE, Store};

/// Layout of the tables; another number is another program's catalogue.
const SCHEMA: u32 = 1;
const PICTURE_SIDE: u32 = 1024;
const PICTURE_QUALITY: u8 = 88;
const THUMBNAIL_SIDE: u32 = 320;
const THUMBNAIL_QUALITY: u8 = 82;

/// The model a catalogue's vectors were made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelId {
    /// What to give to `--model`.
    pub name: String,
    pub fingerprint: String,
    pub dimensions: usize,
}

/// An image ready to be stored: everything of it but its vector.
#[derive(Debug, Clone)]
pub struct PreparedImage {
    /// blake3 of the source file.
    pub hash: [u8; 32],
    source: String,
    picture: Vec<u8>,
    thumbnail: Vec<u8>,
}

impl PreparedImage {
    /// Scales and encodes what the catalogue keeps of a photo: `file` is what it was decoded
    /// from, `source` the name to show for it.
    ///
    /// # Errors
    /// As [`Photo::to_jpeg`].
    pub fn new(file: &[u8], source: &str, photo: &Photo) -> Result<Self, PhotoError> {
        Ok(Self {
            hash: *blake3::hash(file).as_bytes(),
            source: source.to_owned(),
            picture: photo.to_jpeg(PICTURE_SIDE, PICTURE_QUALITY)?,
            thumbnail: photo.to_jpeg(THUMBNAIL_SIDE, THUMBNAIL_QUALITY)?,
        })
    }
}

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

/// What is in a catalogue.
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    pub products: u64,
    pub images: u64,
    pub dimensions: usize,
    pub model: String,
    /// Size of the data file.
    pub bytes: u64,
}

/// One of the images nearest to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub product: Product,
    pub image: ImageId,
    /// Name of the file the image came from.
    pub source: String,
    /// Cosine, -1 to 1.
    pub score: f32,
}

/// An open catalogue.
pub struct Catalogue {
    dir: PathBuf,
    store: Store,
}

impl Catalogue {
    /// Opens a directory for reading and text edits, creating an empty catalogue when there is
    /// none.
    ///
    /// # Errors
    /// [`CatalogueError::Unusable`], [`CatalogueError::Damaged`] or
    /// [`CatalogueError::OtherSchema`].
    pub fn open(dir: &Path) -> Result<Self, CatalogueError> {
        Self::open_with_map(dir, MAP_SIZE)
    }

    /// Opens a directory for searching and adding with the vectors of one model.
    ///
    /// # Errors
    /// As [`Catalogue::open`], and [`CatalogueError::OtherModel`] when its vectors are another
    /// model's.
    pub fn open_for(dir: &Path, model: &ModelId) -> Result<Self, CatalogueError> {
        let catalogue = Self::open(dir)?;
        catalogue.adopt(model)?;
        Ok(catalogue)
    }

    /// As [`Catalogue::open`], with the first size of the memory map in bytes.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn open_with_map(dir: &Path, map_size: usize) -> Result<Self, CatalogueError> {
        let catalogue = Self { dir: dir.to_owned(), store: Store::open(dir, map_size)? };
        match catalogue.store.read(|txn| catalogue.meta::<u32>(txn, "schema"))? {
            Some(SCHEMA) => {}
            Some(found) => {
                return Err(CatalogueError::OtherSchema { dir: dir.display().to_string(), found });
            }
            None => catalogue.store.write(|txn| catalogue.set_meta(txn, "schema", &SCHEMA))?,
        }
        Ok(catalogue)
    }

    /// Binds an empty catalogue to a model, or checks that it is bound to this one.
    ///
    /// # Errors
    /// [`CatalogueError::OtherModel`].
    pub fn adopt(&self, model: &ModelId) -> Result<(), CatalogueError> {
        if self.model()?.is_some_and(|m| m.fingerprint == model.fingerprint) {
            return Ok(());
        }
        self.store.write(|txn| {
            let t = self.store.tables();
            match self.meta::<ModelId>(txn, "model")? {
                Some(theirs)
                    if theirs.fingerprint != model.fingerprint && t.images.len(txn)? > 0 =>
                {
                    Err(CatalogueError::OtherModel {
                        dir: self.dir.display().to_string(),
                        theirs: theirs.name,
                        ours: model.name.clone(),
                    })
                }
                _ => self.set_meta(txn, "model", model),
            }
        })
    }

    /// The model whose vectors it holds; `None` before the first image.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn model(&self) -> Result<Option<ModelId>, CatalogueError> {
        self.store.read(|txn| self.meta(txn, "model"))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Creates a product, adds images to one, or changes its text, in one transaction. An
    /// image the product already has is skipped.
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

    /// As [`Catalogue::put`] for several products, all in one transaction.
    ///
    /// # Errors
    /// [`CatalogueError`]; none of them is written.
    pub fn put_all(
        &self,
        batch: &[(&ProductText, &[(PreparedImage, Embedding)])],
    ) -> Result<Vec<Put>, CatalogueError> {
        self.store.write(|txn| {
            batch.iter().map(|(text, images)| self.put_one(txn, text, images)).collect()
        })
    }

    fn put_one(
        &self,
        txn: &mut RwTxn<'_>,
        text: &ProductText,
        images: &[(PreparedImage, Embedding)],
    ) -> Result<Put, CatalogueError> {
        let t = self.store.tables();
        let old = t.products.get(txn, &text.id)?;
        let mut put = Put {
            created: old.is_none(),
            changed: old.as_ref().is_some_and(|p| !text.same_as(p)),
            images: 0,
        };
        let mut ids = old.map(|p| p.images).unwrap_or_default();
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
            t.hashes.put(txn, &key, &id)?;
            t.pictures.put(txn, &id, &image.picture)?;
            t.thumbnails.put(txn, &id, &image.thumbnail)?;
            index::add(t, txn, id, vector)?;
            ids.push(id);
            put.images += 1;
        }
        if put.created || put.changed || put.images > 0 {
            let product = Product {
                id: text.id.clone(),
                title: text.title.clone(),
                description: text.description.clone(),
                attributes: text.attributes.clone(),
                images: ids,
            };
            t.products.put(txn, &product.id, &product)?;
        }
        Ok(put)
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

    /// Whether a product has an image from a file of this hash.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn has_image(&self, product: &str, hash: &[u8; 32]) -> Result<bool, CatalogueError> {
        let key = hash_key(hash, product);
        self.store.read(|txn| Ok(self.store.tables().hashes.get(txn, &key)?.is_some()))
    }

    /// One product.
    ///
    /// # Errors
    /// [`CatalogueError::NoProduct`].
    pub fn product(&self, id: &str) -> Result<Product, CatalogueError> {
        self.find(id)?.ok_or_else(|| CatalogueError::NoProduct(id.chars().take(80).collect()))
    }

    /// One product, if there is one of that id.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn find(&self, id: &str) -> Result<Option<Product>, CatalogueError> {
        if valid_id(id).is_err() {
            return Ok(None);
        }
        self.store.read(|txn| Ok(self.store.tables().products.get(txn, id)?))
    }

    /// Products in order of id.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn products(&self, skip: usize, take: usize) -> Result<Vec<Product>, CatalogueError> {
        self.store.read(|txn| {
            let all = self.store.tables().products.iter(txn)?;
            Ok(all.skip(skip).take(take).map(|e| e.map(|(_, p)| p)).collect::<Result<_, _>>()?)
        })
    }

    /// Removes a product with its images and vectors.
    ///
    /// # Errors
    /// [`CatalogueError::NoProduct`].
    pub fn remove(&self, id: &str) -> Result<Product, CatalogueError> {
        let product = self.product(id)?;
        self.store.write(|txn| {
            let t = self.store.tables();
            let product = t
                .products
                .get(txn, &product.id)?
                .ok_or_else(|| CatalogueError::NoProduct(product.id.clone()))?;
            for image in &product.images {
                if let Some(record) = t.images.get(txn, image)? {
                    t.hashes.delete(txn, &hash_key(&unhex(&record.hash), &product.id))?;
                }
                t.images.delete(txn, image)?;
                t.pictures.delete(txn, image)?;
                t.thumbnails.delete(txn, image)?;
                index::remove(t, txn, *image)?;
            }
            t.products.delete(txn, &product.id)?;
            Ok(product)
        })
    }

    /// The kept picture of an image: a JPEG of at most 1024 px.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn picture(&self, image: ImageId) -> Result<Option<Vec<u8>>, CatalogueError> {
        self.store
            .read(|txn| Ok(self.store.tables().pictures.get(txn, &image)?.map(<[u8]>::to_vec)))
    }

    /// The thumbnail of an image: a JPEG of at most 320 px.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn thumbnail(&self, image: ImageId) -> Result<Option<Vec<u8>>, CatalogueError> {
        self.store
            .read(|txn| Ok(self.store.tables().thumbnails.get(txn, &image)?.map(<[u8]>::to_vec)))
    }

    /// The vector of an image.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn vector(&self, image: ImageId) -> Result<Option<Embedding>, CatalogueError> {
        self.store.read(|txn| {
            Ok(index::vector(self.store.tables(), txn, image)?.and_then(Embedding::new))
        })
    }

    /// Ids of all images, ascending.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn images(&self) -> Result<Vec<(ImageId, ImageRecord)>, CatalogueError> {
        self.store
            .read(|txn| Ok(self.store.tables().images.iter(txn)?.collect::<Result<_, _>>()?))
    }

    /// Number of images.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn image_count(&self) -> Result<u64, CatalogueError> {
        self.store.read(|txn| Ok(self.store.tables().images.len(txn)?))
    }

    /// The `k` products whose best image is nearest to a query, falling by cosine, ties by id.
    /// `without` leaves one product out.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn nearest(
        &self,
        query: &Embedding,
        k: usize,
        without: Option<&str>,
    ) -> Result<Vec<Hit>, CatalogueError> {
        self.store.read(|txn| {
            let t = self.store.tables();
            let total = t.images.len(txn)? as usize;
            let mut n = k.saturating_mul(4).clamp(1, total.max(1));
            loop {
                let images = index::nearest(t, txn, query, n)?;
                let hits = self.best_by_product(txn, &images, without)?;
                // One image beyond the k-th product's settles ties at its score.
                if hits.len() > k || n >= total {
                    return Ok(hits.into_iter().take(k).collect());
                }
                n = n.saturating_mul(4).min(total);
            }
        })
    }

    fn best_by_product(
        &self,
        txn: &RoTxn<'_>,
        images: &[(ImageId, f32)],
        without: Option<&str>,
    ) -> Result<Vec<Hit>, CatalogueError> {
        let t = self.store.tables();
        let mut hits: Vec<Hit> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for &(image, score) in images {
            let Some(record) = t.images.get(txn, &image)? else { continue };
            if Some(record.product.as_str()) == without || seen.contains(&record.product) {
                continue;
            }
            if let Some(product) = t.products.get(txn, &record.product)? {
                seen.insert(record.product);
                hits.push(Hit { product, image, source: record.source, score });
            }
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.product.id.cmp(&b.product.id)));
        Ok(hits)
    }

    /// Moves new vectors into the search trees when there are enough of them; tells whether it
    /// did. Searches before, during and after give the same products.
    ///
    /// # Errors
    /// [`CatalogueError`]; the trees are as they were.
    pub fn index_if_due(&self) -> Result<bool, CatalogueError> {
        let due = self.store.read(|txn| index::due(self.store.tables(), txn))?;
        match self.model()? {
            Some(model) if due => {
                self.store
                    .write(|txn| index::rebuild(self.store.tables(), txn, model.dimensions))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Replaces every vector by another model's, in one transaction.
    ///
    /// # Errors
    /// [`CatalogueError`]; the old vectors stay. [`CatalogueError::Unusable`] when images were
    /// added since `vectors` were made.
    pub fn replace_vectors(
        &self,
        model: &ModelId,
        vectors: &[(ImageId, Embedding)],
    ) -> Result<(), CatalogueError> {
        self.store.write(|txn| {
            let t = self.store.tables();
            let old =
                self.meta::<ModelId>(txn, "model")?.map_or(model.dimensions, |m| m.dimensions);
            index::clear(t, txn, old)?;
            for (image, vector) in vectors {
                if t.images.get(txn, image)?.is_some() {
                    index::add(t, txn, *image, vector)?;
                }
            }
            if t.flat.len(txn)? != t.images.len(txn)? {
                return Err(CatalogueError::Unusable {
                    dir: self.dir.display().to_string(),
                    reason: "images were added meanwhile; run the command again".into(),
                });
            }
            t.meta.delete(txn, "calibration")?;
            self.set_meta(txn, "model", model)
        })
    }

    /// What search measured on this catalogue, if it did.
    pub(crate) fn calibration<T: DeserializeOwned>(&self) -> Result<Option<T>, CatalogueError> {
        self.store.read(|txn| self.meta(txn, "calibration"))
    }

    pub(crate) fn set_calibration<T: Serialize>(&self, value: &T) -> Result<(), CatalogueError> {
        self.store.write(|txn| self.set_meta(txn, "calibration", value))
    }

    /// Counts and sizes.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn stats(&self) -> Result<Stats, CatalogueError> {
        let (products, images, model) = self.store.read(|txn| {
            let t = self.store.tables();
            let model = self.meta::<ModelId>(txn, "model")?;
            Ok((t.products.len(txn)?, t.images.len(txn)?, model))
        })?;
        Ok(Stats {
            products,
            images,
            dimensions: model.as_ref().map_or(0, |m| m.dimensions),
            model: model.map_or_else(String::new, |m| m.name),
            bytes: self.store.bytes()?,
        })
    }

    fn meta<T: DeserializeOwned>(
        &self,
        txn: &RoTxn<'_>,
        key: &str,
    ) -> Result<Option<T>, CatalogueError> {
        let Some(bytes) = self.store.tables().meta.get(txn, key)? else { return Ok(None) };
        serde_json::from_slice(bytes).map(Some).map_err(|e| CatalogueError::Damaged {
            dir: self.dir.display().to_string(),
            reason: format!("{key}: {e}"),
        })
    }

    fn set_meta<T: Serialize>(
        &self,
        txn: &mut RwTxn<'_>,
        key: &str,
        value: &T,
    ) -> Result<(), CatalogueError> {
        let bytes = serde_json::to_vec(value)
            .map_err(|e| CatalogueError::Lmdb(heed::Error::Encoding(e.into())))?;
        Ok(self.store.tables().meta.put(txn, key, &bytes)?)
    }
}

fn hash_key(hash: &[u8; 32], product: &str) -> Vec<u8> {
    [hash.as_slice(), product.as_bytes()].concat()
}

fn hex(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

fn unhex(text: &str) -> [u8; 32] {
    blake3::Hash::from_hex(text).map_or([0; 32], |h| *h.as_bytes())
}
