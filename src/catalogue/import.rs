//! Importing a directory that holds `description.json`, the layout of OpenAI's cookbook on
//! CLIP retrieval: JSON Lines (or one JSON array) with `image_path` and `description`.
//!
//! Files are read, hashed and decoded on all cores while the batch before is embedded and
//! committed. A row that cannot be used is listed and stops no other; what was committed
//! stays, so an interrupted import goes on where it stopped.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use indexmap::IndexMap;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Catalogue, CatalogueError, ModelId, PreparedImage, ProductText, slug, valid_id};
use crate::clip::Embedding;
use crate::photo::{self, Limits, Photo};

/// The file an import reads.
pub const LISTING: &str = "description.json";
/// Rows decoded, embedded and committed together.
const BATCH: usize = 32;
/// Decoded batches that may wait for the embedder.
const AHEAD: usize = 2;
const MAX_LISTING: u64 = 256 << 20;

/// What makes vectors for the catalogue.
pub trait Embed: Sync {
    /// The model, as the catalogue records it.
    fn model(&self) -> ModelId;
    /// What the model takes of a photo; runs on many threads at once.
    fn prepare(&self, photo: &Photo) -> Vec<f32>;
    /// Vectors of prepared photos, in order.
    ///
    /// # Errors
    /// A sentence for the person who imports.
    fn embed(&self, prepared: &[Vec<f32>]) -> Result<Vec<Embedding>, String>;
}

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Import nothing when any row is bad.
    pub strict: bool,
    /// Only report.
    pub dry_run: bool,
    pub limits: Limits,
}

/// What an import did; every row is counted once.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Rows whose image was new.
    pub added: usize,
    /// Rows whose image was there and whose product's text changed.
    pub updated: usize,
    /// Rows that were in the catalogue already.
    pub unchanged: usize,
    pub failed: Vec<Failure>,
    pub seconds: f64,
}

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Line of the listing, from 1.
    pub line: usize,
    /// The row's `image_path`, empty when it has none.
    pub path: String,
    pub error: String,
}

