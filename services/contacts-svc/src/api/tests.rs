//! The service as its callers see it: real gRPC messages through the real stack, in process, on each
//! engine.

mod concurrency;
mod isolation;
mod list;
mod refusals;
mod replace;

use std::sync::Arc;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use svc_core::clock::ManualClock;
use svc_core::error::{Error, Reason};
use svc_core::grpc::Upstream;
use svc_core::principal::{Principal, Subject};
use tonic::Request;
use tower::Layer;

use crate::{Config, ContactsService, NAME};
use svc_core::testing::{Home, START};

const ORGANIZATION: &str = "65f0c0ffee65f0c0ffee65f0";
const AGENT: &str = "65f0c0ffee65f0c0ffee65a0";
const KEY: &str = "65f0c0ffee65f0c0ffee65b0";
const ABSENT_ID: &str = "65f0c0ffee65f0c0ffee65c0";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    on(Home::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    on(Home::postgres().await).await;
}

async fn on(home: Home) {
    let service = ContactsService::open(&Config::default(), &home.environment).await.unwrap();
    let handlers = service.handlers().await;
    let stack = handlers.stack(None, None, &home.environment.metrics).unwrap();
    let upstream = Upstream::in_process(NAME, stack.layer(handlers.routes()));
    all(&Stack { upstream, clock: home.clock.clone() }).await;
    service.close().await;
}

/// The suite. Each part has agents of its own.
async fn all(stack: &Stack) {
    a_contact_from_its_creation_to_its_end(&stack.caller("a1")).await;
    replace::all(stack).await;
    list::all(stack).await;
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
        let answer = self.client.clone().create_contact(self.request(message)).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    async fn get(&self, which: &Which) -> Answer<pb::Contact> {
        let message = pb::GetContactRequest { reference: Some(which.into()), ..Default::default() };
        let answer = self.client.clone().get_contact(self.request(message)).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    async fn list(&self, message: pb::ListContactsRequest) -> Answer<pb::ListContactsResponse> {
        Ok(self.client.clone().list_contacts(self.request(message)).await?.into_inner())
    }

    async fn replace(&self, which: &Which, contact: pb::Contact) -> Answer<pb::Contact> {
        Ok(self.put(which, contact, false, None).await?.contact.unwrap())
    }

    async fn put(
        &self,
        which: &Which,
        contact: pb::Contact,
        upsert: bool,
        expected_version: Option<i32>,
    ) -> Answer<pb::ReplaceContactResponse> {
        let message = pb::ReplaceContactRequest {
            reference: Some(which.into()),
            contact: Some(contact),
            upsert: Some(upsert),
            expected_version,
            ..Default::default()
        };
        Ok(self.client.clone().replace_contact(self.request(message)).await?.into_inner())
    }

    async fn delete(&self, which: &Which, expected_version: Option<i32>) -> Answer<()> {
        let reference = Some(which.into());
        let message = pb::DeleteContactRequest { reference, expected_version, ..Default::default() };
        self.client.clone().delete_contact(self.request(message)).await?;
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

references!(get_contact_request, replace_contact_request, delete_contact_request);

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

fn number(number: f64) -> prost_types::Value {
    prost_types::Value { kind: Some(prost_types::value::Kind::NumberValue(number)) }
}
