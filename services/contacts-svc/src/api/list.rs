//! The list: filters, orders and pages.

use std::collections::HashMap;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::policy::v1::Pagination;
use prost_types::Timestamp as Time;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};
use svc_core::page::PageSize;

use super::contact::{message, stage};
use super::cursors::Cursors;
use crate::domain::{Contact, Filter, FilterDraft, List, Page, Partition, Phones, Statuses, sort};

/// The list that is asked for, and the page of it.
pub(super) fn read(
    cursors: &Cursors,
    partition: &Partition,
    phones: Phones,
    request: pb::ListContactsRequest,
) -> Result<List, Error> {
    let mut draft = FilterDraft::from(&request);
    let size = PageSize::new(request.limit).map_err(|violation| draft.violations.push(violation));
    let sort = sort(request.sort.as_deref()).map_err(|violation| draft.violations.push(violation));
    let filter = draft.check(phones).map_err(Error::invalid)?;
    // Each of them that failed is noted.
    let (Ok(size), Ok(sort)) = (size, sort) else { return Err(Error::invalid(Vec::new())) };
    let after = match &request.cursor {
        Some(cursor) => Some(cursors.position(partition, &filter, sort, cursor)?),
        None => None,
    };
    Ok(List { filter, sort, size, after })
}

macro_rules! filters {
    ($($request:ident),*) => {
        $(impl From<&pb::$request> for FilterDraft {
            fn from(request: &pb::$request) -> FilterDraft {
                let mut violations = Vec::new();
                let note = &mut |violation| violations.push(violation);
                let created_after = time("createdAfter", request.created_after.as_ref(), false, note);
                let created_before = time("createdBefore", request.created_before.as_ref(), true, note);
                let updated_after = time("updatedAfter", request.updated_after.as_ref(), false, note);
                let stage = stage(request.stage).unwrap_or_else(|violation| {
                    note(violation);
                    None
                });
                let statuses = statuses(request.status, note);
                FilterDraft {
                    search: request.search.clone(),
                    reference: request.external_reference_id.clone(),
                    email: request.email.clone(),
                    mobile_number: request.mobile_number.clone(),
                    stage,
                    statuses,
                    tag: request.tag.clone(),
                    created_after,
                    created_before,
                    updated_after,
                    custom_fields: custom_fields(&request.custom_fields),
                    violations,
                }
            }
        })*
    };
}

filters!(ListContactsRequest, ExportContactsRequest);

fn custom_fields(sent: &HashMap<String, String>) -> Vec<(String, String)> {
    sent.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Stored times have microseconds: what is after a time is after what is left of it, what is before it is before the
/// next of them.
fn time(field: &str, sent: Option<&Time>, up: bool, note: &mut dyn FnMut(Violation)) -> Option<Timestamp> {
    let sent = sent?;
    let Some(time) = Timestamp::from_proto(sent) else {
        let message = format!("`{field}` must be a time from year 1 to 9999.");
        note(Violation::new(field, Fault::OutOfRange, message));
        return None;
    };
    let has_more = sent.nanos % 1_000 > 0;
    Some(Timestamp(time.0 + i64::from(up && has_more)))
}

fn statuses(sent: Option<i32>, note: &mut dyn FnMut(Violation)) -> Statuses {
    match sent.map(pb::ContactStatusFilter::try_from) {
        None | Some(Ok(pb::ContactStatusFilter::Unspecified | pb::ContactStatusFilter::Active)) => {
            Statuses::Active
        }
        Some(Ok(pb::ContactStatusFilter::Archived)) => Statuses::Archived,
        Some(Ok(pb::ContactStatusFilter::Any)) => Statuses::Any,
        Some(Err(_)) => {
            note(Violation::new("status", Fault::Invalid, "`status` is not one that is known."));
            Statuses::Active
        }
    }
}

/// How many bytes of contacts become messages between two looks at what else there is to do: less than a
/// millisecond of work.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// The page as callers see it.
pub(super) async fn write(
    cursors: &Cursors,
    partition: &Partition,
    list: &ListHead,
    page: Page,
    total: Option<i64>,
) -> pb::ListContactsResponse {
    let next = page.next.as_ref();
    let pagination = Pagination {
        limit: list.size.get(),
        has_more: next.is_some(),
        next_cursor: next.map(|next| cursors.of_position(partition, &list.filter, list.sort, next)),
        total: total.map(|total| u32::try_from(total).unwrap_or(u32::MAX)),
    };
    pb::ListContactsResponse { contacts: messages(page.contacts).await, pagination: Some(pagination) }
}

/// What of a list is needed to write a page of it.
pub(super) struct ListHead {
    pub(super) filter: Filter,
    pub(super) sort: crate::domain::Sort,
    pub(super) size: PageSize,
}

impl ListHead {
    pub(super) fn of(list: &List) -> ListHead {
        ListHead { filter: list.filter.clone(), sort: list.sort, size: list.size }
    }
}

async fn messages(contacts: Vec<Contact>) -> Vec<pb::Contact> {
    let mut messages = Vec::with_capacity(contacts.len());
    let mut bytes = 0;
    for contact in contacts {
        bytes += contact.bytes();
        messages.push(message(contact));
        if bytes > BYTES_AT_ONCE {
            bytes = 0;
            tokio::task::yield_now().await;
        }
    }
    messages
}
