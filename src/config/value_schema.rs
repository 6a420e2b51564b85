//! The JSON Schema of the JSON of a value, from its spec.

use schemars::{Schema, json_schema};
use serde_json::{Map, Value as Json, json};

use crate::codec::json::hex;
use crate::codec::{
    BoolSpec, BytesSpec, FloatSpec, IntSpec, Pointer, Shown, Spec, TextSpec, document,
};

/// The schema of the JSON of a value: its type and its declared range, also where a number outside is
/// clamped or wrapped.
pub fn value_schema(spec: &Spec) -> Schema {
    let mut schema = match spec {
        Spec::Bool(BoolSpec { words: None }) => json_schema!({ "type": "boolean" }),
        Spec::Bool(BoolSpec { words: Some(words) }) => json_schema!({
            "enum": [&*words[0], &*words[1]],
        }),
        Spec::Int(spec) => int(spec),
        Spec::Float(spec) => float(spec),
        Spec::Text(spec) => text(spec),
        Spec::Bytes(spec) => bytes(spec),
        Spec::Json(_) => json_schema!({}),
        Spec::Struct(_) => {
            let places = document::places(spec, &Pointer::default());
            document_schema(places.iter().map(|(at, spec)| (at, value_schema(spec))))
        }
        Spec::Array(spec) => json_schema!({
            "type": "array",
            "items": value_schema(&spec.item),
            "minItems": spec.min_items,
            "maxItems": spec.max_items,
        }),
    };
    if spec.admits_null() {
        schema = json_schema!({ "anyOf": [schema, { "type": "null" }] });
    }
    schema
}

/// The schema of the JSON of a value that says what kind of JSON it is and nothing else.
pub fn kind_schema(spec: &Spec) -> Schema {
    let kind = match spec {
        Spec::Bool(BoolSpec { words: None }) => "boolean",
        Spec::Int(spec) => match &spec.shown {
            Shown::Plain => "integer",
            Shown::Scaled(_) => "number",
            Shown::Words(_) => "string",
            Shown::Flags(_) => "object",
        },
        Spec::Float(_) => "number",
        Spec::Bool(BoolSpec { words: Some(_) }) | Spec::Text(_) | Spec::Bytes(_) => "string",
        Spec::Json(_) => return json_schema!({}),
        Spec::Struct(_) => "object",
        Spec::Array(_) => "array",
    };
    match spec.admits_null() {
        true => json_schema!({ "type": [kind, "null"] }),
        false => json_schema!({ "type": kind }),
    }
}

/// The schema of an object with values at these places. Where several stand at one place, any of them
/// may be there.
pub fn document_schema<'a>(places: impl Iterator<Item = (&'a Pointer, Schema)>) -> Schema {
    let mut root = json!({ "type": "object" });
    for (at, schema) in places {
        let mut place = &mut root;
        for step in at.steps() {
            if !place.is_object() {
                *place = json!({});
            }
            let object = place.as_object_mut().expect("it has just been made one");
            object.entry("type").or_insert_with(|| "object".into());
            let properties = object
                .entry("properties")
                .or_insert_with(|| Json::Object(Map::new()));
            if !properties.is_object() {
                *properties = json!({});
            }
            place = properties
                .as_object_mut()
                .expect("it has just been made one")
                .entry(&**step)
                .or_insert_with(|| json!({}));
        }
        let schema = schema.to_value();
        if place.as_object().is_some_and(|known| !known.is_empty()) && *place != schema {
            let known = place.take();
            *place = json!({ "anyOf": [known, schema] });
        } else {
            *place = schema;
        }
    }
    Schema::try_from(root).expect("an object is a schema")
}

fn bytes(spec: &BytesSpec) -> Schema {
    if let Some(allowed) = &spec.allowed {
        let allowed: Vec<_> = allowed.iter().map(|bytes| hex(bytes)).collect();
        return json_schema!({ "type": "string", "enum": allowed });
    }
    let mut schema = json_schema!({
        "type": "string",
        "pattern": "^([0-9a-fA-F]{2})*$",
        "maxLength": 2 * spec.max_length,
    });
    if spec.min_length > 0 {
        schema.insert("minLength".to_owned(), (2 * spec.min_length).into());
    }
    schema
}

fn int(spec: &IntSpec) -> Schema {
    match &spec.shown {
        Shown::Plain => match &spec.allowed {
            Some(allowed) => json_schema!({
                "type": "integer",
                "enum": allowed.iter().map(|number| integer(*number)).collect::<Vec<_>>(),
            }),
            None => {
                let mut schema = json_schema!({
                    "type": "integer",
                    "minimum": integer(spec.min),
                    "maximum": integer(spec.max),
                });
                if let (Some(step), 0) = (spec.step, spec.step.map_or(1, |step| spec.min % step)) {
                    schema.insert("multipleOf".to_owned(), integer(step));
                }
                schema
            }
        },
        Shown::Scaled(scale) => {
            let shown =
                |raw| -> Json { serde_json::from_str(&scale.show(raw)).unwrap_or_default() };
            match &spec.allowed {
                Some(allowed) => json_schema!({
                    "type": "number",
                    "enum": allowed.iter().map(|number| shown(*number)).collect::<Vec<_>>(),
                }),
                None => {
                    let (low, high) = match scale.is_falling() {
                        true => (spec.max, spec.min),
                        false => (spec.min, spec.max),
                    };
                    json_schema!({
                        "type": "number", "minimum": shown(low), "maximum": shown(high),
                    })
                }
            }
        }
        Shown::Words(words) => {
            let allowed = |number: &i128| match &spec.allowed {
                Some(allowed) => allowed.contains(number),
                None => true,
            };
            let words = words.iter().filter(|(number, _)| allowed(number));
            json_schema!({ "enum": words.map(|(_, word)| &**word).collect::<Vec<_>>() })
        }
        Shown::Flags(flags) => {
            let properties: Map<String, Json> = flags
                .iter()
                .filter(|flag| !flag.derived)
                .map(|flag| (flag.name.to_string(), json!({ "type": "boolean" })))
                .collect();
            json_schema!({ "type": "object", "properties": properties })
        }
    }
}

fn float(spec: &FloatSpec) -> Schema {
    if (spec.min, spec.max) == spec.format.range() {
        return json_schema!({ "type": "number" });
    }
    // The same number that a payload would show: of 0.1 in 32 bits that is 0.1.
    let shown = |value| -> Json { serde_json::from_str(&spec.text(value)).unwrap_or_default() };
    json_schema!({ "type": "number", "minimum": shown(spec.min), "maximum": shown(spec.max) })
}

fn text(spec: &TextSpec) -> Schema {
    if let Some(allowed) = &spec.allowed {
        let allowed: Vec<_> = allowed.iter().map(|text| &**text).collect();
        return json_schema!({ "type": "string", "enum": allowed });
    }
    // JSON counts characters, a value bytes: a text of so many characters may still be too long.
    let mut schema = json_schema!({ "type": "string", "maxLength": spec.max_length });
    if let Some(pattern) = &spec.pattern {
        schema.insert("pattern".to_owned(), pattern.as_str().into());
    }
    if spec.min_length > 0 {
        schema.insert("minLength".to_owned(), 1.into());
    }
    schema
}

/// The bounds of every integer type fit 64 bits, one way or the other.
fn integer(value: i128) -> Json {
    match (u64::try_from(value), i64::try_from(value)) {
        (Ok(value), _) => value.into(),
        (_, Ok(value)) => value.into(),
        _ => unreachable!("{value} is outside every integer type"),
    }
}
