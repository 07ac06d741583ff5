//! A document as it comes: to a file beside the database first, so that no transaction waits for a slow client.

use std::io::SeekFrom;
use std::path::PathBuf;

use aws_lc_rs::digest::{Context, SHA256};
use keyward_proto::extraction::v1 as pb;
use keyward_proto::extraction::v1::create_job_request::Part;
use keyward_proto::extraction::v1::document_source::Source as Sent;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::{IdempotentCall, Once};
use svc_core::ids::hex;
use svc_runtime::grpc::idempotency::{self, kept};
use svc_runtime::grpc::status;
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tonic::{Request, Response, Status, Streaming};

use super::contact_files::{ContactFile, ContactFiles};
use super::{caller, job, json};
use crate::catalogue::Catalogue;
use crate::domain::{Job, NewJob, Partition, file_name, media_type};
use crate::error::ExtractionError;
use crate::jobs::{Jobs, Shown};

/// What a document may be, and where it is put aside.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The largest document, in bytes.
    pub(crate) document_bytes: u64,
    /// Where files without a name can be made.
    pub(crate) directory: PathBuf,
    /// Where those are read that a contact has already.
    pub(crate) contact_files: ContactFiles,
}

/// Takes a document and queues its job.
pub(super) async fn create(
    jobs: &Jobs,
    catalogue: &Catalogue,
    limits: &Limits,
    request: Request<Streaming<pb::CreateJobRequest>>,
) -> Result<Response<pb::CreateJobResponse>, Status> {
    let (principal, actor) = caller::with_principal(&request)?;
    let call = idempotency::call(&request).map_err(status::of)?;
    let mut stream = request.into_inner();
    let first = stream.message().await?.and_then(|first| first.part);
    let Some(Part::Metadata(mut sent)) = first else {
        let message = "The first message has to carry `metadata`.";
        return Err(status::of(Error::invalid(vec![Violation::new("metadata", Fault::Required, message)])));
    };
    let source = sent.document.take().and_then(|document| document.source);
    let new = match new_job(jobs, catalogue, &actor.partition, sent).await {
        // The template may be gone since the call that this one repeats.
        Err(error) if call.is_none() || !matches!(error, ExtractionError::NoTemplate) => {
            return Err(caller::refuse(error));
        }
        new => new,
    };
    let (source, contact_file_id) = match source {
        None => (Source::Stream, None),
        Some(Sent::Content(content)) => (Source::Inline(content), None),
        Some(Sent::ContactFileId(id)) => {
            // What it names never changes, and may be gone, too.
            if let Some(repeated) = idempotency::replay(jobs, call.as_ref()).await? {
                return Ok(repeated);
            }
            let file = limits.contact_files.open(&principal, &actor.partition, &id).await?;
            (Source::ContactFile(Box::new(file)), Some(id))
        }
    };
    let said = match &source {
        Source::ContactFile(file) => Some((file.name.clone(), file.content_type.clone())),
        Source::Stream | Source::Inline(_) => None,
    };
    let (document, sha256) = spool(limits, source, &mut stream).await?;
    // What came before the document is digested already.
    let call = match contact_file_id {
        Some(_) => call,
        None => call.map(|call| IdempotentCall { digest: call.digest.with_content(&sha256), ..call }),
    };
    if let Some(repeated) = idempotency::replay(jobs, call.as_ref()).await? {
        return Ok(repeated);
    }
    let mut new = new.map_err(caller::refuse)?;
    new.contact_file_id = contact_file_id;
    if let Some((name, content_type)) = said {
        // It is called and said to be what it is there.
        new.file_name = Some(name);
        new.content_type = media_type(Some(content_type), &mut Vec::new());
    }
    let once = Once::of(call, |job: &Job| kept(&created(job.clone()), &job.id));
    let job = jobs.create(&actor, new, document, once).await.map_err(caller::refuse)?;
    Ok(Response::new(created(job)))
}

