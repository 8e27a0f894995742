//! The API's description (OpenAPI 3.1), made from the handlers, and what all of them share.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::auth::{ACCESS, ADMIN};
use super::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Magpie",
        description = "Answers questions about photographed products from a catalogue. Every \
            failed request is answered with a problem document (RFC 9457) whose `detail` is a \
            sentence in the language of `Accept-Language`.",
    ),
    components(schemas(Problem)),
    modifiers(&Schemes),
    tags(
        (name = "session", description = "Who is asking"),
        (name = "chat", description = "Questions and matches"),
        (name = "catalogue", description = "Products and their images"),
        (name = "admin", description = "Changing the catalogue"),
        (name = "server", description = "The server itself"),
    ),
)]
pub struct Api;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The access token or the admin token."));
        let cookie = |name| SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(name)));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("access", cookie(ACCESS));
        components.add_security_scheme("admin", cookie(ADMIN));
    }
}

/// Adds to every operation of the API the problems that any of its kind can end in.
pub fn complete(openapi: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut openapi.paths.paths {
        if !path.starts_with("/api/") {
            continue;
        }
        let PathItem { get, post, patch, delete, .. } = item;
        let reads = get.iter_mut().map(|o| (o, false));
        let writes = [post, patch, delete].into_iter().flatten().map(|o| (o, true));
        for (operation, writes) in reads.chain(writes) {
            add_problems(operation, writes);
        }
    }
}

fn add_problems(operation: &mut Operation, writes: bool) {
    let mut add = |status: &str, description: &str| {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| problem(description));
    };
    add("421", "The server was not told of the host's name");
    add("500", "Something broke; `reference` is what to look for in the log");
    if writes {
        add("403", "Sent by another site's page, or only admins may do this");
    }
    let tagged = |name: &str| operation.tags.iter().flatten().any(|t| t == name);
    let (session, chat, admin) = (tagged("session"), tagged("chat"), tagged("admin"));
    let body = operation.request_body.is_some();
    let parameters = operation.parameters.as_ref().is_some_and(|p| !p.is_empty());
    let path = operation.parameters.iter().flatten().any(
        |p| matches!(p, RefOr::T(p) if p.parameter_in == utoipa::openapi::path::ParameterIn::Path),
    );
    let mut add = |status: &str, description: &str| {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| problem(description));
    };
    add("401", "A token that is needed is missing or wrong");
    add("429", "Too many requests or wrong tokens");
    if admin {
        add("403", "Only admins may do this");
    }
    if body {
        add("408", "The body took too long to arrive");
        add("413", "Something is too large");
        add("415", "Another content type is needed");
    }
    if body || parameters {
        add("400", "The request is not as described here");
        add("422", "The request makes no sense");
    }
    if path {
        add("404", "There is no such thing");
    }
    if chat || admin || !session {
        add("503", "The server is stopping, or its disk is full");
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new().description(description);
    response.content("application/problem+json", content).build().into()
}
