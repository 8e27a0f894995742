//! Who is asking, and whether the request came from where it may.
//!
//! Programs show a token; browsers show cookies derived from it, so that the token itself is
//! stored nowhere and a new one logs everybody out. Requests from other sites are refused, and
//! so are host names that this server was not told of, which is what DNS rebinding needs.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::cookie::CookieJar;
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};

use super::App;
use super::connection::Peer;
use super::extract::language;
use super::problem::Problem;
use crate::bot::Platform;
use crate::catalogue::Author;
use crate::config::WebSettings;

pub const USER: &str = "magpie_user";
pub const ACCESS: &str = "magpie_access";
pub const ADMIN: &str = "magpie_admin";

/// Wrong tokens of one address in [`GUESS_TIME`] before it must wait; right ones do not count.
const GUESSES: u32 = 10;
const GUESS_TIME: Duration = Duration::from_secs(60);
const GUESSERS: u64 = 10_000;

/// What the caller has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Nobody,
    Visitor,
    Admin,
}

/// How a token was shown. Wrong ones count apart, so that somebody's typing errors at the login do
/// not stop a program at the same address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    Bearer,
    Login,
}

/// A token, known only by hashes: blake3 compares them in constant time.
struct Secret {
    token: blake3::Hash,
    cookie: blake3::Hash,
}

impl Secret {
    fn new(token: &SecretString, context: &str) -> Option<Self> {
        let token = Some(token.expose_secret().trim()).filter(|t| !t.is_empty())?;
        let cookie = blake3::Hash::from_bytes(blake3::derive_key(context, token.as_bytes()));
        Some(Self { token: blake3::hash(token.as_bytes()), cookie })
    }

    fn is_token(&self, shown: &str) -> bool {
        blake3::hash(shown.trim().as_bytes()) == self.token
    }

    fn is_cookie(&self, shown: &str) -> bool {
        blake3::Hash::from_hex(shown).is_ok_and(|shown| shown == self.cookie)
    }
}

/// The tokens, the hosts and the limits of this server.
pub struct Gate {
    access: Option<Secret>,
    admin: Option<Secret>,
    hosts: Vec<String>,
    bound: IpAddr,
    guesses: Cache<(IpAddr, Shown), Arc<AtomicU32>>,
}

impl Gate {
    pub fn new(settings: &WebSettings, bound: IpAddr) -> Self {
        let hosts = settings.hosts.iter().map(|h| plain_host(h)).filter(|h| !h.is_empty());
        Self {
            access: Secret::new(&settings.access_token, "magpie 2026 web cookie of visitors"),
            admin: Secret::new(&settings.admin_token, "magpie 2026 web cookie of admins"),
            hosts: hosts.collect(),
            bound,
            guesses: Cache::builder().max_capacity(GUESSERS).time_to_live(GUESS_TIME).build(),
        }
    }

    pub fn needs_access(&self) -> bool {
        self.access.is_some()
    }

    pub fn has_admins(&self) -> bool {
        self.admin.is_some()
    }

    /// Whether only this machine can reach the server.
    pub fn is_local(&self) -> bool {
        self.bound.is_loopback()
    }

    /// What a token is good for.
    fn token(&self, shown: &str) -> Rank {
        let is = |secret: &Option<Secret>| secret.as_ref().is_some_and(|s| s.is_token(shown));
        match () {
            () if is(&self.admin) => Rank::Admin,
            () if is(&self.access) => Rank::Visitor,
            () => Rank::Nobody,
        }
    }

    /// The cookies that stand for a rank: name and value.
    pub fn cookies(&self, rank: Rank) -> Vec<(&'static str, String)> {
        let cookie = |secret: &Option<Secret>| Some(secret.as_ref()?.cookie.to_hex().to_string());
        let access = cookie(&self.access).filter(|_| rank >= Rank::Visitor);
        let admin = cookie(&self.admin).filter(|_| rank >= Rank::Admin);
        [(ACCESS, access), (ADMIN, admin)].into_iter().filter_map(|(n, v)| Some((n, v?))).collect()
    }

    /// What the request shows: its bearer token, or else its cookies.
    fn rank(&self, headers: &HeaderMap, from: IpAddr, language: &str) -> Result<Rank, Problem> {
        let Some(token) = bearer(headers) else {
            let jar = CookieJar::from_headers(headers);
            let shows = |name, secret: &Option<Secret>| {
                let cookie = jar.get(name).map(|c| c.value());
                matches!((cookie, secret), (Some(c), Some(s)) if s.is_cookie(c))
            };
            return Ok(match () {
                () if shows(ADMIN, &self.admin) => Rank::Admin,
                () if shows(ACCESS, &self.access) => Rank::Visitor,
                () => Rank::Nobody,
            });
        };
        self.shown(token, Shown::Bearer, from, language)
    }

