//! What `ApiKeyService` says of usage.

use keyward_proto::auth::v1 as pb;
use svc_core::clock::Timestamp;

use crate::domain::KeyDenial;
use crate::limits::{Taken, WindowState};
use crate::management::UsageTold;
use crate::store::{AddressUse, UsageCount};
use crate::usage::{ACTIVITY_HOURS, Report, Totals};

/// How a key was used.
pub(super) fn report(told: UsageTold) -> pb::GetApiKeyUsageResponse {
    let Report { granularity, totals, buckets, operations, outcomes, .. } = told.report;
    let bucket = |(start, totals): (Timestamp, Totals)| pb::UsageBucket {
        start: Some(start.to_proto()),
        requests: int(totals.requests),
        allowed: int(totals.allowed),
        denied: int(totals.denied()),
        rate_limited: int(totals.rate_limited),
    };
    let operation = |((operation, permission), count): ((String, String), UsageCount)| pb::OperationUsage {
        operation,
        permission,
        requests: int(count.requests),
        last_used_at: Some(count.last_at.to_proto()),
    };
    let outcome = |(code, requests)| pb::OutcomeUsage { code, requests: int(requests) };
    pb::GetApiKeyUsageResponse {
        granularity: granularity.as_str().to_owned(),
        totals: Some(pb::UsageTotals {
            requests: int(totals.requests),
            allowed: int(totals.allowed),
            denied: int(totals.denied()),
        }),
        buckets: buckets.into_iter().map(bucket).collect(),
        operations: operations.into_iter().map(operation).collect(),
        outcomes: outcomes.into_iter().map(outcome).collect(),
        windows: Some(windows(told.windows)),
        unused_permissions: told.unused_permissions,
        recent_denials: told.denials.into_iter().map(denial).collect(),
    }
}

fn denial(denial: KeyDenial) -> pb::Denial {
    pb::Denial {
        at: Some(denial.at.to_proto()),
        request_id: denial.request_id,
        code: denial.code,
        permission: denial.permission,
        client_address: denial.client_address,
    }
}

/// Where requests came from.
pub(super) fn address(of: AddressUse) -> pb::AddressUsage {
    pb::AddressUsage {
        address: of.address,
        requests: int(of.count.requests),
        last_seen_at: Some(of.count.last_at.to_proto()),
    }
}

/// The last 24 hours of a key. `None`: it was not used.
pub(super) fn activity(hours: Option<&Vec<Totals>>) -> Vec<pb::HourlyActivity> {
    let hour =
        |totals: &Totals| pb::HourlyActivity { allowed: int(totals.allowed), denied: int(totals.denied()) };
    match hours {
        Some(hours) => hours.iter().map(hour).collect(),
        None => vec![pb::HourlyActivity::default(); ACTIVITY_HOURS],
    }
}

/// What remains of a key's limits.
pub(super) fn windows(taken: Taken) -> pb::Windows {
    let window = |state: WindowState| pb::Window {
        limit: int(state.limit.into()),
        remaining: int(state.remaining.into()),
        reset_seconds: int(state.reset_seconds.into()),
    };
    pb::Windows { minute: Some(window(taken.minute)), hour: Some(window(taken.hour)) }
}

/// Messages hold no 64-bit integers.
fn int(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
