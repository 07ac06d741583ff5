//! Managing agents through `/v1/console`.

use serde_json::json;

use crate::harness::{Stack, assert_json};

#[tokio::test]
async fn an_agent_comes_and_goes() {
    Stack::each(async |stack| {
        let created = stack.create_agent(json!({"name": "Sales", "mode": "TEST"})).await;
        let agent = created.success(201, "Agent created successfully.").clone();
        let expected =
            json!({"id": "<id>", "name": "Sales", "mode": "TEST", "createdAt": "<time>", "updatedAt": "<time>"});
        assert_json(&agent, expected);
        let id = agent["id"].as_str().unwrap();
        assert_eq!(created.header("location"), format!("/v1/console/agents/{id}"));

        assert_eq!(stack.get_agent(id).await.success(200, "Agent retrieved successfully."), &agent);
        let listed = stack.list_agents("?includeTotal=true").await;
        assert_eq!(listed.success(200, "Agents retrieved successfully.")[0], agent);
        assert_eq!(listed.body["pagination"]["total"], 2);

        let renamed = stack.update_agent(id, json!({"name": "Sales EU"})).await;
        assert_eq!(renamed.success(200, "Agent updated successfully.")["name"], "Sales EU");
        let refused = stack.update_agent(id, json!({"mode": "LIVE"})).await;
        assert_eq!(refused.refusal(400, "invalid_argument")[0]["code"], "immutable");

        // A key of the sandbox says so, and ends with its agent.
        let sandbox = stack.with_agent(id, &stack.key);
        let key = sandbox.new_key(&["contacts:read"]).await;
        assert!(key.api_key.starts_with("kw_test_") && key.secret.starts_with("kws_test_"));
        let sandbox = sandbox.with_key(&key);
        sandbox.list_contacts("").await.success(200, "Contacts retrieved.");

        assert!(stack.delete_agent(id).await.success(200, "Agent deleted successfully.").is_null());
        sandbox.list_contacts("").await.refusal(401, "invalid_credentials");
        stack.delete_agent(id).await.refusal(404, "not_found");
        stack.get_agent(id).await.refusal(404, "not_found");
        stack.get_agent("no-id").await.refusal(404, "not_found");
        stack.list_contacts("").await.success(200, "Contacts retrieved.");
    })
    .await;
}

#[tokio::test]
async fn settings_of_agents_have_rules() {
    Stack::each(async |stack| {
        for (agent, field, fault) in [
            (json!({}), "name", "required"),
            (json!({"name": " "}), "name", "required"),
            (json!({"name": "x".repeat(101)}), "name", "too_long"),
            (json!({"name": "x", "mode": "DRY"}), "mode", "invalid"),
            (json!({"name": "x", "id": "65f0c0ffee65f0c0ffee65f0"}), "id", "immutable"),
            (json!({"name": 7}), "name", "invalid"),
        ] {
            let refused = stack.create_agent(agent.clone()).await;
            let details = refused.refusal(400, "invalid_argument");
            assert_eq!(
                (&details[0]["field"], &details[0]["code"]),
                (&json!(field), &json!(fault)),
                "{agent}"
            );
        }
        assert_eq!(stack.list_agents("").await.ok().as_array().unwrap().len(), 1);
    })
    .await;
}
