//! What several test files share: the real binary, run in an environment of its own, and
//! pictures to feed it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::Value;

/// A directory of the repository.
pub fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A miniature CLIP with random weights: quick, and it tells any two pictures apart.
pub fn tiny() -> PathBuf {
    repo("tests/fixtures/clip-tiny")
}

/// The binary, without the caller's configuration and keys.
pub fn magpie() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_magpie"));
    for (name, _) in std::env::vars() {
        if ["MAGPIE", "OPENAI", "HF_", "RUST_LOG"].iter().any(|p| name.starts_with(p)) {
            command.env_remove(name);
        }
    }
    // A folder of the build's own: what else lies in the common one, such as a configuration, is not read.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The one JSON object on stdout.
    pub fn json(&self) -> Value {
        assert_eq!(self.stdout.trim().lines().count(), 1, "one object on stdout: {self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The object of a run that must have succeeded.
    pub fn ok(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        self.json()
    }

    /// The sentence of a run that must have failed with this exit code.
    pub fn error(&self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.json()["error"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

/// A catalogue directory and the commands run on it, with `--json` and the tiny model.
pub struct Shop {
    pub dir: tempfile::TempDir,
}

impl Shop {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command on this catalogue, not run yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = magpie();
        command.args(args).arg("--json");
        command.arg("--data").arg(self.data()).arg("--model").arg(tiny());
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::new(self.command(args).output().unwrap())
    }

    /// Writes a picture that no other number gives.
    pub fn picture(&self, name: &str, number: u32) -> String {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).unwrap();
        }
        picture(number).save(&path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes `kb/description.json` with these lines and returns the directory.
    pub fn listing(&self, lines: &str) -> String {
        let kb = self.path("kb");
        std::fs::create_dir_all(&kb).unwrap();
        std::fs::write(kb.join("description.json"), lines).unwrap();
        kb.to_str().unwrap().to_owned()
    }
}

/// A picture with structure, different for every number.
pub fn picture(number: u32) -> RgbImage {
    let seed = number.wrapping_mul(2_654_435_761).rotate_left(7) | 1;
    let channel = |x: u32, y: u32, c: u32| {
        let wave = (x * (seed >> (c * 3) & 15) + y * (seed >> (c * 5 + 2) & 15)) % 255;
        let block = ((x / 9 + c) ^ (y / 7)).wrapping_mul(seed) >> 24;
        ((wave + block) / 2) as u8
    };
    RgbImage::from_fn(96, 72, |x, y| Rgb([channel(x, y, 0), channel(x, y, 1), channel(x, y, 2)]))
}
