//! `description.json`: the layout of OpenAI's cookbook on CLIP retrieval, JSON Lines (or one
//! JSON array) with `image_path` and `description`. `id` and `title` are optional; every other
//! key is an attribute, and an object under `attributes` holds more of them.
//!
//! [`Plan::read`] turns it into rows whose files lie inside the directory and products that
//! a catalogue can hold, and keeps what was wrong with the others.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::import::Failure;
use super::{CatalogueError, ProductText, slug, valid_id};
use crate::photo::{self, Limits, PhotoError};

pub(super) const LISTING: &str = "description.json";
const MAX_LISTING: u64 = 256 << 20;

/// A usable row of the listing.
pub(super) struct Row {
    pub line: usize,
    pub path: String,
    pub file: PathBuf,
    pub product: String,
}

/// The listing, read and checked: which image belongs to which product.
pub(super) struct Plan {
    pub rows: Vec<Row>,
    pub products: IndexMap<String, ProductText>,
    pub failed: Vec<Failure>,
}

impl Plan {
    pub(super) fn read(path: &Path) -> Result<Self, CatalogueError> {
        let (root, listing) = locate(path)?;
        let limits = Limits { max_bytes: MAX_LISTING, ..Limits::default() };
        let bytes = photo::read(&listing, &limits).map_err(|e| match e {
            PhotoError::TooManyBytes { bytes, limit } => PhotoError::Unreadable {
                path: listing.display().to_string(),
                reason: format!("it has {bytes} bytes, the limit is {limit}; split it"),
            },
            other => other,
        })?;
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
        let attributes = attributes(&row);
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

/// The directory images may come from, resolved, and the listing in it.
fn locate(path: &Path) -> Result<(PathBuf, PathBuf), CatalogueError> {
    let unreadable = |reason: String| {
        CatalogueError::Photo(PhotoError::Unreadable { path: path.display().to_string(), reason })
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
        // Opening a pipe or a device could wait for ever.
        Ok(file) if file.starts_with(root) && !file.is_file() => {
            Err("it is not a file but a directory or a device".into())
        }
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

/// What is left of a row, in its order. Attributes that are named like another key stand in an
/// object of their own.
fn attributes(row: &Map<String, Value>) -> IndexMap<String, String> {
    let mut found = IndexMap::new();
    for (key, value) in row {
        match value {
            Value::Object(inner) if key == "attributes" => {
                found.extend(inner.iter().filter_map(|(k, v)| Some((k.clone(), plain(v)?))));
            }
            _ => found.extend(plain(value).map(|text| (key.clone(), text))),
        }
    }
    found
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
