//! What callers can do with jobs.

use std::io::SeekFrom;
use std::time::Duration;

use serde_json::Value;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::{Answers, IdempotentCall, Kept, Once};
use svc_core::ids::{Ids, is_id};
use svc_core::page::PageSize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::time::{Instant, timeout_at};

use crate::change::Changed;
use crate::domain::{
    Actor, Filter, Job, Learning, NewJob, Ocr, Options, Page, Partition, Position, Sent, Status, deeds, given,
};
use crate::error::ExtractionError;
use crate::llm::EMBEDDED;
use crate::parts::Parts;

/// How much of a document is stored in one row.
const PART_BYTES: usize = 1024 * 1024;
/// How often a job is looked at while somebody waits for it: another replica may have ended it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How much of a document tells what it is.
pub(crate) const BEGINNING_BYTES: usize = 8 * 1024;

/// The jobs of all partitions.
pub(crate) struct Jobs {
    parts: Parts,
    ids: Ids,
    most_waiting: i64,
}

/// A job with what was learned for it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) job: Job,
    pub(crate) learning: Option<Learning>,
}

impl Jobs {
    pub(crate) fn new(parts: Parts, ids: Ids, most_waiting: i64) -> Jobs {
        Jobs { parts, ids, most_waiting }
    }

    /// Refuses what cannot be done of what is asked of a document.
    pub(crate) fn check(&self, organization_id: &str, options: &Options) -> Result<(), ExtractionError> {
        let mut violations = self.unread(options);
        violations.extend(self.no_engine(organization_id, options));
        if violations.is_empty() { Ok(()) } else { Err(ExtractionError::Invalid(violations)) }
    }

    /// The engines that an organization may ask for, first the one that comes with Keyward.
    pub(crate) fn engines(&self, organization_id: &str) -> Vec<&str> {
        let models = self.parts.pipeline.language_models(organization_id);
        std::iter::once(EMBEDDED).chain(models).collect()
    }

    /// An engine that the organization may not ask for is none that there is.
    fn no_engine(&self, organization_id: &str, options: &Options) -> Option<Violation> {
        let engine = options.engine.as_deref()?;
        let known = self.engines(organization_id);
        if known.contains(&engine) {
            return None;
        }
        let message =
            format!("There is no such engine here. Leave it out, or name one of: {}.", known.join(", "));
        Some(Violation::new("options.engine", Fault::Invalid, message))
    }

    fn unread(&self, options: &Options) -> Vec<Violation> {
        // Only pictures are read by what knows languages.
        if options.ocr == Some(Ocr::Never) {
            return Vec::new();
        }
        let pipeline = &self.parts.pipeline;
        let unread = options.languages.iter().enumerate().filter(|(_, tag)| !pipeline.reads_language(tag));
        unread
            .map(|(at, tag)| {
                let message = format!(
                    "Text in pictures is not recognised in `{tag}` here: it is read by {}. Leave the language out, or \
                     say that `ocr` is `NEVER`.",
                    pipeline.ocr()
                );
                Violation::new(format!("options.languages[{at}]"), Fault::Invalid, message)
            })
            .collect()
    }

    /// Queues a job for a document.
    pub(crate) async fn create(
        &self,
        actor: &Actor,
        new: NewJob,
        mut document: File,
        once: Option<Once<Job>>,
    ) -> Result<Job, ExtractionError> {
        let beginning = self.beginning(&mut document).await?;
        if !self.parts.pipeline.knows(&beginning, new.content_type.as_deref(), new.file_name.as_deref()) {
            return Err(ExtractionError::UnsupportedType);
        }
        if self.parts.store.waiting(&actor.partition.organization_id).await? >= self.most_waiting {
            return Err(ExtractionError::QueueFull);
        }
        let now = self.parts.clock.now();
        let size_bytes = i64::try_from(document.metadata().await?.len()).unwrap_or(i64::MAX);
        let (template, template_version) = new.chosen.template.unzip();
        let job = Job {
            id: self.ids.next(),
            status: Status::Queued,
            template,
            template_version,
            schema: new.chosen.schema,
            lesson: new.chosen.lesson,
            options: new.options,
            file_name: new.file_name,
            content_type: new.content_type,
            contact_file_id: new.contact_file_id,
            size_bytes,
            page_count: None,
            pages_read: None,
            result: None,
            corrections: Vec::new(),
            failure: None,
            usage: None,
            lowest_confidence: None,
            created_at: now,
            updated_at: now,
            started_at: None,
            finished_at: None,
            document_deleted_at: None,
            attempts: 0,
        };
        let partition = actor.partition.clone();
        let work = self.parts.changes.make_for(actor, once, |work| {
            Box::pin(async move {
                let mut buffer = vec![0; PART_BYTES];
                let mut part = 0;
                loop {
                    let length = fill(&mut document, &mut buffer).await?;
                    if length == 0 {
                        break;
                    }
                    work.add_part(&partition, &job.id, part, &buffer[..length]).await?;
                    part += 1;
                }
                // Last, since it holds what the organization's jobs take turns by.
                work.insert(&partition, &job).await?;
                Ok(Changed::untold(job))
            })
        });
        let job = work.await?;
        self.parts.bells.queued.notify_one();
        Ok(job)
    }