/// Imports a directory (or its `description.json` itself). `progress` hears rows done and
/// rows in all.
///
/// # Errors
/// [`CatalogueError`] when the listing cannot be read at all or the catalogue cannot be
/// written; what was committed before stays.
pub fn import(
    catalogue: &Catalogue,
    path: &Path,
    embedder: &dyn Embed,
    options: &Options,
    progress: &dyn Fn(usize, usize),
) -> Result<Report, CatalogueError> {
    let started = Instant::now();
    let mut plan = Plan::read(path)?;
    let mut report = Report { failed: std::mem::take(&mut plan.failed), ..Default::default() };
    let job = Job { catalogue, embedder, options, plan: &plan };
    if options.strict || options.dry_run {
        let failed = job.check(progress)?;
        report.failed.extend(failed.failed);
        if options.dry_run {
            (report.added, report.updated, report.unchanged) =
                (failed.added, failed.updated, failed.unchanged);
        }
    }
    if !options.dry_run && !(options.strict && !report.failed.is_empty()) {
        job.run(progress, &mut report)?;
    }
    report.failed.sort_by_key(|f| f.line);
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// A usable row of the listing.
struct Row {
    line: usize,
    path: String,
    file: PathBuf,
    product: String,
}

/// The listing, read and checked: which image belongs to which product.
struct Plan {
    rows: Vec<Row>,
    products: IndexMap<String, ProductText>,
    failed: Vec<Failure>,
}

impl Plan {
    fn read(path: &Path) -> Result<Self, CatalogueError> {
        let (root, listing) = locate(path)?;
        let bytes = photo::read(&listing, &Limits { max_bytes: MAX_LISTING, ..Limits::default() })?;
        let text = String::from_utf8_lossy(&bytes);
        let mut plan = Self { rows: Vec::new(), products: IndexMap::new(), failed: Vec::new() };
        let mut lines_by_path = HashMap::new();
        for (line, row) in parse(text.trim_start_matches('\u{feff}')) {
            let path = row.as_ref().ok().and_then(|r| text_of(r, "image_path")).unwrap_or_default();
            let taken = row.and_then(|row| plan.take(&root, line, &path, row, &mut lines_by_path));
            if let Err(error) = taken {
                plan.failed.push(Failure { line, path, error });
            }
        }
        plan.check_products();
        Ok(plan)
    }

    fn take(
        &mut self,
        root: &Path,
        line: usize,
        path: &str,
        mut row: Map<String, Value>,
        lines_by_path: &mut HashMap<PathBuf, usize>,
    ) -> Result<(), String> {
        if path.is_empty() {
            return Err("it has no image_path".into());
        }
        let file = inside(root, path)?;
        if let Some(first) = lines_by_path.get(&file) {
            return Err(format!("duplicate path: line {first} has the same image"));
        }
        let id = match text_of(&row, "id") {
            Some(id) => valid_id(&id).map_err(|e| e.to_string())?,
            None => id_from_path(path)?,
        };
        let described = self.products.contains_key(&id);
        let description = match text_of(&row, "description") {
            Some(text) if !text.trim().is_empty() => text,
            None if described && !row.contains_key("description") => String::new(),
            _ => return Err("its description is empty".into()),
        };
        let title = text_of(&row, "title").unwrap_or_default();
        for key in ["image_path", "id", "title", "description"] {
            row.shift_remove(key);
        }
        let attributes = row.iter().filter_map(|(k, v)| Some((k.clone(), plain(v)?))).collect();
        let text = ProductText { id: id.clone(), title, description, attributes };
        match self.products.get_mut(&id) {
            Some(known) => merge(known, text),
            None => {
                self.products.insert(id.clone(), text);
            }
        }
        lines_by_path.insert(file.clone(), line);
        self.rows.push(Row { line, path: path.to_owned(), file, product: id });
        Ok(())
    }

    /// Drops products that a catalogue cannot hold, with all their rows.
    fn check_products(&mut self) {
        let mut bad = HashMap::new();
        let products = std::mem::take(&mut self.products);
        for (id, text) in products {
            match text.checked() {
                Ok(text) => {
                    self.products.insert(id, text);
                }
                Err(e) => {
                    bad.insert(id, e.to_string());
                }
            }
        }
        for row in self.rows.extract_if(.., |row| bad.contains_key(&row.product)) {
            let error = bad.get(&row.product).cloned().unwrap_or_default();
            self.failed.push(Failure { line: row.line, path: row.path, error });
        }
    }
}

/// What a row turned out to be once its file was read.
enum Decoded {
    /// The product has this image.
    Known,
    New(Box<PreparedImage>, Vec<f32>),
    Bad(String),
}

struct Job<'a> {
    catalogue: &'a Catalogue,
    embedder: &'a dyn Embed,
    options: &'a Options,
    plan: &'a Plan,
}

