//! Imports: what a caller says of one, and what they are told.

use std::collections::HashMap;

use futures::{Stream, StreamExt};
use keyward_proto::contacts::v1 as pb;
use keyward_proto::policy::v1::Pagination;
use svc_core::clock::Timestamp;
use svc_core::cursor;
use svc_core::error::{Error, Fault, Reason, Violation};
use svc_core::idempotency::IdempotentCall;
use svc_core::ids::is_id;
use svc_core::page::PageSize;
use svc_runtime::grpc::status;
use tonic::Status;

use super::bulk::item_error;
use crate::csv::Charset;
use crate::domain::{
    Formats, Import, ImportErrors, ImportList, ImportPage, ImportStatus, Naming, OnDuplicate, Order,
    Partition, Phones, RowError, UnknownFormat, label_verdict,
};

/// The most columns that are mapped.
const MAPPING_MAX: usize = 500;
/// The media types of CSV.
const MEDIA_TYPES: [&str; 3] = ["text/csv", "application/csv", "text/tab-separated-values"];

/// What a caller wants imported, by the first message.
pub(super) fn order(
    request: pb::ImportContactsRequest,
    call: Option<IdempotentCall>,
    phones: Phones,
) -> Result<Order, Error> {
    let mut violations = Vec::new();
    let mut note = |field: &str, fault: Fault, message: &str| {
        violations.push(Violation::new(field, fault, message));
    };
    let metadata = match request.part {
        Some(pb::import_contacts_request::Part::Metadata(metadata)) => metadata,
        Some(pb::import_contacts_request::Part::Chunk(_)) => {
            let message = "The first message must not carry a `chunk`.";
            return Err(Error::invalid(vec![Violation::new("chunk", Fault::Invalid, message)]));
        }
        None => pb::ImportContactsMetadata::default(),
    };
    let charset = charset(metadata.content_type.as_deref())?;
    let on_duplicate = match request.on_duplicate.as_deref() {
        None => OnDuplicate::Allow,
        Some(word) => OnDuplicate::from_word(word).unwrap_or_else(|| {
            note("onDuplicate", Fault::Invalid, "`onDuplicate` must be `allow`, `reject` or `update`.");
            OnDuplicate::Allow
        }),
    };
    let delimiter = match request.delimiter.as_deref().map(str::as_bytes) {
        None => None,
        Some([delimiter @ (b',' | b';' | b'\t')]) => Some(*delimiter),
        Some(_) => {
            note("delimiter", Fault::Invalid, "`delimiter` must be `,`, `;` or a tab.");
            None
        }
    };
    let formats = Formats::of(request.locale.as_deref(), request.date_format.as_deref());
    let formats = formats.unwrap_or_else(|unknown| {
        match unknown {
            UnknownFormat::Locale => note(
                "locale",
                Fault::Invalid,
                "`locale` is none that is known: a language with its country, as in `de-DE`. See the documentation \
                 of this call for `dateFormat`, too.",
            ),
            UnknownFormat::DateFormat => note(
                "dateFormat",
                Fault::Invalid,
                "`dateFormat` must have `YYYY`, `MM` or `M`, and `DD` or `D` once each, apart from each other, as \
                 in `DD.MM.YYYY`.",
            ),
        }
        Formats::default()
    });
    let phones = match request.region.as_deref() {
        None => phones,
        Some(region) => Phones::of(Some(region)).unwrap_or_else(|| {
            note("region", Fault::Invalid, "`region` must be a country as in `DE` (ISO 3166-1).");
            phones
        }),
    };
    let label = request.label.map(|label| label.trim().to_owned());
    if let Some(Err((fault, rule))) = label.as_deref().map(label_verdict) {
        note("label", fault, &format!("`label` {rule}."));
    }
    if request.mapping.len() > MAPPING_MAX {
        note("mapping", Fault::TooLong, "`mapping` has at most 500 columns.");
    }
    match violations.is_empty() {
        false => Err(Error::invalid(violations)),
        true => Ok(Order {
            label,
            dry_run: request.dry_run.unwrap_or_default(),
            on_duplicate,
            charset,
            delimiter,
            naming: naming(request.mapping, request.ignore_unknown_columns),
            formats,
            phones,
            call,
        }),
    }
}

fn naming(mapping: HashMap<String, String>, ignore_unknown: Option<bool>) -> Naming {
    Naming { mapping: mapping.into_iter().collect(), ignore_unknown: ignore_unknown.unwrap_or_default() }
}

/// The encoding that holds where the content does not say another one.
fn charset(content_type: Option<&str>) -> Result<Charset, Error> {
    let Some(content_type) = content_type else { return Ok(Charset::Utf8) };
    let refused = |message: &str| Err(Error::new(Reason::UnsupportedMediaType, message));
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    if !MEDIA_TYPES.iter().any(|of| of.eq_ignore_ascii_case(media_type)) {
        return refused("The content must be CSV: Content-Type must be text/csv.");
    }
    let mut charset = Charset::Utf8;
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        if !name.trim().eq_ignore_ascii_case("charset") {
            continue;
        }
        charset = match value.trim().trim_matches('"').to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "us-ascii" => Charset::Utf8,
            // Nearly always with a byte order mark, which says it.
            "utf-16" | "utf-16le" => Charset::Utf16Le,
            "utf-16be" => Charset::Utf16Be,
            _ => return refused("The charset of CSV must be utf-8 or utf-16."),
        };
    }
    Ok(charset)
}

