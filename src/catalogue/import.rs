//! Importing a directory that holds `description.json`; `listing.rs` reads that file.
//!
//! Each core reads, hashes, decodes and embeds batches of its own, while this thread commits the
//! ones before. A row that cannot be used is listed and stops no other; what was committed
//! stays, so an interrupted import goes on where it stopped, or is taken back as far as it came.

use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::listing::{Plan, Row};
use super::{Author, Catalogue, CatalogueError, ModelId, PreparedImage, ProductText};
use crate::clip::Embedding;
use crate::cores;
use crate::photo::{self, Detail, Limits, Photo};

/// Rows decoded, embedded and committed together.
const BATCH: usize = 32;

/// What makes vectors for the catalogue.
pub trait Embed: Sync {
    /// The model, as the catalogue records it.
    fn model(&self) -> ModelId;
    /// What a photo may be decoded to before [`Embed::prepare`] takes it.
    fn detail(&self) -> Detail {
        Detail::FULL
    }
    /// What the model takes of a photo; runs on many threads at once.
    fn prepare(&self, photo: &Photo) -> Vec<f32>;
    /// Vectors of prepared photos, in order; runs on many threads at once.
    ///
    /// # Errors
    /// A sentence for the person who imports.
    fn embed(&self, prepared: &[Vec<f32>]) -> Result<Vec<Embedding>, String>;
}

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Import nothing when any row is bad.
    pub strict: bool,
    /// Only report.
    pub dry_run: bool,
    pub limits: Limits,
    /// Whose change the log says it is; an import of nobody's is not logged.
    pub author: Option<Author>,
}

/// What an import did; every row is counted once.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Rows whose image was new.
    pub added: usize,
    /// Rows whose image was there and whose product's text changed.
    pub updated: usize,
    /// Rows that were in the catalogue already.
    pub unchanged: usize,
    pub failed: Vec<Failure>,
    pub seconds: f64,
}

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Line of the listing, from 1.
    pub line: usize,
    /// The row's `image_path`, empty when it has none.
    pub path: String,
    pub error: String,
}

/// Imports a directory (or its `description.json` itself). `progress` hears rows done and
/// rows in all.
///
/// # Errors
/// [`CatalogueError`] when the listing cannot be read at all or the catalogue cannot be
/// written; what was committed before stays.
pub fn import(
    catalogue: &Catalogue,
    path: &Path,
    embedder: &dyn Embed,
    options: &Options,
    progress: &dyn Fn(usize, usize),
) -> Result<Report, CatalogueError> {
    let started = Instant::now();
    let mut plan = Plan::read(path)?;
    let mut report = Report { failed: std::mem::take(&mut plan.failed), ..Default::default() };
    let job = Job { catalogue, embedder, options, plan: &plan };
    if options.strict || options.dry_run {
        let failed = job.check(progress)?;
        report.failed.extend(failed.failed);
        if options.dry_run {
            (report.added, report.updated, report.unchanged) =
                (failed.added, failed.updated, failed.unchanged);
        }
    }
    let refused = options.strict && !report.failed.is_empty();
    if !options.dry_run && !refused {
        job.run(progress, &mut report)?;
    }
    report.failed.sort_by_key(|f| f.line);
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// What a row turned out to be once its file was read.
enum Decoded {
    /// The product has this image.
    Known,
    New(Box<PreparedImage>, Vec<f32>),
    Bad(String),
}

struct Job<'a> {
    catalogue: &'a Catalogue,
    embedder: &'a dyn Embed,
    options: &'a Options,
    plan: &'a Plan,
}

