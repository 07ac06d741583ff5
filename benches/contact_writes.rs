//! What creating and reading contacts takes, one by one and many at once, beside the bare statements of the driver.
//!
//! Bare is the INSERT of the contact's row alone, or the SELECT of it, with all indexes of the table, committed by
//! itself, on a connection of its own. The stored row takes what lists, search and the feed of changes need besides,
//! in one transaction: `statements` runs these without HTTP, keys and rules.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use contacts_svc::{ContactsService, testing};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use svc_db::testing::new_postgres_database;
use svc_runtime::service::Service;

use crate::installation::Installation;
use crate::rounds::{Plan, percentile, rounded};
use crate::target::Target;
use crate::usage;

/// How many clients there are, each with one request at a time.
const CLIENTS: [usize; 2] = [1, 16];
/// Contacts of a bulk call.
const AT_ONCE: u32 = 100;
/// A create may take so many times the CPU time of the bare INSERT, that of PostgreSQL included.
const AIM: f64 = 2.0;

const INSERT: &str = "INSERT INTO contacts (organization_id, agent_id, id, external_reference_id, name, email, \
     mobile_number, gender, stage, status, source, tags, notes, custom_fields, created_at, updated_at, archived_at, \
     version, email_key) \
     VALUES ($1, $2, $3, $4, 'Ada Lovelace', $5, $6, NULL, 'CUSTOMER', 'ACTIVE', 'website', '[\"vip\"]', NULL, \
     '{\"plan\":\"gold\",\"seats\":25}', $7, $7, NULL, 1, $5)";
const SELECT: &str = "SELECT id, external_reference_id, name, email, mobile_number, gender, stage, status, source, \
     tags, notes, custom_fields, created_at, updated_at, archived_at, version \
     FROM contacts WHERE organization_id = $1 AND agent_id = $2 AND external_reference_id = $3";

/// What one way took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactWriteRow {
    engine: &'static str,
    what: &'static str,
    clients: usize,
    contacts_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// CPU time of all for a contact: of Keyward or of the driver, and of PostgreSQL. Without that of the client.
    cpu_micros_per_contact: f64,
}

/// Measures them on both engines.
pub async fn measure(plan: Plan, dir: &Path, postgres: u32) -> anyhow::Result<Vec<ContactWriteRow>> {
    let mut rows = Vec::new();
    let database = new_postgres_database().await;
    for (engine, url) in [("sqlite", None), ("postgres", Some(database.as_str()))] {
        let dir = dir.join(format!("contact-writes-{engine}"));
        std::fs::create_dir_all(&dir)?;
        let of = Of { engine, plan, postgres: url.map(|_| postgres), number: Arc::default() };
        rows.extend(of.measure(&dir, url).await.context(engine)?);
    }
    Ok(rows)
}

/// Prints them for people.
pub fn print(rows: &[ContactWriteRow]) {
    if rows.is_empty() {
        return;
    }
    println!("\nContacts one by one and {AT_ONCE} at once");
    println!(
        "{:34} {:>8} {:>12} {:>8} {:>8} {:>16}",
        "", "clients", "contacts/s", "p50 ms", "p99 ms", "CPU µs/contact"
    );
    for row in rows {
        let ContactWriteRow { engine, what, clients, .. } = row;
        println!(
            "{:34} {clients:>8} {:>12.0} {:>8.2} {:>8.2} {:>16.1}",
            format!("{engine}, {what}"),
            row.contacts_per_second,
            row.p50_ms,
            row.p99_ms,
            row.cpu_micros_per_contact
        );
    }
    for engine in ["sqlite", "postgres"] {
        let of = |what: &str, clients| {
            rows.iter().find(|row| row.engine == engine && row.what == what && row.clients == clients)
        };
        for clients in CLIENTS {
            let (Some(create), Some(insert)) = (of("create", clients), of("bare INSERT", clients)) else {
                continue;
            };
            println!(
                "{engine}, {clients} clients, create / bare INSERT: CPU {:.2}, p50 {:.2}   aim: {AIM}",
                create.cpu_micros_per_contact / insert.cpu_micros_per_contact,
                create.p50_ms / insert.p50_ms
            );
        }
    }
}

struct Of {
    engine: &'static str,
    plan: Plan,
    /// The first process of PostgreSQL.
    postgres: Option<u32>,
    /// Of the contact that is made next.
    number: Arc<AtomicU32>,
}

