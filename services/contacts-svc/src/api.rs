//! The gRPC side: messages to domain types and back. RPCs without code here are not built yet and
//! answer UNIMPLEMENTED by tonic's default stubs.

mod caller;
mod contact;
mod custom_fields;
mod list;

#[cfg(test)]
mod tests;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_server::ContactService;
use keyward_proto::contacts::v1::file_service_server::FileService;
use tonic::{Request, Response, Status};

use crate::domain::{Contacts, Replaced, Replacement};
use caller::Caller;
use contact::{draft, locator, message};

/// `keyward.contacts.v1.ContactService`.
pub(crate) struct ContactApi {
    contacts: Contacts,
}

impl ContactApi {
    pub(crate) fn new(contacts: Contacts) -> ContactApi {
        ContactApi { contacts }
    }
}

#[tonic::async_trait]
impl ContactService for ContactApi {
    async fn create_contact(
        &self,
        request: Request<pb::CreateContactRequest>,
    ) -> Result<Response<pb::CreateContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let draft = draft(request.into_inner().contact.unwrap_or_default());
        let created = self.contacts.create(&caller.partition, draft).await;
        let contact = created.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::CreateContactResponse { contact: Some(message(contact)) }))
    }

    async fn list_contacts(
        &self,
        request: Request<pb::ListContactsRequest>,
    ) -> Result<Response<pb::ListContactsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (size, after) = list::read(&caller.partition, request.get_ref())?;
        let page = self.contacts.list(&caller.partition, size, after.as_ref()).await;
        let page = page.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(list::write(&caller.partition, size, page)))
    }

    async fn get_contact(
        &self,
        request: Request<pb::GetContactRequest>,
    ) -> Result<Response<pb::GetContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let locator = locator(request.into_inner().reference)?;
        let found = self.contacts.get(&caller.partition, &locator).await;
        let contact = found.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::GetContactResponse { contact: Some(message(contact)) }))
    }

    async fn replace_contact(
        &self,
        request: Request<pb::ReplaceContactRequest>,
    ) -> Result<Response<pb::ReplaceContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let upsert = request.upsert.unwrap_or_default();
        if upsert {
            caller.must_be_allowed_to_create()?;
        }
        let replacement = Replacement {
            locator: locator(request.reference)?,
            draft: draft(request.contact.unwrap_or_default()),
            upsert,
            expected_version: request.expected_version,
        };
        let replaced = self.contacts.replace(&caller.partition, replacement).await;
        let Replaced { contact, created } = replaced.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::ReplaceContactResponse { contact: Some(message(contact)), created }))
    }

    async fn delete_contact(
        &self,
        request: Request<pb::DeleteContactRequest>,
    ) -> Result<Response<pb::DeleteContactResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let locator = locator(request.reference)?;
        let deleted = self.contacts.delete(&caller.partition, &locator, request.expected_version).await;
        deleted.map_err(|error| caller.refuse(error))?;
        Ok(Response::new(pb::DeleteContactResponse {}))
    }
}

/// `keyward.contacts.v1.FileService`, of which nothing is built yet.
pub(crate) struct FileApi;

#[tonic::async_trait]
impl FileService for FileApi {}
