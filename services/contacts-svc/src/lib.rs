//! Contacts and their files: `keyward.contacts.v1`.
//!
//! `api` turns messages into domain types, `domain` holds the rules, `change` makes changes, `store` has the SQL. Organization
//! and agent come from the principal only.

mod agent_erasing;
mod api;
mod change;
mod changes_retention;
mod config;
mod csv;
mod domain;
mod error;
mod files;
mod objects;
mod retention;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

use std::sync::Arc;

use keyward_proto::contacts::v1::contact_field_service_dispatch::ContactFieldServiceDispatch;
use keyward_proto::contacts::v1::contact_service_dispatch::ContactServiceDispatch;
use keyward_proto::contacts::v1::deed_service_dispatch::DeedServiceDispatch;
use keyward_proto::contacts::v1::erasure_service_dispatch::ErasureServiceDispatch;
use keyward_proto::contacts::v1::file_service_dispatch::FileServiceDispatch;
use keyward_proto::contacts::v1::file_source_service_dispatch::FileSourceServiceDispatch;
use keyward_proto::contacts::v1::webhook_event_service_dispatch::WebhookEventServiceDispatch;
use keyward_proto::contacts::v1::webhook_service_dispatch::WebhookServiceDispatch;
use keyward_proto::dispatch::Services;
use prometheus_client::metrics::counter::Counter;
use svc_db::{AnyDb, IdempotencyRecords, Outbox, OutboxTable};
use svc_runtime::grpc::Address;
use svc_runtime::health::ServiceHealth;
use svc_runtime::service::{DatabaseConfig, Environment, Handlers, Service};
use svc_runtime::tasks::Tasks;
use svc_webhooks::Webhooks;

pub use config::{Config, FilesConfig};
pub use objects::ObjectsError;

/// Why the service does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its database does not.
    #[error(transparent)]
    Database(#[from] svc_db::OpenError),
    /// The store of its files does not.
    #[error(transparent)]
    Files(#[from] ObjectsError),
    /// Webhooks do not.
    #[error(transparent)]
    Webhooks(#[from] svc_webhooks::OpenError),
}

use agent_erasing::AgentEraser;
use api::{
    ContactApi, Cursors, DeedApi, ErasureApi, FieldApi, FileApi, FileSourceApi, WebhookApi, WebhookEventApi,
};
use change::Changes;
use changes_retention::Retention;
use domain::{Contacts, DeclaredFields, Imports};
use files::{Collector, Files, Parts};
use objects::Objects;

/// The name of the service.
pub const NAME: &str = ContactsService::NAME;

/// The service with its database open.
pub struct ContactsService {
    db: AnyDb,
    contacts: Arc<Contacts>,
    fields: Arc<DeclaredFields>,
    files: Arc<Files>,
    cursors: Cursors,
    webhooks: Arc<Webhooks>,
    /// For the audit log.
    outbox: Outbox,
    /// For those who hold more of what is gone.
    erasures: Outbox,
    agents: Arc<AgentEraser>,
    imports: Arc<Imports>,
    health: ServiceHealth,
    tasks: Tasks,
}

impl std::fmt::Debug for ContactsService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContactsService")
    }
}

