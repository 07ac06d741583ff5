//! Pages, as members see them.

use super::*;

impl Running {
    async fn page(&self, id: &str, page: i32, organization: &str) -> Result<pb::Page, Status> {
        let request = pb::GetPageRequest { id: id.to_owned(), page, ..Default::default() };
        let answer = self.client().get_page(by_member(request, organization)).await?;
        Ok(answer.into_inner().page.unwrap())
    }

    async fn picture(&self, id: &str, page: i32, organization: &str) -> Result<Vec<u8>, Status> {
        let request = pb::GetPageImageRequest { id: id.to_owned(), page, ..Default::default() };
        let answer = self.client().get_page_image(by_member(request, organization)).await?.into_inner();
        assert_eq!(answer.content_type, "image/jpeg");
        Ok(answer.data)
    }
}

fn by_member<T>(message: T, organization: &str) -> Request<T> {
    let mut request = by(message, organization);
    let key = request.extensions().get::<Arc<Principal>>().unwrap().as_ref().clone();
    let subject = Subject::Member("65f0c0ffee65f0c0ffee65f3".to_owned());
    let role = Some(keyward_proto::policy::v1::Role::User);
    request.extensions_mut().insert(Arc::new(Principal { subject, role, permissions: Vec::new(), ..key }));
    request
}

#[tokio::test]
async fn pages_are_seen_by_their_own_organization_until_the_job_is_deleted() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    let made = running.create("hello").await.unwrap();
    running.get(&made.id, 60).await.unwrap();
    let page = running.page(&made.id, 1, ORGANIZATION).await.unwrap();
    assert_eq!((page.number, page.name.as_deref()), (1, Some("hello")));
    // The document of the job, and no other.
    assert_eq!(running.picture(&made.id, 1, ORGANIZATION).await.unwrap(), b"hello");

    let reason = |status: Status| status::reason(&status);
    for (id, page, organization, expected) in [
        (made.id.as_str(), 2, ORGANIZATION, Reason::NotFound),
        (made.id.as_str(), 1, OTHER, Reason::NotFound),
        ("65f0c0ffee65f0c0ffee65f7", 1, ORGANIZATION, Reason::NotFound),
        ("x", 1, ORGANIZATION, Reason::NotFound),
        (made.id.as_str(), 0, ORGANIZATION, Reason::InvalidArgument),
        (made.id.as_str(), i32::MIN, ORGANIZATION, Reason::InvalidArgument),
    ] {
        let refused = running.page(id, page, organization).await.unwrap_err();
        assert_eq!(reason(refused), expected, "{id} {page} {organization}");
        let refused = running.picture(id, page, organization).await.unwrap_err();
        assert_eq!(reason(refused), expected, "{id} {page} {organization}");
    }
    running.delete(&made.id).await.unwrap();
    assert_eq!(reason(running.page(&made.id, 1, ORGANIZATION).await.unwrap_err()), Reason::NotFound);
    assert_eq!(reason(running.picture(&made.id, 1, ORGANIZATION).await.unwrap_err()), Reason::NotFound);
    running.service.close().await;
}

#[tokio::test]
async fn what_has_no_pages_to_see_says_so() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    let flat = running.create(NO_PLACES).await.unwrap();
    let failed = running.create(Failure::UnreadableDocument.code()).await.unwrap();
    for job in [&flat, &failed] {
        running.get(&job.id, 60).await.unwrap();
    }
    assert!(running.page(&flat.id, 1, ORGANIZATION).await.unwrap().synthetic);
    let refused = running.picture(&flat.id, 1, ORGANIZATION).await.unwrap_err();
    assert_eq!(status::reason(&refused), Reason::NotFound);
    let refused = running.page(&failed.id, 1, ORGANIZATION).await.unwrap_err();
    assert_eq!(status::reason(&refused), Reason::Conflict);
    running.service.close().await;
}
