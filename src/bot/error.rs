//! From an error of any room to the sentence that a chat user reads.
//!
//! The user's own mistakes are explained in their language. Anything else is the operator's
//! business: the log has the chain of causes under a reference number, the user gets the number.

use crate::answer::AnswerError;
use crate::catalogue::CatalogueError;
use crate::clip::ClipError;
use crate::photo::PhotoError;
use crate::search::SearchError;
use crate::words::{Value, say};

use super::reply::{Failure, FailureKind};

/// Why the bot could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum KbError {
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error("{name}: {source}")]
    Photo { name: String, source: PhotoError },
    #[error(transparent)]
    Clip(#[from] ClipError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error("no photo came with it")]
    NoPhoto,
    #[error("{sent} photos came, the limit is {limit}")]
    TooManyPhotos { sent: usize, limit: usize },
    #[error("the product has neither title nor description")]
    NoText,
    #[error("the product {id} ({title}) exists already")]
    Taken { id: String, title: String },
    #[error("no zip archive came with it")]
    NoArchive,
    #[error("an import is running")]
    Importing,
    #[error("a file could not be written: {0}")]
    Io(#[from] std::io::Error),
    #[error("its thread broke off: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// What the user may see of an error, in their language.
pub fn failure(error: &KbError, language: &str) -> Failure {
    use FailureKind::{Conflict, Invalid, NotFound, Unavailable};
    let tell = |kind, key: &str, values: &[(&'static str, Value<'_>)]| Failure {
        kind,
        text: say(language, key, values),
        reference: None,
        retry_after: None,
    };
    match error {
        KbError::Photo { name, source } => {
            photo(name, source, language).unwrap_or_else(|| internal(error, language))
        }
        KbError::Catalogue(CatalogueError::Photo(source)) => {
            photo("", source, language).unwrap_or_else(|| internal(error, language))
        }
        KbError::Catalogue(CatalogueError::NoProduct(id)) => {
            tell(NotFound, "no-product", &[("id", id.as_str().into())])
        }
        KbError::Catalogue(CatalogueError::BadId(id)) => {
            tell(Invalid, "bad-id", &[("id", id.as_str().into())])
        }
        KbError::Catalogue(CatalogueError::BadProduct { id, reason }) => tell(
            Invalid,
            "bad-product",
            &[("id", id.as_str().into()), ("reason", reason.as_str().into())],
        ),
        KbError::Catalogue(e @ CatalogueError::ChangedSince { .. }) => {
            tell(Conflict, "changed-since", &[("reason", e.to_string().into())])
        }
        KbError::Catalogue(
            e @ (CatalogueError::UndoTooOld { .. }
            | CatalogueError::CannotRestore { .. }
            | CatalogueError::Archive(_)
            | CatalogueError::ArchiveEntry { .. }),
        ) => tell(Invalid, "refused", &[("reason", e.to_string().into())]),
        KbError::Catalogue(CatalogueError::DiskFull { .. }) => {
            log(error);
            tell(Unavailable, "disk-full", &[])
        }
        KbError::Answer(AnswerError::LongQuestion { length, limit }) => tell(
            Invalid,
            "long-question",
            &[("length", (*length).into()), ("limit", (*limit).into())],
        ),
        KbError::Answer(AnswerError::EmptyQuestion) => tell(Invalid, "empty-question", &[]),
        KbError::NoPhoto => tell(Invalid, "kb-add-needs-photo", &[]),
        KbError::TooManyPhotos { sent, limit } => tell(
            Invalid,
            "too-many-photos",
            &[("sent", (*sent).into()), ("limit", (*limit).into())],
        ),
        KbError::NoText => tell(Invalid, "kb-add-needs-text", &[]),
        KbError::Taken { id, title } => tell(
            Conflict,
            "kb-taken",
            &[("id", id.as_str().into()), ("title", title.as_str().into())],
        ),
        KbError::NoArchive => tell(Invalid, "kb-import-needs-zip", &[]),
        KbError::Importing => tell(Conflict, "kb-importing", &[]),
        _ => internal(error, language),
    }
}

/// The sentence for a photo that cannot be used; none when it is not the sender's fault.
fn photo(name: &str, error: &PhotoError, language: &str) -> Option<Failure> {
    let named = |text: String| match name {
        "" => text,
        name => say(language, "photo-named", &[("name", name.into()), ("text", text.into())]),
    };
    let text = match error {
        PhotoError::Empty => say(language, "photo-empty", &[]),
        PhotoError::TooManyBytes { bytes, limit } => say(
            language,
            "photo-bytes",
            &[("size", megabytes(*bytes).into()), ("limit", megabytes(*limit).into())],
        ),
        PhotoError::TooManyPixels { width, height, limit } => say(
            language,
            "photo-pixels",
            &[
                ("width", width.to_string().into()),
                ("height", height.to_string().into()),
                ("limit", (limit / 1_000_000).to_string().into()),
            ],
        ),
        PhotoError::Unsupported { format } => {
            say(language, "photo-unsupported", &[("format", format.as_str().into())])
        }
        PhotoError::Damaged { format, .. } => {
            say(language, "photo-damaged", &[("format", format.as_str().into())])
        }
        PhotoError::TooMuchMemory { format } => {
            say(language, "photo-memory", &[("format", format.as_str().into())])
        }
        PhotoError::Unreadable { .. } => return None,
    };
    Some(Failure {
        kind: FailureKind::Invalid,
        text: named(text),
        reference: None,
        retry_after: None,
    })
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// Logs what happened under a new reference number and tells the user that number.
pub fn internal(error: &dyn std::error::Error, language: &str) -> Failure {
    let reference = log(error);
    let text = say(language, "internal", &[("reference", reference.as_str().into())]);
    Failure { kind: FailureKind::Internal, text, reference: Some(reference), retry_after: None }
}

/// Writes an error with its causes to the log; the reference it stands under.
pub fn log(error: &dyn std::error::Error) -> String {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    let reference = new_reference();
    tracing::error!(reference, "{chain}");
    reference
}

/// A number to find a failure in the log by.
pub fn new_reference() -> String {
    format!("{:08x}", rand::random::<u32>())
}
