//! Unpacking a zip of the directory that [`import`](super::import) takes.
//!
//! The archive may come from anybody: every entry's name, kind and true size is checked, and
//! nothing is written outside a directory of its own.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::ZipArchive;
use zip::read::ZipFileEntry;
use zip::result::ZipError;

use super::CatalogueError;
use super::listing::LISTING;

/// How every zip archive starts.
const MAGIC: &[u8] = b"PK";
/// Entries up to this size may be packed as tightly as they like.
const RATIO_FROM: u64 = 1 << 20;
/// Folders inside each other.
const MAX_DEPTH: usize = 16;
const MAX_NAME: usize = 200;

/// What unpacking may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Most entries.
    pub files: usize,
    /// Most bytes, unpacked.
    pub bytes: u64,
    /// Most bytes unpacked for one packed, of an entry over 1 MiB.
    pub ratio: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { files: 20_000, bytes: 2 << 30, ratio: 200 }
    }
}

/// An unpacked archive; its files go when this does.
#[derive(Debug)]
pub struct Unpacked {
    _dir: TempDir,
    /// The directory that holds `description.json`.
    pub root: PathBuf,
}

/// Whether a file is a zip archive by its first bytes.
///
/// # Errors
/// When it cannot be read.
pub fn is_zip(path: &Path) -> io::Result<bool> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    Ok(start == MAGIC)
}

/// Unpacks an archive into a temporary directory. `description.json` lies at its top or in its
/// one folder. What macOS adds and hidden files are left out.
///
/// # Errors
/// [`CatalogueError::Archive`] when it is no zip archive, holds no `description.json` or too
/// much; [`CatalogueError::ArchiveEntry`], naming the entry, when one leads out of the
/// directory, is encrypted, is no plain file, is there twice or is not what its header says.
/// Nothing stays on disk.
pub fn unpack(
    mut zip: impl Read + Seek,
    limits: &ArchiveLimits,
) -> Result<Unpacked, CatalogueError> {
    let refused = |e: &dyn std::fmt::Display| CatalogueError::Archive(e.to_string());
    let length = zip.seek(SeekFrom::End(0)).map_err(|e| refused(&e))?;
    let mut archive =
        ZipArchive::new(zip).map_err(|e| refused(&format!("it is none, or is cut short ({e})")))?;
    let entries = survey(&archive, length, limits)?;
    let dir = tempfile::Builder::new()
        .prefix("magpie-import-")
        .tempdir()
        .map_err(|e| refused(&format!("there is no room to unpack it ({})", e.kind())))?;
    let mut writer = Writer { limits, left: limits.bytes, dir: dir.path() };
    for entry in &entries {
        let mut content = archive.by_index(entry.index).map_err(|e| entry.broken(&e))?;
        writer.write(entry, &mut content)?;
    }
    let root = root(dir.path())?;
    Ok(Unpacked { _dir: dir, root })
}

/// A file to unpack.
struct Entry {
    index: usize,
    name: String,
    path: PathBuf,
    packed: u64,
    /// What its header says.
    size: u64,
}

impl Entry {
    fn refused(&self, reason: impl Into<String>) -> CatalogueError {
        refused(&self.name, reason)
    }

    fn broken(&self, error: &ZipError) -> CatalogueError {
        self.refused(match error {
            ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => {
                format!("is packed in a way that Magpie does not read ({error}); use deflate")
            }
            other => format!("is damaged ({other})"),
        })
    }
}

fn refused(entry: &str, reason: impl Into<String>) -> CatalogueError {
    let entry = entry.chars().take(MAX_NAME).collect();
    CatalogueError::ArchiveEntry { entry, reason: reason.into() }
}

/// Checks every header before anything is unpacked.
fn survey<R: Read + Seek>(
    archive: &ZipArchive<R>,
    length: u64,
    limits: &ArchiveLimits,
) -> Result<Vec<Entry>, CatalogueError> {
    if archive.len() > limits.files {
        let (found, most) = (archive.len(), limits.files);
        return Err(CatalogueError::Archive(format!(
            "it has {found} entries, the limit is {most}; split it"
        )));
    }
    if archive.has_duplicate_names() {
        return Err(CatalogueError::Archive("two of its entries have the same name".into()));
    }
    let (mut entries, mut paths, mut total) = (Vec::new(), HashSet::new(), 0u64);
    for index in 0..archive.len() {
        let header = archive
            .by_index_data(index)
            .map_err(|e| CatalogueError::Archive(format!("it is damaged ({e})")))?;
        let Some(entry) = check(index, &header, length)? else { continue };
        if !paths.insert(entry.path.clone()) {
            return Err(entry.refused("is there twice"));
        }
        total = total.saturating_add(entry.size);
        entries.push(entry);
    }
    if total > limits.bytes {
        return Err(too_much(limits));
    }
    if entries.is_empty() {
        return Err(CatalogueError::Archive("it holds no files".into()));
    }
    Ok(entries)
}

