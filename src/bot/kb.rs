//! One catalogue, as chat commands and the web's admin page change it: from any async task, with
//! LMDB and CLIP on threads of their own, and every change in the journal under its author.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use indexmap::IndexMap;
use tokio::sync::Mutex;

use super::engine::Engine;
use super::error::KbError;
use super::reply::Upload;
use crate::catalogue::import::Embed;
use crate::catalogue::{
    Author, Catalogue, CatalogueError, Change, Feedback, ImageId, Name, PreparedImage, Product,
    ProductText, Spender, Stats, Tally, UsageRow, slug, valid_id,
};
use crate::clip::Embedding;
use crate::search::{self, Calibration, Lexicon, Matches, Query};

/// From this cosine on, two pictures most likely show the same thing in the same shot.
const NEAR_DUPLICATE: f32 = 0.98;
/// About what a prepared photo takes in memory, in bytes.
const PREPARED: usize = 300_000;

/// A catalogue and what keeps its upkeep in order.
pub struct Shelf {
    catalogue: Catalogue,
    /// Held by the one import that may run.
    pub(super) importing: Mutex<()>,
    /// What its products are called.
    lexicon: Lexicon,
    /// Whether upkeep is running or due.
    settling: AtomicBool,
    /// Held while it is written down what answers cost: LMDB has one writer, which may be an import
    /// that takes its time, and a thread waiting for it is enough.
    accounting: Mutex<()>,
    /// What tells it from other catalogues.
    place: String,
}

impl Shelf {
    /// Opens a catalogue for the vectors of `engine`'s model.
    ///
    /// # Errors
    /// As [`Catalogue::open_for`].
    pub fn open(dir: &Path, engine: &Engine) -> Result<Self, CatalogueError> {
        let catalogue = Catalogue::open_for(dir, &engine.clip().model())?;
        Ok(Self {
            catalogue,
            lexicon: Lexicon::default(),
            importing: Mutex::default(),
            settling: AtomicBool::default(),
            accounting: Mutex::default(),
            place: dir.display().to_string(),
        })
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
}

/// Products on one page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub products: Vec<Product>,
    /// Products on all pages.
    pub total: usize,
}

/// A product to add, or a known one to add images to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// None: made from the title.
    pub id: Option<String>,
    /// None: the description's first sentence.
    pub title: Option<String>,
    /// May be empty when `id` names a known product, which then keeps its own.
    pub description: String,
    pub attributes: Option<IndexMap<String, String>>,
}

/// What to change about a product's text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    pub title: Option<String>,
    pub description: Option<String>,
    /// All attributes anew.
    pub attributes: Option<IndexMap<String, String>>,
    /// Single attributes; an empty value removes one.
    pub set: Vec<(String, String)>,
}

/// What adding came to.
#[derive(Debug, Clone)]
pub enum Added {
    Done {
        product: Product,
        created: bool,
        images: usize,
        known: usize,
    },
    /// Another product has nearly the same picture; nothing was added.
    NearDuplicate {
        id: String,
        title: String,
        score: f32,
        photos: Vec<PreparedPhoto>,
    },
}

/// A photo with all that adding it needs.
#[derive(Debug, Clone)]
pub struct PreparedPhoto {
    image: PreparedImage,
    vector: Embedding,
}

impl PreparedPhoto {
    pub fn weight(&self) -> usize {
        PREPARED
    }
}

/// A handle to one catalogue.
#[derive(Clone)]
pub struct Kb {
    pub(super) shelf: Arc<Shelf>,
    pub(super) engine: Engine,
}

impl Kb {
    pub fn new(shelf: Arc<Shelf>, engine: Engine) -> Self {
        Self { shelf, engine }
    }

