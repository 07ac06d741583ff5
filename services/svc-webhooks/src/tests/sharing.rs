//! Several replicas, and those that die.

use std::collections::HashSet;

use tokio_util::sync::CancellationToken;

use super::*;

use EventType::ContactCreated;

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_send_each_message_once() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let (_, other) = stage.replica();
        for agent in ['1', '2', '3', '4', '5', '6'] {
            let owner = owner(agent);
            stage.webhook(&owner, &receiver.url(), &[ContactCreated]).await;
            for contact in 0..20 {
                stage.toy.change(&owner, ContactCreated, &format!("{agent}/{contact}")).await;
            }
        }
        let rounds = async |dispatcher: &std::sync::Arc<Dispatcher>| {
            while dispatcher.round().await.unwrap() > 0 {}
        };
        tokio::join!(rounds(&stage.dispatcher), rounds(&other));
        let received = receiver.received();
        let ids: HashSet<&str> = received.iter().map(|message| message.id()).collect();
        assert_eq!((received.len(), ids.len()), (120, 120), "{engine}");
        // Each webhook in order.
        for agent in ['1', '2', '3', '4', '5', '6'] {
            let told: Vec<String> = received
                .iter()
                .map(|message| message.json()["data"]["id"].as_str().unwrap().to_owned())
                .filter(|contact| contact.starts_with(agent))
                .collect();
            let expected: Vec<String> = (0..20).map(|contact| format!("{agent}/{contact}")).collect();
            assert_eq!(told, expected, "{engine}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replica_that_dies_has_sent_and_not_noted_is_sent_again_with_its_id() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        stage.toy.change(&mine, ContactCreated, "ann").await;
        receiver.answer([Answer::Silent]);
        let dispatcher = stage.dispatcher.clone();
        let dying = tokio::spawn(async move { dispatcher.round().await });
        receiver.wait_for(1).await;
        dying.abort();
        assert!(dying.await.is_err(), "{engine}");
        // Its lease holds for a while, …
        let (_, other) = stage.replica();
        assert_eq!(other.round().await.unwrap(), 0, "{engine}");
        // … and then another one goes on.
        stage.advance(61);
        assert_eq!(other.round().await.unwrap(), 1, "{engine}");
        let [first, second] = receiver.received().try_into().unwrap();
        assert_eq!(first.id(), second.id(), "{engine}");
        let [delivery] = stage.deliveries(&mine, &made.webhook.id).await.try_into().unwrap();
        assert_eq!(delivery.status, DeliveryStatus::Delivered, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_holds_up_nobody_else() {
    for (engine, stage) in Stage::each().await {
        let (slow, fast) = (Receiver::start().await, Receiver::start().await);
        slow.otherwise(Answer::Silent);
        let (mine, theirs) = (owner('1'), owner('2'));
        stage.webhook(&mine, &slow.url(), &[ContactCreated]).await;
        stage.webhook(&theirs, &fast.url(), &[ContactCreated]).await;
        let stop = CancellationToken::new();
        let running = tokio::spawn(stage.dispatcher.clone().run(stop.clone()));
        stage.toy.change(&mine, ContactCreated, "ann").await;
        slow.wait_for(1).await;
        for contact in 0..30 {
            stage.toy.change(&theirs, ContactCreated, &contact.to_string()).await;
        }
        let begun = tokio::time::Instant::now();
        fast.wait_for(30).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{engine}: {:?}", begun.elapsed());
        assert_eq!(slow.received().len(), 1, "{engine}: it is still being sent to");
        // A stop waits for nobody, and gives the lease back.
        stop.cancel();
        running.await.unwrap();
        slow.otherwise(Answer::Status(204));
        let (_, other) = stage.replica();
        while other.round().await.unwrap() > 0 {}
        let [first, second] = slow.received().try_into().unwrap();
        assert_eq!(first.id(), second.id(), "{engine}");
    }
}
