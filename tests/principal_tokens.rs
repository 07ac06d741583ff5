//! A service of one's own, in another language, verifies principal tokens with the public keys of auth-svc.

use std::process::Output;

use serde_json::{Value, json};
use svc_runtime::token::JWKS_PATH;
use tokio::process::Command;

use crate::grpc::token;
use crate::harness::{AUTH, Engine, Stack, Topology, output_for, python};

/// What the service says about a token.
async fn verify(stack: &Stack, token: &str, audience: &str) -> Output {
    let jwks = format!("http://{}{JWKS_PATH}", stack.admin(Some(AUTH)));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/verify_principal.py");
    output_for(Command::new(python()).args([script, &jwks, audience]), token.as_bytes()).await
}

fn refused(output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.trim()), (Some(1), why));
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn a_python_service_verifies_a_principal_token() {
    let stack = Stack::start(Engine::Sqlite, Topology::SeparateServices).await;
    let for_orders = token(&stack, "orders").await;

    let verified = verify(&stack, &for_orders, "orders").await;
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success(), "{said}");
    let claims: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let key = stack.list_keys("").await.ok()[0].clone();
    for (claim, value) in [
        ("iss", json!("keyward")),
        ("aud", json!("orders")),
        ("kind", json!("key")),
        ("sub", key["id"].clone()),
        ("org", json!(stack.made.organization_id)),
        ("agent", json!(stack.agent)),
        ("permissions", key["permissions"].clone()),
    ] {
        assert_eq!(claims[claim], value, "{claim} in {claims}");
    }
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(life, 60, "{claims}");

    refused(&verify(&stack, &for_orders, "billing").await, "InvalidAudienceError");
    let for_billing = token(&stack, "billing").await;
    refused(&verify(&stack, &for_billing, "orders").await, "InvalidAudienceError");
    // The signature of another token.
    let (head_and_claims, _) = for_orders.rsplit_once('.').unwrap();
    let (_, signature) = for_billing.rsplit_once('.').unwrap();
    let forged = format!("{head_and_claims}.{signature}");
    refused(&verify(&stack, &forged, "orders").await, "InvalidSignatureError");
}
