//! The log of who changed what, and taking changes back.
//!
//! A change is logged in the transaction that makes it: a line in `journal` and, in `steps`,
//! every product it touched as it was before and after. Images that were removed wait in
//! `attic`. Lines stay for ever; what undoing needs is kept for the newest [`KEPT`] changes.

use std::collections::HashMap;
use std::ops::Bound;
use std::time::{SystemTime, UNIX_EPOCH};

use heed::types::DecodeIgnore;
use heed::{RoTxn, RwTxn};
use serde::{Deserialize, Serialize};

use super::write::Step;
use super::{Catalogue, CatalogueError, ImageId, ModelId, attic};

/// The newest so many changes can be taken back.
pub(super) const KEPT: u64 = 200;
/// The newest so many changes are looked through for one that is asked for again.
const AGAIN: usize = 1000;
/// Product ids in a line of the log.
const NAMED: usize = 20;
/// Longest id or name of an author, in characters.
const MAX_AUTHOR: usize = 100;

/// Who makes a change, as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// What tells authors apart: `cli`, or a platform and its id of the person.
    pub id: String,
    /// What people call them.
    pub name: String,
}

impl Author {
    /// A name comes from a chat platform; it must not break a line of the log or fill it.
    fn cleaned(&self) -> Self {
        let clean = |text: &str| -> String {
            text.chars().filter(|c| !c.is_control()).take(MAX_AUTHOR).collect()
        };
        Self { id: clean(&self.id), name: clean(self.name.trim()) }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Added,
    /// Images were added to a product that existed; its text may have changed too.
    ImagesAdded,
    Edited,
    Removed,
    Imported,
    /// Another change was taken back.
    Undone,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// From 1, in the order the changes were made.
    pub number: u64,
    /// Milliseconds since 1970, UTC.
    pub at_ms: u64,
    pub author: Author,
    pub action: Action,
    /// Ids of the products it touched, at most 20.
    pub products: Vec<String>,
    /// Products it touched.
    pub count: usize,
    /// Images that came or went.
    pub images: usize,
    /// It was taken back.
    pub undone: bool,
    /// The number of the change that this one took back.
    pub undoes: Option<u64>,
    /// What asked for taking back, where it may come again; see [`Catalogue::undo_once`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub delivery: String,
}

impl Catalogue {
    /// Takes back this author's newest change that is not taken back yet and takes none back
    /// itself, whole or not at all. Returns that change; `None` when there is none.
    ///
    /// Products that a change added go with their images; removed ones come back with theirs,
    /// under the same image ids; texts are as they were.
    ///
    /// # Errors
    /// [`CatalogueError::ChangedSince`] when somebody changed one of its products afterwards,
    /// [`CatalogueError::UndoTooOld`], [`CatalogueError::CannotRestore`]; the catalogue is as
    /// it was.
    pub fn undo(&self, author: &Author) -> Result<Option<Change>, CatalogueError> {
        self.undo_once(author, "")
    }

    /// As [`Catalogue::undo`], for a message that may come again after a restart: the same `delivery`
    /// takes nothing else back, and is told what it took back. An empty one is always a new one.
    ///
    /// # Errors
    /// As [`Catalogue::undo`].
    pub fn undo_once(
        &self,
        author: &Author,
        delivery: &str,
    ) -> Result<Option<Change>, CatalogueError> {
        let author = author.cleaned();
        self.store.write(|txn| {
            if let Some(done) = self.undone_by(txn, delivery)? {
                return Ok(Some(done));
            }
            let Some(mut change) = self.newest_of(txn, &author.id)? else { return Ok(None) };
            let images = self.take_back(txn, &change)?;
            let t = self.store.tables();
            self.delete_steps(txn, change.number, change.number)?;
            change.undone = true;
            t.journal.put(txn, &change.number, &change)?;
            let undo = Change {
                products: change.products.clone(),
                count: change.count,
                images,
                undoes: Some(change.number),
                delivery: delivery.to_owned(),
                ..self.begin(txn, &author, Action::Undone)?
            };
            t.journal.put(txn, &undo.number, &undo)?;
            Ok(Some(change))
        })
    }

