//! Members and their roles. How they come in and sign in is tested in `sign_in.rs` and `sessions.rs`.

use serde_json::{Value, json};

use crate::harness::{Stack, assert_json};

fn code_of(refused: &Value) -> (&Value, &Value) {
    (&refused[0]["field"], &refused[0]["code"])
}

#[tokio::test]
async fn a_member_comes_and_goes() {
    Stack::each(async |stack| {
        let created =
            stack.create_member(json!({"email": "ann@example.com", "name": "Ann", "role": "USER"})).await;
        let member = created.success(201, "Member added successfully.").clone();
        assert_json(
            &member,
            json!({
                "id": "<id>",
                "email": "ann@example.com",
                "name": "Ann",
                "role": "USER",
                "createdAt": "<time>",
                "updatedAt": "<time>",
                "status": "INVITED",
                "inviteUrl": "<text>",
                "inviteExpiresAt": "<time>",
                "lastSeenAt": null,
            }),
        );
        let id = member["id"].as_str().unwrap();
        // The link is shown this once.
        let (id, mut member) = (id.to_owned(), member.clone());
        member["inviteUrl"] = json!(null);
        let id = id.as_str();
        assert_eq!(created.header("location"), format!("/v1/console/members/{id}"));
        assert_eq!(stack.get_member(id).await.success(200, "Member retrieved successfully."), &member);
        let listed = stack.list_members().await;
        let listed = listed.success(200, "Members retrieved successfully.").as_array().unwrap();
        assert_eq!((listed.len(), &listed[0], &listed[1]["role"]), (2, &member, &json!("OWNER")));

        let promoted = stack.update_member(id, json!({"role": "ADMIN"})).await;
        assert_eq!(promoted.success(200, "Member updated successfully.")["role"], "ADMIN");
        let taken = stack.create_member(json!({"email": "ANN@example.com", "role": "USER"})).await;
        taken.refusal(409, "already_exists");

        assert!(stack.delete_member(id).await.success(200, "Member removed successfully.").is_null());
        stack.delete_member(id).await.refusal(404, "not_found");
        stack.get_member(id).await.refusal(404, "not_found");
    })
    .await;
}

#[tokio::test]
async fn settings_of_members_have_rules() {
    Stack::each(async |stack| {
        for (member, field, fault) in [
            (json!({"role": "USER"}), "email", "required"),
            (json!({"email": "nobody", "role": "USER"}), "email", "invalid"),
            (json!({"email": "ann@example.com"}), "role", "required"),
            (json!({"email": "ann@example.com", "role": "KING"}), "role", "invalid"),
        ] {
            let refused = stack.create_member(member.clone()).await;
            let details = refused.refusal(400, "invalid_argument");
            assert_eq!(code_of(details), (&json!(field), &json!(fault)), "{member}");
        }
        // Nobody adds, changes or removes an owner.
        let another = json!({"email": "ann@example.com", "role": "OWNER"});
        stack.create_member(another).await.refusal(403, "role_required");
        let owner = &stack.made.member_id;
        stack.update_member(owner, json!({"role": "USER"})).await.refusal(403, "role_required");
        stack.delete_member(owner).await.refusal(403, "role_required");
        assert_eq!(stack.list_members().await.ok().as_array().unwrap().len(), 1);
    })
    .await;
}
