//! Managing API keys through `/v1/console`.

use std::time::Duration;

use serde_json::json;
use svc_core::clock::Clock;

use crate::harness::{Key, Stack, assert_json};

#[tokio::test]
async fn a_key_comes_and_goes() {
    Stack::each(async |stack| {
        let created = stack
            .create_key(json!({
                "name": "  Production sync ",
                "description": "CRM",
                "permissions": ["contacts:read", "contacts:create"],
                "expiresAt": "2099-12-31",
            }))
            .await;
        let data = created.success(201, "API key created successfully.");
        let key = data["key"].clone();
        assert_json(
            data,
            json!({
                "key": {
                    "id": "<id>",
                    "apiKey": "<text>",
                    "secretLast4": "<text>",
                    "agent": {"id": stack.agent, "name": "Support"},
                    "name": "Production sync",
                    "description": "CRM",
                    "permissions": ["contacts:read", "contacts:create"],
                    "effectivePermissions": ["contacts:read", "contacts:create"],
                    "rateLimits": {"perMinute": 60, "perHour": 1000},
                    "allowedIps": [],
                    "expiresAt": "<time>",
                    "status": "ACTIVE",
                    "rotation": null,
                    "createdBy": {"id": stack.made.member_id, "name": "owner"},
                    "createdAt": "<time>",
                    "updatedAt": "<time>",
                    "lastUsedAt": null,
                    "version": 1,
                },
                "secret": "<text>",
            }),
        );
        // Through that day, UTC.
        let expires = key["expiresAt"].as_str().unwrap();
        assert!(
            expires.starts_with("2099-12-31T23:59:59") || expires == "2100-01-01T00:00:00.000Z",
            "{expires}"
        );
        let (api_key, secret) = (key["apiKey"].as_str().unwrap(), data["secret"].as_str().unwrap());
        assert!(api_key.starts_with("kw_live_") && api_key.len() == 8 + 22 + 6, "{api_key}");
        assert!(secret.starts_with("kws_live_") && secret.len() == 9 + 43 + 6);
        assert!(secret.ends_with(key["secretLast4"].as_str().unwrap()));
        let id = key["id"].as_str().unwrap();
        assert_eq!(created.header("location"), stack.key_path(id));
        assert_eq!(created.header("cache-control"), "no-store");

        let found = stack.get_key(id).await;
        assert_eq!(found.success(200, "API key retrieved successfully."), &key);
        assert_eq!((found.header("etag"), found.header("cache-control")), ("\"1\"", "private, no-cache"));
        let known = stack.by_member("GET", &stack.key_path(id)).header("If-None-Match", "\"2\", W/\"1\"");
        assert_eq!(stack.send(known).await.status, 304);

        let listed = stack.list_keys("").await;
        let names: Vec<_> = listed.ok().as_array().unwrap().iter().map(|k| k["id"].clone()).collect();
        assert_eq!((names.len(), &names[0]), (2, &key["id"]), "newest first, after the key of setup");
        let everywhere = stack.send(stack.by_member("GET", "/v1/console/api-keys?limit=1")).await;
        assert_eq!(everywhere.ok(), &json!([key]));
        assert_json(
            &everywhere.body["pagination"],
            json!({"limit": 1, "hasMore": true, "nextCursor": "<cursor>"}),
        );

        let change = json!({"name": "Sync", "permissions": ["contacts:read"], "expiresAt": null});
        let changed = stack.update_key(id, change).await;
        let mut expected = key.clone();
        expected["name"] = json!("Sync");
        expected["permissions"] = json!(["contacts:read"]);
        expected["effectivePermissions"] = json!(["contacts:read"]);
        expected["expiresAt"] = json!(null);
        expected["updatedAt"] = json!("<time>");
        expected["version"] = json!(2);
        assert_json(changed.success(200, "API key updated successfully."), expected);
        let stale = stack.by_member("PATCH", &stack.key_path(id)).header("If-Match", "\"1\"");
        stack.send(stale.json(&json!({"name": "Late"}))).await.refusal(412, "precondition_failed");
        for (etag, status) in
            [("W/\"2\"", 412), ("\"1\", \"3\"", 412), ("2", 400), ("\"1\", \"2\"", 200), ("*", 200)]
        {
            let patch = stack.by_member("PATCH", &stack.key_path(id)).header("If-Match", etag);
            assert_eq!(stack.send(patch.json(&json!({"name": "Sync"}))).await.status, status, "{etag}");
            let delete = stack.by_member("DELETE", &stack.key_path(id)).header("If-Match", etag);
            if status != 200 {
                assert_eq!(stack.send(delete).await.status, status, "{etag}");
            }
        }

        let deleted = stack.delete_key(id).await;
        assert!(deleted.success(200, "API key deleted successfully.").is_null());
        stack.delete_key(id).await.refusal(404, "not_found");
        stack.get_key(id).await.refusal(404, "not_found");
        assert_eq!(stack.list_keys("").await.ok().as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn settings_of_keys_have_rules() {
    Stack::each(async |stack| {
        let read = json!(["contacts:read"]);
        let cases = [
            (json!({"permissions": read}), "name", "required"),
            (json!({"name": "  ", "permissions": read}), "name", "required"),
            (json!({"name": "x".repeat(101), "permissions": read}), "name", "too_long"),
            (
                json!({"name": "x", "permissions": read, "description": "x".repeat(501)}),
                "description",
                "too_long",
            ),
            (json!({"name": "x"}), "permissions", "required"),
            (json!({"name": "x", "permissions": []}), "permissions", "required"),
            (
                json!({"name": "x", "permissions": ["contacts:read", "contacts:read"]}),
                "permissions[1]",
                "duplicate",
            ),
            (json!({"name": "x", "permissions": ["contacts:fly"]}), "permissions[0]", "invalid"),
            (
                json!({"name": "x", "permissions": read, "expiresAt": "2020-01-01"}),
                "expiresAt",
                "out_of_range",
            ),
            (json!({"name": "x", "permissions": read, "expiresAt": "soon"}), "expiresAt", "invalid"),
            (json!({"name": "x", "permissions": read, "colour": "red"}), "colour", "unknown_field"),
            // What a key shows and nobody sets.
            (json!({"name": "x", "permissions": read, "status": "DISABLED"}), "status", "immutable"),
            (json!({"name": "x", "permissions": read, "apiKey": "kw_live_x"}), "apiKey", "immutable"),
        ];
        for (settings, field, fault) in cases {
            let refused = stack.create_key(settings.clone()).await;
            let details = refused.refusal(400, "invalid_argument");
            assert_eq!(
                (&details[0]["field"], &details[0]["code"]),
                (&json!(field), &json!(fault)),
                "{settings}"
            );
        }
        let refused = stack.create_token(json!({"name": "x", "id": "65f0c0ffee65f0c0ffee65f0"})).await;
        let details = refused.refusal(400, "invalid_argument");
        assert_eq!((&details[0]["field"], &details[0]["code"]), (&json!("id"), &json!("immutable")));
        let id = stack.new_key(&["contacts:read"]).await.id;
        for (change, field) in [
            (json!({"apiKey": "kw_live_x"}), "apiKey"),
            (json!({"agent": {"id": stack.agent}}), "agent"),
            (json!({"version": 7}), "version"),
        ] {
            let refused = stack.update_key(&id, change).await;
            let details = refused.refusal(400, "invalid_argument");
            assert_eq!((&details[0]["field"], &details[0]["code"]), (&json!(field), &json!("immutable")));
        }
        assert_eq!(stack.list_keys("").await.ok().as_array().unwrap().len(), 2, "nothing else was made");
    })
    .await;
}

#[tokio::test]
async fn an_expired_key_is_refused_and_can_be_revived() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        let caller = stack.with_key(&key);
        let expires = stack.clock.now().plus(Duration::from_secs(3_600)).to_string();
        stack.update_key(&key.id, json!({"expiresAt": expires})).await.ok();
        caller.list_contacts("").await.success(200, "Contacts retrieved.");

        stack.advance(Duration::from_secs(3_601));
        caller.list_contacts("").await.refusal(401, "key_expired");
        assert_eq!(stack.get_key(&key.id).await.ok()["status"], "EXPIRED");

        let later = stack.clock.now().plus(Duration::from_secs(60)).to_string();
        assert_eq!(stack.update_key(&key.id, json!({"expiresAt": later})).await.ok()["status"], "ACTIVE");
        caller.list_contacts("").await.success(200, "Contacts retrieved.");
    })
    .await;
}

#[tokio::test]
async fn the_last_day_that_a_key_can_work() {
    Stack::each(async |stack| {
        let last = "9999-12-31T23:59:59.999Z";
        for (expiry, shown) in [
            ("9999-12-31", last),
            ("9999-12-30", "9999-12-31T00:00:00.000Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
            ("9999-12-31T23:59:59.999999999Z", last),
            ("9999-12-31t23:59:60z", last),
            ("2099-12-31T23:59:60+00:00", "2099-12-31T23:59:59.999Z"),
            ("2099-12-31T23:59:59+23:59", "2099-12-31T00:00:59.000Z"),
        ] {
            let settings = json!({"name": "x", "permissions": ["contacts:read"], "expiresAt": expiry});
            let created = stack.create_key(settings).await;
            assert_eq!(created.ok()["key"]["expiresAt"], shown, "{expiry}");
            let key = Key::made(created.ok());
            assert_eq!(stack.get_key(&key.id).await.ok()["expiresAt"], shown, "{expiry}");
            stack.with_key(&key).list_contacts("").await.success(200, "Contacts retrieved.");
            assert_eq!(stack.with_key(&key).own_key().await.ok()["expiresAt"], shown, "{expiry}");
        }
        for expiry in [
            "2099-12-31T23:59:59+24:00",
            "2099-12-31T23:59:59-24:00",
            "2099-12-31T12:00:60Z",
            "9999-12-31T23:59:59-00:01",
            "+10000-01-01T00:00:00Z",
            "10000-01-01",
        ] {
            let settings = json!({"name": "x", "permissions": ["contacts:read"], "expiresAt": expiry});
            let details = stack.create_key(settings).await;
            let first = &details.refusal(400, "invalid_argument")[0];
            assert_eq!(
                (&first["field"], &first["code"]),
                (&json!("expiresAt"), &json!("invalid")),
                "{expiry}"
            );
        }
    })
    .await;
}
