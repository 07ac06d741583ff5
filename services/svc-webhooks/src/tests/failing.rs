//! Receivers that fail, and what becomes of their messages.

use super::*;

use DeliveryStatus::{Dead, Delivered, Pending};
use EventType::{ContactCreated, ContactUpdated};

const DAY: u64 = 24 * 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_again_by_its_schedule_and_given_up_in_the_end() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        receiver.otherwise(Answer::Status(500));
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        let id = &made.webhook.id;
        stage.toy.change(&mine, ContactCreated, "ann").await;
        stage.send().await;
        let waits = [5_u32, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        for (at, wait) in waits.into_iter().enumerate() {
            let [delivery] = stage.deliveries(&mine, id).await.try_into().unwrap();
            let now = stage.home.environment.clock.now();
            let left = delivery.next_attempt_at.unwrap().since(now).as_secs_f64();
            let expected = f64::from(wait);
            assert!((0.9..=1.1).contains(&(left / expected)), "{engine}: {left} of {wait}");
            assert_eq!(delivery.attempts, i32::try_from(at).unwrap() + 1, "{engine}");
            assert_eq!((delivery.status, delivery.last_status), (Pending, Some(500)), "{engine}");
            // Not before its time.
            stage.send().await;
            assert_eq!(receiver.received().len(), at + 1, "{engine}");
            // Longer than any jitter, and than the webhook rests.
            stage.advance(u64::from(wait) * 11 / 10 + 1_000);
            stage.send().await;
            assert_eq!(receiver.received().len(), at + 2, "{engine}");
        }
        let [delivery] = stage.deliveries(&mine, id).await.try_into().unwrap();
        assert_eq!((delivery.status, delivery.attempts), (Dead, 10), "{engine}");
        assert_eq!(delivery.next_attempt_at, None, "{engine}");
        let ids: std::collections::HashSet<String> =
            receiver.received().iter().map(|message| message.id().to_owned()).collect();
        assert_eq!(ids.len(), 1, "{engine}: it is one message");
        let dead = stage.webhooks.deliveries(&mine, id, Some(Dead), PageSize::new(None).unwrap(), None);
        assert_eq!(dead.await.unwrap().0, std::slice::from_ref(&delivery), "{engine}");

        // It may be replayed.
        receiver.otherwise(Answer::Status(204));
        let replayed = stage.webhooks.replay(&by(&mine), id, &delivery.id, None).await.unwrap();
        assert_eq!((replayed.status, replayed.attempts), (Pending, 0), "{engine}");
        stage.advance(1_000);
        stage.send().await;
        let [delivery] = stage.deliveries(&mine, id).await.try_into().unwrap();
        assert_eq!((delivery.status, delivery.attempts), (Delivered, 1), "{engine}");
        assert_eq!(receiver.received().last().unwrap().id(), delivery.id, "{engine}");
        assert_eq!(stage.get(&mine, id).await.failing_since, None, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_that_fails_holds_up_no_others() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated, ContactUpdated]).await;
        stage.toy.change(&mine, ContactCreated, "ann").await;
        stage.toy.change(&mine, ContactUpdated, "ann").await;
        stage.toy.change(&mine, ContactUpdated, "bob").await;
        receiver.answer([Answer::Status(500)]);
        stage.send().await;
        assert_eq!(receiver.received().len(), 1, "{engine}: it rests");
        assert!(stage.get(&mine, &made.webhook.id).await.failing_since.is_some(), "{engine}");
        stage.advance(6);
        stage.send().await;
        let told: Vec<String> = receiver
            .received()
            .iter()
            .map(|message| format!("{} {}", message.json()["type"], message.json()["data"]["id"]))
            .collect();
        let (created, updated) = ("\"contact.created\"", "\"contact.updated\"");
        assert_eq!(told[0], format!("{created} \"ann\""), "{engine}");
        let mut rest = told[1..].to_vec();
        rest.sort_unstable();
        let expected =
            [format!("{created} \"ann\""), format!("{updated} \"ann\""), format!("{updated} \"bob\"")];
        assert_eq!(rest, expected, "{engine}");
        let webhook = stage.get(&mine, &made.webhook.id).await;
        assert_eq!(webhook.failing_since, None, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_is_tried_with_one_message_at_a_time() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        receiver.otherwise(Answer::Cut);
        let mine = owner('1');
        stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        for contact in 0..50 {
            stage.toy.change(&mine, ContactCreated, &contact.to_string()).await;
        }
        // A minute, second by second: after 5, 10, 20 seconds, and so on.
        for _ in 0..60 {
            stage.send().await;
            stage.advance(1);
        }
        let tried = receiver.received().len();
        assert!((4..=5).contains(&tried), "{engine}: {tried}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_gone_or_fails_for_days_is_sent_no_more() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        let id = &made.webhook.id;
        receiver.answer([Answer::Status(410)]);
        stage.toy.change(&mine, ContactCreated, "ann").await;
        stage.toy.change(&mine, ContactCreated, "bob").await;
        stage.send().await;
        let webhook = stage.get(&mine, id).await;
        assert_eq!(webhook.settings.status, WebhookStatus::Disabled, "{engine}");
        assert_eq!((webhook.disabled_reason, webhook.version), (Some(DisabledReason::Gone), 2), "{engine}");
        let deliveries = stage.deliveries(&mine, id).await;
        assert!(deliveries.iter().all(|delivery| delivery.status == Dead), "{engine}: {deliveries:?}");
        assert_eq!(deliveries.len(), 2, "{engine}");
        // What happens meanwhile is not told.
        stage.toy.change(&mine, ContactCreated, "eve").await;
        stage.advance(DAY);
        stage.send().await;
        assert_eq!(receiver.received().len(), 1, "{engine}");
        let refused = stage.webhooks.replay(&by(&mine), id, &deliveries[0].id, None).await;
        assert!(matches!(refused, Err(WebhookError::Disabled)), "{engine}");

        // Enabled again, it begins with what happens from then on.
        let enable = Draft { status: Some(WebhookStatus::Active), ..Draft::default() };
        let enabled = stage.webhooks.update(&by(&mine), id, enable, Precondition::default()).await.unwrap();
        assert_eq!((enabled.disabled_reason, enabled.version), (None, 3), "{engine}");
        receiver.otherwise(Answer::Status(503));
        stage.toy.change(&mine, ContactCreated, "joe").await;
        for _ in 0..7 {
            stage.send().await;
            stage.advance(DAY);
        }
        let webhook = stage.get(&mine, id).await;
        assert_eq!(webhook.disabled_reason, Some(DisabledReason::Failing), "{engine}");
        let told = receiver.received()[1..].iter().all(|message| message.json()["data"]["id"] == "joe");
        assert!(told, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn why_there_was_no_answer_is_all_that_is_told() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        for (answer, status, failure) in [
            (Answer::Cut, None, Some(Failure::NoAnswer)),
            (Answer::Nonsense, None, Some(Failure::NoAnswer)),
            (Answer::Redirect("http://127.0.0.1:1/".to_owned()), Some(302), None),
            (Answer::Status(404), Some(404), None),
        ] {
            let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
            receiver.answer([answer.clone(), answer.clone()]);
            stage.toy.change(&mine, ContactCreated, "ann").await;
            stage.send().await;
            let id = &made.webhook.id;
            let [delivery] = stage.deliveries(&mine, id).await.try_into().unwrap();
            let last = (delivery.last_status, delivery.last_failure);
            assert_eq!(last, (status, failure), "{engine}: {answer:?}");
            let outcome = stage.webhooks.test(&by(&mine), id).await.unwrap();
            assert_eq!((outcome.status(), outcome.failure()), (status, failure), "{engine}: {answer:?}");
            stage.webhooks.delete(&by(&mine), id, Precondition::default()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_long_ago_is_removed() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        let id = &made.webhook.id;
        stage.toy.change(&mine, ContactCreated, "ann").await;
        stage.send().await;
        receiver.answer([Answer::Status(410)]);
        stage.toy.change(&mine, ContactCreated, "bob").await;
        stage.send().await;
        for (days, left) in [(6, &[Delivered, Dead][..]), (2, &[Dead]), (21, &[Dead]), (2, &[])] {
            stage.advance(days * DAY);
            stage.dispatcher.prune().await.unwrap();
            let mut statuses: Vec<DeliveryStatus> =
                stage.deliveries(&mine, id).await.iter().map(|delivery| delivery.status).collect();
            statuses.sort_by_key(|status| *status == Dead);
            assert_eq!(statuses, left, "{engine}");
        }
    }
}
