//! Models come from the hub whole or not at all: over the wire, from a fake hub that serves the
//! tiny model the way the real one does, the weights from another host than the rest.

#[path = "support/http.rs"]
mod http;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::{NOBODY, Reply, Request, Server, unproxied};
use serde_json::Value;
use support::{Run, magpie, tiny};
use tempfile::TempDir;

const ID: &str = "acme/tiny-clip";
const DEFAULT_ID: &str = "openai/clip-vit-base-patch32";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS: &str = "model.safetensors";
const TOKEN: &str = "hf_sesame4711";

/// A hub and the host that it sends clients to for weights.
struct Hub {
    hub: Server,
    /// Held, so that it serves as long as the hub does.
    cdn: Server,
}

impl Hub {
    /// A hub that has the tiny model as [`ID`] on `main`.
    fn new() -> Self {
        Self::with(|_, _| None, |_, _| None)
    }

    /// The same hub, but where `hub` or the weights' host `cdn` gives a reply, that one is sent.
    fn with(
        hub: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static,
        cdn: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let cdn = Server::new(move |request, before| {
            cdn(request, before).unwrap_or_else(|| Reply::new(200, file(WEIGHTS)))
        });
        let weights_at = cdn.url();
        let hub = Server::new(move |request, before| {
            hub(request, before)
                .or_else(|| resolve(request, ID, "main", &weights_at))
                .unwrap_or_else(|| Reply::new(404, "Repository not found"))
        });
        Self { hub, cdn }
    }

    fn weights_at(&self) -> String {
        self.cdn.url()
    }
}

