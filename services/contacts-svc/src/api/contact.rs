//! A contact as a message.

use keyward_proto::contacts::v1 as pb;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};

use super::custom_fields;
use crate::domain::{
    Contact, ContactFields, Draft, Locator, OnDuplicate, PossibleDuplicate, Saved, Stage, Status,
};

/// What a caller sent as a contact, with everything that cannot be one noted.
pub(super) fn draft(contact: pb::Contact) -> Draft {
    let (fields, violations) = read(contact);
    Draft::new(fields, violations)
}

/// What a caller may set of a contact, and what else was sent.
pub(super) fn read(contact: pb::Contact) -> (ContactFields, Vec<Violation>) {
    let mut violations = output_only(&contact);
    let stage = stage(contact.stage).unwrap_or_else(|violation| {
        violations.push(violation);
        None
    });
    let fields = ContactFields {
        external_reference_id: contact.external_reference_id,
        name: contact.name,
        email: contact.email,
        mobile_number: contact.mobile_number,
        gender: contact.gender,
        stage,
        source: contact.source,
        tags: contact.tags,
        notes: contact.notes,
        custom_fields: custom_fields::read(contact.custom_fields, &mut violations),
    };
    (fields, violations)
}

/// What to do with possible duplicates, by the word of the contract.
pub(super) fn on_duplicate(word: Option<&str>, known: &[OnDuplicate]) -> Result<OnDuplicate, Error> {
    let Some(word) = word else { return Ok(OnDuplicate::Allow) };
    match OnDuplicate::from_word(word).filter(|found| known.contains(found)) {
        Some(found) => Ok(found),
        None => {
            let known: Vec<String> = known.iter().map(|known| format!("`{}`", known.word())).collect();
            let message = format!("`onDuplicate` is one of {}.", known.join(", "));
            Err(Error::invalid(vec![Violation::new("onDuplicate", Fault::Invalid, message)]))
        }
    }
}

/// A contact that was saved as callers see it.
pub(super) fn saved(saved: Saved) -> pb::Contact {
    let duplicate = |duplicate: PossibleDuplicate| pb::PossibleDuplicate {
        matched_by: duplicate.matched_by().into_iter().map(str::to_owned).collect(),
        id: duplicate.id,
        external_reference_id: duplicate.external_reference_id,
    };
    let possible_duplicates = saved.duplicates.into_iter().map(duplicate).collect();
    pb::Contact { possible_duplicates, ..message(saved.contact) }
}

/// The contact as callers see it.
pub(super) fn message(contact: Contact) -> pb::Contact {
    let fields = contact.fields;
    let stage = fields.stage.map(|stage| match stage {
        Stage::Lead => pb::ContactStage::Lead,
        Stage::Prospect => pb::ContactStage::Prospect,
        Stage::Customer => pb::ContactStage::Customer,
        Stage::OldCustomer => pb::ContactStage::OldCustomer,
    });
    let status = match contact.status {
        Status::Active => pb::ContactStatus::Active,
        Status::Archived => pb::ContactStatus::Archived,
    };
    pb::Contact {
        id: contact.id,
        external_reference_id: fields.external_reference_id,
        name: fields.name,
        email: fields.email,
        mobile_number: fields.mobile_number,
        gender: fields.gender,
        stage: stage.map(i32::from),
        status: status.into(),
        source: fields.source,
        tags: fields.tags,
        notes: fields.notes,
        custom_fields: custom_fields::write(fields.custom_fields),
        created_at: Some(contact.created_at.to_proto()),
        updated_at: Some(contact.updated_at.to_proto()),
        archived_at: contact.archived_at.map(Timestamp::to_proto),
        version: contact.version,
        possible_duplicates: Vec::new(),
    }
}

/// Which contact a request names, by `ref` or by the member called so. Only over gRPC can it name none.
pub(super) fn named(reference: Option<impl Into<Locator>>, id: &str) -> Result<Locator, Error> {
    reference.map(Into::into).ok_or_else(|| {
        let message = format!("Name the contact by `ref` or by `{id}`.");
        Error::invalid(vec![Violation::new("ref", Fault::Required, message)])
    })
}

/// Which contact a request about contacts names.
pub(super) fn locator(reference: Option<impl Into<Locator>>) -> Result<Locator, Error> {
    named(reference, "id")
}

/// Turns what these requests name a contact by into a [`Locator`]: `ref`, or our id, as they call it.
macro_rules! locators {
    ($id:ident: $($request:ident),* $(,)?) => {
        $(impl From<pb::$request::Reference> for Locator {
            fn from(reference: pb::$request::Reference) -> Locator {
                match reference {
                    pb::$request::Reference::Ref(reference) => Locator::Reference(reference),
                    pb::$request::Reference::$id(id) => Locator::Id(id),
                }
            }
        })*
    };
}

pub(super) use locators;

locators!(
    Id: get_contact_request,
    replace_contact_request,
    update_contact_request,
    delete_contact_request,
    archive_contact_request,
    unarchive_contact_request
);

/// The edge refuses these in JSON; over gRPC nobody else does.
fn output_only(contact: &pb::Contact) -> Vec<Violation> {
    let sent = [
        ("id", !contact.id.is_empty()),
        ("status", contact.status != 0),
        ("createdAt", contact.created_at.is_some()),
        ("updatedAt", contact.updated_at.is_some()),
        ("archivedAt", contact.archived_at.is_some()),
        ("version", contact.version != 0),
        ("possibleDuplicates", !contact.possible_duplicates.is_empty()),
    ];
    let sent = sent.into_iter().filter(|(_, sent)| *sent);
    sent.map(|(field, _)| Violation::new(field, Fault::Immutable, format!("`{field}` cannot be set.")))
        .collect()
}

pub(super) fn stage(stage: Option<i32>) -> Result<Option<Stage>, Violation> {
    let Some(number) = stage else { return Ok(None) };
    match pb::ContactStage::try_from(number) {
        Ok(pb::ContactStage::Unspecified) => Ok(None),
        Ok(pb::ContactStage::Lead) => Ok(Some(Stage::Lead)),
        Ok(pb::ContactStage::Prospect) => Ok(Some(Stage::Prospect)),
        Ok(pb::ContactStage::Customer) => Ok(Some(Stage::Customer)),
        Ok(pb::ContactStage::OldCustomer) => Ok(Some(Stage::OldCustomer)),
        Err(_) => Err(Violation::new("stage", Fault::Invalid, "`stage` is not one that is known.")),
    }
}
