//! Text documents of Office Open XML: paragraphs and tables of the body, then what stands around it.

mod part;
mod styles;

use super::archive::{Archive, Relation};
use super::layout::Flow;
use super::{Output, ReadError};
use crate::document::{Attachment, Kind, NoticeKind};
use part::Part;
use styles::Styles;

/// The most headers, footers and notes that are read.
const MAX_PARTS: usize = 64;

/// Reads a document whose main part is this.
pub(crate) fn read(archive: &mut Archive<'_>, main: &str, output: &mut Output<'_>) -> Result<(), ReadError> {
    let missing = || ReadError::unreadable("the document has no main part");
    let source = archive.xml(main)?.ok_or_else(missing)?;
    let relations = archive.relations(main)?;
    let styles = styles(archive, &relations)?;
    let mut body = Part::new("body", &styles, output.words_left());
    // When it breaks off, nobody knows what is missing: that is no document.
    body.read(&source)?;
    let mut pages = body.finish();
    let (mut head, mut foot) = (Flow::default(), Flow::default());
    for (kind, target) in around(&relations) {
        let Some(source) = archive.xml(&target)? else { continue };
        let mut part = Part::new(kind, &styles, output.words_left());
        match part.read(&source) {
            Ok(()) => {}
            Err(ReadError::UnreadableDocument(_)) => {
                output.notice(NoticeKind::Damaged, None, format!("a {kind} of the document"));
            }
            Err(error) => return Err(error),
        }
        for flow in part.finish() {
            match kind {
                "header" => head.append(flow),
                _ => foot.append(flow),
            }
        }
    }
    if relations.iter().any(|relation| relation.external && relation.kind != "hyperlink") {
        output.notice(NoticeKind::ExternalReference, None, "a picture, a template or an object");
    }
    attachments(archive, output)?;
    if let Some(first) = pages.first_mut() {
        head.append(std::mem::take(first));
        *first = head;
    }
    if let Some(last) = pages.last_mut() {
        last.append(foot);
    }
    let words: usize = pages.iter().map(Flow::words).sum();
    if words > output.words_left() {
        return Err(output.too_many_words());
    }
    output.head(Kind::Docx, u32::try_from(pages.len()).unwrap_or(u32::MAX))?;
    for (number, flow) in (1..).zip(pages) {
        if let Some(page) = flow.into_page(number, None) {
            output.page(page)?;
        }
    }
    output.end()
}

fn styles(archive: &mut Archive<'_>, relations: &[Relation]) -> Result<Styles, ReadError> {
    let of = relations.iter().find(|relation| relation.kind == "styles" && !relation.external);
    let source = of.map(|relation| archive.xml(&relation.target)).transpose()?.flatten();
    Ok(source.map(|source| Styles::read(&source)).unwrap_or_default())
}

/// The parts around the body, in the order in which they are read.
fn around(relations: &[Relation]) -> Vec<(&'static str, String)> {
    let kinds =
        [("header", "header"), ("footnotes", "footnote"), ("endnotes", "endnote"), ("footer", "footer")];
    let of = |(kind, name): (&'static str, &'static str)| {
        let of = relations.iter().filter(move |relation| relation.kind == kind && !relation.external);
        of.map(move |relation| (name, relation.target.clone()))
    };
    kinds.into_iter().flat_map(of).take(MAX_PARTS).collect()
}

/// Files that are embedded in the document.
fn attachments(archive: &mut Archive<'_>, output: &mut Output<'_>) -> Result<(), ReadError> {
    let mut names: Vec<String> =
        archive.names().filter(|name| name.contains("/embeddings/")).map(str::to_owned).collect();
    names.sort_unstable();
    for name in names {
        let bytes = archive.size(&name);
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        output.attachment(Attachment { name, media_type: "application/octet-stream".to_owned(), bytes });
    }
    Ok(())
}
