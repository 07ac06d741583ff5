//! What the seam writes into the audit log: the deeds of a change with who did them, linked to the chain of the
//! organization in the change's own transaction; and refusals, in one of their own.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use svc_core::clock::{Clock, Timestamp, Uptime};
use svc_core::ids::Ids;
use svc_runtime::service::Environment;
use svc_runtime::telemetry::Metrics;

use super::Author;
use crate::audit::{Action, Audit, ChainKey, Deed, Entry, Head, Origin, Resource, Unaudited, Who};
use crate::domain::{MemberId, OrganizationId, TokenId};
use crate::error::AuthError;
use crate::store::{ActorNames, Recorded, StoredHead, Transaction};

/// Refusals of one member, or of those whom one provider knows, in a minute that are written down. Who is refused more
/// often tells nothing new.
const REFUSALS_PER_MINUTE: u32 = 30;
/// Those whose refusals are counted at a time; those of others are not written down until the minute is over.
const MAX_COUNTED: usize = 1_024;
const MINUTE: u64 = 60_000;

/// Writes the audit log.
pub(crate) struct Auditor {
    key: ChainKey,
    clock: Arc<dyn Clock>,
    ids: Ids,
    refusals: Mutex<Refusals>,
    counters: Counters,
}

/// The refusals of this minute.
#[derive(Default)]
struct Refusals {
    minute: u64,
    of: HashMap<String, u32>,
}

struct Counters {
    entries: Counter,
    interruptions: Counter,
    refusals_dropped: Counter,
}

impl Counters {
    fn new(metrics: &Metrics) -> Counters {
        let counters = Counters {
            entries: Counter::default(),
            interruptions: Counter::default(),
            refusals_dropped: Counter::default(),
        };
        metrics.register(|registry| {
            let help = "Entries that were written into the audit log";
            registry.register("auth_audit_entries", help, counters.entries.clone());
            let help = "Times that the end of an audit log was not as it had been left";
            registry.register("auth_audit_interruptions", help, counters.interruptions.clone());
            let help =
                "Refusals that were not written down, since there were too many of one member or provider";
            registry.register("auth_audit_refusals_dropped", help, counters.refusals_dropped.clone());
        });
        counters
    }
}

impl Auditor {
    /// With the key of all chains.
    pub(crate) fn new(key: ChainKey, environment: &Environment) -> Auditor {
        Auditor {
            key,
            clock: environment.clock.clone(),
            ids: environment.ids.clone(),
            refusals: Mutex::default(),
            counters: Counters::new(&environment.metrics),
        }
    }

    /// Writes down what a change does, as the last thing that it does.
    pub(super) async fn record(
        &self,
        transaction: &mut dyn Transaction,
        author: &Author,
        audit: Audit,
    ) -> Result<Recorded, AuthError> {
        let deeds = match audit.into_deeds() {
            Ok(deeds) => deeds,
            Err(why) => return Ok(Recorded::nothing(why)),
        };
        let Some(organization) = author.organization() else {
            tracing::error!(
                author = author.name(),
                "a change without an organization says that it did something"
            );
            return Err(AuthError::Lost);
        };
        let (member, token) = author.ids();
        let (stored, names) = transaction.lock_audit_head(organization, member, token).await?;
        if let Author::Elsewhere(told) = author
            && transaction.has_audit_entry(organization, &told.id).await?
        {
            return Ok(Recorded::nothing(Unaudited::Unchanged));
        }
        let starts = deeds.iter().any(|deed| deed.action() == Action::AuditLogStarted);
        if starts && stored.as_ref().is_some_and(|stored| self.is_sealed(organization, stored)) {
            // Another replica was faster.
            return Ok(Recorded::nothing(Unaudited::Unchanged));
        }
        let (mut head, before) = self.end(transaction, organization, stored, &deeds).await?;
        if let Some(deed) = before {
            let system = Who::system(KEYWARD);
            let entry = Entry::new(organization.clone(), self.ids.next(), system, Origin::default(), deed);
            self.append(transaction, &mut head, entry, self.clock.now()).await?;
        }
        let who = author.who(&names, &deeds);
        for deed in deeds {
            let (id, at) = match author {
                // Not of the future, so that a clock that is wrong there does not set this one.
                Author::Elsewhere(told) => (told.id.clone(), told.at.min(self.clock.now())),
                _ => (self.ids.next(), self.clock.now()),
            };
            let entry = Entry::new(organization.clone(), id, who.clone(), author.origin(), deed);
            self.append(transaction, &mut head, entry, at).await?;
        }
        let seal = self.key.seal(organization, &head);
        Ok(transaction.write_audit_head(organization, &head, &seal).await?)
    }

    /// Whether one more refusal of these is to be written down: by the id of a member or the name of a provider.
    pub(super) fn takes_refusal(&self, of: &str) -> bool {
        let Uptime(now) = self.clock.uptime();
        let minute = now / 1_000 / MINUTE;
        let mut refusals = self.refusals.lock();
        if refusals.minute != minute {
            *refusals = Refusals { minute, of: HashMap::new() };
        }
        let full = refusals.of.len() >= MAX_COUNTED;
        let taken = match refusals.of.get_mut(of) {
            Some(count) if *count >= REFUSALS_PER_MINUTE => false,
            Some(count) => {
                *count += 1;
                true
            }
            None if full => false,
            None => {
                refusals.of.insert(of.to_owned(), 1);
                true
            }
        };
        if !taken {
            self.counters.refusals_dropped.inc();
        }
        taken
    }

