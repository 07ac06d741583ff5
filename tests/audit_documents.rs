//! What members do with documents and their templates, in the audit log.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::extraction::{ended, job, queue, schema};
use crate::harness::{Api, Processes, Stack};

const TEMPLATES: &str = "/v1/console/extraction-templates";

/// The entries of these types, oldest first, once there are so many: they are handed over.
async fn told(api: &Api, types: &[&str], count: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let export = api.by_member("GET", "/v1/console/audit-log:export").send().await.unwrap();
        let export = export.text().await.unwrap();
        let all = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let all: Vec<_> =
            all.filter(|entry| types.contains(&entry["resource"]["type"].as_str().unwrap())).collect();
        if all.len() >= count {
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What was done, without what was refused.
fn actions(entries: &[Value]) -> Vec<&str> {
    let done = entries.iter().filter(|entry| entry["status"] == "SUCCESS");
    done.map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_members_do_with_templates_is_in_the_log() {
    Stack::each(async |stack| {
        let one = format!("{TEMPLATES}/note");
        let new = json!({"name": "note", "title": "Note", "schema": schema()});
        let made = stack.send(stack.by_member("POST", TEMPLATES).json(&new)).await;
        made.success(201, "Template created.");
        let version = json!({"title": "Delivery note", "schema": schema()});
        let changed = stack.send(stack.by_member("POST", &format!("{one}/versions")).json(&version)).await;
        changed.success(201, "Template version created.");
        let looking = stack.new_token(json!({"name": "looking", "role": "USER"})).await;
        let user = stack.with_token(looking.ok()["secret"].as_str().unwrap());
        user.send(user.by_member("DELETE", &one)).await.refusal(403, "role_required");
        stack.send(stack.by_member("DELETE", &one)).await.success(200, "Template deleted.");
        stack.send(stack.by_member("DELETE", &one)).await.refusal(404, "not_found");

        let all = told(&stack, &["extraction_template"], 4).await;
        let expected =
            ["extraction_template.created", "extraction_template.updated", "extraction_template.deleted"];
        assert_eq!(actions(&all), expected);
        let refused: Vec<_> = all.iter().filter(|entry| entry["status"] == "FAILURE").collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(
            (&refused[0]["action"], &refused[0]["actor"]["name"]),
            (&json!("extraction_template.deleted"), &json!("looking"))
        );
        let updated = all.iter().find(|entry| entry["action"] == "extraction_template.updated").unwrap();
        assert_eq!(updated["resource"], json!({"type": "extraction_template", "id": null, "name": "note"}));
        assert_eq!(updated["description"], "Extraction template \"note\" was updated: title, version.");
        // All agents share it, so none is named.
        let side = |title: &str, version: i64| json!({"name": "note", "title": title, "version": version});
        assert_eq!(updated["before"], side("Note", 1));
        assert_eq!(updated["after"], side("Delivery note", 2));
        assert_eq!(updated["requestId"], json!(changed.header("x-request-id")));
        assert_eq!(updated["clientAddress"], "127.0.0.1");
    })
    .await;
}

#[tokio::test]
async fn that_members_take_corrections_back_and_delete_documents_is_in_the_log() {
    for mut keyward in [Processes::together(&[]).await, Processes::apart(&[]).await] {
        let document = b"Invoice number: INV-2041\n\nTotal due: 1,250.50 EUR\n";
        let id = queue(&keyward, "ada-lindqvist.txt", document).await;
        assert_eq!(ended(&keyward, &id).await["status"], "SUCCEEDED");
        let own = format!("/v1/console/agents/{}/documents/{id}", keyward.agent);
        for corrections in [
            json!([{"path": "/totalDue", "value": null}, {"path": "/invoiceNumber", "value": "s3cr3t"}]),
            json!([{"path": "/totalDue", "value": null}]),
        ] {
            let body = json!({"corrections": corrections});
            keyward.send(keyward.by_member("PATCH", &own).json(&body)).await.ok();
        }
        keyward.send(keyward.by_member("DELETE", &own)).await.ok();
        // A key's requests are in the request log.
        let other = queue(&keyward, "invoice.txt", document).await;
        keyward.send(keyward.by_key("DELETE", &job(&keyward, &other))).await.ok();

        let all = told(&keyward, &["document_extraction"], 2).await;
        let expected = ["document_extraction.corrections_deleted", "document_extraction.deleted"];
        assert_eq!(actions(&all), expected);
        for entry in &all {
            assert_eq!(entry["resource"]["id"], json!(id));
            assert_eq!(entry["before"]["agentId"], json!(keyward.agent));
        }
        assert_eq!(all[0]["before"]["corrections"], json!(["/totalDue", "/invoiceNumber"]));
        assert_eq!(all[0]["after"]["corrections"], json!(["/totalDue"]));
        assert_eq!((&all[1]["before"]["status"], &all[1]["after"]), (&json!("SUCCEEDED"), &Value::Null));
        let text = format!("{all:?}");
        for said in ["s3cr3t", "INV-2041", "ada-lindqvist"] {
            assert!(!text.contains(said), "{said}: {text}");
        }
        keyward.terminate().await;
    }
}
