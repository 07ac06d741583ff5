use http::Request;

use super::*;

const FILES: &[File] = &[
    File { path: "/index.html", whole: b"<p>page</p>", brotli: Some(b"br"), gzip: Some(b"gz") },
    File { path: "/theme.js", whole: b"theme", brotli: None, gzip: None },
    File { path: "/assets/keys-abc.js", whole: b"script", brotli: Some(b"BR"), gzip: Some(b"GZ") },
];

fn asked(encodings: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::ACCEPT_ENCODING, HeaderValue::from_static(encodings))])
}

fn text(response: &Response<Body>, name: impl http::header::AsHeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[test]
fn each_path_has_its_file_and_how_long_it_is_kept() {
    for (path, media_type, keep) in [
        ("/", "text/html; charset=utf-8", "no-store"),
        ("/index.html", "text/html; charset=utf-8", "no-store"),
        ("/settings/api-permissions", "text/html; charset=utf-8", "no-store"),
        ("/v1x", "text/html; charset=utf-8", "no-store"),
        ("/theme.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/assets/keys-abc.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
    ] {
        let response = get(FILES, path, &HeaderMap::new()).unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(text(&response, CONTENT_TYPE), media_type, "{path}");
        assert_eq!(text(&response, CACHE_CONTROL), keep, "{path}");
        assert!(
            text(&response, CONTENT_SECURITY_POLICY).starts_with("default-src 'none'; script-src 'self';")
        );
        assert_eq!(text(&response, X_FRAME_OPTIONS), "DENY");
    }
    let missing = get(FILES, "/assets/old.js", &HeaderMap::new()).map(|response| response.status());
    assert!(missing.is_err());
}

#[test]
fn the_shortest_form_goes_out() {
    for (path, encodings, sent) in [
        ("/assets/keys-abc.js", "gzip, br", "br"),
        ("/assets/keys-abc.js", "gzip", "gzip"),
        ("/assets/keys-abc.js", "identity", ""),
        ("/theme.js", "gzip, br", ""),
    ] {
        let response = get(FILES, path, &asked(encodings)).unwrap();
        assert_eq!(text(&response, CONTENT_ENCODING), sent, "{path} {encodings}");
        assert_eq!(text(&response, VARY).is_empty(), path == "/theme.js");
    }
}

#[test]
fn a_binary_without_the_files_says_so() {
    let response = get(&[], "/agents", &asked("br")).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(text(&response, CONTENT_ENCODING), "");
    assert_eq!(text(&response, CACHE_CONTROL), "no-store");
    assert!(get(&[], "/assets/x.js", &HeaderMap::new()).is_err());
}

#[test]
fn the_api_is_not_the_dashboards() {
    let of = |method: Method, path: &str| {
        let (head, ()) = Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
        answer(&head)
    };
    for path in ["/v1/console/session", "/v1", "/docs/keys", "/openapi.json"] {
        assert!(of(Method::GET, path).is_none(), "{path}");
    }
    for path in ["/", "/members", "/documents"] {
        assert!(of(Method::GET, path).is_some_and(|answer| answer.is_ok()), "{path}");
        assert!(of(Method::POST, path).is_some_and(|answer| answer.is_err()), "{path}");
        assert_eq!(of(Method::OPTIONS, path).unwrap().unwrap().status(), 204, "{path}");
    }
}
