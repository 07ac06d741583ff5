//! All that is held on one contact.

use keyward_proto::contacts::v1 as pb;

use super::contact::message;
use super::files;
use crate::domain::{ChangeKind, Held, PastChange};

/// As a member sees it.
pub(super) fn write(held: Held) -> pb::ExportContactResponse {
    pb::ExportContactResponse {
        contact: Some(message(held.contact)),
        files: held.files.into_iter().map(files::message).collect(),
        changes: held.changes.into_iter().map(change).collect(),
        exported_at: Some(held.at.to_proto()),
    }
}

fn change(change: PastChange) -> pb::ExportedChange {
    let kind = match change.kind {
        ChangeKind::Created => pb::ContactChangeType::Created,
        ChangeKind::Updated => pb::ContactChangeType::Updated,
        ChangeKind::Archived => pb::ContactChangeType::Archived,
        ChangeKind::Unarchived => pb::ContactChangeType::Unarchived,
        ChangeKind::Deleted => pb::ContactChangeType::Deleted,
    };
    pb::ExportedChange {
        r#type: kind.into(),
        changed_at: Some(change.changed_at.to_proto()),
        version: change.version,
        actor_id: change.actor_id,
    }
}
