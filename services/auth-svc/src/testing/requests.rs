//! Many requests in the log at once.

use svc_core::error::Error;
use svc_db::{AnyDb, Db, DbError, Dialect, sql};

use crate::AuthService;

/// Requests of one statement: PostgreSQL ends one that takes longer than 10 s.
const STATEMENT: i64 = 50_000;
/// Statements of one transaction.
const TRANSACTION: i64 = 10;

/// The numbers from `$1` to below `$2`, as `i`.
const SQLITE: &str = "WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2) \
     INSERT INTO requests (id, organization_id, agent_id, key_id, secret_last4, method, route, operation, status, \
     code, permission, client_address, duration_micros) \
     SELECT printf('%012x%012x', $3 + i, i), $4, $5, printf('%024x', i % 1000), '9fQz', 'GET', \
     '/v1/open/contacts/{ref}/chatbots/{agent_id}', 'contacts.get', 200, \
     CASE WHEN i % 50 = 0 THEN 'not_found' ELSE 'ok' END, 'contacts:read', '192.0.2.7', 1500 FROM n";
const POSTGRES: &str = "INSERT INTO requests (id, organization_id, agent_id, key_id, secret_last4, method, route, \
     operation, status, code, permission, client_address, duration_micros) \
     SELECT lpad(to_hex($3::bigint + i), 12, '0') || lpad(to_hex(i), 12, '0'), $4, $5, \
     lpad(to_hex(i % 1000), 24, '0'), '9fQz', 'GET', '/v1/open/contacts/{ref}/chatbots/{agent_id}', \
     'contacts.get', 200, CASE WHEN i % 50 = 0 THEN 'not_found' ELSE 'ok' END, 'contacts:read', '192.0.2.7', 1500 \
     FROM generate_series($1::bigint, $2::bigint - 1) AS i";

/// Puts so many requests into the log of an organization, of a thousand keys in turn and a millisecond apart, the last
/// one now. Gives the id of the request with a number.
///
/// Fails when the database does.
pub async fn insert_requests(
    service: &AuthService,
    (organization_id, agent_id): (&str, &str),
    count: u32,
) -> Result<impl Fn(u32) -> String + use<>, Error> {
    let first = service.management.environment.clock.now().millis() - i64::from(count);
    let of = (first, organization_id, agent_id);
    match &service.db {
        AnyDb::Sqlite(db) => insert(db, of, count.into()).await?,
        AnyDb::Postgres(db) => {
            insert(db, of, count.into()).await?;
            let analyzed = sql::<svc_db::Postgres>("ANALYZE requests").run(&mut *db.read().await?).await;
            analyzed?;
        }
    }
    Ok(move |number: u32| format!("{:012x}{number:012x}", first + i64::from(number)))
}

async fn insert<D: Dialect>(
    db: &Db<D>,
    (first, organization_id, agent_id): (i64, &str, &str),
    count: i64,
) -> Result<(), DbError> {
    let mut begin = 0;
    while begin < count {
        let mut work = db.begin().await?;
        for _ in 0..TRANSACTION {
            let end = (begin + STATEMENT).min(count);
            if begin < end {
                let query = sql::<D>(D::choose(SQLITE, POSTGRES)).bind(begin).bind(end).bind(first);
                query.bind(organization_id).bind(agent_id).run(&mut work).await?;
            }
            begin = end;
        }
        work.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use svc_db::testing::TestEnvironment;
    use svc_runtime::service::Service;

    use super::*;
    use crate::Config;
    use crate::domain::OrganizationId;

    #[tokio::test]
    async fn they_are_found_by_their_ids() {
        for home in [TestEnvironment::sqlite(), TestEnvironment::postgres().await] {
            let service = AuthService::open(&Config::default(), &home.environment).await.unwrap();
            let id = insert_requests(&service, ("o", "a"), 60_000).await.unwrap();
            for number in [0, 1, 49_999, 50_000, 59_999] {
                let organization = OrganizationId::new("o");
                let found = service.management.store.request(&organization, &id(number)).await.unwrap();
                assert_eq!(found.unwrap().entry.id, id(number));
            }
            service.close().await;
        }
    }
}
