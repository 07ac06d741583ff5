//! `keyward migrate`, and starts that leave migrations to it.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::harness::{Processes, SET_UP, Variables, keyward, postgres, random_hex, repository};

const NEVER: (&str, &str) = ("KEYWARD_DATABASE__MIGRATE", "never");

fn all(variables: &[(&str, &str)]) -> Variables {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What `keyward migrate` prints.
async fn migrate(variables: &Variables) -> String {
    let output = keyward(&["migrate"], variables).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it prints when nothing was there before.
fn all_applied() -> String {
    let line = |service: &str| {
        let folder = repository().join(format!("services/{service}-svc/migrations/sqlite"));
        match std::fs::read_dir(folder).unwrap().count() {
            1 => format!("{service}: 1 migration applied\n"),
            more => format!("{service}: {more} migrations applied\n"),
        }
    };
    ["auth", "contacts", "extraction"].map(line).concat()
}

/// What a start says that is refused.
async fn refused(arguments: &[&str], variables: &Variables) -> String {
    let output = keyward(arguments, variables).await;
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

async fn works(keyward: &Processes) {
    let reference = random_hex();
    keyward.new_contact(&reference).await;
    let key = keyward.new_key(&["contacts:read"]).await;
    keyward.with_key(&key).get_contact(&reference).await.ok();
}

#[tokio::test]
async fn a_file_of_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let variables = all(&[
        ("KEYWARD_DATA_DIR", data.to_str().unwrap()),
        ("KEYWARD_EDGE__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_DASHBOARD__LISTEN", "127.0.0.1:0"),
        ("KEYWARD_ADMIN__LISTEN", "127.0.0.1:0"),
        NEVER,
    ]);
    for arguments in [&["serve"][..], &SET_UP] {
        let said = refused(arguments, &variables).await;
        assert!(said.contains("of the migrations of auth") && said.contains("`keyward migrate`"), "{said}");
    }
    assert_eq!(migrate(&variables).await, all_applied());
    let nothing = "auth: nothing to do\ncontacts: nothing to do\nextraction: nothing to do\n";
    assert_eq!(migrate(&variables).await, nothing);
    let set_up = keyward(&SET_UP, &variables).await;
    assert!(set_up.status.success(), "{}", String::from_utf8_lossy(&set_up.stderr));
}

#[tokio::test]
async fn a_database_of_postgresql_by_a_role_of_its_own() {
    let database = postgres::new_superuser_database().await;
    let (owner, user) = (format!("owner_{}", random_hex()), format!("user_{}", random_hex()));
    let name = database.rsplit_once('/').unwrap().1;
    let mut admin = PgConnection::connect(&database).await.unwrap();
    let roles = format!(
        "CREATE ROLE {owner} LOGIN; CREATE ROLE {user} LOGIN; GRANT CREATE ON DATABASE \"{name}\" TO {owner}; \
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {user}; \
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SCHEMAS TO {user}"
    );
    admin.execute(AssertSqlSafe(roles)).await.unwrap();
    let by = |role: &str| format!("postgres://{role}@{}", database.rsplit_once('@').unwrap().1);

    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let data = ("KEYWARD_DATA_DIR", data.to_str().unwrap());
    let said = refused(&SET_UP, &all(&[("KEYWARD_DATABASE__URL", &by(&user)), data, NEVER])).await;
    assert!(said.contains("of the migrations of auth") && said.contains("`keyward migrate`"), "{said}");

    let said = migrate(&all(&[("KEYWARD_DATABASE__URL", &by(&owner)), data, NEVER])).await;
    assert_eq!(said, all_applied());
    let mut keyward = Processes::together(&[("KEYWARD_DATABASE__URL", &by(&user)), NEVER]).await;
    works(&keyward).await;
    keyward.terminate().await;
}
