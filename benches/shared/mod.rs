//! What the benchmarks of the chats have in common: the questions, photos, the bot in a process of its
//! own, and what is made of the times.

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub const QUESTIONS: [&str; 4] =
    ["How heavy is it?", "What is this?", "How much does it cost?", "What is it made of?"];

/// The argument after this one.
pub fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|a| a != name).nth(1)
}

/// `--seconds`, of which there are 60 otherwise.
pub fn seconds() -> u64 {
    option("--seconds").map_or(60, |s| s.parse().expect("--seconds N"))
}

/// `--catalogue`, or the sample one.
pub fn catalogue() -> PathBuf {
    option("--catalogue").map_or(root().join("kb"), PathBuf::from)
}

/// At most some 64 of the photos in `--photos`, or of the sample catalogue's customers'.
pub fn photos() -> Vec<Vec<u8>> {
    let mut files = walk(&option("--photos").map_or(root().join("kb/photos"), PathBuf::from));
    files.sort();
    let step = (files.len() / 64).max(1);
    files.iter().step_by(step).map(|f| std::fs::read(f).expect("a readable photo")).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a directory of photos").flatten();
    let paths = entries.map(|e| e.path());
    paths
        .flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] })
        .filter(|p| p.extension().is_some_and(|e| e == "jpg" || e == "png"))
        .collect()
}

/// The time that this part of them is below; the times rise.
pub fn at(times: &[f64], part: f64) -> f64 {
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or(f64::NAN)
}

/// The real binary, serving a catalogue that it imported into `dir`, without limits on its users.
pub struct Bot {
    child: Child,
    /// The web chat's host and port.
    pub address: String,
}

impl Bot {
    /// `config` is the text of its configuration file.
    pub fn start(dir: &Path, catalogue: &Path, config: &str) -> Self {
        let file = dir.join("magpie.toml");
        std::fs::write(&file, config).expect("a configuration file");
        let magpie = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_magpie"));
            command.arg("--config").arg(&file).arg("--data").arg(dir.join("data"));
            command.current_dir(dir).env_remove("OPENAI_API_KEY").env("NO_PROXY", "127.0.0.1");
            for (key, value) in [
                ("WEB__LISTEN", "127.0.0.1:0"),
                ("BOT__USER_PER_MINUTE", "4000000"),
                ("BOT__USER_BURST", "4000000"),
                ("BOT__TOTAL_PER_MINUTE", "4000000"),
                ("BOT__CONCURRENT", "256"),
            ] {
                command.env(format!("MAGPIE__{key}"), value);
            }
            command
        };
        let import = magpie().args(["kb", "import"]).arg(catalogue).output();
        assert!(import.is_ok_and(|o| o.status.success()), "the catalogue does not import");
        let mut child = magpie().arg("serve").stdout(Stdio::piped()).spawn().expect("a server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its stdout");
        BufReader::new(stdout).read_line(&mut line).expect("its address");
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { child, address }
    }

    /// Resident memory, in MB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1e3
    }

    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        println!("stopped with {}", self.child.wait().expect("its end"));
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
