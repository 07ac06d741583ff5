//! `keyward.contacts.v1.ContactFieldService`: what members declare.

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_field_service_server::ContactFieldService;
use keyward_proto::value::Value;
use prost_types::FieldMask;
use svc_core::error::{Fault, Violation};
use svc_core::idempotency::Once;
use svc_runtime::grpc::idempotency::kept;
use svc_runtime::replay_or_call;
use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::custom_fields;
use crate::domain::{Declaration, DeclaredFields, Field, FieldType, JsonText, Member};

/// `keyward.contacts.v1.ContactFieldService`.
pub(crate) struct FieldApi {
    fields: Arc<DeclaredFields>,
}

impl FieldApi {
    pub(crate) fn new(fields: Arc<DeclaredFields>) -> FieldApi {
        FieldApi { fields }
    }
}

#[tonic::async_trait]
impl ContactFieldService for FieldApi {
    async fn create_contact_field(
        &self,
        request: Request<pb::CreateContactFieldRequest>,
    ) -> Result<Response<pb::CreateContactFieldResponse>, Status> {
        let caller = Caller::of(&request)?;
        let call = replay_or_call!(*self.fields, request);
        let once = Once::of(call, |field: &Field| kept(&created(field.clone()), &field.key));
        let request = request.into_inner();
        let declaration = declaration(request.field.unwrap_or_default());
        let confirmed = request.confirm.unwrap_or_default();
        let field = self.fields.declare(&caller.actor, declaration, confirmed, once).await;
        Ok(Response::new(created(field.map_err(|error| caller.refuse(error))?)))
    }

    async fn list_contact_fields(
        &self,
        request: Request<pb::ListContactFieldsRequest>,
    ) -> Result<Response<pb::ListContactFieldsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let set = self.fields.read(&caller.actor.partition).await.map_err(|error| caller.refuse(error))?;
        let fields = set.fields.iter().cloned().map(message).collect();
        Ok(Response::new(pb::ListContactFieldsResponse { fields }))
    }

    async fn get_contact_field(
        &self,
        request: Request<pb::GetContactFieldRequest>,
    ) -> Result<Response<pb::GetContactFieldResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = self.fields.get(&caller.actor.partition, &request.get_ref().key).await;
        let field = found.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::GetContactFieldResponse { field: Some(message(field)) }))
    }

    async fn update_contact_field(
        &self,
        request: Request<pb::UpdateContactFieldRequest>,
    ) -> Result<Response<pb::UpdateContactFieldResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut declaration = declaration(request.field.unwrap_or_default());
        let members = members(request.update_mask.unwrap_or_default(), &mut declaration);
        let confirmed = request.confirm.unwrap_or_default();
        let change = (declaration, members);
        let changed = self.fields.change(&caller.actor, &request.key, change, confirmed).await;
        let field = changed.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::UpdateContactFieldResponse { field: Some(message(field)) }))
    }

    async fn delete_contact_field(
        &self,
        request: Request<pb::DeleteContactFieldRequest>,
    ) -> Result<Response<pb::DeleteContactFieldResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let confirmed = request.confirm.unwrap_or_default();
        let removed = self.fields.remove(&caller.actor, &request.key, confirmed).await;
        removed.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::DeleteContactFieldResponse {}))
    }
}

fn created(field: Field) -> pb::CreateContactFieldResponse {
    pb::CreateContactFieldResponse { field: Some(message(field)) }
}

