//! The service as its callers see it: real gRPC messages through the real stack, in process, on each
//! engine.

mod bulk;
mod changes;
mod changing;
mod concurrency;
mod exports;
mod fields;
mod filters;
mod imports;
mod isolation;
mod list;
mod people;
mod refusals;
mod replace;
mod retention;

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use keyward_proto::policy::v1::Versions;
use keyward_proto::value::Value;
use svc_core::clock::ManualClock;
use svc_core::error::{Error, Reason};
use svc_core::principal::{Principal, Subject};
use svc_runtime::grpc::{Upstream, status};
use svc_runtime::service::Service;
use tonic::Request;

use crate::{Config, ContactsService, NAME};
use svc_db::testing::{START, TestEnvironment};

const ORGANIZATION: &str = "65f0c0ffee65f0c0ffee65f0";
const AGENT: &str = "65f0c0ffee65f0c0ffee65a0";
const KEY: &str = "65f0c0ffee65f0c0ffee65b0";
const ABSENT_ID: &str = "65f0c0ffee65f0c0ffee65c0";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    on(TestEnvironment::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    on(TestEnvironment::postgres().await).await;
}

async fn on(home: TestEnvironment) {
    let service = ContactsService::open(&Config::default(), &home.environment).await.unwrap();
    let upstream = service.handlers().in_process(NAME, &home.environment.metrics).unwrap();
    let stack = Stack { upstream, clock: home.clock.clone() };
    all(&stack).await;
    retention::all(&service, &stack).await;
    service.close().await;
}

/// The suite of many contacts at once.
mod many {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn sqlite() {
        on(TestEnvironment::sqlite()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn postgres() {
        on(TestEnvironment::postgres().await).await;
    }

    async fn on(home: TestEnvironment) {
        let service = ContactsService::open(&Config::default(), &home.environment).await.unwrap();
        let upstream = service.handlers().in_process(NAME, &home.environment.metrics).unwrap();
        let stack = Stack { upstream, clock: home.clock.clone() };
        bulk::all(&stack).await;
        imports::all(&stack).await;
        exports::all(&stack).await;
        service.close().await;
    }
}

/// The suite. Each part has agents of its own.
async fn all(stack: &Stack) {
    a_contact_from_its_creation_to_its_end(&stack.caller("a1")).await;
    replace::all(stack).await;
    changing::all(stack).await;
    fields::all(stack).await;
    people::all(stack).await;
    list::all(stack).await;
    filters::all(stack).await;
    changes::all(stack).await;
    refusals::all(stack).await;
    isolation::all(stack).await;
    concurrency::all(stack).await;
}

/// The service behind its stack.
struct Stack {
    upstream: Upstream,
    clock: ManualClock,
}

impl Stack {
    /// A caller with all permissions, who acts on the agent `{agent}` of the one organization.
    fn caller(&self, agent: &str) -> Caller {
        self.caller_with(agent, &["create", "read", "update", "delete"])
    }

    fn caller_with(&self, agent: &str, actions: &[&str]) -> Caller {
        let agent_id = format!("{}{agent}", &AGENT[agent.len()..]);
        let principal = Principal {
            organization_id: ORGANIZATION.to_owned(),
            agent_id: Some(agent_id),
            subject: Subject::Key(KEY.to_owned()),
            permissions: actions.iter().map(|action| format!("contacts:{action}")).collect(),
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        };
        self.caller_as(principal)
    }

    fn caller_as(&self, principal: Principal) -> Caller {
        Caller {
            client: ContactServiceClient::new(self.upstream.clone()),
            principal: Arc::new(principal),
            clock: self.clock.clone(),
        }
    }
}

/// Somebody with a key, one method per call.
#[derive(Clone)]
struct Caller {
    client: ContactServiceClient<Upstream>,
    principal: Arc<Principal>,
    clock: ManualClock,
}

type Answer<T> = Result<T, Error>;

impl Caller {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(self.principal.clone());
        request
    }

    async fn create(&self, contact: pb::Contact) -> Answer<pb::Contact> {
        let message = pb::CreateContactRequest { contact: Some(contact), ..Default::default() };
        let created = self.create_as(message).await?;
        assert!(created.created);
        Ok(alone(created.contact.unwrap()))
    }