fn file(name: &str) -> Vec<u8> {
    fs::read(tiny().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// What the hub answers for a file of the repository `id` at `revision`, or at its commit.
fn resolve(request: &Request, id: &str, revision: &str, weights_at: &str) -> Option<Reply> {
    let at = |revision: &str| format!("/{id}/resolve/{}/", revision.replace('/', "%2F"));
    let path = &request.path;
    let name = path.strip_prefix(&at(revision)).or_else(|| path.strip_prefix(&at(COMMIT)))?;
    let path = tiny().join(name);
    let reply = if !path.is_file() {
        Reply::new(404, "Entry not found")
    } else if name == WEIGHTS {
        Reply::new(302, "Found")
            .header("location", format!("{weights_at}/weights"))
            .header("x-linked-size", file(name).len())
            .header("x-linked-etag", format!("\"{}\"", "5a".repeat(32)))
            .header("etag", "\"of-the-pointer\"")
    } else {
        let bytes = file(name);
        let etag = format!("\"{:040x}\"", bytes.len());
        Reply::new(200, bytes).header("etag", etag)
    };
    Some(reply.header("x-repo-commit", COMMIT))
}

/// Whether a file's contents are asked for.
fn gets(request: &Request, name: &str) -> bool {
    request.method == "GET" && request.path.ends_with(name)
}

/// A user's machine: a home of its own and, in it, the hub's cache. The home lies a folder deep, so
/// that its `..` is the test's own too.
struct Machine {
    dir: TempDir,
    endpoint: String,
}

impl Machine {
    fn new(hub: &Hub) -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap(), endpoint: hub.hub.url() };
        fs::create_dir(machine.home()).unwrap();
        machine
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn cache(&self) -> PathBuf {
        self.home().join("hf/hub")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = unproxied(magpie());
        command.args(args).arg("--json").current_dir(self.home());
        command.env("HOME", self.home()).env("HF_HOME", self.home().join("hf"));
        command.env_remove("XDG_CACHE_HOME").env_remove("HUGGINGFACE_HUB_CACHE");
        command.env("HF_ENDPOINT", &self.endpoint);
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        Run::new(self.command(args).output().unwrap())
    }

    fn offline(&self, args: &[&str]) -> Run {
        Run::new(self.command(args).env("HF_HUB_OFFLINE", "1").output().unwrap())
    }
}

/// Files below a directory whose name ends so.
fn files_ending(dir: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let paths = entries.map(|e| e.unwrap().path());
    paths
        .flat_map(|p| if p.is_dir() { files_ending(&p, end) } else { vec![p] })
        .filter(|p| p.to_str().unwrap().ends_with(end))
        .collect()
}

#[test]
fn a_pulled_model_is_in_the_shared_cache_and_tells_where() {
    let hub = Hub::new();
    let machine = Machine::new(&hub);
    let pulled = machine.run(&["model", "pull", ID]).ok();
    assert_eq!((&pulled["id"], &pulled["dimensions"]), (&ID.into(), &32.into()), "{pulled}");
    let dir = Path::new(pulled["directory"].as_str().unwrap());
    assert_eq!(dir, machine.cache().join("models--acme--tiny-clip/snapshots").join(COMMIT));
    for name in ["config.json", "preprocessor_config.json", "tokenizer.json", WEIGHTS] {
        assert_eq!(fs::read(dir.join(name)).unwrap(), file(name), "{name}");
    }
    assert_eq!(files_ending(&machine.cache(), ".incomplete"), [] as [PathBuf; 0]);
    let again = machine.run(&["model", "pull", ID]).ok();
    assert_eq!(again, pulled, "a second pull");
    assert_eq!(hub.cdn.lines(), ["GET /weights"], "weights are fetched once");
}

#[test]
fn a_pulled_model_serves_without_the_hub_and_gives_its_own_vectors() {
    let hub = Hub::new();
    let machine = Machine::new(&hub);
    machine.run(&["model", "pull", ID]).ok();
    let asked = hub.hub.requests().len();
    let info = machine.run(&["model", "info", ID]).ok();
    assert_eq!(hub.hub.requests().len(), asked, "a cached model is used without asking");
    drop(hub);
    assert_eq!(machine.run(&["model", "info", ID]).ok(), info, "the hub is gone");
    assert_eq!(machine.offline(&["model", "info", ID]).ok(), info, "offline");
    machine.offline(&["model", "pull", ID]).ok();
    assert_eq!((&info["model"], &info["dimensions"]), (&ID.into(), &32.into()), "{info}");
    let dir = tiny();
    let here = machine.run(&["model", "info", dir.to_str().unwrap()]).ok();
    assert_eq!(info["fingerprint"], here["fingerprint"]);
    let embed =
        |model: &str| machine.run(&["model", "embed", "--model", model, "--text", "hello"]).ok();
    assert_eq!(embed(ID), embed(dir.to_str().unwrap()));
}

#[test]
fn a_model_is_fetched_when_it_is_first_used() {
    let hub = Hub::new();
    let machine = Machine::new(&hub);
    let embedded = machine.run(&["model", "embed", "--model", ID, "--text", "hello"]).ok();
    assert_eq!(embedded["dimensions"], 32);
    assert!(!hub.hub.requests().is_empty());
}

#[test]
fn offline_without_the_model_is_an_error_and_no_request() {
    let hub = Hub::new();
    let machine = Machine::new(&hub);
    for args in [["model", "pull", ID], ["model", "info", ID]] {
        let error = machine.offline(&args).error(1);
        assert!(error.contains(ID) && error.contains("HF_HUB_OFFLINE"), "{args:?}: {error}");
    }
    assert_eq!(hub.hub.lines(), [] as [&str; 0]);
}

#[test]
fn the_token_goes_to_the_hub_alone_and_is_never_printed() {
    let hub = Hub::new();
    let machine = Machine::new(&hub);
    for (log, args) in
        [("trace", ["model", "pull", ID, "-vv"]), ("", ["model", "pull", "acme/none", "-vv"])]
    {
        let mut command = machine.command(&args);
        command.env("HF_TOKEN", TOKEN);
        if !log.is_empty() {
            command.env("RUST_LOG", log);
        }
        let run = Run::new(command.output().unwrap());
        assert_eq!(run.code, i32::from(log.is_empty()), "{args:?}: {run:?}");
        assert!(!run.stdout.contains(TOKEN) && !run.stderr.contains(TOKEN), "{args:?}: {run:?}");
    }
    for request in hub.hub.requests() {
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    }
    assert_eq!(hub.cdn.requests()[0].header("authorization"), None, "the weights' host");
}

#[test]
fn what_the_hub_refuses_is_named_with_the_way_out() {
    let refuse = |status: u16| {
        let hub = Hub::with(move |_, _| Some(Reply::new(status, "no")), |_, _| None);
        let machine = Machine::new(&hub);
        let error = machine.run(&["model", "pull", ID]).error(1);
        let files = files_ending(&machine.cache(), "");
        assert!(error.contains(ID), "{status}: {error}");
        assert_eq!(files, [] as [PathBuf; 0], "{status}: nothing is kept");
        error
    };
    let missing = refuse(404);
    assert!(missing.contains("check the id"), "{missing}");
    for status in [401, 403] {
        let error = refuse(status);
        assert!(error.contains("HF_TOKEN") && error.contains("check the id"), "{status}: {error}");
    }
    let broken = refuse(503);
    assert!(broken.contains("503"), "{broken}");
}

#[test]
fn a_model_without_safetensors_is_refused_by_that_name() {
    let missing = |r: &Request, _| {
        let reply = Reply::new(404, "Entry not found").header("x-repo-commit", COMMIT);
        r.path.ends_with(WEIGHTS).then_some(reply)
    };
    let hub = Hub::with(missing, |_, _| None);
    let error = Machine::new(&hub).run(&["model", "pull", ID]).error(1);
    assert!(error.contains(WEIGHTS), "{error}");
    assert!(!hub.hub.lines().iter().any(|l| l.contains("refs")), "{:?}", hub.hub.lines());
}

#[test]
fn the_default_model_is_found_on_its_conversion_branch() {
    let weights_at = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let at = weights_at.clone();
    let hub = Hub::with(
        move |r, _| {
            let on_main = r.path.starts_with(&format!("/{DEFAULT_ID}/resolve/main/"));
            if on_main && r.path.ends_with(WEIGHTS) {
                return Some(Reply::new(404, "").header("x-repo-commit", "9".repeat(40)));
            }
            resolve(r, DEFAULT_ID, "refs/pr/15", at.get()?)
        },
        |_, _| None,
    );
    weights_at.set(hub.weights_at()).unwrap();
    let machine = Machine::new(&hub);
    let pulled = machine.run(&["model", "pull"]).ok();
    assert_eq!(pulled["id"], DEFAULT_ID);
    assert!(pulled["directory"].as_str().unwrap().ends_with(COMMIT), "{pulled}");
    machine.offline(&["model", "info", DEFAULT_ID]).ok();
}

#[test]
fn a_revision_in_the_id_is_the_one_that_is_asked_for() {
    for revision in ["v1.2", "refs/pr/3", COMMIT] {
        let weights_at = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
        let at = weights_at.clone();
        let hub = Hub::with(move |r, _| resolve(r, ID, revision, at.get()?), |_, _| None);
        weights_at.set(hub.weights_at()).unwrap();
        let machine = Machine::new(&hub);
        let id = format!("{ID}@{revision}");
        machine.run(&["model", "pull", &id]).ok();
        let first = format!("HEAD /{ID}/resolve/{}/{WEIGHTS}", revision.replace('/', "%2F"));
        assert_eq!(hub.hub.lines()[0], first);
        assert!(!hub.hub.lines().iter().any(|l| l.contains("/main/")), "{:?}", hub.hub.lines());
        assert_eq!(machine.offline(&["model", "info", &id]).ok()["model"], Value::from(id));
    }
}

#[test]
fn a_hub_that_stumbles_is_asked_again() {
    let stumble = |_: &Request, before| (before < 2).then(|| Reply::new(500, "later"));
    let hub = Hub::with(stumble, stumble);
    let machine = Machine::new(&hub);
    let pulled = machine.run(&["model", "pull", ID]).ok();
    let dir = Path::new(pulled["directory"].as_str().unwrap());
    assert_eq!(fs::read(dir.join(WEIGHTS)).unwrap(), file(WEIGHTS));
    assert_eq!(hub.cdn.requests().len(), 3);
}

/// Pulls once from a hub that fails so, which must be an error, and again from a sound one.
fn fails_then_heals(
    case: &str,
    hub: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static,
    cdn: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static,
) -> String {
    let broken = Hub::with(hub, cdn);
    let mut machine = Machine::new(&broken);
    let error = machine.run(&["model", "pull", ID]).error(1);
    assert!(error.contains(ID), "{case}: {error}");
    let unusable = machine.offline(&["model", "info", ID]).error(1);
    assert!(unusable.contains("not in the cache"), "{case}: {unusable}");
    let sound = Hub::new();
    machine.endpoint = sound.hub.url();
    let pulled = machine.run(&["model", "pull", ID]);
    assert_eq!(pulled.code, 0, "{case}: {pulled:?}");
    let dir = PathBuf::from(pulled.ok()["directory"].as_str().unwrap());
    for name in ["config.json", "preprocessor_config.json", "tokenizer.json", WEIGHTS] {
        assert_eq!(fs::read(dir.join(name)).unwrap(), file(name), "{case}: {name}");
    }
    error
}

#[test]
fn a_download_that_breaks_off_is_not_taken_for_whole() {
    let cut = |name: &'static str| Reply::new(200, file(name)).cut();
    fails_then_heals("weights", |_, _| None, move |_, _| Some(cut(WEIGHTS)));
    let config = move |r: &Request, _| gets(r, "/config.json").then(|| cut("config.json"));
    fails_then_heals("config", config, |_, _| None);
}

#[test]
fn an_error_page_is_not_taken_for_the_file() {
    for status in [403, 404, 503] {
        let page = move || Reply::new(status, "<html>Sorry</html>");
        let case = format!("weights, {status}");
        let error = fails_then_heals(&case, |_, _| None, move |_, _| Some(page()));
        assert!(error.contains(WEIGHTS), "{case}: {error}");
    }
    let page =
        |r: &Request, _| gets(r, "/tokenizer.json").then(|| Reply::new(403, "<html>Sorry</html>"));
    let error = fails_then_heals("tokenizer", page, |_, _| None);
    assert!(error.contains("tokenizer.json"), "{error}");
}

/// A newer model on the hub, whose weights have another length.
fn newer(weights: impl Fn() -> Reply + Send + Sync + 'static) -> Hub {
    let next = "f".repeat(40);
    let head = move |r: &Request, _| {
        let reply = Reply::new(302, "Found")
            .header("location", format!("{NOBODY}/weights"))
            .header("x-linked-size", file(WEIGHTS).len() + 1)
            .header("x-linked-etag", format!("\"{}\"", "6b".repeat(32)))
            .header("x-repo-commit", &next);
        (r.method == "HEAD" && r.path.ends_with(WEIGHTS)).then_some(reply)
    };
    Hub::with(move |r, n| head(r, n).or_else(|| gets(r, WEIGHTS).then(&weights)), |_, _| None)
}

#[test]
fn a_newer_model_that_does_not_come_leaves_the_cached_one_usable() {
    let sound = Hub::new();
    let mut machine = Machine::new(&sound);
    machine.run(&["model", "pull", ID]).ok();
    let info = machine.offline(&["model", "info", ID]).ok();
    for (case, hub) in [
        ("cut off", newer(|| Reply::new(200, [file(WEIGHTS), vec![0]].concat()).cut())),
        ("no weights' host", newer(|| Reply::new(302, "").header("location", NOBODY))),
    ] {
        machine.endpoint = hub.hub.url();
        let _either_way = machine.run(&["model", "pull", ID]);
        assert_eq!(machine.offline(&["model", "info", ID]).ok(), info, "{case}");
    }
}

#[test]
fn an_endpoint_that_is_none_is_an_error() {
    let mut machine = Machine::new(&Hub::new());
    machine.endpoint = NOBODY.into();
    let error = machine.run(&["model", "pull", ID]).error(1);
    assert!(error.contains("HF_ENDPOINT"), "nobody listens: {error}");
    machine.endpoint = "nonsense".into();
    let error = machine.run(&["model", "pull", ID]).error(1);
    assert!(error.contains(ID), "no URL: {error}");
    let page = |_: &Request, _| Some(Reply::new(200, "<html>Log in to the Wi-Fi</html>"));
    let portal = Hub::with(page, |_, _| None);
    machine.endpoint = portal.hub.url();
    let error = machine.run(&["model", "pull", ID]).error(1);
    assert!(error.contains("HF_ENDPOINT"), "a captive portal: {error}");
}

#[test]
fn an_id_that_tries_a_path_is_refused_without_a_request() {
    let hub = Hub::new();
    let machine = Machine::new(&hub);
    for id in ["../x", "a/..", "acme/../x", "/etc/passwd", "acme/x@../../y", "acme/x?y", "acme/"] {
        for args in [["model", "pull", id], ["model", "info", id]] {
            let error = machine.run(&args).error(1);
            assert!(error.contains(id), "{args:?}: {error}");
        }
    }
    assert_eq!(hub.hub.lines(), [] as [&str; 0]);
    assert_eq!(files_ending(machine.dir.path(), ""), [] as [PathBuf; 0]);
}
