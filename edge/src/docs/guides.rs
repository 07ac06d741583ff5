//! What people read first. The texts stand in `guides/`.

use super::markdown;
use super::page::Content;

/// Path, title, what it is about, and text.
const GUIDES: &[(&str, &str, &str, &str)] = &[
    ("/docs", "Overview", "What the API is, and a first request.", include_str!("guides/overview.md")),
    (
        "/docs/authentication",
        "Authentication",
        "How requests say who sends them.",
        include_str!("guides/authentication.md"),
    ),
    ("/docs/keys", "API keys", "Create, limit, rotate and revoke keys.", include_str!("guides/keys.md")),
    (
        "/docs/webhooks",
        "Webhooks",
        "Be told what happens, and know that it is true.",
        include_str!("guides/webhooks.md"),
    ),
    (
        "/docs/troubleshooting",
        "Troubleshooting",
        "What to look at when a request is refused.",
        include_str!("guides/troubleshooting.md"),
    ),
];

/// The origin that the texts have, so that whoever reads them in a file can follow them, too.
const EXAMPLE_ORIGIN: &str = "http://127.0.0.1:8080";

/// All of them, with the origin where this API is.
pub(super) fn all(origin: &str) -> Vec<Content> {
    let guide = |&(path, title, about, text): &(&str, &str, &'static str, &str)| {
        let mut content = Content::new(path, title, about);
        let rendered = markdown::render(&text.replace(EXAMPLE_ORIGIN, origin));
        content.html.html(&rendered.html);
        content.headings = rendered.headings;
        content
    };
    GUIDES.iter().map(guide).collect()
}