    async fn create_as(&self, message: pb::CreateContactRequest) -> Answer<pb::CreateContactResponse> {
        let answer = self.client.clone().create_contact(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner())
    }

    async fn update_as(&self, message: pb::UpdateContactRequest) -> Answer<pb::Contact> {
        let answer = self.client.clone().update_contact(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().contact.unwrap())
    }

    /// Changes the fields that the paths name.
    async fn update(&self, which: &Which, contact: pb::Contact, paths: &[&str]) -> Answer<pb::Contact> {
        let message = pb::UpdateContactRequest {
            reference: Some(which.into()),
            contact: Some(contact),
            update_mask: Some(mask(paths)),
            ..Default::default()
        };
        self.update_as(message).await.map(alone)
    }

    async fn archive(&self, which: &Which, version: Option<i32>) -> Answer<pb::Contact> {
        let if_match = version.map(|version| these(&[version]));
        let message =
            pb::ArchiveContactRequest { reference: Some(which.into()), if_match, ..Default::default() };
        let answer = self.client.clone().archive_contact(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().contact.unwrap())
    }

    async fn unarchive(&self, which: &Which) -> Answer<pb::Contact> {
        let message = pb::UnarchiveContactRequest { reference: Some(which.into()), ..Default::default() };
        let answer = self.client.clone().unarchive_contact(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().contact.unwrap())
    }

    async fn get(&self, which: &Which) -> Answer<pb::Contact> {
        let message = pb::GetContactRequest { reference: Some(which.into()), ..Default::default() };
        let answer =
            self.client.clone().get_contact(self.request(message)).await.map_err(status::to_error)?;
        Ok(answer.into_inner().contact.unwrap())
    }

    async fn list(&self, message: pb::ListContactsRequest) -> Answer<pb::ListContactsResponse> {
        Ok(self
            .client
            .clone()
            .list_contacts(self.request(message))
            .await
            .map_err(status::to_error)?
            .into_inner())
    }

    async fn changes(
        &self,
        message: pb::ListContactChangesRequest,
    ) -> Answer<pb::ListContactChangesResponse> {
        let answer = self.client.clone().list_contact_changes(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner())
    }

    async fn watch(
        &self,
        since: Option<String>,
    ) -> Answer<tonic::Streaming<pb::WatchContactChangesResponse>> {
        let message = pb::WatchContactChangesRequest { since, ..Default::default() };
        let answer = self.client.clone().watch_contact_changes(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner())
    }

    async fn replace(&self, which: &Which, contact: pb::Contact) -> Answer<pb::Contact> {
        Ok(self.put(which, contact, false, None).await?.contact.unwrap())
    }

    async fn put(
        &self,
        which: &Which,
        contact: pb::Contact,
        upsert: bool,
        version: Option<i32>,
    ) -> Answer<pb::ReplaceContactResponse> {
        self.put_if(which, contact, upsert, version.map(|version| these(&[version])), None).await
    }

    async fn put_if(
        &self,
        which: &Which,
        contact: pb::Contact,
        upsert: bool,
        if_match: Option<Versions>,
        if_none_match: Option<Versions>,
    ) -> Answer<pb::ReplaceContactResponse> {
        let message = pb::ReplaceContactRequest {
            reference: Some(which.into()),
            contact: Some(contact),
            upsert: Some(upsert),
            if_match,
            if_none_match,
            ..Default::default()
        };
        let replaced = self.replace_as(message).await?;
        Ok(pb::ReplaceContactResponse { contact: replaced.contact.map(alone), ..replaced })
    }

    async fn replace_as(&self, message: pb::ReplaceContactRequest) -> Answer<pb::ReplaceContactResponse> {
        let answer = self.client.clone().replace_contact(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner())
    }

