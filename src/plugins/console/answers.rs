//! What the JSON API answers: one function for each operation.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, RawQuery, State as Shared};
use axum::http::header::{CONTENT_TYPE, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::centrals::Centrals;
use super::device::device;
use super::guard::{cookie, cookie_name, is_known, visit, wrong_token};
use super::health::health;
use super::model::{
    self, Device, Done, FlowView, HealthView, HistoryView, PutValue, SessionRequest, SessionView,
    ValueView, Values,
};
use super::peers::Peer;
use super::problem::Problem;
use super::state::State;
use super::stream;
use super::words::snake;
use crate::codec::json::{check_keys, read};
use crate::engine::Change;
use crate::metrics::{CONTENT_TYPE as CONTENT_TYPE_OF_METRICS, render};
use crate::plugin::Sender;
use crate::reload::{Reloader, Report};

pub(super) type App = Shared<Arc<State>>;
/// The body of a request, as far as it may go.
pub(super) type Sent = Result<Bytes, BytesRejection>;

/// An answer in JSON.
pub(super) struct Said<T>(pub(super) T);

pub(super) type Answer<T> = Result<Said<T>, Problem>;

impl<T: Serialize> IntoResponse for Said<T> {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self.0).unwrap_or_else(|_| "null".to_owned());
        let mut response = Response::new(Body::from(text));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

/// What a body says.
pub(super) fn parse<T: DeserializeOwned + JsonSchema>(sent: Sent) -> Result<T, Problem> {
    let body = sent.map_err(|_| Problem::too_much())?;
    serde_json::from_slice(&body).map_err(|error| {
        // Where it is wrong and what was expected, and nothing of what stood there: that may be a token.
        let what = match error.classify() {
            serde_json::error::Category::Data => "this is not what is expected here",
            _ => "this is no JSON",
        };
        let detail = format!(
            "{what}, at line {} column {}: a body here {}",
            error.line(),
            error.column(),
            expected(schema_for!(T).as_value())
        );
        Problem::new(StatusCode::BAD_REQUEST, "not understood", detail)
    })
}

/// The keys of a body, and the words where a value is one of some.
fn expected(schema: &Json) -> String {
    let required = schema["required"].as_array();
    let is_required = |key: &str| required.is_some_and(|all| all.iter().any(|it| it == key));
    let keys = schema["properties"].as_object().into_iter().flatten();
    let (needed, others): (Vec<_>, Vec<_>) = keys.partition(|(key, _)| is_required(key));
    let list = |keys: Vec<(&String, &Json)>| {
        let keys = keys.into_iter().map(|(key, about)| {
            let mut words = Vec::new();
            words_of(schema, about, &mut words);
            match words.is_empty() {
                true => format!("`{key}`"),
                false => format!("`{key}` ({})", words.join(", ")),
            }
        });
        keys.collect::<Vec<_>>().join(", ")
    };
    match (needed.is_empty(), others.is_empty()) {
        (true, true) => "is an object with nothing in it".to_owned(),
        (true, false) => format!("can have {}", list(others)),
        (false, true) => format!("has {}", list(needed)),
        (false, false) => format!("has {}, and can have {}", list(needed), list(others)),
    }
}

fn words_of(schema: &Json, about: &Json, words: &mut Vec<String>) {
    let of = |key: &str| about[key].as_array().into_iter().flatten();
    let all = of("enum").chain(about.get("const"));
    words.extend(
        all.filter_map(Json::as_str)
            .map(|word| format!("\"{word}\"")),
    );
    for one in of("anyOf").chain(of("oneOf")) {
        words_of(schema, one, words);
    }
    if let Some(name) = about["$ref"]
        .as_str()
        .and_then(|it| it.strip_prefix("#/$defs/"))
    {
        words_of(schema, &schema["$defs"][name], words);
    }
    if about["type"] == "null" && !words.is_empty() {
        words.push("null".to_owned());
    }
}

/// What a query says of a key.
pub(super) fn query<'a>(query: Option<&'a str>, key: &str) -> Option<&'a str> {
    let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name == key).then_some(value))
}

pub(super) async fn get_device(Shared(state): App) -> Answer<Device> {
    let current = state.current()?;
    Ok(Said(device(&current, state.settings.read_only)))
}

pub(super) async fn get_values(Shared(state): App) -> Answer<Values> {
    let values = state.current()?.views();
    Ok(Said(Values { values }))
}

pub(super) async fn get_value(Shared(state): App, Path(id): Path<String>) -> Answer<ValueView> {
    let current = state.current()?;
    let cell = known(current.names.cell(&id))?;
    known(current.view_of(cell)).map(Said)
}

pub(super) async fn get_history(Shared(state): App, Path(id): Path<String>) -> Answer<HistoryView> {
    let current = state.current()?;
    let cell = known(current.names.cell(&id))?;
    Ok(Said(current.history(cell)))
}

pub(super) async fn put_value(
    Shared(state): App,
    Path(id): Path<String>,
    sent: Sent,
) -> Answer<ValueView> {
    let current = state.current()?;
    let cell = known(current.names.cell(&id))?;
    let PutValue { value } = parse(sent)?;
    if !current.is_settable(cell) {
        let declared = &current.catalogue().cells[cell.index()];
        let detail = if declared.withheld {
            "it is secret, so it is neither shown nor set here"
        } else if declared.constant {
            "it is a constant"
        } else {
            "there is no way to ask its owner for it: it has no `command` topic"
        };
        return Err(Problem::new(StatusCode::FORBIDDEN, "not settable", detail));
    }
    let spec = &current.catalogue().cells[cell.index()].spec;
    let payload = value.to_string();
    let sender = Sender {
        by: Some("operator"),
        payload: payload.as_bytes(),
        ..Sender::nobody()
    };
    let port = &current.port;
    check_keys(spec, &value)
        .and_then(|()| read(spec, &value))
        .map_err(|violation| port.refuse(Some(cell), violation, &sender))
        .and_then(|patch| port.request(cell, Change::Rounded(patch), &sender))
        .map_err(|violation| {
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(code, "refused", violation.detail).cause(snake(&violation.cause))
        })?;
    known(current.view_of(cell)).map(Said)
}

