//! gRPC with a client of tonic: one message each way, and what goes with it.

use std::time::Duration;

use keyward_proto::auth::v1::GetAgentRequest;
use keyward_proto::auth::v1::agent_service_client::AgentServiceClient;
use keyward_proto::contacts::v1::{Contact, CreateContactRequest, DeleteContactRequest};
use keyward_proto::google::rpc::{BadRequest, Status as RpcStatus};
use prost::Message;
use svc_core::error::Reason;
use svc_runtime::grpc::status;

use super::{channel, contacts, get, refusal, with, with_key, with_token};
use crate::client::basic;
use crate::stack::{AGENT, CONTACT, KEY, SECRET, Stack, deadline_of};

#[tokio::test]
async fn calls_of_one_message() {
    let stack = Stack::start().await;
    let mut client = contacts(stack.address);
    let answer = client.get_contact(with_key(get("crm-1"))).await.unwrap();
    let metadata = answer.metadata();
    assert_eq!(metadata.get("x-request-id").unwrap().len(), 24);
    assert_eq!(metadata.get("cache-control").unwrap(), "no-store");
    let contact = answer.into_inner().contact.unwrap();
    assert_eq!((contact.id.as_str(), contact.external_reference_id.as_deref()), (CONTACT, Some("crm-1")));

    // The operation is asked for as over REST, and the agent is the service's to see.
    let asked = stack.auth.last();
    assert_eq!(asked.operation, "keyward.contacts.v1.ContactService/GetContact");
    assert_eq!((asked.permissions, asked.agent_id), (vec!["contacts:read".to_owned()], None));

    let contact = Some(Contact { name: Some("Ada".to_owned()), ..Contact::default() });
    for agent_id in [String::new(), AGENT.to_owned()] {
        let create = CreateContactRequest { agent_id, contact: contact.clone(), ..Default::default() };
        assert!(client.create_contact(with_key(create)).await.is_ok());
    }
    let basic = basic(KEY, SECRET);
    assert!(client.get_contact(with(get("crm-1"), &[("authorization", &basic)])).await.is_ok());
}

#[tokio::test]
async fn members_call_with_their_tokens() {
    let stack = Stack::start().await;
    let mut client = AgentServiceClient::new(channel(stack.address));
    let asked = GetAgentRequest { agent_id: AGENT.to_owned() };
    let agent = client.get_agent(with_token(asked.clone())).await.unwrap().into_inner().agent.unwrap();
    assert_eq!(agent.name.as_deref(), Some("Support"));
    let (_, reason, _) = refusal(client.get_agent(with_key(asked)).await);
    assert_eq!(reason, Reason::NotSignedIn);
}

#[tokio::test]
async fn services_see_no_metadata_of_a_client() {
    let made_up = [
        ("x-api-key", KEY),
        ("x-api-secret", SECRET),
        ("x-request-id", "mine"),
        ("x-keyward-principal", "forged"),
        ("x-keyward-organization-id", "forged"),
        ("x-keyward-client-address", "192.0.2.1"),
        ("x-tenant", "of my own"),
        ("cookie", "a=b"),
    ];
    let stack = Stack::start().await;
    contacts(stack.address).get_contact(with(get("a"), &made_up)).await.unwrap();
    assert_eq!(stack.contacts.count(), 1);
    assert!(stack.contacts.calls.lock().unwrap()[0].metadata.is_empty());

    let (stack, service) = Stack::apart().await;
    contacts(stack.address).get_contact(with(get("a"), &made_up)).await.unwrap();
    let calls = service.calls.lock().unwrap();
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    let mut names: Vec<&str> = call.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    let ours = ["x-keyward-client-address", "x-keyward-principal", "x-request-id"];
    let of_grpc = ["content-type", "grpc-timeout", "te", "user-agent"];
    assert_eq!(names, [&of_grpc[..], &ours].concat());
    assert_eq!(call["x-keyward-client-address"], "127.0.0.1");
    assert_eq!(call["x-keyward-principal"], "token-for-contacts");
    assert_ne!(call["x-request-id"], "mine");
}

#[tokio::test]
async fn the_deadline_is_the_shorter_of_the_caller_s_and_the_rpc_s() {
    let (stack, service) = Stack::apart().await;
    let mut client = contacts(stack.address);
    for (asked, least, most) in
        [(None, 9_000, 10_000), (Some(2_000), 1_000, 2_000), (Some(60_000), 9_000, 10_000)]
    {
        let mut request = with_key(get("a"));
        if let Some(millis) = asked {
            request.set_timeout(Duration::from_millis(millis));
        }
        client.get_contact(request).await.unwrap();
        let given = deadline_of(service.calls.lock().unwrap().last().unwrap());
        let (least, most) = (Duration::from_millis(least), Duration::from_millis(most));
        assert!(given > least && given <= most, "{asked:?}: {given:?}");
    }
}

#[tokio::test]
async fn refusals_of_a_service_come_with_their_details() {
    let stack = Stack::start().await;
    let mut client = contacts(stack.address);
    for (reference, reason) in [
        ("missing", Reason::NotFound),
        ("panic", Reason::Internal),
        ("foreign", Reason::Internal),
        ("unauthenticated", Reason::BadGateway),
    ] {
        let outcome = client.get_contact(with_key(get(reference))).await;
        let text = outcome.as_ref().unwrap_err().message().to_owned();
        assert_eq!(refusal(outcome).1, reason, "{reference}");
        assert!(!text.contains("hunter2") && !text.contains("fell over"), "{text}");
    }
    let create = |name: &str| {
        let contact = Some(Contact { name: Some(name.to_owned()), ..Contact::default() });
        with_key(CreateContactRequest { contact, ..Default::default() })
    };
    let bad = client.create_contact(create("bad")).await.unwrap_err();
    let details = RpcStatus::decode(bad.details()).unwrap().details;
    let violations = details.iter().find(|d| d.type_url.ends_with("BadRequest")).unwrap();
    let violations = BadRequest::decode(violations.value.as_slice()).unwrap().field_violations;
    assert_eq!((violations[0].field.as_str(), violations[0].reason.as_str()), ("email", "REQUIRED"));
    let taken = client.create_contact(create("taken")).await.unwrap_err();
    assert_eq!(status::to_error(taken).existing_id.as_deref(), Some(CONTACT));
    let stale = DeleteContactRequest {
        if_match: Some(keyward_proto::policy::v1::Versions { any: false, versions: vec![2] }),
        ..Default::default()
    };
    assert_eq!(refusal(client.delete_contact(with_key(stale)).await).1, Reason::PreconditionFailed);
}

#[tokio::test]
async fn calls_are_counted_as_what_became_of_them() {
    let stack = Stack::start().await;
    let mut client = contacts(stack.address);
    client.get_contact(with_key(get("a"))).await.unwrap();
    client.get_contact(with_key(get("missing"))).await.unwrap_err();
    let metrics = stack.metrics.encode().unwrap();
    let route = "/keyward.contacts.v1.ContactService/GetContact";
    for status in [200, 404] {
        let line =
            format!("duration_seconds_count{{method=\"POST\",route=\"{route}\",status=\"{status}\"}} 1");
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.contains("http_server_active_requests 0"), "{metrics}");
}
