//! Where the tests run: a database with the tables of webhooks, and a toy in place of contacts.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use svc_core::actor::{ActingMember, Actor};
use svc_core::clock::Clock;
use svc_db::testing::TestEnvironment;
use svc_db::{Db, Dialect, Migrator, StoreError, sql};

use super::*;

const SERVICE: &str = "toy";
const CHANGES: &str = "CREATE TABLE toy_changes (organization_id TEXT NOT NULL, agent_id TEXT NOT NULL, \
     sequence BIGINT NOT NULL, kind TEXT NOT NULL, contact_id TEXT NOT NULL, at BIGINT NOT NULL, \
     PRIMARY KEY (organization_id, agent_id, sequence))";
const HEAD: &str = "(SELECT MAX(sequence) FROM toy_changes t \
     WHERE t.organization_id = webhooks.organization_id AND t.agent_id = webhooks.agent_id)";

/// An agent of the one organization, by the last character of its id.
pub(super) fn owner(agent: char) -> Partition {
    Partition {
        organization_id: "65f0c0ffee65f0c0ffee65f0".to_owned(),
        agent_id: format!("65f0c0ffee65f0c0ffee65a{agent}"),
    }
}

/// A member who acts on webhooks of an agent.
pub(super) fn by(owner: &Partition) -> Actor {
    Actor {
        partition: owner.clone(),
        actor_id: "65f0c0ffee65f0c0ffee65b0".to_owned(),
        request_id: Some("65f0c0ffee65f0c0ffee65c0".to_owned()),
        member: Some(ActingMember::default()),
    }
}

/// A database and what runs on it.
pub(super) struct Stage {
    pub(super) home: TestEnvironment,
    pub(super) toy: Arc<Toy>,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) dispatcher: Arc<Dispatcher>,
    config: WebhooksConfig,
}

impl Stage {
    /// One on each engine, by name.
    pub(super) async fn each() -> Vec<(&'static str, Stage)> {
        let mut stages = Vec::new();
        for (engine, home) in TestEnvironment::each().await {
            stages.push((engine, Stage::on(home).await));
        }
        stages
    }

    async fn on(home: TestEnvironment) -> Stage {
        let migrations = async |engine: &str| {
            let dir = home.path().join("migrations").join(engine);
            std::fs::create_dir_all(&dir).unwrap();
            let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contacts-svc/migrations").join(engine);
            for file in ["0002_idempotency.sql", "0009_webhooks.sql", "0014_outbox.sql"] {
                std::fs::copy(ours.join(file), dir.join(file)).unwrap();
            }
            std::fs::write(dir.join("0001_toy.sql"), CHANGES).unwrap();
            Migrator::new(dir).await.unwrap()
        };
        let (sqlite, postgres) = (migrations("sqlite").await, migrations("postgres").await);
        let db = svc_db::open(&home.environment, SERVICE, sqlite, postgres).await.unwrap();
        let toy = Arc::new(Toy { db, contacts: Mutex::default(), clock: home.environment.clock.clone() });
        let config = WebhooksConfig {
            allowed_ranges: vec!["127.0.0.0/8".parse().unwrap()],
            allowed_ports: Vec::new(),
            allow_http: true,
            ..WebhooksConfig::default()
        };
        let (webhooks, dispatcher) = replica(&home, &toy, &config);
        Stage { home, toy, webhooks, dispatcher, config }
    }

    /// Another process on the same database.
    pub(super) fn replica(&self) -> (Arc<Webhooks>, Arc<Dispatcher>) {
        replica(&self.home, &self.toy, &self.config)
    }

    /// Another process on the same database, with other settings.
    pub(super) fn replica_with(
        &self,
        change: impl FnOnce(&mut WebhooksConfig),
    ) -> (Arc<Webhooks>, Arc<Dispatcher>) {
        let mut config = self.config.clone();
        change(&mut config);
        replica(&self.home, &self.toy, &config)
    }

    /// A webhook that tells these events to the receiver.
    pub(super) async fn webhook(&self, owner: &Partition, url: &str, events: &[EventType]) -> WithSecret {
        let draft = Draft {
            url: Some(url.to_owned()),
            events: Some(events.iter().map(ToString::to_string).collect()),
            ..Draft::default()
        };
        self.webhooks.create(&by(owner), draft, None).await.unwrap()
    }

    /// Time passes.
    pub(super) fn advance(&self, seconds: u64) {
        self.home.clock.advance(Duration::from_secs(seconds));
    }

