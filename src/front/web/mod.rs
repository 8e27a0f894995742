//! The web chat, its admin page and the same things for programs, over HTTP.
//!
//! [`Server`] binds an address and serves until it is told to stop. A request passes, from the
//! outside in: the connection's limits, the security headers, the guard against other sites, the
//! caller's rank, the body's limits, and then its handler, which asks the [`Bot`].

mod assets;
mod auth;
mod chat;
mod connection;
mod extract;
mod login;
mod openapi;
mod problem;
mod products;
mod upload;
mod view;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::bot::{Bot, Kb, KbError, Platform, failure};
use crate::config::WebSettings;
use auth::Gate;
use connection::{Connections, Peer};
use problem::Problem;
use upload::Uploads;

/// The space and the chat under which a catalogue can be mapped to the web.
const SPACE: &str = "web";
/// The first parts of the paths in use here, which no other front-end's route may have.
pub(crate) const OWN_PATHS: [&str; 6] = ["api", "admin", "assets", "login", "healthz", "readyz"];
/// What is left of the time to stop after the bot's own has run out.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Why the web chat cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error(
        "web.listen is {0}, which others can reach, so visitors must show a token: set \
         web.access_token or MAGPIE__WEB__ACCESS_TOKEN, for example to the output of `openssl \
         rand -hex 24`"
    )]
    Open(SocketAddr),
    #[error("web.listen is {address}, which cannot be listened on")]
    Bind { address: SocketAddr, source: io::Error },
}

/// What every handler has at hand.
struct Shared {
    bot: Bot,
    gate: Gate,
    uploads: Uploads,
    openapi: String,
}

type App = Arc<Shared>;

/// The web chat, bound to its address.
pub struct Server {
    connections: Connections,
    address: SocketAddr,
    router: Router,
    grace: Duration,
}

impl Server {
    /// Binds the address in `settings`; `bot` answers. The routes `beside` ours see to their own
    /// safety: neither host nor token is checked for them.
    ///
    /// # Errors
    /// [`WebError::Open`] when others could use it without a token, [`WebError::Bind`].
    pub async fn bind(settings: &WebSettings, bot: Bot, beside: Router) -> Result<Self, WebError> {
        let address = settings.listen;
        let open = settings.access_token.expose_secret().trim().is_empty();
        if open && !address.ip().is_loopback() {
            return Err(WebError::Open(address));
        }
        let failed = |source| WebError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let grace = Duration::from_secs(bot.settings().bot.grace_s) + LAST_WORDS;
        let router = router(settings, bot, address.ip(), beside);
        Ok(Self { connections: Connections::new(listener), address, router, grace })
    }

    /// The address it is bound to, with the port that port 0 became.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser on this machine finds it.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        format!("http://{}/", SocketAddr::new(ip, self.address.port()))
    }

    /// Serves until `shutdown`, then takes no more connections and lets the requests in work
    /// come to their end, which the bot's own stop brings about.
    pub async fn run(self, shutdown: CancellationToken) {
        let service = self.router.into_make_service_with_connect_info::<Peer>();
        let stop = shutdown.clone().cancelled_owned();
        let serving = axum::serve(self.connections, service).with_graceful_shutdown(stop);
        let overdue = async {
            shutdown.cancelled().await;
            tokio::time::sleep(self.grace).await;
        };
        tokio::select! {
            // It reports no errors: accepting is tried again until it works.
            _ = serving => {}
            () = overdue => tracing::warn!("some web requests were broken off"),
        }
    }
}

fn router(settings: &WebSettings, bot: Bot, bound: IpAddr, beside: Router) -> Router {
    let (router, mut openapi) = OpenApiRouter::with_openapi(openapi::Api::openapi())
        .routes(routes!(login::me))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(chat::ask))
        .routes(routes!(chat::similar))
        .routes(routes!(chat::press))
        .routes(routes!(chat::forget))
        .routes(routes!(products::list, products::add))
        .routes(routes!(products::product, products::edit, products::remove))
        .routes(routes!(products::thumbnail))
        .routes(routes!(products::picture))
        .routes(routes!(products::undo))
        .routes(routes!(products::log))
        .routes(routes!(products::stats))
        .routes(routes!(products::import))
        .routes(routes!(products::export))
        .routes(routes!(products::sample))
        .routes(routes!(description))
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .split_for_parts();
    openapi::complete(&mut openapi);
    let app = Arc::new(Shared {
        gate: Gate::new(settings, bound),
        uploads: Uploads::new(bot.settings()),
        openapi: openapi.to_json().unwrap_or_default(),
        bot,
    });
    router
        .route("/", get(assets::chat))
        .route("/admin", get(assets::admin))
        .route("/login", get(assets::login))
        .route("/assets/{name}", get(assets::asset))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), auth::guard))
        // After the guard, which thereby stands before all the others and not before these.
        .merge(beside.with_state(()))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(assets::headers))
        .layer(middleware::from_fn(connection::working))
        .with_state(app)
}

/// Asks the web's catalogue.
async fn kb<T, F>(app: &App, language: &str, ask: impl FnOnce(Kb) -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, KbError>>,
{
    let kb = app.bot.kb(Platform::Web, SPACE, SPACE);
    ask(kb).await.map_err(|error| failure(&error, language).into())
}

/// This description.
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)),
)]
async fn description(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.openapi.clone()).into_response()
}

/// Whether the process lives.
#[utoipa::path(
    get, path = "/healthz", tag = "server",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")),
)]
async fn healthz() -> &'static str {
    "ok"
}

/// Whether requests can be answered.
#[utoipa::path(
    get, path = "/readyz", tag = "server",
    responses(
        (status = 200, description = "They can", body = String, content_type = "text/plain"),
        (status = 503, description = "It is stopping, or cannot read the catalogue", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
async fn readyz(State(app): State<App>, headers: HeaderMap) -> Result<&'static str, Problem> {
    let language = extract::language(&headers);
    let unready = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, &language, "unready", &[]);
    if app.bot.stopping() {
        return Err(unready());
    }
    match app.bot.kb(Platform::Web, SPACE, SPACE).is_empty().await {
        Ok(_) => Ok("ok"),
        Err(error) => {
            tracing::error!("the catalogue cannot be read: {error}");
            Err(unready())
        }
    }
}

async fn not_found(headers: HeaderMap) -> Problem {
    let language = extract::language(&headers);
    Problem::new(StatusCode::NOT_FOUND, &language, "not-found", &[])
}

async fn not_allowed(headers: HeaderMap) -> Problem {
    let language = extract::language(&headers);
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, &language, "method", &[])
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    Problem::internal("en", &format!("panic: {text}")).into_response()
}