    /// The rank of a token that was shown. A wrong one is a problem, and so is any token from an
    /// address that has shown too many wrong ones.
    pub fn shown(
        &self,
        token: &str,
        how: Shown,
        from: IpAddr,
        language: &str,
    ) -> Result<Rank, Problem> {
        let guesses = self.guesses.get_with((from, how), Arc::default);
        if guesses.load(Ordering::Relaxed) >= GUESSES {
            let seconds = GUESS_TIME.as_secs();
            let facts: [(_, &dyn std::fmt::Display); 1] = [("seconds", &seconds)];
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, language, "attempts", &facts);
            return Err(problem.retry_after(seconds));
        }
        match self.token(token) {
            Rank::Nobody => {
                guesses.fetch_add(1, Ordering::Relaxed);
                Err(Problem::new(StatusCode::UNAUTHORIZED, language, "token", &[]))
            }
            rank => Ok(rank),
        }
    }

    /// Whether this server answers to the name.
    fn serves(&self, host: &str) -> bool {
        let host = plain_host(host);
        let ip: Option<IpAddr> = host.parse().ok();
        host == "localhost"
            || ip.is_some_and(|ip| ip.is_loopback() || ip == self.bound)
            || self.hosts.contains(&host)
            || (!self.is_local() && self.hosts.is_empty())
    }

    /// Whether an `Origin` is this server's own, as reached under `authority`.
    fn own_origin(&self, origin: &HeaderValue, authority: &Authority) -> bool {
        let Some(origin) = origin.to_str().ok().and_then(|o| o.parse::<Uri>().ok()) else {
            return false;
        };
        origin.authority().is_some_and(|o| {
            o.as_str().eq_ignore_ascii_case(authority.as_str())
                || self.hosts.contains(&plain_host(o.host()))
        })
    }
}

/// A host name or address without brackets, the root's dot and capitals.
fn plain_host(host: &str) -> String {
    let host = host.trim().trim_end_matches('.').to_lowercase();
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn authority(request: &Request) -> Option<Authority> {
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok());
    match host {
        Some(host) => host.parse().ok(),
        None => request.uri().authority().cloned(),
    }
}

/// Refuses requests for other hosts' names, and changes asked for by other sites' pages.
pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    // Whoever watches over the process asks by the address it has, and learns nothing.
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let language = language(request.headers());
    let Some(authority) = authority(&request).filter(|a| app.gate.serves(a.host())) else {
        let host = request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
        let host: String = host.chars().take(80).collect();
        let facts: [(_, &dyn std::fmt::Display); 1] = [("host", &host)];
        let status = StatusCode::MISDIRECTED_REQUEST;
        return Problem::new(status, &language, "host", &facts).into_response();
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // A page can only send a token to another site that allows it to, and this one does not.
    if !reads && bearer(request.headers()).is_none() {
        let headers = request.headers();
        let site = headers.get("sec-fetch-site");
        let foreign = site.is_some_and(|s| s != "same-origin" && s != "none")
            || headers.get(ORIGIN).is_some_and(|o| !app.gate.own_origin(o, &authority));
        if foreign {
            return Problem::new(StatusCode::FORBIDDEN, &language, "origin", &[]).into_response();
        }
    }
    next.run(request).await
}

/// Whoever asks, with or without access.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user as the bot knows them.
    pub user: String,
    /// Whether the user has the cookie that tells them from others at the same address.
    pub known: bool,
    pub rank: Rank,
    /// Whether this is enough to use the chat.
    pub access: bool,
    pub language: String,
    /// Whether the browser came by https.
    pub secure: bool,
    /// The address the connection came from.
    pub from: IpAddr,
}

impl Caller {
    pub fn admin(&self) -> bool {
        self.rank == Rank::Admin
    }

