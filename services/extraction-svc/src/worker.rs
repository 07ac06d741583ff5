//! Workers: they take jobs whose turn it is, run them, and end them.
//!
//! A job is leased and its lease renewed while it runs. Whoever lost it (its lease lapsed, it was deleted) stops at the
//! next renewal, which ends the process that reads the document, and can end the job no more.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use serde_json::{Value, json};
use svc_core::clock::Timestamp;
use svc_core::error::{cause, panic_text};
use svc_runtime::telemetry::Metrics;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::document::Document;
use crate::domain::{Chosen, Detected, Failure, JobResult, Template, Usage};
use crate::error::ExtractionError;
use crate::llm::Spent;
use crate::parts::Parts;
use crate::pipeline::Wanted;
use crate::store::{Claim, Claimed, Ended};

/// How long a job is a worker's without being held again. A crash delays its jobs by as much.
const LEASE: Duration = Duration::from_secs(30);
/// How often a lease is renewed,
const HOLD_EVERY: Duration = Duration::from_secs(5);
/// and how often while more pages have been read, which the job tells of.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for jobs that other replicas took in.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for jobs whose worker is gone, and for what has been kept for long enough.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often a job is begun before it is given up: what kills its worker again and again is in the document.
const ATTEMPTS_MAX: i64 = 3;
/// For how long events wait for somebody to hand them on: a week, as those of keys do.
const EVENTS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many jobs may wait for a language model beside those that run: they take a document's memory, and no core.
const AWAITED_MAX: usize = 16;
/// How many jobs are deleted at a time when they have been kept for long enough.
const EXPIRE_AT_ONCE: i64 = 50;

/// What workers stand on.
pub(crate) struct Workers {
    parts: Parts,
    claim: Claim,
    /// How many jobs run at a time.
    most: usize,
    /// How many of those that were begun wait for a language model.
    awaited: AtomicUsize,
    /// How long ended jobs are kept; `None`: until they are deleted.
    retention: Option<Duration>,
    /// How long their documents are.
    document_retention: Option<Duration>,
    directory: std::path::PathBuf,
    counters: Counters,
}

#[derive(Clone, Default)]
struct Counters {
    ended: Family<Outcome, Counter>,
    running: Gauge,
    lost: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// A job that waits for a language model, until it is dropped.
struct Awaited<'a>(&'a AtomicUsize);

impl Awaited<'_> {
    fn begin(count: &AtomicUsize) -> Awaited<'_> {
        count.fetch_add(1, Ordering::Relaxed);
        Awaited(count)
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How workers work.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// This process, as no other is called.
    pub(crate) worker: String,
    /// How many jobs run at a time.
    pub(crate) most: usize,
    /// How long ended jobs are kept.
    pub(crate) retention: Option<Duration>,
    /// How long their documents are kept.
    pub(crate) document_retention: Option<Duration>,
    /// Where documents are put while they are read.
    pub(crate) directory: std::path::PathBuf,
}

impl Workers {
    pub(crate) fn new(parts: Parts, terms: Terms, metrics: &Metrics) -> Workers {
        let counters = Counters::default();
        metrics.register(|registry| {
            let help = "Document extractions that ended, by outcome";
            registry.register("extraction_jobs_ended", help, counters.ended.clone());
            registry.register(
                "extraction_jobs_running",
                "Document extractions that run",
                counters.running.clone(),
            );
            let help = "Document extractions that were another worker's, or deleted, before they ended here";
            registry.register("extraction_jobs_lost", help, counters.lost.clone());
        });
        // One worker is left for others, so that the largest documents of one organization stop nobody.
        let most_of_one = i64::try_from(terms.most.saturating_sub(1).max(1)).unwrap_or(i64::MAX);
        let claim = Claim { worker: terms.worker.clone(), lease: LEASE, most_of_one };
        let Terms { most, retention, document_retention, directory, .. } = terms;
        let awaited = AtomicUsize::new(0);
        Workers { parts, claim, most, awaited, retention, document_retention, directory, counters }
    }

