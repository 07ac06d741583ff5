//! The key of cursors. It stands in the database, so that all replicas have the same one and nobody has to hand it
//! out: it guards nothing that the database does not hold.

use svc_core::cursor::CursorKey;
use svc_core::random::Random;
use svc_db::{AnyDb, Db, Dialect, sql};
use tracing::instrument;

use super::StoreError;

const FIND: &str = "SELECT key FROM cursor_keys WHERE id = 1";
/// Of processes that make one at the same moment, one has made it.
const KEEP: &str = "INSERT INTO cursor_keys (id, key) VALUES (1, $1) ON CONFLICT (id) DO NOTHING";

pub(super) async fn of(db: &AnyDb, random: &dyn Random) -> Result<CursorKey, StoreError> {
    let mut made = [0; CursorKey::LENGTH];
    random.fill(&mut made);
    let key = match db {
        AnyDb::Sqlite(db) => find_or_keep(db, &made).await?,
        AnyDb::Postgres(db) => find_or_keep(db, &made).await?,
    };
    CursorKey::new(&key).ok_or(StoreError::Corrupt { column: "key" })
}

#[instrument(name = "db.cursor_key.find", level = "debug", skip_all)]
async fn find_or_keep<D: Dialect>(db: &Db<D>, made: &[u8]) -> Result<Vec<u8>, StoreError> {
    let row = svc_db::read!(db, |connection| sql::<D>(FIND).optional(connection))?;
    if let Some(row) = row {
        return Ok(row.get("key")?);
    }
    let mut transaction = db.begin().await?;
    transaction.run(sql::<D>(KEEP).bind(made)).await?;
    let row = transaction.optional(sql::<D>(FIND)).await?;
    transaction.commit().await.map_err(svc_db::DbError::from)?;
    let row = row.ok_or(StoreError::Corrupt { column: "key" })?;
    Ok(row.get("key")?)
}
