//! The gRPC side: messages to domain types and back.

mod caller;
mod contact_files;
mod deeds;
mod erasures;
mod events;
mod job;
mod json;
mod list;
mod page;
mod templates;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use keyward_proto::extraction::v1 as pb;
use keyward_proto::extraction::v1::extraction_service_server::ExtractionService;
use keyward_proto::google::api::HttpBody;
use svc_core::error::{Error, Violation};
use svc_runtime::grpc::status;
use tonic::{Request, Response, Status, Streaming};

use crate::catalogue::Catalogue;
use crate::jobs::Jobs;
use crate::llm::EMBEDDED;
use crate::pages::Pages;

/// What a page that is drawn is. Nothing else ever comes from there.
const JPEG: &str = "image/jpeg";
/// The longest that a job is waited for, in seconds.
const WAIT_MAX: i32 = 60;

/// `keyward.extraction.v1.ExtractionService`.
pub(crate) struct ExtractionApi {
    jobs: Arc<Jobs>,
    pages: Arc<Pages>,
    catalogue: Arc<Catalogue>,
    upload: upload::Limits,
}

impl ExtractionApi {
    pub(crate) fn new(
        jobs: Arc<Jobs>,
        pages: Arc<Pages>,
        catalogue: Arc<Catalogue>,
        upload: upload::Limits,
    ) -> ExtractionApi {
        ExtractionApi { jobs, pages, catalogue, upload }
    }
}

pub(crate) use contact_files::ContactFiles;
pub(crate) use deeds::DeedApi;
pub(crate) use erasures::ErasureApi;
pub(crate) use events::EventApi;
pub(crate) use templates::TemplateApi;
pub(crate) use upload::Limits;

#[tonic::async_trait]
impl ExtractionService for ExtractionApi {
    async fn create_job(
        &self,
        request: Request<Streaming<pb::CreateJobRequest>>,
    ) -> Result<Response<pb::CreateJobResponse>, Status> {
        upload::create(&self.jobs, &self.catalogue, &self.upload, request).await
    }

    async fn list_jobs(
        &self,
        request: Request<pb::ListJobsRequest>,
    ) -> Result<Response<pb::ListJobsResponse>, Status> {
        let actor = caller::actor(&request)?;
        let partition = &actor.partition;
        let asked = list::read(partition, request.get_ref()).map_err(status::of)?;
        let page =
            self.jobs.list(partition, &asked.filter, asked.size, asked.after.as_ref(), asked.count).await;
        Ok(Response::new(list::write(partition, &asked, page.map_err(caller::refuse)?)))
    }

    async fn get_job(
        &self,
        request: Request<pb::GetJobRequest>,
    ) -> Result<Response<pb::GetJobResponse>, Status> {
        let actor = caller::actor(&request)?;
        let request = request.into_inner();
        let wait = match request.wait.unwrap_or_default() {
            seconds @ 0..=WAIT_MAX => Duration::from_secs(seconds.unsigned_abs().into()),
            _ => {
                let violation = Violation::out_of_range("wait", 0..=WAIT_MAX);
                return Err(status::of(Error::invalid(vec![violation])));
            }
        };
        let shown = self.jobs.get(&actor.partition, &request.id, wait).await.map_err(caller::refuse)?;
        Ok(Response::new(pb::GetJobResponse { job: Some(job::whole(shown)) }))
    }

    async fn update_job(
        &self,
        request: Request<pb::UpdateJobRequest>,
    ) -> Result<Response<pb::UpdateJobResponse>, Status> {
        let actor = caller::actor(&request)?;
        let request = request.into_inner();
        let shown = match job::corrections(request.job.unwrap_or_default(), request.update_mask) {
            Ok(Some(sent)) => self.jobs.correct(&actor, &request.id, sent).await,
            Ok(None) => self.jobs.get(&actor.partition, &request.id, Duration::ZERO).await,
            Err(violations) => return Err(status::of(Error::invalid(violations))),
        };
        let shown = shown.map_err(caller::refuse)?;
        Ok(Response::new(pb::UpdateJobResponse { job: Some(job::whole(shown)) }))
    }

    async fn delete_job(
        &self,
        request: Request<pb::DeleteJobRequest>,
    ) -> Result<Response<pb::DeleteJobResponse>, Status> {
        let actor = caller::actor(&request)?;
        self.jobs.delete(&actor, &request.get_ref().id).await.map_err(caller::refuse)?;
        Ok(Response::new(pb::DeleteJobResponse {}))
    }

    async fn get_page(
        &self,
        request: Request<pb::GetPageRequest>,
    ) -> Result<Response<pb::GetPageResponse>, Status> {
        let actor = caller::actor(&request)?;
        let request = request.into_inner();
        let number = page::number(request.page).map_err(status::of)?;
        let found = self.pages.get(&actor.partition, &request.id, number).await.map_err(caller::refuse)?;
        Ok(Response::new(pb::GetPageResponse { page: Some(page::message(found)) }))
    }

    async fn get_page_image(
        &self,
        request: Request<pb::GetPageImageRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        let actor = caller::actor(&request)?;
        let request = request.into_inner();
        let number = page::number(request.page).map_err(status::of)?;
        let data = self.pages.image(&actor.partition, &request.id, number).await.map_err(caller::refuse)?;
        Ok(Response::new(HttpBody { content_type: JPEG.to_owned(), data, ..HttpBody::default() }))
    }

    async fn list_engines(
        &self,
        request: Request<pb::ListEnginesRequest>,
    ) -> Result<Response<pb::ListEnginesResponse>, Status> {
        let actor = caller::actor(&request)?;
        let names = self.jobs.engines(&actor.partition.organization_id);
        let engine = |name: &str| pb::Engine { name: name.to_owned(), built_in: name == EMBEDDED };
        Ok(Response::new(pb::ListEnginesResponse { engines: names.into_iter().map(engine).collect() }))
    }

    async fn list_templates(
        &self,
        request: Request<pb::ListTemplatesRequest>,
    ) -> Result<Response<pb::ListTemplatesResponse>, Status> {
        let actor = caller::actor(&request)?;
        let organization_id = &actor.partition.organization_id;
        let all = self.catalogue.all(organization_id).await.map_err(caller::refuse)?;
        let response = list::templates(&actor.partition, request.get_ref(), all);
        Ok(Response::new(response.map_err(status::of)?))
    }
}
