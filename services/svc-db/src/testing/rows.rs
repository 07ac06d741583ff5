//! What an agent has in a database, to be compared.

use sqlx::AssertSqlSafe;
use svc_core::actor::Partition;

use crate::{AnyDb, Db, Dialect, Row, sql};

/// Every row of an agent in every table that knows of agents, and of its organization in that of answers.
pub async fn rows_of(db: &AnyDb, owner: &Partition) -> Vec<String> {
    match db {
        AnyDb::Sqlite(db) => rows_in(db, owner).await,
        AnyDb::Postgres(db) => rows_in(db, owner).await,
    }
}

async fn rows_in<D: Dialect>(db: &Db<D>, owner: &Partition) -> Vec<String> {
    let texts = async |query: String| {
        let rows: Vec<Row<D>> =
            crate::read!(db, |connection| sql::<D>(AssertSqlSafe(query.clone())).all(connection)).unwrap();
        rows.iter().map(|row| row.get::<String>("one").unwrap()).collect::<Vec<_>>()
    };
    let tables = D::choose(
        "SELECT m.name AS one FROM sqlite_master m WHERE m.type = 'table' AND EXISTS \
         (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'agent_id')",
        "SELECT table_name::text AS one FROM information_schema.columns \
         WHERE table_schema = current_schema() AND column_name = 'agent_id'",
    );
    let mut all = Vec::new();
    for table in texts(tables.to_owned()).await {
        let row = match D::choose("", "postgres") {
            "" => {
                let columns =
                    format!("SELECT 'quote(' || name || ')' AS one FROM pragma_table_info('{table}')");
                texts(columns).await.join(" || ',' || ")
            }
            _ => "t::text".to_owned(),
        };
        let Partition { organization_id, agent_id } = owner;
        let rows = format!(
            "SELECT {row} AS one FROM {table} AS t \
             WHERE organization_id = '{organization_id}' AND agent_id = '{agent_id}' ORDER BY 1"
        );
        all.extend(texts(rows).await.into_iter().map(|row| format!("{table}: {row}")));
    }
    // A database tells its tables in no order.
    all.sort_unstable();
    all
}