/// What a member sent, with everything that cannot be a field noted.
fn declaration(field: pb::ContactField) -> Declaration {
    let mut violations = Vec::new();
    for (name, sent) in [("createdAt", field.created_at.is_some()), ("updatedAt", field.updated_at.is_some())]
    {
        if sent {
            violations.push(Violation::new(name, Fault::Immutable, format!("`{name}` cannot be set.")));
        }
    }
    let kind = match pb::ContactFieldType::try_from(field.r#type) {
        Ok(kind) => field_type(kind),
        Err(_) => {
            violations.push(Violation::new("type", Fault::Invalid, "`type` is not one that is known."));
            None
        }
    };
    Declaration {
        key: field.key,
        title: field.title,
        kind,
        required: field.required,
        unique: field.unique,
        default: field.default.and_then(|value| default(&value, &mut violations)),
        options: field.options,
        minimum: field.minimum,
        maximum: field.maximum,
        max_length: field.max_length,
        violations,
    }
}

/// `null` is no value.
fn default(value: &Value, violations: &mut Vec<Violation>) -> Option<JsonText> {
    let json = custom_fields::json(value);
    if json.is_none() {
        violations.push(Violation::new("default", Fault::Invalid, "`default` is not JSON."));
    }
    json.filter(|json| !json.is_null())
}

/// What is to be changed. What cannot be is noted.
fn members(mask: FieldMask, declaration: &mut Declaration) -> Vec<Member> {
    let mut members = Vec::new();
    for path in mask.paths {
        members.push(match path.as_str() {
            "title" => Member::Title,
            "required" => Member::Required,
            "unique" => Member::Unique,
            "default" => Member::Default,
            "options" => Member::Options,
            "minimum" => Member::Minimum,
            "maximum" => Member::Maximum,
            "max_length" => Member::MaxLength,
            "key" | "type" => {
                let message = format!("`{path}` cannot be changed.");
                declaration.violations.push(Violation::new(path, Fault::Immutable, message));
                continue;
            }
            _ => {
                let message = "`updateMask` names something that is no member of a field.";
                declaration.violations.push(Violation::new("updateMask", Fault::Invalid, message));
                continue;
            }
        });
    }
    members
}

fn field_type(kind: pb::ContactFieldType) -> Option<FieldType> {
    Some(match kind {
        pb::ContactFieldType::Unspecified => return None,
        pb::ContactFieldType::Text => FieldType::Text,
        pb::ContactFieldType::LongText => FieldType::LongText,
        pb::ContactFieldType::Number => FieldType::Number,
        pb::ContactFieldType::Date => FieldType::Date,
        pb::ContactFieldType::Boolean => FieldType::Boolean,
        pb::ContactFieldType::Select => FieldType::Select,
        pb::ContactFieldType::MultiSelect => FieldType::MultiSelect,
        pb::ContactFieldType::Email => FieldType::Email,
        pb::ContactFieldType::Phone => FieldType::Phone,
        pb::ContactFieldType::Url => FieldType::Url,
    })
}

fn message_type(kind: FieldType) -> pb::ContactFieldType {
    match kind {
        FieldType::Text => pb::ContactFieldType::Text,
        FieldType::LongText => pb::ContactFieldType::LongText,
        FieldType::Number => pb::ContactFieldType::Number,
        FieldType::Date => pb::ContactFieldType::Date,
        FieldType::Boolean => pb::ContactFieldType::Boolean,
        FieldType::Select => pb::ContactFieldType::Select,
        FieldType::MultiSelect => pb::ContactFieldType::MultiSelect,
        FieldType::Email => pb::ContactFieldType::Email,
        FieldType::Phone => pb::ContactFieldType::Phone,
        FieldType::Url => pb::ContactFieldType::Url,
    }
}

/// The field as members see it.
fn message(field: Field) -> pb::ContactField {
    pb::ContactField {
        key: Some(field.key),
        title: Some(field.title),
        r#type: message_type(field.kind).into(),
        required: Some(field.required),
        unique: Some(field.unique),
        default: field.default.as_ref().map(custom_fields::wire),
        options: field.options,
        minimum: field.minimum,
        maximum: field.maximum,
        max_length: field.max_length.map(i32::from),
        created_at: Some(field.created_at.to_proto()),
        updated_at: Some(field.updated_at.to_proto()),
    }
}