    async fn delete(&self, which: &Which, version: Option<i32>) -> Answer<()> {
        let if_match = version.map(|version| these(&[version]));
        let message =
            pb::DeleteContactRequest { reference: Some(which.into()), if_match, ..Default::default() };
        self.client.clone().delete_contact(self.request(message)).await.map_err(status::to_error)?;
        Ok(())
    }
}

/// Which contact a call is about.
#[derive(Clone, Debug)]
enum Which {
    Id(String),
    Ref(String),
}

macro_rules! references {
    ($($request:ident),*) => {
        $(impl From<&Which> for pb::$request::Reference {
            fn from(which: &Which) -> Self {
                match which.clone() {
                    Which::Id(id) => Self::Id(id),
                    Which::Ref(reference) => Self::Ref(reference),
                }
            }
        })*
    };
}

references!(
    get_contact_request,
    replace_contact_request,
    update_contact_request,
    delete_contact_request,
    archive_contact_request,
    unarchive_contact_request
);

/// The contact without others that may be the same person: what is read later.
fn alone(contact: pb::Contact) -> pb::Contact {
    pb::Contact { possible_duplicates: Vec::new(), ..contact }
}

fn mask(paths: &[&str]) -> prost_types::FieldMask {
    prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }
}

fn any() -> Versions {
    Versions { any: true, versions: Vec::new() }
}

fn these(versions: &[i32]) -> Versions {
    Versions { any: false, versions: versions.to_vec() }
}

fn by_id(contact: &pb::Contact) -> Which {
    Which::Id(contact.id.clone())
}

fn by_ref(reference: &str) -> Which {
    Which::Ref(reference.to_owned())
}

/// A contact that may be created.
fn ann(reference: Option<&str>) -> pb::Contact {
    pb::Contact {
        external_reference_id: reference.map(str::to_owned),
        name: Some("Ann".to_owned()),
        email: Some("ann@example.com".to_owned()),
        ..pb::Contact::default()
    }
}

fn named(name: &str) -> pb::Contact {
    pb::Contact { name: Some(name.to_owned()), ..ann(None) }
}

/// The reason, and the fields with their codes.
fn refusal<T: std::fmt::Debug>(answer: Answer<T>) -> (Reason, Vec<(String, &'static str)>) {
    let error = answer.unwrap_err();
    let details = error.violations.into_iter().map(|v| (v.field, v.fault.code()));
    (error.reason, details.collect())
}

fn reason<T: std::fmt::Debug>(answer: Answer<T>) -> Reason {
    answer.unwrap_err().reason
}

async fn a_contact_from_its_creation_to_its_end(caller: &Caller) {
    let sent = pb::Contact {
        external_reference_id: Some("crm/1 ä".to_owned()),
        name: Some("  Ann Lee ".to_owned()),
        email: Some("Ann@Example.com".to_owned()),
        mobile_number: Some("+491701234567".to_owned()),
        gender: Some("female".to_owned()),
        stage: Some(pb::ContactStage::Prospect.into()),
        source: Some("website".to_owned()),
        tags: vec!["vip".to_owned(), "beta".to_owned()],
        notes: Some("one\ntwo".to_owned()),
        custom_fields: [("seats".to_owned(), number(5.0))].into(),
        ..pb::Contact::default()
    };
    let created = caller.create(sent.clone()).await.unwrap();
    let expected = pb::Contact {
        id: created.id.clone(),
        name: Some("Ann Lee".to_owned()),
        status: pb::ContactStatus::Active.into(),
        created_at: Some(START.to_proto()),
        updated_at: Some(START.to_proto()),
        version: 1,
        ..sent
    };
    assert_eq!(created, expected);
    assert!(svc_core::ids::is_id(&created.id));
    for which in [by_id(&created), by_ref("crm/1 ä")] {
        assert_eq!(caller.get(&which).await.unwrap(), created);
    }
    let listed = caller.list(pb::ListContactsRequest::default()).await.unwrap();
    assert_eq!(listed.contacts, std::slice::from_ref(&created));

    caller.delete(&by_ref("crm/1 ä"), None).await.unwrap();
    for which in [by_id(&created), by_ref("crm/1 ä")] {
        assert_eq!(reason(caller.get(&which).await), Reason::NotFound);
        assert_eq!(reason(caller.delete(&which, None).await), Reason::NotFound);
    }
}

fn number(number: f64) -> Value {
    value(prost_types::value::Kind::NumberValue(number))
}

fn text(text: &str) -> Value {
    value(prost_types::value::Kind::StringValue(text.to_owned()))
}

fn value(kind: prost_types::value::Kind) -> Value {
    use prost::Message;
    Value::from_wire(prost_types::Value { kind: Some(kind) }.encode_to_vec())
}
