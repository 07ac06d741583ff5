//! The gRPC side: messages to domain types and back. RPCs without code here are not built yet and
//! answer UNIMPLEMENTED by tonic's default stubs.

mod bulk;
mod caller;
mod changes;
mod contact;
mod cursors;
mod custom_fields;
mod deeds;
mod erasures;
mod export;
mod exports;
mod fields;
mod files;
mod imports;
mod list;
mod patch;
mod schema;
mod webhooks;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_server::ContactService;
use keyward_proto::google::api::HttpBody;
use svc_core::error::Error;
use svc_core::precondition::Precondition;
use svc_runtime::grpc::idempotency::{self, kept};
use svc_runtime::grpc::status;
use svc_runtime::replay_or_call;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use crate::domain::{
    self, Change, Contacts, Creation, DeclaredFields, FilterDraft, Imports, Locator, OnDuplicate,
    Replacement, Report, Saved, Status as InUse,
};
use caller::Caller;
use changes::{Followers, Since};
use contact::{draft, locator, message, on_duplicate, saved};
use exports::Export;
use list::ListHead;

pub(crate) use cursors::Cursors;
pub(crate) use deeds::DeedApi;
pub(crate) use erasures::ErasureApi;
pub(crate) use fields::FieldApi;
pub(crate) use files::{FileApi, FileSourceApi};
pub(crate) use webhooks::{WebhookApi, WebhookEventApi};

/// `keyward.contacts.v1.ContactService`.
pub(crate) struct ContactApi {
    contacts: Arc<Contacts>,
    fields: Arc<DeclaredFields>,
    cursors: Cursors,
    followers: Followers,
    imports: Arc<Imports>,
}

impl ContactApi {
    pub(crate) fn new(
        contacts: Arc<Contacts>,
        fields: Arc<DeclaredFields>,
        cursors: Cursors,
        imports: Arc<Imports>,
    ) -> ContactApi {
        ContactApi { contacts, fields, cursors, followers: Followers::default(), imports }
    }
}

/// What may be asked for where another contact may be the same person: of one that is new …
const OF_NEW: [OnDuplicate; 3] = [OnDuplicate::Allow, OnDuplicate::Reject, OnDuplicate::Update];
/// … and of one that is there.
const OF_EXISTING: [OnDuplicate; 2] = [OnDuplicate::Allow, OnDuplicate::Reject];

#[tonic::async_trait]
impl ContactService for ContactApi {
    async fn get_contact_schema(
        &self,
        request: Request<pb::GetContactSchemaRequest>,
    ) -> Result<Response<pb::GetContactSchemaResponse>, Status> {
        let caller = Caller::of(&request)?;
        let set = self.fields.read(&caller.actor.partition).await.map_err(|error| caller.refuse(error))?;
        let schema = schema::message(domain::schema(&set));
        Ok(Response::new(pb::GetContactSchemaResponse { schema: Some(schema) }))
    }

