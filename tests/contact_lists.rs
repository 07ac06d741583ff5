//! Lists of contacts and the feed of their changes, as integrations read them over REST.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::harness::Stack;

#[tokio::test]
async fn filters_orders_and_totals() {
    Stack::each(async |stack| {
        for (reference, name, tags, plan) in [
            ("crm-1", "Ada Lovelace", json!(["vip"]), "gold"),
            ("crm-2", "bert", json!([]), "silver"),
            ("crm-3", "Carla", json!(["vip"]), "silver"),
        ] {
            let contact = json!({
                "externalReferenceId": reference, "name": name, "tags": tags,
                "email": format!("{reference}@Example.com"), "mobileNumber": "+491701234567",
                "stage": "LEAD", "customFields": {"plan": plan, "seats": 5},
            });
            stack.create_contact(contact).await.ok();
        }
        let path = stack.contacts_path();
        for (query, expected) in [
            ("sort=name", json!(["crm-1", "crm-2", "crm-3"])),
            ("sort=-name", json!(["crm-3", "crm-2", "crm-1"])),
            ("sort=createdAt&tag=vip", json!(["crm-1", "crm-3"])),
            ("search=LOVE", json!(["crm-1"])),
            ("email=CRM-2%40example.COM", json!(["crm-2"])),
            ("mobileNumber=%2B491701234567&sort=createdAt", json!(["crm-1", "crm-2", "crm-3"])),
            ("mobileNumber=0049+170+1234567&limit=1", json!(["crm-3"])),
            ("externalReferenceId=crm-3", json!(["crm-3"])),
            ("customFields.plan=silver&customFields.seats=5&sort=createdAt", json!(["crm-2", "crm-3"])),
            ("stage=CUSTOMER", json!([])),
            ("stage=LEAD&tag=vip&customFields.plan=silver", json!(["crm-3"])),
            ("status=ARCHIVED", json!([])),
            (
                "status=ANY&createdAfter=2026-01-01T00:00:00Z&sort=createdAt&limit=2",
                json!(["crm-1", "crm-2"]),
            ),
            ("createdBefore=2020-01-01T00:00:00Z", json!([])),
            ("updatedAfter=2020-01-01T00:00:00Z&sort=-updatedAt&limit=1", json!(["crm-3"])),
        ] {
            let listed = stack.send(stack.by_key("GET", &format!("{path}?{query}"))).await;
            let references: Vec<&Value> =
                listed.ok().as_array().unwrap().iter().map(|it| &it["externalReferenceId"]).collect();
            assert_eq!(json!(references), expected, "{query}");
        }
        let counted =
            stack.send(stack.by_key("GET", &format!("{path}?tag=vip&includeTotal=true&limit=1"))).await;
        counted.ok();
        assert_eq!(counted.body["pagination"]["total"], 2);
        let cursor = counted.body["pagination"]["nextCursor"].as_str().unwrap().to_owned();
        let other = format!("{path}?tag=other&cursor={cursor}");
        stack.send(stack.by_key("GET", &other)).await.refusal(400, "invalid_cursor");
        let wrong = stack.send(stack.by_key("GET", &format!("{path}?sort=email&limit=0&stage=BEST"))).await;
        wrong.refusal(400, "invalid_argument");
        // A member reads the same.
        let of_member = format!("/v1/console/agents/{}/contacts?search=love", stack.agent);
        assert_eq!(stack.send(stack.by_member("GET", &of_member)).await.ok().as_array().unwrap().len(), 1);
    })
    .await;
}

/// A mirror that begins with the end of the feed, lists everything, and follows.
#[tokio::test]
async fn a_mirror_follows_changes() {
    Stack::each(async |stack| {
        let path = stack.contacts_path();
        stack.new_contact("before").await;
        let end = stack.send(stack.by_key("GET", &format!("{path}:changes?latest=true"))).await;
        assert_eq!(*end.ok(), json!([]));
        let mut since = end.body["pagination"]["nextCursor"].as_str().unwrap().to_owned();

        let mut mirror: HashMap<String, Value> = HashMap::new();
        let all = stack.send(stack.by_key("GET", &format!("{path}?status=ANY"))).await;
        for contact in all.ok().as_array().unwrap() {
            mirror.insert(contact["id"].as_str().unwrap().to_owned(), contact.clone());
        }
        stack.new_contact("crm-1").await;
        stack.new_contact("crm-2").await;
        stack.replace_contact("crm-1", json!({"email": "bob@example.com"})).await.ok();
        stack.delete_contact("before").await.ok();

        let mut kinds = Vec::new();
        loop {
            let url = format!("{path}:changes?since={since}&limit=2");
            let page = stack.send(stack.by_key("GET", &url)).await;
            for change in page.ok().as_array().unwrap() {
                since = change["cursor"].as_str().unwrap().to_owned();
                kinds.push(change["type"].as_str().unwrap().to_owned());
                let id = change["contactId"].as_str().unwrap().to_owned();
                match &change["contact"] {
                    Value::Null => drop(mirror.remove(&id)),
                    contact => drop(mirror.insert(id, contact.clone())),
                }
            }
            if page.body["pagination"]["hasMore"] == false {
                break;
            }
        }
        assert_eq!(kinds, ["CREATED", "CREATED", "UPDATED", "DELETED"]);
        let all = stack.send(stack.by_key("GET", &format!("{path}?status=ANY"))).await;
        let there: HashMap<String, Value> = all
            .ok()
            .as_array()
            .unwrap()
            .iter()
            .map(|contact| (contact["id"].as_str().unwrap().to_owned(), contact.clone()))
            .collect();
        assert_eq!(mirror, there);
        let wrong = format!("{path}:changes?since={since}A");
        stack.send(stack.by_key("GET", &wrong)).await.refusal(400, "invalid_cursor");
    })
    .await;
}

#[tokio::test]
async fn changes_are_streamed_as_lines_and_as_events() {
    Stack::each(async |stack| {
        let path = format!("{}:watchChanges", stack.contacts_path());
        for accept in ["application/x-ndjson", "text/event-stream"] {
            let mut answer = stack.by_key("GET", &path).header("Accept", accept).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let id = stack.new_contact(&format!("of {accept}")).await;
            let mut text = String::new();
            while !text.contains(&id) {
                text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
            }
            assert!(text.contains("CREATED"), "{text}");
        }
    })
    .await;
}
