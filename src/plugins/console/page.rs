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

const FILES: &[File] = &[
    File {
        path: "/",
        media_type: "text/html; charset=utf-8",
        content: include_str!("page/index.html"),
    },
    File {
        path: "/console.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("page/console.js"),
    },
    File {
        path: "/console.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("page/console.css"),
    },
    File {
        path: "/uplot.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("page/uplot.js"),
    },
    File {
        path: "/uplot.css",
        media_type: "text/css; charset=utf-8",
        content: include_str!("page/uplot.css"),
    },
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
