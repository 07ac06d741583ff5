//! PostgreSQL as others have set it up: behind PgBouncer, with schemas of a DBA, with roles of few rights, or
//! not there at all.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::harness::{Bouncer, Processes, SET_UP, keyward, postgres, random_hex};

/// The schemas that have tables.
async fn schemas(url: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let query = "SELECT DISTINCT schemaname::TEXT FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
    sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
}

async fn execute(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
}

/// A URL for another role.
fn as_role(url: &str, role: &str) -> String {
    format!("postgres://{role}@{}", url.rsplit_once('@').unwrap().1)
}

/// What it is there for.
async fn works(keyward: &Processes) {
    let reference = random_hex();
    keyward.new_contact(&reference).await;
    let key = keyward.new_key(&["contacts:read"]).await;
    keyward.with_key(&key).get_contact(&reference).await.ok();
    keyward.delete_key(&key.id).await.ok();
    keyward.with_key(&key).get_contact(&reference).await.refusal(401, "invalid_credentials");
}

/// What `keyward setup` says that fails.
async fn setup_fails(variables: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let own = [("KEYWARD_DATA_DIR", data.to_str().unwrap())];
    let all = own.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let output = keyward(&SET_UP, &all.collect()).await;
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn behind_pgbouncer_in_session_mode() {
    let database = postgres::new_database().await;
    let bouncer = Bouncer::start(&database, "session").await;
    let mut keyward = Processes::together(&[("KEYWARD_DATABASE__URL", &bouncer.url(&database))]).await;
    works(&keyward).await;
    assert_eq!(schemas(&database).await, ["auth", "contacts", "extraction"]);
    keyward.terminate().await;
}

#[tokio::test]
async fn behind_pgbouncer_in_transaction_mode_it_says_why_not() {
    let database = postgres::new_database().await;
    let bouncer = Bouncer::start(&database, "transaction").await;
    let said = setup_fails(&[("KEYWARD_DATABASE__URL", &bouncer.url(&database))]).await;
    assert!(said.contains("transaction mode") && said.contains("pool_mode = session"), "{said}");
    assert!(schemas(&database).await.is_empty(), "nothing was made anywhere");
}

#[tokio::test]
async fn schemas_of_a_dba_and_no_right_to_make_any() {
    let database = postgres::new_superuser_database().await;
    let (owner, user) = (format!("owner_{}", random_hex()), format!("user_{}", random_hex()));
    // As on Supabase, `auth` is somebody else's.
    execute(
        &database,
        &format!(
            "CREATE ROLE {owner} LOGIN; CREATE ROLE {user} LOGIN; \
             CREATE SCHEMA auth; CREATE TABLE auth.users (id BIGINT)"
        ),
    )
    .await;
    let url = as_role(&database, &owner);
    let settings = [("KEYWARD_DATABASE__URL", &*url), ("KEYWARD_DATABASE__SCHEMA_PREFIX", "keyward_")];
    let said = setup_fails(&settings).await;
    assert!(said.contains("keyward_auth") && said.contains("database.schema_prefix"), "{said}");

    execute(
        &database,
        &format!(
            "CREATE SCHEMA keyward_auth AUTHORIZATION {owner}; \
             CREATE SCHEMA keyward_contacts AUTHORIZATION {owner}; \
             CREATE SCHEMA keyward_extraction AUTHORIZATION {owner}"
        ),
    )
    .await;
    let mut keyward = Processes::together(&settings).await;
    works(&keyward).await;
    keyward.terminate().await;
    assert_eq!(schemas(&database).await, ["auth", "keyward_auth", "keyward_contacts", "keyward_extraction"]);

    // All is there: no right to make anything is needed any more.
    for schema in ["keyward_auth", "keyward_contacts", "keyward_extraction"] {
        let grant = format!(
            "GRANT USAGE ON SCHEMA {schema} TO {user}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}"
        );
        execute(&database, &grant).await;
    }
    keyward.set("KEYWARD_DATABASE__URL", &as_role(&database, &user));
    keyward.start_together().await;
    works(&keyward).await;
    keyward.terminate().await;
}

#[tokio::test]
async fn a_server_that_refuses_is_named_once() {
    // Nobody listens there, nor begins to.
    let refusing = "127.0.0.1:1";
    let url = format!("postgres://keyward:hidden@{refusing}/keyward");
    let said = setup_fails(&[("KEYWARD_DATABASE__URL", &url)]).await;
    assert_eq!(said.matches(&format!("connection refused by {refusing}")).count(), 1, "{said}");
    assert_eq!(said.matches("refused").count(), 1, "{said}");
    assert!(!said.contains("timed out") && !said.contains("hidden"), "{said}");
}
