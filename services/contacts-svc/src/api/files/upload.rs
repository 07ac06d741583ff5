//! An upload: its first message says what comes, the others are its bytes.

use bytes::Bytes;
use futures::Stream;
use futures::stream::try_unfold;
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::upload_file_request::Part;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::Kept;
use svc_runtime::grpc::idempotency::{self, kept};
use svc_runtime::grpc::status;
use tonic::{Request, Response, Status, Streaming};

use super::super::caller::Caller;
use super::{locator, message};
use crate::domain::{File, FileDraft};
use crate::error::ContactError;
use crate::files::{Files, Stored, Upload};

/// The most bytes of one message. What comes by HTTP comes in smaller ones.
const CHUNK_MAX: usize = 1024 * 1024;

/// Why an upload ends.
enum Ended {
    /// What its client did, or said.
    Client(Status),
    /// What became of it.
    Refused(ContactError),
}

impl From<ContactError> for Ended {
    fn from(error: ContactError) -> Ended {
        Ended::Refused(error)
    }
}

pub(super) async fn upload(
    files: &Files,
    request: Request<Streaming<pb::UploadFileRequest>>,
) -> Result<Response<pb::UploadFileResponse>, Status> {
    let caller = Caller::of(&request)?;
    let call = idempotency::call(&request).map_err(status::of)?;
    let mut messages = request.into_inner();
    let first = messages.message().await?.ok_or_else(no_metadata)?;
    let Some(Part::Metadata(metadata)) = first.part else { return Err(no_metadata()) };
    let pb::UploadFileMetadata { file_name, content_type, description, size_bytes, sha256 } = metadata;
    let upload = Upload {
        locator: locator(first.reference).map_err(status::of)?,
        draft: FileDraft { file_name, content_type, description, size_bytes, sha256 },
        call,
        keep: keep_answer,
    };
    match files.upload(&caller.actor, upload, chunks(messages)).await {
        Ok(Stored::File(file)) => Ok(Response::new(answer(*file))),
        Ok(Stored::Repeated(kept)) => idempotency::answer(kept),
        Err(Ended::Client(status)) => Err(status),
        Err(Ended::Refused(error)) => Err(caller.refuse(error)),
    }
}

/// The bytes of the messages behind the first.
fn chunks(messages: Streaming<pb::UploadFileRequest>) -> impl Stream<Item = Result<Bytes, Ended>> + Send {
    try_unfold(messages, |mut messages| async move {
        let Some(message) = messages.message().await.map_err(Ended::Client)? else { return Ok(None) };
        match message.part {
            Some(Part::Chunk(chunk)) if chunk.len() <= CHUNK_MAX => Ok(Some((chunk, messages))),
            Some(Part::Chunk(_)) => {
                let message = format!("`chunk` has at most {CHUNK_MAX} bytes.");
                Err(Ended::Client(invalid("chunk", Fault::TooLong, &message)))
            }
            Some(Part::Metadata(_)) => {
                let message = "`metadata` belongs into the first message alone.";
                Err(Ended::Client(invalid("metadata", Fault::Duplicate, message)))
            }
            None => Err(Ended::Client(invalid("chunk", Fault::Required, "A message without bytes."))),
        }
    })
}

fn answer(file: File) -> pb::UploadFileResponse {
    pb::UploadFileResponse { file: Some(message(file)) }
}

/// By the contact, with which it is forgotten.
fn keep_answer(file: &File) -> Kept {
    kept(&answer(file.clone()), &file.contact_id)
}

fn no_metadata() -> Status {
    invalid("metadata", Fault::Required, "The first message must carry `metadata`.")
}

fn invalid(field: &str, fault: Fault, message: &str) -> Status {
    status::of(Error::invalid(vec![Violation::new(field, fault, message)]))
}
