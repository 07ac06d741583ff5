//! Calls at the same moment: each change is whole, none is lost, and a reference is given once.

use tokio::task::JoinSet;

use super::*;

/// How many calls are made at once.
const CALLS: usize = 8;

pub(super) async fn all(stack: &Stack) {
    one_of_many_creates_wins(&stack.caller("f1")).await;
    one_of_many_replacements_of_a_version_wins(&stack.caller("f2")).await;
    no_replacement_is_lost(&stack.caller("f3")).await;
    many_upserts_make_one_contact(&stack.caller("f4")).await;
    one_of_many_deletions_wins(&stack.caller("f5")).await;
    one_of_many_that_only_create_wins(&stack.caller("f6")).await;
}

/// Makes the call many times at once.
async fn at_once<F, T>(caller: &Caller, call: fn(Caller) -> F) -> Vec<Answer<T>>
where
    F: Future<Output = Answer<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        calls.spawn(call(caller.clone()));
    }
    calls.join_all().await
}

/// The one answer that is no error, when all others have this reason.
fn winner<T: std::fmt::Debug>(answers: Vec<Answer<T>>, others: Reason) -> T {
    let mut winners = Vec::new();
    for answer in answers {
        match answer {
            Ok(won) => winners.push(won),
            Err(error) => assert_eq!(error.reason, others),
        }
    }
    assert_eq!(winners.len(), 1, "one call wins: {winners:?}");
    winners.remove(0)
}

async fn one_of_many_creates_wins(caller: &Caller) {
    for round in 0..5 {
        let reference = format!("crm-{round}");
        let mut calls = JoinSet::new();
        for _ in 0..CALLS {
            let (caller, contact) = (caller.clone(), ann(Some(&reference)));
            calls.spawn(async move { caller.create(contact).await });
        }
        let answers = calls.join_all().await;
        let losers = answers.iter().filter_map(|answer| answer.as_ref().err());
        let ids: Vec<Option<String>> = losers.map(|error| error.existing_id.clone()).collect();
        let created = winner(answers, Reason::AlreadyExists);
        assert!(ids.iter().all(|id| id.as_deref() == Some(created.id.as_str())), "{ids:?}");
        assert_eq!(caller.get(&by_ref(&reference)).await.unwrap(), created);
    }
}

async fn one_of_many_replacements_of_a_version_wins(caller: &Caller) {
    caller.create(ann(Some("crm-1"))).await.unwrap();
    let answers =
        at_once(
            caller,
            |caller| async move { caller.put(&by_ref("crm-1"), named("Bob"), false, Some(1)).await },
        );
    let won = winner(answers.await, Reason::PreconditionFailed).contact.unwrap();
    assert_eq!(won.version, 2);
    assert_eq!(caller.get(&by_ref("crm-1")).await.unwrap(), won);
}

async fn no_replacement_is_lost(caller: &Caller) {
    caller.create(ann(Some("crm-1"))).await.unwrap();
    let answers =
        at_once(caller, |caller| async move { caller.replace(&by_ref("crm-1"), named("Bob")).await });
    let mut versions: Vec<i32> = answers.await.into_iter().map(|answer| answer.unwrap().version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..2 + CALLS as i32).collect::<Vec<_>>());
}

async fn many_upserts_make_one_contact(caller: &Caller) {
    for round in 0..10 {
        let reference = format!("crm-{round}");
        let mut calls = JoinSet::new();
        for _ in 0..CALLS {
            let (caller, reference) = (caller.clone(), by_ref(&reference));
            calls.spawn(async move { caller.put(&reference, ann(None), true, None).await });
        }
        let answers: Vec<_> = calls.join_all().await.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers.iter().filter(|answer| answer.created).count(), 1);
        let mut versions: Vec<i32> = answers.iter().map(|a| a.contact.as_ref().unwrap().version).collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=CALLS as i32).collect::<Vec<_>>(), "each is a version of its own");
        let ids: std::collections::HashSet<_> =
            answers.iter().map(|a| &a.contact.as_ref().unwrap().id).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(caller.get(&by_ref(&reference)).await.unwrap().version, CALLS as i32);
    }
}

async fn one_of_many_deletions_wins(caller: &Caller) {
    caller.create(ann(Some("crm-1"))).await.unwrap();
    let answers = at_once(caller, |caller| async move { caller.delete(&by_ref("crm-1"), None).await });
    winner(answers.await, Reason::NotFound);
}

async fn one_of_many_that_only_create_wins(caller: &Caller) {
    for round in 0..10 {
        let reference = format!("crm-{round}");
        let mut calls = JoinSet::new();
        for _ in 0..CALLS {
            let (caller, reference) = (caller.clone(), by_ref(&reference));
            calls.spawn(async move { caller.put_if(&reference, ann(None), true, None, Some(any())).await });
        }
        let won = winner(calls.join_all().await, Reason::PreconditionFailed);
        assert!(won.created);
        assert_eq!(caller.get(&by_ref(&reference)).await.unwrap(), won.contact.unwrap());
    }
}
