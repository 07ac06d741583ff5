//! Values out of documents: `keyward.extraction.v1`.
//!
//! `api` turns messages into domain types, `domain` holds the rules, `jobs` is what callers can do,
//! `pages` what members see of documents, `worker` runs what they
//! queued, `learning` learns from what they correct and `erasing` deletes what is gone elsewhere; `change` makes changes, `store` has the SQL. What turns documents
//! into values stands behind `pipeline`: a reader in a process of its own (`sandbox`, `reader`), `engine`, and language
//! models in its place (`llm`).

mod api;
mod catalogue;
mod change;
mod config;
pub mod document;
mod domain;
mod embedded;
pub mod engine;
mod erasing;
mod error;
mod jobs;
mod learning;
mod llm;
mod pages;
mod parts;
mod pipeline;
mod pointer;
pub mod reader;
pub mod sandbox;
mod store;
pub mod templates;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use keyward_proto::dispatch::Services;
use keyward_proto::extraction::v1::deed_service_dispatch::DeedServiceDispatch;
use keyward_proto::extraction::v1::erasure_service_dispatch::ErasureServiceDispatch;
use keyward_proto::extraction::v1::event_service_dispatch::EventServiceDispatch;
use keyward_proto::extraction::v1::extraction_service_dispatch::ExtractionServiceDispatch;
use keyward_proto::extraction::v1::template_service_dispatch::TemplateServiceDispatch;
use svc_db::{AnyDb, IdempotencyRecords, Outbox, OutboxTable};
use svc_runtime::grpc::Address;
use svc_runtime::health::ServiceHealth;
use svc_runtime::service::{DatabaseConfig, Environment, Handlers, Service};
use svc_runtime::tasks::Tasks;

pub use config::Config;
#[cfg(feature = "fuzzing")]
pub use llm::fuzzing as model_answers;
pub use llm::{BadLlmConfig, LlmConfig};

use api::{ContactFiles, DeedApi, ErasureApi, EventApi, ExtractionApi, Limits, TemplateApi};
use catalogue::Catalogue;
use change::Changes;
use embedded::Embedded;
use erasing::Eraser;
use jobs::Jobs;
use learning::Learner;
use llm::Models;
use pages::Pages;
use parts::{Bells, Parts};
use pipeline::Pipeline;
use reader::Installed;
use sandbox::Sandbox;
use worker::{Terms, Workers};

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its database does not open.
    #[error(transparent)]
    Database(#[from] svc_db::OpenError),
    /// A language model's endpoint cannot be used.
    #[error(transparent)]
    Llm(#[from] BadLlmConfig),
}

/// The name of the service.
pub const NAME: &str = ExtractionService::NAME;

/// The largest document, in bytes.
const DOCUMENT_MAX_BYTES: u64 = 100 * 1024 * 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The service with its database open.
pub struct ExtractionService {
    db: AnyDb,
    jobs: Arc<Jobs>,
    pages: Arc<Pages>,
    catalogue: Arc<Catalogue>,
    workers: Arc<Workers>,
    learner: Arc<Learner>,
    eraser: Arc<Eraser>,
    limits: Limits,
    /// For webhooks.
    outbox: Outbox,
    /// For the audit log.
    deeds: Outbox,
    /// What reads documents, when they are read at all.
    sandbox: Option<Arc<Sandbox>>,
    /// The language models that may be asked.
    models: Option<Arc<Models>>,
    health: ServiceHealth,
    tasks: Tasks,
}

impl std::fmt::Debug for ExtractionService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExtractionService")
    }
}

impl ExtractionService {
    async fn with(
        pipeline: Arc<dyn Pipeline>,
        config: &Config,
        environment: &Environment,
    ) -> Result<ExtractionService, OpenError> {
        let (store, writer, db) = store::open(environment).await?;
        let (health, tasks) = (environment.health.of(NAME), environment.supervisor.of(NAME));
        let records = IdempotencyRecords::new(NAME, db.clone(), environment, &tasks);
        let deeds = Outbox::of(OutboxTable::Deeds, db.clone(), environment);
        let changes = Arc::new(Changes::new(writer, records, deeds.clone()));
        let (clock, ids) = (environment.clock.clone(), environment.ids.clone());
        let outbox = Outbox::new(db.clone(), environment);
        let parts =
            Parts { store, changes, pipeline, clock, outbox: outbox.clone(), bells: Bells::default() };
        let terms = Terms {
            worker: ids.next(),
            most: config.workers.into(),
            retention: days(config.retention_days),
            document_retention: days(config.document_retention_days),
            directory: environment.data_dir.clone(),
        };
        let learner = Learner::new(parts.clone(), terms.worker.clone());
        let workers = Workers::new(parts.clone(), terms, &environment.metrics);
        let eraser = Arc::new(Eraser::new(parts.clone()));
        let erasing = eraser.clone();
        tasks.spawn("erasures", move |stop| erasing.clone().run(stop));
        let pages = Pages::new(parts.clone(), environment.data_dir.clone());
        let catalogue = Catalogue::new(parts.clone(), ids.clone());
        let jobs = Jobs::new(parts, ids, config.max_waiting.into());
        let limits = Limits {
            document_bytes: DOCUMENT_MAX_BYTES,
            directory: environment.data_dir.clone(),
            contact_files: ContactFiles::new(environment.peers.clone()),
        };
        Ok(ExtractionService {
            db,
            jobs: Arc::new(jobs),
            pages: Arc::new(pages),
            catalogue: Arc::new(catalogue),
            workers: Arc::new(workers),
            learner: Arc::new(learner),
            eraser,
            limits,
            outbox,
            deeds,
            sandbox: None,
            models: None,
            health,
            tasks,
        })
    }
}

