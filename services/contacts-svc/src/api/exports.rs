//! Exports: contacts as bytes, as they are read.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::stream::try_unfold;
use keyward_proto::contacts::v1 as pb;
use keyward_proto::google::api::HttpBody;
use svc_core::error::{Error, Fault, Violation};
use svc_core::page::PageSize;
use svc_runtime::grpc::status;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::domain::{Contacts, ExportFormat, FieldSet, Filter, List, Partition, Position, Sort, SortBy};

/// The metadata in which the edge hands on what a client likes best.
const ACCEPT: &str = "accept";
/// The most bytes of a piece.
const PIECE: usize = 64 * 1024;

/// Which contacts, and as what.
pub(super) struct Export {
    pub(super) contacts: Arc<Contacts>,
    pub(super) partition: Partition,
    pub(super) filter: Filter,
    pub(super) format: ExportFormat,
}

/// How far an export has come.
enum Stage {
    Begun,
    /// Contacts behind this one follow.
    After(Position),
    Ended,
}

/// As what the contacts are written.
pub(super) fn format(
    request: &pb::ExportContactsRequest,
    metadata: &MetadataMap,
    set: &FieldSet,
) -> Result<ExportFormat, Error> {
    match request.format.map(pb::ExportFormat::try_from) {
        Some(Ok(pb::ExportFormat::Csv)) => Ok(ExportFormat::csv(set)),
        Some(Ok(pb::ExportFormat::Ndjson)) => Ok(ExportFormat::Ndjson),
        None | Some(Ok(pb::ExportFormat::Unspecified)) => {
            let accept = metadata.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            Ok(match likes_lines_better(accept) {
                true => ExportFormat::Ndjson,
                false => ExportFormat::csv(set),
            })
        }
        Some(Err(_)) => {
            let message = "`format` must be `CSV` or `NDJSON`.";
            Err(Error::invalid(vec![Violation::new("format", Fault::Invalid, message)]))
        }
    }
}

/// Whether `Accept` (RFC 9110, 12.5.1) wants lines of JSON rather than CSV.
fn likes_lines_better(accept: &str) -> bool {
    // Of ranges that fit both equally the more exact one decides: exact names, `type/*`, `*/*`.
    let quality = |names: &[&str]| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?.to_ascii_lowercase();
            let exactness = names.iter().rev().position(|one| *one == name)?;
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            Some((exactness, quality.unwrap_or(1.0)))
        });
        ranges.max_by(|a, b| a.0.cmp(&b.0)).map_or(0.0, |(_, quality)| quality)
    };
    let lines = quality(&["application/x-ndjson", "application/ndjson", "application/*", "*/*"]);
    let csv = quality(&["text/csv", "text/*", "*/*"]);
    lines > csv
}

/// The pieces of an export. What is read at once ends before the next piece is asked for, so that no transaction and
/// no connection waits for a client.
pub(super) fn pieces(export: Export) -> impl Stream<Item = Result<HttpBody, Status>> + Send + use<> {
    let state = (export, Stage::Begun, Bytes::new());
    try_unfold(state, |(export, mut stage, mut written)| async move {
        let mut content_type = String::new();
        while written.is_empty() {
            let mut out = Vec::new();
            stage = match stage {
                Stage::Ended => return Ok(None),
                Stage::Begun => {
                    export.format.content_type().clone_into(&mut content_type);
                    export.format.begin(&mut out);
                    let stage = export.page(None, &mut out).await?;
                    // The first piece tells what it is, also where there is nothing.
                    if out.is_empty() {
                        let first = HttpBody { content_type, ..HttpBody::default() };
                        return Ok(Some((first, (export, stage, written))));
                    }
                    stage
                }
                Stage::After(last) => export.page(Some(last), &mut out).await?,
            };
            written = out.into();
        }
        let piece = written.split_to(written.len().min(PIECE));
        let body = HttpBody { content_type, data: piece.to_vec(), ..HttpBody::default() };
        Ok(Some((body, (export, stage, written))))
    })
}

impl Export {
    async fn page(&self, after: Option<Position>, out: &mut Vec<u8>) -> Result<Stage, Status> {
        let list = List {
            filter: self.filter.clone(),
            sort: Sort { by: SortBy::CreatedAt, descending: false },
            size: PageSize::LARGEST,
            after,
        };
        let page = self.contacts.list(&self.partition, list).await.map_err(status::of)?;
        for contact in &page.contacts {
            self.format.write(contact, out);
        }
        Ok(page.next.map_or(Stage::Ended, Stage::After))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_likes_better() {
        for (accept, lines) in [
            ("", false),
            ("*/*", false),
            ("text/csv", false),
            ("application/x-ndjson", true),
            ("application/ndjson", true),
            ("text/csv, application/x-ndjson", false),
            ("text/csv;q=0.5, application/x-ndjson", true),
            ("application/x-ndjson;q=0.1, text/csv", false),
            ("application/x-ndjson;q=0, */*", false),
            ("text/*;q=0.2, application/*", true),
            ("Application/X-NDJSON", true),
            ("text/html", false),
        ] {
            assert_eq!(likes_lines_better(accept), lines, "{accept:?}");
        }
    }
}
