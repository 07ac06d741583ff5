//! `keyward.extraction.v1.TemplateService`: what members make, for the jobs of all agents.

use std::sync::Arc;

use keyward_proto::extraction::v1 as pb;
use keyward_proto::extraction::v1::template_service_server::TemplateService;
use prost_types::Struct;
use serde_json::Value;
use svc_core::clock::Timestamp;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::Once;
use svc_runtime::grpc::idempotency::kept;
use svc_runtime::grpc::{caller as by_caller, status};
use svc_runtime::replay_or_call;
use tonic::{Request, Response, Status};

use super::{caller, json};
use crate::catalogue::Catalogue;
use crate::domain::{Actor, NewTemplate, Template, VERSIONS_MAX};

/// `keyward.extraction.v1.TemplateService`.
pub(crate) struct TemplateApi {
    catalogue: Arc<Catalogue>,
}

impl TemplateApi {
    pub(crate) fn new(catalogue: Arc<Catalogue>) -> TemplateApi {
        TemplateApi { catalogue }
    }
}

/// The member who acts. Templates are of the organization, and of no agent.
fn author<T>(request: &Request<T>) -> Result<Actor, Status> {
    by_caller::member(request).map_err(status::of)
}

#[tonic::async_trait]
impl TemplateService for TemplateApi {
    async fn create_template(
        &self,
        request: Request<pb::CreateTemplateRequest>,
    ) -> Result<Response<pb::CreateTemplateResponse>, Status> {
        let author = author(&request)?;
        let call = replay_or_call!(*self.catalogue, request);
        let created = |template: Template| pb::CreateTemplateResponse { template: Some(message(template)) };
        let once =
            Once::of(call, move |template: &Template| kept(&created(template.clone()), &template.name));
        let sent = request.into_inner().template.unwrap_or_default();
        let new = new(sent.name, sent.title, sent.description, sent.schema)?;
        let template = self.catalogue.create(author, new, once).await.map_err(caller::refuse)?;
        Ok(Response::new(created(template)))
    }

    async fn list_own_templates(
        &self,
        request: Request<pb::ListOwnTemplatesRequest>,
    ) -> Result<Response<pb::ListOwnTemplatesResponse>, Status> {
        let author = author(&request)?;
        let own = self.catalogue.own(&author.partition.organization_id).await.map_err(caller::refuse)?;
        let templates = own.into_iter().map(message).collect();
        Ok(Response::new(pb::ListOwnTemplatesResponse { templates }))
    }

    async fn get_template(
        &self,
        request: Request<pb::GetTemplateRequest>,
    ) -> Result<Response<pb::GetTemplateResponse>, Status> {
        let author = author(&request)?;
        let request = request.into_inner();
        let version = request.version.map(i64::from);
        if version.is_some_and(|version| !(1..=VERSIONS_MAX).contains(&version)) {
            let most = i32::try_from(VERSIONS_MAX).unwrap_or(i32::MAX);
            let violation = Violation::out_of_range("version", 1..=most);
            return Err(status::of(Error::invalid(vec![violation])));
        }
        let found = self.catalogue.get(&author.partition.organization_id, &request.name, version).await;
        let template = Some(message(found.map_err(caller::refuse)?));
        Ok(Response::new(pb::GetTemplateResponse { template }))
    }

    async fn create_template_version(
        &self,
        request: Request<pb::CreateTemplateVersionRequest>,
    ) -> Result<Response<pb::CreateTemplateVersionResponse>, Status> {
        let author = author(&request)?;
        let call = replay_or_call!(*self.catalogue, request);
        let created =
            |template: Template| pb::CreateTemplateVersionResponse { template: Some(message(template)) };
        let once =
            Once::of(call, move |template: &Template| kept(&created(template.clone()), &template.name));
        let pb::CreateTemplateVersionRequest { name, template } = request.into_inner();
        let sent = template.unwrap_or_default();
        let new = new(name, sent.title, sent.description, sent.schema)?;
        let template = self.catalogue.add_version(author, new, once).await.map_err(caller::refuse)?;
        Ok(Response::new(created(template)))
    }

    async fn list_template_versions(
        &self,
        request: Request<pb::ListTemplateVersionsRequest>,
    ) -> Result<Response<pb::ListTemplateVersionsResponse>, Status> {
        let author = author(&request)?;
        let found = self.catalogue.versions(&author.partition.organization_id, &request.get_ref().name).await;
        let versions = found.map_err(caller::refuse)?.into_iter().map(message).collect();
        Ok(Response::new(pb::ListTemplateVersionsResponse { versions }))
    }

    async fn delete_template(
        &self,
        request: Request<pb::DeleteTemplateRequest>,
    ) -> Result<Response<pb::DeleteTemplateResponse>, Status> {
        let author = author(&request)?;
        self.catalogue.delete(author, &request.get_ref().name).await.map_err(caller::refuse)?;
        Ok(Response::new(pb::DeleteTemplateResponse {}))
    }
}

/// What a member sent, with everything that is wrong noted.
fn new(
    name: String,
    title: String,
    description: Option<String>,
    schema: Option<Struct>,
) -> Result<NewTemplate, Status> {
    let mut violations = Vec::new();
    let schema = match schema.map(json::object) {
        Some(Some(schema)) => schema,
        Some(None) => {
            violations.push(Violation::new("schema", Fault::Invalid, "`schema` is not JSON."));
            Value::Null
        }
        None => {
            violations.push(Violation::new("schema", Fault::Required, "`schema` is missing."));
            Value::Null
        }
    };
    let new = NewTemplate { name, title, description: description.unwrap_or_default(), schema };
    new.check(&mut violations);
    if violations.is_empty() { Ok(new) } else { Err(status::of(Error::invalid(violations))) }
}

/// A template as callers see it.
pub(super) fn message(template: Template) -> pb::Template {
    let schema = serde_json::from_str(&template.schema).ok().map(|schema: Value| json::structure(&schema));
    pb::Template {
        name: template.name,
        title: template.title,
        description: template.description,
        built_in: template.created_at.is_none(),
        schema,
        version: i32::try_from(template.version).unwrap_or(i32::MAX),
        created_at: template.created_at.map(Timestamp::to_proto),
    }
}
