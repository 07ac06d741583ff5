//! Erasures as they are handed on ([ADR 36](../../../../docs/adr/0036-erasures.md)).

use keyward_proto::internal::v1 as pb;
use svc_core::actor::Partition;
use svc_core::clock::Timestamp;
use svc_core::erasure::{Erased, Erasure, FILES_AT_ONCE};
use svc_core::error::{Error, Fault, Violation};
use svc_core::ids::is_id;
use svc_core::parcel::Parcel;

/// How many one call takes.
const MOST: i32 = 100;

/// The message of an erasure that waits. What cannot be read was written by somebody else: it stays, and is said.
pub fn message(parcel: Parcel) -> Option<pb::Erasure> {
    let id = parcel.id.clone();
    let Some(erasure) = Erasure::read(parcel) else {
        tracing::error!(parcel.id = id, "an erasure cannot be read, and is not handed on");
        return None;
    };
    let (agent, contact_file_ids) = match erasure.what {
        Erased::Agent => (true, Vec::new()),
        Erased::ContactFiles(ids) => (false, ids),
    };
    Some(pb::Erasure {
        id: erasure.id,
        organization_id: erasure.of.organization_id,
        agent_id: erasure.of.agent_id,
        contact_file_ids,
        agent,
        at: Some(erasure.at.to_proto()),
    })
}

/// Those of a call that hands some in.
///
/// # Errors
/// When there are too many, and when one says of nothing, or of more than one thing, that it is gone.
pub fn read(messages: Vec<pb::Erasure>) -> Result<Vec<Erasure>, Error> {
    if messages.len() > MOST.unsigned_abs() as usize {
        return Err(Error::invalid(vec![Violation::out_of_range("erasures", 0..=MOST)]));
    }
    messages.into_iter().enumerate().map(|(at, message)| one(at, message)).collect()
}

fn one(at: usize, message: pb::Erasure) -> Result<Erasure, Error> {
    let bad = |field: &str| {
        let violation = Violation::new(format!("erasures[{at}].{field}"), Fault::Invalid, "It is not known.");
        Error::invalid(vec![violation])
    };
    let pb::Erasure { id, organization_id, agent_id, contact_file_ids, agent, at: time } = message;
    for (field, value) in [("id", &id), ("organization_id", &organization_id), ("agent_id", &agent_id)] {
        if !is_id(value) {
            return Err(bad(field));
        }
    }
    let is_bounded = contact_file_ids.len() <= FILES_AT_ONCE && contact_file_ids.iter().all(|id| is_id(id));
    if !is_bounded || agent != contact_file_ids.is_empty() {
        return Err(bad("contact_file_ids"));
    }
    let what = if agent { Erased::Agent } else { Erased::ContactFiles(contact_file_ids) };
    let at = time.as_ref().and_then(Timestamp::from_proto).ok_or_else(|| bad("at"))?;
    Ok(Erasure { id, of: Partition { organization_id, agent_id }, what, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(what: Erased) -> Erasure {
        let of = Partition { organization_id: "0".repeat(24), agent_id: "1".repeat(24) };
        Erasure { id: "2".repeat(24), of, what, at: Timestamp(7_000_000) }
    }

    #[test]
    fn what_is_handed_on_is_what_was_told() {
        for what in [Erased::Agent, Erased::ContactFiles(vec!["3".repeat(24)])] {
            let told = erasure(what);
            let handed = message(told.clone().parcel().unwrap()).unwrap();
            assert_eq!(read(vec![handed]).unwrap(), [told]);
        }
    }

    #[test]
    fn what_nothing_follows_from_is_refused() {
        let good = message(erasure(Erased::ContactFiles(vec!["3".repeat(24)])).parcel().unwrap()).unwrap();
        let refused: [fn(&mut pb::Erasure); 8] = [
            |one| one.id = "odd".to_owned(),
            |one| one.organization_id.clear(),
            |one| one.agent_id.clear(),
            |one| one.at = None,
            // Nothing is gone, or both are.
            |one| one.contact_file_ids.clear(),
            |one| one.agent = true,
            |one| one.contact_file_ids.push("odd".to_owned()),
            |one| one.contact_file_ids = vec!["3".repeat(24); FILES_AT_ONCE + 1],
        ];
        for (number, change) in refused.iter().enumerate() {
            let mut one = good.clone();
            change(&mut one);
            assert!(read(vec![good.clone(), one]).is_err(), "{number}");
        }
        assert!(read(vec![good.clone(); 101]).is_err());
        assert_eq!(read(vec![good; 100]).unwrap().len(), 100);
    }
}