impl Service for ContactsService {
    const NAME: &'static str = "contacts";
    const ABOUT: &'static str = "Contacts and their files";
    const RPC_SERVICES: &'static [&'static str] = &[
        "keyward.contacts.v1.ContactService",
        "keyward.contacts.v1.ContactFieldService",
        "keyward.contacts.v1.FileService",
        "keyward.contacts.v1.FileSourceService",
        "keyward.contacts.v1.WebhookService",
        "keyward.contacts.v1.WebhookEventService",
        "keyward.contacts.v1.DeedService",
        "keyward.contacts.v1.ErasureService",
    ];
    type Config = Config;
    type OpenError = OpenError;

    fn listen(config: &Config) -> &Address {
        &config.listen
    }

    async fn migrate(environment: &Environment) -> Result<Option<usize>, OpenError> {
        Ok(Some(store::migrate(environment).await?))
    }

    fn check(config: &Config, database: &DatabaseConfig) -> Result<(), OpenError> {
        svc_db::check(database)?;
        Objects::check(&config.files)?;
        svc_webhooks::check(&config.webhooks)?;
        Ok(())
    }

    async fn open(config: &Config, environment: &Environment) -> Result<ContactsService, OpenError> {
        // Before anything is made: settings that are refused leave nothing behind.
        Self::check(config, &environment.database)?;
        let objects = Objects::open(&config.files, &environment.data_dir)?;
        let (store, writer, db) = store::open(environment).await?;
        store::check_role(&db).await?;
        if matches!(db, AnyDb::Postgres(_)) && objects.is_on_disk() && config.files.url.is_none() {
            tracing::warn!(
                "files are kept in `data_dir`: replicas of contacts-svc need one place, `contacts.files.url`"
            );
        }
        let cursors = Cursors::new(store::cursor_key(&db, environment).await?, environment.random.clone());
        let (health, tasks) = (environment.health.of(NAME), environment.supervisor.of(NAME));
        let records = IdempotencyRecords::new(NAME, db.clone(), environment, &tasks);
        let outbox = Outbox::new(db.clone(), environment);
        let erasures = Outbox::of(OutboxTable::Erasures, db.clone(), environment);
        Retention::new(store.clone(), environment, config.changes_kept_days).start(&tasks);
        let (told, gone) = (outbox.clone(), erasures.clone());
        let changes = Arc::new(Changes::new(writer, records.clone(), told, gone, &environment.metrics));
        let (feed, wake) = (store::feed(&db, store.clone()), changes.webhooks());
        let (webhooks, dispatcher) =
            svc_webhooks::open(&config.webhooks, &db, feed, records, wake, environment)?;
        svc_webhooks::spawn(&dispatcher, &tasks);
        let clock = environment.clock.clone();
        let agents = Arc::new(AgentEraser::new(store.clone(), changes.clone(), webhooks.clone(), clock));
        let erasing = agents.clone();
        tasks.spawn("agent-erasures", move |stop| erasing.clone().run(stop));
        let phones = config.phones();
        let clock = environment.clock.clone();
        let fields = DeclaredFields::new(store.clone(), changes.clone(), phones, clock);
        let fields = Arc::new(fields);
        let pages_cut = Counter::default();
        environment.metrics.register(|registry| {
            let help = "Pages of contacts that ended before their limit because of their bytes";
            registry.register("contacts_pages_cut", help, pages_cut.clone());
        });
        let made_of = (environment.clock.clone(), environment.ids.clone());
        let contacts =
            Contacts::new(store.clone(), changes.clone(), fields.clone(), phones, made_of, pages_cut);
        let contacts = Arc::new(contacts);
        let imports = store::imports_in(&db);
        let (clock, ids) = (environment.clock.clone(), environment.ids.clone());
        let imports = Arc::new(Imports::new(contacts.clone(), imports, clock, ids));
        let purging = imports.clone();
        tasks.spawn("contact-import-purge", move |stop| {
            let imports = purging.clone();
            async move { imports.purge_until(stop).await }
        });
        if let Some(kept_for) = config.archived_retention() {
            retention::spawn(&tasks, contacts.clone(), kept_for);
        }
        let collector = Collector::new(store.clone(), changes.clone(), objects.clone(), environment);
        collector.start(&tasks);
        let (clock, ids) = (environment.clock.clone(), environment.ids.clone());
        let random = environment.random.clone();
        let parts = Parts { store, changes, objects, collector, clock, ids, random };
        let files = Arc::new(Files::new(parts, &config.files));
        Ok(ContactsService {
            db,
            contacts,
            fields,
            files,
            cursors,
            imports,
            webhooks,
            outbox,
            erasures,
            agents,
            health,
            tasks,
        })
    }

    fn handlers(&self) -> Handlers {
        let services = Services::new()
            .add(ContactServiceDispatch::new(ContactApi::new(
                self.contacts.clone(),
                self.fields.clone(),
                self.cursors.clone(),
                self.imports.clone(),
            )))
            .add(ContactFieldServiceDispatch::new(FieldApi::new(self.fields.clone())))
            .add(FileServiceDispatch::new(FileApi::new(self.files.clone())))
            .add(FileSourceServiceDispatch::new(FileSourceApi::new(self.files.clone())))
            .add(WebhookServiceDispatch::new(WebhookApi::new(self.webhooks.clone())))
            .add(WebhookEventServiceDispatch::new(WebhookEventApi::new(self.webhooks.clone())))
            .add(DeedServiceDispatch::new(DeedApi::new(self.outbox.clone())))
            .add(ErasureServiceDispatch::new(ErasureApi::new(self.erasures.clone(), self.agents.clone())));
        Handlers::new(Self::RPC_SERVICES, services, self.health.clone())
    }

    fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    async fn close(&self) {
        self.tasks.stop().await;
        self.db.close().await;
    }
}
