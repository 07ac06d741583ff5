//! What members do with webhooks.

use svc_core::idempotency::{IdempotentCall, Kept, Once, RequestDigest};
use svc_core::precondition::Versions;

use super::*;

use EventType::{ContactCreated, KeyDeleted};

const ABSENT: &str = "65f0c0ffee65f0c0ffee65f9";

fn settings(webhook: &Webhook) -> (&str, &[EventType], &str, WebhookStatus) {
    let Settings { url, events, description, status } = &webhook.settings;
    (url, events, description, *status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_from_its_creation_to_its_end() {
    for (engine, stage) in Stage::each().await {
        let mine = owner('1');
        let url = "http://127.0.0.1:1/";
        let made = stage.webhook(&mine, url, &[KeyDeleted, ContactCreated]).await;
        let id = &made.webhook.id;
        let events = [KeyDeleted, ContactCreated];
        let expected = (url, &events[..], "", WebhookStatus::Active);
        assert_eq!(settings(&made.webhook), expected, "{engine}");
        assert_eq!(stage.get(&mine, id).await, made.webhook, "{engine}");
        stage.advance(1);
        let draft = Draft { description: Some(" The CRM ".to_owned()), ..Draft::default() };
        let stale = Precondition { matches: Some(Versions::OneOf(vec![7])), none_matches: None };
        let refused = stage.webhooks.update(&by(&mine), id, draft.clone(), stale.clone()).await;
        assert!(matches!(refused, Err(WebhookError::Unmet(_))), "{engine}");
        let changed = stage.webhooks.update(&by(&mine), id, draft, Precondition::default()).await.unwrap();
        let expected = (url, &events[..], "The CRM", WebhookStatus::Active);
        assert_eq!((settings(&changed), changed.version), (expected, 2), "{engine}");
        assert!(changed.updated_at > made.webhook.updated_at, "{engine}");
        assert_eq!(stage.get(&mine, id).await, changed, "{engine}");
        let bad = Draft { url: Some("http://10.0.0.1/".to_owned()), ..Draft::default() };
        let refused = stage.webhooks.update(&by(&mine), id, bad, Precondition::default()).await;
        assert!(matches!(refused, Err(WebhookError::Invalid(_))), "{engine}");
        let disable = Draft { status: Some(WebhookStatus::Disabled), ..Draft::default() };
        let disabled = stage.webhooks.update(&by(&mine), id, disable, Precondition::default()).await.unwrap();
        assert_eq!(disabled.disabled_reason, Some(DisabledReason::ByMember), "{engine}");
        assert_eq!(stage.get(&mine, id).await, disabled, "{engine}");
        assert!(matches!(stage.webhooks.delete(&by(&mine), id, stale).await, Err(WebhookError::Unmet(_))));
        stage.webhooks.delete(&by(&mine), id, Precondition::default()).await.unwrap();
        let again = stage.webhooks.delete(&by(&mine), id, Precondition::default()).await;
        assert!(matches!(again, Err(WebhookError::NotFound)), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_the_agent_finds_nothing() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        stage.toy.change(&mine, ContactCreated, "ann").await;
        stage.send().await;
        let [delivery] = stage.deliveries(&mine, &made.webhook.id).await.try_into().unwrap();
        let other_organization = Partition { organization_id: ABSENT.to_owned(), ..mine.clone() };
        let size = PageSize::new(None).unwrap();
        let nothing = Precondition::default;
        for (theirs, id) in [
            (&owner('2'), made.webhook.id.as_str()),
            (&other_organization, &made.webhook.id),
            (&mine, ABSENT),
            (&mine, "x"),
            (&mine, ""),
        ] {
            let webhooks = &stage.webhooks;
            let refused = [
                webhooks.get(theirs, id).await.err(),
                webhooks.update(&by(theirs), id, Draft::default(), nothing()).await.err(),
                webhooks.delete(&by(theirs), id, nothing()).await.err(),
                webhooks.rotate(&by(theirs), id, None, None).await.err(),
                webhooks.test(&by(theirs), id).await.err(),
                webhooks.deliveries(theirs, id, None, size, None).await.err(),
                webhooks.replay(&by(theirs), id, &delivery.id, None).await.err(),
            ];
            for error in refused {
                assert!(matches!(error, Some(WebhookError::NotFound)), "{engine} {id}: {error:?}");
            }
            if *theirs != mine {
                assert_eq!(webhooks.list(theirs, size, None).await.unwrap().0, [], "{engine}");
            }
        }
        for id in [ABSENT, "x", ""] {
            let refused = stage.webhooks.replay(&by(&mine), &made.webhook.id, id, None).await;
            assert!(matches!(refused, Err(WebhookError::NoDelivery)), "{engine}");
        }
        // A delivery of another webhook of the same agent.
        let other = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        let refused = stage.webhooks.replay(&by(&mine), &other.webhook.id, &delivery.id, None).await;
        assert!(matches!(refused, Err(WebhookError::NoDelivery)), "{engine}");
        assert_eq!(receiver.received().len(), 1, "{engine}: nobody sent anything");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_has_20_webhooks_at_the_most_and_they_are_listed_by_pages() {
    for (engine, stage) in Stage::each().await {
        let mine = owner('1');
        let mut made = Vec::new();
        for _ in 0..20 {
            // Ids of the same millisecond have no order of their own.
            stage.advance(1);
            made.push(stage.webhook(&mine, "http://127.0.0.1:1/", &[ContactCreated]).await.webhook);
        }
        made.reverse();
        let draft = Draft {
            url: Some("http://127.0.0.1:1/".to_owned()),
            events: Some(vec!["contact.created".to_owned()]),
            ..Draft::default()
        };
        let refused = stage.webhooks.create(&by(&mine), draft.clone(), None).await;
        assert!(matches!(refused, Err(WebhookError::TooMany)), "{engine}");
        assert!(stage.webhooks.create(&by(&owner('2')), draft, None).await.is_ok(), "{engine}");
        let size = PageSize::new(Some(8)).unwrap();
        let mut listed = Vec::new();
        loop {
            let after = listed.last().map(|webhook: &Webhook| webhook.id.clone());
            let (page, more) = stage.webhooks.list(&mine, size, after.as_deref()).await.unwrap();
            assert_eq!(page.len(), if more { 8 } else { 4 }, "{engine}");
            listed.extend(page);
            if !more {
                break;
            }
        }
        assert_eq!(listed, made, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_makes_no_second_webhook() {
    for (engine, stage) in Stage::each().await {
        let mine = owner('1');
        let once = || {
            let call = IdempotentCall {
                organization_id: mine.organization_id.clone(),
                subject: "member/m".to_owned(),
                digest: RequestDigest::of("k", "POST", "/", None, b"{}"),
            };
            Once::of(Some(call), |made: &WithSecret| Kept::secret(&made.webhook.id))
        };
        let draft = || Draft {
            url: Some("http://127.0.0.1:1/".to_owned()),
            events: Some(vec!["contact.created".to_owned()]),
            ..Draft::default()
        };
        stage.webhooks.create(&by(&mine), draft(), once()).await.unwrap();
        let again = stage.webhooks.create(&by(&mine), draft(), once()).await;
        assert!(matches!(again, Err(WebhookError::Repeated(_))), "{engine}: {again:?}");
        let size = PageSize::new(None).unwrap();
        assert_eq!(stage.webhooks.list(&mine, size, None).await.unwrap().0.len(), 1, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_sent_at_once_and_kept_nowhere() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        let id = &made.webhook.id;
        let disable = Draft { status: Some(WebhookStatus::Disabled), ..Draft::default() };
        stage.webhooks.update(&by(&mine), id, disable, Precondition::default()).await.unwrap();
        assert_eq!(stage.webhooks.test(&by(&mine), id).await.unwrap(), Outcome::Answered(204), "{engine}");
        let [received] = receiver.received().try_into().unwrap();
        assert_eq!(received.json()["type"], "webhook.test", "{engine}");
        assert_eq!(stage.deliveries(&mine, id).await, [], "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_sealed_with_another_key_signs_nothing() {
    for (engine, stage) in Stage::each().await {
        let receiver = Receiver::start().await;
        let mine = owner('1');
        let made = stage.webhook(&mine, &receiver.url(), &[ContactCreated]).await;
        let new_key = svc_core::seal::new_key(&*stage.home.environment.random);
        let (webhooks, dispatcher) = stage.replica_with(|config| config.key = Some(new_key.clone()));
        let refused = webhooks.test(&by(&mine), &made.webhook.id).await;
        assert!(matches!(refused, Err(WebhookError::Sealed)), "{engine}: {refused:?}");
        stage.toy.change(&mine, ContactCreated, "ann").await;
        // It rests after it was looked at, rather than being looked at without end.
        assert_eq!(dispatcher.round().await.unwrap(), 1, "{engine}");
        assert_eq!(dispatcher.round().await.unwrap(), 0, "{engine}");
        assert!(receiver.received().is_empty(), "{engine}");
        // With the key before beside it, all is well.
        let key = std::fs::read_to_string(stage.home.path().join("webhooks.key")).unwrap();
        let (_, dispatcher) = stage.replica_with(|config| {
            config.key = Some(new_key);
            config.key_previous = Some(svc_core::secret::Secret::new(key.trim()));
        });
        stage.advance(61);
        while dispatcher.round().await.unwrap() > 0 {}
        assert_eq!(receiver.received().len(), 1, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_of_an_agent_that_is_gone_goes_in_pieces() {
    let receiver = Receiver::start().await;
    for (engine, stage) in Stage::each().await {
        let (mine, other) = (owner('1'), owner('2'));
        let gone = stage.webhook(&mine, &receiver.url(), &[EventType::ContactCreated]).await.webhook.id;
        let stays = stage.webhook(&other, &receiver.url(), &[EventType::ContactCreated]).await.webhook.id;
        for contact in ["a", "b", "c"] {
            stage.toy.change(&mine, EventType::ContactCreated, contact).await;
            stage.toy.change(&other, EventType::ContactCreated, contact).await;
        }
        stage.send().await;
        assert_eq!(stage.deliveries(&mine, &gone).await.len(), 3, "{engine}");
        let erase = async || stage.webhooks.erase_some(&mine, 2).await.unwrap();
        assert_eq!(erase().await, 2, "{engine}");
        // What happens meanwhile is told to nobody.
        let status = stage.webhooks.get(&mine, &gone).await.unwrap().settings.status;
        assert_eq!(status, WebhookStatus::Disabled, "{engine}");
        stage.toy.change(&mine, EventType::ContactCreated, "d").await;
        stage.send().await;
        // A message and the webhook.
        assert_eq!((erase().await, erase().await), (2, 0), "{engine}");
        assert!(matches!(stage.webhooks.get(&mine, &gone).await, Err(WebhookError::NotFound)), "{engine}");
        assert_eq!(stage.deliveries(&other, &stays).await.len(), 3, "{engine}");
    }
}
