//! Pure: what a payload looks like, and the value in it.

use schemars::{Schema, json_schema};
use serde_json::{Value as Json, json};

use super::describe::json_type;
use crate::codec::{
    Cause, MAX_LENGTH, Patch, Spec, Template, Value, Violation, att, document, json as codec_json,
};
use crate::config::schema::payload_schema;

/// How a value stands in a payload.
#[derive(Clone, Debug)]
pub enum Format {
    /// In JSON.
    Json(Template),
    /// Its JSON without quotes.
    Text,
    /// Its bytes on the air.
    Raw,
    /// Its bytes on the air, in hexadecimal digits.
    Hex,
}

impl Format {
    pub fn write(&self, spec: &Spec, value: &Value) -> Vec<u8> {
        match self {
            Self::Json(template) => template.write(spec, value).into_bytes(),
            Self::Text => match codec_json::to_json(spec, value) {
                Json::String(text) if codec_json::is_scalar(spec) => text.into_bytes(),
                json => document::render(&json).into_bytes(),
            },
            Self::Raw => octets(spec, value),
            Self::Hex => codec_json::hex(&octets(spec, value)).into_bytes(),
        }
    }

    /// What a payload says of the value, not yet checked against its constraints.
    ///
    /// # Errors
    /// The [`Violation`] when it is no such payload.
    pub fn read(&self, spec: &Spec, payload: &[u8]) -> Result<Patch, Violation> {
        match self {
            Self::Json(template) => template.read(spec, payload),
            Self::Text => read_text(spec, utf8(payload)?),
            Self::Raw => att::decode(spec, payload).map(Patch::Set),
            Self::Hex => {
                let digits = utf8(payload)?;
                let octets = codec_json::from_hex(digits).ok_or_else(|| {
                    let detail = "the payload is not hexadecimal, two digits a byte";
                    Violation::new(Cause::WrongType, detail)
                })?;
                att::decode(spec, &octets).map(Patch::Set)
            }
        }
    }

    /// Whether a payload says exactly what the value is, and not only what JSON shows of it.
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Json(_) | Self::Text => false,
            Self::Raw | Self::Hex => true,
        }
    }

    /// The schema of a payload, made of that of the value in it.
    pub fn schema(&self, value: &Schema) -> Schema {
        match self {
            Self::Json(template) => {
                let constant = |constant: &Json| json!({ "examples": [constant] });
                payload_schema(template.json(), value, &constant)
            }
            Self::Text => value.clone(),
            Self::Raw => json_schema!({
                "type": "string",
                "contentEncoding": "binary",
                "maxLength": MAX_LENGTH,
            }),
            Self::Hex => json_schema!({
                "type": "string",
                "pattern": "^([0-9a-fA-F]{2})*$",
                "maxLength": 2 * MAX_LENGTH,
            }),
        }
    }

    /// The same, where what stands beside the value is not to be shown.
    pub fn schema_without_constants(&self, value: &Schema) -> Schema {
        match self {
            Self::Json(template) => {
                let constant = |constant: &Json| json!({ "type": json_type(constant) });
                payload_schema(template.json(), value, &constant)
            }
            Self::Text | Self::Raw | Self::Hex => self.schema(value),
        }
    }

    /// The media type.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Text | Self::Hex => "text/plain",
            Self::Raw => "application/octet-stream",
        }
    }
}

fn octets(spec: &Spec, value: &Value) -> Vec<u8> {
    let mut octets = Vec::new();
    att::encode(spec, value, &mut octets);
    octets
}

fn utf8(payload: &[u8]) -> Result<&str, Violation> {
    std::str::from_utf8(payload).map_err(|error| {
        let detail = format!("the payload is not UTF-8: {error}");
        Violation::new(Cause::InvalidUtf8, detail)
    })
}

/// Scalars stand without quotes; anything else is JSON.
fn read_text(spec: &Spec, text: &str) -> Result<Patch, Violation> {
    if codec_json::is_scalar(spec) {
        return codec_json::read_scalar(spec, codec_json::scalar_of_text(spec, text))
            .map(Patch::Set);
    }
    Template::bare().read(spec, text.as_bytes())
}