    /// Runs something on the catalogue off tokio's workers.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Catalogue) -> Result<T, KbError> + Send + 'static,
    ) -> Result<T, KbError> {
        let shelf = Arc::clone(&self.shelf);
        tokio::task::spawn_blocking(move || f(&shelf.catalogue)).await?
    }

    /// Products in order of id.
    ///
    /// # Errors
    /// [`KbError::Catalogue`], as everywhere below.
    pub async fn products(&self, skip: usize, take: usize) -> Result<Page, KbError> {
        self.with(move |c| {
            let total = c.stats()?.products as usize;
            Ok(Page { products: c.products(skip, take)?, total })
        })
        .await
    }

    /// Products that hold all the words in id, title, attributes or description; those that hold
    /// them further to the front of that order come first.
    pub async fn find(&self, words: &str, skip: usize, take: usize) -> Result<Page, KbError> {
        let words = words.to_lowercase();
        self.with(move |c| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let (products, total) = c.ranked(|p| rank(p, &words), skip, take)?;
            Ok(Page { products, total })
        })
        .await
    }

    /// As [`crate::catalogue::Catalogue::names`].
    pub async fn names(
        &self,
        typed: &str,
        take: usize,
        time: Duration,
    ) -> Result<Vec<Name>, KbError> {
        let typed = typed.to_owned();
        self.with(move |c| Ok(c.names(&typed, take, time)?)).await
    }

    pub async fn product(&self, id: &str) -> Result<Product, KbError> {
        let id = id.to_owned();
        self.with(move |c| Ok(c.product(&id)?)).await
    }

    pub async fn stats(&self) -> Result<Stats, KbError> {
        self.with(|c| Ok(c.stats()?)).await
    }

    pub async fn is_empty(&self) -> Result<bool, KbError> {
        Ok(self.stats().await?.products == 0)
    }

    pub async fn picture(&self, image: ImageId) -> Result<Option<Vec<u8>>, KbError> {
        self.with(move |c| Ok(c.picture(image)?)).await
    }

    pub async fn thumbnail(&self, image: ImageId) -> Result<Option<Vec<u8>>, KbError> {
        self.with(move |c| Ok(c.thumbnail(image)?)).await
    }

    /// The `k` products that fit a vector and the words beside it best; `photo` says whether a photo is
    /// in the vector.
    pub(super) async fn matching(
        &self,
        vector: Embedding,
        words: Option<String>,
        photo: bool,
        k: usize,
    ) -> Result<Matches, KbError> {
        let shelf = Arc::clone(&self.shelf);
        tokio::task::spawn_blocking(move || {
            let query = Query { vector: &vector, words: words.as_deref(), photo };
            Ok(search::find(&shelf.catalogue, &shelf.lexicon, query, k)?)
        })
        .await?
    }

    /// Ids of the best matches that the photo cannot tell apart.
    pub(super) async fn look_alikes(&self, matches: Matches) -> Result<Vec<String>, KbError> {
        self.with(move |c| {
            Ok(search::look_alikes(c, &matches)?.into_iter().map(|p| p.id).collect())
        })
        .await
    }

    /// Adds a product, or images to one. Without `force`, a picture that another product nearly
    /// has is asked about first.
    ///
    /// # Errors
    /// [`KbError::Photo`], [`KbError::NoPhoto`], [`KbError::NoText`], [`KbError::Taken`],
    /// [`KbError::Catalogue`]; nothing was added.
    pub async fn add(
        &self,
        author: Author,
        draft: Draft,
        photos: Vec<Upload>,
        force: bool,
    ) -> Result<Added, KbError> {
        if photos.is_empty() {
            return Err(KbError::NoPhoto);
        }
        // What is wrong with the text should be known before the photos are worked on.
        let checked = draft.clone();
        self.with(move |c| text_of(c, &checked).map(drop)).await?;
        let mut prepared = Vec::with_capacity(photos.len());
        for upload in photos {
            prepared.push(self.prepare(upload).await?);
        }
        self.add_prepared(author, draft, prepared, force).await
    }

    /// As [`Kb::add`], with photos that were prepared before.
    pub(super) async fn add_prepared(
        &self,
        author: Author,
        draft: Draft,
        photos: Vec<PreparedPhoto>,
        force: bool,
    ) -> Result<Added, KbError> {
        let added = self
            .with(move |c| {
                let text = text_of(c, &draft)?;
                if !force && let Some((id, title, score)) = duplicate(c, &text.id, &photos)? {
                    return Ok(Added::NearDuplicate { id, title, score, photos });
                }
                let images: Vec<_> = photos.into_iter().map(|p| (p.image, p.vector)).collect();
                let put = c.put_by(&author, &text, &images)?;
                Ok(Added::Done {
                    product: c.product(&text.id)?,
                    created: put.created,
                    images: put.images,
                    known: images.len() - put.images,
                })
            })
            .await?;
        if matches!(added, Added::Done { .. }) {
            self.settle();
        }
        Ok(added)
    }

    async fn prepare(&self, upload: Upload) -> Result<PreparedPhoto, KbError> {
        let decoded = self.engine.decode(&upload).await?;
        let vector = self.engine.embed(decoded.pixels).await?;
        let image = self
            .engine
            .compute(move || PreparedImage::new(&upload.bytes, &upload.name, &decoded.photo))
            .await?
            .map_err(|source| KbError::Photo { name: String::new(), source })?;
        Ok(PreparedPhoto { image, vector })
    }

    /// Changes a product's text.
    ///
    /// # Errors
    /// [`KbError::Catalogue`].
    pub async fn edit(&self, author: Author, id: &str, edit: Edit) -> Result<Product, KbError> {
        let id = id.to_owned();
        self.with(move |c| {
            let old = c.product(&id)?;
            let mut attributes = edit.attributes.unwrap_or(old.attributes);
            for (key, value) in edit.set {
                if value.trim().is_empty() {
                    attributes.shift_remove(&key);
                } else {
                    attributes.insert(key, value);
                }
            }
            let text = ProductText {
                id: old.id,
                title: edit.title.unwrap_or(old.title),
                description: edit.description.unwrap_or(old.description),
                attributes,
            };
            let text = text.checked()?;
            c.put_by(&author, &text, &[])?;
            Ok(c.product(&text.id)?)
        })
        .await
    }

    pub async fn remove(&self, author: Author, id: &str) -> Result<Product, KbError> {
        let id = id.to_owned();
        let removed = self.with(move |c| Ok(c.remove_by(&author, &id)?)).await?;
        self.settle();
        Ok(removed)
    }

    /// Takes back this author's last change; none when there is none. The same `delivery` does so once,
    /// an empty one each time.
    pub async fn undo(&self, author: Author, delivery: String) -> Result<Option<Change>, KbError> {
        let undone = self.with(move |c| Ok(c.undo_once(&author, &delivery)?)).await?;
        self.settle();
        Ok(undone)
    }

    /// Changes, newest first.
    pub async fn log(&self, skip: usize, take: usize) -> Result<Vec<Change>, KbError> {
        self.with(move |c| Ok(c.log(skip, take)?)).await
    }

    /// What users thought of answers, newest first.
    pub async fn feedback(&self, skip: usize, take: usize) -> Result<Vec<Feedback>, KbError> {
        self.with(move |c| Ok(c.feedback(skip, take)?)).await
    }

    /// Keeps a verdict in its row, a new one for row 0; returns the row's number.
    pub(super) async fn keep_feedback(&self, row: u64, feedback: Feedback) -> Result<u64, KbError> {
        self.with(move |c| match row {
            0 => Ok(c.add_feedback(&feedback)?),
            row => Ok(c.change_feedback(row, &feedback)?),
        })
        .await
    }

    /// What answers cost from a day on (days since 1970, UTC), oldest day first.
    pub async fn usage(&self, since: u32) -> Result<Vec<UsageRow>, KbError> {
        self.with(move |c| Ok(c.usage(since)?)).await
    }

    pub(super) async fn record_usage(
        &self,
        day: u32,
        spender: Spender,
        tally: Tally,
    ) -> Result<(), KbError> {
        let _turn = self.shelf.accounting.lock().await;
        self.with(move |c| Ok(c.record_usage(day, &spender, &tally)?)).await
    }

    /// Deletes usage before a day, and verdicts older than so many days.
    pub(super) async fn forget_old(
        &self,
        usage_from: u32,
        feedback_days: u32,
    ) -> Result<(), KbError> {
        self.with(move |c| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            let usage = c.forget_usage(usage_from)?;
            let feedback = c.expire_feedback(now, feedback_days)?;
            if usage + feedback > 0 {
                tracing::info!(usage, feedback, "deleted rows that were kept long enough");
            }
            Ok(())
        })
        .await
    }

    /// What tells this catalogue from others.
    pub(super) fn place(&self) -> &str {
        &self.shelf.place
    }

    /// Brings index and calibration up to date behind the caller's back, one run at a time.
    fn settle(&self) {
        if self.shelf.settling.swap(true, Ordering::SeqCst) {
            return;
        }
        let kb = self.clone();
        tokio::spawn(async move {
            if let Err(error) = kb.settled().await {
                super::error::log(&error);
            }
        });
    }

    /// Brings index and calibration up to date.
    pub(super) async fn settled(&self) -> Result<(), KbError> {
        let (shelf, engine) = (Arc::clone(&self.shelf), self.engine.clone());
        self.with(move |catalogue| {
            // Cleared first: a change that comes while this runs starts another run.
            shelf.settling.store(false, Ordering::SeqCst);
            catalogue.index_if_due()?;
            Calibration::refresh(engine.clip(), catalogue)?;
            Ok(())
        })
        .await
    }
}

