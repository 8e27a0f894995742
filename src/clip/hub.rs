//! Fetching models from the Hugging Face hub, through `hf-hub` and its shared cache.
//!
//! `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they
//! mean to Python's `huggingface_hub`. A cached model is used without asking the network;
//! `magpie model pull` asks for the newest.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hf_hub::progress::{DownloadEvent, FileStatus, ProgressEvent, ProgressHandler};
use hf_hub::{HFClient, HFError};
use indicatif::{ProgressBar, ProgressStyle};

use super::{ClipError, FILES, WEIGHTS};

/// The model for production use.
pub const DEFAULT_ID: &str = "openai/clip-vit-base-patch32";

/// OpenAI's repositories keep their safetensors on a conversion branch, not on `main`.
const CONVERTED: &[(&str, &str)] = &[(DEFAULT_ID, "refs/pr/15")];

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A transfer in which nothing arrives for this long has failed.
const STALL: Duration = Duration::from_secs(60);

/// Whether a text reads `owner/name` or `owner/name@revision`.
pub fn is_id(text: &str) -> bool {
    let (id, revision) = split(text);
    let word = |w: &str| {
        !w.is_empty()
            && !w.starts_with('.')
            && !w.contains("..")
            && w.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    matches!(id.split_once('/'), Some((owner, name)) if word(owner) && word(name))
        && revision.is_none_or(|r| r.split('/').all(word))
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('@') {
        Some((id, revision)) => (id, Some(revision)),
        None => (text, None),
    }
}

/// The directory of a model: from the cache when it is complete there, else downloaded.
///
/// # Errors
/// [`ClipError::Hub`], naming the id and what to do.
pub fn fetch(id: &str) -> Result<PathBuf, ClipError> {
    run(id, false)
}

/// As [`fetch`], but asks the hub for the newest revision first.
///
/// # Errors
/// [`ClipError::Hub`], naming the id and what to do.
pub fn pull(id: &str) -> Result<PathBuf, ClipError> {
    run(id, true)
}

fn run(text: &str, refresh: bool) -> Result<PathBuf, ClipError> {
    let hub_error = |reason: String| ClipError::Hub { id: text.to_owned(), reason };
    if !is_id(text) {
        return Err(hub_error("an id reads owner/name or owner/name@revision".into()));
    }
    let offline = std::env::var("HF_HUB_OFFLINE")
        .is_ok_and(|v| ["1", "ON", "YES", "TRUE"].contains(&v.to_uppercase().as_str()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| hub_error(e.to_string()))?;
    runtime.block_on(async {
        let download = Download::new(text).map_err(|e| hub_error(e.to_string()))?;
        if !refresh || offline {
            match download.all(true).await {
                Ok(dir) => return Ok(dir),
                Err(_) if offline => {
                    return Err(hub_error(
                        "it is not in the cache and HF_HUB_OFFLINE is set; unset it, or copy the \
                         model's directory here and give its path"
                            .into(),
                    ));
                }
                Err(_) => {}
            }
        }
        download.watched().await.map_err(hub_error)
    })
}

struct Download {
    client: HFClient,
    owner: String,
    name: String,
    revisions: Vec<Option<String>>,
    meter: Arc<Meter>,
}

impl Download {
    fn new(text: &str) -> Result<Self, HFError> {
        let (id, revision) = split(text);
        let (owner, name) = hf_hub::split_id(id);
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(STALL)
            .user_agent(concat!("magpie/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let mut revisions = vec![revision.map(str::to_owned)];
        if revision.is_none() {
            let converted = CONVERTED.iter().filter(|(of, _)| *of == id);
            revisions.extend(converted.map(|(_, r)| Some((*r).to_owned())));
        }
        Ok(Self {
            client: HFClient::builder().client(http).retry_max_attempts(3).build()?,
            owner: owner.to_owned(),
            name: name.to_owned(),
            revisions,
            meter: Arc::new(Meter::new()),
        })
    }

    /// Downloads, giving up when nothing arrives for [`STALL`].
    async fn watched(&self) -> Result<PathBuf, String> {
        let watchdog = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if self.meter.idle() > STALL {
                    return;
                }
            }
        };
        let result = tokio::select! {
            result = self.all(false) => result.map_err(|e| explain(&e)),
            () = watchdog => Err(format!("nothing arrived for {} s", STALL.as_secs())),
        };
        self.meter.bar.finish_and_clear();
        result
    }

    /// Tries the revisions in turn; the next one only when the weights are not in this one.
    async fn all(&self, cached_only: bool) -> Result<PathBuf, HFError> {
        let mut missing = None;
        for revision in &self.revisions {
            match self.revision(revision.as_deref(), cached_only).await {
                Err(e @ (HFError::EntryNotFound { .. } | HFError::LocalEntryNotFound { .. })) => {
                    missing.get_or_insert(e);
                }
                done => return done,
            }
        }
        Err(missing.unwrap_or(HFError::LocalEntryNotFound { path: WEIGHTS.into() }))
    }

    async fn revision(&self, revision: Option<&str>, cached: bool) -> Result<PathBuf, HFError> {
        let repo = self.client.model(&self.owner, &self.name);
        let mut revision = revision.map(str::to_owned);
        let mut dir = PathBuf::new();
        // The weights first: they are what a revision may lack.
        for file in FILES.iter().rev() {
            self.meter.promised.store(0, Ordering::Relaxed);
            let path = repo
                .download_file()
                .filename(*file)
                .maybe_revision(revision)
                .local_files_only(cached)
                .progress(Arc::clone(&self.meter))
                .send()
                .await?;
            self.meter.touch();
            whole(file, &path, self.meter.promised.load(Ordering::Relaxed))?;
            dir = path.parent().map(PathBuf::from).unwrap_or_default();
            // The cache names the directory by the commit; a branch may move meanwhile.
            revision = dir.file_name().map(|commit| commit.to_string_lossy().into_owned());
        }
        Ok(dir)
    }
}

/// Refuses a file of another length than the hub announced, and takes it out of the cache.
/// `hf-hub` looks at neither status nor length of what it stores, so a server's error page would
/// be the model's file from then on.
fn whole(file: &str, path: &Path, promised: u64) -> Result<(), HFError> {
    let length = std::fs::metadata(path)?.len();
    if promised == 0 || length == promised {
        return Ok(());
    }
    // The cache's path is a link to the bytes.
    let bytes = std::fs::canonicalize(path)?;
    std::fs::remove_file(path)?;
    if bytes != path {
        let _ = std::fs::remove_file(bytes);
    }
    Err(HFError::Other(format!("{file} came with {length} bytes instead of {promised}")))
}

fn explain(error: &HFError) -> String {
    match error {
        // The hub says so of ids that it does not know, too.
        HFError::AuthRequired { .. } | HFError::Forbidden { .. } => {
            "the hub refused access; check the id, or set HF_TOKEN to a token that may read it"
                .into()
        }
        // `hf-hub` does not tell a missing file from a missing model.
        HFError::EntryNotFound { path, .. } => format!(
            "there is no {path} under that id; check the id, and that it is a CLIP with \
             safetensors weights"
        ),
        other => format!(
            "{other}; check the network or HF_ENDPOINT, or give a directory that holds the model"
        ),
    }
}

/// Progress bar and stall clock.
struct Meter {
    bar: ProgressBar,
    last: Mutex<Instant>,
    /// Length of the file that has come, as the hub announced it; 0 when none came.
    promised: AtomicU64,
}

impl Meter {
    fn new() -> Self {
        let bar = ProgressBar::hidden();
        if let Ok(style) = ProgressStyle::with_template(
            "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ) {
            bar.set_style(style);
        }
        Self { bar, last: Mutex::new(Instant::now()), promised: AtomicU64::new(0) }
    }

    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn idle(&self) -> Duration {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

impl ProgressHandler for Meter {
    fn on_progress(&self, event: &ProgressEvent) {
        self.touch();
        let ProgressEvent::Download(event) = event else { return };
        match event {
            DownloadEvent::Start { total_bytes, .. } => {
                self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                self.bar.set_length(*total_bytes);
                self.bar.set_position(0);
            }
            DownloadEvent::Progress { files } => {
                if let Some(file) = files.last() {
                    if file.status == FileStatus::Complete {
                        let announced = self.bar.length().unwrap_or_default();
                        self.promised.store(announced, Ordering::Relaxed);
                    }
                    self.bar.set_message(file.filename.clone());
                    self.bar.set_position(file.bytes_completed);
                }
            }
            DownloadEvent::AggregateProgress { bytes_completed, .. } => {
                self.bar.set_position(*bytes_completed);
            }
            DownloadEvent::Complete => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn ids_are_owner_and_name_and_nothing_else() {
        for good in ["openai/clip-vit-base-patch32", "a/b@main", "a/b@refs/pr/15", "A_1/x.y"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "a", "a/b/c", "../b", "a/..", "a/b@..", "a/b@", "a b/c", "/a/b", "a/.b"] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
