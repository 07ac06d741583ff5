//! Who may try to sign in, and when: guessing is slow, from wherever it comes, and nobody is locked out for good.
//!
//! Failures count against the client's address and against the email address, whether or not somebody has it. Both
//! drain all the time, and what is refused does not make the wait longer. Where a member has signed in before,
//! failures of others do not keep them waiting.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use parking_lot::Mutex;
use svc_core::address::bucket;
use svc_core::address_buckets::AddressBuckets;
use svc_core::clock::Clock;
use svc_core::random::Random;
use svc_core::secret::Secret;

use crate::check::Failures;
use crate::error::{AuthError, Proof};
use crate::secrets::{Argon2Pool, HashError};

/// What the bucket of an email address holds: the failures of this time.
const ACCOUNT: Duration = Duration::from_secs(600);
/// How many pairs of email address and client address are remembered that have signed in: 1 MiB. When there are
/// more, it starts over.
const FAMILIAR: usize = 16_384;
/// Random bits of the password that nobody has.
const NOBODYS_BYTES: usize = 32;

/// Where somebody is who signs in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// `None` when they did not come through an edge.
    pub(crate) address: Option<IpAddr>,
    /// What their browser says it is.
    pub(crate) user_agent: String,
    /// The id that the edge gave their request.
    pub(crate) request_id: Option<String>,
}

