//! `magpie kb`: grow and inspect the catalogue.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::{Context, Outcome, ask, output};
use crate::catalogue::archive::{self, ArchiveLimits};
use crate::catalogue::export::{self, Exported};
use crate::catalogue::import::{self, Embed, Options, Report};
use crate::catalogue::{
    Action, Author, Catalogue, Change, ImageId, PreparedImage, Product, ProductText, slug, valid_id,
};
use crate::clip::{BATCH, Clip, Embedding};
use crate::cores;
use crate::photo::{self, Photo};
use crate::search::Calibration;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Import a directory that holds description.json, or a zip of one
    Import {
        /// The directory, the zip archive, or description.json itself
        path: PathBuf,
        /// Only report what an import would do
        #[arg(long)]
        dry_run: bool,
        /// Import nothing when any row is bad
        #[arg(long)]
        strict: bool,
    },
    /// Add a product, or images to one
    Add {
        /// Pictures of the product
        #[arg(required = true)]
        images: Vec<PathBuf>,
        /// What it is, with the facts people ask for
        #[arg(long)]
        description: String,
        /// [default: made from the title or the first file's name]
        #[arg(long)]
        id: Option<String>,
        /// [default: the description's first sentence]
        #[arg(long)]
        title: Option<String>,
    },
    /// List the products
    List,
    /// Show a product
    Show { id: String },
    /// Change a product's text or attributes
    #[command(group = clap::ArgGroup::new("field").required(true).multiple(true))]
    Edit {
        id: String,
        #[arg(long, group = "field")]
        title: Option<String>,
        #[arg(long, group = "field")]
        description: Option<String>,
        /// An attribute's new value; an empty one removes it. May be given several times
        #[arg(long, group = "field", value_name = "KEY=VALUE", value_parser = parse_attribute)]
        set: Vec<(String, String)>,
    },
    /// Remove a product with its images
    Remove { id: String },
    /// Take back your newest change: an import, an addition, an edit or a removal
    Undo,
    /// Who changed what, newest first
    Log {
        /// Changes shown
        #[arg(short = 'n', value_name = "N", default_value_t = 20)]
        count: usize,
    },
    /// Write the catalogue as a zip archive that `kb import` takes
    Export {
        /// The archive
        file: PathBuf,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Counts and sizes
    Stats,
    /// Make every vector anew with the model given by --model
    Reembed,
}

pub(super) fn run(context: &Context, command: Command) -> Result<Outcome> {
    match command {
        Command::Import { path, dry_run, strict } => import(context, &path, dry_run, strict),
        Command::Add { images, description, id, title } => {
            add(context, &images, description, id, title)
        }
        Command::List => list(context),
        Command::Show { id } => show(context, &id),
        Command::Edit { id, title, description, set } => {
            edit(context, &id, title, description, set)
        }
        Command::Remove { id } => remove(context, &id),
        Command::Undo => undo(context),
        Command::Log { count } => log(context, count),
        Command::Export { file, force } => export(context, &file, force),
        Command::Stats => stats(context),
        Command::Reembed => reembed(context),
    }
}

/// Who the log names for changes made on the command line.
fn author() -> Author {
    let name = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|key| std::env::var(key).ok().filter(|name| !name.trim().is_empty()));
    Author { id: "cli".into(), name: name.unwrap_or_else(|| "command line".into()) }
}

fn import(context: &Context, path: &Path, dry_run: bool, strict: bool) -> Result<Outcome> {
    let unpacked = if archive::is_zip(path).with_context(|| path.display().to_string())? {
        Some(archive::unpack(File::open(path)?, &ArchiveLimits::default())?)
    } else {
        None
    };
    let path = unpacked.as_ref().map_or(path, |u| u.root.as_path());
    let clip = context.clip()?;
    let catalogue = context.catalogue_for(&clip)?;
    let limits = context.settings.photo.clone();
    let options = Options { strict, dry_run, limits, author: Some(author()) };
    let report = import_with_progress(&catalogue, &clip, path, &options)?;
    if context.json {
        output::json(&report)?;
    } else {
        print_report(&report, &options);
    }
    Ok(if report.failed.is_empty() { Outcome::Done } else { Outcome::Partial })
}