    /// Sends what is due now, and what that makes due, until there is nothing.
    pub(super) async fn send(&self) {
        while self.dispatcher.round().await.unwrap() > 0 {}
    }

    /// The messages of a webhook, the oldest first.
    pub(super) async fn deliveries(&self, owner: &Partition, id: &str) -> Vec<Delivery> {
        let size = PageSize::new(Some(100)).unwrap();
        let (mut found, more) = self.webhooks.deliveries(owner, id, None, size, None).await.unwrap();
        assert!(!more);
        found.reverse();
        found
    }

    pub(super) async fn get(&self, owner: &Partition, id: &str) -> Webhook {
        self.webhooks.get(owner, id).await.unwrap()
    }
}

fn replica(
    home: &TestEnvironment,
    toy: &Arc<Toy>,
    config: &WebhooksConfig,
) -> (Arc<Webhooks>, Arc<Dispatcher>) {
    let tasks = home.environment.supervisor.of(SERVICE);
    let records = IdempotencyRecords::new(SERVICE, toy.db.clone(), &home.environment, &tasks);
    open(config, &toy.db, toy.clone(), records, Wake::default(), &home.environment).unwrap()
}

/// Contacts, or what webhooks see of them.
pub(super) struct Toy {
    pub(super) db: AnyDb,
    contacts: Mutex<HashMap<String, String>>,
    clock: Arc<dyn Clock>,
}

impl Toy {
    /// A contact is now so.
    pub(super) fn set(&self, contact: &str, data: &str) {
        self.contacts.lock().unwrap().insert(contact.to_owned(), data.to_owned());
    }

    /// A contact is gone.
    pub(super) fn erase(&self, contact: &str) {
        self.contacts.lock().unwrap().remove(contact);
    }

    /// Something happens to a contact.
    pub(super) async fn change(&self, owner: &Partition, event: EventType, contact: &str) {
        match &self.db {
            AnyDb::Sqlite(db) => self.insert(db, owner, event, contact).await,
            AnyDb::Postgres(db) => self.insert(db, owner, event, contact).await,
        }
    }

    async fn insert<D: Dialect>(&self, db: &Db<D>, owner: &Partition, event: EventType, contact: &str) {
        let mut transaction = db.begin().await.unwrap();
        let insert = "INSERT INTO toy_changes (organization_id, agent_id, sequence, kind, contact_id, at) \
             SELECT $1, $2, COALESCE(MAX(sequence), 0) + 1, $3, $4, $5 FROM toy_changes \
             WHERE organization_id = $1 AND agent_id = $2";
        sql::<D>(insert)
            .bind(&owner.organization_id)
            .bind(&owner.agent_id)
            .bind(event.as_str())
            .bind(contact)
            .bind(self.clock.now())
            .run(&mut transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }

    async fn rows<D: Dialect>(
        db: &Db<D>,
        owner: &Partition,
        position: i64,
        most: i64,
    ) -> Result<Vec<Change>, StoreError> {
        let query = "SELECT sequence, kind, contact_id, at FROM toy_changes WHERE organization_id = $1 \
             AND agent_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4";
        let rows = svc_db::read!(db, |connection| {
            sql::<D>(query)
                .bind(&owner.organization_id)
                .bind(&owner.agent_id)
                .bind(position)
                .bind(most)
                .all(connection)
        })?;
        let changes = rows.iter().map(|row| {
            Ok(Change {
                position: row.get("sequence")?,
                event: EventType::parse(&row.get::<String>("kind")?).unwrap(),
                contact_id: row.get("contact_id")?,
                at: row.time("at")?,
            })
        });
        changes.collect()
    }
}

#[async_trait]
impl Feed for Toy {
    fn head_sql(&self) -> &'static str {
        HEAD
    }

    async fn head(&self, owner: &Partition) -> Result<i64, StoreError> {
        let all = self.after(owner, 0, i64::MAX).await?;
        Ok(all.last().map_or(0, |change| change.position))
    }

    async fn after(&self, owner: &Partition, position: i64, most: i64) -> Result<Vec<Change>, StoreError> {
        match &self.db {
            AnyDb::Sqlite(db) => Toy::rows(db, owner, position, most).await,
            AnyDb::Postgres(db) => Toy::rows(db, owner, position, most).await,
        }
    }

    async fn data(&self, _: &Partition, contact_id: &str) -> Result<String, StoreError> {
        let known = self.contacts.lock().unwrap().get(contact_id).cloned();
        Ok(known.unwrap_or_else(|| format!(r#"{{"id":"{contact_id}"}}"#)))
    }
}