/// The content, from the messages behind the first.
pub(super) fn content<S>(messages: S) -> impl Stream<Item = Result<impl AsRef<[u8]>, Error>> + Unpin
where
    S: Stream<Item = Result<pb::ImportContactsRequest, Status>> + Unpin,
{
    messages.map(|message| match message.map_err(status::to_error)?.part {
        Some(pb::import_contacts_request::Part::Chunk(chunk)) => Ok(chunk),
        _ => {
            let message = "Each message behind the first must carry a `chunk`.";
            Err(Error::invalid(vec![Violation::new("chunk", Fault::Required, message)]))
        }
    })
}

/// An import as callers see it.
pub(super) fn message(import: Import, errors: Vec<RowError>, now: Timestamp) -> pb::ContactImport {
    let status = match import.status {
        ImportStatus::Running if import.is_interrupted(now) => pb::ContactImportStatus::Interrupted,
        ImportStatus::Running => pb::ContactImportStatus::Running,
        ImportStatus::Finished => pb::ContactImportStatus::Finished,
        ImportStatus::Failed => pb::ContactImportStatus::Failed,
    };
    let counts = import.counts;
    pb::ContactImport {
        id: import.id,
        label: import.label,
        status: status.into(),
        dry_run: import.dry_run,
        rows: number(counts.rows),
        created: number(counts.created),
        updated: number(counts.updated),
        unchanged: number(counts.unchanged),
        failed: number(counts.failed),
        errors: errors.into_iter().map(row_error).collect(),
        error: import.failure.map(item_error),
        created_at: Some(import.created_at.to_proto()),
        updated_at: Some(import.updated_at.to_proto()),
        finished_at: import.finished_at.map(Timestamp::to_proto),
    }
}

fn row_error(error: RowError) -> pb::ImportError {
    pb::ImportError { line: number(error.line), error: Some(item_error(error.problem)) }
}

fn number(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Which page of which imports.
pub(super) fn list(
    partition: &Partition,
    request: &pb::ListContactImportsRequest,
) -> Result<ImportList, Error> {
    let size = PageSize::new(request.limit).map_err(|violation| Error::invalid(vec![violation]))?;
    let label = request.label.as_deref().map(|label| label.trim().to_owned());
    if let Some(Err((fault, rule))) = label.as_deref().map(label_verdict) {
        return Err(Error::invalid(vec![Violation::new("label", fault, format!("`label` {rule}."))]));
    }
    let before = match &request.cursor {
        None => None,
        Some(cursor) => {
            let [id] = cursor::decode(&scope(partition, label.as_deref()), cursor)?;
            Some(id).filter(|id| is_id(id))
        }
    };
    Ok(ImportList { label, size, before })
}

fn scope(partition: &Partition, label: Option<&str>) -> String {
    format!("contact-imports/{}/{}/{label:?}", partition.organization_id, partition.agent_id)
}

fn scope_of_errors(partition: &Partition, id: &str) -> String {
    format!("contact-import-errors/{}/{}/{id}", partition.organization_id, partition.agent_id)
}

/// The page as callers see it.
pub(super) fn page(
    partition: &Partition,
    list: &ImportList,
    page: ImportPage,
    now: Timestamp,
) -> pb::ListContactImportsResponse {
    let last = page.imports.last().filter(|_| page.has_more);
    let next_cursor = last.map(|last| cursor::encode(&scope(partition, list.label.as_deref()), &[&last.id]));
    pb::ListContactImportsResponse {
        pagination: Some(pagination(list.size, page.has_more, next_cursor)),
        imports: page.imports.into_iter().map(|import| message(import, Vec::new(), now)).collect(),
    }
}

/// Which page of the errors of an import: how many, and behind which line.
pub(super) fn errors(
    partition: &Partition,
    request: &pb::ListContactImportErrorsRequest,
) -> Result<(PageSize, i64), Error> {
    let size = PageSize::new(request.limit).map_err(|violation| Error::invalid(vec![violation]))?;
    let Some(cursor) = &request.cursor else { return Ok((size, 0)) };
    let [line] = cursor::decode(&scope_of_errors(partition, &request.id), cursor)?;
    let malformed =
        |_| Error::new(Reason::InvalidCursor, "The cursor is malformed. Start again without one.");
    Ok((size, line.parse().map_err(malformed)?))
}

/// The page as callers see it.
pub(super) fn errors_page(
    partition: &Partition,
    id: &str,
    size: PageSize,
    page: ImportErrors,
) -> pb::ListContactImportErrorsResponse {
    let last = page.errors.last().filter(|_| page.has_more);
    let next_cursor =
        last.map(|last| cursor::encode(&scope_of_errors(partition, id), &[&last.line.to_string()]));
    pb::ListContactImportErrorsResponse {
        pagination: Some(pagination(size, page.has_more, next_cursor)),
        errors: page.errors.into_iter().map(row_error).collect(),
    }
}

fn pagination(size: PageSize, has_more: bool, next_cursor: Option<String>) -> Pagination {
    Pagination { limit: size.get(), has_more, next_cursor, total: None }
}