impl Job<'_> {
    /// Reads and decodes every row without writing, and tells what an import would do.
    fn check(&self, progress: &dyn Fn(usize, usize)) -> Result<Report, CatalogueError> {
        let mut report = Report::default();
        let mut seen = std::collections::HashSet::new();
        let total = self.plan.rows.len();
        for (n, batch) in self.plan.rows.chunks(BATCH).enumerate() {
            for (row, decoded) in batch.iter().zip(self.decode(batch)?) {
                match decoded {
                    Decoded::Bad(error) => report.failed.push(failure(row, error)),
                    Decoded::New(..) => report.added += 1,
                    Decoded::Known if seen.insert(&row.product) && self.text_differs(row)? => {
                        report.updated += 1;
                    }
                    Decoded::Known => report.unchanged += 1,
                }
            }
            progress((n * BATCH + batch.len()).min(total), total);
        }
        Ok(report)
    }

    fn text_differs(&self, row: &Row) -> Result<bool, CatalogueError> {
        let stored = self.catalogue.find(&row.product)?;
        let text = self.plan.products.get(&row.product);
        Ok(matches!((stored, text), (Some(p), Some(t)) if !t.same_as(&p)))
    }

    /// Decodes on one thread and the cores behind it, embeds and commits on this one.
    fn run(
        &self,
        progress: &dyn Fn(usize, usize),
        report: &mut Report,
    ) -> Result<(), CatalogueError> {
        let total = self.plan.rows.len();
        let mut done = 0;
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(AHEAD);
            scope.spawn(move || {
                for batch in self.plan.rows.chunks(BATCH) {
                    // The receiver is gone when a commit failed; there is nobody to decode for.
                    if send.send((batch, self.decode(batch))).is_err() {
                        return;
                    }
                }
            });
            for (batch, decoded) in receive {
                self.commit(batch, decoded?, report)?;
                done += batch.len();
                progress(done, total);
            }
            Ok(())
        })
    }

    fn decode(&self, batch: &[Row]) -> Result<Vec<Decoded>, CatalogueError> {
        batch.par_iter().map(|row| self.decode_row(row)).collect()
    }

    fn decode_row(&self, row: &Row) -> Result<Decoded, CatalogueError> {
        let limits = &self.options.limits;
        let bytes = match photo::read(&row.file, limits) {
            Ok(bytes) => bytes,
            Err(e) => return Ok(Decoded::Bad(e.to_string())),
        };
        if self.catalogue.has_image(&row.product, blake3::hash(&bytes).as_bytes())? {
            return Ok(Decoded::Known);
        }
        let prepared = Photo::decode(&bytes, limits).and_then(|photo| {
            Ok((PreparedImage::new(&bytes, &row.path, &photo)?, self.embedder.prepare(&photo)))
        });
        Ok(match prepared {
            Ok((image, pixels)) => Decoded::New(Box::new(image), pixels),
            Err(e) => Decoded::Bad(e.to_string()),
        })
    }

    fn commit(
        &self,
        batch: &[Row],
        decoded: Vec<Decoded>,
        report: &mut Report,
    ) -> Result<(), CatalogueError> {
        let mut pixels = Vec::new();
        let mut rows = Vec::new();
        for (row, decoded) in batch.iter().zip(decoded) {
            match decoded {
                Decoded::Bad(error) => report.failed.push(failure(row, error)),
                Decoded::Known => rows.push((row, None)),
                Decoded::New(image, input) => {
                    pixels.push(input);
                    rows.push((row, Some(*image)));
                }
            }
        }
        let mut vectors = self.embedder.embed(&pixels).map_err(CatalogueError::Embed)?.into_iter();
        let images: Vec<Vec<(PreparedImage, Embedding)>> = rows
            .iter_mut()
            .map(|(_, image)| image.take().and_then(|i| Some((i, vectors.next()?))))
            .map(|pair| pair.into_iter().collect())
            .collect();
        let puts: Vec<(&ProductText, &[(PreparedImage, Embedding)])> = rows
            .iter()
            .zip(&images)
            .filter_map(|((row, _), images)| {
                Some((self.plan.products.get(&row.product)?, images.as_slice()))
            })
            .collect();
        for put in self.catalogue.put_all(&puts)? {
            match put {
                p if p.images > 0 => report.added += 1,
                p if p.changed => report.updated += 1,
                _ => report.unchanged += 1,
            }
        }
        self.catalogue.index_if_due()?;
        Ok(())
    }
}

fn failure(row: &Row, error: String) -> Failure {
    Failure { line: row.line, path: row.path.clone(), error }
}

