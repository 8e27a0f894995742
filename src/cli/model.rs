//! `magpie model`: fetch, inspect and run CLIP models.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use rayon::prelude::*;
use serde_json::json;

use super::{Context, Outcome, ask, output};
use crate::clip::{BATCH, Clip, Embedding, Engine, hub};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Download a model from the hub into the cache
    Pull {
        /// owner/name or owner/name@revision
        #[arg(default_value = hub::DEFAULT_ID)]
        id: String,
    },
    /// Show a model's shape [default: the configured model]
    Info {
        /// A directory, a hub id, or "mini"
        model: Option<String>,
    },
    /// Print embeddings: photos first, then texts, in the order given
    #[command(arg_required_else_help = true)]
    Embed {
        photos: Vec<PathBuf>,
        #[arg(long, value_name = "WORDS")]
        text: Vec<String>,
    },
}

pub(super) fn run(context: &Context, command: Command) -> Result<Outcome> {
    match command {
        Command::Pull { id } => pull(context, &id),
        Command::Info { model } => info(context, model),
        Command::Embed { photos, text } => embed(context, &photos, &text),
    }
}

fn pull(context: &Context, id: &str) -> Result<Outcome> {
    let dir = hub::pull(id)?;
    // A download that cannot be loaded should say so now, not when the bot starts.
    let clip = Clip::open(&dir)?;
    if context.json {
        let dimensions = clip.dimensions();
        output::json(&json!({ "id": id, "directory": dir, "dimensions": dimensions }))?;
    } else {
        output::line(&format!("{id} is in {}", dir.display()));
    }
    Ok(Outcome::Done)
}

fn info(context: &Context, model: Option<String>) -> Result<Outcome> {
    let name = model.unwrap_or_else(|| context.settings.clip.model.clone());
    let clip = Clip::load(&name.parse()?, Engine::default())?;
    let config = clip.config();
    if context.json {
        output::json(&json!({
            "model": clip.name(),
            "fingerprint": clip.fingerprint(),
            "dimensions": clip.dimensions(),
            "image_size": config.vision.image_size,
            "patch_size": config.vision.patch_size,
            "text_length": config.text.max_position_embeddings,
            "vocabulary": config.text.vocab_size,
        }))?;
    } else {
        let (v, t) = (&config.vision, &config.text);
        output::line(&format!(
            "{}\nfingerprint: {}\ndimensions: {}\nphotos: {} px, patches of {}, {} layers of {}\n\
             texts: {} tokens of {}, {} layers of {}",
            clip.name(),
            clip.fingerprint(),
            clip.dimensions(),
            v.image_size,
            v.patch_size,
            v.num_hidden_layers,
            v.hidden_size,
            t.max_position_embeddings,
            t.vocab_size,
            t.num_hidden_layers,
            t.hidden_size,
        ));
    }
    Ok(Outcome::Done)
}

fn embed(context: &Context, paths: &[PathBuf], texts: &[String]) -> Result<Outcome> {
    let clip = context.clip()?;
    let detail = clip.preprocessor().detail();
    let mut all: Vec<Embedding> = Vec::with_capacity(paths.len() + texts.len());
    for batch in paths.chunks(BATCH) {
        let photos = batch
            .par_iter()
            .map(|path| ask::open(path, context, detail))
            .collect::<Result<Vec<_>>>()?;
        all.extend(clip.embed_photos(&photos)?);
    }
    all.extend(clip.embed_texts(texts)?);
    let rows: Vec<&[f32]> = all.iter().map(|e| &**e).collect();
    if context.json {
        output::json(&json!({ "dimensions": clip.dimensions(), "embeddings": rows }))?;
    } else {
        for row in rows {
            let values: Vec<String> = row.iter().map(f32::to_string).collect();
            output::line(&values.join(" "));
        }
    }
    Ok(Outcome::Done)
}
