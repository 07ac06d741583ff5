//! What a change says of itself, and the entry that becomes of it.

use svc_core::clock::Timestamp;

use super::chain::Hash;
use super::{Action, Auditable, Facts};
use crate::domain::OrganizationId;

/// The most characters of a name in an entry: more than any name that is accepted.
const MAX_NAME: usize = 300;
/// The most characters of a description, which holds a name and what was changed.
const MAX_DESCRIPTION: usize = 1_000;
/// The most characters of what a request says of itself.
const MAX_ORIGIN: usize = 200;

/// What something is done to. Its type is that of the [`Action`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its id. `None` when it was to be made, and was not.
    pub(crate) id: Option<String>,
    /// Its name.
    pub(crate) name: Option<String>,
}

impl Resource {
    /// This one.
    pub(crate) fn new(id: &str, name: &str) -> Resource {
        Resource { id: Some(id.to_owned()), name: Some(name.to_owned()) }
    }

    /// One of which only the id is known.
    pub(crate) fn id(id: &str) -> Resource {
        Resource { id: Some(id.to_owned()), name: None }
    }

    /// One that has no id yet.
    pub(crate) fn named(name: &str) -> Resource {
        Resource { id: None, name: Some(name.to_owned()) }
    }
}

/// What a member sets out to do: what is written down when it is refused.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// What is to be done.
    pub(crate) action: Action,
    /// To what.
    pub(crate) resource: Resource,
}

impl Attempt {
    /// To something that is there.
    pub(crate) fn on(action: Action, id: &str) -> Attempt {
        Attempt { action, resource: Resource::id(id) }
    }

    /// To make something of this name.
    pub(crate) fn to_make(action: Action, name: &str) -> Attempt {
        Attempt { action, resource: Resource::named(name) }
    }
}

/// Why a change is not written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unaudited {
    /// What is kept of a secret or a session was brought up to date. Nobody can tell by the key or by the session.
    Renewal,
    /// A mail was sent or given up, or a notice was marked as mailed: nothing of anybody's has changed.
    Mail,
    /// A provider of OpenID Connect has said who somebody is. The session that begins next says so.
    SignIn,
    /// There is no organization yet whose log it could stand in.
    NoOrganization,
    /// All was as it should be already; only the answer of a call is kept.
    Unchanged,
    /// It is the request log, a record of its own that nobody changes.
    RequestLog,
    /// Events for webhooks were handed on: what happened is audited where it did.
    Events,
    /// A test of something else.
    #[cfg(test)]
    Test,
}

/// What is written down of a change: what was done, in this order, or why nothing is. Without one, a change cannot
/// be committed.
#[must_use]
#[derive(Clone, Debug)]
pub(crate) struct Audit(Result<Vec<Deed>, Unaudited>);

/// One thing that was done.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// What.
    pub(super) action: Action,
    /// To what.
    pub(super) resource: Resource,
    /// In words.
    pub(super) description: String,
    pub(super) status: Status,
    /// What it was before, as JSON: what differs and which it is.
    pub(super) before: Option<String>,
    /// What it is now.
    pub(super) after: Option<String>,
}

impl Audit {
    /// Something was made.
    pub(crate) fn created(action: Action, made: &impl Auditable) -> Audit {
        Audit::of(action, made.resource(), None, Some(made.facts()))
    }

    /// Something is other than before.
    pub(crate) fn changed<T: Auditable>(action: Action, before: &T, after: &T) -> Audit {
        let (was, is) = Facts::difference(before.facts(), after.facts());
        Audit::of(action, after.resource(), Some(was), Some(is))
    }

    /// Something was done to it that changes nothing of what may be told.
    pub(crate) fn done(action: Action, to: &impl Auditable) -> Audit {
        Audit::of(action, to.resource(), None, None)
    }

    /// Something is gone.
    pub(crate) fn deleted(action: Action, gone: &impl Auditable) -> Audit {
        Audit::of(action, gone.resource(), Some(gone.facts()), None)
    }

    /// Something was done, of which this can be told.
    pub(crate) fn of(
        action: Action,
        resource: Resource,
        before: Option<Facts>,
        after: Option<Facts>,
    ) -> Audit {
        let changed = match (&before, &after) {
            // Of all else, e.g. that a key was disabled, the words say what is other.
            (Some(before), Some(after)) if action.done() == "updated" => {
                let mut names: Vec<_> = before.names().chain(after.names()).collect();
                names.sort_unstable();
                names.dedup();
                names.join(", ")
            }
            _ => String::new(),
        };
        let was = format!("{} was {}", subject(action, &resource), action.done());
        let description = match changed.is_empty() {
            true => format!("{was}."),
            false => format!("{was}: {changed}."),
        };
        let before = before.map(|facts| facts.text(&resource));
        let after = after.map(|facts| facts.text(&resource));
        Audit::deed(action, resource, &description, Status::Success, before, after)
    }

    /// Something was refused, for this reason.
    pub(crate) fn refused(attempt: Attempt, why: &str) -> Audit {
        let Attempt { action, resource } = attempt;
        let description = format!("{} was not {}: {why}.", subject(action, &resource), action.done());
        Audit::deed(action, resource, &description, Status::Failure, None, None)
    }

