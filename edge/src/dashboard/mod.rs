//! The files of the dashboard, on its own listener. They are built from `edge/dashboard` and stand in the binary;
//! one that was built without them says so on its page.

mod encoding;
mod files;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use http::header::{REFERRER_POLICY, X_FRAME_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use svc_core::error::{Error, Reason};

use self::encoding::Encoding;
use self::files::{FILES, File};
use crate::answer::{self, Body, Refusal};

/// The methods of its files.
const ALLOW: &str = "GET, HEAD, OPTIONS";

/// What its pages may load and do: files of ours, and calls to where they came from. No style and no script
/// within a page; none that is made of text (Trusted Types).
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

const PROTECTION: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=()"),
    ),
];

/// Files whose names change with what they hold.
const ASSETS: &str = "/assets/";
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const NEVER: HeaderValue = HeaderValue::from_static("no-store");

/// The page of all pages: its script shows the one that the path names.
const INDEX: &str = "/index.html";

/// What the listener of the dashboard leaves to the API and its documentation.
const NOT_OURS: [&str; 3] = ["/v1", "/docs", "/openapi.json"];

/// The page of a binary without the files.
const NOT_BUILT: &[u8] =
    b"<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Keyward</title></head>\n\
    <body>\n<h1>Keyward</h1>\n<p>This binary was built without the dashboard. Install Node.js 20 and run \
    <code>make run</code>, or use the management API with a personal access token: \
    <a href=\"/docs\">documentation</a>.</p>\n</body>\n</html>\n";

/// The answer to a request for a file or a page of the dashboard. `None`: the path is not the dashboard's.
pub(crate) fn answer(head: &Parts) -> Option<Result<Response<Body>, Refusal>> {
    let path = head.uri.path();
    let is_under =
        |root: &&str| path.strip_prefix(*root).is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'/', ..]));
    if NOT_OURS.iter().any(is_under) {
        return None;
    }
    Some(match head.method {
        Method::GET | Method::HEAD => get(FILES, path, &head.headers),
        Method::OPTIONS => answer::options(ALLOW),
        _ => {
            let message = format!("This path has no such method. It has {ALLOW}.");
            Err(Refusal::from(Error::new(Reason::MethodNotAllowed, message)).allowing(ALLOW))
        }
    })
}

/// A file, or the page for every path that names none.
fn get(files: &[File], path: &str, asked: &HeaderMap) -> Result<Response<Body>, Refusal> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let (file, keep) = match find(path) {
        Some(file) if file.path.starts_with(ASSETS) => (file, FOR_EVER),
        Some(file) if file.path != INDEX => (file, ASK_AGAIN),
        None if path.starts_with(ASSETS) => {
            return Err(Error::new(Reason::RouteNotFound, "There is no such file.").into());
        }
        _ => match find(INDEX) {
            Some(index) => (index, NEVER),
            None => return Ok(protected(NOT_BUILT, "text/html; charset=utf-8", NEVER)),
        },
    };
    let (bytes, encoding) = match (Encoding::best_for(asked), file.brotli, file.gzip) {
        (Encoding::Brotli, Some(brotli), _) => (brotli, Some("br")),
        (Encoding::Brotli | Encoding::Gzip, _, Some(gzip)) => (gzip, Some("gzip")),
        _ => (file.whole, None),
    };
    let mut response = protected(bytes, file.media_type(), keep);
    let headers = response.headers_mut();
    if file.gzip.is_some() {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(response)
}

fn protected(bytes: &'static [u8], media_type: &'static str, keep: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::from_static(bytes).into()));
    let headers = response.headers_mut();
    headers.extend(PROTECTION.map(|(name, value)| (Some(name), value)));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, keep);
    response
}

#[cfg(test)]
mod tests;
