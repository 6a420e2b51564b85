//! Who may do what: the checks that every request passes before anything else looks at it, and how long its body may
//! take.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST,
    ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use tokio::time::timeout;

use super::BODY_MAX;
use super::config::Settings;
use super::peers::Peer;
use super::problem::Problem;
use super::state::State;
use super::token::{Token, Visit};

/// The cookie that a session is known by, and the port after it: a browser tells those of one host apart by nothing
/// else.
pub(super) const COOKIE_NAME: &str = "bemo_sync_session";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");

/// The whole body of a request has to arrive in this time.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The page's own files and nothing else; nobody may put it into a frame.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Lets a request through, or says why not; and says to the browser how careful it has to be.
pub(super) async fn guard(
    Shared(state): Shared<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_api = path.starts_with("/api/");
    // Who may see nothing looks at nothing.
    let is_look = is_api && !is_open_to_all(request.method(), path);
    let mut response = match allow(&state, &request) {
        Ok(()) => match whole(request).await {
            Ok(request) => {
                if is_look {
                    state.is_looked_at();
                }
                next.run(request).await
            }
            Err(problem) => closing(problem),
        },
        Err(Refusal::Now(problem)) => problem.into_response(),
        Err(Refusal::Wrong(problem)) => wrong_token(&state, peer(&request), *problem).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_api || !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// A request with all of its body.
async fn whole(request: Request) -> Result<Request, Problem> {
    let (head, body) = request.into_parts();
    match timeout(BODY_WITHIN, to_bytes(body, BODY_MAX)).await {
        Ok(Ok(body)) => Ok(Request::from_parts(head, Body::from(body))),
        Ok(Err(_)) => Err(Problem::too_much()),
        Err(_) => {
            let seconds = BODY_WITHIN.as_secs();
            let detail = format!("the body of a request has to arrive within {seconds} seconds");
            let code = StatusCode::REQUEST_TIMEOUT;
            Err(Problem::new(code, "too slow", detail))
        }
    }
}

/// The last answer on its connection.
fn closing(problem: Problem) -> Response {
    let mut response = problem.into_response();
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// Who has sent it. The server says so with each request.
fn peer(request: &Request) -> Option<Peer> {
    request.extensions().get().copied()
}

/// What whoever has said a wrong token hears: later each time, or, when too many wait for that already, that it was
/// one too many. Somebody who says the right one is never here.
pub(super) async fn wrong_token(state: &State, peer: Option<Peer>, problem: Problem) -> Response {
    let penalty = state.sessions().penalty(peer);
    if penalty.is_zero() {
        return problem.into_response();
    }
    let Ok(_bed) = state.asleep.try_acquire() else {
        let detail = "too many wrong tokens have been said; wait a while, and say the right one";
        let code = StatusCode::TOO_MANY_REQUESTS;
        return closing(Problem::new(code, "too many wrong tokens", detail));
    };
    tokio::time::sleep(penalty).await;
    problem.into_response()
}

/// What is answered instead.
enum Refusal {
    Now(Box<Problem>),
    /// A token was said, and not ours.
    Wrong(Box<Problem>),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Now(problem.into())
    }
}

fn allow(state: &State, request: &Request) -> Result<(), Refusal> {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let settings = &state.settings;
    let host = host(uri, headers)?;
    check_host(settings, host)?;
    check_origin(method, uri.path(), headers, host)?;
    check_content_type(method, headers)?;
    if !is_open_to_all(method, uri.path()) && !is_known(state, headers) {
        let problem = not_logged_in();
        return Err(match headers.contains_key(AUTHORIZATION) {
            true => Refusal::Wrong(problem.into()),
            false => Refusal::Now(problem.into()),
        });
    }
    Ok(check_read_only(settings, method, uri.path())?)
}

/// What the request was sent to, by its own words.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<&'a str, Problem> {
    let mut all = headers.get_all(HOST).iter();
    let first = all.next().and_then(|host| host.to_str().ok());
    match (first, all.next(), uri.authority()) {
        // A full address in the request line says where it goes, and has to say the same.
        (Some(host), None, Some(authority)) if authority.as_str() == host => Ok(host),
        (Some(host), None, None) => Ok(host),
        _ => {
            let detail = "a request says once in `Host` where it goes";
            Err(Problem::new(StatusCode::BAD_REQUEST, "no host", detail))
        }
    }
}

/// A page elsewhere whose name has been made to lead here (DNS rebinding) sends that name. Addresses
/// cannot be made to lead elsewhere.
fn check_host(settings: &Settings, host: &str) -> Result<(), Problem> {
    let name = without_port(host).to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let v6 = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let v6 = v6.and_then(|it| it.parse::<Ipv6Addr>().ok());
    let is_ours = match (name.parse::<Ipv4Addr>(), v6) {
        (Ok(address), _) => address.is_loopback() || !settings.is_local(),
        (Err(_), Some(address)) => address.is_loopback() || !settings.is_local(),
        (Err(_), None) => name == "localhost" || settings.hosts.iter().any(|it| it == name),
    };
    if is_ours {
        return Ok(());
    }
    // What was asked for is somebody else's text, so it is not repeated.
    let detail = "this console does not go by that name: open it as `localhost`, or add the name to \
        `hosts` under `console` in the configuration";
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown host",
        detail,
    ))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

