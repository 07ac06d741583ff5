//! `keyward.contacts.v1.FileSourceService`: other services read files for their callers.

use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt, once};
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::file_source_service_server::FileSourceService;
use keyward_proto::contacts::v1::read_file_response::Part;
use svc_core::error::Error;
use svc_runtime::grpc::status;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};

use super::{download, message};
use crate::domain::Partition;
use crate::files::Files;

/// `keyward.contacts.v1.FileSourceService`. Only other parts of Keyward reach it.
pub(crate) struct FileSourceApi {
    files: Arc<Files>,
}

impl FileSourceApi {
    pub(crate) fn new(files: Arc<Files>) -> FileSourceApi {
        FileSourceApi { files }
    }
}

#[tonic::async_trait]
impl FileSourceService for FileSourceApi {
    async fn read_file(
        &self,
        request: Request<pb::ReadFileRequest>,
    ) -> Result<Response<BoxStream<pb::ReadFileResponse>>, Status> {
        let pb::ReadFileRequest { organization_id, agent_id, file_id } = request.into_inner();
        let partition = Partition { organization_id, agent_id };
        let refuse = |error| status::of(Error::from(error));
        let file = self.files.of_agent(&partition, &file_id).await.map_err(refuse)?;
        let content = download::whole(&self.files, &file).await.map_err(refuse)?;
        let part = |part| pb::ReadFileResponse { part: Some(part) };
        let head = part(Part::File(message(file)));
        let chunks = content.map_ok(move |piece| part(Part::Chunk(piece.data)));
        Ok(Response::new(Box::pin(once(async { Ok(head) }).chain(chunks))))
    }
}
