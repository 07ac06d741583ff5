//! Many contacts in one call.

use keyward_proto::contacts::v1 as pb;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::IdempotentCall;
use svc_runtime::grpc::idempotency::kept_of_many;

use super::contact::read;
use crate::domain::{BulkOrder, Detail, Outcome, Problem, Upsert};

/// The most contacts of a call.
const CONTACTS_MAX: usize = 1_000;

/// What a caller wants written.
pub(super) fn order(
    request: pb::BulkUpsertContactsRequest,
    once: Option<IdempotentCall>,
) -> Result<BulkOrder, Error> {
    let count = request.contacts.len();
    let violation =
        |fault, message: &str| Err(Error::invalid(vec![Violation::new("contacts", fault, message)]));
    if count == 0 {
        return violation(Fault::Required, "`contacts` must have at least one contact.");
    }
    if count > CONTACTS_MAX {
        return violation(Fault::TooLong, "`contacts` has at most 1,000 contacts.");
    }
    let upsert = |contact| {
        let (fields, violations) = read(contact);
        Upsert { id: None, fields, violations }
    };
    Ok(BulkOrder {
        upserts: request.contacts.into_iter().map(upsert).collect(),
        atomic: request.atomic.unwrap_or_default(),
        replace: request.replace.unwrap_or_default(),
        once,
        keep: |outcomes| kept_of_many(&response(outcomes)),
    })
}

/// What became of them, in their order.
pub(super) fn response(outcomes: &[Outcome]) -> pb::BulkUpsertContactsResponse {
    let result = |(index, outcome): (usize, &Outcome)| {
        let (status, id, error) = match outcome.clone() {
            Outcome::Created(id) => (pb::BulkStatus::Created, Some(id), None),
            Outcome::Updated(id) => (pb::BulkStatus::Updated, Some(id), None),
            Outcome::Unchanged(id) => (pb::BulkStatus::Unchanged, Some(id), None),
            Outcome::Failed(error) => (pb::BulkStatus::Failed, None, Some(item_error(Problem::of(error)))),
            Outcome::NotApplied => (pb::BulkStatus::NotApplied, None, None),
        };
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        pb::BulkResult { index, status: status.into(), id, error }
    };
    pb::BulkUpsertContactsResponse { results: outcomes.iter().enumerate().map(result).collect() }
}

pub(super) fn item_error(problem: Problem) -> pb::ItemError {
    let detail = |detail: Detail| pb::ItemErrorDetail {
        field: detail.field,
        code: detail.code,
        message: detail.message,
    };
    pb::ItemError {
        code: problem.code,
        message: problem.message,
        details: problem.details.into_iter().map(detail).collect(),
    }
}