    /// Nothing, since nobody has done anything to anything.
    pub(crate) fn nothing(why: Unaudited) -> Audit {
        Audit(Err(why))
    }

    /// This and that.
    pub(crate) fn and(self, other: Audit) -> Audit {
        Audit(match (self.0, other.0) {
            (Ok(mut these), Ok(those)) => {
                these.extend(those);
                Ok(these)
            }
            (Ok(deeds), Err(_)) | (Err(_), Ok(deeds)) => Ok(deeds),
            (Err(why), Err(_)) => Err(why),
        })
    }

    /// What was done, or why nothing is written down.
    pub(crate) fn into_deeds(self) -> Result<Vec<Deed>, Unaudited> {
        self.0
    }

    fn deed(
        action: Action,
        resource: Resource,
        description: &str,
        status: Status,
        before: Option<String>,
        after: Option<String>,
    ) -> Audit {
        let description = bounded(description, MAX_DESCRIPTION);
        let name = resource.name.map(|name| bounded(&name, MAX_NAME));
        let id = resource.id.map(|id| bounded(&id, MAX_ORIGIN));
        let resource = Resource { id, name };
        Audit(Ok(vec![Deed { action, resource, description, status, before, after }]))
    }
}

impl Deed {
    /// What was done.
    pub(crate) fn action(&self) -> Action {
        self.action
    }

    /// The name of the thing with this id, if it was done to that.
    pub(crate) fn name_of(&self, id: &str) -> Option<&str> {
        self.resource.name.as_deref().filter(|_| self.resource.id.as_deref() == Some(id))
    }
}

/// What a sentence is about.
fn subject(action: Action, resource: &Resource) -> String {
    match (&resource.name, &resource.id) {
        (Some(name), _) => format!("{} \"{}\"", action.thing(), bounded(name, MAX_NAME)),
        (None, Some(id)) => format!("{} {}", action.thing(), bounded(id, MAX_ORIGIN)),
        (None, None) => action.thing().to_owned(),
    }
}

/// As it is, at most so long, and without the one character that PostgreSQL keeps in no text.
fn bounded(text: &str, characters: usize) -> String {
    let mut kept: String =
        text.chars().take(characters).map(|c| if c == '\0' { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(characters).is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// Whether it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It was.
    Success,
    /// It was refused.
    Failure,
}

impl Status {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Status::Success => "SUCCESS",
            Status::Failure => "FAILURE",
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Who {
    /// `MEMBER`, `TOKEN`, `API_KEY` or `SYSTEM`.
    pub(crate) kind: String,
    /// The id of the member, the token or the key.
    pub(crate) id: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// The member, also the one whose token it is.
    pub(crate) member_id: Option<String>,
    /// How others see them.
    pub(crate) member_name: Option<String>,
}

impl Who {
    /// Keyward itself.
    pub(crate) fn system(name: &str) -> Who {
        Who { kind: "SYSTEM".to_owned(), name: name.to_owned(), ..Who::default() }
    }
}

/// Where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The address of the client.
    pub(crate) client_address: Option<String>,
    /// The id of the request.
    pub(crate) request_id: Option<String>,
}

/// An entry of the audit log of an organization. All of it is text and numbers, as it is stored: what was read
/// hashes as what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) organization_id: OrganizationId,
    /// Its place in the chain, from 1 on, without gaps.
    pub(crate) sequence: i64,
    pub(crate) id: String,
    /// When, in whole milliseconds, and never before the entry before.
    pub(crate) at: Timestamp,
    pub(crate) who: Who,
    pub(crate) action: String,
    pub(crate) resource_type: String,
    pub(crate) resource: Resource,
    pub(crate) description: String,
    pub(crate) status: String,
    pub(crate) origin: Origin,
    /// JSON.
    pub(crate) before: Option<String>,
    /// JSON.
    pub(crate) after: Option<String>,
    pub(crate) previous_hash: Hash,
    pub(crate) hash: Hash,
}

impl Entry {
    /// An entry without its place in a chain.
    pub(crate) fn new(
        organization_id: OrganizationId,
        id: String,
        who: Who,
        origin: Origin,
        deed: Deed,
    ) -> Entry {
        let Who { kind, id: by, name, member_id, member_name } = who;
        let name = bounded(&name, MAX_NAME);
        let member_name = member_name.map(|name| bounded(&name, MAX_NAME));
        let said = |text: Option<String>| text.map(|text| bounded(&text, MAX_ORIGIN));
        Entry {
            organization_id,
            sequence: 0,
            id,
            at: Timestamp(0),
            who: Who { kind, id: by, name, member_id, member_name },
            action: deed.action.as_str().to_owned(),
            resource_type: deed.action.resource_type().to_owned(),
            resource: deed.resource,
            description: deed.description,
            status: deed.status.as_str().to_owned(),
            origin: Origin {
                client_address: said(origin.client_address),
                request_id: said(origin.request_id),
            },
            before: deed.before,
            after: deed.after,
            previous_hash: Hash::ZERO,
            hash: Hash::ZERO,
        }
    }
}
