//! What surrounds every page: its head, the navigation, the style.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

use super::Page;
use super::html::Html;
use super::markdown::Heading;

const STYLE: &str = include_str!("style.css");

/// What a page is about.
pub(super) struct Content {
    path: String,
    title: String,
    about: &'static str,
    /// It belongs to the reference, and not to the guides.
    pub(super) is_reference: bool,
    pub(super) html: Html,
    /// What the navigation shows of it.
    pub(super) headings: Vec<Heading>,
}

impl Content {
    pub(super) fn new(path: &str, title: &str, about: &'static str) -> Content {
        let (path, title) = (path.to_owned(), title.to_owned());
        Content { path, title, about, is_reference: false, html: Html::default(), headings: Vec::new() }
    }
}

/// The pages of these contents.
pub(super) fn all(contents: Vec<Content>) -> Vec<Page> {
    let policy = content_security_policy();
    let page = |content: &Content| Page {
        path: content.path.clone(),
        html: one(&contents, content),
        content_security_policy: policy.clone(),
    };
    contents.iter().map(page).collect()
}

fn one(contents: &[Content], content: &Content) -> String {
    let mut html = Html::default();
    html.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.markup(
        "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>",
    );
    html.text(&content.title).markup(" · Keyward</title>\n");
    if !content.about.is_empty() {
        html.markup("<meta name=\"description\" content=\"").text(content.about).markup("\">\n");
    }
    html.markup("<style>").markup(STYLE).markup("</style>\n</head>\n<body>\n");
    html.markup("<a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header>");
    html.markup("<a class=\"brand\" href=\"/docs\">Keyward</a> <span>API documentation</span>");
    html.markup(
        "<a class=\"openapi\" href=\"/openapi.json\">OpenAPI 3.1</a></header>\n<div class=\"columns\">\n",
    );
    // On a narrow screen it stands folded above the text; the style keeps it open on a wide one.
    html.markup("<nav aria-label=\"Pages\"><input type=\"checkbox\" id=\"menu\"><label for=\"menu\">Contents</label>\n");
    html.markup("<div class=\"links\">\n");
    navigation(&mut html, contents, content);
    html.markup("</div></nav>\n<main id=\"content\">\n<h1>").text(&content.title).markup("</h1>\n");
    if !content.about.is_empty() {
        html.markup("<p class=\"lead\">").text(content.about).markup("</p>\n");
    }
    html.html(&content.html).markup("</main>\n</div>\n</body>\n</html>\n");
    html.finish()
}

fn navigation(html: &mut Html, contents: &[Content], current: &Content) {
    for (is_reference, title) in [(false, "Guides"), (true, "Reference")] {
        let of_kind: Vec<&Content> = contents.iter().filter(|c| c.is_reference == is_reference).collect();
        if of_kind.is_empty() {
            continue;
        }
        html.markup("<h2>").text(title).markup("</h2>\n<ul>\n");
        for content in of_kind {
            let is_current = content.path == current.path;
            html.markup("<li><a href=\"").text(&content.path).markup("\"");
            html.markup(if is_current { " aria-current=\"page\">" } else { ">" });
            html.text(&content.title).markup("</a>");
            if is_current && !content.headings.is_empty() {
                html.markup("\n<ul>\n");
                for heading in &content.headings {
                    html.markup("<li><a href=\"#").text(&heading.anchor).markup("\">");
                    html.text(&heading.title).markup("</a></li>\n");
                }
                html.markup("</ul>");
            }
            html.markup("</li>\n");
        }
        html.markup("</ul>\n");
    }
}

/// Our own style by its hash, and nothing else: no script, no frame, no form.
fn content_security_policy() -> HeaderValue {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    // Base64 is of ASCII, so the other arm is never taken; it forbids everything.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
