//! What is written down of changes: who did what to what, in one hash chain for each organization (ADR 17).
//!
//! A work says it with an [`Audit`], without which it has no [`Changed`](crate::change::Changed). The seam adds who,
//! from where and when, links the entries to the chain ([`chain`]) and commits them with the change
//! (`change/auditor.rs`); `store/audit.rs` keeps them.

mod action;
mod chain;
mod elsewhere;
mod entry;
mod facts;
mod rpcs;
mod things;

pub(crate) use action::Action;
pub(crate) use chain::{BadAuditKey, ChainKey, Hash, Head};
pub(crate) use elsewhere::{Elsewhere, Told};
pub(crate) use entry::{Attempt, Audit, Deed, Entry, Origin, Resource, Unaudited, Who};
pub(crate) use facts::{Auditable, Facts, canonical};
pub(crate) use rpcs::action_of;
