//! JSON Schemas (draft 2020-12): of the YAML, and of the payloads that it declares.

use schemars::generate::SchemaSettings;
use schemars::{Schema, json_schema};
use serde_json::{Map, Value as Json};

use super::model::Config;
use crate::codec::{FloatWidth, Spec};
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
        let target = match kind {
            PlaceKind::Section => None,
            PlaceKind::Characteristic => Some("CharacteristicConfig"),
            PlaceKind::Source => Some("SourceConfig"),
        };
        let properties = match target {
            None => properties(object),
            Some(name) => {
                let definition = object["$defs"][name].as_object_mut();
                properties(definition.expect("every struct of the model has a definition"))
            }
        };
        properties.insert(key.to_owned(), schema.to_value());
    }
    if let Some(source) = object["$defs"]["SourceConfig"].as_object_mut() {
        source.insert("minProperties".to_owned(), 1.into());
        source.insert("maxProperties".to_owned(), 1.into());
    }
    root
}

fn properties(object: &mut Map<String, Json>) -> &mut Map<String, Json> {
    object
        .entry("properties")
        .or_insert_with(|| Json::Object(Map::new()))
        .as_object_mut()
        .expect("`properties` is an object")
}

/// The schema of the JSON of a value: its type and its declared range, also where a number outside is
/// clamped or wrapped.
pub fn value_schema(spec: &Spec) -> Schema {
    match *spec {
        Spec::Bool => json_schema!({ "type": "boolean" }),
        Spec::Int { min, max, .. } => json_schema!({
            "type": "integer",
            "minimum": integer(min),
            "maximum": integer(max),
        }),
        Spec::Float {
            width, min, max, ..
        } if (min, max) == width.range() => json_schema!({ "type": "number" }),
        Spec::Float {
            width, min, max, ..
        } => json_schema!({
            "type": "number",
            "minimum": float(min, width),
            "maximum": float(max, width),
        }),
        Spec::Utf8 { max_length } => json_schema!({ "type": "string", "maxLength": max_length }),
        Spec::Bytes { max_length } => json_schema!({
            "type": "string",
            "pattern": "^([0-9a-fA-F]{2})*$",
            "maxLength": 2 * max_length,
        }),
    }
}

/// The same number that a payload would show: of 0.1 in 32 bits that is 0.1.
fn float(value: f64, width: FloatWidth) -> Json {
    match width {
        FloatWidth::W32 => {
            let shortest = (value as f32).to_string();
            shortest.parse().map_or(value, |shown: f64| shown).into()
        }
        FloatWidth::W64 => value.into(),
    }
}

/// The bounds of every integer type fit 64 bits, one way or the other.
fn integer(value: i128) -> Json {
    match (u64::try_from(value), i64::try_from(value)) {
        (Ok(value), _) => value.into(),
        (_, Ok(value)) => value.into(),
        _ => unreachable!("{value} is outside every integer type"),
    }
}

/// The schema of a payload: the declared one, with the value's schema in place of `$value`.
pub fn payload_schema(template: &Json, value: &Schema) -> Schema {
    let json = match template {
        Json::String(text) if text == crate::codec::PLACEHOLDER => value.clone().to_value(),
        Json::Object(entries) => {
            let properties: Map<String, Json> = entries
                .iter()
                .map(|(key, inner)| (key.clone(), payload_schema(inner, value).to_value()))
                .collect();
            let required: Vec<Json> = entries
                .iter()
                .filter(|(_, inner)| holds_value(inner))
                .map(|(key, _)| key.clone().into())
                .collect();
            serde_json::json!({ "type": "object", "properties": properties, "required": required })
        }
        Json::Array(items) => {
            let prefix: Vec<Json> = items
                .iter()
                .map(|inner| payload_schema(inner, value).to_value())
                .collect();
            serde_json::json!({ "type": "array", "prefixItems": prefix, "minItems": prefix.len() })
        }
        // A constant is sent, but nobody has to send it to us: it is an example, not a condition.
        other => serde_json::json!({ "examples": [other] }),
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