/// The directory images may come from, resolved, and the listing in it.
fn locate(path: &Path) -> Result<(PathBuf, PathBuf), CatalogueError> {
    let unreadable = |reason: String| {
        CatalogueError::Photo(photo::PhotoError::Unreadable {
            path: path.display().to_string(),
            reason,
        })
    };
    let resolved = path.canonicalize().map_err(|e| unreadable(e.to_string()))?;
    if resolved.is_dir() {
        let listing = resolved.join(LISTING);
        if !listing.is_file() {
            return Err(unreadable(format!("it holds no {LISTING}")));
        }
        return Ok((resolved, listing));
    }
    let root = resolved.parent().map(PathBuf::from).unwrap_or_default();
    Ok((root, resolved))
}

/// The file a row names, which must lie inside `root` even through symbolic links.
fn inside(root: &Path, path: &str) -> Result<PathBuf, String> {
    let relative = Path::new(path);
    let leaves =
        relative.components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir));
    if leaves {
        return Err("its path leaves the directory; only relative paths below it are read".into());
    }
    match root.join(relative).canonicalize() {
        Ok(file) if file.starts_with(root) => Ok(file),
        Ok(_) => Err("its path leads out of the directory through a symbolic link".into()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err("there is no such file".into()),
        Err(e) => Err(e.to_string()),
    }
}

fn id_from_path(path: &str) -> Result<String, String> {
    let stem = Path::new(path).with_extension("");
    let id = slug(&stem.to_string_lossy());
    if id.is_empty() {
        return Err("its file name gives no product id; add an \"id\" to the row".into());
    }
    Ok(id)
}

/// Several rows of one product: the first title wins, descriptions that say something new are
/// appended, attributes are united.
fn merge(known: &mut ProductText, row: ProductText) {
    if known.title.is_empty() {
        known.title = row.title;
    }
    let more = row.description.trim();
    if !known.description.contains(more) {
        known.description.push_str("\n\n");
        known.description.push_str(more);
    }
    for (key, value) in row.attributes {
        known.attributes.entry(key).or_insert(value);
    }
}

fn text_of(row: &Map<String, Value>, key: &str) -> Option<String> {
    match row.get(key)? {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// An attribute as text; `None` for nothing.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        Value::Array(items) => Some(items.iter().filter_map(plain).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

type Parsed = (usize, Result<Map<String, Value>, String>);

/// Rows of JSON Lines or of a JSON array, each with the line it starts on.
fn parse(text: &str) -> Vec<Parsed> {
    if text.trim_start().starts_with('[') { parse_array(text) } else { parse_lines(text) }
}

fn parse_lines(text: &str) -> Vec<Parsed> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(n, line)| {
            let row = serde_json::from_str(line.trim()).map_err(|e| {
                let hint = if line.trim_end().ends_with(',') {
                    "; in JSON Lines no comma follows an object"
                } else {
                    ""
                };
                format!("malformed JSON: {}{hint}", without_line(&e))
            });
            (n + 1, row)
        })
        .collect()
}

fn parse_array(text: &str) -> Vec<Parsed> {
    let mut cursor = Cursor { text, at: 0, line: 1 };
    let mut rows = Vec::new();
    cursor.skip_space();
    cursor.advance(1);
    loop {
        cursor.skip_space();
        match cursor.peek() {
            Some(b']') => return rows,
            None => {
                rows.push((cursor.line, Err("malformed JSON: the array is not closed".into())));
                return rows;
            }
            _ => {}
        }
        let rest = &text[cursor.at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(row))) => rows.push((cursor.line, Ok(row))),
            Some(Ok(_)) => rows.push((cursor.line, Err("it is not a JSON object".into()))),
            // Where the next row starts cannot be known after broken JSON.
            Some(Err(e)) => {
                let line = cursor.line + e.line().saturating_sub(1);
                let rest = "the rows after it were not read";
                rows.push((line, Err(format!("malformed JSON: {}; {rest}", without_line(&e)))));
                return rows;
            }
            None => return rows,
        }
        cursor.advance(values.byte_offset());
        cursor.skip_space();
        if cursor.peek() == Some(b',') {
            cursor.advance(1);
            cursor.skip_space();
            if cursor.peek() == Some(b']') {
                let error = "malformed JSON: a comma stands after the last row; remove it";
                rows.push((cursor.line, Err(error.into())));
            }
        } else if cursor.peek().is_some_and(|c| c != b']') {
            let error = "malformed JSON: a comma is missing between two rows; the rows after it \
                         were not read";
            rows.push((cursor.line, Err(error.into())));
            return rows;
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn advance(&mut self, by: usize) {
        let end = (self.at + by).min(self.text.len());
        self.line += self.text.as_bytes()[self.at..end].iter().filter(|b| **b == b'\n').count();
        self.at = end;
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.advance(1);
        }
    }
}

