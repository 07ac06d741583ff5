//! What the kept answers of every service must do, whatever the engine: one suite, which each service runs on its
//! own schema.

use svc_core::clock::Clock;
use svc_core::idempotency::{IdempotentCall, KEPT_FOR, Kept, MAX_KEPT, Repeat, RequestDigest};

use super::TestEnvironment;
use crate::{AnyDb, Db, Dialect, IdempotencyRecords, Scope, StoreError, Transaction};

/// How often two callers meet.
const ROUNDS: usize = 100;
/// More than are deleted at once.
const MANY: usize = 1_100;

/// The suite, on an open database of a service.
pub async fn idempotency_contract(service: &'static str, db: &AnyDb, home: &TestEnvironment) {
    let tasks = home.environment.supervisor.of(service);
    let records = IdempotencyRecords::new(service, db.clone(), &home.environment, &tasks);
    match db {
        AnyDb::Sqlite(one) => {
            Suite { records: &records, db: one, home }.all().await;
        }
        AnyDb::Postgres(one) => {
            let suite = Suite { records: &records, db: one, home };
            suite.a_call_that_runs_is_told_of_at_once().await;
            suite.all().await;
        }
    }
    tasks.stop().await;
}

struct Suite<'s, D: Dialect> {
    records: &'s IdempotencyRecords,
    db: &'s Db<D>,
    home: &'s TestEnvironment,
}

/// A call of key `k` of organization `o`, unless its parts say otherwise.
fn call(key: &str) -> IdempotentCall {
    call_of("o", "key/k", RequestDigest::of(key, "POST", "/things", None, b"{}"))
}

fn call_of(organization: &str, subject: &str, digest: RequestDigest) -> IdempotentCall {
    IdempotentCall { organization_id: organization.to_owned(), subject: subject.to_owned(), digest }
}

fn answer(text: &str) -> Kept {
    Kept::Answer { message: text.as_bytes().to_vec(), id: Some(format!("the id of {text}")) }
}

type Claimed = Result<Result<(), Repeat>, StoreError>;

