//! What members see of a document: its pages as they were read, and as they look.
//!
//! Pictures are drawn when somebody looks, and kept nowhere: there is nothing that a deletion could forget.

use std::path::PathBuf;
use std::time::Duration;

use svc_core::ids::is_id;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::document::OnePage;
use crate::domain::{Failure, Partition, Status};
use crate::error::ExtractionError;
use crate::parts::Parts;
use crate::store::StoreError;

/// How many pages are drawn at once: each takes a core for some tenths of a second, and up to the memory of a reader.
const DRAWN_AT_ONCE: usize = 2;
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(10);

/// The pages of the documents of all partitions.
pub(crate) struct Pages {
    parts: Parts,
    directory: PathBuf,
    turns: Semaphore,
}

impl Pages {
    /// Documents are put into this directory while they are drawn.
    pub(crate) fn new(parts: Parts, directory: PathBuf) -> Pages {
        Pages { parts, directory, turns: Semaphore::new(DRAWN_AT_ONCE) }
    }

    /// A page as it was read.
    pub(crate) async fn get(
        &self,
        partition: &Partition,
        job_id: &str,
        number: u32,
    ) -> Result<OnePage, ExtractionError> {
        if !is_id(job_id) {
            return Err(ExtractionError::NotFound);
        }
        let job = self.parts.store.find(partition, job_id).await?.ok_or(ExtractionError::NotFound)?;
        if job.status != Status::Succeeded {
            return Err(ExtractionError::NotRead);
        }
        // It may be deleted meanwhile.
        let reading = self.parts.store.reading(partition, job_id).await?.ok_or(ExtractionError::NotFound)?;
        let pipeline = self.parts.pipeline.clone();
        let page = spawn_blocking(move || pipeline.page(&reading, number)).await;
        match page {
            Ok(Ok(page)) => page.ok_or(ExtractionError::NoPage),
            Ok(Err(_)) | Err(_) => Err(StoreError::Corrupt { column: "content" }.into()),
        }
    }

    /// A page as it looks: a JPEG.
    pub(crate) async fn image(
        &self,
        partition: &Partition,
        job_id: &str,
        number: u32,
    ) -> Result<Vec<u8>, ExtractionError> {
        if self.get(partition, job_id, number).await?.page.synthetic {
            return Err(ExtractionError::NoPicture);
        }
        let turn = timeout(TURN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(ExtractionError::TooManyDrawn) };
        let document = self.parts.document(partition, job_id, &self.directory).await?;
        self.parts.pipeline.draw(document, number).await.map_err(|failure| match failure {
            Failure::EngineUnavailable => ExtractionError::CannotDraw,
            _ => ExtractionError::NoPicture,
        })
    }
}
