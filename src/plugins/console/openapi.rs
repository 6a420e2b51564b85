//! The operations of the API: one list, of which both the router and the OpenAPI document are made.

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post, put};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};

use super::answers as answer;
use super::model;
use super::problem::Problem;
use super::requests as request;
use super::state::State;

/// Where all of them are.
pub(super) const BASE: &str = "/api/v1";

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What can be asked for.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// The keys of its query, and what they mean.
    query: &'static [(&'static str, &'static str)],
    takes: Option<SchemaOf>,
    gives: Gives,
    /// The answers that say no, besides those of every operation.
    refuses: &'static [(u16, &'static str)],
    handler: MethodRouter<Arc<State>>,
}

enum Gives {
    Json(SchemaOf),
    Events,
    /// This document itself.
    Document,
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn gives<T: JsonSchema>() -> Gives {
    Gives::Json(schema::<T>)
}

fn operation(
    (method, path): (&'static str, &'static str),
    summary: &'static str,
    gives: Gives,
    handler: MethodRouter<Arc<State>>,
) -> Operation {
    Operation {
        method,
        path,
        summary,
        query: &[],
        takes: None,
        gives,
        refuses: &[],
        handler,
    }
}

impl Operation {
    fn takes<T: JsonSchema>(mut self) -> Self {
        self.takes = Some(schema::<T>);
        self
    }

    fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }

    fn refuses(mut self, refuses: &'static [(u16, &'static str)]) -> Self {
        self.refuses = refuses;
        self
    }
}

const NO_VALUE: (u16, &str) = (404, "There is no value of this id.");
const NO_CENTRAL: (u16, &str) = (404, "There is no such central or characteristic.");
const ATT: (u16, &str) = (
    422,
    "The ATT server answered with an error: `att` says which.",
);
const GONE: (u16, &str) = (
    410,
    "The virtual adapter has gone, and the central with it.",
);

fn operations() -> Vec<Operation> {
    use answer::*;
    vec![
        operation(
            ("get", "/device"),
            "The device as a central sees it, and the topics of its values.",
            gives::<model::Device>(),
            get(get_device),
        ),
        operation(
            ("get", "/values"),
            "All values as they are.",
            gives::<model::Values>(),
            get(get_values),
        ),
        operation(
            ("get", "/values/{id}"),
            "One value as it is.",
            gives::<model::ValueView>(),
            get(get_value),
        )
        .refuses(&[NO_VALUE]),
        operation(
            ("put", "/values/{id}"),
            "Ask for a change of a value, as an operator. It is checked like any other.",
            gives::<model::ValueView>(),
            put(put_value),
        )
        .takes::<model::PutValue>()
        .refuses(&[
            NO_VALUE,
            (422, "It breaks a constraint: `cause` says which."),
        ]),
        operation(
            ("get", "/values/{id}/history"),
            "The last ten minutes of a value.",
            gives::<model::HistoryView>(),
            get(get_history),
        )
        .refuses(&[NO_VALUE]),
        operation(
            ("get", "/events"),
            "What happens, as Server-Sent Events: `device` (fetch all anew), `values` (those that have changed, at most ten times a second), \
             `flow` (new steps), `health`, `central` (what the bound virtual central was told).",
            Gives::Events,
            get(get_events),
        )
        .query(&[(
            "central",
            "The id of a virtual central that this stream is for: when the stream has been gone for 15 s, it is disconnected.",
        )])
        .refuses(&[
            (404, "There is no such central."),
            (429, "There are too many streams."),
        ]),
        operation(
            ("get", "/flow"),
            "The last steps on the way of values, the oldest first.",
            gives::<model::FlowView>(),
            get(get_flow),
        )
        .query(&[
            ("value", "The id of the value whose steps are wanted."),
            ("limit", "How many steps at the most; 500 are kept."),
        ]),
        operation(
            ("get", "/health"),
            "How everything is: links, centrals, counters.",
            gives::<model::HealthView>(),
            get(get_health),
        ),
        operation(
            ("post", "/reload"),
            "Read the configuration again. One with mistakes, or that cannot be had, changes nothing.",
            gives::<crate::reload::Report>(),
            post(post_reload),
        )
        .refuses(&[(501, "This process cannot.")]),
        operation(
            ("get", "/centrals"),
            "The virtual centrals.",
            gives::<model::Centrals>(),
            get(get_centrals),
        ),
        operation(
            ("post", "/centrals"),
            "Connect a new virtual central to the virtual adapter.",
            gives::<model::CentralView>(),
            post(post_central),
        )
        .refuses(&[
            (409, "There is no virtual adapter."),
            (429, "There are too many centrals."),
        ]),
        operation(
            ("delete", "/centrals/{id}"),
            "Disconnect a virtual central.",
            gives::<model::Done>(),
            delete(delete_central),
        )
        .refuses(&[NO_CENTRAL]),
        operation(
            ("post", "/centrals/{id}/read"),
            "Read Request, and Read Blob Requests as long as there is more.",
            gives::<model::Octets>(),
            post(request::read),
        )
        .takes::<model::ReadRequest>()
        .refuses(&[NO_CENTRAL, GONE, ATT]),
        operation(
            ("post", "/centrals/{id}/write"),
            "Write Request or Write Command.",
            gives::<model::Done>(),
            post(request::write),
        )
        .takes::<model::WriteRequest>()
        .refuses(&[NO_CENTRAL, GONE, ATT]),
        operation(
            ("post", "/centrals/{id}/subscribe"),
            "Write the client characteristic configuration.",
            gives::<model::Done>(),
            post(request::subscribe),
        )
        .takes::<model::SubscribeRequest>()
        .refuses(&[NO_CENTRAL, GONE, ATT]),
        operation(
            ("post", "/centrals/{id}/secure"),
            "Pair, or connect anew as never paired.",
            gives::<model::Done>(),
            post(request::secure),
        )
        .takes::<model::SecureRequest>()
        .refuses(&[NO_CENTRAL, GONE]),
        operation(
            ("get", "/session"),
            "Whether a token is wanted, and this request has it.",
            gives::<model::SessionView>(),
            get(get_session),
        ),
        operation(
            ("post", "/session"),
            "Log in: the answer sets a cookie.",
            gives::<model::SessionView>(),
            post(post_session),
        )
        .takes::<model::SessionRequest>(),
        operation(
            ("delete", "/session"),
            "Log out.",
            gives::<model::Done>(),
            delete(delete_session),
        ),
        operation(
            ("get", "/openapi.json"),
            "This document.",
            Gives::Document,
            get(async || answer::Said(document())),
        ),
    ]
}