    /// The log, newest first.
    ///
    /// # Errors
    /// [`CatalogueError`] when the environment cannot be read.
    pub fn log(&self, skip: usize, take: usize) -> Result<Vec<Change>, CatalogueError> {
        self.store.read(|txn| {
            let lines = self.store.tables().journal.rev_iter(txn)?;
            Ok(lines.skip(skip).take(take).map(|e| e.map(|(_, c)| c)).collect::<Result<_, _>>()?)
        })
    }

    /// Logs what was done: as more of the change with this number, or as a new one when there
    /// is none or it was taken back. Steps that change nothing are left out. Returns the
    /// change's number, if there is a change.
    pub(super) fn record(
        &self,
        txn: &mut RwTxn<'_>,
        author: &Author,
        action: Action,
        number: Option<u64>,
        steps: &[Step],
    ) -> Result<Option<u64>, CatalogueError> {
        let steps: Vec<&Step> = steps.iter().filter(|s| s.before != s.after).collect();
        if steps.is_empty() {
            return Ok(number);
        }
        let t = self.store.tables();
        let known = number.map(|n| t.journal.get(txn, &n)).transpose()?.flatten();
        let mut change = match known {
            Some(change) if !change.undone => change,
            _ => self.begin(txn, &author.cleaned(), action)?,
        };
        for step in steps {
            self.append(txn, &mut change, step)?;
        }
        t.journal.put(txn, &change.number, &change)?;
        Ok(Some(change.number))
    }

    fn append(
        &self,
        txn: &mut RwTxn<'_>,
        change: &mut Change,
        step: &Step,
    ) -> Result<(), CatalogueError> {
        let t = self.store.tables();
        let key = key(change.number, step.id());
        change.images += step.come().len() + step.gone().len();
        // A product the change has touched already is still to go back to where it started.
        if let Some(first) = t.steps.get(txn, &key)? {
            let whole = Step { before: first.before, after: step.after.clone() };
            return Ok(t.steps.put(txn, &key, &whole)?);
        }
        change.count += 1;
        if change.products.len() < NAMED {
            change.products.push(step.id().to_owned());
        }
        Ok(t.steps.put(txn, &key, step)?)
    }

    /// A new line of the log, not written yet. What is too old to be taken back now is deleted.
    fn begin(
        &self,
        txn: &mut RwTxn<'_>,
        author: &Author,
        action: Action,
    ) -> Result<Change, CatalogueError> {
        let number = self.last_number(txn)? + 1;
        self.delete_steps(txn, 0, number.saturating_sub(KEPT))?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Change {
            number,
            at_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            author: author.clone(),
            action,
            products: Vec::new(),
            count: 0,
            images: 0,
            undone: false,
            undoes: None,
            delivery: String::new(),
        })
    }

    /// What this delivery has taken back already.
    fn undone_by(&self, txn: &RoTxn<'_>, delivery: &str) -> Result<Option<Change>, CatalogueError> {
        if delivery.is_empty() {
            return Ok(None);
        }
        let t = self.store.tables();
        for line in t.journal.rev_iter(txn)?.take(AGAIN) {
            let (_, change) = line?;
            if change.delivery == delivery
                && let Some(number) = change.undoes
            {
                return Ok(t.journal.get(txn, &number)?);
            }
        }
        Ok(None)
    }

    fn last_number(&self, txn: &RoTxn<'_>) -> Result<u64, CatalogueError> {
        Ok(self.store.tables().journal.last(txn)?.map_or(0, |(number, _)| number))
    }

    /// The change that [`Catalogue::undo`] is to take back.
    fn newest_of(&self, txn: &RoTxn<'_>, author: &str) -> Result<Option<Change>, CatalogueError> {
        let last = self.last_number(txn)?;
        for line in self.store.tables().journal.rev_iter(txn)? {
            let (number, change) = line?;
            if change.author.id != author || change.undone || change.undoes.is_some() {
                continue;
            }
            if number.saturating_add(KEPT) <= last {
                return Err(CatalogueError::UndoTooOld { number });
            }
            return Ok(Some(change));
        }
        Ok(None)
    }