/// Imports with a progress bar on stderr, then prepares the catalogue for searches.
pub(super) fn import_with_progress(
    catalogue: &Catalogue,
    clip: &Clip,
    path: &Path,
    options: &Options,
) -> Result<Report> {
    let bar = output::progress(0, "importing");
    let report = import::import(catalogue, path, clip, options, &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let report = report?;
    if !options.dry_run {
        settle(clip, catalogue)?;
    }
    Ok(report)
}

/// What searches rely on, after images came or changed.
fn settle(clip: &Clip, catalogue: &Catalogue) -> Result<()> {
    catalogue.index_if_due()?;
    Calibration::refresh(clip, catalogue)?;
    Ok(())
}

fn print_report(report: &Report, options: &Options) {
    let nothing = options.strict && !report.failed.is_empty();
    let verb = match (options.dry_run, nothing) {
        (true, _) => "would be",
        (false, true) => "nothing was imported (--strict):",
        (false, false) => "were",
    };
    let Report { added, updated, unchanged, failed, seconds } = report;
    output::line(&format!(
        "{added} rows {verb} added, {updated} updated, {unchanged} unchanged, {} failed in {seconds:.1} s",
        failed.len()
    ));
    for f in failed {
        output::line(&format!("  line {}: {}: {}", f.line, f.path, f.error));
    }
}

fn add(
    context: &Context,
    paths: &[PathBuf],
    description: String,
    id: Option<String>,
    title: Option<String>,
) -> Result<Outcome> {
    let clip = context.clip()?;
    let catalogue = context.catalogue_for(&clip)?;
    let text = text_to_add(&catalogue, paths, description, id, title)?.checked()?;
    let images = paths
        .iter()
        .map(|path| embed_file(&clip, path, context).with_context(|| path.display().to_string()))
        .collect::<Result<Vec<_>>>()?;
    let put = catalogue.put_by(&author(), &text, &images)?;
    settle(&clip, &catalogue)?;
    let known = images.len() - put.images;
    if context.json {
        output::json(&json!({
            "id": text.id, "created": put.created, "images_added": put.images, "images_known": known,
        }))?;
    } else {
        let what = if put.created { "added" } else { "updated" };
        output::line(&format!(
            "{what} {} ({}): {} images added, {known} it had already",
            text.id, text.title, put.images
        ));
    }
    Ok(Outcome::Done)
}

/// The product's text; an id that was not given must not fall on another product.
fn text_to_add(
    catalogue: &Catalogue,
    paths: &[PathBuf],
    description: String,
    id: Option<String>,
    title: Option<String>,
) -> Result<ProductText> {
    if let Some(id) = id {
        let id = valid_id(&id)?;
        let known = catalogue.find(&id)?;
        return Ok(ProductText {
            title: title.or(known.as_ref().map(|p| p.title.clone())).unwrap_or_default(),
            attributes: known.map(|p| p.attributes).unwrap_or_default(),
            id,
            description,
        });
    }
    let stem = paths.first().and_then(|p| p.file_stem()).map(|s| s.to_string_lossy().into_owned());
    let id = slug(title.as_deref().or(stem.as_deref()).unwrap_or_default());
    if id.is_empty() {
        bail!("neither title nor file name gives an id; add --id");
    }
    if let Some(known) = catalogue.find(&id)? {
        bail!(
            "there is a product {id:?} already ({}); add --id {id} to add to it, or another --id",
            known.title
        );
    }
    Ok(ProductText { id, title: title.unwrap_or_default(), description, ..Default::default() })
}

fn embed_file(clip: &Clip, path: &Path, context: &Context) -> Result<(PreparedImage, Embedding)> {
    let limits = &context.settings.photo;
    let bytes = photo::read(path, limits)?;
    let detail = clip.preprocessor().detail().and(PreparedImage::detail());
    let photo = Photo::decode_for(&bytes, limits, detail)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((PreparedImage::new(&bytes, &name, &photo)?, clip.embed_photo(&photo)?))
}

fn list(context: &Context) -> Result<Outcome> {
    let products = context.catalogue()?.products(0, usize::MAX)?;
    if context.json {
        let rows: Vec<_> = products
            .iter()
            .map(|p| json!({"id": p.id, "title": p.title, "images": p.images.len()}))
            .collect();
        output::json(&json!({ "products": rows }))?;
    } else {
        let width = products.iter().map(|p| p.id.chars().count()).max().unwrap_or(0);
        for p in &products {
            output::line(&format!("{:width$}  {}", p.id, p.title));
        }
    }
    Ok(Outcome::Done)
}

fn show(context: &Context, id: &str) -> Result<Outcome> {
    let catalogue = context.catalogue()?;
    let product = catalogue.product(id)?;
    if context.json {
        output::json(&product)?;
        return Ok(Outcome::Done);
    }
    let Product { id, title, description, attributes, images } = product;
    output::line(&format!("{title}\nid: {id}\nimages: {}\n\n{description}", images.len()));
    if !attributes.is_empty() {
        output::line("");
    }
    for (key, value) in attributes {
        output::line(&format!("{key}: {value}"));
    }
    Ok(Outcome::Done)
}

fn edit(
    context: &Context,
    id: &str,
    title: Option<String>,
    description: Option<String>,
    set: Vec<(String, String)>,
) -> Result<Outcome> {
    let catalogue = context.catalogue()?;
    let old = catalogue.product(id)?;
    let mut attributes = old.attributes;
    // An attribute without a value is dropped by the check.
    attributes.extend(set);
    let text = ProductText {
        id: old.id,
        title: title.unwrap_or(old.title),
        description: description.unwrap_or(old.description),
        attributes,
    };
    let changed = catalogue.put_by(&author(), &text.checked()?, &[])?.changed;
    if context.json {
        output::json(&json!({ "id": id, "changed": changed }))?;
    } else {
        output::line(if changed { "changed" } else { "it says that already" });
    }
    Ok(Outcome::Done)
}

fn remove(context: &Context, id: &str) -> Result<Outcome> {
    let product = context.catalogue()?.remove_by(&author(), id)?;
    if context.json {
        output::json(&json!({ "id": product.id, "images": product.images.len() }))?;
    } else {
        output::line(&format!("removed {} ({})", product.id, product.title));
    }
    Ok(Outcome::Done)
}

/// Parses `KEY=VALUE`.
fn parse_attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().into(), value.into())),
        _ => Err("give KEY=VALUE, as in --set price=89".into()),
    }
}

