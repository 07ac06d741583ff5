//! Personal access tokens, and what their roles allow.

use std::time::Duration;

use serde_json::json;
use svc_core::clock::Clock;

use crate::harness::{Stack, assert_json};

#[tokio::test]
async fn a_token_comes_and_goes() {
    Stack::each(async |stack| {
        let created = stack.new_token(json!({"name": "CI", "role": "USER"})).await;
        let data = created.success(201, "Token created successfully.");
        let token = json!({
            "id": "<id>",
            "name": "CI",
            "role": "USER",
            "last4": "<text>",
            "expiresAt": null,
            "createdAt": "<time>",
        });
        assert_json(data, json!({"token": token, "secret": "<text>"}));
        let (token, secret) = (data["token"].clone(), data["secret"].as_str().unwrap());
        assert!(secret.starts_with("kwp_") && secret.ends_with(token["last4"].as_str().unwrap()));
        assert_eq!(created.header("cache-control"), "no-store");
        let id = token["id"].as_str().unwrap();

        assert_eq!(stack.get_token(id).await.success(200, "Token retrieved successfully."), &token);
        let listed = stack.list_tokens().await;
        let listed = listed.success(200, "Tokens retrieved successfully.").as_array().unwrap();
        assert_eq!((listed.len(), &listed[0]), (2, &token), "newest first, after the token of setup");

        let user = stack.with_token(secret);
        user.list_keys("").await.success(200, "API keys retrieved successfully.");
        assert!(stack.delete_token(id).await.success(200, "Token deleted successfully.").is_null());
        user.list_keys("").await.refusal(401, "not_signed_in");
        stack.delete_token(id).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_token_can_do_what_its_role_allows() {
    Stack::each(async |stack| {
        let role = async |role: &str| {
            let created = stack.new_token(json!({"name": role, "role": role})).await;
            stack.with_token(created.ok()["secret"].as_str().unwrap())
        };
        let (admin, user) = (role("ADMIN").await, role("USER").await);
        let key = json!({"name": "x", "permissions": ["contacts:read"]});

        user.list_keys("").await.success(200, "API keys retrieved successfully.");
        for refused in [
            user.create_key(key.clone()).await,
            user.create_agent(json!({"name": "x"})).await,
            user.create_member(json!({"email": "x@example.com", "role": "USER"})).await,
            user.delete_agent(&stack.agent).await,
        ] {
            refused.refusal(403, "role_required");
        }
        // No token makes another one, whatever its role.
        for token in [&user, &admin, &*stack] {
            token.create_token(json!({"name": "x", "role": "USER"})).await.refusal(403, "role_required");
        }

        admin.create_key(key).await.success(201, "API key created successfully.");
        let added = admin.create_member(json!({"email": "u@example.com", "role": "USER"})).await;
        added.success(201, "Member added successfully.");
        let refused = admin.create_member(json!({"email": "a@example.com", "role": "ADMIN"})).await;
        refused.refusal(403, "role_required");
    })
    .await;
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    Stack::each(async |stack| {
        let expires = stack.clock.now().plus(Duration::from_secs(60)).to_string();
        let created = stack.new_token(json!({"name": "short", "expiresAt": expires})).await;
        let holder = stack.with_token(created.ok()["secret"].as_str().unwrap());
        holder.list_keys("").await.success(200, "API keys retrieved successfully.");
        stack.advance(Duration::from_secs(61));
        holder.list_keys("").await.refusal(401, "not_signed_in");
    })
    .await;
}

#[tokio::test]
async fn a_session_makes_tokens_of_its_role_and_of_any_expiry() {
    Stack::each(async |stack| {
        let (admin, _) = stack.new_member("ann@example.com", "ADMIN").await;
        let make = async |token| admin.post("/v1/console/tokens", token).await;
        make(json!({"name": "x", "role": "OWNER"})).await.refusal(403, "role_required");
        let made = make(json!({"name": "x"})).await;
        let data = made.success(201, "Token created successfully.");
        assert_eq!((&data["token"]["role"], &data["token"]["expiresAt"]), (&json!("ADMIN"), &json!(null)));
        // It outlives the session that made it.
        admin.delete("/v1/console/session").await.ok();
        stack.with_token(data["secret"].as_str().unwrap()).list_keys("").await.ok();
    })
    .await;
}

#[tokio::test]
async fn a_token_is_never_above_its_member() {
    Stack::each(async |stack| {
        let (admin, id) = stack.new_member("ann@example.com", "ADMIN").await;
        let made = admin.post("/v1/console/tokens", json!({"name": "x"})).await;
        let token = stack.with_token(made.ok()["secret"].as_str().unwrap());
        let agent = json!({"name": "x"});
        token.create_agent(agent.clone()).await.ok();
        stack.update_member(&id, json!({"role": "USER"})).await.ok();
        token.create_agent(agent).await.refusal(403, "role_required");
        token.list_keys("").await.ok();
        stack.delete_member(&id).await.ok();
        token.list_keys("").await.refusal(401, "not_signed_in");
    })
    .await;
}
