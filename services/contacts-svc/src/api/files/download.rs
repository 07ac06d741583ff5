//! A download: the content of a file or a part of it, in a form that no browser runs.

mod disposition;
mod range;

use aws_lc_rs::digest::{Context, SHA256};
use futures::StreamExt;
use futures::stream::try_unfold;
use keyward_proto::contacts::v1 as pb;
use keyward_proto::google::api::HttpBody;
use svc_core::error::{Error, Reason};
use svc_core::ids::hex;
use svc_runtime::grpc::status;
use tonic::codegen::BoxStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response, Status};

use super::super::caller::Caller;
use super::locator;
use crate::domain::{File, media_type};
use crate::error::ContactError;
use crate::files::Files;
use crate::objects::{Content, ObjectError};
use range::Asked;

/// The most bytes of one message.
const PIECE: usize = 64 * 1024;

const RANGE: &str = "range";
const IF_RANGE: &str = "if-range";
const ETAG: &str = "etag";
const CONTENT_DISPOSITION: &str = "content-disposition";
const CONTENT_RANGE: &str = "content-range";
const CONTENT_LENGTH: &str = "x-content-length";

pub(super) async fn download(
    files: &Files,
    request: Request<pb::GetFileContentRequest>,
) -> Result<Response<BoxStream<HttpBody>>, Status> {
    let caller = Caller::of(&request)?;
    let (conditions, _, message) = request.into_parts();
    let pb::GetFileContentRequest { reference, file_id, .. } = message;
    let locator = locator(reference).map_err(status::of)?;
    let found = files.get(&caller.actor.partition, &locator, &file_id).await;
    let file = found.map_err(|error| caller.refuse(error))?;

    let etag = format!("\"{}\"", file.sha256);
    let said = |name: &str| conditions.get(name).and_then(|value| value.to_str().ok());
    let asked = Asked::of(said(RANGE), said(IF_RANGE), &etag, file.size);
    let (from, to) = match asked {
        Asked::Whole => (0, file.size),
        Asked::Part { from, to } => (from, to),
        Asked::Beyond => return Err(beyond(file.size)),
    };
    let content = files.read(&file, from, to).await.map_err(|error| caller.refuse(error))?;
    let check = matches!(asked, Asked::Whole)
        .then(|| Check { hash: Context::new(&SHA256), sha256: file.sha256.clone() });
    let mut response = Response::new(messages(&file, content, check));
    let metadata = response.metadata_mut();
    set(metadata, ETAG, &etag);
    set(metadata, CONTENT_DISPOSITION, &disposition::attachment(&file.name));
    set(metadata, CONTENT_LENGTH, &(to - from).to_string());
    if let Asked::Part { .. } = asked {
        set(metadata, CONTENT_RANGE, &format!("bytes {from}-{}/{}", to - 1, file.size));
    }
    Ok(response)
}

/// The whole content of a file, which fails at its end when it has changed where it was kept.
pub(super) async fn whole(files: &Files, file: &File) -> Result<BoxStream<HttpBody>, ContactError> {
    let content = files.read(file, 0, file.size).await?;
    let check = Check { hash: Context::new(&SHA256), sha256: file.sha256.clone() };
    Ok(messages(file, content, Some(check)))
}

/// What a whole content is held against, so that none is taken for whole that has changed where it was kept.
struct Check {
    hash: Context,
    sha256: String,
}

/// The messages of a content. The first has its type.
fn messages(file: &File, content: Content, check: Option<Check>) -> BoxStream<HttpBody> {
    let content_type = media_type::served(&file.content_type).to_owned();
    let state = Pieces { content, piece: Vec::new(), at: 0, next: None, check, content_type };
    let messages = try_unfold(state, |mut pieces| async move {
        let message = pieces.next().await.map_err(|error| status::of(Error::from(error)))?;
        Ok(message.map(|message| (message, pieces)))
    });
    Box::pin(messages)
}

/// A content in the making.
struct Pieces {
    content: Content,
    /// What is being said, and how far it was.
    piece: Vec<u8>,
    at: usize,
    /// What follows, which has to be known before the last is said.
    next: Option<Vec<u8>>,
    check: Option<Check>,
    /// Until it was said.
    content_type: String,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<HttpBody>, ObjectError> {
        while self.at == self.piece.len() {
            let piece = match self.next.take() {
                Some(next) => next,
                None => match self.read().await? {
                    Some(first) => first,
                    None => return Ok(None),
                },
            };
            // One ahead: what has changed ends before its last bytes.
            self.next = self.read().await?;
            if self.next.is_none() {
                self.check()?;
            }
            (self.piece, self.at) = (piece, 0);
        }
        let end = self.piece.len().min(self.at + PIECE);
        let data = self.piece[self.at..end].to_vec();
        self.at = end;
        let content_type = std::mem::take(&mut self.content_type);
        Ok(Some(HttpBody { content_type, data, ..HttpBody::default() }))
    }

    async fn read(&mut self) -> Result<Option<Vec<u8>>, ObjectError> {
        let piece = self.content.next().await.transpose()?;
        if let (Some(check), Some(piece)) = (&mut self.check, &piece) {
            check.hash.update(piece);
        }
        Ok(piece)
    }

    fn check(&mut self) -> Result<(), ObjectError> {
        let Some(Check { hash, sha256 }) = self.check.take() else { return Ok(()) };
        match hex(hash.finish().as_ref()) == sha256 {
            true => Ok(()),
            false => Err(ObjectError::Changed),
        }
    }
}

/// A range that begins behind the end. The answer says where the end is.
fn beyond(size: u64) -> Status {
    let message = format!("The file has {size} bytes, and the range begins behind them.");
    let mut status = status::of(Error::new(Reason::RangeNotSatisfiable, message));
    set(status.metadata_mut(), CONTENT_RANGE, &format!("bytes */{size}"));
    status
}

fn set(metadata: &mut MetadataMap, name: &'static str, value: &str) {
    // All of them are ASCII by how they are made.
    if let Ok(value) = MetadataValue::try_from(value) {
        metadata.insert(name, value);
    }
}