impl Of {
    async fn measure(&self, dir: &Path, url: Option<&str>) -> anyhow::Result<Vec<ContactWriteRow>> {
        let mut rows = Vec::new();
        let installation = Installation::new(dir, url)?;
        let process = installation.serve(None, &[])?;
        let address = process.address("edge")?;
        let permissions = ["contacts:create", "contacts:read", "contacts:update"];
        let credentials = installation.new_key_for(address, &permissions).await?;
        let target = Arc::new(Target::new(address, &credentials)?);
        let agent = credentials.agent_id.clone();
        let (create, bulk) = (
            format!("/v1/open/contacts/chatbots/{agent}"),
            format!("/v1/open/contacts/chatbots/{agent}:bulk"),
        );
        let pids = process.pids();
        for clients in CLIENTS {
            let made = async |number: u32| {
                let response = target.request(Method::POST, &create).json(&contact(number)).send().await?;
                let status = response.status();
                ensure!(status == 201, "{status}: {}", response.text().await?);
                response.bytes().await?;
                Ok(1)
            };
            rows.push(self.row("create", clients, &pids, made).await?);
            let made = async |number: u32| {
                let contacts: Vec<Value> =
                    (0..AT_ONCE).map(|of| contact(number * 1_000 + 1_000_000_000 + of)).collect();
                let body = json!({ "contacts": contacts });
                let response = target.request(Method::POST, &bulk).json(&body).send().await?;
                let status = response.status();
                let body = response.text().await?;
                ensure!(status == 200 && !body.contains("FAILED"), "{status}: {body}");
                Ok(AT_ONCE)
            };
            rows.push(self.row("bulk of 100", clients, &pids, made).await?);
            let read = async |number: u32| {
                let path = format!("/v1/open/contacts/customer-{}/chatbots/{agent}", number % 50);
                target.get(&path).await?;
                Ok(1)
            };
            rows.push(self.row("read", clients, &pids, read).await?);
        }
        process.stop()?;

        let settings = installation.settings()?;
        let environment = keyward::run::environment(&settings);
        let config = settings.services.config::<ContactsService>()?;
        let service = ContactsService::open(config, &environment).await?;
        let own = [std::process::id()];
        let of = (installation.made.organization_id.as_str(), agent.as_str());
        for clients in CLIENTS {
            let made = async |number: u32| {
                let number = number + 500_000_000;
                let added = testing::add_contacts(&service, of, number..number + 1).await;
                added.map_err(|error| anyhow!("{}", error.message))?;
                Ok(1)
            };
            rows.push(self.row("statements of a create", clients, &own, made).await?);
        }
        service.close().await;
        drop(service);

        for clients in CLIENTS {
            let mut drivers = Vec::new();
            for _ in 0..clients {
                drivers.push(tokio::sync::Mutex::new(Driver::connect(dir, url).await?));
            }
            let free = async || {
                loop {
                    for driver in &drivers {
                        if let Ok(driver) = driver.try_lock() {
                            return driver;
                        }
                    }
                    tokio::task::yield_now().await;
                }
            };
            rows.push(
                self.row("bare INSERT", clients, &own, async |number| free().await.insert(of, number).await)
                    .await?,
            );
            free().await.analyze().await?;
            rows.push(
                self.row("bare SELECT", clients, &own, async |number| free().await.select(of, number).await)
                    .await?,
            );
        }
        Ok(rows)
    }

