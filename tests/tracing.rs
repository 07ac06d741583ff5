//! One trace from the edge to SQL, exported by OTLP, in both arrangements.

use std::collections::HashSet;

use opentelemetry_proto::tonic::trace::v1::Span;
use svc_core::ids::hex;

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

fn check(spans: &[Span]) {
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for name in [
        "POST /v1/open/contacts/chatbots/{agent_id}",
        "keyward.auth.v1.AuthorizationService/Authorize",
        "keyward.contacts.v1.ContactService/CreateContact",
    ] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let queries = names.iter().filter(|name| name.starts_with("db.")).count();
    assert!(queries >= 1, "no query is in {names:?}");

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
