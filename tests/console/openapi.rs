//! The document says what the program does: every operation in it answers, as it says.

use std::fs;

use serde_json::{Value as Json, json};

use super::World;
use crate::http::Response;
use bemo_sync::plugins::console::openapi;

const COMMITTED: &str = "schemas/openapi.json";

#[test]
fn the_committed_document_is_the_programs_own() {
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    let own = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
    let how = format!("cargo run -- docs --openapi > {COMMITTED}");
    assert!(committed == own, "{COMMITTED} is stale: run `{how}`");
}

/// Whether an answer is one of those that the document has for this operation.
fn check(method: &str, path: &str, response: &Response) {
    let document = openapi();
    let operation = &document["paths"][path][method];
    assert!(operation.is_object(), "{method} {path}");
    let described = &operation["responses"];
    let described = match described.get(response.status.to_string()) {
        Some(described) => described,
        None => {
            assert!(
                response.status >= 400,
                "{method} {path}: {}",
                response.status
            );
            &document["components"]["responses"]["Problem"]
        }
    };
    let kind = response.header("content-type").expect("a type");
    let schema = described["content"][kind]["schema"].clone();
    assert!(schema.is_object(), "{method} {path}: {kind}");
    let mut schema = schema;
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let said = response.parsed();
    let errors: Vec<String> = validator
        .iter_errors(&said)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{method} {path}: {errors:#?}\n{said:#}");
}

#[test]
fn every_operation_answers_as_the_document_says() {
    let world = World::demo();
    let central = world.central();
    let number = "number-service.some-number";
    let mut checked = 0;
    for (path, operations) in openapi()["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            checked += 1;
            if path.ends_with("/events") {
                world.http.events("").next_of("values");
                continue;
            }
            let id = match path.contains("centrals") {
                true => central.rsplit_once('/').unwrap().1,
                false => number,
            };
            let real = path.replace("{id}", id);
            let body = match path.rsplit_once('/').unwrap().1 {
                "read" => json!({ "characteristic": number }),
                "write" => json!({ "characteristic": number, "value": 1 }),
                "subscribe" => json!({ "characteristic": number, "how": "notifications" }),
                "secure" => json!({ "level": "encrypted" }),
                "session" => json!({ "token": "none is wanted" }),
                _ => json!({ "value": 9 }),
            };
            // It has to be there for those that come after it.
            if method == "delete" && path.contains("centrals") {
                check(method, path, &world.http.delete("/api/v1/centrals/999"));
                continue;
            }
            let response = match method.as_str() {
                "get" => world.http.get(&real),
                "put" => world.http.put(&real, &body),
                "post" => world.http.post(&real, &body),
                "delete" => world.http.delete(&real),
                other => panic!("{other}"),
            };
            assert!(
                response.status == 200 || path.ends_with("/reload"),
                "{path}: {}",
                response.body
            );
            check(method, path, &response);
            if operations[method]["requestBody"] != Json::Null {
                let wrong = world.http.post(&real, &json!({ "nobody": "knows" }));
                if method == "post" {
                    assert_eq!(wrong.status, 400, "{path}");
                    check(method, path, &wrong);
                }
            }
        }
    }
    assert!(checked >= 19, "{checked}");
}
