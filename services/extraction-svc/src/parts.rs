//! What jobs, workers and learning stand on.

use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;

use svc_core::clock::Clock;
use svc_db::Outbox;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::change::Changes;
use crate::domain::{Partition, Template};
use crate::error::ExtractionError;
use crate::pipeline::Pipeline;
use crate::store::{Store, StoreError};

/// What all of them stand on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) pipeline: Arc<dyn Pipeline>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outbox: Outbox,
    pub(crate) bells: Bells,
}

impl Parts {
    /// The document of a job in a file of this directory that has no name and vanishes with its last user.
    pub(crate) async fn document(
        &self,
        partition: &Partition,
        job_id: &str,
        directory: &Path,
    ) -> Result<std::fs::File, ExtractionError> {
        let mut file = tokio::fs::File::from_std(tempfile::tempfile_in(directory)?);
        let mut part = 0;
        while let Some(content) = self.store.document_part(partition, job_id, part).await? {
            file.write_all(&content).await?;
            part += 1;
        }
        file.flush().await?;
        file.seek(SeekFrom::Start(0)).await?;
        Ok(file.into_std().await)
    }

    /// The templates that the jobs of an organization may name: those that come with Keyward first, then its own, each by
    /// name. One's own stands for the other of the same name: a later release may bring one.
    pub(crate) async fn templates(&self, organization_id: &str) -> Result<Vec<Template>, StoreError> {
        let own = self.store.templates(organization_id).await?;
        let is_own = |name: &str| own.iter().any(|template| template.name == name);
        let built_in = self.pipeline.templates().iter().filter(|template| !is_own(template.name));
        Ok(built_in.map(Template::from).chain(own.iter().cloned()).collect())
    }
}

/// What wakes whoever waits. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bells {
    /// A job came in.
    pub(crate) queued: Arc<Notify>,
    /// A job ended.
    pub(crate) ended: Arc<Notify>,
    /// There is something to learn.
    pub(crate) taught: Arc<Notify>,
}
