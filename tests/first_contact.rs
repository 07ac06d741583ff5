//! From `keyward setup` to the first contact and back: literal bodies, as the contract shows them.

use serde_json::json;

use crate::harness::{Stack, assert_json};

#[tokio::test]
async fn a_contact_comes_and_goes() {
    Stack::each(async |stack| {
        let empty = stack.list_contacts("").await;
        assert!(empty.success(200, "Contacts retrieved.").as_array().unwrap().is_empty());
        let no_more = json!({"limit": 20, "hasMore": false, "nextCursor": null});
        assert_eq!(empty.body["pagination"], no_more);

        let created = stack
            .create_contact(json!({
                "externalReferenceId": "crm-1",
                "name": "Ada Lovelace",
                "email": "ada@example.com",
                "stage": "LEAD",
                "tags": ["vip", "early"],
                "customFields": {"shoeSize": 38, "pets": ["cat"], "nick": null},
            }))
            .await;
        let contact = created.success(201, "Contact created.").clone();
        assert_json(
            &contact,
            json!({
                "id": "<id>",
                "externalReferenceId": "crm-1",
                "name": "Ada Lovelace",
                "email": "ada@example.com",
                "mobileNumber": null,
                "gender": null,
                "stage": "LEAD",
                "status": "ACTIVE",
                "source": null,
                "tags": ["vip", "early"],
                "notes": null,
                "customFields": {"shoeSize": 38, "pets": ["cat"], "nick": null},
                "createdAt": "<time>",
                "updatedAt": "<time>",
                "archivedAt": null,
                "version": 1,
            }),
        );
        let id = contact["id"].as_str().unwrap();
        assert_eq!(created.header("location"), stack.contact_path_by_id(id));
        assert_eq!(created.header("etag"), "\"1\"");

        for found in [stack.get_contact("crm-1").await, stack.get_contact_by_id(id).await] {
            assert_eq!(found.success(200, "Contact retrieved."), &contact);
            assert_eq!(found.header("etag"), "\"1\"");
            assert_eq!(found.header("cache-control"), "private, no-cache");
        }
        let listed = stack.list_contacts("").await;
        assert_eq!(listed.success(200, "Contacts retrieved."), &json!([contact]));

        // PUT replaces: what is left out is cleared, but for the reference.
        let replaced = stack.replace_contact("crm-1", json!({"mobileNumber": "+441234567890"})).await;
        let mut expected = contact.clone();
        for cleared in ["name", "email", "stage"] {
            expected[cleared] = json!(null);
        }
        expected["mobileNumber"] = json!("+441234567890");
        expected["tags"] = json!([]);
        expected["customFields"] = json!({});
        expected["updatedAt"] = json!("<time>");
        expected["version"] = json!(2);
        assert_json(replaced.success(200, "Contact saved."), expected);
        assert_eq!(replaced.header("etag"), "\"2\"");

        let deleted = stack.delete_contact("crm-1").await;
        assert!(deleted.success(200, "Contact deleted.").is_null());
        assert!(deleted.body.as_object().unwrap().contains_key("data"));
        stack.delete_contact("crm-1").await.refusal(404, "not_found");
        stack.get_contact("crm-1").await.refusal(404, "not_found");
        stack.get_contact_by_id(id).await.refusal(404, "not_found");
        assert_eq!(stack.list_contacts("").await.ok(), &json!([]));
    })
    .await;
}