    async fn create_contact(
        &self,
        request: Request<pb::CreateContactRequest>,
    ) -> Result<Response<pb::CreateContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let once = replay_or_call!(*self.contacts, request);
        let request = request.into_inner();
        let on_duplicate = on_duplicate(request.on_duplicate.as_deref(), &OF_NEW).map_err(status::of)?;
        let creation = Creation {
            draft: draft(request.contact.unwrap_or_default()),
            saving: caller.saving(on_duplicate)?,
            once,
            keep: |made| kept(&created(made.clone()), &made.contact.id),
        };
        let made = self.contacts.create(&caller.actor, creation).await;
        Ok(Response::new(created(made.map_err(|error| caller.refuse(error))?)))
    }

    async fn list_contacts(
        &self,
        request: Request<pb::ListContactsRequest>,
    ) -> Result<Response<pb::ListContactsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let partition = &caller.actor.partition;
        let request = request.into_inner();
        let counts = request.include_total.unwrap_or_default();
        let list =
            list::read(&self.cursors, partition, self.contacts.phones(), request).map_err(status::of)?;
        let head = ListHead::of(&list);
        let page = self.contacts.list(partition, list).await.map_err(|error| caller.refuse(error))?;
        let total = match counts {
            true => {
                self.contacts.total(partition, &head.filter).await.map_err(|error| caller.refuse(error))?
            }
            false => None,
        };
        Ok(Response::new(list::write(&self.cursors, partition, &head, page, total).await))
    }

    async fn list_contact_changes(
        &self,
        request: Request<pb::ListContactChangesRequest>,
    ) -> Result<Response<pb::ListContactChangesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let partition = &caller.actor.partition;
        let (size, since) = changes::read(&self.cursors, partition, request.get_ref()).map_err(status::of)?;
        let since = match since {
            Since::Beginning => None,
            Since::After(sequence) => Some(sequence),
            Since::Now => {
                let last = self.contacts.last_change(partition).await;
                let last = last.map_err(|error| caller.refuse(error))?;
                return Ok(Response::new(changes::ends_at(&self.cursors, partition, size, Some(last))));
            }
        };
        let page = self.contacts.changes(partition, size, since).await;
        let page = page.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(changes::write(&self.cursors, partition, size, page)))
    }

    async fn watch_contact_changes(
        &self,
        request: Request<pb::WatchContactChangesRequest>,
    ) -> Result<Response<BoxStream<pb::WatchContactChangesResponse>>, Status> {
        let caller = Caller::of(&request)?;
        let partition = caller.actor.partition.clone();
        let after = match &request.get_ref().since {
            Some(cursor) => Some(self.cursors.change(&partition, cursor).map_err(status::of)?),
            None => None,
        };
        let (contacts, cursors) = (self.contacts.clone(), self.cursors.clone());
        let changes = changes::follow(contacts, cursors, &self.followers, partition, after).await;
        Ok(Response::new(changes.map_err(|error| caller.refuse(error))?))
    }

    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Result<Response<pb::GetContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let locator = locator(request.into_inner().reference).map_err(status::of)?;
        let found = self.contacts.get(&caller.actor.partition, &locator).await;
        let contact = found.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::GetContactResponse { contact: Some(message(contact)) }))
    }

    async fn replace_contact(
        &self,
        request: Request<pb::ReplaceContactRequest>,
    ) -> Result<Response<pb::ReplaceContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let on_duplicate = on_duplicate(request.on_duplicate.as_deref(), &OF_EXISTING).map_err(status::of)?;
        let replacement = Replacement {
            locator: locator(request.reference).map_err(status::of)?,
            draft: draft(request.contact.unwrap_or_default()),
            upsert: request.upsert.unwrap_or_default(),
            precondition: Precondition::of(request.if_match, request.if_none_match),
            saving: caller.saving(on_duplicate)?,
        };
        let replaced = self.contacts.replace(&caller.actor, replacement).await;
        let replaced = replaced.map_err(|error| caller.refuse(error))?;
        let created = replaced.created;
        Ok(Response::new(pb::ReplaceContactResponse { contact: Some(saved(replaced)), created }))
    }

    async fn update_contact(
        &self,
        request: Request<pb::UpdateContactRequest>,
    ) -> Result<Response<pb::UpdateContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let on_duplicate = on_duplicate(request.on_duplicate.as_deref(), &OF_EXISTING).map_err(status::of)?;
        let change = Change {
            locator: locator(request.reference).map_err(status::of)?,
            patch: patch::patch(request.contact.unwrap_or_default(), request.update_mask.unwrap_or_default()),
            precondition: Precondition::of(request.if_match, None),
            saving: caller.saving(on_duplicate)?,
        };
        let changed = self.contacts.change(&caller.actor, change).await;
        let contact = saved(changed.map_err(|error| caller.refuse(error))?);
        Ok(Response::new(pb::UpdateContactResponse { contact: Some(contact) }))
    }

    async fn export_contact(
        &self,
        request: Request<pb::ExportContactRequest>,
    ) -> Result<Response<pb::ExportContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let locator = Locator::Id(request.into_inner().id);
        let held = self.contacts.hand_out(&caller.actor, &locator).await;
        Ok(Response::new(export::write(held.map_err(|error| caller.refuse(error))?)))
    }

    async fn archive_contact(
        &self,
        request: Request<pb::ArchiveContactRequest>,
    ) -> Result<Response<pb::ArchiveContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let locator = locator(request.reference).map_err(status::of)?;
        let precondition = Precondition::of(request.if_match, None);
        let archived = self.contacts.set_status(&caller.actor, locator, precondition, InUse::Archived).await;
        let contact = message(archived.map_err(|error| caller.refuse(error))?);
        Ok(Response::new(pb::ArchiveContactResponse { contact: Some(contact) }))
    }

    async fn unarchive_contact(
        &self,
        request: Request<pb::UnarchiveContactRequest>,
    ) -> Result<Response<pb::UnarchiveContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let locator = locator(request.reference).map_err(status::of)?;
        let precondition = Precondition::of(request.if_match, None);
        let active = self.contacts.set_status(&caller.actor, locator, precondition, InUse::Active).await;
        let contact = message(active.map_err(|error| caller.refuse(error))?);
        Ok(Response::new(pb::UnarchiveContactResponse { contact: Some(contact) }))
    }

    async fn bulk_upsert_contacts(
        &self,
        request: Request<pb::BulkUpsertContactsRequest>,
    ) -> Result<Response<pb::BulkUpsertContactsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let once = replay_or_call!(*self.contacts, request);
        let order = bulk::order(request.into_inner(), once).map_err(status::of)?;
        let outcomes = self.contacts.bulk(&caller.actor, order).await;
        Ok(Response::new(bulk::response(&outcomes.map_err(|error| caller.refuse(error))?)))
    }

    async fn import_contacts(
        &self,
        request: Request<Streaming<pb::ImportContactsRequest>>,
    ) -> Result<Response<pb::ImportContactsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let call = idempotency::call(&request).map_err(status::of)?;
        let mut messages = request.into_inner();
        let first = messages.message().await?.unwrap_or_default();
        let order = imports::order(first, call, self.contacts.phones()).map_err(status::of)?;
        let report = self.imports.import(&caller.actor, order, imports::content(messages)).await;
        let report = report.map_err(|error| caller.refuse(error))?;
        let import = imports::message(report.import, report.errors, self.imports.now());
        let mut response = Response::new(pb::ImportContactsResponse { contact_import: Some(import) });
        if report.replayed {
            idempotency::say_replayed(response.metadata_mut());
        }
        Ok(response)
    }

    async fn export_contacts(
        &self,
        request: Request<pb::ExportContactsRequest>,
    ) -> Result<Response<BoxStream<HttpBody>>, Status> {
        let caller = Caller::of(&request)?;
        let partition = caller.actor.partition.clone();
        let set = self.fields.read(&partition).await.map_err(|error| caller.refuse(error))?;
        let format = exports::format(request.get_ref(), request.metadata(), &set).map_err(status::of)?;
        let filter = FilterDraft::from(request.get_ref()).check(self.contacts.phones());
        let filter = filter.map_err(|violations| status::of(Error::invalid(violations)))?;
        let export = Export { contacts: self.contacts.clone(), partition, filter, format };
        Ok(Response::new(Box::pin(exports::pieces(export))))
    }

    async fn get_contact_import(
        &self,
        request: Request<pb::GetContactImportRequest>,
    ) -> Result<Response<pb::GetContactImportResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = self.imports.get(&caller.actor.partition, &request.get_ref().id).await;
        let Report { import, errors, .. } = found.map_err(|error| caller.refuse(error))?;
        let import = imports::message(import, errors, self.imports.now());
        Ok(Response::new(pb::GetContactImportResponse { contact_import: Some(import) }))
    }

    async fn list_contact_imports(
        &self,
        request: Request<pb::ListContactImportsRequest>,
    ) -> Result<Response<pb::ListContactImportsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let partition = &caller.actor.partition;
        let list = imports::list(partition, request.get_ref()).map_err(status::of)?;
        let page = self.imports.list(partition, &list).await.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(imports::page(partition, &list, page, self.imports.now())))
    }

    async fn list_contact_import_errors(
        &self,
        request: Request<pb::ListContactImportErrorsRequest>,
    ) -> Result<Response<pb::ListContactImportErrorsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let partition = &caller.actor.partition;
        let (size, after) = imports::errors(partition, request.get_ref()).map_err(status::of)?;
        let id = &request.get_ref().id;
        let page = self.imports.errors(partition, id, size, after).await;
        let page = page.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(imports::errors_page(partition, id, size, page)))
    }

    async fn delete_contact(
        &self,
        request: Request<pb::DeleteContactRequest>,
    ) -> Result<Response<pb::DeleteContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let locator = locator(request.reference).map_err(status::of)?;
        let precondition = Precondition::of(request.if_match, None);
        let deleted = self.contacts.delete(&caller.actor, locator, precondition).await;
        deleted.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::DeleteContactResponse {}))
    }
}

fn created(made: Saved) -> pb::CreateContactResponse {
    let created = made.created;
    pb::CreateContactResponse { contact: Some(saved(made)), created }
}
