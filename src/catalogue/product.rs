//! What the catalogue holds: products and the pictures that stand for them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::CatalogueError;

/// Number of one image inside a catalogue; never used twice.
pub type ImageId = u32;

/// Longest product id, in bytes; it is part of an LMDB key.
pub const MAX_ID: usize = 128;
const MAX_TITLE: usize = 300;
const MAX_DESCRIPTION: usize = 20_000;
const MAX_ATTRIBUTES: usize = 64;
const MAX_ATTRIBUTE: usize = 2_000;

/// One product with its text and the ids of its images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub id: String,
    pub title: String,
    pub description: String,
    /// In the order the catalogue's owner gave them.
    #[serde(default)]
    pub attributes: IndexMap<String, String>,
    /// In the order they were added.
    #[serde(default)]
    pub images: Vec<ImageId>,
}

/// What is written about one image beside its pixels and its vector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// The product it shows.
    pub product: String,
    /// blake3 of the file it came from, 64 hex digits.
    pub hash: String,
    /// The file's name as the import or the command gave it.
    #[serde(default)]
    pub source: String,
}

/// A product's text as an import, a command or a chat gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductText {
    pub id: String,
    pub title: String,
    pub description: String,
    pub attributes: IndexMap<String, String>,
}

impl ProductText {
    /// Cleans every field and refuses what a catalogue cannot hold.
    ///
    /// Control characters other than line breaks and tabs are dropped; ends are trimmed; a
    /// missing title is the description's first sentence.
    ///
    /// # Errors
    /// [`CatalogueError::BadProduct`], naming the field and its limit.
    pub fn checked(self) -> Result<Self, CatalogueError> {
        let id = valid_id(&self.id)?;
        let bad = |reason: String| CatalogueError::BadProduct { id: id.clone(), reason };
        let description = clean(&self.description);
        if description.is_empty() {
            return Err(bad("its description is empty; say what it is in a sentence".into()));
        }
        let mut title = clean(&self.title).replace(['\n', '\r', '\t'], " ");
        if title.is_empty() {
            title = headline(&description);
        }
        limit("title", &title, MAX_TITLE).map_err(bad)?;
        limit("description", &description, MAX_DESCRIPTION).map_err(bad)?;
        if self.attributes.len() > MAX_ATTRIBUTES {
            return Err(bad(format!("it has more than {MAX_ATTRIBUTES} attributes")));
        }
        let mut attributes = IndexMap::new();
        for (key, value) in self.attributes {
            let (key, value) = (clean(&key), clean(&value));
            limit("attribute", &key, MAX_TITLE).map_err(bad)?;
            limit(&format!("attribute {key}"), &value, MAX_ATTRIBUTE).map_err(bad)?;
            if !key.is_empty() && !value.is_empty() {
                attributes.insert(key, value);
            }
        }
        Ok(Self { id, title, description, attributes })
    }

    /// Whether a stored product already says all of this.
    pub fn same_as(&self, product: &Product) -> bool {
        self.title == product.title
            && self.description == product.description
            && self.attributes == product.attributes
    }
}

/// Checks a product id: 1 to [`MAX_ID`] bytes, no spaces or control characters.
///
/// # Errors
/// [`CatalogueError::BadId`].
pub fn valid_id(id: &str) -> Result<String, CatalogueError> {
    let id = id.trim();
    let fits = !id.is_empty()
        && id.len() <= MAX_ID
        && !id.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits { Ok(id.to_owned()) } else { Err(CatalogueError::BadId(id.chars().take(80).collect())) }
}

/// An id made from a name: lower case, words joined by hyphens.
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            if out.len() + c.len_utf8() > MAX_ID / 2 {
                break;
            }
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

fn clean(text: &str) -> String {
    let kept: String =
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    kept.trim().to_owned()
}

fn limit(what: &str, text: &str, most: usize) -> Result<(), String> {
    let length = text.chars().count();
    if length > most {
        return Err(format!("its {what} has {length} characters, the limit is {most}"));
    }
    Ok(())
}

/// The description's first sentence, cut at a word before 80 characters.
fn headline(description: &str) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    let first = description.unicode_sentences().next().unwrap_or(description).trim();
    let first = first.trim_end_matches(['.', '!', '?']);
    let mut out = String::new();
    for word in first.split_whitespace() {
        if !out.is_empty() && out.chars().count() + word.chars().count() + 1 > 80 {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().take(MAX_TITLE));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str, description: &str) -> ProductText {
        ProductText { id: id.into(), description: description.into(), ..Default::default() }
    }

    #[test]
    fn a_missing_title_is_the_first_sentence() {
        let checked = text("a", "A red kettle. It boils 1.7 l.").checked().unwrap();
        assert_eq!(checked.title, "A red kettle");
        let long = "word ".repeat(50);
        assert!(text("a", &long).checked().unwrap().title.len() <= 80);
    }

    #[test]
    fn control_characters_go_and_line_breaks_stay() {
        let checked = text("a", "\u{7}one\u{0}\r\ntwo\t").checked().unwrap();
        assert_eq!(checked.description, "one\ntwo");
    }

    #[test]
    fn what_a_catalogue_cannot_hold_is_refused_by_name() {
        for (product, word) in [
            (text("", "x"), "id"),
            (text("a b", "x"), "a b"),
            (text(&"x".repeat(200), "x"), "128"),
            (text("kettle", " \n "), "kettle"),
            (text("kettle", &"x".repeat(30_000)), "20000"),
        ] {
            let message = product.checked().unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn slugs_are_short_and_plain() {
        assert_eq!(slug("  Aura Desk Lamp (2nd gen.) "), "aura-desk-lamp-2nd-gen");
        assert_eq!(slug("Lampe Été"), "lampe-été");
        assert_eq!(slug("***"), "");
        assert!(slug(&"é".repeat(500)).len() <= MAX_ID);
    }
}
