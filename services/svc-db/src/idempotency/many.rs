//! The answers of several calls, claimed and kept in one statement for each step: what single calls do, in the same
//! order, for calls whose changes are one transaction.

use serde_json::{Value, json};
use svc_core::clock::Timestamp;
use svc_core::idempotency::{IdempotentCall, KEPT_FOR, Kept, Repeat};
use svc_core::ids::hex;
use tracing::instrument;

use super::{IdempotencyRecords, Record, Records};
use crate::{DbError, Dialect, StoreError, Transaction, sql};

/// Takes the locks whose numbers `$1` has, and says of each whether it was free.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(k.q) AS taken \
     FROM unnest($1::text::bigint[]) WITH ORDINALITY AS k (q, n) ORDER BY k.n";

/// What is kept of each call in `$1`, a JSON array of arrays of organization, subject and scope in hex digits. `n` is the
/// number of the element. Each is looked up by itself, by its whole key.
macro_rules! find {
    ($dialect:ident) => {
        $dialect::choose(
            "SELECT k.n AS n, content, answer, resource_id FROM (SELECT key AS n, value ->> 0 AS organization, \
             value ->> 1 AS subject, unhex(value ->> 2) AS scope FROM json_each($1)) AS k \
             CROSS JOIN idempotency_records AS r \
             WHERE r.organization_id = k.organization AND r.subject = k.subject AND r.scope = k.scope \
             AND r.expires_at > $2",
            "SELECT k.n - 1 AS n, r.content, r.answer, r.resource_id \
             FROM json_array_elements($1::json) WITH ORDINALITY AS k (q, n), \
             LATERAL (SELECT content, answer, resource_id FROM idempotency_records \
             WHERE organization_id = k.q ->> 0 AND subject = k.q ->> 1 AND scope = decode(k.q ->> 2, 'hex') \
             AND expires_at > $2 LIMIT 1) AS r",
        )
    };
}

/// What ends an INSERT of answers: each takes the place of one that has lapsed, and of no other.
macro_rules! keep {
    ($rows:literal) => {
        concat!(
            "INSERT INTO idempotency_records \
             (organization_id, subject, scope, content, answer, resource_id, expires_at) ",
            $rows,
            " ON CONFLICT (organization_id, subject, scope) DO UPDATE SET content = excluded.content, \
             answer = excluded.answer, resource_id = excluded.resource_id, expires_at = excluded.expires_at \
             WHERE idempotency_records.expires_at <= $3"
        )
    };
}

/// Bytes in hex digits stand between the others.
const KEEP: [&str; 2] = [
    keep!(
        "SELECT value ->> 0, value ->> 1, unhex(value ->> 2), unhex(value ->> 3), unhex(value ->> 4), \
         value ->> 5, $2 FROM json_each($1) WHERE true"
    ),
    keep!(
        "SELECT q ->> 0, q ->> 1, decode(q ->> 2, 'hex'), decode(q ->> 3, 'hex'), decode(q ->> 4, 'hex'), \
         q ->> 5, $2 FROM json_array_elements($1::json) AS k (q)"
    ),
];

impl<D: Dialect> Transaction<D> {
    /// Takes the locks of calls, and says of each whether this transaction has it.
    #[instrument(name = "db.idempotency.lock_all", level = "debug", skip_all)]
    pub(super) async fn lock_calls(&mut self, calls: &[&IdempotentCall]) -> Result<Vec<bool>, DbError> {
        if D::TRY_LOCK.is_none() {
            return Ok(vec![true; calls.len()]);
        }
        let numbers: Vec<String> = calls.iter().map(|call| call.lock().to_string()).collect();
        let query = sql::<D>(LOCK).bind(&format!("{{{}}}", numbers.join(",")));
        let rows = self.all(query).await?;
        rows.iter().map(|row| row.get("taken")).collect()
    }

    /// What is kept of each call.
    #[instrument(name = "db.idempotency.find_all", level = "debug", skip_all)]
    pub(super) async fn find_calls(
        &mut self,
        calls: &[&IdempotentCall],
        now: Timestamp,
    ) -> Result<Vec<Option<Record>>, DbError> {
        let wanted = Value::from_iter(calls.iter().map(|call| {
            let (organization, subject, scope) = key_of(call);
            json!([organization, subject, scope])
        }));
        let rows = self.all(sql::<D>(find!(D)).bind(&wanted.to_string()).bind(now)).await?;
        let mut found: Vec<Option<Record>> = calls.iter().map(|_| None).collect();
        for row in &rows {
            let number = usize::try_from(row.get::<i64>("n")?).ok();
            if let Some(place) = number.and_then(|number| found.get_mut(number)) {
                *place = Some(Record::read(row)?);
            }
        }
        Ok(found)
    }

    /// Keeps the answers of calls. `false`: another transaction has kept one of them.
    #[instrument(name = "db.idempotency.keep_all", level = "debug", skip_all)]
    pub(super) async fn keep_calls(
        &mut self,
        calls: &[(&IdempotentCall, &Kept)],
        now: Timestamp,
    ) -> Result<bool, DbError> {
        let rows = Value::from_iter(calls.iter().map(|(call, kept)| {
            let (organization, subject, scope) = key_of(call);
            let (answer, id) = match kept {
                Kept::Answer { message, id } => (Some(hex(message)), id.as_deref()),
                Kept::Withheld { id } => (None, id.as_deref()),
            };
            json!([organization, subject, scope, hex(&call.digest.content), answer, id])
        }));
        let [sqlite, postgres] = KEEP;
        let query =
            sql::<D>(D::choose(sqlite, postgres)).bind(&rows.to_string()).bind(now.plus(KEPT_FOR)).bind(now);
        Ok(self.run(query).await? == calls.len() as u64)
    }
}

fn key_of(call: &IdempotentCall) -> (&str, &str, String) {
    (&call.organization_id, &call.subject, hex(&call.digest.scope))
}

impl IdempotencyRecords {
    /// Claims calls for a transaction that has just begun, each as [`IdempotencyRecords::claim`] does. No two of them may
    /// be the same.
    ///
    /// # Errors
    /// When the database fails. The inner error: that call is not to be made.
    pub async fn claim_all(
        &self,
        transaction: &mut dyn Records,
        calls: &[&IdempotentCall],
    ) -> Result<Vec<Result<(), Repeat>>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let locked = transaction.lock_all(calls).await?;
        // A statement of its own, so that it sees what those before have committed.
        let found = transaction.find_all(calls, self.clock.now()).await?;
        let claimed =
            calls.iter().zip(locked).zip(found).map(|((call, locked), found)| match (locked, found) {
                (false, _) => Err(Repeat::InProgress),
                (true, None) => Ok(()),
                (true, Some(record)) => Err(record.of(call).err().unwrap_or(Repeat::InProgress)),
            });
        let claimed: Vec<Result<(), Repeat>> = claimed.collect();
        self.counters.refused.inc_by(claimed.iter().filter(|claimed| claimed.is_err()).count() as u64);
        Ok(claimed)
    }

    /// Keeps the answers of calls that were claimed, to be committed with what they have changed. `false`: another
    /// transaction has kept one of them, and this one cannot be committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_all(
        &self,
        transaction: &mut dyn Records,
        calls: &[(&IdempotentCall, &Kept)],
    ) -> Result<bool, StoreError> {
        if calls.is_empty() {
            return Ok(true);
        }
        let kept = transaction.keep_all(calls, self.clock.now()).await?;
        if kept {
            self.counters.kept.inc_by(calls.len() as u64);
        }
        Ok(kept)
    }
}
