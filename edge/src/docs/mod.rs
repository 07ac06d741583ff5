//! The documentation: HTML made once at start, which needs no script and nothing from elsewhere.
//!
//! - `guides`: what people read first; `errors`: every code; `operations`: a page for each chapter of the reference
//! - `samples`: each operation in curl, Node.js and Python
//! - `page`: what surrounds every page; `markdown` and `html`: text that is safe wherever it comes from

mod errors;
mod guides;
mod html;
mod markdown;
mod operations;
mod page;
mod samples;

use http::HeaderValue;

use crate::reference::Reference;

/// Where the documentation begins.
pub(crate) const ROOT: &str = "/docs";

/// A page.
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) html: String,
    /// Nothing but our own style may run.
    pub(crate) content_security_policy: HeaderValue,
}

/// All pages of an API that clients find at this origin.
pub(crate) fn pages(api: &Reference, origin: &str) -> Vec<Page> {
    let mut contents = guides::all(origin);
    contents.push(errors::page());
    contents.extend(api.chapters.iter().map(|chapter| operations::page(api, chapter)));
    page::all(contents)
}

#[cfg(test)]
mod tests;
