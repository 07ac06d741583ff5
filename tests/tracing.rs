//! One trace from the edge to SQL, exported by OTLP, in both arrangements.

use std::collections::HashSet;
use std::time::Duration;

use keyward_proto::auth::v1::GetAgentRequest;
use keyward_proto::auth::v1::agent_service_client::AgentServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use svc_core::ids::hex;
use svc_runtime::grpc::{Address, Upstream};
use svc_runtime::telemetry::Metrics;
use tonic::Request;

use crate::harness::{Processes, SpanReceiver};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Creates a contact as part of a trace of the client's, stops, and gives the spans of that trace.
async fn trace(mut keyward: Processes, receiver: &SpanReceiver) -> Vec<Span> {
    let path = keyward.contacts_path();
    let contact = serde_json::json!({"email": "ada@example.com"});
    // The client's flag says "not sampled"; that decides nothing.
    let request = keyward.by_key("POST", &path).header("traceparent", format!("00-{TRACE}-{PARENT}-00"));
    keyward.send(request.json(&contact)).await.success(201, "Contact created.");
    // A stop exports what is left.
    keyward.terminate().await;
    receiver.of_trace(TRACE)
}

fn attribute<'s>(span: &'s Span, key: &str) -> Option<&'s str> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn check(spans: &[Span]) {
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for name in [
        "POST /v1/open/contacts/chatbots/{agent_id}",
        "keyward.auth.v1.AuthorizationService/Authorize",
        "keyward.contacts.v1.ContactService/CreateContact",
    ] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let queries: Vec<&Span> = spans.iter().filter(|span| span.name.starts_with("db.")).collect();
    assert!(queries.iter().any(|span| span.name == "db.contact.insert"), "{names:?}");
    for query in queries {
        assert_eq!(attribute(query, "db.system.name"), Some("sqlite"), "{}", query.name);
        let operation = attribute(query, "db.operation.name");
        let operation = operation.unwrap_or_else(|| panic!("{} does not say what it does", query.name));
        let expected = match query.name.as_str() {
            "db.contact.insert" => "INSERT",
            "db.contact.begin" => "BEGIN",
            "db.contact.commit" => "COMMIT",
            _ => operation,
        };
        assert_eq!(operation, expected, "{}", query.name);
    }

    // One tree, whose root hangs under the client's span.
    let ids: HashSet<String> = spans.iter().map(|span| hex(&span.span_id)).collect();
    for span in spans {
        let parent = hex(&span.parent_span_id);
        assert!(parent == PARENT || ids.contains(&parent), "{} has no parent in the trace", span.name);
    }
    assert_eq!(spans.iter().filter(|span| hex(&span.parent_span_id) == PARENT).count(), 1, "{names:?}");

    for span in spans {
        for attribute in &span.attributes {
            let shown = format!("{attribute:?}");
            assert!(!shown.contains("kws_") && !shown.contains("ada@example.com"), "{}: {shown}", span.name);
        }
    }
}

#[tokio::test]
async fn one_trace_in_one_process() {
    let (receiver, address) = SpanReceiver::start().await;
    let endpoint = format!("http://{address}");
    let keyward = Processes::together(&[("KEYWARD_TELEMETRY__OTLP_ENDPOINT", &endpoint)]).await;
    check(&trace(keyward, &receiver).await);
}

#[tokio::test]
async fn one_trace_over_four_processes() {
    let (receiver, address) = SpanReceiver::start().await;
    let endpoint = format!("http://{address}");
    let keyward = Processes::apart(&[("KEYWARD_TELEMETRY__OTLP_ENDPOINT", &endpoint)]).await;
    check(&trace(keyward, &receiver).await);
}

#[tokio::test]
async fn a_collector_behind_tls_is_trusted_by_the_roots_of_the_system() {
    let (receiver, address, certificate) = SpanReceiver::start_with_tls().await;
    let endpoint = format!("https://localhost:{}", address.port());
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(roots.path(), certificate).unwrap();
    let endpoint = ("KEYWARD_TELEMETRY__OTLP_ENDPOINT", endpoint.as_str());

    // Nothing goes to whom nobody vouches for, and the log says so.
    let mut strange = Processes::together(&[endpoint]).await;
    strange.list_contacts("").await.success(200, "Contacts retrieved.");
    let said = async {
        while !strange.logs().contains("BatchSpanProcessor.ExportError") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), said).await.expect("the log does not say so");
    strange.terminate().await;
    assert_eq!(receiver.all(), []);

    let trusting = [endpoint, ("SSL_CERT_FILE", roots.path().to_str().unwrap())];
    check(&trace(Processes::together(&trusting).await, &receiver).await);
}

/// What a client makes up stands in no name: not a method, not the path of an RPC.
#[tokio::test]
async fn names_of_spans_are_ours() {
    let (receiver, address) = SpanReceiver::start().await;
    let endpoint = format!("http://{address}");
    let mut keyward = Processes::together(&[("KEYWARD_TELEMETRY__OTLP_ENDPOINT", &endpoint)]).await;
    let path = keyward.contacts_path();
    for (method, path) in [("MADEUP", path.as_str()), ("MADEUP", "/made/up"), ("HEAD", "/v1/open/health")] {
        let request = keyward.request(method, path).header("traceparent", format!("00-{TRACE}-{PARENT}-00"));
        keyward.send(request).await;
    }
    keyward.terminate().await;
    let spans = receiver.of_trace(TRACE);
    let mut seen: Vec<(&str, Option<&str>)> =
        spans.iter().map(|span| (span.name.as_str(), attribute(span, "http.request.method"))).collect();
    seen.sort_unstable();
    let other = ("HTTP", Some("_OTHER"));
    assert_eq!(seen, [("HEAD /v1/open/health", Some("HEAD")), other, other]);
    for span in spans {
        assert!(!format!("{span:?}").to_lowercase().contains("madeup"), "{span:?}");
    }
}

#[tokio::test]
async fn a_call_that_a_service_does_not_know_is_named_by_nobody() {
    let (receiver, address) = SpanReceiver::start().await;
    let endpoint = format!("http://{address}");
    let mut keyward = Processes::apart(&[("KEYWARD_TELEMETRY__OTLP_ENDPOINT", &endpoint)]).await;
    let contacts = Address::Unix(keyward.dir.path().join("contacts"));
    // An RPC of another service: here it is free text like any other.
    let contacts = Upstream::connect("contacts", &[contacts], &Metrics::new()).unwrap();
    let mut client = AgentServiceClient::new(contacts);
    let mut request = Request::new(GetAgentRequest::default());
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    client.get_agent(request).await.unwrap_err();
    keyward.terminate().await;
    let spans = receiver.of_trace(TRACE);
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["_OTHER"]);
    assert!(!format!("{spans:?}").contains("GetAgent"), "{spans:?}");
}
