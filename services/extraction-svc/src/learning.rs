//! Learning from corrections, in the background: one lesson at a time, and what came of it in one statement.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use svc_core::error::cause;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::ExtractionError;
use crate::parts::Parts;
use crate::pipeline::{Example, Learned};
use crate::store::{Claim, Lesson, Taught};

/// How long a lesson is a worker's. Longer than learning takes.
const LEASE: Duration = Duration::from_secs(300);
/// How often it is looked for lessons that other replicas took in.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long it is waited after a correction for the next: people and programs send several.
const SETTLE: Duration = Duration::from_millis(300);
/// The most corrected jobs that are learned from: the latest.
const EXAMPLES_MAX: i64 = 500;

/// Who learns.
pub(crate) struct Learner {
    parts: Parts,
    claim: Claim,
}

impl Learner {
    pub(crate) fn new(parts: Parts, worker: String) -> Learner {
        let claim = Claim { worker, lease: LEASE, most_of_one: 1 };
        Learner { parts, claim }
    }

    /// Learns what there is to learn, until it is to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match stop.run_until_cancelled(self.learn_next()).await {
                Some(Ok(true)) => continue,
                Some(Ok(false)) | None => {}
                Some(Err(error)) => {
                    tracing::warn!(error = %error, cause = %cause(&error), "nothing can be learned");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.parts.bells.taught.notified() => sleep(SETTLE).await,
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Learns one lesson, if there is one.
    pub(crate) async fn learn_next(&self) -> Result<bool, ExtractionError> {
        let (claim, now) = (self.claim.clone(), self.parts.clock.now());
        let work = self
            .parts
            .changes
            .make(|work| Box::pin(async move { Ok(work.claim_lesson(&claim, now).await?) }));
        let Some(lesson) = work.await? else { return Ok(false) };
        let taught = self.learn(&lesson).await?;
        let (claim, now) = (self.claim.clone(), self.parts.clock.now());
        let work = self
            .parts
            .changes
            .make(|work| Box::pin(async move { Ok(work.learned(&lesson, &claim, &taught, now).await?) }));
        work.await?;
        Ok(true)
    }

    async fn learn(&self, lesson: &Lesson) -> Result<Taught, ExtractionError> {
        let found = self.parts.store.corrected(lesson, EXAMPLES_MAX).await?;
        let corrections = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let Ok(schema) = serde_json::from_str::<Value>(&lesson.schema) else {
            return Ok(Taught { corrections, ..Taught::default() });
        };
        // The oldest first: of what contradicts itself, the latest counts.
        let examples =
            found.into_iter().rev().map(|one| Example { reading: one.reading, corrections: one.corrections });
        let (pipeline, examples): (_, Vec<_>) = (self.parts.pipeline.clone(), examples.collect());
        match spawn_blocking(move || pipeline.learn(&schema, examples)).await {
            Ok(Learned { model, accuracy }) => Ok(Taught { corrections, model, accuracy }),
            Err(panic) => {
                // Learned is nothing, and not again and again.
                tracing::error!(error = %panic, "learning panicked");
                Ok(Taught { corrections, ..Taught::default() })
            }
        }
    }
}
