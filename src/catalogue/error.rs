//! What can go wrong in a catalogue, worded for its owner.

use super::journal::KEPT;
use super::{MAX_ID, SCHEMA};
use crate::photo::PhotoError;

/// Why the catalogue could not do what was asked, worded for its owner.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error("the catalogue in {dir} cannot be used: {reason}")]
    Unusable { dir: String, reason: String },
    #[error(
        "the catalogue in {dir} is damaged ({reason}); restore data.mdb from a backup, or import \
         into a new directory"
    )]
    Damaged { dir: String, reason: String },
    #[error(
        "the disk that holds {dir} is full ({reason}); free some space and try again, the \
         catalogue is as it was"
    )]
    DiskFull { dir: String, reason: String },
    #[error(
        "the catalogue in {dir} has layout {found}, this Magpie reads {SCHEMA}; use the Magpie \
         that wrote it"
    )]
    OtherSchema { dir: String, found: u32 },
    #[error(
        "the catalogue in {dir} was made with the model {theirs}, not {ours}; their vectors do not \
         compare. Use --model {theirs}, or run: magpie kb reembed --data {dir} --model {ours}"
    )]
    OtherModel { dir: String, theirs: String, ours: String },
    #[error("there is no product {0:?}; `magpie kb list` shows what there is")]
    NoProduct(String),
    #[error(
        "{0:?} is not a product id: use 1 to {MAX_ID} bytes without spaces or control characters"
    )]
    BadId(String),
    #[error("product {id:?}: {reason}")]
    BadProduct { id: String, reason: String },
    #[error(
        "{who} changed product {product:?} afterwards, so nothing was taken back; edit it by hand, \
         or let {who} take that back first"
    )]
    ChangedSince { product: String, who: String },
    #[error(
        "the change numbered {number} is too old: only the catalogue's newest {KEPT} changes can \
         be taken back"
    )]
    UndoTooOld { number: u64 },
    #[error("product {product:?} cannot be brought back: {reason}; add it again from its pictures")]
    CannotRestore { product: String, reason: String },
    #[error("the zip archive cannot be used: {0}")]
    Archive(String),
    #[error("the zip archive cannot be used: its entry {entry:?} {reason}")]
    ArchiveEntry { entry: String, reason: String },
    #[error("the export could not be written: {0}")]
    Export(String),
    #[error(transparent)]
    Photo(#[from] PhotoError),
    #[error("embedding failed: {0}")]
    Embed(String),
    /// The memory map is full; the store grows it and no caller sees this.
    #[doc(hidden)]
    #[error("the catalogue's memory map is full")]
    MapFull,
    /// Another process grew the map; the store follows and no caller sees this.
    #[doc(hidden)]
    #[error("another process grew the catalogue's memory map")]
    MapOutgrown,
    /// An LMDB error on its way to the store, which knows the directory.
    #[doc(hidden)]
    #[error(transparent)]
    Lmdb(#[from] heed::Error),
}

impl From<arroy::Error> for CatalogueError {
    fn from(error: arroy::Error) -> Self {
        match error {
            arroy::Error::Heed(e) => Self::Lmdb(e),
            arroy::Error::Io(e) => Self::Lmdb(heed::Error::Io(e)),
            other => Self::Lmdb(heed::Error::Decoding(other.to_string().into())),
        }
    }
}
