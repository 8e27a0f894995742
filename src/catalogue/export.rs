//! Writing the catalogue out as a zip of the directory that [`import`](super::import) takes.
//!
//! Pictures are written as they are kept: JPEG of at most 1024 px, not the files they came
//! from. Importing an export gives the same products with vectors made anew from those.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Seek, Write};

use heed::RoTxn;
use indexmap::IndexMap;
use serde::Serialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::listing::LISTING;
use super::{Catalogue, CatalogueError, slug};

/// What an export wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub products: usize,
    pub images: usize,
    /// Ids of products without an image. A row of the listing is an image, so these are not
    /// in the export.
    pub left_out: Vec<String>,
}

/// A row of the listing.
#[derive(Serialize)]
struct Row<'a> {
    image_path: String,
    id: &'a str,
    title: &'a str,
    description: &'a str,
    attributes: &'a IndexMap<String, String>,
}

/// Writes the whole catalogue, as it is at this moment, as a zip archive: `description.json`
/// with a row for every image, and the kept pictures under `images/`. `progress` hears images
/// done and images in all.
///
/// # Errors
/// [`CatalogueError::Export`] when `out` cannot be written, [`CatalogueError::Damaged`] when a
/// picture is missing.
pub fn export(
    catalogue: &Catalogue,
    out: impl Write + Seek,
    progress: &dyn Fn(usize, usize),
) -> Result<Exported, CatalogueError> {
    let zip = RefCell::new(ZipWriter::new(out).set_auto_large_file());
    // One transaction: what others write meanwhile is not seen.
    let exported = catalogue.store.read(|txn| {
        let mut zip = zip.borrow_mut();
        let exported = write_pictures(catalogue, txn, &mut zip, progress)?;
        write_listing(catalogue, txn, &mut zip)?;
        Ok(exported)
    })?;
    zip.into_inner().finish().map_err(unzipped)?.flush().map_err(unwritten)?;
    Ok(exported)
}

fn write_pictures<W: Write + Seek>(
    catalogue: &Catalogue,
    txn: &RoTxn<'_>,
    zip: &mut ZipWriter<W>,
    progress: &dyn Fn(usize, usize),
) -> Result<Exported, CatalogueError> {
    let t = catalogue.store.tables();
    let total = usize::try_from(t.images.len(txn)?).unwrap_or(usize::MAX);
    // JPEG does not get smaller by deflating.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut names = Names::default();
    let mut exported = Exported::default();
    for entry in t.products.iter(txn)? {
        let (id, product) = entry?;
        if product.images.is_empty() {
            exported.left_out.push(id.to_owned());
            continue;
        }
        exported.products += 1;
        for image in &product.images {
            let picture = t.pictures.get(txn, image)?.ok_or_else(|| CatalogueError::Damaged {
                dir: catalogue.dir.display().to_string(),
                reason: format!("product {id:?} has lost a picture"),
            })?;
            zip.start_file(names.next(id), stored).map_err(unzipped)?;
            zip.write_all(picture).map_err(unwritten)?;
            exported.images += 1;
            progress(exported.images, total);
        }
    }
    Ok(exported)
}

fn write_listing<W: Write + Seek>(
    catalogue: &Catalogue,
    txn: &RoTxn<'_>,
    zip: &mut ZipWriter<W>,
) -> Result<(), CatalogueError> {
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file(LISTING, deflated).map_err(unzipped)?;
    // The same order gives every image the name it was written under.
    let mut names = Names::default();
    for entry in catalogue.store.tables().products.iter(txn)? {
        let (id, product) = entry?;
        for _ in &product.images {
            let row = Row {
                image_path: names.next(id),
                id,
                title: &product.title,
                description: &product.description,
                attributes: &product.attributes,
            };
            let mut line = serde_json::to_vec(&row).map_err(|e| unwritten(e.into()))?;
            line.push(b'\n');
            zip.write_all(&line).map_err(unwritten)?;
        }
    }
    Ok(())
}

/// Gives out file names; ids that look alike share their numbers, so that no name comes twice.
#[derive(Default)]
struct Names {
    given: HashMap<String, usize>,
}

impl Names {
    fn next(&mut self, product: &str) -> String {
        let slug = match slug(product) {
            empty if empty.is_empty() => "image".to_owned(),
            slug => slug,
        };
        let n = self.given.entry(slug.clone()).or_default();
        *n += 1;
        format!("images/{slug}-{n}.jpg")
    }
}

fn unzipped(error: zip::result::ZipError) -> CatalogueError {
    CatalogueError::Export(error.to_string())
}

fn unwritten(error: io::Error) -> CatalogueError {
    CatalogueError::Export(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_images_get_one_name() {
        let mut names = Names::default();
        let given = ["a.b", "a-b", "a-b-1", "a-b", "***", "image"].map(|id| names.next(id));
        assert_eq!(
            given,
            ["a-b-1", "a-b-2", "a-b-1-1", "a-b-3", "image-1", "image-2"]
                .map(|n| format!("images/{n}.jpg"))
        );
    }
}
