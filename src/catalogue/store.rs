//! The LMDB environment: its tables, its transactions, its growth.
//!
//! One directory is one environment. Every transaction goes through [`Store::read`] or
//! [`Store::write`], which grow the memory map when it is full, follow another process that
//! grew it, and turn LMDB's errors into the catalogue's own.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use heed::byteorder::BE;
use heed::types::{Bytes, SerdeJson, Str, U32, U64, Unit};
use heed::{CommitOrAbort, Database, Env, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};

use super::product::{ImageRecord, Product};
use super::write::Step;
use super::{CatalogueError, Change, Feedback, UsageRow};

/// First size of the memory map, in bytes. It is address space, not disk: the file is as long
/// as its content.
pub const MAP_SIZE: usize = 64 << 30;
const MIN_MAP_SIZE: usize = 1 << 20;

/// The named databases of an environment.
#[derive(Clone, Copy)]
pub(super) struct Tables {
    /// Schema version, model, counters, calibration.
    pub meta: Database<'static, Str, Bytes>,
    pub products: Database<'static, Str, SerdeJson<Product>>,
    pub images: Database<'static, U32<BE>, SerdeJson<ImageRecord>>,
    /// blake3 of the source file, then the product id: what makes adding twice a no-op.
    pub hashes: Database<'static, Bytes, U32<BE>>,
    /// JPEG of at most 1024 px.
    pub pictures: Database<'static, U32<BE>, Bytes>,
    /// JPEG of at most 320 px.
    pub thumbnails: Database<'static, U32<BE>, Bytes>,
    /// Vectors not in the trees yet: little-endian f32s.
    pub flat: Database<'static, U32<BE>, Bytes>,
    /// Images that were removed but still stand in the trees.
    pub gone: Database<'static, U32<BE>, Unit>,
    pub trees: arroy::Database<'static, arroy::distances::Cosine>,
    /// The log of changes, by number.
    pub journal: Database<'static, U64<BE>, SerdeJson<Change>>,
    /// Number of a change (big-endian), then a product id: that product before and after.
    pub steps: Database<'static, Bytes, SerdeJson<Step>>,
    /// Removed images; see `attic.rs`.
    pub attic: Database<'static, Bytes, Bytes>,
    pub feedback: Database<'static, U64<BE>, SerdeJson<Feedback>>,
    /// What answers cost; see `usage.rs`.
    pub usage: Database<'static, Bytes, SerdeJson<UsageRow>>,
}

pub(super) struct Store {
    dir: PathBuf,
    env: Env<WithoutTls>,
    tables: Tables,
    /// Held shared by every transaction and alone by a resize, which LMDB allows only while
    /// this process has no transaction open.
    gate: RwLock<()>,
}

