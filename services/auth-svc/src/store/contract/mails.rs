//! Mails that wait.

use super::*;
use crate::domain::MailId;

pub(super) async fn all(kept: &Kept) {
    let one = kept.organization("mails").await;
    let mail = |number: u32, due_at: i64| WaitingMail {
        id: MailId::new(id("mails", number)),
        organization_id: one.id.clone(),
        content: vec![0, 1, 255],
        attempts: 0,
        created_at: START,
        due_at: Timestamp(START.0 + due_at),
        ends_at: Timestamp(START.0 + 100),
    };
    let (first, second, later) = (mail(10, 2), mail(11, 1), mail(12, 50));
    for mail in [&first, &second, &later] {
        let (taken, _) =
            kept.change(async |work| Ok((work.insert_mail(mail).await?, Touched::nothing()))).await;
        assert!(taken);
    }
    let due = async |at: i64, limit: i64| kept.store.due_mails(Timestamp(START.0 + at), limit).await.unwrap();
    assert_eq!(due(0, 10).await, []);
    assert_eq!(due(2, 10).await, [second.clone(), first.clone()], "what comes back, the longest due first");
    assert_eq!(due(2, 1).await, std::slice::from_ref(&second));

    // Of those who have seen it, one gets it.
    let claim = async |mail: &WaitingMail, next: i64| {
        let next = Timestamp(START.0 + next);
        kept.change(async |work| Ok((work.claim_mail(mail, next).await?, Touched::nothing()))).await.0
    };
    assert!(claim(&second, 10).await);
    assert!(!claim(&second, 11).await);
    assert_eq!(due(2, 10).await, std::slice::from_ref(&first));
    let again = WaitingMail { attempts: 1, due_at: Timestamp(START.0 + 10), ..second.clone() };
    assert_eq!(due(10, 10).await, [first.clone(), again.clone()]);
    assert!(claim(&again, 20).await);

    for mail in [&first, &second, &later] {
        kept.change(async |work| Ok((work.delete_mail(&mail.id).await?, Touched::nothing()))).await;
    }
    assert_eq!(due(1_000, 10).await, []);
    assert!(!claim(&first, 10).await, "it is gone");
}