/// serde_json's message with its column but without its line, which counts from the row.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, bool)> {
        parse(text).into_iter().map(|(line, row)| (line, row.is_ok())).collect()
    }

    #[test]
    fn both_layouts_give_rows_with_their_lines() {
        assert_eq!(lines("{\"a\":1}\r\n\r\n{\"b\":2}\r\n"), [(1, true), (3, true)]);
        assert_eq!(lines("[\n{\"a\":1},\n\n{\"b\":\n2}]"), [(2, true), (4, true)]);
        assert_eq!(lines(""), []);
        assert_eq!(lines("[]"), []);
    }

    #[test]
    fn broken_json_costs_its_own_row() {
        assert_eq!(lines("{\"a\":1},\n{\"b\":2}"), [(1, false), (2, true)]);
        assert_eq!(lines("{\"a\":1}\n{\"b\":\n{\"c\":3}"), [(1, true), (2, false), (3, true)]);
        assert_eq!(lines("[{\"a\":1},\n]"), [(1, true), (2, false)]);
        assert_eq!(lines("[{\"a\":1}\n{\"b\":2}]"), [(1, true), (2, false)]);
        assert_eq!(lines("[{\"a\":1},\n{\"b\":}, {\"c\":3}]"), [(1, true), (2, false)]);
        assert_eq!(lines("[1, {\"a\":1}]"), [(1, false), (1, true)]);
        assert_eq!(lines("[{\"a\":1}"), [(1, true), (1, false)]);
    }

    #[test]
    fn paths_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::write(root.join("in.jpg"), b"x").unwrap();
        std::os::unix::fs::symlink("/etc/hostname", root.join("out.jpg")).unwrap();
        std::os::unix::fs::symlink(root.join("in.jpg"), root.join("link.jpg")).unwrap();
        assert!(inside(&root, "./in.jpg").is_ok());
        assert!(inside(&root, "link.jpg").is_ok());
        for bad in ["../in.jpg", "a/../../in.jpg", "/etc/hostname"] {
            assert!(inside(&root, bad).unwrap_err().contains("leaves"), "{bad}");
        }
        assert!(inside(&root, "out.jpg").unwrap_err().contains("symbolic link"));
        assert!(inside(&root, "none.jpg").unwrap_err().contains("no such file"));
    }

    #[test]
    fn rows_of_one_product_are_united() {
        let mut known = ProductText { description: "Red.".into(), ..Default::default() };
        known.attributes.insert("price".into(), "1".into());
        let mut row =
            ProductText { title: "T".into(), description: "Red.".into(), ..Default::default() };
        row.attributes.insert("price".into(), "2".into());
        row.attributes.insert("size".into(), "L".into());
        merge(&mut known, row);
        merge(&mut known, ProductText { description: "Large.".into(), ..Default::default() });
        assert_eq!((known.title.as_str(), known.description.as_str()), ("T", "Red.\n\nLarge."));
        assert_eq!(known.attributes.get_index(0).unwrap().1, "1");
        assert_eq!(known.attributes["size"], "L");
    }
}
