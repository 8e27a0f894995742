//! The command line: clap commands that wire the rooms together.
//!
//! With `--json` a command prints one object on stdout and nothing else there; logs and
//! progress go to stderr. Exit codes: 0 done, 1 failed, 2 done in part, 64 wrong usage.

mod ask;
mod demo;
mod eval;
mod eval_answers;
mod facts;
mod feedback;
mod kb;
mod model;
mod output;
mod serve;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::answer::AnswerError;
use crate::catalogue::Catalogue;
use crate::catalogue::import::Embed;
use crate::clip::{Clip, Engine};
use crate::config::{MAX_K, Settings};

const EXIT_FAILED: u8 = 1;
const EXIT_PARTIAL: u8 = 2;
const EXIT_USAGE: u8 = 64;

/// Ask about products by photo: match the photo in a catalogue and answer from its text.
#[derive(Parser)]
#[command(name = "magpie", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// Print one JSON object on stdout and nothing else there
    #[arg(long, global = true)]
    json: bool,
    /// Configuration file [default: config/magpie.toml, when it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The catalogue's directory [default: magpie-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The CLIP model: a directory, a hub id, or "mini"
    #[arg(long, global = true, value_name = "DIR|ID|mini")]
    model: Option<String>,
    /// More logs on stderr; twice for details
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Import the sample catalogue into a throw-away directory, ask its photos a question each, and
    /// serve the web chat over it
    Demo(demo::Demo),
    /// Run the bot: the web chat, and every other front-end that is configured
    Serve(serve::Serve),
    /// Grow and inspect the catalogue
    #[command(subcommand)]
    Kb(kb::Command),
    /// The products that match a photo, words, or both
    Similar(ask::Similar),
    /// Answer a question about a photo from the catalogue
    Ask(ask::Ask),
    /// Measure matching on labelled photos
    Eval(eval::Eval),
    /// Measure answers on questions whose facts are known
    EvalAnswers(eval_answers::EvalAnswers),
    /// What answers cost, in the catalogue that --data names
    Usage(usage::Usage),
    /// What people thought of answers, in the catalogue that --data names
    #[command(subcommand)]
    Feedback(feedback::Command),
    /// Fetch, inspect and run CLIP models
    #[command(subcommand)]
    Model(model::Command),
}

/// How a command that did not fail ended.
enum Outcome {
    Done,
    /// Something was left undone, and was listed.
    Partial,
}

/// Runs the command line and tells the exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    crate::telemetry::init(cli.global.verbose);
    let json = cli.global.json;
    match execute(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Partial) => ExitCode::from(EXIT_PARTIAL),
        Err(error) => {
            output::error(json, &format!("{error:#}"));
            match error.downcast_ref::<AnswerError>() {
                Some(AnswerError::EmptyQuestion | AnswerError::LongQuestion { .. }) => {
                    ExitCode::from(EXIT_USAGE)
                }
                _ => ExitCode::from(EXIT_FAILED),
            }
        }
    }
}

/// Prints clap's message; help and version are not errors.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if std::env::args().any(|a| a == "--json") {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        output::error(true, first);
    }
    let _ = error.print();
    ExitCode::from(EXIT_USAGE)
}

fn execute(cli: Cli) -> Result<Outcome> {
    let context = Context::new(cli.global)?;
    match cli.command {
        Command::Demo(args) => demo::run(&context, &args),
        Command::Serve(args) => serve::run(&context, &args),
        Command::Kb(command) => kb::run(&context, command),
        Command::Similar(args) => ask::similar(&context, args),
        Command::Ask(args) => ask::ask(&context, args),
        Command::Eval(args) => eval::run(&context, args),
        Command::EvalAnswers(args) => eval_answers::run(&context, &args),
        Command::Usage(args) => usage::run(&context, &args),
        Command::Feedback(command) => feedback::run(&context, &command),
        Command::Model(command) => model::run(&context, command),
    }
}

/// What every command starts from.
struct Context {
    settings: Settings,
    json: bool,
}

impl Context {
    fn new(global: Global) -> Result<Self> {
        let mut settings = Settings::load(global.config.as_deref())?;
        if let Some(dir) = global.data {
            settings.catalogue.dir = dir;
        }
        if let Some(model) = global.model {
            settings.clip.model = model;
        }
        Ok(Self { settings, json: global.json })
    }

    fn clip(&self) -> Result<Clip> {
        let clip = &self.settings.clip;
        let loaded = Clip::load(&clip.model.parse()?, Engine::with(clip.precision))?;
        if clip.huge_pages && !loaded.copy_to_huge_pages() {
            tracing::warn!("clip.huge_pages: these weights cannot be copied to huge pages");
        }
        Ok(loaded)
    }

    /// The configured catalogue for text work, which needs no model.
    fn catalogue(&self) -> Result<Catalogue> {
        Ok(Catalogue::open(&self.settings.catalogue.dir)?)
    }

    /// The configured catalogue for the vectors of `clip`.
    fn catalogue_for(&self, clip: &Clip) -> Result<Catalogue> {
        Ok(Catalogue::open_for(&self.settings.catalogue.dir, &clip.model())?)
    }
}

/// Parses `-k`: 1 to [`MAX_K`].
fn parse_k(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(k) if (1..=MAX_K).contains(&k) => Ok(k),
        _ => Err(format!("give a number from 1 to {MAX_K}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