/// The text to store for a draft.
fn text_of(catalogue: &Catalogue, draft: &Draft) -> Result<ProductText, KbError> {
    let Draft { id, title, description, attributes } = draft.clone();
    if let Some(id) = id {
        let id = valid_id(&id)?;
        let known = catalogue.find(&id)?;
        let or_known = |own: String, theirs: Option<String>| match own.trim() {
            "" => theirs.unwrap_or_default(),
            _ => own,
        };
        if description.trim().is_empty() && known.is_none() {
            return Err(KbError::NoText);
        }
        let text = ProductText {
            title: or_known(title.unwrap_or_default(), known.as_ref().map(|p| p.title.clone())),
            description: or_known(description, known.as_ref().map(|p| p.description.clone())),
            attributes: attributes.or(known.map(|p| p.attributes)).unwrap_or_default(),
            id,
        };
        return Ok(text.checked()?);
    }
    if description.trim().is_empty() {
        return Err(KbError::NoText);
    }
    // The id is not known before the title, which may have to be made from the description.
    let text = ProductText {
        id: "new".into(),
        title: title.unwrap_or_default(),
        description,
        attributes: attributes.unwrap_or_default(),
    };
    let text = text.checked()?;
    let id = slug(&text.title);
    if id.is_empty() {
        return Err(KbError::NoText);
    }
    match catalogue.find(&id)? {
        Some(known) => Err(KbError::Taken { id, title: known.title }),
        None => Ok(ProductText { id, ..text }),
    }
}

/// Another product with nearly the same picture.
fn duplicate(
    catalogue: &Catalogue,
    id: &str,
    photos: &[PreparedPhoto],
) -> Result<Option<(String, String, f32)>, KbError> {
    for photo in photos {
        let nearest = catalogue.nearest(&photo.vector, 1, Some(id))?;
        if let Some(hit) = nearest.into_iter().next().filter(|h| h.score >= NEAR_DUPLICATE) {
            return Ok(Some((hit.product.id, hit.product.title, hit.score)));
        }
    }
    Ok(None)
}

/// Where a product holds the words: 0 id, 1 title, 2 attributes, 3 description; none when one
/// word is missing everywhere.
fn rank(product: &Product, words: &[&str]) -> Option<usize> {
    let attributes = product.attributes.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>();
    let fields = [
        product.id.to_lowercase(),
        product.title.to_lowercase(),
        attributes.join(" ").to_lowercase(),
        product.description.to_lowercase(),
    ];
    words
        .iter()
        .map(|word| fields.iter().position(|f| f.contains(word)))
        .try_fold(0, |worst, at| at.map(|at| worst.max(at)))
}
