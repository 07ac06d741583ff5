//! Members look at the contacts of an agent, and admins change them: the same calls as those of keys, by paths of
//! their own.

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Stack};

const EVERYTHING: [&str; 4] = ["contacts:create", "contacts:read", "contacts:update", "contacts:delete"];

fn contacts(agent: &str) -> String {
    format!("/v1/console/agents/{agent}/contacts")
}

async fn get(api: &Api, path: &str) -> Answer {
    api.send(api.by_member("GET", path)).await
}

async fn send(api: &Api, method: &str, path: &str, contact: &Value) -> Answer {
    api.send(api.by_member(method, path).json(contact)).await
}

/// The same person with the rights of a USER.
async fn as_user(stack: &Stack) -> Api {
    let token = stack.new_token(json!({"name": "looking", "role": "USER"})).await;
    stack.with_token(token.ok()["secret"].as_str().unwrap())
}

#[tokio::test]
async fn an_admin_reads_and_writes_them() {
    Stack::each(async |stack| {
        let list = contacts(&stack.agent);
        let ada = json!({"externalReferenceId": "crm-1", "name": "Ada", "email": "ada@example.com"});
        let created = send(&stack, "POST", &list, &ada).await;
        let id = created.success(201, "Contact created.")["id"].as_str().unwrap().to_owned();
        let one = format!("{list}/{id}");
        assert_eq!(created.header("location"), one);
        // It is the contact that keys meet, and the other way round.
        assert_eq!(stack.get_contact("crm-1").await.ok()["id"], json!(id));
        stack.new_contact("crm-2").await;
        let listed = get(&stack, &format!("{list}?limit=1")).await;
        assert_eq!(listed.success(200, "Contacts retrieved.")[0]["externalReferenceId"], "crm-2");
        assert_eq!(listed.body["pagination"]["hasMore"], true);
        let cursor = listed.body["pagination"]["nextCursor"].as_str().unwrap();
        assert_eq!(get(&stack, &format!("{list}?cursor={cursor}")).await.ok()[0]["id"], json!(id));

        let found = get(&stack, &one).await;
        assert_eq!(found.success(200, "Contact retrieved.")["name"], "Ada");
        let replaced = json!({"name": "Ada Lovelace", "email": "ada@example.com"});
        let stale = stack.by_member("PUT", &one).header("If-Match", "\"7\"").json(&replaced);
        stack.send(stale).await.refusal(412, "precondition_failed");
        let kept = stack.by_member("PUT", &one).header("If-Match", found.header("etag")).json(&replaced);
        assert_eq!(stack.send(kept).await.success(200, "Contact saved.")["version"], 2);
        let taken = send(&stack, "POST", &list, &ada).await;
        taken.refusal(409, "already_exists");
        assert_eq!(taken.body["error"]["id"], json!(id), "who may read is told which one has it");

        stack.send(stack.by_member("DELETE", &one)).await.success(200, "Contact deleted.");
        get(&stack, &one).await.refusal(404, "not_found");
        stack.get_contact("crm-1").await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_user_only_looks() {
    Stack::each(async |stack| {
        let id = stack.new_contact("crm-1").await;
        let (list, user) = (contacts(&stack.agent), as_user(&stack).await);
        let one = format!("{list}/{id}");
        assert_eq!(get(&user, &list).await.ok()[0]["id"], json!(id));
        assert_eq!(get(&user, &one).await.ok()["id"], json!(id));
        let contact = json!({"email": "x@example.com"});
        for refused in [
            send(&user, "POST", &list, &contact).await,
            send(&user, "PUT", &one, &contact).await,
            user.send(user.by_member("DELETE", &one)).await,
        ] {
            refused.refusal(403, "role_required");
        }
        assert_eq!(get(&user, &one).await.ok()["version"], 1);
    })
    .await;
}

#[tokio::test]
async fn each_caller_has_paths_of_its_own() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let (console, open) = (contacts(&stack.agent), stack.contacts_path());
        stack.send(stack.by_key("GET", &console)).await.refusal(401, "not_signed_in");
        stack.send(stack.request("GET", &console)).await.refusal(401, "not_signed_in");
        get(&stack, &open).await.refusal(401, "missing_credentials");
    })
    .await;
}

#[tokio::test]
async fn an_agent_is_one_of_the_organization() {
    Stack::each(async |stack| {
        let sales = stack.new_agent("Sales", &EVERYTHING).await;
        let id = sales.new_contact("crm-1").await;
        // A contact stands under its own agent only.
        get(&stack, &format!("{}/{id}", contacts(&sales.agent))).await.ok();
        get(&stack, &format!("{}/{id}", contacts(&stack.agent))).await.refusal(404, "not_found");
        for nobody in ["65f0c0ffee65f0c0ffee65f0", "nonsense", "%20"] {
            get(&stack, &contacts(nobody)).await.refusal(404, "not_found");
            let contact = json!({"email": "x@example.com"});
            send(&stack, "POST", &contacts(nobody), &contact).await.refusal(404, "not_found");
        }
        stack.delete_agent(&sales.agent).await.ok();
        get(&stack, &contacts(&sales.agent)).await.refusal(404, "not_found");
    })
    .await;
}
