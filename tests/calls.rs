//! gRPC and gRPC-Web on the edge's own port: the same keys, limits and rules as over REST, and clients of other
//! languages.

use std::ffi::OsStr;
use std::path::Path;

use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use keyward_proto::contacts::v1::file_service_client::FileServiceClient;
use keyward_proto::contacts::v1::upload_file_request::Part;
use keyward_proto::contacts::v1::{
    Contact, CreateContactRequest, GetContactRequest, ListContactsRequest, ReplaceContactRequest,
    UploadFileMetadata, UploadFileRequest, get_contact_request, replace_contact_request, upload_file_request,
};
use serde_json::{Value, json};
use svc_core::error::Reason;
use svc_runtime::grpc::status;
use tokio::process::Command;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::harness::{Engine, Key, Stack, Topology, output_for, python};

fn contacts(stack: &Stack) -> ContactServiceClient<Channel> {
    let edge = Endpoint::from_shared(format!("http://{}", stack.edge())).unwrap();
    ContactServiceClient::new(edge.connect_lazy())
}

fn by<T>(key: &Key, message: T) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in [("x-api-key", &key.api_key), ("x-api-secret", &key.secret)] {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    request
}

fn get(agent: &str, reference: &str) -> GetContactRequest {
    let reference = Some(get_contact_request::Reference::Ref(reference.to_owned()));
    GetContactRequest { agent_id: agent.to_owned(), reference }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>, code: Code, reason: Reason) -> String {
    let status = outcome.unwrap_err();
    assert_eq!((status.code(), status::reason(&status)), (code, reason), "{status}");
    status.message().to_owned()
}

#[tokio::test]
async fn a_deleted_key_is_refused_at_once() {
    Stack::each(async |stack| {
        let mut contacts = contacts(&stack);
        for _ in 0..5 {
            let key = stack.new_key(&["contacts:read"]).await;
            contacts.list_contacts(by(&key, ListContactsRequest::default())).await.unwrap();
            stack.delete_key(&key.id).await.ok();
            let after = contacts.list_contacts(by(&key, ListContactsRequest::default())).await;
            refused(after, Code::Unauthenticated, Reason::InvalidCredentials);
        }
    })
    .await;
}

#[tokio::test]
async fn rest_and_grpc_share_the_limits_of_a_key() {
    Stack::each(async |stack| {
        let mut contacts = contacts(&stack);
        let limited = json!({
            "name": "Limited", "permissions": ["contacts:read"], "rateLimits": {"perMinute": 4, "perHour": 100},
        });
        let key = stack.new_key_with(limited).await;
        let caller = stack.with_key(&key);
        for left in [3, 1] {
            let answer = contacts.list_contacts(by(&key, ListContactsRequest::default())).await.unwrap();
            assert_eq!(answer.metadata().get("x-ratelimit-remaining").unwrap(), &left.to_string());
            caller.list_contacts("").await.ok();
        }
        let outcome = contacts.list_contacts(by(&key, ListContactsRequest::default())).await;
        let status = outcome.as_ref().unwrap_err().clone();
        refused(outcome, Code::ResourceExhausted, Reason::RateLimited);
        assert!(status::to_error(status.clone()).retry_after.is_some());
        assert_eq!(status.metadata().get("x-ratelimit-remaining").unwrap(), "0");
        caller.list_contacts("").await.refusal(429, "rate_limited");
    })
    .await;
}

#[tokio::test]
async fn keys_see_and_change_only_what_is_theirs() {
    Stack::each(async |stack| {
        let mut contacts = contacts(&stack);
        let all = ["contacts:create", "contacts:read", "contacts:update", "contacts:delete"];
        let sales = stack.new_agent("Sales", &all).await;
        stack.new_contact("crm-1").await;
        sales.new_contact("crm-2").await;

        let found = contacts.get_contact(by(&stack.key, get("", "crm-1"))).await.unwrap().into_inner();
        let same =
            contacts.get_contact(by(&stack.key, get(&stack.agent, "crm-1"))).await.unwrap().into_inner();
        assert_eq!(found, same);
        let theirs = contacts.get_contact(by(&stack.key, get("", "crm-2"))).await;
        refused(theirs, Code::NotFound, Reason::NotFound);
        // Whether or not it exists.
        for agent in [sales.agent.as_str(), "65f0c0ffee65f0c0ffee65f0", "x"] {
            let strayed = contacts.get_contact(by(&stack.key, get(agent, "crm-2"))).await;
            refused(strayed, Code::PermissionDenied, Reason::AgentMismatch);
        }
    })
    .await;
}

