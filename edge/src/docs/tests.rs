use std::collections::HashSet;

use svc_core::error::Reason;

use super::*;
use crate::reference::tests::built_in;
use crate::routes::Table;
use crate::transcode::tests::pool;

const ORIGIN: &str = "https://api.example.com";

fn page<'p>(pages: &'p [Page], path: &str) -> &'p str {
    &pages.iter().find(|page| page.path == path).unwrap_or_else(|| panic!("no {path}")).html
}

/// The values of an attribute.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let start = format!("{name}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn every_code_has_its_anchor() {
    let pages = pages(&built_in(), ORIGIN);
    let anchors: HashSet<String> = attributes(page(&pages, "/docs/errors"), "tr id").into_iter().collect();
    for reason in Reason::ALL {
        assert!(anchors.contains(reason.code()), "{}", reason.code());
    }
}

#[test]
fn links_lead_somewhere_and_anchors_are_unique() {
    let pages = pages(&built_in(), ORIGIN);
    let anchors = |path: &str| attributes(page(&pages, path), "id");
    for of in &pages {
        let ids = attributes(&of.html, " id");
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{}: {ids:?}", of.path);
        for link in attributes(&of.html, "href") {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = if path.is_empty() { of.path.as_str() } else { path };
            // Nothing is loaded from elsewhere; a reader may follow a link there.
            if path == "/openapi.json" || path.starts_with("data:") || path.starts_with("https://") {
                continue;
            }
            assert!(pages.iter().any(|page| page.path == path), "{}: {link}", of.path);
            assert!(anchor.is_empty() || anchors(path).contains(&anchor.to_owned()), "{}: {link}", of.path);
        }
    }
}

#[test]
fn pages_need_no_script_and_nothing_from_elsewhere() {
    for page in pages(&built_in(), ORIGIN) {
        for word in ["<script", "javascript:", "src=", "url(", "@import", "style=\"", "onclick"] {
            assert!(!page.html.contains(word), "{}: {word}", page.path);
        }
        let policy = page.content_security_policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    }
}

#[test]
fn samples_begin_where_the_api_is() {
    let pages = pages(&built_in(), ORIGIN);
    assert!(page(&pages, "/docs").contains("export KW_URL=https://api.example.com\n"));
    for page in &pages {
        assert!(!page.html.contains("127.0.0.1:8080"), "{}", page.path);
    }
}

#[test]
fn every_operation_has_its_samples() {
    let api = built_in();
    let pages = pages(&api, ORIGIN);
    for chapter in &api.chapters {
        let html = page(&pages, &format!("/docs/reference/{}", chapter.slug));
        for operation in &chapter.operations {
            for slug in ["curl", "node", "python"] {
                assert!(html.contains(&format!("<pre id=\"{}-{slug}\">", operation.id)), "{}", operation.id);
            }
        }
    }
}

#[test]
fn comments_of_anyone_are_safe() {
    let source = r#"syntax = "proto3";
        package acme;
        import "google/api/annotations.proto";
        import "keyward/policy/v1/policy.proto";
        // <script>alert(1)</script> [x](javascript:alert(1))
        service EvilService {
          option (keyward.policy.v1.title) = "\"><script>alert(2)</script>";
          // <img src=x onerror=alert(3)>
          //
          // Codes: <b>none</b>.
          rpc Do(Req) returns (Res) {
            option (google.api.http) = {post: "/v1/open/evil" body: "*"};
            option (keyward.policy.v1.rule) = {public: {}};
            option (keyward.policy.v1.http) = {message: "</code></pre><script>alert(4)</script>"};
          }
        }
        message Req {
          // " onmouseover="alert(5)
          string text = 1 [(keyward.policy.v1.field).rules.example = "\"'; rm -rf / #</pre><script>\""];
        }
        // <iframe>
        message Res { string text = 1; }"#;
    let api = Reference::of(&Table::build(&pool(source), &["acme.EvilService"]).unwrap()).unwrap();
    for page in pages(&api, ORIGIN) {
        for word in ["<script", "<img", "<iframe", "<b>", "\"javascript:", "\" onmouseover"] {
            assert!(!page.html.contains(word), "{}: {word}", page.path);
        }
    }
    let [curl, ..] = samples::of(api.operations().next().unwrap());
    assert!(curl.text.contains(r"'\''; rm -rf"), "{}", curl.text);
}