impl<D: Dialect> Suite<'_, D> {
    async fn all(&self) {
        self.what_is_kept_comes_back().await;
        self.whoever_calls_sees_their_own_only().await;
        self.what_is_not_committed_has_not_happened().await;
        self.of_two_callers_one_makes_the_change().await;
        self.calls_are_made_together().await;
        self.what_is_kept_lapses().await;
        self.what_has_lapsed_is_purged().await;
    }

    async fn begin(&self) -> Transaction<D> {
        self.db.begin_in(&Scope::everything()).await.unwrap()
    }

    async fn keep(&self, transaction: &mut Transaction<D>, call: &IdempotentCall, kept: Kept) -> Claimed {
        self.records.keep(transaction, (call.clone(), kept)).await
    }

    /// Makes a call as a seam does.
    async fn make(&self, call: &IdempotentCall, kept: Kept) -> Result<(), Repeat> {
        let mut transaction = self.begin().await;
        self.records.claim(&mut transaction, call).await.unwrap()?;
        self.keep(&mut transaction, call, kept).await.unwrap()?;
        transaction.commit().await.unwrap();
        Ok(())
    }

    async fn find(&self, call: &IdempotentCall) -> Result<Option<Kept>, Repeat> {
        self.records.find(call).await.unwrap()
    }

    async fn what_is_kept_comes_back(&self) {
        for (key, kept) in [
            ("empty", answer("")),
            ("short", answer("an answer")),
            ("large", Kept::Answer { message: vec![0xFF; MAX_KEPT], id: None }),
            ("secret", Kept::secret("65f0c0ffee65f0c0ffee65f0")),
            ("too large", Kept::Withheld { id: None }),
        ] {
            let call = call(key);
            assert_eq!(self.find(&call).await, Ok(None), "{key}");
            self.make(&call, kept.clone()).await.unwrap();
            assert_eq!(self.find(&call).await, Ok(Some(kept)), "{key}");
            assert_eq!(self.make(&call, answer("again")).await, Err(Repeat::InProgress), "{key}");
        }
    }

    async fn whoever_calls_sees_their_own_only(&self) {
        let digest = |path, body: &str| RequestDigest::of("own", "POST", path, None, body.as_bytes());
        let first = call_of("o", "key/k", digest("/a", "1"));
        self.make(&first, answer("first")).await.unwrap();
        let other_body = call_of("o", "key/k", digest("/a", "2"));
        assert_eq!(self.find(&other_body).await, Err(Repeat::Reused));
        assert_eq!(self.make(&other_body, answer("other")).await, Err(Repeat::Reused));
        for other in [
            call_of("p", "key/k", digest("/a", "1")),
            call_of("o", "key/l", digest("/a", "1")),
            call_of("o", "member/k", digest("/a", "1")),
            call_of("o", "key/k", digest("/b", "1")),
        ] {
            assert_eq!(self.find(&other).await, Ok(None), "{other:?}");
            self.make(&other, answer("other")).await.unwrap();
        }
        assert_eq!(self.find(&first).await, Ok(Some(answer("first"))));
    }

    async fn what_is_not_committed_has_not_happened(&self) {
        let call = call("rollback");
        let mut transaction = self.begin().await;
        self.records.claim(&mut transaction, &call).await.unwrap().unwrap();
        self.keep(&mut transaction, &call, answer("lost")).await.unwrap().unwrap();
        assert_eq!(self.find(&call).await, Ok(None));
        drop(transaction);
        // Its lock ends with it, which happens in the background.
        while self.make(&call, answer("made")).await == Err(Repeat::InProgress) {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.find(&call).await, Ok(Some(answer("made"))));
    }

    /// SQLite has one writer: there a second caller waits, and learns of it then.
    async fn a_call_that_runs_is_told_of_at_once(&self) {
        let (call, other) = (call("running"), call("not running"));
        let (mut first, mut second) = (self.begin().await, self.begin().await);
        self.records.claim(&mut first, &call).await.unwrap().unwrap();
        assert_eq!(self.records.claim(&mut second, &call).await.unwrap(), Err(Repeat::InProgress));
        self.records.claim(&mut second, &other).await.unwrap().unwrap();
        // Also where nothing was locked, only one record is kept.
        self.keep(&mut first, &call, answer("first")).await.unwrap().unwrap();
        first.commit().await.unwrap();
        assert_eq!(self.keep(&mut second, &call, answer("second")).await.unwrap(), Err(Repeat::InProgress));
        assert_eq!(self.find(&call).await, Ok(Some(answer("first"))));
    }

    async fn of_two_callers_one_makes_the_change(&self) {
        for round in 0..ROUNDS {
            let call = call(&format!("round {round}"));
            let (one, two) = tokio::join!(self.make(&call, answer("one")), self.make(&call, answer("two")));
            let made = match (one, two) {
                (Ok(()), Err(Repeat::InProgress)) => "one",
                (Err(Repeat::InProgress), Ok(())) => "two",
                both => panic!("{round}: {both:?}"),
            };
            assert_eq!(self.find(&call).await, Ok(Some(answer(made))));
        }
    }

    /// Each of them as by itself.
    async fn calls_are_made_together(&self) {
        let digest = |body: &str| RequestDigest::of("together", "POST", "/a", None, body.as_bytes());
        let kept = [
            (call("together 0"), answer("'\"\\ \u{1f}")),
            (call("together 1"), Kept::Answer { message: vec![0, 0xFF], id: None }),
            (call("together 2"), Kept::secret("65f0c0ffee65f0c0ffee65f0")),
            (call("together 3"), Kept::Withheld { id: None }),
            (call_of("p", "key/k", call("together 0").digest), answer("")),
        ];
        let before = call_of("o", "key/k", digest("1"));
        self.make(&before, answer("before")).await.unwrap();
        let other_body = call_of("o", "key/l", digest("2"));
        self.make(&call_of("o", "key/l", digest("1")), answer("before")).await.unwrap();
        let calls: Vec<&IdempotentCall> =
            kept.iter().map(|(call, _)| call).chain([&before, &other_body]).collect();
        let mut transaction = self.begin().await;
        let claimed = self.records.claim_all(&mut transaction, &calls).await.unwrap();
        let mut expected: Vec<Result<(), Repeat>> = kept.iter().map(|_| Ok(())).collect();
        expected.extend([Err(Repeat::InProgress), Err(Repeat::Reused)]);
        assert_eq!(claimed, expected);
        let pairs: Vec<_> = kept.iter().map(|(call, kept)| (call, kept)).collect();
        assert!(self.records.keep_all(&mut transaction, &pairs).await.unwrap());
        assert_eq!(self.find(&kept[0].0).await, Ok(None), "nothing is there before the commit");
        transaction.commit().await.unwrap();
        for (call, kept) in &kept {
            assert_eq!(self.find(call).await, Ok(Some(kept.clone())));
        }
        // One that is kept by now is kept as it was, and said.
        let mut transaction = self.begin().await;
        let more = call("together 4");
        let again = [(&more, &kept[0].1), (&kept[1].0, &kept[0].1)];
        assert!(!self.records.keep_all(&mut transaction, &again).await.unwrap());
        drop(transaction);
        assert_eq!(self.find(&kept[1].0).await, Ok(Some(kept[1].1.clone())));
        assert_eq!(self.find(&more).await, Ok(None));
        assert_eq!(self.records.claim_all(&mut self.begin().await, &[]).await.unwrap(), []);
    }

    async fn what_is_kept_lapses(&self) {
        let call = call("lapse");
        let begin = self.home.clock.now();
        self.make(&call, answer("first")).await.unwrap();
        self.home.clock.set(begin.plus(KEPT_FOR - std::time::Duration::from_micros(1)));
        assert_eq!(self.find(&call).await, Ok(Some(answer("first"))));
        self.home.clock.set(begin.plus(KEPT_FOR));
        assert_eq!(self.find(&call).await, Ok(None));
        // A new call, whatever it holds.
        let digest = RequestDigest { content: [7; 32], ..call.digest };
        let new = IdempotentCall { digest, ..call.clone() };
        self.make(&new, Kept::secret("65f0c0ffee65f0c0ffee65f0")).await.unwrap();
        assert_eq!(self.find(&call).await, Err(Repeat::Reused));
        assert_eq!(self.find(&new).await, Ok(Some(Kept::secret("65f0c0ffee65f0c0ffee65f0"))));
    }

    async fn what_has_lapsed_is_purged(&self) {
        self.records.purge().await.unwrap();
        let begin = self.home.clock.now();
        let lapsing = |n| call(&format!("purge {n}"));
        let mut transaction = self.begin().await;
        for n in 0..MANY {
            self.keep(&mut transaction, &lapsing(n), answer("old")).await.unwrap().unwrap();
        }
        transaction.commit().await.unwrap();
        self.home.clock.set(begin.plus(KEPT_FOR));
        let young = call("purge young");
        self.make(&young, answer("young")).await.unwrap();
        assert!(self.records.purge().await.unwrap() >= MANY as u64);
        assert_eq!(self.records.purge().await.unwrap(), 0);
        assert_eq!(self.find(&young).await, Ok(Some(answer("young"))));
        self.home.clock.set(begin);
        assert_eq!(self.find(&lapsing(0)).await, Ok(None));
    }
}
