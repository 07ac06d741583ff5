//! Contacts are changed by merge patch, archived and made active again; who may be the same person is told; and what
//! is held of a person is handed out and deleted.

use serde_json::{Value, json};

use crate::harness::{Answer, Stack};

async fn patch(stack: &Stack, path: &str, body: Value) -> Answer {
    stack.send(stack.by_key("PATCH", path).json(&body)).await
}

fn details(answer: &Answer) -> Vec<String> {
    let details = answer.body["error"]["details"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    details.iter().map(|detail| format!("{} {}", text(&detail["field"]), text(&detail["code"]))).collect()
}

#[tokio::test]
async fn a_merge_patch_changes_what_it_names() {
    Stack::each(async |stack| {
        let stack = &stack;
        let sent = json!({
            "externalReferenceId": "crm-1", "name": "Ann", "email": "ann@example.com", "tags": ["a"],
            "customFields": {"a": 1, "b": {"c": 2}},
        });
        let created = stack.create_contact(sent).await.ok().clone();
        let path = stack.contact_path("crm-1");
        let with = |changes: Value, version: i32| {
            let mut expected = created.clone();
            for (name, value) in changes.as_object().unwrap() {
                expected[name] = value.clone();
            }
            expected["version"] = json!(version);
            expected
        };
        let same = |answer: &Answer, mut expected: Value| {
            expected["updatedAt"] = answer.ok()["updatedAt"].clone();
            assert_eq!(answer.success(200, "Contact updated."), &expected);
            assert_eq!(answer.header("etag"), format!("\"{}\"", expected["version"]));
        };
        // Nothing, or nothing new.
        for body in [json!({}), json!({"name": "Ann"}), json!({"tags": ["a"], "customFields": {}}), json!({"notes": null})] {
            same(&patch(stack, &path, body).await, with(json!({}), 1));
        }
        let changes = json!({"name": "Bob", "mobileNumber": "0049 170/1234567", "customFields": {"a": null, "b": {"d": 3}, "e": "x"}});
        let changed = patch(stack, &path, changes).await;
        let fields = json!({"b": {"d": 3}, "e": "x"});
        let now = json!({"name": "Bob", "mobileNumber": "+491701234567", "customFields": fields});
        same(&changed, with(now, 2));
        // By our own id, as a merge patch by name, and cleared by null.
        let by_id = stack.contact_path_by_id(created["id"].as_str().unwrap());
        let request = stack.by_key("PATCH", &by_id).header("Content-Type", "application/merge-patch+json");
        let cleared = stack.send(request.body(r#"{"email": null, "tags": null, "customFields": null, "name": null}"#)).await;
        let now = json!({"name": null, "email": null, "mobileNumber": "+491701234567", "tags": [], "customFields": {}});
        same(&cleared, with(now, 3));
        // Neither address nor number: no contact.
        let refused = patch(stack, &path, json!({"mobileNumber": null})).await;
        refused.refusal(400, "invalid_argument");
        assert_eq!(details(&refused), ["email required"]);
        for (body, expected) in [
            (json!({"name": ""}), "name too_short"),
            (json!({"version": 7}), "version immutable"),
            (json!({"status": "ARCHIVED"}), "status immutable"),
            (json!({"possibleDuplicates": []}), "possibleDuplicates immutable"),
            (json!({"color": "red"}), "color unknown_field"),
            (json!({"customFields": []}), "customFields invalid"),
            (json!({"tags": {"0": "a"}}), "tags invalid"),
            (json!({"externalReferenceId": ".."}), "externalReferenceId invalid"),
        ] {
            let refused = patch(stack, &path, body.clone()).await;
            refused.refusal(400, "invalid_argument");
            assert_eq!(details(&refused), [expected], "{body}");
        }
        assert_eq!(stack.get_contact("crm-1").await.ok()["version"], 3);
        patch(stack, &stack.contact_path("nobody"), json!({"name": "x"})).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn versions_guard_patches() {
    Stack::each(async |stack| {
        let stack = &stack;
        stack.new_contact("crm-1").await;
        let path = stack.contact_path("crm-1");
        let put = |etag: &str, name: &str| {
            stack.by_key("PATCH", &path).header("If-Match", etag).json(&json!({"name": name}))
        };
        assert_eq!(stack.send(put("\"1\"", "a")).await.ok()["version"], 2);
        stack.send(put("\"1\"", "b")).await.refusal(412, "precondition_failed");
        stack.send(put("W/\"2\"", "b")).await.refusal(412, "precondition_failed");
        assert_eq!(stack.send(put("\"1\", \"2\"", "b")).await.ok()["version"], 3);
        // Of two who have read the same version, one writes.
        for round in 3..8 {
            let etag = format!("\"{round}\"");
            let (one, other) = tokio::join!(
                stack.send(put(&etag, &format!("one {round}"))),
                stack.send(put(&etag, &format!("other {round}")))
            );
            let (won, lost) = if one.status == 200 { (one, other) } else { (other, one) };
            assert_eq!(won.ok()["version"], round + 1);
            lost.refusal(412, "precondition_failed");
        }
        let archive = format!("{path}/archive");
        let stale = stack.by_key("PATCH", &archive).header("If-Match", "\"1\"");
        stack.send(stale).await.refusal(412, "precondition_failed");
    })
    .await;
}

#[tokio::test]
async fn the_reference_can_be_given_and_taken() {
    Stack::each(async |stack| {
        let stack = &stack;
        let (one, two) = (stack.new_contact("crm-1").await, stack.new_contact("crm-2").await);
        let path = stack.contact_path("crm-1");
        let taken = patch(stack, &path, json!({"externalReferenceId": "crm-2"})).await;
        taken.refusal(409, "already_exists");
        assert_eq!(taken.body["error"]["id"], json!(two));
        patch(stack, &path, json!({"externalReferenceId": "crm/3 ü"})).await.success(200, "Contact updated.");
        stack.get_contact("crm-1").await.refusal(404, "not_found");
        assert_eq!(stack.get_contact("crm/3 ü").await.ok()["id"], json!(one));
        let by_id = stack.contact_path_by_id(&one);
        let none = patch(stack, &by_id, json!({"externalReferenceId": null})).await;
        assert_eq!(none.ok()["externalReferenceId"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn archiving_is_idempotent() {
    Stack::each(async |stack| {
        let stack = &stack;
        let id = stack.new_contact("crm-1").await;
        let path = stack.contact_path("crm-1");
        let by_member = format!("/v1/console/agents/{}/contacts/{id}", stack.agent);
        let archived = stack.send(stack.by_key("PATCH", &format!("{path}/archive"))).await;
        let contact = archived.success(200, "Contact archived.").clone();
        assert_eq!((&contact["status"], &contact["version"]), (&json!("ARCHIVED"), &json!(2)));
        assert_eq!(contact["archivedAt"], contact["updatedAt"]);
        assert_eq!(archived.header("etag"), "\"2\"");
        for again in [
            stack.send(stack.by_key("PATCH", &format!("{path}/archive")).json(&json!({}))).await,
            stack.send(stack.by_key("PATCH", &format!("{}/archive", stack.contact_path_by_id(&id)))).await,
            stack.send(stack.by_member("PATCH", &format!("{by_member}/archive"))).await,
        ] {
            assert_eq!(again.success(200, "Contact archived."), &contact);
        }
        assert_eq!(stack.list_contacts("").await.ok(), &json!([]));
        assert_eq!(stack.get_contact("crm-1").await.ok(), &contact);
        for (number, path) in
            [format!("{path}/unarchive"), format!("{}/unarchive", stack.contact_path_by_id(&id))]
                .iter()
                .enumerate()
        {
            let active = stack.send(stack.by_key("PATCH", path)).await;
            let data = active.success(200, "Contact unarchived.");
            assert_eq!(
                (&data["status"], &data["archivedAt"], &data["version"]),
                (&json!("ACTIVE"), &Value::Null, &json!(3)),
                "{number}"
            );
        }
        let nobody = format!("{}/archive", stack.contact_path("nobody"));
        stack.send(stack.by_key("PATCH", &nobody)).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn who_may_be_the_same_person() {
    Stack::each(async |stack| {
        let stack = &stack;
        let path = |word: &str| format!("{}?onDuplicate={word}", stack.contacts_path());
        let create = async |word: &str, contact: Value| stack.send(stack.by_key("POST", &path(word)).json(&contact)).await;
        let ann = json!({"externalReferenceId": "crm-1", "email": "Ann@Example.com", "mobileNumber": "+491701234567"});
        let ann = stack.create_contact(ann).await.ok().clone();
        assert_eq!(ann.get("possibleDuplicates"), None, "there is none");
        let again = create("allow", json!({"email": "ann@example.com"})).await;
        let told = json!([{"id": ann["id"], "externalReferenceId": "crm-1", "matchedBy": ["email"]}]);
        assert_eq!(again.success(201, "Contact created.")["possibleDuplicates"], told);
        let second = again.ok()["id"].clone();
        assert_eq!(stack.get_contact_by_id(second.as_str().unwrap()).await.ok().get("possibleDuplicates"), None);
        let rejected = create("reject", json!({"email": "x@example.com", "mobileNumber": "0049 170 1234567"})).await;
        rejected.refusal(409, "already_exists");
        assert_eq!((details(&rejected), &rejected.body["error"]["id"]), (vec!["mobileNumber duplicate".to_owned()], &ann["id"]));
        let several = create("update", json!({"email": "ANN@EXAMPLE.COM"})).await;
        several.refusal(409, "conflict");
        stack.delete_contact_by_id(second.as_str().unwrap()).await.ok();
        let updated = create("update", json!({"email": "ANN@EXAMPLE.COM", "name": "Ann"})).await;
        let data = updated.success(200, "Contact updated.");
        assert_eq!((&data["id"], &data["name"], &data["version"]), (&ann["id"], &json!("Ann"), &json!(2)));
        assert_eq!(updated.header("location"), "");
        let refused = create("maybe", json!({"email": "x@example.com"})).await;
        refused.refusal(400, "invalid_argument");
        assert_eq!(details(&refused), ["onDuplicate invalid"]);
        let patched = stack.by_key("PATCH", &format!("{}?onDuplicate=reject", stack.contact_path("crm-1")));
        assert_eq!(stack.send(patched.json(&json!({"email": "ann@example.com"}))).await.ok()["version"], 3);
        // Of two at once, one is created.
        for round in 0..5 {
            let contact = json!({"email": format!("{round}@example.com")});
            let (one, other) = tokio::join!(create("reject", contact.clone()), create("reject", contact));
            let mut statuses = [one.status, other.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409]);
        }
        // Who may only create neither updates nor learns of others.
        let creator = stack.with_key(&stack.new_key(&["contacts:create"]).await);
        let ask = async |word: &str| creator.send(creator.by_key("POST", &path(word)).json(&json!({"email": "ann@example.com"}))).await;
        let refused = ask("update").await;
        refused.refusal(403, "permission_denied");
        assert!(refused.body["message"].as_str().unwrap().contains("contacts:update"), "{}", refused.body);
        assert_eq!(ask("reject").await.body["error"]["id"], Value::Null);
        assert_eq!(ask("allow").await.success(201, "Contact created.").get("possibleDuplicates"), None);
    })
    .await;
}

#[tokio::test]
async fn a_person_is_handed_out_and_forgotten() {
    Stack::each(async |stack| {
        let stack = &stack;
        let contact = json!({"externalReferenceId": "crm-1", "email": "ann@example.com", "customFields": {"secret": "x"}});
        let create = || {
            let request = stack.by_key("POST", &stack.contacts_path());
            request.header("Idempotency-Key", "once").json(&contact)
        };
        let created = stack.send(create()).await.success(201, "Contact created.").clone();
        let id = created["id"].as_str().unwrap();
        let path = stack.contact_path("crm-1");
        patch(stack, &path, json!({"name": "Ann"})).await.ok();
        stack.send(stack.by_key("PATCH", &format!("{path}/archive"))).await.ok();
        let export = format!("/v1/console/agents/{}/contacts/{id}:export", stack.agent);
        let held = stack.send(stack.by_member("GET", &export)).await;
        let held = held.success(200, "Contact exported.");
        assert_eq!((&held["contact"]["customFields"], &held["contact"]["version"]), (&json!({"secret": "x"}), &json!(3)));
        let told: Vec<&Value> = held["changes"].as_array().unwrap().iter().map(|change| &change["type"]).collect();
        assert_eq!(told, ["CREATED", "UPDATED", "ARCHIVED"]);
        assert_eq!(held["files"], json!([]));
        stack.send(stack.by_key("GET", &export)).await.refusal(401, "not_signed_in");

        assert_eq!(stack.send(create()).await.header("idempotent-replayed"), "true");
        stack.delete_contact("crm-1").await.ok();
        stack.send(stack.by_member("GET", &export)).await.refusal(404, "not_found");
        // What was answered held the person. It is not created once more, either.
        let repeat = stack.send(create()).await;
        repeat.refusal(409, "conflict");
        assert_eq!(repeat.body["error"]["id"], json!(id));
    })
    .await;
}
