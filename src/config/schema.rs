//! JSON Schemas (draft 2020-12): of the YAML, and of the payloads that it declares.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};

use super::model::Config;
use super::sig::Attribute;
pub use super::value_schema::{document_schema, kind_schema, value_schema};
use crate::plugin::{PlaceKind, registry};

/// The schema of the YAML: the model's, with what each plugin brings at its place.
pub fn services_schema() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = generator.root_schema_for::<Config>();
    let mut brought: Vec<(PlaceKind, &str, Schema)> = Vec::new();
    for place in registry().iter().flat_map(|plugin| plugin.places()) {
        if !brought
            .iter()
            .any(|(kind, key, _)| (*kind, *key) == (place.kind, place.key))
        {
            brought.push((place.kind, place.key, (place.schema)(&mut generator)));
        }
    }
    let object = root.ensure_object();
    let definitions = object
        .entry("$defs")
        .or_insert_with(|| Json::Object(Map::new()))
        .as_object_mut()
        .expect("`$defs` is an object");
    for (name, definition) in generator.take_definitions(true) {
        definitions.insert(name, definition);
    }
    for (kind, key, schema) in brought {
        let targets: &[&str] = match kind {
            PlaceKind::Section => {
                properties(object).insert(key.to_owned(), schema.to_value());
                continue;
            }
            PlaceKind::Characteristic => &["CharacteristicConfig", "ResponseConfig"],
            PlaceKind::CharacteristicOnly => &["CharacteristicConfig"],
            PlaceKind::Source => &["SourceConfig"],
        };
        for target in targets {
            let definition = object["$defs"][target].as_object_mut();
            let definition = definition.expect("every struct of the model has a definition");
            properties(definition).insert(key.to_owned(), schema.clone().to_value());
        }
    }
    if let Some(source) = object["$defs"]["SourceConfig"].as_object_mut() {
        source.insert("minProperties".to_owned(), 1.into());
        source.insert("maxProperties".to_owned(), 1.into());
    }
    require(object);
    root
}

/// What has to be there. A default for serde, which every key of these has, is none for a person; and
/// what a name in `uuid` brings need not be written beside it.
fn require(root: &mut Map<String, Json>) {
    root.insert("required".to_owned(), json!(["version", "services"]));
    let is_named = |kind: Attribute| json!({ "properties": { "uuid": { "enum": kind.names() } }, "required": ["uuid"] });
    let mut say = |of: &str, required: Json, kind: Attribute, unnamed: Json| {
        let definition = root["$defs"][of].as_object_mut();
        let definition = definition.expect("every struct of the model has a definition");
        definition.insert("required".to_owned(), required);
        definition.insert("if".to_owned(), is_named(kind));
        definition.insert("else".to_owned(), unnamed);
    };
    say(
        "ServiceConfig",
        json!(["uuid", "characteristics"]),
        Attribute::Service,
        json!({ "required": ["name"] }),
    );
    say(
        "CharacteristicConfig",
        json!(["uuid"]),
        Attribute::Characteristic,
        json!({
            "required": ["name", "access", "value"],
            "properties": { "value": {
                "required": ["type"],
                "properties": {
                    "fields": { "items": { "required": ["name", "type"] } },
                    "items": { "required": ["type"] },
                },
            } },
        }),
    );
}

fn properties(object: &mut Map<String, Json>) -> &mut Map<String, Json> {
    object
        .entry("properties")
        .or_insert_with(|| Json::Object(Map::new()))
        .as_object_mut()
        .expect("`properties` is an object")
}

/// The schema of a payload: the declared one, with the value's schema in place of `$value`, and that of
/// whatever else stands in it as `constant` has it: what is sent, nobody has to send to us.
pub fn payload_schema(template: &Json, value: &Schema, constant: &dyn Fn(&Json) -> Json) -> Schema {
    let json = match template {
        Json::String(text) if text == crate::codec::PLACEHOLDER => value.clone().to_value(),
        Json::Object(entries) => {
            let properties: Map<String, Json> = entries
                .iter()
                .map(|(key, inner)| {
                    (
                        key.clone(),
                        payload_schema(inner, value, constant).to_value(),
                    )
                })
                .collect();
            let required: Vec<Json> = entries
                .iter()
                .filter(|(_, inner)| holds_value(inner))
                .map(|(key, _)| key.clone().into())
                .collect();
            json!({ "type": "object", "properties": properties, "required": required })
        }
        Json::Array(items) => {
            let prefix: Vec<Json> = items
                .iter()
                .map(|inner| payload_schema(inner, value, constant).to_value())
                .collect();
            json!({ "type": "array", "prefixItems": prefix, "minItems": prefix.len() })
        }
        other => constant(other),
    };
    Schema::try_from(json).expect("an object is a schema")
}

fn holds_value(template: &Json) -> bool {
    match template {
        Json::String(text) => text == crate::codec::PLACEHOLDER,
        Json::Object(entries) => entries.values().any(holds_value),
        Json::Array(items) => items.iter().any(holds_value),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
