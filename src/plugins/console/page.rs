//! The page: files that are part of the program, so that it works without a network.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

struct File {
    path: &'static str,
    media_type: &'static str,
    content: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file beside the page, under its own name.
macro_rules! file {
    ($name:literal, $media_type:expr) => {
        File {
            path: concat!("/", $name),
            media_type: $media_type,
            content: include_str!(concat!("page/", $name)),
        }
    };
}

const FILES: &[File] = &[
    File {
        path: "/",
        media_type: "text/html; charset=utf-8",
        content: include_str!("page/index.html"),
    },
    file!("api.js", JS),
    file!("characteristic.js", JS),
    file!("colour.js", JS),
    file!("console.css", CSS),
    file!("console.js", JS),
    file!("controls.js", JS),
    file!("device.js", JS),
    file!("dom.js", JS),
    file!("flow.js", JS),
    file!("health.js", JS),
    file!("icon.svg", SVG),
    file!("login.js", JS),
    file!("plot.js", JS),
    file!("pointer.js", JS),
    file!("state.js", JS),
    file!("stream.js", JS),
    file!("uplot.css", CSS),
    file!("uplot.js", JS),
    file!("value.js", JS),
    file!("values.js", JS),
    file!("way.js", JS),
];

/// The paths of the page.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.path)
}

/// One of its files, or nothing new where the browser has it.
pub(super) async fn file(request: Request) -> Response {
    let path = request.uri().path();
    let Some(file) = FILES.iter().find(|file| file.path == path) else {
        return Problem::not_found("there is no such page").into_response();
    };
    let tag = format!("\"{:08x}\"", crc32fast::hash(file.content.as_bytes()));
    let known = request.headers().get_all(IF_NONE_MATCH).iter();
    let mut known = known
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','));
    let is_known = known.any(|it| it.trim().trim_start_matches("W/") == tag);
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(Body::from(file.content)),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    // Asked for again each time: the next version of the program brings another.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}
