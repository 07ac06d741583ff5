//! Deciding about an API key, in the order of the contract. The first refusal answers.

use std::sync::Arc;

use svc_core::clock::Timestamp;
use svc_core::error::cause;
use svc_core::principal::Principal;
use svc_core::secret::Secret;
use svc_runtime::authorize::{Asked, Granted, ProvenKey};

use super::renewal::HeldSecret;
use super::rows::{after_slot, before_slot, slot};
use super::{Checker, Decision, Demand, Denial, KeptDemand, Refusal, Snapshot, Undecided, answered, waiting};
use crate::credential;
use crate::limits::{LimitError, LimitStore, Taken};
use crate::usage::Seen;

/// A key whose secret was presented.
struct Identified {
    snapshot: Arc<Snapshot>,
    /// Which of its secrets.
    secret: usize,
    secret_expires_at: Option<Timestamp>,
}

/// What memory says of a credential.
enum Recalled {
    /// Whose it is, or why it is let in no further.
    Certain(Result<Identified, Refusal>),
    /// The database or argon2id has to be asked.
    Unknown,
    /// It is wrong. The time of the answer must not tell that there is such a key: a look is made all the same.
    Wrong,
}

/// What memory says of a secret that was presented.
enum Compared<'s> {
    /// It is this one.
    Right(&'s HeldSecret),
    /// It is none of them.
    Wrong,
    /// Only argon2id can tell whether it is this one. Those that follow are not compared yet.
    Unknown(&'s HeldSecret),
}

/// A question about a key that outlives the call that asked it.
struct Waiting {
    api_key: String,
    secret: Secret,
    demand: KeptDemand,
}

impl Waiting {
    fn new(api_key: &str, secret: &Secret, demand: Demand<'_>) -> Waiting {
        Waiting { api_key: api_key.to_owned(), secret: secret.clone(), demand: demand.into() }
    }
}

/// Each step answers at once where memory can, and otherwise with what goes on once that is known which it waits
/// for.
impl Checker {
    pub(super) fn check_key(
        self: &Arc<Checker>,
        api_key: &str,
        secret: &Secret,
        demand: Demand<'_>,
    ) -> Asked<'static> {
        // Before anything is looked up or counted: another replica may know better.
        match self.gate.pass_at_once() {
            Some(Ok(())) => return self.check_behind_gate(api_key, secret, demand),
            Some(Err(expired)) => return answered(Err(Undecided::from(expired).into())),
            None => {}
        }
        let (checker, waits) = (self.clone(), Waiting::new(api_key, secret, demand));
        Asked::Waiting(Box::pin(async move {
            if let Err(expired) = checker.gate.pass().await {
                return Decision::from(Err(Undecided::from(expired).into())).answer();
            }
            let again = |demand: Demand<'_>| checker.check_behind_gate(&waits.api_key, &waits.secret, demand);
            let asked = waits.demand.lend(again);
            asked.answer().await
        }))
    }

    fn check_behind_gate(
        self: &Arc<Checker>,
        api_key: &str,
        secret: &Secret,
        demand: Demand<'_>,
    ) -> Asked<'static> {
        let now = self.clock.now();
        let is_wrong = match self.recall(api_key, secret, demand, now) {
            Recalled::Certain(identified) => {
                return self.decide_for(identified.map_err(Denial::from), demand, now);
            }
            Recalled::Unknown => false,
            Recalled::Wrong => true,
        };
        let (checker, waits) = (self.clone(), Waiting::new(api_key, secret, demand));
        Asked::Waiting(Box::pin(async move {
            let identified = match is_wrong {
                true => checker.look_for_nobodys(&waits.api_key).await,
                false => checker.look_up(&waits.api_key, &waits.secret, now).await,
            };
            let asked = waits.demand.lend(|demand| checker.decide_for(identified, demand, now));
            asked.answer().await
        }))
    }

    /// Everything after the look at the credential. Every way not to be one gives the same refusal.
    fn decide_for(
        self: &Arc<Checker>,
        identified: Result<Identified, Denial>,
        demand: Demand<'_>,
        now: Timestamp,
    ) -> Asked<'static> {
        let Identified { snapshot, secret, secret_expires_at } = match identified {
            Ok(identified) => identified,
            Err(denial) => {
                if let Denial::Refused(refusal) = &denial
                    && refusal.counts_as_failure()
                    && !demand.goes_on
                {
                    self.key_failures.count(demand.client);
                }
                return answered(Err(denial));
            }
        };
        // From here on the request is one of the key's, and is counted once it is decided.
        let seen = Seen {
            operation: self.usage.operation(demand.operation, demand.permissions),
            client: demand.client,
            secret,
            at: now,
        };
        let secret_last4 = snapshot.secrets.get(secret).map(|held| held.last4).unwrap_or_default();
        let key = Some(ProvenKey { principal: snapshot.principal().clone(), secret_last4 });
        if let Err(refusal) = before_slot(&snapshot, demand, now) {
            if !demand.goes_on {
                self.count(&snapshot, seen, demand.request_id, Some(&refusal));
            }
            if refusal.counts_as_failure() && !demand.goes_on {
                self.key_failures.count(demand.client);
            }
            // Refused before the slot: the answer says what remains, and takes nothing.
            let refuse = move |left: Result<Taken, LimitError>| Decision {
                outcome: Err(refusal.into()),
                rate: left.ok(),
                secret_expires_at,
                key,
            };
            if let Some(left) = self.limiter.peek_at_once(snapshot.holder.key_id(), snapshot.limits) {
                return answered(refuse(left));
            }
            let limiter = self.limiter.clone();
            return waiting(
                async move { refuse(limiter.peek(snapshot.holder.key_id(), snapshot.limits).await) },
            );
        }
        let permitted = after_slot(&snapshot, demand, now);
        if demand.goes_on {
            let granted =
                permitted.and_then(|()| self.grant(&snapshot, secret_expires_at, demand.audience, now));
            return answered(Decision {
                outcome: granted.map_err(Denial::from),
                rate: None,
                secret_expires_at,
                key,
            });
        }
        if let Some(taken) = self.limiter.take_at_once(snapshot.holder.key_id(), snapshot.limits) {
            let (outcome, rate) = self.decide_with(taken, || {
                permitted.and_then(|()| self.grant(&snapshot, secret_expires_at, demand.audience, now))
            });
            self.count_outcome(&snapshot, seen, demand.request_id, &outcome);
            return answered(Decision { outcome, rate, secret_expires_at, key });
        }
        let (checker, audience) = (self.clone(), demand.audience.map(str::to_owned));
        let request_id = demand.request_id.to_owned();
        waiting(async move {
            let taken = checker.limiter.take(snapshot.holder.key_id(), snapshot.limits).await;
            let (outcome, rate) = checker.decide_with(taken, || {
                permitted.and_then(|()| checker.grant(&snapshot, secret_expires_at, audience.as_deref(), now))
            });
            checker.count_outcome(&snapshot, seen, &request_id, &outcome);
            Decision { outcome, rate, secret_expires_at, key }
        })
    }

    /// The slot, and only after it what `grant` says.
    fn decide_with(
        &self,
        taken: Result<Taken, LimitError>,
        grant: impl FnOnce() -> Result<Granted, Refusal>,
    ) -> (Result<Granted, Denial>, Option<Taken>) {
        let taken = match taken {
            Ok(taken) => Some(taken),
            Err(error) if self.limits_fail_open => {
                tracing::error!(error = %error, cause = %cause(&error), "limits cannot be counted, and requests pass");
                None
            }
            Err(error) => return (Err(Undecided::from(error).into()), None),
        };
        let outcome = slot(taken.as_ref()).and_then(|()| grant());
        (outcome.map_err(Denial::from), taken)
    }

    /// The principal, and its token where one is wanted.
    fn grant(
        &self,
        snapshot: &Snapshot,
        secret_expires_at: Option<Timestamp>,
        audience: Option<&str>,
        now: Timestamp,
    ) -> Result<Granted, Refusal> {
        let Some(secret_ends) = secret_expires_at else {
            let token = audience.map(|audience| self.minter.for_key(snapshot, audience, &*self.clock));
            return Ok(Granted { principal: snapshot.principal().clone(), token: token.transpose()? });
        };
        // The older secret of a rotation ends before its key, and so does what is made with it: no principal and no
        // token of both, then.
        let mut principal = Principal::clone(snapshot.principal());
        principal.expires_at = principal.expires_at.into_iter().chain([secret_ends]).min();
        let token = audience.map(|audience| self.minter.mint(&principal, audience, now)).transpose()?;
        Ok(Granted { principal: Arc::new(principal), token })
    }

    /// What can be said of a credential without a wait.
    fn recall(&self, api_key: &str, secret: &Secret, demand: Demand<'_>, now: Timestamp) -> Recalled {
        // Memory first: a good key passes whatever its neighbours behind the same address do, and without a
        // look at what they share.
        let remembered = self.identify_from_memory(api_key, secret, now);
        if let Some(Ok(identified)) = remembered {
            return Recalled::Certain(Ok(identified));
        }
        if !demand.goes_on
            && let Some(wait) = self.key_failures.wait(demand.client)
        {
            return Recalled::Certain(Err(Refusal::AddressThrottled(wait)));
        }
        match remembered {
            Some(Err(_)) if credential::is_secret(secret.expose()) => Recalled::Wrong,
            Some(decided) => Recalled::Certain(decided),
            None => match well_formed(api_key, secret) {
                Ok(()) => Recalled::Unknown,
                Err(refusal) => Recalled::Certain(Err(refusal)),
            },
        }
    }

    /// With the database and argon2id where memory does not know.
    async fn look_up(&self, api_key: &str, secret: &Secret, now: Timestamp) -> Result<Identified, Denial> {
        let Some(snapshot) = self.find(api_key).await? else {
            self.verifiers.verify_nothing(secret);
            return Err(Refusal::InvalidCredentials.into());
        };
        let key_id = snapshot.holder.key_id();
        let mut live = live(&snapshot, now);
        let right = loop {
            match self.compare(&mut live, key_id, secret) {
                Compared::Right(held) => break held,
                Compared::Wrong => return Err(Refusal::InvalidCredentials.into()),
                Compared::Unknown(held) => {
                    let verified = held.verify_by_argon2(&self.argon2, &self.verifiers, key_id, secret);
                    if verified.await.map_err(Undecided::from)? {
                        break held;
                    }
                }
            }
        };
        let secret_expires_at = self.verified(key_id, right, secret);
        let secret = place(&snapshot, right);
        drop(live);
        Ok(Identified { secret_expires_at, secret, snapshot })
    }

    /// A key, from memory or else from the database. `None`: there is no such key.
    async fn find(&self, api_key: &str) -> Result<Option<Arc<Snapshot>>, Denial> {
        // What memory knows never waits behind what it does not.
        if let Some(snapshot) = self.cache.known(api_key) {
            return Ok(Some(snapshot));
        }
        let load = async || {
            let record = self.lookups.run(self.clock.uptime(), self.store.key_record(api_key)).await?;
            Ok(record.map(|record| Snapshot::new(record, &self.verifiers)))
        };
        let looked = async {
            let _waits = self.lookups.wait()?;
            self.cache.get(api_key, load).await
        };
        looked.await.map_err(|error| error.denial("key"))
    }

    /// For a wrong secret: what a key costs that does not exist, beside the comparison that has been made.
    async fn look_for_nobodys(&self, api_key: &str) -> Result<Identified, Denial> {
        self.find(&credential::nobodys_key(api_key)).await?;
        Err(Refusal::InvalidCredentials.into())
    }

    /// As [`Checker::look_up`], without the database and without argon2id. `None` where it needs one of them.
    fn identify_from_memory(
        &self,
        api_key: &str,
        secret: &Secret,
        now: Timestamp,
    ) -> Option<Result<Identified, Refusal>> {
        if secret.expose().is_empty() {
            return None;
        }
        let snapshot = self.cache.known(api_key)?;
        let key_id = snapshot.holder.key_id();
        let (secret_expires_at, secret) = match self.compare(&mut live(&snapshot, now), key_id, secret) {
            Compared::Right(held) => (self.verified(key_id, held, secret), place(&snapshot, held)),
            Compared::Wrong => return Some(Err(Refusal::InvalidCredentials)),
            Compared::Unknown(_) => return None,
        };
        Some(Ok(Identified { snapshot, secret, secret_expires_at }))
    }

    /// Compares a secret with those of a key, in turn.
    fn compare<'s>(
        &self,
        secrets: &mut impl Iterator<Item = &'s HeldSecret>,
        key_id: &str,
        secret: &Secret,
    ) -> Compared<'s> {
        for held in secrets {
            match held.verify(&self.verifiers, key_id, secret) {
                Some(true) => return Compared::Right(held),
                Some(false) => {}
                None => return Compared::Unknown(held),
            }
        }
        Compared::Wrong
    }

    /// A secret of this key was presented. Gives when it ends, if it is the older one of a rotation.
    fn verified(&self, key_id: &str, held: &HeldSecret, secret: &Secret) -> Option<Timestamp> {
        self.renewals.presented(&self.verifiers, key_id, held, secret);
        held.expires_at
    }
}

/// The secrets of a key that work now: the newest, and during an overlap the one before.
fn live(snapshot: &Snapshot, now: Timestamp) -> impl Iterator<Item = &HeldSecret> {
    snapshot.secrets.iter().filter(move |held| held.expires_at.is_none_or(|end| now < end))
}

/// Where a secret of a key stands.
fn place(snapshot: &Snapshot, held: &HeldSecret) -> usize {
    snapshot.secrets.iter().position(|one| std::ptr::eq(one, held)).unwrap_or_default()
}

/// What a checksum tells of a typing error, before any I/O.
fn well_formed(api_key: &str, secret: &Secret) -> Result<(), Refusal> {
    if api_key.is_empty() || secret.expose().is_empty() {
        return Err(Refusal::MissingCredentials);
    }
    match credential::is_api_key(api_key) && credential::is_secret(secret.expose()) {
        true => Ok(()),
        false => Err(Refusal::InvalidCredentials),
    }
}
