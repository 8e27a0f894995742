//! A whole catalogue at once: archives that come in and go out, and the sample.

use std::sync::Arc;

use tempfile::TempPath;

use super::error::KbError;
use super::kb::Kb;
use crate::catalogue::archive::{self, ArchiveLimits};
use crate::catalogue::import::{self, Options, Report};
use crate::catalogue::{Author, export};

impl Kb {
    /// Imports a zip archive that holds `description.json` and pictures.
    ///
    /// # Errors
    /// [`KbError::Importing`] while another import runs, [`KbError::Catalogue`].
    pub async fn import(&self, author: Author, archive: TempPath) -> Result<Report, KbError> {
        self.import_from(author, move || {
            let file = std::fs::File::open(&archive)?;
            let unpacked = archive::unpack(file, &ArchiveLimits::default())?;
            Ok((unpacked.root.clone(), Box::new(unpacked) as Box<dyn Send>))
        })
        .await
    }

    /// Imports the sample catalogue.
    ///
    /// # Errors
    /// As [`Kb::import`].
    pub async fn load_sample(&self, author: Author) -> Result<Report, KbError> {
        self.import_from(author, || {
            let dir = tempfile::tempdir()?;
            crate::sample::unpack(dir.path())?;
            Ok((dir.path().to_owned(), Box::new(dir) as Box<dyn Send>))
        })
        .await
    }

    /// Imports the directory that `open` makes; what it returns beside the path holds the
    /// directory in being.
    async fn import_from(
        &self,
        author: Author,
        open: impl FnOnce() -> Result<(std::path::PathBuf, Box<dyn Send>), KbError> + Send + 'static,
    ) -> Result<Report, KbError> {
        let kb = self.clone();
        // On a task of its own, so that a client that goes away does not leave it half done.
        let import = tokio::spawn(async move {
            let shelf = Arc::clone(&kb.shelf);
            let _alone = shelf.importing.try_lock().map_err(|_| KbError::Importing)?;
            let (engine, limits) = (kb.engine.clone(), kb.engine.settings().photo.clone());
            let report = kb
                .with(move |c| {
                    let (root, _dir) = open()?;
                    let options = Options { limits, author: Some(author), ..Options::default() };
                    Ok(import::import(c, &root, engine.clip(), &options, &|_, _| {})?)
                })
                .await?;
            // Waited for: until it is done, no match is called confident.
            kb.settled().await?;
            Ok(report)
        });
        import.await?
    }

    /// Writes the whole catalogue into a zip archive.
    ///
    /// # Errors
    /// [`KbError::Io`] or [`KbError::Catalogue`].
    pub async fn export(&self) -> Result<TempPath, KbError> {
        self.with(|c| {
            let mut file = tempfile::NamedTempFile::new()?;
            export::export(c, file.as_file_mut(), &|_, _| {})?;
            Ok(file.into_temp_path())
        })
        .await
    }
}
