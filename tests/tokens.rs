//! Personal access tokens, and what their roles allow.

use std::time::Duration;

use serde_json::json;
use svc_core::clock::Clock;

use crate::harness::{Stack, assert_json};

#[tokio::test]
async fn a_token_comes_and_goes() {
    Stack::each(async |stack| {
        let created = stack.create_token(json!({"name": "CI", "role": "USER"})).await;
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
            let created = stack.create_token(json!({"name": role, "role": role})).await;
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
        // No token above the one that asks.
        user.create_token(json!({"name": "x", "role": "ADMIN"})).await.refusal(403, "role_required");
        admin.create_token(json!({"name": "x", "role": "OWNER"})).await.refusal(403, "role_required");

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
        let created = stack.create_token(json!({"name": "short", "expiresAt": expires})).await;
        let holder = stack.with_token(created.ok()["secret"].as_str().unwrap());
        holder.list_keys("").await.success(200, "API keys retrieved successfully.");
        stack.advance(Duration::from_secs(61));
        holder.list_keys("").await.refusal(401, "not_signed_in");
    })
    .await;
}