fn undo(context: &Context) -> Result<Outcome> {
    let catalogue = context.catalogue()?;
    let undone = catalogue.undo(&author())?;
    catalogue.index_if_due()?;
    if context.json {
        output::json(&json!({ "undone": undone }))?;
    } else {
        output::line(&match undone {
            Some(change) => format!("taken back: {}", change_text(&change)),
            None => "there is no change of yours to take back".to_owned(),
        });
    }
    Ok(Outcome::Done)
}

fn log(context: &Context, count: usize) -> Result<Outcome> {
    let changes = context.catalogue()?.log(0, count)?;
    if context.json {
        output::json(&json!({ "changes": changes }))?;
        return Ok(Outcome::Done);
    }
    for change in &changes {
        let taken_back = if change.undone { " (taken back)" } else { "" };
        output::line(&format!("{}{taken_back}", change_text(change)));
    }
    Ok(Outcome::Done)
}

/// A change as one line: when, who, what.
fn change_text(change: &Change) -> String {
    const NAMED: usize = 5;
    let at = i64::try_from(change.at_ms).ok().map(jiff::Timestamp::from_millisecond);
    let at = at.and_then(Result::ok).map_or_else(String::new, |t| format!("{t:.0}"));
    let what = match (change.action, change.undoes) {
        (Action::Added, _) => "added".to_owned(),
        (Action::ImagesAdded, _) => "added images to".to_owned(),
        (Action::Edited, _) => "edited".to_owned(),
        (Action::Removed, _) => "removed".to_owned(),
        (Action::Imported, _) => "imported".to_owned(),
        (Action::Undone, Some(number)) => format!("took back {number}:"),
        (Action::Undone, None) => "took back".to_owned(),
    };
    let named: Vec<&str> = change.products.iter().take(NAMED).map(String::as_str).collect();
    let more = match change.count.saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let Change { number, author, images, .. } = change;
    let products = named.join(", ");
    format!("{number}  {at}  {}  {what} {products}{more}, {images} images", author.name)
}

