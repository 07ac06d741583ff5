//! Whose rows a statement is about, as row-level security of PostgreSQL is told
//! ([ADR 30](../../../docs/adr/0030-row-level-security.md)).
//!
//! A transaction is told when it begins ([`Db::begin_in`](crate::Db::begin_in)), in the same round trip. A statement
//! that reads by itself is told within itself ([`Query::within`](crate::Query::within)), before it looks at any table.
//! Either way it holds until the transaction ends and never for the session, which is another one's next. SQLite has
//! nothing of the kind.

use std::fmt::Write;

use svc_core::actor::Partition;

/// What policies read: an array of `organization/agent`, or `*`.
pub(crate) const SETTING: &str = "keyward.scope";

/// Whose rows. Where nothing is told, there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    /// Those of one agent, and what is its organization's alone.
    pub fn of(partition: &Partition) -> Scope {
        let Partition { organization_id, agent_id } = partition;
        Scope::array([[organization_id.as_str(), agent_id], [organization_id.as_str(), ""]])
    }

    /// Those of each of these agents.
    pub fn of_each<'p>(partitions: impl IntoIterator<Item = &'p Partition>) -> Scope {
        let each = partitions.into_iter();
        Scope::array(each.map(|partition| [partition.organization_id.as_str(), partition.agent_id.as_str()]))
    }

    /// Those of an organization that belong to none of its agents.
    pub fn of_organization(organization_id: &str) -> Scope {
        Scope::array([[organization_id, ""]])
    }

    /// All of them. For what a service does by itself: looking for what is due, whoever it belongs to.
    pub fn everything() -> Scope {
        Scope("*".to_owned())
    }

    /// As PostgreSQL reads an array. Ids of organizations have no slash.
    fn array<'p>(pairs: impl IntoIterator<Item = [&'p str; 2]>) -> Scope {
        let mut text = String::from("{");
        for [organization_id, agent_id] in pairs {
            text.push_str(if text.len() > 1 { ",\"" } else { "\"" });
            for part in [organization_id, "/", agent_id] {
                for character in part.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
            }
            text.push('"');
        }
        text.push('}');
        Scope(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The statement that tells it to a transaction, for a message that can have no values: its text is digits.
    pub(crate) fn statement(&self) -> String {
        let mut text = format!("SELECT set_config('{SETTING}', convert_from(decode('");
        for byte in self.0.bytes() {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push_str("', 'hex'), 'UTF8'), true)");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(organization_id: &str, agent_id: &str) -> Partition {
        Partition { organization_id: organization_id.to_owned(), agent_id: agent_id.to_owned() }
    }

    #[test]
    fn scopes_are_arrays_of_postgresql() {
        for (scope, expected) in [
            (Scope::of(&partition("o", "a")), r#"{"o/a","o/"}"#),
            (Scope::of_each([&partition("o", "a"), &partition("p", "b c")]), r#"{"o/a","p/b c"}"#),
            (Scope::of_each([]), "{}"),
            (Scope::of_organization("o"), r#"{"o/"}"#),
            (Scope::of(&partition("o", "a\",\"p/b")), r#"{"o/a\",\"p/b","o/"}"#),
            (Scope::of(&partition("o", "\\")), r#"{"o/\\","o/"}"#),
            (Scope::of(&partition("o", "*")), r#"{"o/*","o/"}"#),
            (Scope::everything(), "*"),
        ] {
            assert_eq!(scope.as_str(), expected);
        }
    }

    #[test]
    fn what_begins_a_transaction_is_digits() {
        let statement = Scope::of_each([&partition("o'; DROP", "ä")]).statement();
        let text = "SELECT set_config('keyward.scope', convert_from(decode('\
                    7b226f273b2044524f502fc3a4227d', 'hex'), 'UTF8'), true)";
        assert_eq!(statement, text);
    }
}
