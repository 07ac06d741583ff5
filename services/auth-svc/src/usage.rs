//! How keys are used: counted beside the credential check, kept by minute, hour and day.
//!
//! `counters` count in memory, `flush` writes what they counted once a second, `rollup` adds that up and forgets
//! what is old, `range` says what may be asked for and puts an answer together. The SQL is that of `store/usage.rs`.
//!
//! Every request is in exactly one place: in the counters, in a batch that is being written, in `usage_recent`, or
//! in the tables that it is rolled up into. What moves it moves it in one transaction, so it is never counted
//! twice and, once written, never lost ([ADR 15](../../../docs/adr/0015-usage.md)).

mod counters;
mod flush;
mod operations;
mod range;
mod rollup;
#[cfg(test)]
mod tests;

pub(crate) use counters::{Counters, KeyCounts, Refused, Seen};
pub(crate) use flush::Flusher;
pub(crate) use operations::name as operation_name;
pub(crate) use range::{ACTIVITY_HOURS, Range, Report, Totals, activity, activity_since, named};
pub(crate) use rollup::{Keep, Rollup};
