//! Many contacts at once, for benchmarks. Behind the feature `testing`; never part of a build that is shipped.

use std::ops::Range;

use svc_core::clock::Timestamp;
use svc_core::error::Error;

use crate::ContactsService;
use crate::domain::{Actor, Contact, ContactFields, JsonText, Partition, Stage, Status};

/// Contacts of one transaction.
const AT_ONCE: u32 = 1_000;
/// When the first is created: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;

/// Adds contacts to an agent, by the way of every change: those of the same numbers are the same wherever.
///
/// Every tenth has the tag `vip`, every thousandth `rare`; every fourth is in each stage; every second has the plan
/// `gold`, every fiftieth is archived.
pub async fn add_contacts(
    service: &ContactsService,
    (organization, agent): (&str, &str),
    numbers: Range<u32>,
) -> Result<(), Error> {
    let partition = Partition { organization_id: organization.to_owned(), agent_id: agent.to_owned() };
    let actor = Actor { partition, actor_id: "testing".to_owned(), request_id: None, member: None };
    let Range { start, end } = numbers;
    for from in (start..end).step_by(AT_ONCE as usize) {
        let contacts = (from..end.min(from + AT_ONCE)).map(contact).collect();
        service.contacts.add_all(&actor, contacts).await.map_err(Error::from)?;
    }
    Ok(())
}

fn contact(number: u32) -> Contact {
    const FIRST: [&str; 8] = ["Ada", "Bert", "Carla", "Dora", "Emil", "Frida", "Gustav", "Hanna"];
    const LAST: [&str; 7] = ["Lovelace", "Schmidt", "Rossi", "García", "Dubois", "Novák", "Jensen"];
    let pick = |from: &[&str], by: u32| from[number.wrapping_mul(by) as usize % from.len()].to_owned();
    let (first, last) = (pick(&FIRST, 7), pick(&LAST, 13));
    let mut tags = vec![format!("group {}", number % 100)];
    tags.extend(number.is_multiple_of(10).then(|| "vip".to_owned()));
    tags.extend(number.is_multiple_of(1_000).then(|| "rare".to_owned()));
    let created_at = Timestamp(START + i64::from(number) * 1_000);
    let updated_at = Timestamp(created_at.0 + i64::from(number.wrapping_mul(2_654_435_761) >> 8));
    let is_archived = number % 50 == 7;
    let plan = if number.is_multiple_of(2) { "\"gold\"" } else { "\"silver\"" };
    Contact {
        id: format!("{number:024x}"),
        fields: ContactFields {
            external_reference_id: Some(format!("customer-{number}")),
            name: Some(format!("{first} {last}")),
            email: Some(format!("{first}.{number}@example.com").to_lowercase()),
            mobile_number: Some(format!("+4915{:09}", number)),
            stage: Some(
                [Stage::Lead, Stage::Prospect, Stage::Customer, Stage::OldCustomer][number as usize / 3 % 4],
            ),
            source: Some("website".to_owned()),
            tags,
            custom_fields: [
                ("plan".to_owned(), JsonText::new(plan)),
                ("seats".to_owned(), JsonText::new((number % 500).to_string())),
            ]
            .into(),
            ..ContactFields::default()
        },
        status: if is_archived { Status::Archived } else { Status::Active },
        created_at,
        updated_at,
        archived_at: is_archived.then_some(updated_at),
        version: 1,
    }
}