    /// Where the chain goes on, and what has to be said there first.
    async fn end(
        &self,
        transaction: &mut dyn Transaction,
        organization: &OrganizationId,
        stored: Option<StoredHead>,
        deeds: &[Deed],
    ) -> Result<(Head, Option<Deed>), AuthError> {
        let has_head = stored.is_some();
        if let Some(stored) = stored.filter(|stored| self.is_sealed(organization, stored)) {
            return Ok((stored.head, None));
        }
        let newest = transaction.newest_audit_entry(organization).await?;
        let begins = deeds.first().is_some_and(|deed| begins(deed.action()));
        let action = match (has_head, &newest) {
            (false, None) if begins => return Ok((Head::NONE, None)),
            (false, None) => Action::AuditLogStarted,
            _ => Action::AuditLogInterrupted,
        };
        if action == Action::AuditLogInterrupted {
            // The change goes on: keys must be revocable also where somebody tampers. What happened stays written.
            tracing::error!(
                organization.id = organization.as_str(),
                "the end of the audit log is not as it was left: run `keyward audit verify`"
            );
            self.counters.interruptions.inc();
        }
        let deed = Audit::of(action, Resource::default(), None, None).into_deeds().ok();
        Ok((newest.unwrap_or(Head::NONE), deed.and_then(|mut deeds| deeds.pop())))
    }

    fn is_sealed(&self, organization: &OrganizationId, StoredHead { head, seal }: &StoredHead) -> bool {
        self.key.is_sealed(organization, head, seal)
    }

    async fn append(
        &self,
        transaction: &mut dyn Transaction,
        head: &mut Head,
        mut entry: Entry,
        at: Timestamp,
    ) -> Result<(), AuthError> {
        *head = self.key.link(&mut entry, head, at);
        transaction.insert_audit_entry(&entry).await?;
        self.counters.entries.inc();
        Ok(())
    }
}

const KEYWARD: &str = "Keyward";

/// Whether a log that is not there begins with this.
fn begins(action: Action) -> bool {
    matches!(action, Action::OrganizationCreated | Action::AuditLogStarted)
}

impl Author {
    fn organization(&self) -> Option<&OrganizationId> {
        match self {
            Author::Member(actor, _) => Some(&actor.organization_id),
            Author::Setup(organization)
            | Author::Keyward(organization)
            | Author::Provider { organization, .. } => Some(organization),
            Author::Elsewhere(told) => Some(&told.organization_id),
            Author::Renewal
            | Author::RequestLog
            | Author::SignIn
            | Author::Mail
            | Author::Notices
            | Author::Events => None,
        }
    }

    fn ids(&self) -> (Option<&MemberId>, Option<&TokenId>) {
        match self {
            Author::Member(actor, _) => (Some(&actor.member_id), actor.credential.token_id.as_ref()),
            Author::Elsewhere(told) => (Some(&told.member_id), told.token_id.as_ref()),
            Author::Setup(_)
            | Author::Keyward(_)
            | Author::Renewal
            | Author::RequestLog
            | Author::SignIn
            | Author::Provider { .. }
            | Author::Mail
            | Author::Notices
            | Author::Events => (None, None),
        }
    }

    fn who(&self, names: &ActorNames, deeds: &[Deed]) -> Who {
        let (member, token) = match self {
            Author::Member(actor, _) => (&actor.member_id, &actor.credential.token_id),
            Author::Elsewhere(told) => (&told.member_id, &told.token_id),
            Author::Provider { name, .. } => return Who::system(name),
            Author::Setup(_) => return Who::system("keyward setup"),
            Author::Keyward(_)
            | Author::Renewal
            | Author::RequestLog
            | Author::SignIn
            | Author::Mail
            | Author::Notices
            | Author::Events => return Who::system(KEYWARD),
        };
        let member_id = Some(member.to_string());
        // Never absent beside the id, so that an export says all that was hashed.
        let member_name = Some(names.member.clone().unwrap_or_default());
        match token {
            Some(token) => {
                // A token that has just deleted itself is the resource.
                let gone = || deeds.iter().find_map(|deed| deed.name_of(token.as_str())).map(str::to_owned);
                let name = names.token.clone().or_else(gone).unwrap_or_default();
                let kind = "TOKEN".to_owned();
                Who { kind, id: Some(token.to_string()), name, member_id, member_name }
            }
            None => {
                let name = member_name.clone().unwrap_or_default();
                Who { kind: "MEMBER".to_owned(), id: member_id.clone(), name, member_id, member_name }
            }
        }
    }

    fn origin(&self) -> Origin {
        match self {
            Author::Member(actor, _) => Origin {
                client_address: actor.client_address.map(|address| address.to_string()),
                request_id: actor.request_id.clone(),
            },
            Author::Provider { origin, .. } => origin.clone(),
            Author::Elsewhere(told) => told.origin.clone(),
            Author::Setup(_)
            | Author::Keyward(_)
            | Author::Renewal
            | Author::RequestLog
            | Author::SignIn
            | Author::Mail
            | Author::Notices
            | Author::Events => Origin::default(),
        }
    }
}
