//! `keyward.contacts.v1.FileService`.

mod download;
mod list;
mod source;
#[cfg(test)]
mod tests;
mod upload;

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::file_service_server::FileService;
use keyward_proto::google::api::HttpBody;
use svc_core::error::Error;
use svc_runtime::grpc::status;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::caller::Caller;
use super::contact::{locators, named};
use crate::domain::{File, Locator};
use crate::files::Files;

pub(crate) use source::FileSourceApi;

/// `keyward.contacts.v1.FileService`.
pub(crate) struct FileApi {
    files: Arc<Files>,
}

impl FileApi {
    pub(crate) fn new(files: Arc<Files>) -> FileApi {
        FileApi { files }
    }
}

#[tonic::async_trait]
impl FileService for FileApi {
    async fn upload_file(
        &self,
        request: Request<Streaming<pb::UploadFileRequest>>,
    ) -> Result<Response<pb::UploadFileResponse>, Status> {
        upload::upload(&self.files, request).await
    }

    async fn list_files(
        &self,
        request: Request<pb::ListFilesRequest>,
    ) -> Result<Response<pb::ListFilesResponse>, Status> {
        let caller = Caller::of(&request)?;
        list::list(&self.files, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn get_file(
        &self,
        request: Request<pb::GetFileRequest>,
    ) -> Result<Response<pb::GetFileResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::GetFileRequest { reference, file_id, .. } = request.into_inner();
        let locator = locator(reference).map_err(status::of)?;
        let found = self.files.get(&caller.actor.partition, &locator, &file_id).await;
        let file = found.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::GetFileResponse { file: Some(message(file)) }))
    }

    async fn get_file_content(
        &self,
        request: Request<pb::GetFileContentRequest>,
    ) -> Result<Response<BoxStream<HttpBody>>, Status> {
        download::download(&self.files, request).await
    }

    async fn delete_file(
        &self,
        request: Request<pb::DeleteFileRequest>,
    ) -> Result<Response<pb::DeleteFileResponse>, Status> {
        let caller = Caller::of(&request)?;
        let pb::DeleteFileRequest { reference, file_id, .. } = request.into_inner();
        let locator = locator(reference).map_err(status::of)?;
        let deleted = self.files.delete(&caller.actor, &locator, &file_id).await;
        deleted.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::DeleteFileResponse {}))
    }
}

/// The file as callers see it.
pub(super) fn message(file: File) -> pb::File {
    pb::File {
        id: file.id,
        contact_id: file.contact_id,
        file_name: file.name,
        content_type: file.content_type,
        description: file.description,
        // Settings allow no file that does not fit.
        size_bytes: i32::try_from(file.size).unwrap_or(i32::MAX),
        sha256: file.sha256,
        created_at: Some(file.created_at.to_proto()),
    }
}

/// Which contact a request about files names.
fn locator(reference: Option<impl Into<Locator>>) -> Result<Locator, Error> {
    named(reference, "contactId")
}

locators!(
    ContactId: upload_file_request,
    list_files_request,
    get_file_request,
    get_file_content_request,
    delete_file_request
);