/// Says what reads documents, and what is missing.
fn tell(installed: &Installed) {
    let ocr = installed.ocr();
    match installed.missing_of_poppler.as_slice() {
        [] => tracing::info!(pdf = "poppler", ocr, "documents can be read"),
        missing => {
            let missing = missing.join(", ");
            tracing::warn!(missing, ocr, "PDF cannot be read: poppler is not installed (poppler-utils)");
        }
    }
    if !installed.models && installed.tesseract.is_empty() {
        tracing::warn!(
            "pictures and scans cannot be read: neither the better OCR nor Tesseract is installed"
        );
    }
}

/// So many days; `None` for none, which is for ever.
fn days(count: u32) -> Option<Duration> {
    (count > 0).then(|| DAY.saturating_mul(count))
}

impl Service for ExtractionService {
    const NAME: &'static str = "extraction";
    const ABOUT: &'static str = "Document extraction";
    const RPC_SERVICES: &'static [&'static str] = &[
        "keyward.extraction.v1.ExtractionService",
        "keyward.extraction.v1.TemplateService",
        "keyward.extraction.v1.EventService",
        "keyward.extraction.v1.DeedService",
        "keyward.extraction.v1.ErasureService",
    ];
    const HAS_LONG_WORK: bool = true;
    const CALLS: &'static [&'static str] = &[ContactFiles::SERVICE];
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
        Ok(llm::check(&config.llm)?)
    }

    async fn open(config: &Config, environment: &Environment) -> Result<ExtractionService, OpenError> {
        // Before anything is made: settings that are refused leave nothing behind.
        Self::check(config, &environment.database)?;
        let sandbox = Sandbox::with_directory(config.reader.clone(), environment.data_dir.clone());
        sandbox.count(&environment.metrics);
        let installed = (config.workers > 0).then(|| sandbox.installed());
        let models = Arc::new(Models::new(&config.llm, &environment.metrics)?);
        let pipeline = Arc::new(Embedded::new(sandbox.clone(), installed, models.clone()));
        let mut service = ExtractionService::with(pipeline, config, environment).await?;
        service.sandbox = Some(sandbox);
        service.models = Some(models).filter(|models| !models.is_empty());
        Ok(service)
    }

    fn handlers(&self) -> Handlers {
        let api = ExtractionApi::new(
            self.jobs.clone(),
            self.pages.clone(),
            self.catalogue.clone(),
            self.limits.clone(),
        );
        let services = Services::new()
            .add(ExtractionServiceDispatch::new(api))
            .add(TemplateServiceDispatch::new(TemplateApi::new(self.catalogue.clone())))
            .add(EventServiceDispatch::new(EventApi::new(self.outbox.clone())))
            .add(DeedServiceDispatch::new(DeedApi::new(self.deeds.clone())))
            .add(ErasureServiceDispatch::new(ErasureApi::new(self.eraser.clone())));
        Handlers::new(Self::RPC_SERVICES, services, self.health.clone())
    }

    fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    fn start_long_work(&self) {
        if !self.workers.run_some() {
            return;
        }
        let (running, sweeping, learning) =
            (self.workers.clone(), self.workers.clone(), self.learner.clone());
        self.tasks.spawn("workers", move |stop| running.clone().run(stop));
        self.tasks.spawn("sweep", move |stop| sweeping.clone().sweep(stop));
        self.tasks.spawn("learning", move |stop| learning.clone().run(stop));
        if let Some(models) = &self.models {
            // Whoever runs it sees that documents may leave, and for where.
            tracing::info!(models = models.line(), "documents may be sent to language models");
            self.health.tell("language models", models.line());
        }
        if let Some(sandbox) = self.sandbox.clone() {
            // How readers are confined and what they are is said at the start, and not by the first document.
            let health = self.health.clone();
            self.tasks.spawn("sandbox", move |stop| {
                let (sandbox, health) = (sandbox.clone(), health.clone());
                async move {
                    let installed = sandbox.installed();
                    tell(&installed);
                    health.tell("readers", installed.line());
                    health.tell(
                        "sandbox",
                        match sandbox.confinement().await {
                            Ok(confinement) => confinement.to_string(),
                            Err(error) => format!("none, and no document is read: {error}"),
                        },
                    );
                    stop.cancelled().await;
                }
            });
        }
    }

    async fn close(&self) {
        self.tasks.stop().await;
        self.db.close().await;
    }
}