    /// The same over and over by so many clients, for as long as a load is.
    async fn row(
        &self,
        what: &'static str,
        clients: usize,
        pids: &[u32],
        once: impl AsyncFn(u32) -> anyhow::Result<u32>,
    ) -> anyhow::Result<ContactWriteRow> {
        let cpu = || -> anyhow::Result<Duration> {
            let database = self.postgres.map(usage::cpu_with_children).transpose()?.unwrap_or_default();
            Ok(usage::cpu(pids)? + database)
        };
        let all_until = async |end: Instant| {
            let client = async || -> anyhow::Result<(u32, Vec<Duration>)> {
                let (mut contacts, mut times) = (0, Vec::new());
                while Instant::now() < end {
                    let began = Instant::now();
                    contacts += once(self.number.fetch_add(1, Ordering::Relaxed)).await?;
                    times.push(began.elapsed());
                }
                Ok((contacts, times))
            };
            futures::future::try_join_all((0..clients).map(|_| client())).await
        };
        all_until(Instant::now() + self.plan.warm_up).await.context(what)?;
        let (before, began) = (cpu()?, Instant::now());
        let all = all_until(began + self.plan.load).await.context(what)?;
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu()? - before);
        let contacts = f64::from(all.iter().map(|(contacts, _)| contacts).sum::<u32>());
        let mut times: Vec<Duration> = all.into_iter().flat_map(|(_, times)| times).collect();
        times.sort_unstable();
        let within = |percent| {
            let time = percentile(&times, percent).context("nothing was done")?;
            anyhow::Ok(rounded(time.as_secs_f64() * 1e3))
        };
        Ok(ContactWriteRow {
            engine: self.engine,
            what,
            clients,
            contacts_per_second: rounded(contacts / seconds),
            p50_ms: within(50)?,
            p99_ms: within(99)?,
            cpu_micros_per_contact: rounded(cpu.as_secs_f64() * 1e6 / contacts),
        })
    }
}

fn contact(number: u32) -> Value {
    json!({
        "externalReferenceId": format!("customer-{number}"),
        "name": "Ada Lovelace",
        "email": format!("ada.{number}@example.com"),
        "mobileNumber": format!("+4915{:09}", number % 1_000_000_000),
        "stage": "CUSTOMER",
        "source": "website",
        "tags": ["vip"],
        "customFields": {"plan": "gold", "seats": 25},
    })
}

/// A connection of the driver.
enum Driver {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Driver {
    /// As Keyward connects.
    async fn connect(dir: &Path, url: Option<&str>) -> anyhow::Result<Driver> {
        if let Some(url) = url {
            let mut connection = PgConnection::connect(url).await?;
            sqlx::raw_sql(concat!("SET search_path TO ", "contacts")).execute(&mut connection).await?;
            // What the service says of each transaction, said once: row-level security takes part in both.
            sqlx::raw_sql("SET keyward.scope = '*'").execute(&mut connection).await?;
            return Ok(Driver::Postgres(connection));
        }
        let options = SqliteConnectOptions::new()
            .filename(dir.join("contacts.sqlite"))
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        Ok(Driver::Sqlite(options.connect().await?))
    }

    /// What autovacuum does within a minute: until then PostgreSQL plans as for a table that is empty.
    async fn analyze(&mut self) -> anyhow::Result<()> {
        if let Driver::Postgres(connection) = self {
            sqlx::raw_sql("ANALYZE contacts").execute(connection).await?;
        }
        Ok(())
    }

    async fn insert(&mut self, (organization, agent): (&str, &str), number: u32) -> anyhow::Result<u32> {
        let number = number + 3_000_000_000;
        let (id, reference) = (format!("{number:024x}"), format!("bare-{number}"));
        let (email, mobile) = (format!("ada.{number}@example.com"), format!("+4915{number:010}"));
        let time = 1_767_225_600_000_000 + i64::from(number);
        macro_rules! insert {
            ($connection:expr) => {
                sqlx::query(INSERT)
                    .bind(organization)
                    .bind(agent)
                    .bind(id)
                    .bind(reference)
                    .bind(email)
                    .bind(mobile)
                    .bind(time)
                    .execute($connection)
                    .await?
                    .rows_affected()
            };
        }
        let inserted = match self {
            Driver::Sqlite(connection) => insert!(connection),
            Driver::Postgres(connection) => insert!(connection),
        };
        ensure!(inserted == 1, "{inserted} rows were inserted");
        Ok(1)
    }

    async fn select(&mut self, (organization, agent): (&str, &str), number: u32) -> anyhow::Result<u32> {
        let reference = format!("customer-{}", number % 50);
        macro_rules! select {
            ($connection:expr) => {
                sqlx::query(SELECT)
                    .bind(organization)
                    .bind(agent)
                    .bind(reference)
                    .fetch_all($connection)
                    .await?
                    .len()
            };
        }
        let found = match self {
            Driver::Sqlite(connection) => select!(connection),
            Driver::Postgres(connection) => select!(connection),
        };
        ensure!(found == 1, "{found} rows were found");
        Ok(1)
    }
}
