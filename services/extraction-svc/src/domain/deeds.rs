//! What the audit log is told of templates and jobs. The log outlives them: of a job it is told neither what stands in
//! the document nor its name, and of corrections where they are, and no value.

use serde_json::{Map, Value, json};
use svc_core::deed::Deed;

use super::job::digest_of;
use super::{Correction, Job, Template};

/// The longest schema that is told whole, in bytes of JSON: with the rest it fits in what is told of one side.
const SCHEMA_TOLD_BYTES: usize = 12 * 1024;

/// A member made a template.
pub(crate) fn template_created(made: &Template) -> Deed {
    Deed::on_named("extraction_template.created", &made.name).after(facts(made))
}

/// A member added a version to a template.
pub(crate) fn template_updated(before: &Template, after: &Template) -> Deed {
    Deed::on_named("extraction_template.updated", &after.name).before(facts(before)).after(facts(after))
}

/// A member deleted a template with all its versions, of which this was the latest.
pub(crate) fn template_deleted(latest: &Template) -> Deed {
    Deed::on_named("extraction_template.deleted", &latest.name).before(facts(latest))
}

/// A member takes corrections of a job back. `None`: all of them stay, with their values or others.
pub(crate) fn corrections_deleted(job: &Job, after: &[Correction]) -> Option<Deed> {
    let stays = |path: &str| after.iter().any(|correction| correction.path == path);
    let gone = job.corrections.iter().any(|correction| !stays(&correction.path));
    let corrected = |corrections| Map::from_iter([("corrections".to_owned(), paths(corrections))]);
    let deed = || {
        Deed::on("document_extraction.corrections_deleted", &job.id)
            .before(corrected(&job.corrections))
            .after(corrected(after))
    };
    gone.then(deed)
}

/// A member deleted a job with its document, its result and what its corrections had taught.
pub(crate) fn job_deleted(job: &Job) -> Deed {
    let facts = [
        ("status", json!(job.status.as_str())),
        ("template", json!(job.template)),
        ("corrections", paths(&job.corrections)),
    ];
    Deed::on("document_extraction.deleted", &job.id).before(named(facts))
}

/// As the API names them.
fn facts(template: &Template) -> Map<String, Value> {
    let schema = match template.schema.len() <= SCHEMA_TOLD_BYTES {
        true => serde_json::from_str(&template.schema).unwrap_or_default(),
        // What it was is told apart from what it is.
        false => json!({"omitted": "more than 12,288 bytes", "sha256": digest_of(&template.schema)}),
    };
    named([
        ("version", json!(template.version)),
        ("title", json!(template.title)),
        ("description", json!(template.description)),
        ("schema", schema),
    ])
}

fn paths(corrections: &[Correction]) -> Value {
    corrections.iter().map(|correction| correction.path.as_str()).collect()
}

fn named<const N: usize>(facts: [(&str, Value); N]) -> Map<String, Value> {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use svc_core::actor::{ActingMember, Actor, Partition};

    use super::*;

    fn template(schema: &str) -> Template {
        Template {
            name: "note".to_owned(),
            version: 1,
            title: "Note".to_owned(),
            description: String::new(),
            schema: schema.to_owned(),
            lesson: "own/x".to_owned(),
            created_at: None,
        }
    }

    type Told = Option<Map<String, Value>>;

    /// What was before and what is after.
    fn told(deed: Deed) -> (Told, Told) {
        let partition = Partition { organization_id: "o".to_owned(), agent_id: String::new() };
        let member = Some(ActingMember::default());
        let record = deed.by(&Actor { partition, actor_id: "m".to_owned(), request_id: None, member });
        let record = record.unwrap();
        (record.before, record.after)
    }

    #[test]
    fn a_schema_that_is_too_long_is_known_by_its_digest() {
        let long = |letter: &str| {
            template(&json!({"title": letter.repeat(SCHEMA_TOLD_BYTES), "properties": {}}).to_string())
        };
        let (before, after) = told(template_updated(&long("a"), &long("b")));
        let schema = |side: Told| side.unwrap()["schema"].clone();
        let (before, after) = (schema(before), schema(after));
        assert_eq!(before["omitted"], "more than 12,288 bytes");
        assert_ne!(before["sha256"], after["sha256"]);
        let (_, after) = told(template_created(&template(r#"{"type":"object"}"#)));
        assert_eq!(schema(after), json!({"type": "object"}));
    }
}