/// A browser says where the page is from that makes a request (CSRF). Programs say nothing.
fn check_origin(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    host: &str,
) -> Result<(), Problem> {
    let refused = || {
        let detail = "this request comes from a page of another site, and only the console's own page may \
            make it";
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "another origin",
            detail,
        ))
    };
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let is_own_site = matches!(site, None | Some(b"same-origin" | b"none"));
    let is_change = !is_safe(method);
    if (is_change || path.starts_with("/api/")) && !is_own_site {
        return refused();
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let origin_host = ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    match origin_host.is_some_and(|it| it.eq_ignore_ascii_case(host)) {
        true => Ok(()),
        false => refused(),
    }
}

/// A form of another page can be sent without asking; JSON cannot.
fn check_content_type(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        return Ok(());
    }
    let declared = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = declared.unwrap_or_default().split(';').next();
    if media_type.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let detail = "send JSON, with `Content-Type: application/json`; an empty body too";
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "no JSON",
        detail,
    ))
}

/// The page itself has no secret in it, and whoever logs in has not yet.
fn is_open_to_all(method: &Method, path: &str) -> bool {
    match path {
        "/healthz" => true,
        "/metrics" => false,
        "/api/v1/session" => true,
        _ => is_safe(method) && !path.starts_with("/api/"),
    }
}

/// Whether a request says the token, or has the cookie of a session.
pub(super) fn is_known(state: &State, headers: &HeaderMap) -> bool {
    let Some(token) = &state.settings.token else {
        return true;
    };
    says(token, headers)
        || cookie(state, headers).is_some_and(|cookie| state.sessions().has(cookie))
}

/// Whether a request says the token itself.
fn says(token: &Token, headers: &HeaderMap) -> bool {
    let bearer = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
    let said = bearer.and_then(|it| it.split_once(' '));
    let said = said.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    said.is_some_and(|(_, said)| token.is(said.trim()))
}

/// What is over with the session that the request came in with; nothing for one that says the token.
///
/// # Errors
/// A [`Problem`] if it is over already.
pub(super) fn visit(state: &State, headers: &HeaderMap) -> Result<Option<Visit>, Problem> {
    match &state.settings.token {
        None => Ok(None),
        Some(token) if says(token, headers) => Ok(None),
        Some(_) => {
            let visit = cookie(state, headers).and_then(|cookie| state.sessions().visit(cookie));
            visit.map(Some).ok_or_else(not_logged_in)
        }
    }
}

fn not_logged_in() -> Problem {
    let detail = "this console wants its token: `Authorization: Bearer …`, or \
        `POST /api/v1/session` for a cookie";
    Problem::new(StatusCode::UNAUTHORIZED, "not logged in", detail)
}

pub(super) fn cookie_name(state: &State) -> String {
    let port = state.port.get().copied().unwrap_or_default();
    format!("{COOKIE_NAME}_{port}")
}

/// What the cookie of the session says.
pub(super) fn cookie<'a>(state: &State, headers: &'a HeaderMap) -> Option<&'a str> {
    let own = cookie_name(state);
    let all = headers.get_all(COOKIE).iter();
    let all = all.filter_map(|it| it.to_str().ok());
    let mut pairs = all
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == own).then_some(value))
}

fn check_read_only(settings: &Settings, method: &Method, path: &str) -> Result<(), Problem> {
    if !settings.read_only || is_safe(method) || only_looks(path) {
        return Ok(());
    }
    let detail = "this console only shows (`read_only: true` under `console` in the configuration)";
    Err(Problem::new(StatusCode::FORBIDDEN, "read only", detail))
}

/// What changes nothing but the page's own state: its session, its central, what that reads and hears.
fn only_looks(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/api/v1/") else {
        return false;
    };
    let parts: Vec<&str> = rest.split('/').collect();
    matches!(
        parts.as_slice(),
        ["session"] | ["centrals"] | ["centrals", _] | ["centrals", _, "read" | "subscribe"]
    )
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str) -> Settings {
        Settings {
            listen: listen.parse().expect("an address"),
            token: None,
            hosts: vec!["lamp.local".to_owned()],
            read_only: false,
        }
    }

    #[test]
    fn only_names_that_cannot_be_somebody_elses_lead_here() {
        let local = settings("127.0.0.1:8080");
        let open = settings("0.0.0.0:8080");
        for (host, by_local, by_open) in [
            ("localhost", true, true),
            ("LOCALHOST:9000", true, true),
            ("localhost.:80", true, true),
            ("127.0.0.1:8080", true, true),
            ("127.9.9.9", true, true),
            ("[::1]:8080", true, true),
            ("lamp.local:8080", true, true),
            ("Lamp.Local", true, true),
            ("192.168.1.7:8080", false, true),
            ("[fe80::1]:8080", false, true),
            ("evil.example", false, false),
            ("localhost.evil.example", false, false),
            ("evil.example:127.0.0.1", false, false),
            ("127.0.0.1.nip.io", false, false),
            ("lamp.local.evil.example", false, false),
            ("[::1", false, false),
            ("", false, false),
        ] {
            assert_eq!(check_host(&local, host).is_ok(), by_local, "{host}");
            assert_eq!(check_host(&open, host).is_ok(), by_open, "{host}");
        }
    }
}