    /// As whom the audit log knows an admin.
    /// It is the same one as in the chat, so that either place can take back the other's changes.
    pub fn author(&self) -> Author {
        Author { id: format!("{}:{}", Platform::Web.name(), self.user), name: "admin".into() }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let language = language(&parts.headers);
        let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|c| c.0.address);
        let from = peer.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0))).ip();
        let rank = app.gate.rank(&parts.headers, from, &language)?;
        let jar = CookieJar::from_headers(&parts.headers);
        let user = jar.get(USER).map(|c| c.value()).filter(|id| is_user_id(id));
        let proto = parts.headers.get("x-forwarded-proto");
        Ok(Self {
            known: user.is_some(),
            user: user.map_or_else(|| format!("api:{from}"), str::to_owned),
            rank,
            access: !app.gate.needs_access() || rank >= Rank::Visitor,
            language,
            secure: proto.is_some_and(|p| p.as_bytes().eq_ignore_ascii_case(b"https")),
            from,
        })
    }
}

fn is_user_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A caller who may use the chat.
#[derive(Debug)]
pub struct Visitor(pub Caller);

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.access {
            return Ok(Self(caller));
        }
        Err(Problem::new(StatusCode::UNAUTHORIZED, &caller.language, "access", &[]))
    }
}

/// A caller who may change the catalogue.
#[derive(Debug)]
pub struct Admin(pub Caller);

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let (status, key) = match caller.rank {
            Rank::Admin => return Ok(Self(caller)),
            _ if !app.gate.has_admins() => (StatusCode::FORBIDDEN, "no-admins"),
            Rank::Visitor => (StatusCode::FORBIDDEN, "admin"),
            Rank::Nobody => (StatusCode::UNAUTHORIZED, "admin"),
        };
        Err(Problem::new(status, &caller.language, key, &[]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(bound: &str, hosts: &[&str]) -> Gate {
        let settings = WebSettings {
            access_token: SecretString::from("visitors' token"),
            admin_token: SecretString::from("admins' own token\n"),
            hosts: hosts.iter().map(|h| (*h).to_owned()).collect(),
            ..WebSettings::default()
        };
        Gate::new(&settings, bound.parse().unwrap())
    }

    #[test]
    fn a_server_answers_only_to_its_names() {
        let local = gate("127.0.0.1", &["Shop.example.org"]);
        for host in
            ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "[::1]", "shop.example.org"]
        {
            assert!(local.serves(host), "{host}");
        }
        for host in ["example.org", "", "localhost.example.org", "192.168.1.4", "evil"] {
            assert!(!local.serves(host), "{host}");
        }
        let wide = gate("0.0.0.0", &[]);
        assert!(wide.serves("whatever.example.org"));
        let named = gate("192.168.1.4", &["shop.example.org"]);
        assert!(named.serves("192.168.1.4") && named.serves("localhost"));
        assert!(!named.serves("192.168.1.5") && !named.serves("evil.example.org"));
    }

    #[test]
    fn cookies_stand_for_a_rank_and_never_hold_the_token() {
        let gate = gate("127.0.0.1", &[]);
        let rank = |cookies: &[(&str, String)]| {
            let mut headers = HeaderMap::new();
            let value: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            headers.insert("cookie", value.join("; ").parse().unwrap());
            gate.rank(&headers, [127, 0, 0, 1].into(), "en").unwrap()
        };
        assert_eq!(gate.token("visitors' token"), Rank::Visitor);
        assert_eq!(gate.token(" admins' own token"), Rank::Admin);
        assert_eq!(gate.token(""), Rank::Nobody);
        for wanted in [Rank::Nobody, Rank::Visitor, Rank::Admin] {
            let cookies = gate.cookies(wanted);
            assert_eq!(rank(&cookies), wanted);
            assert!(cookies.iter().all(|(_, v)| v.len() == 64 && !v.contains("token")));
        }
        let (_, access) = gate.cookies(Rank::Visitor).remove(0);
        assert_eq!(rank(&[(ADMIN, access)]), Rank::Nobody, "one cookie is not the other");
    }

    #[test]
    fn guessed_tokens_end_in_a_wait() {
        let gate = gate("127.0.0.1", &[]);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer wrong".parse().unwrap())]);
        let good =
            HeaderMap::from_iter([(AUTHORIZATION, "Bearer visitors' token".parse().unwrap())]);
        let mine = [127, 0, 0, 1].into();
        assert_eq!(gate.rank(&good, mine, "en").unwrap(), Rank::Visitor);
        for _ in 0..GUESSES {
            assert!(gate.rank(&headers, mine, "en").is_err());
        }
        assert!(gate.rank(&good, mine, "en").is_err());
        assert!(gate.rank(&good, [127, 0, 0, 2].into(), "en").is_ok());
    }
}
