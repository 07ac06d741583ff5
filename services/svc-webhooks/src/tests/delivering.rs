//! What arrives, and how.

use serde_json::json;

use super::*;
use crate::signature::SigningSecret;

use EventType::{ContactCreated, ContactDeleted, ContactUpdated, KeyRotated};

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_once_and_in_order() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        stage.toy.change(&mine, ContactCreated, "before").await;
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated, ContactDeleted]).await;
        stage.toy.set("ann", r#"{"id":"ann","name":"Ann"}"#);
        for (event, contact) in [
            (ContactCreated, "ann"),
            (ContactUpdated, "ann"),
            (ContactCreated, "bob"),
            (ContactDeleted, "bob"),
        ] {
            stage.toy.change(&mine, event, contact).await;
        }
        // Of somebody else.
        stage.toy.change(&owner('2'), ContactCreated, "eve").await;
        stage.send().await;
        let received = receiver.received();
        let told: Vec<_> = received.iter().map(|message| message.json()).collect();
        let at = "2026-01-31T12:00:00.123Z";
        let expected = [
            json!({"type": "contact.created", "timestamp": at, "data": {"id": "ann", "name": "Ann"}}),
            json!({"type": "contact.created", "timestamp": at, "data": {"id": "bob"}}),
            json!({"type": "contact.deleted", "timestamp": at, "data": {"id": "bob"}}),
        ];
        assert_eq!(told, expected, "{engine}");
        let deliveries = stage.deliveries(&mine, &made.webhook.id).await;
        let mut ids: Vec<&str> = received.iter().map(|message| message.id()).collect();
        let mut listed: Vec<&str> = deliveries.iter().map(|delivery| delivery.id.as_str()).collect();
        ids.sort_unstable();
        listed.sort_unstable();
        assert_eq!(ids, listed, "{engine}");
        for delivery in &deliveries {
            assert_eq!(delivery.status, DeliveryStatus::Delivered, "{engine}");
            assert_eq!((delivery.attempts, delivery.last_status), (1, Some(204)), "{engine}");
            assert_eq!((delivery.next_attempt_at, delivery.last_failure), (None, None), "{engine}");
        }
        // Nothing is told twice.
        stage.advance(7_200);
        stage.send().await;
        assert_eq!(receiver.received().len(), 3, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_a_contact_is_that_of_when_it_is_sent() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        stage.toy.set("ann", r#"{"id":"ann","name":"Ann"}"#);
        stage.toy.change(&mine, ContactCreated, "ann").await;
        receiver.answer([Answer::Status(500)]);
        stage.send().await;
        // She is erased before the message is sent again: nothing of her is left to be told, or kept.
        stage.toy.erase("ann");
        stage.advance(60);
        stage.send().await;
        let told: Vec<_> = receiver.received().iter().map(|message| message.json()["data"].clone()).collect();
        assert_eq!(told, [json!({"id": "ann", "name": "Ann"}), json!({"id": "ann"})], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_sign_while_they_overlap() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        let id = &made.webhook.id;
        let rotated = stage.webhooks.rotate(&by(&mine), id, Some(3_600), None).await.unwrap();
        assert_ne!(made.secret.expose(), rotated.secret.expose());
        assert_eq!(
            rotated.webhook.overlap_ends_at,
            Some(stage.home.environment.clock.now().plus(Duration::from_secs(3_600)))
        );
        for (seconds, secrets) in [(0, vec![&rotated.secret, &made.secret]), (3_600, vec![&rotated.secret])] {
            stage.advance(seconds);
            stage.toy.change(&mine, ContactCreated, "ann").await;
            stage.send().await;
            let received = receiver.received().pop().unwrap();
            let secrets = secrets.into_iter().map(|secret| {
                let text = secret.expose().strip_prefix("whsec_").unwrap();
                let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
                SigningSecret::of(zeroize::Zeroizing::new(bytes))
            });
            let secrets: Vec<SigningSecret> = secrets.collect();
            let now = stage.home.environment.clock.now();
            let signed = crate::signature::sign(&secrets, received.id(), now, &received.body);
            assert_eq!(received.headers["webhook-signature"], signed.signature, "{engine}");
            assert_eq!(received.headers["webhook-timestamp"], signed.timestamp, "{engine}");
        }
        assert_eq!(stage.get(&mine, id).await.overlap_ends_at, None, "{engine}: it is over");
        // Without an overlap the older one ends at once.
        stage.webhooks.rotate(&by(&mine), id, Some(0), None).await.unwrap();
        stage.toy.change(&mine, ContactCreated, "ann").await;
        stage.send().await;
        let received = receiver.received().pop().unwrap();
        assert_eq!(received.headers["webhook-signature"].split(' ').count(), 1, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_services_hand_in_is_told_once() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        stage.webhook(&mine, &receiver.url(), &[KeyRotated]).await;
        let now = stage.home.environment.clock.now();
        let event = |id: &str, owner: Partition, event| Event {
            id: format!("65f0c0ffee65f0c0ffee65{id}"),
            owner,
            event,
            at: now,
            data: r#"{"id":"key"}"#.to_owned(),
        };
        let events = vec![
            event("b1", mine.clone(), KeyRotated),
            event("b2", owner('2'), KeyRotated),
            event("b3", mine.clone(), EventType::KeyDeleted),
        ];
        for _ in 0..2 {
            stage.webhooks.publish(events.clone()).await.unwrap();
            stage.send().await;
        }
        let told: Vec<_> = receiver.received().iter().map(|message| message.json()).collect();
        let at = "2026-01-31T12:00:00.123Z";
        let expected = json!({"type": "api_key.rotated", "timestamp": at, "data": {"id": "key"}});
        assert_eq!(told, [expected], "{engine}");
        let bad = |change: fn(&mut Event)| {
            let mut bad = event("b4", owner('1'), KeyRotated);
            change(&mut bad);
            vec![event("b5", owner('1'), KeyRotated), bad]
        };
        for events in [
            bad(|event| event.id = "x".to_owned()),
            bad(|event| event.owner.agent_id = String::new()),
            bad(|event| event.event = ContactCreated),
            bad(|event| event.data = "[]".to_owned()),
            bad(|event| event.data = r#"{"a":1} {"#.to_owned()),
            bad(|event| event.data = format!(r#"{{"a":"{}"}}"#, "a".repeat(16 * 1024))),
            vec![event("b6", owner('1'), KeyRotated); 101],
        ] {
            let refused = stage.webhooks.publish(events).await;
            assert!(matches!(refused, Err(WebhookError::Invalid(_))), "{engine}: {refused:?}");
        }
        stage.send().await;
        assert_eq!(receiver.received().len(), 1, "{engine}: all of them or none");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_waits_in_the_feed() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        receiver.otherwise(Answer::Status(500));
        for contact in 0..450 {
            stage.toy.change(&mine, ContactCreated, &contact.to_string()).await;
        }
        stage.send().await;
        // As many as are read at once, while the webhook rests.
        let size = PageSize::new(Some(100)).unwrap();
        let id = &made.webhook.id;
        let mut listed = 0;
        let mut after: Option<String> = None;
        loop {
            let page = stage.webhooks.deliveries(&mine, id, None, size, after.as_deref()).await.unwrap();
            listed += page.0.len();
            after = page.0.last().map(|delivery| delivery.id.clone());
            if !page.1 {
                break;
            }
        }
        assert_eq!(listed, 200, "{engine}");
        assert_eq!(receiver.received().len(), 1, "{engine}");
        // Once it is up again, all of them arrive, each once.
        receiver.otherwise(Answer::Status(200));
        stage.advance(60);
        stage.send().await;
        let mut told: Vec<u32> = receiver.received()[1..]
            .iter()
            .map(|message| message.json()["data"]["id"].as_str().unwrap().parse().unwrap())
            .collect();
        told.sort_unstable();
        assert_eq!(told, (0..450).collect::<Vec<_>>(), "{engine}");
    }
}