/// One header; `None` for what is not unpacked.
fn check(
    index: usize,
    header: &ZipFileEntry<'_>,
    length: u64,
) -> Result<Option<Entry>, CatalogueError> {
    const KIND: u32 = 0o170_000;
    const NONE: u32 = 0;
    const FILE: u32 = 0o100_000;
    const DIRECTORY: u32 = 0o040_000;
    const LINK: u32 = 0o120_000;
    let name = match header.name() {
        Ok(name) => name.into_owned(),
        Err(e) => {
            let name = String::from_utf8_lossy(header.name_raw());
            return Err(refused(&name, format!("has a name that cannot be read ({e})")));
        }
    };
    let parts = safe_parts(&name).map_err(|reason| refused(&name, reason))?;
    match header.unix_mode().unwrap_or_default() & KIND {
        NONE | FILE | DIRECTORY => {}
        LINK => return Err(refused(&name, "is a symbolic link; put the file itself there")),
        _ => return Err(refused(&name, "is no plain file")),
    }
    if header.encrypted() {
        return Err(refused(&name, "is encrypted; make the archive without a password"));
    }
    let ignored = parts.iter().any(|p| *p == "__MACOSX" || p.starts_with('.'));
    if ignored || parts.is_empty() || name.ends_with(['/', '\\']) {
        return Ok(None);
    }
    Ok(Some(Entry {
        index,
        path: parts.iter().collect(),
        packed: header.compressed_size().min(length),
        size: header.size(),
        name,
    }))
}

/// The folders and the file that a name stands for, when all of them lie below the top. Some
/// programs for Windows write backslashes.
fn safe_parts(name: &str) -> Result<Vec<&str>, &'static str> {
    if name.contains('\0') {
        return Err("has a name with a NUL in it");
    }
    if name.starts_with(['/', '\\']) {
        return Err("has an absolute path; only paths below the archive's top are unpacked");
    }
    if name.as_bytes().first_chunk().is_some_and(|[a, b]| a.is_ascii_alphabetic() && *b == b':') {
        return Err("names a drive; only paths below the archive's top are unpacked");
    }
    let parts: Vec<&str> =
        name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err("leads out of the archive");
    }
    if parts.len() > MAX_DEPTH {
        return Err("lies in too many folders inside each other");
    }
    Ok(parts)
}

fn too_much(limits: &ArchiveLimits) -> CatalogueError {
    CatalogueError::Archive(format!(
        "it unpacks to more than {} bytes, which is the limit; split it",
        limits.bytes
    ))
}

struct Writer<'a> {
    limits: &'a ArchiveLimits,
    /// Bytes that may still be written.
    left: u64,
    dir: &'a Path,
}

impl Writer<'_> {
    fn write(&mut self, entry: &Entry, content: &mut impl Read) -> Result<(), CatalogueError> {
        let unwritable = |e: io::Error| match e.kind() {
            io::ErrorKind::AlreadyExists => entry.refused("is there twice"),
            // Whoever sent the archive has no business with this machine's paths.
            kind => entry.refused(format!("cannot be unpacked ({kind})")),
        };
        let path = self.dir.join(&entry.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(unwritable)?;
        }
        let mut file = File::create_new(&path).map_err(unwritable)?;
        let mut buffer = vec![0; 64 << 10];
        let mut written = 0u64;
        loop {
            let read = content
                .read(&mut buffer)
                .map_err(|e| entry.refused(format!("is damaged ({e})")))?;
            if read == 0 {
                break;
            }
            written += read as u64;
            self.left = self.left.checked_sub(read as u64).ok_or_else(|| too_much(self.limits))?;
            if written > entry.size {
                return Err(lies(entry));
            }
            if written > RATIO_FROM && written > entry.packed.saturating_mul(self.limits.ratio) {
                return Err(entry.refused("is packed more tightly than pictures and text can be"));
            }
            file.write_all(buffer.get(..read).unwrap_or_default()).map_err(unwritable)?;
        }
        if written == entry.size { Ok(()) } else { Err(lies(entry)) }
    }
}

fn lies(entry: &Entry) -> CatalogueError {
    entry.refused(format!("is damaged: it does not hold the {} bytes it says", entry.size))
}

/// The directory with the listing: the top, or its one folder.
fn root(top: &Path) -> Result<PathBuf, CatalogueError> {
    if top.join(LISTING).is_file() {
        return Ok(top.to_owned());
    }
    let unreadable = |e: io::Error| CatalogueError::Archive(e.to_string());
    let mut folders = Vec::new();
    for entry in fs::read_dir(top).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        folders.extend(path.is_dir().then_some(path));
    }
    match folders.as_slice() {
        [only] if only.join(LISTING).is_file() => Ok(only.clone()),
        _ => Err(CatalogueError::Archive(format!(
            "it holds no {LISTING}, neither at its top nor in its one folder"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_top() {
        assert_eq!(safe_parts("./a//b\\c.jpg").unwrap(), ["a", "b", "c.jpg"]);
        assert_eq!(safe_parts("12:30.jpg").unwrap(), ["12:30.jpg"]);
        assert!(safe_parts("a..b/...").is_ok());
        for bad in ["/a", "\\a", "C:\\a", "c:a", "../a", "a/../b", "a\\..\\..\\b", "a\0b", ".."] {
            assert!(safe_parts(bad).is_err(), "{bad:?}");
        }
        assert!(safe_parts(&"a/".repeat(17)).is_err());
    }
}
