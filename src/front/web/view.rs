//! What the web shows of the bot's and the catalogue's types: the JSON of the contract.

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Origin;
use crate::bot::{Answered, Button, Markup, SourceLink, Thumbnail, Timings, web_link};
use crate::catalogue::import::Report;
use crate::catalogue::{Change, ImageId, Product};

/// A product of the catalogue. All its text is plain text.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ProductView {
    pub id: String,
    pub title: String,
    pub description: String,
    #[schema(value_type = BTreeMap<String, String>)]
    pub attributes: IndexMap<String, String>,
    /// Numbers of its images, oldest first.
    pub images: Vec<ImageId>,
    /// Its page, from the attribute `url`; http or https.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        let Product { id, title, description, attributes, images } = product;
        let url = attributes
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("url"))
            .and_then(|(_, value)| web_link(value));
        Self { id, title, description, attributes, images, url }
    }
}

/// A product that matched.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Match)]
pub struct MatchView {
    /// Cosine, -1 to 1.
    pub score: f32,
    /// Title and score, in the user's language.
    pub caption: String,
    /// Its image nearest to the photo; none when it was removed meanwhile.
    pub image: Option<ImageId>,
    /// Where that image's thumbnail is.
    pub thumbnail: Option<String>,
    #[serde(flatten)]
    pub product: ProductView,
}

impl From<Thumbnail> for MatchView {
    fn from(thumbnail: Thumbnail) -> Self {
        let Thumbnail { product, image, score, jpeg, caption } = thumbnail;
        let image = jpeg.map(|_| image);
        Self {
            score,
            caption,
            image,
            thumbnail: image.map(|image| format!("/api/images/{image}/thumbnail")),
            product: product.into(),
        }
    }
}

/// The matches as an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Matches)]
pub struct MatchesView {
    /// False when the product may not be in the catalogue.
    pub confident: bool,
    /// Best first.
    pub matches: Vec<MatchView>,
}

/// Who wrote an answer.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerOrigin {
    /// A vision model, from the catalogue's text.
    Model,
    /// Sentences of the catalogue.
    Extractive,
}

/// A finished answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Answer)]
pub struct AnswerView {
    pub markup: Markup,
    pub text: String,
    pub origin: AnswerOrigin,
    pub sources: Vec<SourceLink>,
}

impl From<Answered> for AnswerView {
    fn from(answered: Answered) -> Self {
        let Answered { text: markup, origin, sources } = answered;
        let origin = match origin {
            Origin::Model => AnswerOrigin::Model,
            Origin::Extractive => AnswerOrigin::Extractive,
        };
        Self { text: markup.text(), markup, origin, sources }
    }
}

/// A message of its own.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Text)]
pub struct TextView {
    pub markup: Markup,
    pub text: String,
}

impl From<Markup> for TextView {
    fn from(markup: Markup) -> Self {
        Self { text: markup.text(), markup }
    }
}

/// A file to fetch.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = File)]
pub struct FileView {
    pub name: String,
    /// Where it is.
    pub url: String,
}

/// The whole response to a message.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct AskResult {
    /// Best first.
    pub matches: Vec<MatchView>,
    /// False when the product may not be in the catalogue.
    pub confident: bool,
    pub answer: Option<AnswerView>,
    pub texts: Vec<TextView>,
    pub product: Option<ProductView>,
    pub file: Option<FileView>,
    /// To be pressed at `/api/press`.
    pub buttons: Vec<Button>,
    pub timings: Timings,
}

/// Some of the products.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Products {
    pub products: Vec<ProductView>,
    /// How many there are in all.
    pub total: usize,
}

/// What adding came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AddedProduct {
    pub product: ProductView,
    /// Whether the product is new.
    pub created: bool,
    pub images_added: usize,
    /// Photos that the product had already.
    pub images_known: usize,
}

/// The product that was removed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RemovedProduct {
    pub id: String,
    pub title: String,
}

/// A line of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct ChangeView {
    /// From 1, in the order the changes were made.
    pub number: u64,
    /// Milliseconds since 1970, UTC.
    pub at_ms: u64,
    pub author: AuthorView,
    #[schema(value_type = ChangeAction)]
    pub action: crate::catalogue::Action,
    /// Ids of the products it touched, at most 20.
    pub products: Vec<String>,
    /// Products it touched.
    pub count: usize,
    /// Images that came or went.
    pub images: usize,
    /// It was taken back.
    pub undone: bool,
    /// The number of the change that this one took back.
    pub undoes: Option<u64>,
}

/// Who made a change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Author)]
pub struct AuthorView {
    pub id: String,
    pub name: String,
}

/// What was done.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the schema of an enum of the catalogue")]
pub enum ChangeAction {
    Added,
    ImagesAdded,
    Edited,
    Removed,
    Imported,
    Undone,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        let Change {
            number, at_ms, author, action, products, count, images, undone, undoes, ..
        } = change;
        let author = AuthorView { id: author.id, name: author.name };
        Self { number, at_ms, author, action, products, count, images, undone, undoes }
    }
}

/// Some of the log, newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Changes {
    pub changes: Vec<ChangeView>,
}

/// What is in the catalogue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CatalogueStats {
    pub products: u64,
    pub images: u64,
    /// Of its vectors.
    pub dimensions: usize,
    /// The model that made them.
    pub model: String,
    /// Size of the data file.
    pub bytes: u64,
}

/// What an import did; every row is counted once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ImportReport {
    /// Rows whose image was new.
    pub added: usize,
    /// Rows whose image was there and whose product's text changed.
    pub updated: usize,
    /// Rows that were in the catalogue already.
    pub unchanged: usize,
    pub failed: Vec<FailedRow>,
    pub seconds: f64,
}

/// A row that was not imported.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FailedRow {
    /// Line of the listing, from 1.
    pub line: usize,
    /// The row's `image_path`, empty when it has none.
    pub path: String,
    pub error: String,
}

impl From<Report> for ImportReport {
    fn from(report: Report) -> Self {
        let rows = report.failed.into_iter();
        let failed =
            rows.map(|f| FailedRow { line: f.line, path: f.path, error: f.error }).collect();
        let Report { added, updated, unchanged, seconds, .. } = report;
        Self { added, updated, unchanged, failed, seconds }
    }
}