impl Visitor {
    fn bucket(&self) -> IpAddr {
        bucket(self.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

/// Guards signing in.
pub(crate) struct SignIn {
    /// For passwords only.
    pub(crate) passwords: Argon2Pool,
    /// The record of a password that nobody has: who is unknown costs as much as who is known.
    nobodys: String,
    by_address: Failures,
    /// `None`: failures are not counted.
    by_account: Option<AddressBuckets>,
    familiar: Mutex<HashSet<[u8; 32]>>,
    /// So that nobody can choose an email address that shares a bucket with another one.
    seed: [u8; 32],
}

impl SignIn {
    /// With so many failures of an address in a minute, and of an email address in ten.
    pub(crate) async fn new(
        passwords: Argon2Pool,
        failures: u32,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
    ) -> Result<SignIn, HashError> {
        let mut nobodys = [0; NOBODYS_BYTES];
        random.fill(&mut nobodys);
        let nobodys = Secret::new(svc_core::ids::hex(&nobodys));
        let mut seed = [0; 32];
        random.fill(&mut seed);
        let weight = ACCOUNT.checked_div(failures);
        let nobodys = passwords.hash(&nobodys, random).await?;
        passwords.rest();
        Ok(SignIn {
            nobodys,
            passwords,
            by_address: Failures::new(failures, clock.clone()),
            by_account: weight.map(|weight| AddressBuckets::new(weight, ACCOUNT, clock)),
            familiar: Mutex::default(),
            seed,
        })
    }

    /// Whether somebody may try, as `account` or, without one, with a link.
    pub(crate) fn admit(&self, account: Option<&str>, visitor: &Visitor) -> Result<(), AuthError> {
        let by_account = account.filter(|account| !self.is_familiar(account, visitor));
        let waits = [
            self.by_address.wait(visitor.bucket()),
            by_account.and_then(|account| self.by_account.as_ref()?.wait(self.place(account))),
        ];
        match waits.into_iter().flatten().max() {
            Some(wait) => Err(AuthError::Throttled(wait)),
            None => Ok(()),
        }
    }

    /// They have failed.
    pub(crate) fn failed(&self, account: Option<&str>, visitor: &Visitor, proof: Proof) -> AuthError {
        self.by_address.count(visitor.bucket());
        if let (Some(account), Some(buckets)) = (account, &self.by_account) {
            buckets.count(self.place(account));
        }
        AuthError::NotProven(proof)
    }

    /// They have not.
    pub(crate) fn succeeded(&self, account: &str, visitor: &Visitor) {
        let pair = self.pair(account, visitor);
        let mut familiar = self.familiar.lock();
        if familiar.len() >= FAMILIAR && !familiar.contains(&pair) {
            familiar.clear();
        }
        familiar.insert(pair);
    }

    /// Whether this is the password of the record; without a record, that of nobody, in the same time.
    pub(crate) async fn verify(&self, record: Option<&str>, password: &Secret) -> Result<bool, HashError> {
        let is_right = self.passwords.verify(record.unwrap_or(&self.nobodys), password.expose()).await?;
        Ok(is_right && record.is_some())
    }

    fn is_familiar(&self, account: &str, visitor: &Visitor) -> bool {
        self.familiar.lock().contains(&self.pair(account, visitor))
    }

    fn pair(&self, account: &str, visitor: &Visitor) -> [u8; 32] {
        self.digest(&[account.to_lowercase().as_bytes(), b"\0", visitor.bucket().to_string().as_bytes()])
    }

    /// An account as an address of its own: buckets are kept by the first half of one.
    fn place(&self, account: &str) -> IpAddr {
        let digest = self.digest(&[account.to_lowercase().as_bytes()]);
        let mut octets = [0; 16];
        octets[..8].copy_from_slice(&digest[..8]);
        IpAddr::V6(Ipv6Addr::from(octets))
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(&self.seed);
        parts.iter().for_each(|part| context.update(part));
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

#[cfg(test)]
mod tests {
    use svc_core::clock::{ManualClock, Timestamp};
    use svc_core::random::SystemRandom;
    use svc_runtime::telemetry::Metrics;

    use super::*;

    const GRACE: Option<&str> = Some("grace@example.com");

    async fn sign_in() -> (SignIn, ManualClock) {
        let clock = ManualClock::at(Timestamp(1_800_000_000_000_000));
        let pool = Argon2Pool::for_passwords((None, None), &Metrics::new()).unwrap();
        (SignIn::new(pool, 5, Arc::new(clock.clone()), &SystemRandom).await.unwrap(), clock)
    }

    fn at(address: &str) -> Visitor {
        Visitor { address: Some(address.parse().unwrap()), user_agent: String::new(), request_id: None }
    }

    #[tokio::test]
    async fn an_address_that_fails_waits_a_while() {
        let (sign_in, clock) = sign_in().await;
        let here = at("192.0.2.1");
        for number in 0..5 {
            sign_in.admit(Some(&format!("{number}@example.com")), &here).unwrap();
            sign_in.failed(Some(&format!("{number}@example.com")), &here, Proof::Password);
        }
        assert!(
            matches!(sign_in.admit(GRACE, &here), Err(AuthError::Throttled(wait)) if wait <= Duration::from_secs(12))
        );
        assert!(sign_in.admit(None, &here).is_err(), "links, too");
        sign_in.admit(GRACE, &at("192.0.2.2")).unwrap();
        clock.advance(Duration::from_secs(12));
        sign_in.admit(GRACE, &here).unwrap();
    }

    #[tokio::test]
    async fn an_account_that_is_guessed_from_everywhere_waits_but_not_where_it_is_at_home() {
        let (sign_in, clock) = sign_in().await;
        let home = at("198.51.100.7");
        sign_in.succeeded("Grace@Example.com", &home);
        for number in 0..5 {
            let elsewhere = at(&format!("192.0.2.{number}"));
            sign_in.admit(GRACE, &elsewhere).unwrap();
            sign_in.failed(GRACE, &elsewhere, Proof::Password);
        }
        let stranger = at("203.0.113.1");
        assert!(sign_in.admit(GRACE, &stranger).is_err());
        sign_in.admit(Some("ada@example.com"), &stranger).unwrap();
        sign_in.admit(GRACE, &home).unwrap();
        // What is refused does not prolong it.
        for _ in 0..100 {
            let _ = sign_in.admit(GRACE, &stranger);
        }
        clock.advance(Duration::from_secs(120));
        sign_in.admit(GRACE, &stranger).unwrap();
    }

    #[tokio::test]
    async fn nobody_has_the_password_of_nobody() {
        let (sign_in, _) = sign_in().await;
        let password = Secret::new("correct horse battery staple");
        let record = sign_in.passwords.hash(&password, &SystemRandom).await.unwrap();
        assert_eq!(sign_in.verify(Some(&record), &password).await, Ok(true));
        assert_eq!(sign_in.verify(Some(&record), &Secret::new("another one of these")).await, Ok(false));
        assert_eq!(sign_in.verify(None, &password).await, Ok(false));
    }
}
