//! A file service that keeps nothing: it counts what it is sent, and gives as many bytes as it is asked for.

use auth_svc::AuthService;
use bytes::Bytes;
use contacts_svc::ContactsService;
use futures::stream;
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::file_service_dispatch::FileServiceDispatch;
use keyward_proto::contacts::v1::file_service_server::FileService;
use keyward_proto::contacts::v1::upload_file_request::Part;
use keyward_proto::dispatch::Services;
use keyward_proto::google::api::HttpBody;
use svc_runtime::grpc;
use svc_runtime::service::Handlers;
use svc_runtime::telemetry;
use svc_runtime::token::{JwksSource, TokenVerifier};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::{announce, memory_contacts};
use crate::streams::{BYTES, PIECE};

/// The one gRPC service of it.
const SERVICES: &[&str] = &["keyward.contacts.v1.FileService"];

struct Files;

/// Serves it as contacts-svc is served when it runs apart.
pub(super) async fn run() -> anyhow::Result<()> {
    let settings = memory_contacts::settings()?;
    let _telemetry = telemetry::start(&settings.telemetry, contacts_svc::NAME)?;
    let environment = keyward::run::environment(&settings);
    let keys = JwksSource::Urls(settings.services.config::<AuthService>()?.jwks_url.clone());
    let verifier = TokenVerifier::new(contacts_svc::NAME, keys, &environment);
    let services = Services::new().add(FileServiceDispatch::new(Files));
    let handlers = Handlers::new(SERVICES, services, environment.health.of(contacts_svc::NAME));
    let stack = handlers.stack(Some(verifier), None, &environment.metrics)?;
    let listener = grpc::bind(&settings.services.config::<ContactsService>()?.listen).await?;
    announce("grpc", &listener.address()?);
    let connections = environment.metrics.connections("grpc");
    grpc::serve(listener, stack, handlers.routes(), connections, CancellationToken::new()).await;
    Ok(())
}

#[tonic::async_trait]
impl FileService for Files {
    async fn upload_file(
        &self,
        request: Request<Streaming<pb::UploadFileRequest>>,
    ) -> Result<Response<pb::UploadFileResponse>, Status> {
        let mut messages = request.into_inner();
        let mut bytes = 0;
        while let Some(message) = messages.message().await? {
            if let Some(Part::Chunk(chunk)) = message.part {
                bytes += chunk.len();
            }
        }
        let size_bytes = i32::try_from(bytes).map_err(|_| Status::out_of_range("too long"))?;
        let file = pb::File { size_bytes, ..pb::File::default() };
        Ok(Response::new(pb::UploadFileResponse { file: Some(file) }))
    }

    async fn get_file_content(
        &self,
        _request: Request<pb::GetFileContentRequest>,
    ) -> Result<Response<BoxStream<HttpBody>>, Status> {
        let piece = Bytes::from(vec![b'x'; PIECE]);
        let body = move |_| Ok(HttpBody { data: piece.clone().into(), ..HttpBody::default() });
        Ok(Response::new(Box::pin(stream::iter((0..BYTES / PIECE).map(body)))))
    }
}
