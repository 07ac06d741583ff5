//! The list, and its cursors.

use keyward_proto::contacts::v1 as pb;
use keyward_proto::policy::v1::Pagination;
use svc_core::clock::Timestamp;
use svc_core::cursor;
use svc_core::error::{Error, Reason};
use svc_core::ids::is_id;
use svc_core::page::PageSize;
use svc_runtime::grpc::status;
use tonic::Status;

use super::super::caller::Caller;
use super::{locator, message};
use crate::domain::{FilePosition, Partition};
use crate::files::Files;

pub(super) async fn list(
    files: &Files,
    caller: &Caller,
    request: pb::ListFilesRequest,
) -> Result<pb::ListFilesResponse, Status> {
    let partition = &caller.actor.partition;
    let size =
        PageSize::new(request.limit).map_err(|violation| status::of(Error::invalid(vec![violation])))?;
    let locator = locator(request.reference).map_err(status::of)?;
    let contact_id = files.contact_id(partition, &locator).await.map_err(|error| caller.refuse(error))?;
    // Of the contact, however the request names it.
    let scope = scope(partition, &contact_id);
    let after = request.cursor.as_deref().map(|cursor| position(&scope, cursor)).transpose();
    let after = after.map_err(status::of)?;
    let counts = request.include_total.unwrap_or_default();
    let page = files.list(partition, &contact_id, size, after.as_ref(), counts).await;
    let page = page.map_err(|error| caller.refuse(error))?;
    let last = page.files.last().filter(|_| page.has_more).map(FilePosition::of);
    let pagination = Pagination {
        limit: size.get(),
        has_more: page.has_more,
        next_cursor: last.map(|last| cursor_of(&scope, &last)),
        total: page.total.map(|total| u32::try_from(total).unwrap_or(u32::MAX)),
    };
    let files = page.files.into_iter().map(message).collect();
    Ok(pb::ListFilesResponse { files, pagination: Some(pagination) })
}

fn scope(partition: &Partition, contact_id: &str) -> String {
    format!("files/{}/{}/{contact_id}/-createdAt", partition.organization_id, partition.agent_id)
}

fn cursor_of(scope: &str, position: &FilePosition) -> String {
    cursor::encode(scope, &[&position.created_at.0.to_string(), &position.id])
}

fn position(scope: &str, text: &str) -> Result<FilePosition, Error> {
    let [created_at, id] = cursor::decode(scope, text)?;
    // The checksum is no signature: whoever knows how may make a cursor of their own.
    match created_at.parse() {
        Ok(micros) if is_id(&id) => Ok(FilePosition { created_at: Timestamp(micros), id }),
        _ => Err(Error::new(Reason::InvalidCursor, "The cursor is malformed. Start again without one.")),
    }
}