    /// Whether the settings want any.
    pub(crate) fn run_some(&self) -> bool {
        self.most > 0
    }

    /// Takes and runs jobs until it is to stop; what runs then waits for another worker.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        if let Err(error) = self.take_over().await {
            tracing::warn!(error = %error, cause = %cause(&error), "jobs of before wait until their leases are over");
        }
        let mut running = JoinSet::new();
        while !stop.is_cancelled() {
            while running.len() < self.most + self.awaited.load(Ordering::Relaxed).min(AWAITED_MAX) {
                match self.claim().await {
                    Ok(Some(claimed)) => {
                        let workers = self.clone();
                        running.spawn(async move { workers.run_one(claimed).await });
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(error = %error, cause = %cause(&error), "no job can be taken");
                        break;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Some(_) = running.join_next() => {}
                () = self.parts.bells.queued.notified() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
        running.shutdown().await;
        let (worker, now) = (self.claim.worker.clone(), self.parts.clock.now());
        let given_back = self
            .parts
            .changes
            .make(|work| Box::pin(async move { Ok(work.give_back(&worker, now).await?) }))
            .await;
        match given_back {
            Ok(jobs) => tracing::info!(jobs, "jobs wait for another worker"),
            // Their leases lapse.
            Err(error) => tracing::warn!(error = %error, "jobs are not given back"),
        }
    }

    /// Takes over at once what a process of before left, where it is gone for sure.
    async fn take_over(&self) -> Result<(), ExtractionError> {
        if !self.parts.store.is_of_one_process() {
            return Ok(());
        }
        let now = self.parts.clock.now();
        self.parts.changes.make(|work| Box::pin(async move { Ok(work.lapse(now).await?) })).await?;
        self.sweep_once().await
    }

    /// Sees to what other workers left, and to what has been kept for long enough, until it is to stop.
    pub(crate) async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(SWEEP_EVERY)).await.is_some() {
            if let Err(error) = self.sweep_once().await {
                tracing::warn!(error = %error, cause = %cause(&error), "jobs are not swept");
            }
        }
    }

    pub(crate) async fn sweep_once(&self) -> Result<(), ExtractionError> {
        let now = self.parts.clock.now();
        let work = self.parts.changes.make(|work| {
            Box::pin(async move { Ok(work.release(ATTEMPTS_MAX, Failure::Internal, now).await?) })
        });
        let released = work.await?;
        if released > 0 {
            tracing::warn!(jobs = released, "jobs were left by their workers");
            self.parts.bells.queued.notify_one();
        }
        self.parts.outbox.forget_before(now.minus(EVENTS_KEPT)).await?;
        while self.expire(now).await? >= EXPIRE_AT_ONCE.unsigned_abs() {}
        while self.expire_documents(now).await? >= EXPIRE_AT_ONCE.unsigned_abs() {}
        Ok(())
    }

    /// Deletes some of the jobs that have been kept for long enough, and says how many.
    async fn expire(&self, now: Timestamp) -> Result<u64, ExtractionError> {
        let Some(before) = self.retention.map(|retention| now.minus(retention)) else { return Ok(0) };
        let work = self
            .parts
            .changes
            .make(|work| Box::pin(async move { Ok(work.expire(before, EXPIRE_AT_ONCE).await?) }));
        work.await
    }

    /// The same of documents alone.
    async fn expire_documents(&self, now: Timestamp) -> Result<u64, ExtractionError> {
        let Some(before) = self.document_retention.map(|retention| now.minus(retention)) else {
            return Ok(0);
        };
        let work = self.parts.changes.make(|work| {
            Box::pin(async move { Ok(work.expire_documents(before, EXPIRE_AT_ONCE, now).await?) })
        });
        work.await
    }

    pub(crate) async fn claim(&self) -> Result<Option<Claimed>, ExtractionError> {
        let (claim, now) = (self.claim.clone(), self.parts.clock.now());
        self.parts.changes.make(|work| Box::pin(async move { Ok(work.claim(&claim, now).await?) })).await
    }

    /// Runs a job to its end, or until it is this worker's no more.
    pub(crate) async fn run_one(&self, claimed: Claimed) {
        self.counters.running.inc();
        let pages_read = AtomicU32::new(0);
        let ended = tokio::select! {
            biased;
            () = self.hold(&claimed, &pages_read) => None,
            ended = AssertUnwindSafe(self.work(&claimed, &pages_read)).catch_unwind() => Some(ended),
        };
        self.counters.running.dec();
        let ended = match ended {
            Some(Ok(Ok(ended))) => ended,
            Some(Ok(Err(error))) => {
                // The store is away, or the disk is full: the lease lapses, and the job is begun again.
                tracing::warn!(job.id = claimed.job.id, error = %error, cause = %cause(&error), "a job broke off");
                return;
            }
            Some(Err(panic)) => {
                tracing::error!(job.id = claimed.job.id, panic = panic_text(&*panic), "a job panicked");
                Ended::failed(Failure::Internal)
            }
            None => {
                self.counters.lost.inc();
                return;
            }
        };
        let outcome = match &ended {
            Ended::Succeeded { .. } => "succeeded",
            Ended::Failed(failure, _) => failure.code(),
        };
        match self.end(&claimed, ended).await {
            Ok(true) => {
                self.counters.ended.get_or_create(&Outcome { outcome }).inc();
                self.parts.bells.ended.notify_waiters();
                // Its organization may have one more.
                self.parts.bells.queued.notify_one();
            }
            Ok(false) => drop(self.counters.lost.inc()),
            Err(error) => {
                tracing::warn!(job.id = claimed.job.id, error = %error, cause = %cause(&error), "a job is not ended");
            }
        }
    }

    async fn end(&self, claimed: &Claimed, ended: Ended) -> Result<bool, ExtractionError> {
        let (claimed, claim, now) = (claimed.clone(), self.claim.clone(), self.parts.clock.now());
        let work = self
            .parts
            .changes
            .make(|work| Box::pin(async move { Ok(work.end(&claimed, &claim, &ended, now).await?) }));
        work.await
    }

    /// Renews the lease for as long as the job is this worker's, and tells how far it is.
    async fn hold(&self, claimed: &Claimed, pages_read: &AtomicU32) {
        let (mut told, mut held_at) = (0, Instant::now());
        loop {
            sleep(TELL_EVERY).await;
            let read = pages_read.load(Ordering::Relaxed);
            if read == told && held_at.elapsed() < HOLD_EVERY {
                continue;
            }
            held_at = Instant::now();
            let (held, claim, now) = (claimed.clone(), self.claim.clone(), self.parts.clock.now());
            let work = self
                .parts
                .changes
                .make(|work| Box::pin(async move { Ok(work.hold(&held, &claim, read, now).await?) }));
            match work.await {
                Ok(true) => told = read,
                Ok(false) => return,
                // The lease lasts for some more tries.
                Err(error) => tracing::warn!(job.id = claimed.job.id, error = %error, "a job is not held"),
            }
        }
    }

    /// Reads the document and finds the values.
    async fn work(&self, claimed: &Claimed, pages_read: &AtomicU32) -> Result<Ended, ExtractionError> {
        let job = &claimed.job;
        let file = self.parts.document(&claimed.partition, &job.id, &self.directory).await?;
        let (claimed_type, name) = (job.content_type.as_deref(), job.file_name.as_deref());
        let read = self.parts.pipeline.read(file, &job.options, claimed_type, name, pages_read).await;
        let document = match read {
            Ok(document) => document,
            Err(failure) => return Ok(Ended::failed(failure)),
        };
        let document = Arc::new(document);
        let (page_count, pages) = (document.page_count, document.pages.len());
        let organization_id = &claimed.partition.organization_id;
        let found = match job.options.detect_type {
            true => self.detect(organization_id, &document).await?,
            false => None,
        };
        let (detected, found) = found.unzip();
        // What the caller said to extract stays.
        let chosen = found.filter(|_| job.schema.is_empty());
        let (schema, lesson) =
            chosen.as_ref().map_or((&job.schema, &job.lesson), |chosen| (&chosen.schema, &chosen.lesson));
        let model = self.parts.store.model(organization_id, lesson).await?;
        // Empty where the document is of no template that is known: then nothing is found in it.
        let schema = match schema.is_empty() {
            true => None,
            false => match serde_json::from_str::<Value>(schema) {
                Ok(schema) => Some(schema),
                Err(_) => return Ok(Ended::failed(Failure::Internal)),
            },
        };
        let wanted = schema.map(|schema| Wanted { schema, model });
        let spent = Spent::default();
        let found = self.find(claimed, document.clone(), wanted, &spent).await;
        let (tokens, count) = (spent.tokens(), |number: usize| u32::try_from(number).unwrap_or(u32::MAX));
        let usage = Usage {
            pages: count(pages),
            fields: 0,
            input_tokens: tokens.input,
            output_tokens: tokens.output,
        };
        let result = match found {
            Ok(result) => result,
            Err(failure) => return Ok(Ended::Failed(failure, usage)),
        };
        let mut notices = document.notices.clone();
        let reading = spawn_blocking(move || serde_json::to_vec(&*document)).await;
        let Ok(Ok(reading)) = reading else { return Ok(Ended::failed(Failure::Internal)) };
        let found = result.fields.iter().filter(|field| !field.value.is_null()).count();
        let usage = Usage { fields: count(found), ..usage };
        notices.extend(result.notices);
        let result = JobResult { detected, notices, ..result };
        let chosen = chosen.map(Box::new);
        Ok(Ended::Succeeded { page_count, usage, result, chosen, reading })
    }

    /// Finds the values, by the engine that was asked for.
    async fn find(
        &self,
        claimed: &Claimed,
        document: Arc<Document>,
        wanted: Option<Wanted>,
        spent: &Spent,
    ) -> Result<JobResult, Failure> {
        let pipeline = self.parts.pipeline.clone();
        let Some(wanted) = wanted else {
            return Ok(JobResult {
                data: json!({}),
                fields: Vec::new(),
                detected: None,
                notices: Vec::new(),
            });
        };
        if let Some(name) = &claimed.job.options.engine {
            // Meanwhile another job may run.
            let _awaited = Awaited::begin(&self.awaited);
            self.parts.bells.queued.notify_one();
            return pipeline.ask(&claimed.partition.organization_id, name, document, wanted, spent).await;
        }
        let found =
            spawn_blocking(move || pipeline.extract(&document, &wanted.schema, wanted.model.as_deref()));
        found.await.map_err(|panic| {
            tracing::error!(job.id = claimed.job.id, error = %panic, "the engine panicked");
            Failure::Internal
        })?
    }

    /// The template that a document is most likely of, among all that its organization may name.
    async fn detect(
        &self,
        organization_id: &str,
        document: &Arc<Document>,
    ) -> Result<Option<(Detected, Chosen)>, ExtractionError> {
        let mut all = self.parts.templates(organization_id).await?;
        let schema = |template: &Template| serde_json::from_str(&template.schema).unwrap_or_default();
        let among: Vec<(String, Value)> =
            all.iter().map(|template| (template.name.clone(), schema(template))).collect();
        let (pipeline, document) = (self.parts.pipeline.clone(), document.clone());
        let Ok(found) = spawn_blocking(move || pipeline.detect(&document, &among)).await else {
            return Ok(None);
        };
        let Some((at, confidence)) = found.filter(|(at, _)| *at < all.len()) else { return Ok(None) };
        let template = all.swap_remove(at);
        let detected = Detected { name: template.name.clone(), version: template.version, confidence };
        Ok(Some((detected, template.into())))
    }
}
