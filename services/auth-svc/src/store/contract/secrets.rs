//! The secrets of API keys.

use super::*;

pub(super) async fn all(kept: &Kept) {
    what_is_kept_comes_back_with_its_key(kept).await;
    a_rotation_leaves_the_secret_before_for_the_overlap(kept).await;
    a_renewal_is_written_over_what_was_read_only(kept).await;
}

async fn of(kept: &Kept, key: &Key) -> Vec<StoredSecret> {
    kept.store.key_record(&key.api_key).await.unwrap().map(|record| record.secrets).unwrap_or_default()
}

async fn what_is_kept_comes_back_with_its_key(kept: &Kept) {
    let one = kept.organization("secrets kept").await;
    let key = one.insert_key(kept, 10).await;
    assert_eq!(of(kept, &key).await, [secret("secrets kept", 10)]);
    let bare = StoredSecret {
        verifier: None,
        verifier_key_id: None,
        expires_at: Some(Timestamp(START.0 + 1)),
        ..secret("secrets kept", 9)
    };
    let (_, touched) = kept.change(async |work| Ok(((), work.insert_secret(&key, &bare).await?))).await;
    assert_eq!(touched, [key.api_key.as_str()]);
    assert_eq!(of(kept, &key).await, [secret("secrets kept", 10), bare], "the newest first");
}

async fn a_rotation_leaves_the_secret_before_for_the_overlap(kept: &Kept) {
    let one = kept.organization("secrets rotation").await;
    let key = one.insert_key(kept, 10).await;
    let (ends_at, touched) = (Timestamp(START.0 + 1), vec![key.api_key.clone()]);
    let rotate = async |number: u32, ends_at: Option<Timestamp>| {
        let (_, by) = kept
            .change(async |work| {
                let ended = work.end_secrets(&key, ends_at).await?;
                Ok(((), ended.and(work.insert_secret(&key, &secret("secrets rotation", number)).await?)))
            })
            .await;
        assert_eq!(by, touched);
        of(kept, &key).await
    };
    let ending = |number| StoredSecret { expires_at: Some(ends_at), ..secret("secrets rotation", number) };
    let newest = |number| secret("secrets rotation", number);
    assert_eq!(rotate(11, Some(ends_at)).await, [newest(11), ending(10)]);
    assert_eq!(rotate(12, Some(ends_at)).await, [newest(12), ending(11)], "the oldest ends");
    let shown = kept.store.key(&one.id, &one.agent.id, &key.id).await.unwrap().unwrap();
    assert_eq!((shown.secret_last4.as_str(), shown.previous.unwrap().last4.as_str()), ("0012", "0011"));
    let (_, by) = kept.change(async |work| Ok(((), work.end_overlap(&key).await?))).await;
    assert_eq!((by, of(kept, &key).await), (touched.clone(), vec![newest(12)]));
    assert_eq!(rotate(13, None).await, [newest(13)]);
}

async fn a_renewal_is_written_over_what_was_read_only(kept: &Kept) {
    let one = kept.organization("secrets renewal").await;
    let key = one.insert_key(kept, 10).await;
    let read = secret("secrets renewal", 10);
    let renewed = StoredSecret {
        hash: "$argon2id$new".to_owned(),
        verifier: Some(vec![2]),
        verifier_key_id: Some("k2".to_owned()),
        ..read.clone()
    };
    let renew = async |before: &StoredSecret| {
        let renewal =
            kept.change(async |work| Ok((work.renew_secret(before, &renewed).await?, Touched::nothing())));
        renewal.await.0
    };
    assert!(!renew(&StoredSecret { hash: "another".to_owned(), ..read.clone() }).await);
    assert!(!renew(&StoredSecret { verifier_key_id: None, ..read.clone() }).await);
    assert!(renew(&read).await);
    assert_eq!(of(kept, &key).await, vec![renewed.clone()]);
    assert!(!renew(&read).await, "someone else was faster");
}
