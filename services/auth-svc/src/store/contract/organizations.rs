//! Organizations and the setup.

use super::*;

pub(super) async fn all(kept: &Kept) {
    assert!(!kept.store.is_set_up().await.unwrap());
    for first in [true, false] {
        let (claimed, _) =
            kept.change(async |work| Ok((work.claim_setup().await?, Touched::nothing()))).await;
        assert_eq!(claimed, first);
        assert!(kept.store.is_set_up().await.unwrap());
    }
}
