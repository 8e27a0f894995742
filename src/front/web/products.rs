//! The catalogue as resources: looked at by visitors, changed by admins.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use indexmap::IndexMap;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use utoipa::{IntoParams, ToSchema};

use super::auth::{Admin, Visitor};
use super::chat::Binary;
use super::extract::{Json, Path, Query};
use super::problem::{Duplicate, Problem};
use super::upload::Shape;
use super::view::{
    AddedProduct, CatalogueStats, ChangeView, Changes, ImportReport, ProductView, Products,
    RemovedProduct,
};
use super::{App, kb};
use crate::bot::{Added, Draft, Edit};
use crate::catalogue::{Author, ImageId};

const MAX_TAKE: usize = 200;
const DEFAULT_TAKE: usize = 60;
const MAX_SKIP: usize = 1_000_000_000;
/// Pieces in which an archive is sent.
const PIECE: usize = 64 << 10;
const PICTURE_CACHE: &str = "private, max-age=3600";

/// Some of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Slice {
    /// How many to leave out.
    #[serde(default)]
    #[param(default = 0, maximum = 999_999_999)]
    skip: usize,
    /// How many to show.
    #[serde(default = "default_take")]
    #[param(default = 60, minimum = 1, maximum = 200)]
    take: usize,
}

/// Some of a list of products.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// How many to leave out.
    #[serde(default)]
    #[param(default = 0, maximum = 999_999_999)]
    skip: usize,
    /// How many to show.
    #[serde(default = "default_take")]
    #[param(default = 60, minimum = 1, maximum = 200)]
    take: usize,
    /// Words that the products must hold.
    #[serde(default)]
    #[param(required = false, value_type = String, nullable = false)]
    q: String,
}

fn default_take() -> usize {
    DEFAULT_TAKE
}

fn check_slice(skip: usize, take: usize, language: &str) -> Result<(), Problem> {
    let wrong = |key, limit: &dyn std::fmt::Display| {
        let facts = [("limit", limit)];
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, language, key, &facts))
    };
    match (skip, take) {
        (MAX_SKIP.., _) => wrong("skip", &MAX_SKIP),
        (_, 1..=MAX_TAKE) => Ok(()),
        _ => wrong("take", &MAX_TAKE),
    }
}

/// A product to add, or photos to add to a known one.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema of a form")]
pub struct ProductForm {
    /// At most as many as the server's `bot.max_photos`.
    #[schema(value_type = Vec<Binary>, min_items = 1)]
    photo: Vec<Binary>,
    /// Made from the title when it is missing.
    #[schema(nullable = false)]
    id: Option<String>,
    /// At most 300 characters; the description's first sentence when it is missing.
    #[schema(nullable = false)]
    title: Option<String>,
    /// At most 20,000 characters; may be missing when `id` names a known product.
    #[schema(nullable = false)]
    description: Option<String>,
    /// A JSON object of strings.
    #[schema(nullable = false, value_type = Option<BTreeMap<String, String>>)]
    attributes: Option<BTreeMap<String, String>>,
    /// Adds it although another product nearly has the same photo.
    #[schema(nullable = false, default = false)]
    force: Option<bool>,
}

/// What to change of a product's text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductEdit {
    /// At most 300 characters; the description's first sentence when it is empty.
    title: Option<String>,
    /// At most 20,000 characters.
    #[schema(min_length = 1)]
    description: Option<String>,
    /// All attributes anew.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    attributes: Option<IndexMap<String, String>>,
}

/// An archive to import.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the schema of a form")]
pub struct ImportForm {
    /// A zip file with `description.json` and the pictures that it names.
    archive: Binary,
}

/// One product.
#[utoipa::path(
    get, path = "/api/products/{id}", tag = "catalogue",
    params(("id" = String, Path, description = "The product's id", min_length = 1, max_length = 128)),
    responses((status = 200, description = "The product", body = ProductView)),
    security((), ("bearer" = []), ("access" = [])),
)]
pub async fn product(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Path(id): Path<String>,
) -> Result<axum::Json<ProductView>, Problem> {
    let product = kb(&app, &caller.language, |kb| async move { kb.product(&id).await }).await?;
    Ok(axum::Json(product.into()))
}

/// An image as it is shown in a list: JPEG, at most 320 px.
#[utoipa::path(
    get, path = "/api/images/{image}/thumbnail", tag = "catalogue",
    params(("image" = u32, Path, description = "The image's number", minimum = 0, maximum = 4_294_967_295u32)),
    responses((status = 200, description = "The thumbnail", body = Binary, content_type = "image/jpeg")),
    security((), ("bearer" = []), ("access" = [])),
)]
pub async fn thumbnail(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Path(image): Path<ImageId>,
) -> Result<Response, Problem> {
    let found = kb(&app, &caller.language, |kb| async move { kb.thumbnail(image).await }).await?;
    jpeg(found, &caller.language)
}