/// Where a document comes from.
enum Source {
    /// From the messages that follow.
    Stream,
    /// It came with the first message.
    Inline(Vec<u8>),
    /// A contact has it.
    ContactFile(Box<ContactFile>),
}

fn created(job: Job) -> pb::CreateJobResponse {
    pb::CreateJobResponse { job: Some(job::whole(Shown { job, learning: None })) }
}

/// What is asked for, with everything that is wrong noted.
async fn new_job(
    jobs: &Jobs,
    catalogue: &Catalogue,
    partition: &Partition,
    sent: pb::CreateJobMetadata,
) -> Result<NewJob, ExtractionError> {
    let mut violations = Vec::new();
    let file_name = file_name(sent.file_name, &mut violations);
    let content_type = media_type(sent.content_type, &mut violations);
    let options = job::options(sent.options.unwrap_or_default(), &mut violations);
    let schema = sent.schema.map(|schema| {
        json::object(schema).unwrap_or_else(|| {
            violations.push(Violation::new("schema", Fault::Invalid, "`schema` is not JSON."));
            serde_json::Value::Null
        })
    });
    if !violations.is_empty() {
        return Err(ExtractionError::Invalid(violations));
    }
    jobs.check(&partition.organization_id, &options)?;
    let (organization_id, template) = (&partition.organization_id, sent.template.as_deref());
    let chosen = catalogue.choose(organization_id, schema, template, options.detect_type).await?;
    Ok(NewJob { chosen, options, file_name, content_type, contact_file_id: None })
}

/// A document that comes in, in a file without a name, which vanishes with its last user.
struct Spool {
    file: File,
    length: u64,
    sha256: Context,
    most: u64,
}

impl Spool {
    async fn take(&mut self, content: &[u8]) -> Result<(), Status> {
        self.length += content.len() as u64;
        if self.length > self.most {
            return Err(caller::refuse(ExtractionError::TooLarge { most: self.most }));
        }
        self.sha256.update(content);
        self.file.write_all(content).await.map_err(|error| caller::refuse(error.into()))
    }
}

/// The document in a file, and its SHA-256.
async fn spool(
    limits: &Limits,
    source: Source,
    stream: &mut Streaming<pb::CreateJobRequest>,
) -> Result<(File, String), Status> {
    let refuse = |field: &str, fault: Fault, message: &str| {
        status::of(Error::invalid(vec![Violation::new(field, fault, message)]))
    };
    let file = tempfile::tempfile_in(&limits.directory);
    let file = File::from_std(file.map_err(|error| caller::refuse(error.into()))?);
    let most = limits.document_bytes;
    let mut spool = Spool { file, length: 0, sha256: Context::new(&SHA256), most };
    let is_here = !matches!(source, Source::Stream);
    match source {
        Source::Stream => {}
        Source::Inline(content) => spool.take(&content).await?,
        Source::ContactFile(mut contact_file) => {
            while let Some(chunk) = contact_file.chunk().await? {
                spool.take(&chunk).await?;
            }
        }
    }
    while let Some(message) = stream.message().await? {
        match message.part {
            Some(Part::Chunk(chunk)) if is_here && !chunk.is_empty() => {
                return Err(refuse("document", Fault::Duplicate, "The document came twice."));
            }
            Some(Part::Chunk(chunk)) => spool.take(&chunk).await?,
            Some(Part::Metadata(_)) => {
                return Err(refuse("metadata", Fault::Duplicate, "`metadata` came twice."));
            }
            None => {}
        }
    }
    let Spool { mut file, length, sha256, .. } = spool;
    if length == 0 {
        return Err(refuse("document", Fault::Required, "The document is missing or empty."));
    }
    let settled = async {
        file.flush().await?;
        file.seek(SeekFrom::Start(0)).await
    };
    settled.await.map_err(|error| caller::refuse(error.into()))?;
    Ok((file, hex(sha256.finish().as_ref())))
}
