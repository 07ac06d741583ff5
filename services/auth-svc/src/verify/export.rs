//! An export of the audit log: lines of JSON, each an entry.

use std::io::BufRead;

use jiff::Timestamp as Moment;
use serde::Deserialize;
use serde_json::Value;
use svc_core::clock::Timestamp;

use super::walk::Walk;
use super::{Verified, VerifyError};
use crate::audit::{ChainKey, Entry, Hash, Head, Origin, Resource, Who, canonical};
use crate::domain::OrganizationId;

/// The longest line that is read: more than any entry has.
const MAX_LINE: u64 = 1024 * 1024;

/// A line is not an entry.
#[derive(Debug, thiserror::Error)]
#[error("line {number} of the export is not an entry: {what}")]
pub struct BadLine {
    /// Which one, from 1 on.
    pub number: u64,
    /// What is wrong. Never what the line says.
    pub what: String,
}

/// Checks an export, line by line, whatever its length.
pub(super) fn verify(key: &ChainKey, mut lines: impl BufRead) -> Result<Verified, VerifyError> {
    let mut walk: Option<Walk<'_>> = None;
    let mut line = Vec::new();
    for number in 1.. {
        let bad = |what: String| BadLine { number, what };
        line.clear();
        let read = std::io::Read::take(&mut lines, MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(|error| bad(error.to_string()))? == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE {
            return Err(bad("it is too long".to_owned()).into());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let entry = entry(&line).map_err(bad)?;
        let walk = walk.get_or_insert_with(|| {
            // An export may begin anywhere: of what came before, it has only the hash.
            let sequence = entry.sequence.saturating_sub(1).max(0);
            let hash = if sequence == 0 { Hash::ZERO } else { entry.previous_hash };
            Walk::new(key, entry.organization_id.clone(), Head { sequence, at: Timestamp(i64::MIN), hash })
        });
        if let Err(broken) = walk.step(&entry) {
            return Ok(walk.clone().broken(broken));
        }
    }
    walk.map(Walk::whole).ok_or(VerifyError::Empty)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: String,
    at: String,
    actor: Actor,
    action: String,
    resource: Thing,
    description: String,
    status: String,
    client_address: Option<String>,
    request_id: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    organization_id: String,
    sequence: i64,
    previous_hash: String,
    hash: String,
}

#[derive(Deserialize)]
struct Actor {
    kind: String,
    id: Option<String>,
    name: String,
    member: Option<Thing>,
}

#[derive(Deserialize)]
struct Thing {
    r#type: Option<String>,
    id: Option<String>,
    name: Option<String>,
}

fn entry(line: &[u8]) -> Result<Entry, String> {
    // What serde says may quote the line.
    let line: Line = serde_json::from_slice(line).map_err(|error| format!("{:?} error", error.classify()))?;
    let at: Moment = line.at.parse().map_err(|_| "`at` is not a time".to_owned())?;
    let hash = |text: &str, name| Hash::from_hex(text).ok_or_else(|| format!("`{name}` is not a hash"));
    let (member_id, member_name) = match line.actor.member {
        Some(member) => (member.id, Some(member.name.unwrap_or_default())),
        None => (None, None),
    };
    Ok(Entry {
        organization_id: OrganizationId::new(line.organization_id),
        sequence: line.sequence,
        id: line.id,
        at: Timestamp(at.as_microsecond()),
        who: Who { kind: line.actor.kind, id: line.actor.id, name: line.actor.name, member_id, member_name },
        action: line.action,
        resource_type: line.resource.r#type.unwrap_or_default(),
        resource: Resource { id: line.resource.id, name: line.resource.name },
        description: line.description,
        status: line.status,
        origin: Origin { client_address: line.client_address, request_id: line.request_id },
        before: line.before.as_ref().map(canonical),
        after: line.after.as_ref().map(canonical),
        previous_hash: hash(&line.previous_hash, "previousHash")?,
        hash: hash(&line.hash, "hash")?,
    })
}