/// Writes beside the target first, so that no half an archive ever has its name.
fn export(context: &Context, path: &Path, force: bool) -> Result<Outcome> {
    if path.exists() && !force {
        bail!("{} is there already; add --force to replace it", path.display());
    }
    let named = || path.display().to_string();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".magpie-export-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file; the umask takes away what it always does.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let catalogue = context.catalogue()?;
    let file = builder.tempfile_in(folder).with_context(named)?;
    let bar = output::progress(0, "exporting");
    let exported = export::export(&catalogue, BufWriter::new(file.as_file()), &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let exported = exported?;
    file.as_file().sync_all().with_context(named)?;
    let kept = if force { file.persist(path) } else { file.persist_noclobber(path) };
    kept.map_err(|e| e.error).with_context(named)?;
    print_exported(context, &exported)
}

fn print_exported(context: &Context, exported: &Exported) -> Result<Outcome> {
    let Exported { products, images, left_out } = exported;
    if context.json {
        output::json(exported)?;
    } else {
        output::line(&format!("{products} products with {images} images exported"));
        for id in left_out {
            output::line(&format!("  left out, it has no image: {id}"));
        }
    }
    Ok(if left_out.is_empty() { Outcome::Done } else { Outcome::Partial })
}

fn stats(context: &Context) -> Result<Outcome> {
    let stats = context.catalogue()?.stats()?;
    if context.json {
        output::json(&stats)?;
    } else {
        let model = if stats.model.is_empty() { "none yet" } else { &stats.model };
        output::line(&format!(
            "{} products, {} images, {} bytes\nmodel: {model}, {} dimensions",
            stats.products, stats.images, stats.bytes, stats.dimensions
        ));
    }
    Ok(Outcome::Done)
}

/// Embeds the kept pictures with the configured model and swaps all vectors at once.
fn reembed(context: &Context) -> Result<Outcome> {
    let clip = context.clip()?;
    let catalogue = context.catalogue()?;
    let images: Vec<ImageId> = catalogue.images()?.into_iter().map(|(id, _)| id).collect();
    let bar = output::progress(images.len(), "embedding");
    let mut vectors = Vec::with_capacity(images.len());
    let detail = clip.preprocessor().detail();
    let embed = |ids: &[ImageId]| -> Result<Vec<Embedding>> {
        let pixels = ids
            .iter()
            .map(|id| {
                let photo = ask::kept_photo(&catalogue, *id, detail)?;
                Ok(clip.preprocessor().pixels(&photo))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(clip.embed_pixels(&pixels)?)
    };
    cores::in_order(&images, BATCH, embed, |ids, embedded| {
        vectors.extend(ids.iter().copied().zip(embedded?));
        bar.inc(ids.len() as u64);
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    catalogue.replace_vectors(&clip.model(), &vectors)?;
    settle(&clip, &catalogue)?;
    if context.json {
        output::json(&json!({ "images": vectors.len(), "model": clip.name() }))?;
    } else {
        output::line(&format!("{} images embedded with {}", vectors.len(), clip.name()));
    }
    Ok(Outcome::Done)
}
