//! A field mask and a contact as a patch.

use keyward_proto::contacts::v1 as pb;
use prost_types::FieldMask;
use svc_core::error::{Fault, Violation};
use svc_core::mask;

use super::contact::read;
use crate::domain::{Part, Patch};

/// What a caller wants changed, with everything that cannot be noted.
pub(super) fn patch(contact: pb::Contact, mask: FieldMask) -> Patch {
    let (fields, mut violations) = read(contact);
    let mut parts = Vec::with_capacity(mask.paths.len());
    for path in &mask.paths {
        match part(path) {
            Ok(part) => parts.push(part),
            // One note for all: over HTTP there is none, and over gRPC as many as a message holds.
            Err(violation) if violations.iter().all(|known| known.field != violation.field) => {
                violations.push(violation);
            }
            Err(_) => {}
        }
    }
    Patch::new(fields, parts, violations)
}

fn part(path: &str) -> Result<Part, Violation> {
    Ok(match path {
        "external_reference_id" => Part::ExternalReferenceId,
        "name" => Part::Name,
        "email" => Part::Email,
        "mobile_number" => Part::MobileNumber,
        "gender" => Part::Gender,
        "stage" => Part::Stage,
        "source" => Part::Source,
        "tags" => Part::Tags,
        "notes" => Part::Notes,
        "custom_fields" => Part::CustomFields,
        _ => match mask::member(path, "custom_fields") {
            Some(name) => Part::CustomField(name),
            None => {
                let message = "`updateMask` names something that cannot be changed.";
                return Err(Violation::new("updateMask", Fault::Invalid, message));
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let custom = |name: &str| Some(Part::CustomField(name.to_owned()));
        for (path, expected) in [
            ("email", Some(Part::Email)),
            ("mobile_number", Some(Part::MobileNumber)),
            ("custom_fields", Some(Part::CustomFields)),
            ("custom_fields.shoeSize", custom("shoeSize")),
            ("custom_fields.`a.b`", custom("a.b")),
            ("custom_fields.a.b", None),
            ("mobileNumber", None),
            ("id", None),
            ("version", None),
            ("possible_duplicates", None),
            ("tags.0", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(part(path).ok(), expected, "{path}");
        }
    }
}
