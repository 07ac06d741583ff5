//! What operators see: `admin.listen` and the health of the API.

use serde_json::json;

use crate::harness::{AUTH, Stack, Topology};

#[tokio::test]
async fn every_process_tells_operators_how_it_is() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let mut metrics = String::new();
        for admin in stack.admins() {
            let get = async |path: &str| reqwest::get(format!("http://{admin}{path}")).await.unwrap();
            assert_eq!(get("/livez").await.status(), 200);
            assert_eq!(get("/readyz").await.status(), 200);
            let answer = get("/metrics").await;
            let kind = answer.headers()["content-type"].to_str().unwrap();
            assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
            metrics += &answer.text().await.unwrap();
            assert_eq!(get("/v1/open/health").await.status(), 404, "the API is elsewhere");
        }
        assert!(!metrics.contains(&stack.key.api_key) && !metrics.contains(&stack.key.secret));
        assert!(!metrics.contains("crm-1"), "a path is counted by its route");
        for counted in [
            "keyward.auth.v1.AuthorizationService/Authorize",
            "keyward.contacts.v1.ContactService/CreateContact",
            "/v1/open/contacts/chatbots/{agent_id}",
        ] {
            assert!(metrics.contains(counted), "{counted}:\n{metrics}");
        }
        // Clients never get there.
        for path in ["/metrics", "/livez", "/readyz", "/.well-known/jwks.json"] {
            stack.send(stack.request("GET", path)).await.refusal(404, "route_not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn health() {
    Stack::each(async |stack| {
        let health = stack.send(stack.request("GET", "/v1/open/health")).await;
        assert_eq!(health.ok(), &json!({"status": "SERVING"}));
        let deep = stack.send(stack.request("GET", "/v1/open/health?deep=true")).await;
        let upstreams = json!({"auth": "SERVING", "contacts": "SERVING", "extraction": "SERVING"});
        assert_eq!(deep.ok(), &json!({"status": "SERVING", "upstreams": upstreams}));
    })
    .await;
}

#[tokio::test]
async fn the_public_keys_of_principal_tokens_are_public() {
    Stack::each(async |stack| {
        let part = match stack.topology {
            Topology::OneProcess => None,
            Topology::SeparateServices => Some(AUTH),
        };
        let url = format!("http://{}/.well-known/jwks.json", stack.admin(part));
        let keys: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let key = &keys["keys"][0];
        assert_eq!(
            (&key["kty"], &key["crv"], &key["alg"]),
            (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"))
        );
        assert!(key.get("d").is_none(), "the private half stays private");
    })
    .await;
}
