//! Style and script, inside the binary, under names that change with their content.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/script.js");

fn name(content: &str, stem: &str, ending: &str) -> String {
    let hash = content
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{stem}-{hash:016x}.{ending}")
}

pub(super) fn style() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| name(STYLE, "style", "css"))
}

pub(super) fn script() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| name(SCRIPT, "script", "js"))
}

pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let (kind, content) = if name == style() {
        ("text/css; charset=utf-8", STYLE)
    } else if name == script() {
        ("text/javascript; charset=utf-8", SCRIPT)
    } else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "private, max-age=31536000, immutable")], content).into_response()
}