impl Store {
    pub(super) fn open(dir: &Path, map_size: usize) -> Result<Self, CatalogueError> {
        let unusable = |e: &dyn std::fmt::Display| CatalogueError::Unusable {
            dir: dir.display().to_string(),
            reason: e.to_string(),
        };
        std::fs::create_dir_all(dir).map_err(|e| unusable(&e))?;
        let env = open_env(dir, map_size).map_err(|e| translate(dir, e))?;
        env.clear_stale_readers().map_err(|e| translate(dir, e))?;
        let tables = create_tables(&env).map_err(|e| translate(dir, e))?;
        Ok(Self { dir: dir.to_owned(), env, tables, gate: RwLock::new(()) })
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Bytes of the data file on disk.
    pub(super) fn bytes(&self) -> Result<u64, CatalogueError> {
        self.env.real_disk_size().map_err(|e| translate(&self.dir, e))
    }

    /// Runs `f` on a consistent snapshot.
    pub(super) fn read<T>(
        &self,
        f: impl Fn(&RoTxn<'_>) -> Result<T, CatalogueError>,
    ) -> Result<T, CatalogueError> {
        loop {
            let result = {
                let _shared = self.gate.read().unwrap_or_else(PoisonError::into_inner);
                self.env
                    .read_txn()
                    .map_err(|e| translate(&self.dir, e))
                    .and_then(|txn| f(&txn).map_err(|e| self.placed(e)))
            };
            match result {
                Err(CatalogueError::MapOutgrown) => self.resize(0)?,
                other => return other,
            }
        }
    }

    /// Runs `f` in the one write transaction; all of it is committed or none.
    ///
    /// `f` runs again from the start when the map had to grow first.
    pub(super) fn write<T>(
        &self,
        mut f: impl FnMut(&mut RwTxn<'_>) -> Result<T, CatalogueError>,
    ) -> Result<T, CatalogueError> {
        loop {
            let result = {
                let _shared = self.gate.read().unwrap_or_else(PoisonError::into_inner);
                self.env.write_txn().map_err(|e| translate(&self.dir, e)).and_then(|mut txn| {
                    let value = f(&mut txn).map_err(|e| self.placed(e))?;
                    txn.commit().map_err(|e| translate(&self.dir, e))?;
                    Ok(value)
                })
            };
            match result {
                Err(CatalogueError::MapFull) => self.resize(self.env.info().map_size * 2)?,
                Err(CatalogueError::MapOutgrown) => self.resize(0)?,
                other => return other,
            }
        }
    }

    /// Grows the map to `size` bytes; 0 takes over the size another process gave it.
    fn resize(&self, size: usize) -> Result<(), CatalogueError> {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been through here while this one waited.
        if size != 0 && size <= self.env.info().map_size {
            return Ok(());
        }
        tracing::debug!(size, "resizing the catalogue's memory map");
        // SAFETY: every transaction of this process holds `gate`, so none is open now.
        unsafe { self.env.resize(size) }.map_err(|e| translate(&self.dir, e))
    }

    fn placed(&self, error: CatalogueError) -> CatalogueError {
        match error {
            CatalogueError::Lmdb(e) => translate(&self.dir, e),
            other => other,
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // heed keeps a registry of open environments; leaving it lets this process open the
        // directory again.
        self.env.clone().prepare_for_closing();
    }
}

fn open_env(dir: &Path, map_size: usize) -> Result<Env<WithoutTls>, heed::Error> {
    let mut size = map_size.max(MIN_MAP_SIZE);
    loop {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(size).max_dbs(24).max_readers(1024);
        // SAFETY: the directory belongs to Magpie; other processes open it through LMDB too,
        // whose lock file keeps them apart.
        match unsafe { options.open(dir) } {
            // An address-space limit (ulimit -v) allows only a smaller map; it grows when needed.
            Err(heed::Error::Io(e)) if e.raw_os_error() == Some(ENOMEM) && size > MIN_MAP_SIZE => {
                size /= 2;
            }
            other => return other,
        }
    }
}

fn create_tables(env: &Env<WithoutTls>) -> Result<Tables, heed::Error> {
    loop {
        let txn = match env.write_txn() {
            Err(heed::Error::Mdb(MdbError::MapResized)) => {
                // SAFETY: the environment was opened a moment ago and has no transaction yet.
                unsafe { env.resize(0) }?;
                continue;
            }
            other => other?,
        };
        let made = env.create_databases_and_commit(txn, |dbs, txn| -> Result<_, heed::Error> {
            let text = (
                dbs.create_database(txn, Some("meta"))?,
                dbs.create_database(txn, Some("products"))?,
                dbs.create_database(txn, Some("images"))?,
                dbs.create_database(txn, Some("hashes"))?,
            );
            let binary = (
                dbs.create_database(txn, Some("pictures"))?,
                dbs.create_database(txn, Some("thumbnails"))?,
                dbs.create_database(txn, Some("flat"))?,
                dbs.create_database(txn, Some("gone"))?,
                dbs.create_database(txn, Some("trees"))?,
            );
            // Later additions: a catalogue made before them gets them here.
            let log = (
                dbs.create_database(txn, Some("journal"))?,
                dbs.create_database(txn, Some("steps"))?,
                dbs.create_database(txn, Some("attic"))?,
                dbs.create_database(txn, Some("feedback"))?,
                dbs.create_database(txn, Some("usage"))?,
            );
            Ok(CommitOrAbort::<_, ()>::Commit((text, binary, log)))
        })?;
        let (text, binary, log) = made.unwrap_commit();
        let (meta, products, images, hashes) = text;
        let (pictures, thumbnails, flat, gone, trees) = binary;
        let (journal, steps, attic, feedback, usage) = log;
        return Ok(Tables {
            meta,
            products,
            images,
            hashes,
            pictures,
            thumbnails,
            flat,
            gone,
            trees,
            journal,
            steps,
            attic,
            feedback,
            usage,
        });
    }
}

const ENOMEM: i32 = 12;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EFBIG: i32 = 27;
const EDQUOT: i32 = 122;

fn translate(dir: &Path, error: heed::Error) -> CatalogueError {
    let place = dir.display().to_string();
    match error {
        heed::Error::Mdb(MdbError::MapFull) => CatalogueError::MapFull,
        heed::Error::Mdb(MdbError::MapResized) => CatalogueError::MapOutgrown,
        heed::Error::EnvAlreadyOpened => CatalogueError::Unusable {
            dir: place,
            reason: "this process has it open already".into(),
        },
        heed::Error::Io(e) => match e.raw_os_error() {
            // LMDB reports a write that stopped half way as EIO.
            Some(ENOSPC | EDQUOT | EFBIG | EIO) => {
                CatalogueError::DiskFull { dir: place, reason: e.to_string() }
            }
            _ => CatalogueError::Unusable { dir: place, reason: e.to_string() },
        },
        heed::Error::Mdb(
            e @ (MdbError::Invalid
            | MdbError::Corrupted
            | MdbError::VersionMismatch
            | MdbError::PageNotFound),
        ) => CatalogueError::Damaged { dir: place, reason: e.to_string() },
        heed::Error::Decoding(e) => CatalogueError::Damaged { dir: place, reason: e.to_string() },
        other => CatalogueError::Unusable { dir: place, reason: other.to_string() },
    }
}
