//! Nothing crosses from one agent or organization to another.

use serde_json::json;

use crate::harness::{Engine, Stack, Topology};

const EVERYTHING: [&str; 4] = ["contacts:create", "contacts:read", "contacts:update", "contacts:delete"];

#[tokio::test]
async fn agents_do_not_see_each_others_contacts() {
    Stack::each(async |stack| {
        let sales = stack.new_agent("Sales", &EVERYTHING).await;
        let ours = stack.new_contact("crm-1").await;
        // The same reference is another contact there.
        let theirs = sales.new_contact("crm-1").await;
        assert_ne!(ours, theirs);

        for (caller, own, other) in [(&*stack, &ours, &theirs), (&sales, &theirs, &ours)] {
            assert_eq!(caller.get_contact("crm-1").await.ok()["id"], json!(own));
            assert_eq!(caller.list_contacts("").await.ok().as_array().unwrap().len(), 1);
            let body = json!({"email": "x@example.com"});
            for refused in [
                caller.get_contact_by_id(other).await,
                caller.replace_contact_by_id(other, body).await,
                caller.delete_contact_by_id(other).await,
            ] {
                refused.refusal(404, "not_found");
            }
        }
        // A cursor of one agent leads nowhere at the other.
        stack.new_contact("crm-2").await;
        let page = stack.list_contacts("?limit=1").await;
        let cursor = page.body["pagination"]["nextCursor"].as_str().unwrap();
        sales.list_contacts(&format!("?cursor={cursor}")).await.refusal(400, "invalid_cursor");

        // A key is for one agent, also in the path.
        let strayed = sales.with_agent(&stack.agent, &sales.key);
        strayed.list_contacts("").await.refusal(403, "agent_mismatch");
        stack.delete_contact("crm-1").await.ok();
        assert_eq!(sales.get_contact("crm-1").await.ok()["id"], json!(theirs));
    })
    .await;
}

#[tokio::test]
async fn installations_do_not_know_each_others_credentials() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let ours = Stack::start(engine, Topology::OneProcess).await;
        let theirs = Stack::start(engine, Topology::OneProcess).await;
        let there = theirs.with_agent(&theirs.agent, &ours.key).with_token(&ours.token);
        there.list_contacts("").await.refusal(401, "invalid_credentials");
        there.list_keys("").await.refusal(401, "not_signed_in");
    }
}

#[tokio::test]
async fn keys_and_agents_are_looked_up_within_the_agent() {
    Stack::each(async |stack| {
        let sales = stack.new_agent("Sales", &EVERYTHING).await;
        let key = sales.key.clone();
        // The path names another agent than the key's own.
        stack.get_key(&key.id).await.refusal(404, "not_found");
        stack.update_key(&key.id, json!({"name": "x"})).await.refusal(404, "not_found");
        stack.delete_key(&key.id).await.refusal(404, "not_found");
        let nowhere = stack.with_agent("65f0c0ffee65f0c0ffee65f0", &key);
        nowhere.list_keys("").await.refusal(404, "not_found");
        let permissions = json!({"name": "x", "permissions": ["contacts:read"]});
        nowhere.create_key(permissions).await.refusal(404, "not_found");
        sales.list_contacts("").await.success(200, "Contacts retrieved.");
    })
    .await;
}