/// The API.
pub(super) fn router() -> Router<Arc<State>> {
    let mut router = Router::new();
    for it in operations() {
        router = router.route(&format!("{BASE}{}", it.path), it.handler);
    }
    router
}

/// The OpenAPI document, version 3.1.
pub fn document() -> Json {
    // OpenAPI 3.1 takes JSON Schema 2020-12 as it is; only the place of definitions is its own.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for it in operations() {
        let path = paths.entry(format!("{BASE}{}", it.path));
        let path = path.or_insert_with(|| json!({}));
        path[it.method] = described(&it, &mut generator);
    }
    let problem = generator.subschema_for::<Problem>();
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "bemo-sync console",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The JSON API of the console. `docs/console-api.md` says who may use it. \
                `/healthz` and `/metrics` stand beside it.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://localhost:8080" }],
        "security": [{}, { "token": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "It was not carried out: `detail` says why, and what to do.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": format!("{}_8080", super::guard::COOKIE_NAME) },
            },
        },
    })
}

fn described(it: &Operation, generator: &mut SchemaGenerator) -> Json {
    let mut parameters = Vec::new();
    for part in it.path.split('/') {
        if let Some(name) = part.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            parameters.push(json!({
                "name": name, "in": "path", "required": true, "schema": { "type": "string" },
            }));
        }
    }
    for (name, description) in it.query {
        parameters.push(json!({
            "name": name, "in": "query", "description": description, "schema": { "type": "string" },
        }));
    }
    let content = match it.gives {
        Gives::Json(schema) => json!({ "application/json": { "schema": schema(generator) } }),
        Gives::Events => json!({ "text/event-stream": { "schema": { "type": "string" } } }),
        Gives::Document => json!({ "application/json": { "schema": { "type": "object" } } }),
    };
    let mut responses = json!({
        "200": { "description": "It is so.", "content": content },
        "default": { "$ref": "#/components/responses/Problem" },
    });
    for (code, why) in it.refuses {
        responses[code.to_string()] = json!({
            "description": why,
            "content": { "application/problem+json": { "schema": generator.subschema_for::<Problem>() } },
        });
    }
    let mut described = json!({
        "summary": it.summary,
        "operationId": operation_id(it),
        "responses": responses,
    });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(schema) = it.takes {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema(generator) } },
        });
    }
    described
}

/// `get_values_id_history`.
fn operation_id(it: &Operation) -> String {
    let mut id = it.method.to_owned();
    for part in it.path.split(|c: char| !c.is_ascii_alphanumeric()) {
        if !part.is_empty() {
            id.push('_');
            id.push_str(part);
        }
    }
    id
}
