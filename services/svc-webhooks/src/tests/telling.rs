//! What the audit log is told.

use serde_json::{Value, json};
use svc_core::clock::Timestamp;
use svc_db::Outbox;

use super::*;

/// What waits, the oldest first.
async fn told(stage: &Stage) -> Vec<(String, Value)> {
    let waiting = Outbox::new(stage.toy.db.clone(), &stage.home.environment).waiting(100).await.unwrap();
    let told = waiting.into_iter().map(|parcel| {
        assert_eq!(parcel.of, owner('1'));
        (parcel.kind, serde_json::from_str(&parcel.data).unwrap())
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_member_does_is_told_in_the_same_transaction() {
    let receiver = Receiver::start().await;
    for (engine, stage) in Stage::each().await {
        let mine = owner('1');
        let url = format!("{}?token=s3cr3t", receiver.url());
        let made = stage.webhook(&mine, &url, &[EventType::ContactCreated]).await;
        let (id, webhooks) = (&made.webhook.id, &stage.webhooks);
        let place = format!("http://{}/…", receiver.address());
        let [(action, data)] = told(&stage).await.try_into().unwrap();
        assert_eq!(action, "webhook.created", "{engine}");
        let expected = json!({
            "memberId": by(&mine).actor_id, "tokenId": null, "clientAddress": null,
            "requestId": by(&mine).request_id, "resourceId": id, "resourceName": place, "before": null,
            "after": {
                "url": place, "events": ["contact.created"], "description": "",
                "status": "ACTIVE", "overlapEndsAt": null,
            },
        });
        assert_eq!(data, expected, "{engine}");

        stage.advance(1);
        let draft = Draft { description: Some("The CRM".to_owned()), ..Draft::default() };
        webhooks.update(&by(&mine), id, draft, Precondition::default()).await.unwrap();
        stage.advance(1);
        webhooks.rotate(&by(&mine), id, Some(60), None).await.unwrap();
        stage.advance(1);
        webhooks.test(&by(&mine), id).await.unwrap();
        stage.toy.change(&mine, EventType::ContactCreated, "c").await;
        stage.send().await;
        let [delivery] = stage.deliveries(&mine, id).await.try_into().unwrap();
        stage.advance(1);
        webhooks.replay(&by(&mine), id, &delivery.id, None).await.unwrap();
        // What is refused is not told, nor is what Keyward does itself.
        let bad = Draft { url: Some("http://10.0.0.1/".to_owned()), ..Draft::default() };
        webhooks.update(&by(&mine), id, bad, Precondition::default()).await.unwrap_err();
        webhooks.replay(&by(&mine), id, "65f0c0ffee65f0c0ffee65f9", None).await.unwrap_err();
        stage.advance(1);
        webhooks.delete(&by(&mine), id, Precondition::default()).await.unwrap();

        let all = told(&stage).await;
        let actions: Vec<&str> = all.iter().map(|(action, _)| action.as_str()).collect();
        let expected = [
            "webhook.created",
            "webhook.updated",
            "webhook.secret_rotated",
            "webhook.tested",
            "webhook.delivery_replayed",
            "webhook.deleted",
        ];
        assert_eq!(actions, expected, "{engine}");
        let sides = |at: usize| (&all[at].1["before"]["description"], &all[at].1["after"]["description"]);
        assert_eq!(sides(1), (&json!(""), &json!("The CRM")), "{engine}");
        assert!(all[2].1["after"]["overlapEndsAt"].is_string(), "{engine}");
        assert_eq!(all[4].1["after"]["deliveryId"], json!(delivery.id), "{engine}");
        assert_eq!(all[5].1["after"], Value::Null, "{engine}");
        let text = format!("{all:?}");
        for secret in ["s3cr3t", "/keyward", made.secret.expose()] {
            assert!(!text.contains(secret), "{engine}: {secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_forgotten() {
    for (engine, stage) in Stage::each().await {
        let mine = owner('1');
        for _ in 0..3 {
            stage.advance(1);
            stage.webhook(&mine, "http://127.0.0.1:1/", &[EventType::KeyDeleted]).await;
        }
        let outbox = Outbox::new(stage.toy.db.clone(), &stage.home.environment);
        let waiting = outbox.waiting(2).await.unwrap();
        assert_eq!(waiting.len(), 2, "{engine}");
        assert!(waiting[0].at < waiting[1].at, "{engine}: the oldest first");
        let ids: Vec<String> = waiting.iter().map(|parcel| parcel.id.clone()).collect();
        outbox.forget(&ids).await.unwrap();
        // Another replica has been faster.
        outbox.forget(&ids).await.unwrap();
        outbox.forget(&[]).await.unwrap();
        let [last] = outbox.waiting(100).await.unwrap().try_into().unwrap();
        assert!(last.at > waiting[1].at, "{engine}");
        outbox.forget_before(last.at).await.unwrap();
        assert_eq!(outbox.waiting(100).await.unwrap().len(), 1, "{engine}");
        outbox.forget_before(Timestamp(last.at.0 + 1)).await.unwrap();
        assert_eq!(outbox.waiting(100).await.unwrap(), [], "{engine}");
    }
}