    async fn beginning(&self, document: &mut File) -> Result<Vec<u8>, ExtractionError> {
        let mut beginning = vec![0; BEGINNING_BYTES];
        document.seek(SeekFrom::Start(0)).await?;
        let length = fill(document, &mut beginning).await?;
        beginning.truncate(length);
        document.seek(SeekFrom::Start(0)).await?;
        Ok(beginning)
    }

    /// The job, which is waited for until it has ended or the time is over.
    pub(crate) async fn get(
        &self,
        partition: &Partition,
        id: &str,
        wait: Duration,
    ) -> Result<Shown, ExtractionError> {
        let until = Instant::now() + wait;
        // While it runs only its status is read: a schema may be large.
        while Instant::now() < until && is_id(id) {
            let ended = self.parts.bells.ended.notified();
            match self.parts.store.status(partition, id).await? {
                Some(status) if !status.is_final() => {}
                _ => break,
            }
            let look_again = until.min(Instant::now() + LOOK_AGAIN);
            // Either way it is looked at.
            let _ = timeout_at(look_again, ended).await;
        }
        let job = self.find(partition, id).await?;
        self.shown(partition, job).await
    }

    async fn find(&self, partition: &Partition, id: &str) -> Result<Job, ExtractionError> {
        if !is_id(id) {
            return Err(ExtractionError::NotFound);
        }
        self.parts.store.find(partition, id).await?.ok_or(ExtractionError::NotFound)
    }

    async fn shown(&self, partition: &Partition, job: Job) -> Result<Shown, ExtractionError> {
        let learning = match job.status {
            Status::Succeeded => {
                Some(self.parts.store.learning(&partition.organization_id, &job.lesson).await?)
            }
            _ => None,
        };
        Ok(Shown { job, learning })
    }

    /// Jobs, newest first, those that follow `after`.
    pub(crate) async fn list(
        &self,
        partition: &Partition,
        filter: &Filter,
        size: PageSize,
        after: Option<&Position>,
        count: bool,
    ) -> Result<Page, ExtractionError> {
        Ok(self.parts.store.list(partition, filter, size, after, count).await?)
    }

    /// Sets what a person says of the values of a job, all of it.
    pub(crate) async fn correct(
        &self,
        actor: &Actor,
        id: &str,
        sent: Vec<Sent>,
    ) -> Result<Shown, ExtractionError> {
        if !is_id(id) {
            return Err(ExtractionError::NotFound);
        }
        let (partition, id, now) = (actor.partition.clone(), id.to_owned(), self.parts.clock.now());
        let work = self.parts.changes.make_for(actor, None, |work| {
            Box::pin(async move {
                let mut job = work.lock(&partition, &id).await?.ok_or(ExtractionError::NotFound)?;
                if job.status != Status::Succeeded {
                    return Err(ExtractionError::NotSucceeded);
                }
                let schema: Value = serde_json::from_str(&job.schema).unwrap_or_default();
                let corrections =
                    given(sent, &job.corrections, now, &schema).map_err(ExtractionError::Invalid)?;
                let gone = deeds::corrections_deleted(&job, &corrections);
                if corrections != job.corrections {
                    work.correct(&partition, &id, &corrections, now).await?;
                    work.teach(&partition.organization_id, &job.lesson, &job.schema).await?;
                    job.corrections = corrections;
                    job.updated_at = now;
                }
                Ok(match gone {
                    Some(deed) => Changed::told(job, deed),
                    None => Changed::untold(job),
                })
            })
        });
        let job = work.await?;
        self.parts.bells.taught.notify_one();
        self.shown(&actor.partition, job).await
    }

    /// Deletes a job with its document, whatever it does at this moment, and what its corrections have taught.
    pub(crate) async fn delete(&self, actor: &Actor, id: &str) -> Result<(), ExtractionError> {
        if !is_id(id) {
            return Err(ExtractionError::NotFound);
        }
        let (partition, id) = (actor.partition.clone(), id.to_owned());
        let work = self.parts.changes.make_for(actor, None, |work| {
            Box::pin(async move {
                let job = work.lock(&partition, &id).await?.ok_or(ExtractionError::NotFound)?;
                work.delete(&partition, &id).await?;
                if !job.corrections.is_empty() {
                    work.teach(&partition.organization_id, &job.lesson, &job.schema).await?;
                }
                Ok(Changed::told((), deeds::job_deleted(&job)))
            })
        });
        work.await?;
        self.parts.bells.taught.notify_one();
        Ok(())
    }
}

impl Answers for Jobs {
    async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, Error> {
        Ok(self.parts.changes.kept(call).await?)
    }
}

/// Reads until the buffer is full or the file ends, and says how much that was.
async fn fill(file: &mut File, buffer: &mut [u8]) -> Result<usize, std::io::Error> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}
