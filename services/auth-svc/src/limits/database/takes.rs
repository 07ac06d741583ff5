//! Taking slots: one request's, or those of many that arrive together.

use sqlx::{PgConnection, Postgres, Row as _};
use svc_db::{DbError, Questions};

use super::windows;
use crate::limits::{Taken, WindowLimits};

/// One slot to take in both windows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Take {
    pub(super) key_id: String,
    pub(super) limits: WindowLimits,
    /// Stands for the clock in tests.
    pub(super) at: Option<i64>,
}

/// Takes slots by the functions of the migrations, which decide under the lock of a key's row.
#[derive(Debug)]
pub(super) struct Takes;

impl Questions<Postgres> for Takes {
    type Question = Take;
    /// `None` when the stored windows are malformed.
    type Answer = Option<Taken>;
    const READS: bool = false;

    async fn one(&self, connection: &mut PgConnection, take: &Take) -> Result<Option<Taken>, DbError> {
        // Not a transaction of ours, which would be three round trips: the statement is one by itself.
        let query =
            sqlx::query("SELECT allowed, now_millis, new_minute, new_hour FROM limits_take($1, $2, $3, $4)");
        let query = query.bind(&take.key_id).bind(i64::from(take.limits.per_minute));
        let row = query.bind(i64::from(take.limits.per_hour)).bind(take.at).fetch_one(connection).await?;
        let (allowed, after) =
            (row.try_get("allowed")?, windows(&row, "now_millis", "new_minute", "new_hour")?);
        Ok(after.map(|windows| windows.answer(take.limits, allowed)))
    }

    async fn many(
        &self,
        connection: &mut PgConnection,
        takes: &[Take],
    ) -> Result<Vec<Option<Taken>>, DbError> {
        // By key, in the order that all replicas have, so that no two wait for each other; those of one key
        // stay in the order in which they came.
        let mut order: Vec<usize> = (0..takes.len()).collect();
        order.sort_by(|a, b| takes[*a].key_id.cmp(&takes[*b].key_id));
        let runs: Vec<&[usize]> = order.chunk_by(|a, b| takes[*a] == takes[*b]).collect();
        let firsts = || runs.iter().map(|run| &takes[run[0]]);

        let query = sqlx::query(
            "SELECT granted, now_millis, minute_before, hour_before FROM limits_take_many($1, $2, $3, $4, $5)",
        )
        .bind(firsts().map(|take| take.key_id.as_str()).collect::<Vec<_>>())
        .bind(firsts().map(|take| i64::from(take.limits.per_minute)).collect::<Vec<_>>())
        .bind(firsts().map(|take| i64::from(take.limits.per_hour)).collect::<Vec<_>>())
        .bind(runs.iter().map(|run| i32::try_from(run.len()).unwrap_or(i32::MAX)).collect::<Vec<_>>())
        .bind(firsts().map(|take| take.at).collect::<Vec<_>>());
        let rows = query.fetch_all(connection).await?;

        let mut answers = vec![None; takes.len()];
        for (run, row) in runs.iter().zip(&rows) {
            // What is wrong with the row of one key is no fault of the others.
            let before = windows(row, "now_millis", "minute_before", "hour_before");
            let (Ok(granted), Ok(Some(mut windows))) = (row.try_get::<i32, _>("granted"), before) else {
                continue;
            };
            for (index, number) in run.iter().zip(0..) {
                // Each sees the windows as those before it have left them.
                let taken = windows.take(windows.newest(), takes[*index].limits);
                // What was written is what counts: were they not of one mind, nothing could be said.
                answers[*index] = (taken.allowed() == (number < granted)).then_some(taken);
            }
        }
        Ok(answers)
    }
}
