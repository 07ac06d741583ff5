//! Archived contacts are deleted when their time has come, and nothing else is.

use std::time::Duration;

use super::*;

const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(super) async fn all(service: &ContactsService, stack: &Stack) {
    let caller = stack.caller("4fa1");
    let unique =
        pb::Contact { custom_fields: [("code".to_owned(), number(1.0))].into(), ..ann(Some("archived")) };
    for contact in [unique, ann(Some("active")), ann(Some("back")), ann(Some("later"))] {
        caller.create(contact).await.unwrap();
    }
    for reference in ["archived", "back"] {
        caller.archive(&by_ref(reference), None).await.unwrap();
    }
    stack.clock.advance(Duration::from_secs(60));
    caller.archive(&by_ref("later"), None).await.unwrap();
    caller.unarchive(&by_ref("back")).await.unwrap();

    let delete = async || service.contacts.delete_archived(KEPT_FOR).await.unwrap();
    stack.clock.advance(KEPT_FOR - Duration::from_secs(61));
    delete().await;
    assert!(caller.get(&by_ref("archived")).await.is_ok(), "its time has not come");
    stack.clock.advance(Duration::from_secs(2));
    delete().await;
    assert_eq!(reason(caller.get(&by_ref("archived")).await), Reason::NotFound);
    for reference in ["active", "back", "later"] {
        assert!(caller.get(&by_ref(reference)).await.is_ok(), "{reference}");
    }
    // The reference is free.
    let again = caller.create(ann(Some("archived"))).await.unwrap();
    assert_eq!(again.version, 1);
}
