//! The company's products in one LMDB environment.
//!
//! [`Catalogue`] is all that other rooms see: products with their text, pictures, thumbnails
//! and vectors, each written in one transaction. It stores vectors and finds near ones, but
//! does not know how they are made. Several processes may have one directory open.

pub mod archive;
mod attic;
mod error;
pub mod export;
mod feedback;
pub mod import;
mod index;
mod journal;
mod listing;
mod names;
mod product;
mod search;
mod store;
mod usage;
mod write;

use std::path::{Path, PathBuf};

use heed::{RoTxn, RwTxn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clip::Embedding;
use crate::photo::{Detail, Photo, PhotoError};
pub use error::CatalogueError;
pub use feedback::{Feedback, Matched};
pub use journal::{Action, Author, Change};
pub use names::Name;
pub use product::{ImageId, ImageRecord, MAX_ID, Product, ProductText, slug, valid_id};
pub use search::Hit;
use store::{MAP_SIZE, Store};
pub use usage::{Spender, Spent, Tally, UsageRow, today};
pub use write::Put;
use write::hash_key;

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
    /// What a photo may be decoded to before [`PreparedImage::new`] takes it.
    pub fn detail() -> Detail {
        Detail::picture(PICTURE_SIDE)
    }

    /// Scales and encodes what the catalogue keeps of a photo, where it has to: `file` is what it was decoded
    /// from, `source` the name to show for it.
    ///
    /// # Errors
    /// As [`Photo::kept`].
    pub fn new(file: &[u8], source: &str, photo: &Photo) -> Result<Self, PhotoError> {
        Ok(Self {
            hash: *blake3::hash(file).as_bytes(),
            source: source.to_owned(),
            picture: photo.kept(file, PICTURE_SIDE, PICTURE_QUALITY)?,
            thumbnail: photo.to_jpeg(THUMBNAIL_SIDE, THUMBNAIL_QUALITY)?,
        })
    }
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
                other => {
                    // An emptied catalogue may still have trees of the other model's length.
                    if let Some(theirs) = other {
                        index::clear(t, txn, theirs.dimensions)?;
                    }
                    self.set_meta(txn, "model", model)
                }
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

    /// Name of the file an image came from.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn source(&self, image: ImageId) -> Result<Option<String>, CatalogueError> {
        self.store.read(|txn| Ok(self.store.tables().images.get(txn, &image)?.map(|r| r.source)))
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

    /// Looks at every product, in order of id, on one snapshot.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn each_product(&self, mut look: impl FnMut(Product)) -> Result<(), CatalogueError> {
        let look = std::cell::RefCell::new(&mut look);
        self.store.read(|txn| {
            for entry in self.store.tables().products.iter(txn)? {
                (look.borrow_mut())(entry?.1);
            }
            Ok(())
        })
    }

    /// A number that is another one whenever any product's text may be, whichever process
    /// changed it.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn texts_version(&self) -> Result<u64, CatalogueError> {
        self.store.read(|txn| Ok(self.meta(txn, "texts")?.unwrap_or(0)))
    }

    /// To be called in every transaction that writes or deletes a product.
    fn texts_changed(&self, txn: &mut RwTxn<'_>) -> Result<(), CatalogueError> {
        let version: u64 = self.meta(txn, "texts")?.unwrap_or(0);
        self.set_meta(txn, "texts", &version.wrapping_add(1))
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