    /// Puts every product of a change back to where it was; returns how many images came or
    /// went.
    fn take_back(&self, txn: &mut RwTxn<'_>, change: &Change) -> Result<usize, CatalogueError> {
        let t = self.store.tables();
        let model = self.meta::<ModelId>(txn, "model")?.map(|m| m.fingerprint);
        let since = self.touched_since(txn, change.number)?;
        let mut images = 0;
        for id in self.products_of(txn, change.number)? {
            let Some(step) = t.steps.get(txn, &key(change.number, &id))? else { continue };
            let later = since.get(&id).copied();
            if later.is_some() || t.products.get(txn, &id)? != step.after {
                let who = later.map(|n| t.journal.get(txn, &n)).transpose()?.flatten();
                let who = who.map_or_else(|| "somebody".to_owned(), |c| c.author.name);
                return Err(CatalogueError::ChangedSince { product: id, who });
            }
            images += self.step_back(txn, &id, step, model.as_deref())?;
        }
        Ok(images)
    }

    fn step_back(
        &self,
        txn: &mut RwTxn<'_>,
        id: &str,
        step: Step,
        model: Option<&str>,
    ) -> Result<usize, CatalogueError> {
        let t = self.store.tables();
        let (new, gone) = (step.come(), step.gone());
        for image in &new {
            self.drop_image(txn, *image)?;
        }
        for image in &gone {
            attic::bring_back(t, txn, id, *image, model)?;
        }
        match step.before {
            Some(before) => t.products.put(txn, id, &before)?,
            None => {
                t.products.delete(txn, id)?;
            }
        }
        self.texts_changed(txn)?;
        Ok(new.len() + gone.len())
    }

    fn products_of(&self, txn: &RoTxn<'_>, number: u64) -> Result<Vec<String>, CatalogueError> {
        let steps = self.store.tables().steps.remap_data_type::<DecodeIgnore>();
        let mut ids = Vec::new();
        for entry in steps.prefix_iter(txn, &number.to_be_bytes())? {
            ids.extend(unkey(entry?.0).map(|(_, id)| id));
        }
        Ok(ids)
    }

    /// Products that a later change touched, with the number of the last one.
    fn touched_since(
        &self,
        txn: &RoTxn<'_>,
        number: u64,
    ) -> Result<HashMap<String, u64>, CatalogueError> {
        let steps = self.store.tables().steps.remap_data_type::<DecodeIgnore>();
        let from = number.saturating_add(1).to_be_bytes();
        let range = (Bound::Included(from.as_slice()), Bound::Unbounded);
        let mut touched = HashMap::new();
        for entry in steps.range(txn, &range)? {
            touched.extend(unkey(entry?.0).map(|(number, id)| (id, number)));
        }
        Ok(touched)
    }

    /// Deletes what undoing the changes of these numbers, both included, would need.
    fn delete_steps(&self, txn: &mut RwTxn<'_>, from: u64, to: u64) -> Result<(), CatalogueError> {
        let t = self.store.tables();
        let (from, to) = (from.to_be_bytes(), to.saturating_add(1).to_be_bytes());
        let range = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
        let mut images: Vec<ImageId> = Vec::new();
        for entry in t.steps.range(txn, &range)? {
            images.extend(entry?.1.gone());
        }
        for image in images {
            attic::forget(t, txn, image)?;
        }
        t.steps.delete_range(txn, &range)?;
        Ok(())
    }
}

fn key(number: u64, product: &str) -> Vec<u8> {
    [number.to_be_bytes().as_slice(), product.as_bytes()].concat()
}

fn unkey(key: &[u8]) -> Option<(u64, String)> {
    let (number, id) = key.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), std::str::from_utf8(id).ok()?.to_owned()))
}