fn known<T>(found: Option<T>) -> Result<T, Problem> {
    found.ok_or_else(|| {
        Problem::not_found("there is no value of this id; /api/v1/device lists them")
    })
}

pub(super) async fn get_flow(Shared(state): App, RawQuery(said): RawQuery) -> Answer<FlowView> {
    let said = said.as_deref();
    let limit = query(said, "limit").and_then(|limit| limit.parse().ok());
    let steps = state.steps();
    Ok(Said(
        steps.last(query(said, "value"), limit.unwrap_or(usize::MAX)),
    ))
}

pub(super) async fn get_health(Shared(state): App) -> Answer<HealthView> {
    let current = state.current()?;
    Ok(Said(health(&state, &current)))
}

/// Whether this process does what it is there for, for whoever watches over it. Why not may name hosts and topics, so
/// that is for those alone who may see everything.
pub(super) async fn healthz(Shared(state): App, headers: HeaderMap) -> Response {
    let Ok(current) = state.current() else {
        return Problem::not_now().into_response();
    };
    let health = current.observer.health();
    let verdict = health.verdict();
    let mut said = verdict.json();
    if !is_known(&state, &headers) {
        let links = health.links.iter();
        let links = links.map(|link| json!({ "link": link.section, "state": link.state.word() }));
        said = json!({ "status": said["status"], "links": links.collect::<Vec<_>>() });
    }
    let mut response = Said(said).into_response();
    if let Ok(status) = StatusCode::from_u16(verdict.status()) {
        *response.status_mut() = status;
    }
    response
}

/// All that is counted, for Prometheus.
pub(super) async fn metrics(Shared(state): App) -> Result<Response, Problem> {
    let current = state.current()?;
    let mut response = Response::new(Body::from(render(&current.observer.snapshot())));
    let kind = HeaderValue::from_static(CONTENT_TYPE_OF_METRICS);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

pub(super) async fn post_reload(Shared(state): App) -> Answer<Report> {
    let current = state.current()?;
    let Some(reloader) = current.port.offered_now::<Reloader>() else {
        let detail = "this process cannot read its configuration again";
        let code = StatusCode::NOT_IMPLEMENTED;
        return Err(Problem::new(code, "no reload", detail));
    };
    // What is asked for is between two configurations from here on.
    drop(current);
    reloader.reload().await.map(Said).ok_or_else(|| {
        let detail = "this process is about to end";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no reload", detail)
    })
}

pub(super) async fn get_events(
    Shared(state): App,
    RawQuery(said): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let visit = visit(&state, &headers)?;
    stream::open(&state, query(said.as_deref(), "central"), visit)
}

pub(super) async fn get_session(Shared(state): App, headers: HeaderMap) -> Answer<SessionView> {
    Ok(Said(session_view(&state, is_known(&state, &headers))))
}

fn session_view(state: &State, open: bool) -> SessionView {
    SessionView {
        token_required: state.settings.token.is_some(),
        open,
        read_only: state.settings.read_only,
    }
}

pub(super) async fn post_session(
    Shared(state): App,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    sent: Sent,
) -> Result<Response, Problem> {
    let SessionRequest { token } = parse(sent)?;
    let Some(own) = &state.settings.token else {
        return Ok(Said(session_view(&state, true)).into_response());
    };
    if !own.is(&token) {
        let detail = "this is not the token of the configuration";
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "wrong token", detail);
        let peer = peer.map(|Extension(peer)| peer);
        return Ok(wrong_token(&state, peer, problem).await);
    }
    let key = state.sessions().open().ok_or_else(|| {
        let detail = "this machine has no random numbers to make a session of";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "no session", detail)
    })?;
    let mut response = Said(session_view(&state, true)).into_response();
    set_cookie(&state, &headers, &mut response, &key);
    Ok(response)
}

pub(super) async fn delete_session(Shared(state): App, headers: HeaderMap) -> Response {
    if let Some(cookie) = cookie(&state, &headers) {
        state.sessions().close(cookie);
    }
    let mut response = Said(Done {}).into_response();
    set_cookie(&state, &headers, &mut response, "");
    response
}

/// A cookie that no script sees and no other site's page can have sent; nor, where the page came through TLS, anybody
/// without. Without a key it is taken back.
fn set_cookie(state: &State, headers: &HeaderMap, response: &mut Response, key: &str) {
    let name = cookie_name(state);
    let origin = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    let secure = match origin.is_some_and(|it| it.starts_with(b"https://")) {
        true => "; Secure",
        false => "",
    };
    let over = match key.is_empty() {
        true => "; Max-Age=0",
        false => "",
    };
    let cookie = format!("{name}={key}; Path=/; HttpOnly; SameSite=Strict{secure}{over}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

pub(super) async fn get_centrals(Shared(state): App) -> Answer<model::Centrals> {
    let centrals = state.centrals.all();
    Ok(Said(model::Centrals { centrals }))
}

pub(super) async fn post_central(Shared(state): App) -> Answer<model::CentralView> {
    let current = state.current()?;
    Centrals::connect(&state, &current).map(Said)
}

pub(super) async fn delete_central(Shared(state): App, Path(id): Path<String>) -> Answer<Done> {
    state.centrals.disconnect(&id)?;
    Ok(Said(Done {}))
}