#[tokio::test]
async fn permissions_are_those_of_the_rule_and_of_the_message() {
    Stack::each(async |stack| {
        let mut contacts = contacts(&stack);
        let updater = stack.new_key(&["contacts:update"]).await;
        let contact = || Some(Contact { email: Some("ada@example.com".to_owned()), ..Contact::default() });
        let replace = |upsert| {
            let reference = Some(replace_contact_request::Reference::Ref("crm-1".to_owned()));
            ReplaceContactRequest { reference, contact: contact(), upsert, ..Default::default() }
        };
        let create = CreateContactRequest { contact: contact(), ..Default::default() };
        let lacking = contacts.create_contact(by(&updater, create)).await;
        let said = refused(lacking, Code::PermissionDenied, Reason::PermissionDenied);
        let lacking = contacts.replace_contact(by(&updater, replace(Some(true)))).await;
        let said_of_message = refused(lacking, Code::PermissionDenied, Reason::PermissionDenied);
        assert!(said.contains("contacts:create"), "{said}");
        assert_eq!(said, said_of_message, "whoever notices");
        let unknown = contacts.replace_contact(by(&updater, replace(None))).await;
        refused(unknown, Code::NotFound, Reason::NotFound);

        let key = stack.new_key(&["contacts:update", "contacts:create"]).await;
        let made = contacts.replace_contact(by(&key, replace(Some(true)))).await.unwrap().into_inner();
        assert!(made.created);
        contacts.replace_contact(by(&updater, replace(None))).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn every_state_of_a_key_has_its_code() {
    Stack::each(async |stack| {
        let mut contacts = contacts(&stack);
        let key = stack.new_key(&["contacts:read"]).await;
        let mut list =
            async |key: &Key| contacts.list_contacts(by(key, ListContactsRequest::default())).await;
        let nobody = Key { secret: String::new(), ..key.clone() };
        refused(list(&nobody).await, Code::Unauthenticated, Reason::MissingCredentials);
        let wrong = Key { secret: stack.key.secret.clone(), ..key.clone() };
        refused(list(&wrong).await, Code::Unauthenticated, Reason::InvalidCredentials);
        stack.update_key(&key.id, json!({"allowedIps": ["192.0.2.1"]})).await.ok();
        refused(list(&key).await, Code::PermissionDenied, Reason::IpNotAllowed);
        stack.key_verb(&key.id, "disable", json!({})).await.ok();
        refused(list(&key).await, Code::PermissionDenied, Reason::KeyDisabled);
        stack.key_verb(&key.id, "enable", json!({})).await.ok();
        stack.update_key(&key.id, json!({"allowedIps": []})).await.ok();
        list(&key).await.unwrap();
    })
    .await;
}

/// What a client of another language makes of the same calls.
fn check_outcomes(outcomes: &Value) {
    let outcome = |call: &str| {
        let found = outcomes.as_array().unwrap().iter().find(|outcome| outcome["call"] == call);
        found.unwrap_or_else(|| panic!("{call} is not in {outcomes}"))
    };
    let contact = &outcome("create")["answer"]["contact"];
    assert_eq!((&contact["name"], &contact["version"]), (&json!("Ada"), &json!(1)), "{contact}");
    assert_eq!(contact["id"].as_str().unwrap().len(), 24);
    assert_eq!(&outcome("get")["answer"]["contact"], contact);
    assert_eq!(outcome("list")["answer"]["contacts"], json!([contact]));
    assert_eq!(outcome("replace")["answer"]["created"], true);
    let exported = &outcome("export")["answer"][0]["contentType"];
    assert!(exported.as_str().is_some_and(|of| of.starts_with("text/csv")), "{exported}");
    for call in ["create", "get", "list", "replace", "delete"] {
        let said = outcome(call)["rateLimit"].as_str().unwrap_or_default();
        assert!(said.starts_with("\"minute\";r="), "{call}: {said}");
    }
    for (call, code, reason, fields) in [
        ("create again", "ALREADY_EXISTS", "ALREADY_EXISTS", json!(["externalReferenceId"])),
        ("create nothing", "INVALID_ARGUMENT", "INVALID_ARGUMENT", json!(["email"])),
        ("get what is gone", "NOT_FOUND", "NOT_FOUND", json!([])),
        ("of another agent", "PERMISSION_DENIED", "AGENT_MISMATCH", json!([])),
        ("no credentials", "UNAUTHENTICATED", "MISSING_CREDENTIALS", json!([])),
        ("a wrong secret", "UNAUTHENTICATED", "INVALID_CREDENTIALS", json!([])),
    ] {
        let outcome = outcome(call);
        let expected = json!({
            "call": call, "code": code, "message": outcome["message"], "domain": "keyward", "reason": reason,
            "fields": fields,
        });
        assert_eq!(outcome, &expected);
        assert!(!outcome["message"].as_str().unwrap().is_empty());
    }
}

/// What a program prints that makes the calls.
async fn outcomes(stack: &Stack, program: impl AsRef<OsStr>, script: &str, more: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let descriptors = dir.path().join("keyward.binpb");
    std::fs::write(&descriptors, keyward_proto::DESCRIPTOR_SET).unwrap();
    let other = stack.new_agent("Sales", &["contacts:read"]).await.agent.clone();
    let given = json!({
        "apiKey": stack.key.api_key, "apiSecret": stack.key.secret, "otherAgent": other,
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(script);
    let mut client = Command::new(program);
    client.arg(script).arg(stack.edge().to_string()).arg(descriptors).args(more);
    let output = output_for(&mut client, given.to_string().as_bytes()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_python_client_calls_over_grpc() {
    for topology in [Topology::OneProcess, Topology::SeparateServices] {
        let stack = Stack::start(Engine::Sqlite, topology).await;
        check_outcomes(&outcomes(&stack, python(), "python/contacts_over_grpc.py", &[]).await);
    }
}

#[tokio::test]
async fn a_client_of_connect_calls_over_grpc_web() {
    let script = "node/contacts_over_grpc_web.mjs";
    for (topology, http) in [(Topology::OneProcess, "1.1"), (Topology::SeparateServices, "2")] {
        let stack = Stack::start(Engine::Sqlite, topology).await;
        check_outcomes(&outcomes(&stack, "node", script, &[http]).await);
    }
}

/// Whether an answer says that it is that of an earlier call.
fn is_replayed<T>(answer: &Response<T>) -> bool {
    answer.metadata().get("idempotent-replayed").is_some_and(|said| said == "true")
}

/// With an Idempotency-Key.
fn once<T>(key: &str, mut request: Request<T>) -> Request<T> {
    request.metadata_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

#[tokio::test]
async fn a_call_with_an_idempotency_key_takes_effect_once() {
    Stack::each(async |stack| {
        let mut contacts = contacts(&stack);
        // The text "x".
        let value = keyward_proto::value::Value::from_wire(vec![0x1a, 1, b'x']);
        let create = |name: &str| {
            // A map, which is written in another order each time.
            let custom_fields = (0..20).map(|number| (format!("field{number}"), value.clone())).collect();
            let contact = Contact {
                name: Some(name.to_owned()),
                email: Some("ada@example.com".to_owned()),
                custom_fields,
                ..Contact::default()
            };
            CreateContactRequest { contact: Some(contact), ..Default::default() }
        };
        let first = contacts.create_contact(once("k", by(&stack.key, create("Ada")))).await.unwrap();
        assert!(!is_replayed(&first));
        let first = first.into_inner();
        for _ in 0..3 {
            let again = contacts.create_contact(once("k", by(&stack.key, create("Ada")))).await.unwrap();
            assert!(is_replayed(&again));
            assert_eq!(again.into_inner(), first);
        }
        let other = contacts.create_contact(once("k", by(&stack.key, create("Bob")))).await;
        refused(other, Code::InvalidArgument, Reason::IdempotencyKeyReused);
        // Another key of the caller, and another caller.
        let more = contacts.create_contact(once("l", by(&stack.key, create("Bob")))).await.unwrap();
        assert!(!is_replayed(&more));
        let key = stack.new_key(&["contacts:create"]).await;
        let theirs = contacts.create_contact(once("k", by(&key, create("Bob")))).await.unwrap();
        assert!(!is_replayed(&theirs));
        assert_eq!(stack.list_contacts("").await.ok().as_array().unwrap().len(), 3);
        for bad in ["", &"k".repeat(256)] {
            let outcome = contacts.create_contact(once(bad, by(&stack.key, create("Ada")))).await;
            refused(outcome, Code::InvalidArgument, Reason::InvalidArgument);
        }
        let outcome = contacts.list_contacts(once("k", by(&stack.key, ListContactsRequest::default()))).await;
        refused(outcome, Code::InvalidArgument, Reason::InvalidArgument);
    })
    .await;
}

#[tokio::test]
async fn an_upload_with_an_idempotency_key_is_stored_once() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let edge = Endpoint::from_shared(format!("http://{}", stack.edge())).unwrap();
        let mut files = FileServiceClient::new(edge.connect_lazy());
        let mut upload = async |name: &str, content: &[u8], piece: usize| {
            let part = |part| UploadFileRequest { part: Some(part), ..UploadFileRequest::default() };
            let metadata =
                UploadFileMetadata { file_name: Some(name.to_owned()), ..UploadFileMetadata::default() };
            let first = UploadFileRequest {
                reference: Some(upload_file_request::Reference::Ref("crm-1".to_owned())),
                ..part(Part::Metadata(metadata))
            };
            let pieces = content.chunks(piece).map(|piece| part(Part::Chunk(piece.to_vec().into())));
            let messages: Vec<UploadFileRequest> = std::iter::once(first).chain(pieces).collect();
            files.upload_file(once("k", by(&stack.key, futures::stream::iter(messages)))).await
        };
        let first = upload("a.txt", b"hello", 2).await.unwrap();
        assert!(!is_replayed(&first));
        // However it is cut.
        let again = upload("a.txt", b"hello", 3).await.unwrap();
        assert!(is_replayed(&again));
        assert_eq!(again.into_inner(), first.into_inner());
        for (name, content) in [("a.txt", b"hellO"), ("b.txt", b"hello")] {
            refused(upload(name, content, 5).await, Code::InvalidArgument, Reason::IdempotencyKeyReused);
        }
    })
    .await;
}

#[tokio::test]
async fn tools_are_told_what_can_be_called_and_nothing_else() {
    let stack = Stack::start(Engine::Sqlite, Topology::OneProcess).await;
    let edge = Endpoint::from_shared(format!("http://{}", stack.edge())).unwrap();
    let mut client = ServerReflectionClient::new(edge.connect_lazy());
    let symbol = |name: &str| MessageRequest::FileContainingSymbol(name.to_owned());
    let asked = [
        MessageRequest::ListServices(String::new()),
        symbol("keyward.contacts.v1.ContactService"),
        symbol("keyward.auth.v1.AuthorizationService"),
        symbol("keyward.auth.v1.RequestLogService.RecordRequests"),
    ];
    let asked =
        asked.map(|asked| ServerReflectionRequest { host: String::new(), message_request: Some(asked) });
    let mut answers = client.server_reflection_info(futures::stream::iter(asked)).await.unwrap().into_inner();
    let mut next = async || answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = next().await else { panic!("no list") };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"keyward.contacts.v1.ContactService"), "{names:?}");
    assert!(
        !names.iter().any(|name| name.contains("Authorization") || name.contains("internal")),
        "{names:?}"
    );
    assert!(matches!(next().await, MessageResponse::FileDescriptorResponse(_)));
    for _ in 0..2 {
        let MessageResponse::ErrorResponse(error) = next().await else { panic!("found") };
        assert_eq!(error.error_code, Code::NotFound as i32);
    }
    assert!(answers.message().await.unwrap().is_none());
}