/// An image: JPEG, at most 1024 px.
#[utoipa::path(
    get, path = "/api/images/{image}/picture", tag = "catalogue",
    params(("image" = u32, Path, description = "The image's number", minimum = 0, maximum = 4_294_967_295u32)),
    responses((status = 200, description = "The picture", body = Binary, content_type = "image/jpeg")),
    security((), ("bearer" = []), ("access" = [])),
)]
pub async fn picture(
    State(app): State<App>,
    Visitor(caller): Visitor,
    Path(image): Path<ImageId>,
) -> Result<Response, Problem> {
    let found = kb(&app, &caller.language, |kb| async move { kb.picture(image).await }).await?;
    jpeg(found, &caller.language)
}

fn jpeg(found: Option<Vec<u8>>, language: &str) -> Result<Response, Problem> {
    let Some(bytes) = found else {
        return Err(Problem::new(StatusCode::NOT_FOUND, language, "no-image", &[]));
    };
    Ok(([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, PICTURE_CACHE)], bytes).into_response())
}

/// Some of the products, all of them or those that hold the words `q`.
#[utoipa::path(
    get, path = "/api/products", tag = "admin", params(Listing),
    responses((status = 200, description = "The products", body = Products)),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn list(
    State(app): State<App>,
    Admin(caller): Admin,
    Query(listing): Query<Listing>,
) -> Result<axum::Json<Products>, Problem> {
    let Listing { skip, take, q } = listing;
    check_slice(skip, take, &caller.language)?;
    let page = kb(&app, &caller.language, |kb| async move {
        match q.trim() {
            "" => kb.products(skip, take).await,
            words => kb.find(words, skip, take).await,
        }
    });
    let page = page.await?;
    let products = page.products.into_iter().map(ProductView::from).collect();
    Ok(axum::Json(Products { products, total: page.total }))
}

/// Adds a product, or photos to a known one.
#[utoipa::path(
    post, path = "/api/products", tag = "admin",
    request_body(content = ProductForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "Added", body = AddedProduct),
        (status = 409, description = "Another product has the id, or nearly the same photo (`duplicate`)",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn add(
    State(app): State<App>,
    Admin(caller): Admin,
    request: axum::extract::Request,
) -> Result<(StatusCode, axum::Json<AddedProduct>), Problem> {
    let texts = &["id", "title", "description", "attributes", "force"];
    let shape = Shape { texts, photos: app.bot.settings().bot.max_photos, archive: false };
    let mut form = app.uploads.read(request, shape).await?;
    let language = caller.language.as_str();
    let wrong = |key| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, language, key, &[]);
    let force = match form.filled("force").as_deref().map(str::trim) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(wrong("force")),
    };
    let attributes = form.filled("attributes").map(|text| serde_json::from_str(&text)).transpose();
    let draft = Draft {
        id: form.filled("id"),
        title: form.filled("title"),
        description: form.filled("description").unwrap_or_default(),
        attributes: attributes.map_err(|_| wrong("attributes"))?,
    };
    if draft.id.is_none() && draft.description.is_empty() {
        return Err(wrong("no-description"));
    }
    let photos = form.photos;
    if photos.is_empty() {
        return Err(wrong("no-photo"));
    }
    let author = caller.author();
    let added = kb(&app, language, |kb| async move { kb.add(author, draft, photos, force).await });
    match added.await? {
        Added::Done { product, created, images, known } => {
            let product = product.into();
            let added =
                AddedProduct { product, created, images_added: images, images_known: known };
            Ok((StatusCode::CREATED, axum::Json(added)))
        }
        Added::NearDuplicate { id, title, score, .. } => {
            let facts: [(_, &dyn std::fmt::Display); 2] = [("id", &id), ("title", &title)];
            let problem = Problem::new(StatusCode::CONFLICT, language, "near-duplicate", &facts);
            Err(problem.duplicate(Duplicate { id, title, score }))
        }
    }
}

/// Changes a product's text.
#[utoipa::path(
    patch, path = "/api/products/{id}", tag = "admin", request_body = ProductEdit,
    params(("id" = String, Path, description = "The product's id", min_length = 1, max_length = 128)),
    responses((status = 200, description = "The product as it is now", body = ProductView)),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn edit(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
    Json(edit): Json<ProductEdit>,
) -> Result<axum::Json<ProductView>, Problem> {
    let ProductEdit { title, description, attributes } = edit;
    let edit = Edit { title, description, attributes, ..Edit::default() };
    let author = caller.author();
    let product = kb(&app, &caller.language, |kb| async move { kb.edit(author, &id, edit).await });
    Ok(axum::Json(product.await?.into()))
}

