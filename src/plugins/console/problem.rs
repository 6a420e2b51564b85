//! Errors as RFC 9457 wants them: `application/problem+json`.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::BODY_MAX;
use crate::gatt::AttError;

/// Why a request was not carried out.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    #[serde(skip)]
    #[schemars(skip)]
    code: StatusCode,
    /// The same number as in the status line.
    status: u16,
    /// What it is, in a few words.
    title: String,
    /// Why, and what to do about it.
    detail: String,
    /// What the ATT server answered, where a virtual central asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    att: Option<Att>,
    /// The constraint that was broken: `out_of_range` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

/// An ATT error.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Att {
    code: u8,
    /// As the Core Specification calls it.
    name: String,
}

impl Problem {
    pub(super) fn new(code: StatusCode, title: &str, detail: impl Into<String>) -> Self {
        Self {
            code,
            status: code.as_u16(),
            title: title.to_owned(),
            detail: detail.into(),
            att: None,
            cause: None,
        }
    }

    pub(super) fn att(error: AttError, detail: impl Into<String>) -> Self {
        let title = format!("{error}");
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, &title, detail);
        problem.att = Some(Att {
            code: error.code(),
            name: format!("{error:?}"),
        });
        problem
    }

    #[must_use]
    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found", what)
    }

    /// A body that is too long.
    pub(super) fn too_much() -> Self {
        let detail = format!("a body has {BODY_MAX} bytes at most");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too much", detail)
    }

    /// Between two configurations.
    pub(super) fn not_now() -> Self {
        let detail = "the configuration is being taken up; ask again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not now", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let text = serde_json::to_string(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = self.code;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self.code {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
