//! Migrations: a committed file never changes, and what the previous release has stored survives the newest one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use auth_svc::AuthService;
use contacts_svc::ContactsService;
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use svc_core::secret::Secret;
use svc_runtime::service::{DatabaseConfig, Environment, Service};

use crate::harness::{postgres, repository};

/// Every file there is and the beginning of the SHA-384 that sqlx keeps of it. A database that has applied a
/// file refuses another one of its number: what is to change is a new file with a line here.
const FILES: &[(&str, &str)] = &[
    ("auth-svc/migrations/postgres/0001_initial.sql", "7d0a80362376c9dc96648d0ee8ce672d"),
    ("auth-svc/migrations/postgres/0002_limits.sql", "e0189e155396b3a58c01b767422e6fb1"),
    ("auth-svc/migrations/postgres/0003_revocation.sql", "390e35dd3beeb9a05b1dae8a4313ec8d"),
    ("auth-svc/migrations/postgres/0004_limit_log.sql", "b941e09763f44782525a8cd49ea306c1"),
    ("auth-svc/migrations/postgres/0005_limits_together.sql", "d34ffe03425c569afeb9e60753bba24e"),
    ("auth-svc/migrations/postgres/0006_idempotency.sql", "bce25cdd804ab04f6e63e74332cea486"),
    ("auth-svc/migrations/postgres/0007_usage.sql", "b4a7b7dc6a169bb20c8a5ebdcf3106b9"),
    ("auth-svc/migrations/postgres/0008_requests.sql", "bcbd6b91f3bd9b7b751e7300bb48cb73"),
    ("auth-svc/migrations/postgres/0009_audit.sql", "8264df08973415b286af6d8c99f6ee82"),
    ("auth-svc/migrations/postgres/0010_sessions.sql", "9868fef0fcfe9a293cc5708be665c382"),
    ("auth-svc/migrations/postgres/0011_identities.sql", "32453f1415ceef583fbde100296d87e1"),
    ("auth-svc/migrations/postgres/0013_events.sql", "7a251008be35c74f6577f3ffc83b2763"),
    ("auth-svc/migrations/sqlite/0001_initial.sql", "2aca95c3e40d68f66d2877b894d78672"),
    ("auth-svc/migrations/sqlite/0002_limits.sql", "e05035e5917b3850f394b85882f733f9"),
    ("auth-svc/migrations/sqlite/0003_revocation.sql", "11751a35edd4c577a67087dc53eaebf5"),
    ("auth-svc/migrations/sqlite/0004_limit_log.sql", "039589b48f037514291fb893217fa7fc"),
    ("auth-svc/migrations/sqlite/0005_limits_together.sql", "374991c9be1a047646d8836ebe4a58d8"),
    ("auth-svc/migrations/sqlite/0006_idempotency.sql", "8dd7a1790eb505da43a5c24da605dd5f"),
    ("auth-svc/migrations/sqlite/0007_usage.sql", "22c0ced14f8c727c5e37ebb8dd48f7ea"),
    ("auth-svc/migrations/sqlite/0008_requests.sql", "bfad83710b7ceb5163bb03a3e3c96979"),
    ("auth-svc/migrations/sqlite/0009_audit.sql", "01c20444c26e5f2a82e3f3475a546fa4"),
    ("auth-svc/migrations/sqlite/0010_sessions.sql", "4f2756b0ecb622ecc25eaa7b9304a096"),
    ("auth-svc/migrations/sqlite/0011_identities.sql", "30d051b529be29c2541001c913e517bb"),
    ("auth-svc/migrations/sqlite/0013_events.sql", "6e501a65891345b26012f666135ee48d"),
    ("contacts-svc/migrations/postgres/0001_contacts.sql", "7946a85d8f690b8e1d5949cba31a7c9a"),
    ("contacts-svc/migrations/postgres/0002_idempotency.sql", "bce25cdd804ab04f6e63e74332cea486"),
    ("contacts-svc/migrations/postgres/0003_contact_fields.sql", "fb54d5f7841ab6193d243a9c17df7cf8"),
    ("contacts-svc/migrations/postgres/0004_contact_keys.sql", "9d38d4e521d16793631717ebb27fea67"),
    ("contacts-svc/migrations/postgres/0005_changes.sql", "88cbc4594cb4b16e3e8b2ba9769a6b4d"),
    ("contacts-svc/migrations/postgres/0006_lists.sql", "57112d2d8b7cb51ae550685fe0eb3c7d"),
    ("contacts-svc/migrations/postgres/0007_imports.sql", "db053b6e8ce04b3009c3c7aa3226c037"),
    ("contacts-svc/migrations/postgres/0008_files.sql", "1fd6bd936b4f3e29c28de3fadf4c6dd4"),
    ("contacts-svc/migrations/postgres/0010_row_security.sql", "320bdd2119d094c6dfaabf8fb460c3ed"),
    ("contacts-svc/migrations/postgres/0011_field_revisions.sql", "9494779e5fefd8f9d0ef8062494fa2e2"),
    ("contacts-svc/migrations/sqlite/0001_contacts.sql", "01b21853bedfe58637130998661834d0"),
    ("contacts-svc/migrations/sqlite/0002_idempotency.sql", "8dd7a1790eb505da43a5c24da605dd5f"),
    ("contacts-svc/migrations/sqlite/0003_contact_fields.sql", "ad7dcf3508cc334f3a227320ab86acfc"),
    ("contacts-svc/migrations/sqlite/0004_contact_keys.sql", "531ef842e37df893950b725dd462d4a7"),
    ("contacts-svc/migrations/sqlite/0005_changes.sql", "97a0e9aa99a31b47e75c7e5d2ff79bdd"),
    ("contacts-svc/migrations/sqlite/0006_lists.sql", "bfec5e3f03d33b153b9cd84aebcfa189"),
    ("contacts-svc/migrations/sqlite/0007_imports.sql", "da567e77bf4c09e4c95a0ec542779b61"),
    ("contacts-svc/migrations/sqlite/0008_files.sql", "f56639b7867796acd7ad892749c8ec1f"),
    ("contacts-svc/migrations/sqlite/0010_row_security.sql", "5d204362bb99d07599e45397a84cf7a1"),
    ("contacts-svc/migrations/sqlite/0011_field_revisions.sql", "d16f12756688858ed52935d88084a832"),
    ("contacts-svc/migrations/postgres/0009_webhooks.sql", "86f07bcd98ea0fb929bc91f415bdc846"),
    ("contacts-svc/migrations/sqlite/0009_webhooks.sql", "c29cf4efe54808a0cfbdd50840ae3bd0"),
    ("extraction-svc/migrations/postgres/0001_jobs.sql", "380d82b182b8b7e9e913635839516769"),
    ("extraction-svc/migrations/postgres/0002_idempotency.sql", "bce25cdd804ab04f6e63e74332cea486"),
    ("extraction-svc/migrations/postgres/0003_lowest_confidence.sql", "d44cca80fd6e303d54cab102aeb9c593"),
    ("extraction-svc/migrations/postgres/0004_templates.sql", "e8262fa75d10e8b1c5d1eb6e6d45a984"),
    ("extraction-svc/migrations/sqlite/0001_jobs.sql", "40d4992e1b3bf199c4e70651c1df52fd"),
    ("extraction-svc/migrations/sqlite/0002_idempotency.sql", "8dd7a1790eb505da43a5c24da605dd5f"),
    ("extraction-svc/migrations/sqlite/0003_lowest_confidence.sql", "dd9aa61ab22f3862b31ae46663fd0b52"),
    ("extraction-svc/migrations/sqlite/0004_templates.sql", "edbba7098afd39493aa65e6259a17b1f"),
    ("auth-svc/migrations/postgres/0014_told_deeds.sql", "4d8a8e1099bbd38e5d8ccf4d682227fa"),
    ("auth-svc/migrations/sqlite/0014_told_deeds.sql", "4d8a8e1099bbd38e5d8ccf4d682227fa"),
    ("contacts-svc/migrations/postgres/0014_outbox.sql", "9b98bf97ec3392cda56d411220e24881"),
    ("contacts-svc/migrations/sqlite/0014_outbox.sql", "1c31a9d1c5add3ee08576564dc6a93db"),
    ("extraction-svc/migrations/postgres/0005_outbox.sql", "59785c6837dfe7a88e595f2f01955612"),
    ("extraction-svc/migrations/sqlite/0005_outbox.sql", "1c31a9d1c5add3ee08576564dc6a93db"),
    ("contacts-svc/migrations/postgres/0015_names.sql", "35246e64cc181d5e6da708b55061229a"),
    ("contacts-svc/migrations/sqlite/0015_names.sql", "97a825cfc55b9ed3ab1597900501239f"),
    ("extraction-svc/migrations/postgres/0006_deeds.sql", "b3d4e391c8f809c07b9211350fbaad2c"),
    ("extraction-svc/migrations/sqlite/0006_deeds.sql", "4a19baaf12e364bf3c00ab836247f732"),
    ("auth-svc/migrations/postgres/0015_erasures.sql", "137fb14faf59568b3161c9c9867756e9"),
    ("auth-svc/migrations/sqlite/0015_erasures.sql", "b457aba8e1c8815482d9f33200c6039c"),
    ("contacts-svc/migrations/postgres/0016_erasures.sql", "d72e57eb46163f9fd75cea69a2eae262"),
    ("contacts-svc/migrations/sqlite/0016_erasures.sql", "57035206db3ab4153ba796f1d579e344"),
    ("extraction-svc/migrations/postgres/0007_erasures.sql", "47fbc46b97cb28c31c51acd73084663b"),
    ("extraction-svc/migrations/sqlite/0007_erasures.sql", "5960cb8557696f6c0a70bc65de952d76"),
];