/// Removes a product and its images.
#[utoipa::path(
    delete, path = "/api/products/{id}", tag = "admin",
    params(("id" = String, Path, description = "The product's id", min_length = 1, max_length = 128)),
    responses((status = 200, description = "What was removed", body = RemovedProduct)),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn remove(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Result<axum::Json<RemovedProduct>, Problem> {
    let author = caller.author();
    let removed = kb(&app, &caller.language, |kb| async move { kb.remove(author, &id).await });
    let removed = removed.await?;
    Ok(axum::Json(RemovedProduct { id: removed.id, title: removed.title }))
}

/// Takes back the last change that was made here.
#[utoipa::path(
    post, path = "/api/undo", tag = "admin",
    responses(
        (status = 200, description = "The change that was taken back", body = ChangeView),
        (status = 404, description = "There is nothing to take back", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Changed since by somebody else", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn undo(
    State(app): State<App>,
    Admin(caller): Admin,
) -> Result<axum::Json<ChangeView>, Problem> {
    let author = caller.author();
    let undone =
        kb(&app, &caller.language, |kb| async move { kb.undo(author, String::new()).await });
    match undone.await? {
        Some(change) => Ok(axum::Json(change.into())),
        None => Err(Problem::new(StatusCode::NOT_FOUND, &caller.language, "no-undo", &[])),
    }
}

/// Who changed what, newest first.
#[utoipa::path(
    get, path = "/api/log", tag = "admin", params(Slice),
    responses((status = 200, description = "The changes", body = Changes)),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn log(
    State(app): State<App>,
    Admin(caller): Admin,
    Query(slice): Query<Slice>,
) -> Result<axum::Json<Changes>, Problem> {
    let Slice { skip, take } = slice;
    check_slice(skip, take, &caller.language)?;
    let changes = kb(&app, &caller.language, |kb| async move { kb.log(skip, take).await }).await?;
    Ok(axum::Json(Changes { changes: changes.into_iter().map(ChangeView::from).collect() }))
}

/// What is in the catalogue.
#[utoipa::path(
    get, path = "/api/stats", tag = "admin",
    responses((status = 200, description = "The numbers", body = CatalogueStats)),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn stats(
    State(app): State<App>,
    Admin(caller): Admin,
) -> Result<axum::Json<CatalogueStats>, Problem> {
    let stats = kb(&app, &caller.language, |kb| async move { kb.stats().await }).await?;
    let crate::catalogue::Stats { products, images, dimensions, model, bytes, .. } = stats;
    Ok(axum::Json(CatalogueStats { products, images, dimensions, model, bytes }))
}

/// Imports products from a zip archive.
#[utoipa::path(
    post, path = "/api/import", tag = "admin",
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What was imported, and which rows were not", body = ImportReport),
        (status = 409, description = "Another import runs", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn import(
    State(app): State<App>,
    Admin(caller): Admin,
    request: axum::extract::Request,
) -> Result<axum::Json<ImportReport>, Problem> {
    let shape = Shape { texts: &[], photos: 0, archive: true };
    let form = app.uploads.read(request, shape).await?;
    let Some(archive) = form.archive else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Problem::new(status, &caller.language, "archive", &[]));
    };
    let author = caller.author();
    let report = kb(&app, &caller.language, |kb| async move { kb.import(author, archive).await });
    Ok(axum::Json(report.await?.into()))
}

/// The whole catalogue as a zip archive that can be imported again.
#[utoipa::path(
    get, path = "/api/export", tag = "admin",
    responses((status = 200, description = "The archive", body = Binary, content_type = "application/zip")),
    security(("bearer" = []), ("admin" = [])),
)]
pub async fn export(State(app): State<App>, Admin(caller): Admin) -> Result<Response, Problem> {
    let language = caller.language.as_str();
    let path = kb(&app, language, |kb| async move { kb.export().await }).await?;
    let internal = |e: std::io::Error| Problem::internal(language, &e);
    let file = tokio::fs::File::open(&path).await.map_err(internal)?;
    let length = file.metadata().await.map_err(internal)?.len();
    // The path goes along with the file it names: when the stream ends, the file goes.
    let pieces = futures_util::stream::try_unfold((file, path), |(mut file, path)| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        let next = (read > 0).then(|| (Bytes::from(piece), (file, path)));
        Ok::<_, std::io::Error>(next)
    });
    let head = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_LENGTH, length.to_string()),
        (CONTENT_DISPOSITION, "attachment; filename=\"magpie-catalogue.zip\"".to_owned()),
    ];
    Ok((head, Body::from_stream(pieces)).into_response())
}

/// Imports the sample catalogue. While the catalogue is empty and only this machine can reach
/// the server, anybody may.
#[utoipa::path(
    post, path = "/api/sample", tag = "admin",
    responses(
        (status = 200, description = "What was imported", body = ImportReport),
        (status = 409, description = "Another import runs", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = []), ("admin" = [])),
)]
pub async fn sample(
    State(app): State<App>,
    Visitor(caller): Visitor,
) -> Result<axum::Json<ImportReport>, Problem> {
    let language = caller.language.as_str();
    let mut author = caller.author();
    if !caller.admin() {
        let empty = kb(&app, language, |kb| async move { kb.is_empty().await }).await?;
        if !empty || !app.gate.is_local() {
            return Err(Problem::new(StatusCode::FORBIDDEN, language, "admin", &[]));
        }
        author = Author { id: "web".into(), name: "first start".into() };
    }
    let report = kb(&app, language, |kb| async move { kb.load_sample(author).await });
    Ok(axum::Json(report.await?.into()))
}
