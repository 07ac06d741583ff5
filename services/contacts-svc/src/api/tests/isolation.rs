//! Another agent and another organization see nothing, whatever they call.

use super::*;

pub(super) async fn all(stack: &Stack) {
    let mine = stack.caller("e1");
    let contact = mine.create(ann(Some("crm-1"))).await.unwrap();
    let of_another_organization =
        Principal { organization_id: ABSENT_ID.to_owned(), ..Principal::clone(&mine.principal) };
    for theirs in [stack.caller("e2"), stack.caller_as(of_another_organization)] {
        for which in [by_id(&contact), by_ref("crm-1")] {
            assert_eq!(reason(theirs.get(&which).await), Reason::NotFound);
            assert_eq!(reason(theirs.replace(&which, named("Bob")).await), Reason::NotFound);
            assert_eq!(reason(theirs.delete(&which, None).await), Reason::NotFound);
        }
        let listed = theirs.list(pb::ListContactsRequest::default()).await.unwrap();
        assert_eq!(listed.contacts, []);
        // The reference is free there.
        let created = theirs.create(ann(Some("crm-1"))).await.unwrap();
        theirs.put(&by_ref("crm-1"), named("Bob"), true, None).await.unwrap();
        assert_eq!(theirs.get(&by_ref("crm-1")).await.unwrap().id, created.id);
        theirs.delete(&by_ref("crm-1"), None).await.unwrap();
    }
    assert_eq!(mine.get(&by_ref("crm-1")).await.unwrap(), contact);
}
