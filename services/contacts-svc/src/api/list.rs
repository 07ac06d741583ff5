//! The list: what of it is built, and its cursors.

use keyward_proto::contacts::v1::{ListContactsRequest, ListContactsResponse};
use keyward_proto::policy::v1::Pagination;
use svc_core::clock::Timestamp;
use svc_core::cursor;
use svc_core::error::{Error, Reason};
use svc_core::ids::is_id;

use super::contact::message;
use crate::domain::{Page, PageSize, Partition, Position};

/// How many contacts, and after which one.
pub(super) fn read(
    partition: &Partition,
    request: &ListContactsRequest,
) -> Result<(PageSize, Option<Position>), Error> {
    let size = PageSize::new(request.limit).map_err(|violation| Error::invalid(vec![violation]))?;
    refuse_what_is_not_built(request)?;
    let after = request.cursor.as_deref().map(|cursor| position(partition, cursor)).transpose()?;
    Ok((size, after))
}

/// The page as callers see it.
pub(super) fn write(partition: &Partition, size: PageSize, page: Page) -> ListContactsResponse {
    let last = page.contacts.last().filter(|_| page.has_more).map(Position::of);
    let pagination = Pagination {
        limit: size.get(),
        has_more: page.has_more,
        next_cursor: last.map(|last| cursor_of(partition, &last)),
        total: None,
    };
    ListContactsResponse {
        contacts: page.contacts.into_iter().map(message).collect(),
        pagination: Some(pagination),
    }
}

/// A filter that is passed over would show contacts that were not asked for.
fn refuse_what_is_not_built(request: &ListContactsRequest) -> Result<(), Error> {
    let asked = [
        ("search", request.search.is_some()),
        ("externalReferenceId", request.external_reference_id.is_some()),
        ("email", request.email.is_some()),
        ("mobileNumber", request.mobile_number.is_some()),
        ("stage", request.stage.is_some()),
        ("status", request.status.is_some()),
        ("tag", request.tag.is_some()),
        ("createdAfter", request.created_after.is_some()),
        ("createdBefore", request.created_before.is_some()),
        ("updatedAfter", request.updated_after.is_some()),
        ("customFields", !request.custom_fields.is_empty()),
        ("sort", request.sort.is_some()),
        ("includeTotal", request.include_total == Some(true)),
    ];
    match asked.into_iter().find(|(_, asked)| *asked) {
        Some((name, _)) => Err(Error::unimplemented(format!("The parameter `{name}`"))),
        None => Ok(()),
    }
}

/// What a cursor is bound to: the partition, the filter and the sort.
pub(super) fn scope(partition: &Partition) -> String {
    format!("contacts/{}/{}/status=ACTIVE/-createdAt", partition.organization_id, partition.agent_id)
}

fn cursor_of(partition: &Partition, position: &Position) -> String {
    cursor::encode(&scope(partition), &[&position.created_at.0.to_string(), &position.id])
}

fn position(partition: &Partition, text: &str) -> Result<Position, Error> {
    let [created_at, id] = cursor::decode(&scope(partition), text)?;
    // The checksum is no signature: whoever knows how may make a cursor of their own.
    match created_at.parse() {
        Ok(micros) if is_id(&id) => Ok(Position { created_at: Timestamp(micros), id }),
        _ => Err(Error::new(Reason::InvalidCursor, "The cursor is malformed. Start again without one.")),
    }
}
