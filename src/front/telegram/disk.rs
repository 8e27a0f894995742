//! Files that a local Bot API server (`--local`) hands out as paths on the disk it shares with us.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::api::FetchError;

/// Reads a file of at most `limit` bytes, wherever links lead, only from under `root`.
///
/// # Errors
/// [`FetchError`]; no sentence names the path, for the bot's token is part of it.
pub fn read(root: &Path, path: &Path, limit: u64) -> Result<Vec<u8>, FetchError> {
    let trouble = |text: String| FetchError::Trouble(text);
    if root.as_os_str().is_empty() {
        return Err(trouble(
            "the Bot API server runs with --local and names files on its disk; set \
             telegram.local_files to the directory it keeps them in"
                .into(),
        ));
    }
    let root = root
        .canonicalize()
        .map_err(|e| trouble(format!("telegram.local_files cannot be entered: {e}")))?;
    let path = path.canonicalize().map_err(|_| FetchError::Gone)?;
    if !path.starts_with(&root) {
        return Err(trouble(
            "the Bot API server names a file that is not under telegram.local_files".into(),
        ));
    }
    let unread = |e| trouble(format!("a file under telegram.local_files cannot be read: {e}"));
    let meta = path.metadata().map_err(unread)?;
    if !meta.is_file() {
        return Err(trouble("the Bot API server names what is no file".into()));
    }
    if meta.len() > limit {
        return Err(FetchError::TooLarge);
    }
    let mut bytes = Vec::new();
    let file = File::open(&path).map_err(unread)?;
    // It may have grown since.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > limit { Err(FetchError::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_under_the_directory_are_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("12:secret");
        std::fs::write(&file, b"photo").unwrap();
        assert_eq!(read(dir.path(), &file, 5), Ok(b"photo".to_vec()));
        assert_eq!(read(dir.path(), &file, 4), Err(FetchError::TooLarge));
        assert_eq!(read(dir.path(), &dir.path().join("gone"), 5), Err(FetchError::Gone));
        for root in [Path::new(""), &dir.path().join("nowhere"), &file] {
            let trouble = match read(root, if root == file { dir.path() } else { &file }, 5) {
                Err(FetchError::Trouble(trouble)) => trouble,
                other => panic!("{other:?}"),
            };
            assert!(trouble.contains("telegram.local_files"), "{trouble}");
            assert!(!trouble.contains("secret"), "{trouble}");
        }
    }
}
