//! Searching: from a query vector to the products whose images are nearest.

use std::collections::HashSet;

use heed::RoTxn;

use super::{Catalogue, CatalogueError, ImageId, Product, index};
use crate::clip::Embedding;

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

impl Catalogue {
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
        let mut seen = HashSet::new();
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
}