impl Job<'_> {
    /// Reads and decodes every row without writing, and tells what an import would do.
    fn check(&self, progress: &dyn Fn(usize, usize)) -> Result<Report, CatalogueError> {
        let mut report = Report::default();
        let mut seen = std::collections::HashSet::new();
        let total = self.plan.rows.len();
        for (n, batch) in self.plan.rows.chunks(BATCH).enumerate() {
            for (row, decoded) in batch.iter().zip(self.decode(batch)?) {
                match decoded {
                    Decoded::Bad(error) => report.failed.push(failure(row, error)),
                    Decoded::New(..) => report.added += 1,
                    Decoded::Known if seen.insert(&row.product) && self.text_differs(row)? => {
                        report.updated += 1;
                    }
                    Decoded::Known => report.unchanged += 1,
                }
            }
            progress((n * BATCH + batch.len()).min(total), total);
        }
        Ok(report)
    }

    fn text_differs(&self, row: &Row) -> Result<bool, CatalogueError> {
        let stored = self.catalogue.find(&row.product)?;
        let text = self.plan.products.get(&row.product);
        Ok(matches!((stored, text), (Some(p), Some(t)) if !t.same_as(&p)))
    }

    /// Decodes and embeds on all cores, commits on this one.
    fn run(
        &self,
        progress: &dyn Fn(usize, usize),
        report: &mut Report,
    ) -> Result<(), CatalogueError> {
        let total = self.plan.rows.len();
        let mut done = 0;
        let mut number = None;
        cores::in_order(
            &self.plan.rows,
            BATCH,
            |batch| self.embed(batch),
            |batch, embedded| {
                let (decoded, vectors) = embedded?;
                self.commit(batch, decoded, vectors, &mut number, report)?;
                done += batch.len();
                progress(done, total);
                Ok(())
            },
        )
    }

    /// What became of the rows, and a vector for each that is new.
    fn embed(&self, batch: &[Row]) -> Result<(Vec<Decoded>, Vec<Embedding>), CatalogueError> {
        let (mut decoded, mut pixels) = (Vec::with_capacity(batch.len()), Vec::new());
        for row in batch {
            decoded.push(match self.decode_row(row)? {
                Decoded::New(image, input) => {
                    pixels.push(input);
                    Decoded::New(image, Vec::new())
                }
                other => other,
            });
        }
        let vectors = self.embedder.embed(&pixels).map_err(CatalogueError::Embed)?;
        Ok((decoded, vectors))
    }

    fn decode(&self, batch: &[Row]) -> Result<Vec<Decoded>, CatalogueError> {
        batch.par_iter().map(|row| self.decode_row(row)).collect()
    }

    fn decode_row(&self, row: &Row) -> Result<Decoded, CatalogueError> {
        let limits = &self.options.limits;
        let bytes = match photo::read(&row.file, limits) {
            Ok(bytes) => bytes,
            Err(e) => return Ok(Decoded::Bad(e.to_string())),
        };
        if self.catalogue.has_image(&row.product, blake3::hash(&bytes).as_bytes())? {
            return Ok(Decoded::Known);
        }
        let detail = self.embedder.detail().and(PreparedImage::detail());
        let prepared = Photo::decode_for(&bytes, limits, detail).and_then(|photo| {
            Ok((PreparedImage::new(&bytes, &row.path, &photo)?, self.embedder.prepare(&photo)))
        });
        Ok(match prepared {
            Ok((image, pixels)) => Decoded::New(Box::new(image), pixels),
            Err(e) => Decoded::Bad(e.to_string()),
        })
    }

    /// `number` is the import's in the log, once it has one.
    fn commit(
        &self,
        batch: &[Row],
        decoded: Vec<Decoded>,
        vectors: Vec<Embedding>,
        number: &mut Option<u64>,
        report: &mut Report,
    ) -> Result<(), CatalogueError> {
        let mut rows = Vec::new();
        for (row, decoded) in batch.iter().zip(decoded) {
            match decoded {
                Decoded::Bad(error) => report.failed.push(failure(row, error)),
                Decoded::Known => rows.push((row, None)),
                Decoded::New(image, _) => rows.push((row, Some(*image))),
            }
        }
        let mut vectors = vectors.into_iter();
        let images: Vec<Vec<(PreparedImage, Embedding)>> = rows
            .iter_mut()
            .map(|(_, image)| image.take().and_then(|i| Some((i, vectors.next()?))))
            .map(|pair| pair.into_iter().collect())
            .collect();
        let puts: Vec<(&ProductText, &[(PreparedImage, Embedding)])> = rows
            .iter()
            .zip(&images)
            .filter_map(|((row, _), images)| {
                Some((self.plan.products.get(&row.product)?, images.as_slice()))
            })
            .collect();
        let done = match &self.options.author {
            Some(author) => {
                let (done, entry) = self.catalogue.put_import(author, *number, &puts)?;
                *number = entry;
                done
            }
            None => self.catalogue.put_all(&puts)?,
        };
        for put in done {
            match put {
                p if p.images > 0 => report.added += 1,
                p if p.changed => report.updated += 1,
                _ => report.unchanged += 1,
            }
        }
        self.catalogue.index_if_due()?;
        Ok(())
    }
}

fn failure(row: &Row, error: String) -> Failure {
    Failure { line: row.line, path: row.path.clone(), error }
}
