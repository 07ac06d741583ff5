//! What else integrations do with contacts.

use serde_json::{Value, json};

use crate::harness::Stack;

#[tokio::test]
async fn by_our_own_id() {
    Stack::each(async |stack| {
        // Without a reference there is no other way to it.
        let created = stack.create_contact(json!({"email": "ada@example.com"})).await;
        let id = created.ok()["id"].as_str().unwrap().to_owned();
        let replaced = stack.replace_contact_by_id(&id, json!({"email": "lovelace@example.com"})).await;
        assert_eq!(replaced.ok()["email"], "lovelace@example.com");
        assert_eq!(stack.get_contact_by_id(&id).await.ok()["version"], 2);
        stack.delete_contact_by_id(&id).await.success(200, "Contact deleted.");
        stack.delete_contact_by_id(&id).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn references_may_hold_anything_that_a_path_can_carry() {
    Stack::each(async |stack| {
        let references = [
            "a/b",
            "with space",
            "🙂",
            "100%",
            "a?b#c",
            "a+b",
            "é",
            ":verb",
            "contacts:bulk",
            "%2F",
            "~",
            "a.b",
        ];
        for reference in references {
            let id = stack.new_contact(reference).await;
            let found = stack.get_contact(reference).await;
            assert_eq!(found.ok()["id"], json!(id), "{reference}");
            assert_eq!(found.ok()["externalReferenceId"], reference);
            // The reference may be repeated in the body.
            let same = json!({"externalReferenceId": reference, "email": "ada@example.com"});
            assert_eq!(stack.replace_contact(reference, same).await.ok()["version"], 2, "{reference}");
            stack.delete_contact(reference).await.success(200, "Contact deleted.");
            stack.get_contact(reference).await.refusal(404, "not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn a_reference_is_taken_once() {
    Stack::each(async |stack| {
        let id = stack.new_contact("crm-1").await;
        let again = json!({"externalReferenceId": "crm-1", "email": "bob@example.com"});
        let taken = stack.create_contact(again.clone()).await;
        taken.refusal(409, "already_exists");
        assert_eq!(taken.body["error"]["id"], json!(id));

        // Who may not read is not told which one has it.
        let writer = stack.with_key(&stack.new_key(&["contacts:create"]).await);
        let taken = writer.create_contact(again.clone()).await;
        assert_eq!((taken.status, &taken.body["error"]["code"]), (409, &json!("already_exists")));
        assert!(taken.body["error"].get("id").is_none_or(Value::is_null), "{}", taken.body);

        stack.delete_contact("crm-1").await.ok();
        stack.create_contact(again).await.success(201, "Contact created.");
    })
    .await;
}

#[tokio::test]
async fn replacing_what_is_not_there() {
    Stack::each(async |stack| {
        let contact = json!({"email": "ada@example.com"});
        stack.replace_contact("crm-1", contact.clone()).await.refusal(404, "not_found");

        let upsert = format!("{}?upsert=true", stack.contact_path("crm-1"));
        let created = stack.send(stack.by_key("PUT", &upsert).json(&contact)).await;
        let data = created.success(201, "Contact saved.");
        assert_eq!((&data["externalReferenceId"], &data["version"]), (&json!("crm-1"), &json!(1)));
        assert_eq!(created.header("location"), stack.contact_path_by_id(data["id"].as_str().unwrap()));
        let found = stack.send(stack.by_key("GET", created.header("location"))).await;
        assert_eq!(found.ok(), data);
        let replaced = stack.send(stack.by_key("PUT", &upsert).json(&contact)).await;
        assert_eq!(replaced.success(200, "Contact saved.")["id"], created.ok()["id"]);
        assert_eq!(replaced.header("location"), "");

        // It needs both permissions.
        let updater = stack.with_key(&stack.new_key(&["contacts:update"]).await);
        let refused = updater.send(updater.by_key("PUT", &upsert).json(&contact)).await;
        refused.refusal(403, "permission_denied");
        assert!(refused.body["message"].as_str().unwrap().contains("contacts:create"), "{}", refused.body);
        updater.replace_contact("crm-1", contact).await.success(200, "Contact saved.");
    })
    .await;
}

#[tokio::test]
async fn versions_guard_against_lost_updates() {
    Stack::each(async |stack| {
        stack.new_contact("crm-1").await;
        let path = stack.contact_path("crm-1");
        let contact = json!({"email": "ada@example.com", "name": "Ada"});
        let put = |etag: &str| stack.by_key("PUT", &path).header("If-Match", etag).json(&contact);
        stack.send(put("\"1\"")).await.success(200, "Contact saved.");
        stack.send(put("\"1\"")).await.refusal(412, "precondition_failed");
        stack.send(put("1")).await.refusal(400, "invalid_argument");
        stack.send(put("W/\"2\"")).await.refusal(412, "precondition_failed");
        stack.send(put("\"1\", \"3\"")).await.refusal(412, "precondition_failed");
        stack.send(put("\"1\", \"2\"")).await.success(200, "Contact saved.");
        stack.send(put("*")).await.success(200, "Contact saved.");
        let delete = |etag: &str| stack.by_key("DELETE", &path).header("If-Match", etag);
        stack.send(delete("\"1\"")).await.refusal(412, "precondition_failed");

        let etag = stack.get_contact("crm-1").await.header("etag").to_owned();
        let unchanged = stack.send(stack.by_key("GET", &path).header("If-None-Match", &etag)).await;
        assert_eq!((unchanged.status, unchanged.header("etag")), (304, etag.as_str()));
        stack
            .send(stack.by_key("GET", &path).header("If-None-Match", "\"1\""))
            .await
            .success(200, "Contact retrieved.");
        stack.send(delete(&etag)).await.success(200, "Contact deleted.");
    })
    .await;
}

#[tokio::test]
async fn create_only_and_replace_only() {
    Stack::each(async |stack| {
        let upsert = format!("{}?upsert=true", stack.contact_path("crm-1"));
        let contact = json!({"email": "ada@example.com"});
        let put = |name: &str, etag: &str| stack.by_key("PUT", &upsert).header(name, etag).json(&contact);
        stack.send(put("If-Match", "*")).await.refusal(412, "precondition_failed");
        stack.send(put("If-Match", "\"1\"")).await.refusal(412, "precondition_failed");
        stack.get_contact("crm-1").await.refusal(404, "not_found");
        stack.send(put("If-None-Match", "*")).await.success(201, "Contact saved.");
        stack.send(put("If-None-Match", "*")).await.refusal(412, "precondition_failed");
        stack.send(put("If-None-Match", "W/\"1\"")).await.refusal(412, "precondition_failed");
        assert_eq!(stack.get_contact("crm-1").await.ok()["version"], 1);
        stack.send(put("If-Match", "*")).await.success(200, "Contact saved.");
        stack.send(put("If-None-Match", "\"1\"")).await.success(200, "Contact saved.");

        // Without upsert there is nothing that a condition could be about.
        let plain = stack.by_key("PUT", &stack.contact_path("crm-2")).header("If-Match", "*");
        stack.send(plain.json(&contact)).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_byte_order_mark_is_no_fault() {
    Stack::each(async |stack| {
        let request = stack.by_key("POST", &stack.contacts_path()).header("Content-Type", "application/json");
        let created = stack.send(request.body("\u{feff}{\"email\": \"ada@example.com\"}")).await;
        assert_eq!(created.success(201, "Contact created.")["email"], "ada@example.com");
    })
    .await;
}

#[tokio::test]
async fn pages() {
    Stack::each(async |stack| {
        for n in 1..=5 {
            stack.new_contact(&format!("crm-{n}")).await;
        }
        let mut seen = Vec::new();
        let mut query = "?limit=2".to_owned();
        loop {
            let page = stack.list_contacts(&query).await;
            let contacts = page.success(200, "Contacts retrieved.").as_array().unwrap();
            seen.extend(contacts.iter().map(|c| c["externalReferenceId"].as_str().unwrap().to_owned()));
            let pagination = &page.body["pagination"];
            assert_eq!(pagination["limit"], 2);
            let Some(cursor) = pagination["nextCursor"].as_str() else {
                assert_eq!(pagination["hasMore"], false);
                break;
            };
            assert_eq!((contacts.len(), &pagination["hasMore"]), (2, &json!(true)));
            // What comes in between moves nothing.
            stack.new_contact(&format!("late-{}", seen.len())).await;
            query = format!("?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, ["crm-5", "crm-4", "crm-3", "crm-2", "crm-1"], "newest first");
        let all = stack.list_contacts("?limit=100").await;
        assert_eq!(all.ok().as_array().unwrap().len(), 7);
    })
    .await;
}
