//! What members do in a service that keeps no audit log: it tells the service that keeps one
//! ([ADR 34](../../../docs/adr/0034-deeds-of-other-services.md)).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::actor::Actor;

/// The most bytes of JSON that are told of a thing before or after. What is more is left out, and said.
const MAX_FACTS: usize = 16 * 1024;

/// Something that was done to something. What is told of it has neither secrets nor personal data.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    action: &'static str,
    resource_id: Option<String>,
    resource_name: Option<String>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

impl Deed {
    /// This action, as the audit log names it, on the thing with this id.
    pub fn on(action: &'static str, id: &str) -> Deed {
        Deed { resource_id: Some(id.to_owned()), ..Deed::new(action) }
    }

    /// This action, as the audit log names it, on something that is known by its name alone.
    pub fn on_named(action: &'static str, name: &str) -> Deed {
        Deed::new(action).named(name)
    }

    /// With the name of the thing.
    pub fn named(self, name: &str) -> Deed {
        Deed { resource_name: Some(name.to_owned()), ..self }
    }

    fn new(action: &'static str) -> Deed {
        Deed { action, resource_id: None, resource_name: None, before: None, after: None }
    }

    /// With what may be told of the thing as it was.
    pub fn before(self, facts: Map<String, Value>) -> Deed {
        Deed { before: Some(bounded(facts)), ..self }
    }

    /// With what may be told of the thing as it is now.
    pub fn after(self, facts: Map<String, Value>) -> Deed {
        Deed { after: Some(bounded(facts)), ..self }
    }

    /// What was done, as the audit log names it.
    pub fn action(&self) -> &'static str {
        self.action
    }

    /// With who did it. `None` when that is no member: then it is not told.
    pub fn by(self, actor: &Actor) -> Option<Record> {
        let member = actor.member.as_ref()?;
        Some(Record {
            member_id: actor.actor_id.clone(),
            token_id: member.token_id.clone(),
            client_address: member.client_address.map(|address| address.to_string()),
            request_id: actor.request_id.clone(),
            resource_id: self.resource_id,
            resource_name: self.resource_name,
            before: self.before,
            after: self.after,
        })
    }
}

/// A deed with who did it, as it waits to be handed on: JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The member.
    pub member_id: String,
    /// The personal access token that they presented.
    pub token_id: Option<String>,
    /// Where their request came from.
    pub client_address: Option<String>,
    /// The id that the edge gave the request.
    pub request_id: Option<String>,
    /// The id of what it was done to.
    pub resource_id: Option<String>,
    /// Its name.
    pub resource_name: Option<String>,
    /// What it was.
    pub before: Option<Map<String, Value>>,
    /// What it is.
    pub after: Option<Map<String, Value>>,
}

fn bounded(facts: Map<String, Value>) -> Map<String, Value> {
    let length = Value::from(facts.clone()).to_string().len();
    match length <= MAX_FACTS {
        true => facts,
        false => Map::from_iter([("omitted".to_owned(), Value::from("more than 16,384 bytes"))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::{ActingMember, Partition};

    fn actor(member: Option<ActingMember>) -> Actor {
        let partition = Partition { organization_id: "o".to_owned(), agent_id: "a".to_owned() };
        Actor { partition, actor_id: "m".to_owned(), request_id: Some("r".to_owned()), member }
    }

    fn facts(name: &str, value: impl Into<Value>) -> Map<String, Value> {
        Map::from_iter([(name.to_owned(), value.into())])
    }

    #[test]
    fn what_a_member_does_is_told_and_what_a_key_does_is_not() {
        let deed = Deed::on("webhook.updated", "w").before(facts("url", "a")).after(facts("url", "b"));
        assert_eq!(deed.clone().by(&actor(None)), None);
        let member = ActingMember {
            token_id: Some("t".to_owned()),
            client_address: Some("192.0.2.1".parse().unwrap()),
        };
        let record = deed.by(&actor(Some(member))).unwrap();
        let text = serde_json::to_string(&record).unwrap();
        let expected = r#"{"memberId":"m","tokenId":"t","clientAddress":"192.0.2.1","requestId":"r","resourceId":"w","resourceName":null,"before":{"url":"a"},"after":{"url":"b"}}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }

    #[test]
    fn what_is_too_long_is_left_out_and_said() {
        let deed =
            Deed::on_named("contact_field.created", "f").after(facts("options", "x".repeat(MAX_FACTS)));
        let record = deed.by(&actor(Some(ActingMember::default()))).unwrap();
        assert_eq!(record.after, Some(facts("omitted", "more than 16,384 bytes")));
    }
}