fn folders() -> Vec<PathBuf> {
    let services = std::fs::read_dir(repository().join("services")).unwrap();
    let folders = services.map(|entry| entry.unwrap().path().join("migrations")).filter(|path| path.exists());
    folders.flat_map(|path| [path.join("postgres"), path.join("sqlite")]).collect()
}

#[tokio::test]
async fn committed_files_never_change() {
    let mut files = BTreeMap::new();
    for folder in folders() {
        let hashes = Migrator::new(folder.clone()).await.unwrap();
        let hashes: BTreeMap<i64, String> =
            hashes.iter().map(|one| (one.version, svc_core::ids::hex(&one.checksum[..16]))).collect();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let number = path.file_name().unwrap().to_str().unwrap().split('_').next().unwrap();
            let name = path.strip_prefix(repository().join("services")).unwrap().to_str().unwrap();
            files.insert(name.to_owned(), hashes[&number.parse().unwrap()].clone());
        }
    }
    let held: BTreeMap<String, String> =
        FILES.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
    assert_eq!(files, held, "a new file needs a line in FILES; one that was committed must stay as it was");
}

#[test]
fn both_engines_have_the_same_numbers() {
    for pair in folders().chunks(2) {
        let names = |folder: &Path| {
            let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        assert_eq!(names(&pair[0]), names(&pair[1]));
    }
}

/// A database with the schema of the previous release, and rows in every table: `tests/migrations/SERVICE/NUMBER.sql`
/// has them, named after the last migration of that release, with @bytes(32) for as many bytes, and lines for one engine alone begin with its name and a colon.
struct Previous {
    migrations: Migrator,
    /// The last one that the previous release has.
    number: i64,
    rows: String,
}

impl Previous {
    /// `None` when there is no previous one.
    async fn of<S: Service>(engine: &str) -> Option<Previous> {
        let folder = format!("services/{}-svc/migrations/{engine}", S::NAME);
        let migrations = Migrator::new(repository().join(folder)).await.unwrap();
        let before = std::fs::read_dir(repository().join("tests/migrations").join(S::NAME)).ok()?;
        let file = before.map(|entry| entry.unwrap().path()).max().unwrap();
        let number = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let rows = std::fs::read_to_string(&file)
            .unwrap_or_else(|_| panic!("{}: give each table of the previous schema a row", file.display()));
        let lines = rows.lines().filter_map(|line| match line.split_once(": ") {
            Some(("sqlite" | "postgres", _)) => line.strip_prefix(engine)?.strip_prefix(": "),
            _ => Some(line),
        });
        let mut rows = lines.collect::<Vec<_>>().join("\n");
        for count in [32, 496] {
            let zeros = "00".repeat(count);
            let literal = match engine {
                "sqlite" => format!("X'{zeros}'"),
                _ => format!("'\\x{zeros}'::BYTEA"),
            };
            rows = rows.replace(&format!("@bytes({count})"), &literal);
        }
        Some(Previous { migrations, number, rows })
    }

    /// How many migrations have come since.
    fn missing(&self) -> usize {
        self.migrations.iter().filter(|one| one.version > self.number).count()
    }

    async fn make<C: Migrate>(&self, connection: &mut C) {
        self.migrations.run_direct(Some(self.number), connection, false).await.unwrap();
    }
}

/// How many rows each table has.
type Counts = BTreeMap<String, i64>;

fn assert_kept(before: &Counts, after: &Counts) {
    for (table, rows) in before {
        assert!(*rows > 0, "{table} needs a row");
        assert!(after.get(table).is_none_or(|kept| kept >= rows), "{table} has lost rows: {after:?}");
    }
    assert!(!before.is_empty());
}

async fn counts_in_sqlite(file: &Path) -> Counts {
    let mut connection = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    let mut counts = Counts::new();
    for table in tables {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        counts.insert(table, sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap());
    }
    connection.close().await.unwrap();
    counts
}

async fn counts_in_postgres(url: &str, schema: &str) -> Counts {
    let mut connection = postgres::connect(url).await;
    let tables =
        "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = $1 AND tablename <> '_sqlx_migrations'";
    let tables: Vec<String> =
        sqlx::query_scalar(tables).bind(schema).fetch_all(&mut connection).await.unwrap();
    let mut counts = Counts::new();
    for table in tables {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {schema}.{table}"));
        counts.insert(table, sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap());
    }
    counts
}

/// Migrates what the previous release has stored, opens it, and gives the service.
async fn from_sqlite<S: Service>() -> Option<(S, tempfile::TempDir)> {
    let previous = Previous::of::<S>("sqlite").await?;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(format!("{}.sqlite", S::NAME));
    let url = format!("sqlite:{}?mode=rwc", file.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    previous.make(&mut connection).await;
    let missing = previous.missing();
    connection.execute(AssertSqlSafe(previous.rows)).await.unwrap();
    connection.close().await.unwrap();
    let before = counts_in_sqlite(&file).await;

    let environment = Environment::system(dir.path().to_owned(), DatabaseConfig::default());
    assert_eq!(S::migrate(&environment).await.unwrap(), Some(missing));
    assert_kept(&before, &counts_in_sqlite(&file).await);
    Some((S::open(&S::Config::default(), &environment).await.unwrap(), dir))
}

async fn from_postgres<S: Service>() -> Option<(S, tempfile::TempDir)> {
    let previous = Previous::of::<S>("postgres").await?;
    let url = postgres::new_database().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let schema = format!("CREATE SCHEMA {0}; SET search_path TO {0}", S::NAME);
    connection.execute(AssertSqlSafe(schema)).await.unwrap();
    previous.make(&mut connection).await;
    let missing = previous.missing();
    connection.execute(AssertSqlSafe(previous.rows)).await.unwrap();
    connection.close().await.unwrap();
    let before = counts_in_postgres(&url, S::NAME).await;

    let dir = tempfile::tempdir().unwrap();
    let database = DatabaseConfig { url: Some(Secret::new(url.clone())), ..DatabaseConfig::default() };
    let environment = Environment::system(dir.path().to_owned(), database);
    assert_eq!(S::migrate(&environment).await.unwrap(), Some(missing));
    assert_kept(&before, &counts_in_postgres(&url, S::NAME).await);
    Some((S::open(&S::Config::default(), &environment).await.unwrap(), dir))
}

#[tokio::test]
async fn what_auth_svc_has_stored_survives() {
    for (service, _dir) in
        [from_sqlite::<AuthService>().await.unwrap(), from_postgres::<AuthService>().await.unwrap()]
    {
        assert!(service.is_set_up().await.unwrap());
        service.close().await;
    }
}

#[tokio::test]
async fn what_contacts_svc_has_stored_survives() {
    for (service, _dir) in
        [from_sqlite::<ContactsService>().await.unwrap(), from_postgres::<ContactsService>().await.unwrap()]
    {
        service.close().await;
    }
}
