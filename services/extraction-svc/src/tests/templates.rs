//! An organization's own templates.

use keyward_proto::extraction::v1::template_service_client::TemplateServiceClient;
use keyward_proto::policy::v1::Role;

use super::*;

fn member<T>(message: T, organization: &str, role: Role) -> Request<T> {
    let mut request = by(message, organization);
    let key = request.extensions().get::<Arc<Principal>>().unwrap();
    let member = Principal {
        agent_id: None,
        subject: Subject::Member("65f0c0ffee65f0c0ffee65f3".to_owned()),
        permissions: Vec::new(),
        role: Some(role),
        ..Principal::clone(key)
    };
    request.extensions_mut().insert(Arc::new(member));
    request
}

impl Running {
    fn templates(&self) -> TemplateServiceClient<Upstream> {
        TemplateServiceClient::new(self.upstream.clone())
    }

    async fn new_template(&self, name: &str) -> Result<pb::Template, Status> {
        let template = pb::NewTemplate {
            name: name.to_owned(),
            title: "Note".to_owned(),
            schema: Some(schema()),
            ..Default::default()
        };
        let request = pb::CreateTemplateRequest { template: Some(template) };
        let made = self.templates().create_template(member(request, ORGANIZATION, Role::Admin)).await?;
        Ok(made.into_inner().template.unwrap())
    }

    async fn new_version(&self, schema: prost_types::Struct) -> Result<pb::Template, Status> {
        let template =
            pb::TemplateContent { title: "Note".to_owned(), schema: Some(schema), ..Default::default() };
        let request = pb::CreateTemplateVersionRequest { name: "note".to_owned(), template: Some(template) };
        let made =
            self.templates().create_template_version(member(request, ORGANIZATION, Role::Admin)).await?;
        Ok(made.into_inner().template.unwrap())
    }

    /// The job of a document, when it has ended.
    async fn ended(&self, document: &str, change: impl FnOnce(&mut pb::CreateJobMetadata)) -> pb::Job {
        let mut parts = request(document, schema());
        if let Some(Part::Metadata(metadata)) = &mut parts[0].part {
            metadata.schema = None;
            change(metadata);
        }
        let made = self.create_with(parts).await.unwrap();
        self.get(&made.id, 60).await.unwrap()
    }
}

/// The same with one property more.
fn wider() -> prost_types::Struct {
    let mut wider = schema();
    let Some(Kind::StructValue(properties)) = &mut wider.fields.get_mut("properties").unwrap().kind else {
        panic!("no properties")
    };
    let text = properties.fields["text"].clone();
    properties.fields.insert("more".to_owned(), text);
    wider
}

#[tokio::test]
async fn a_job_keeps_the_version_that_it_ran_with() {
    for (engine, home) in TestEnvironment::each().await {
        let running = Running::on(&home).await;
        let made = running.new_template("note").await.unwrap();
        assert_eq!((made.version, made.built_in, made.schema), (1, false, Some(schema())), "{engine}");
        let first = running.ended("hello", |sent| sent.template = Some("note".to_owned())).await;
        assert_eq!((first.template.as_deref(), first.template_version), (Some("note"), Some(1)), "{engine}");
        running.correct(&first.id, correction("/text", "taught"), &["corrections"]).await.unwrap();
        settled(&running, &first.id, true).await;

        // What only adds goes on with what was learned.
        assert_eq!(running.new_version(wider()).await.unwrap().version, 2);
        let second = running.ended("again", |sent| sent.template = Some("note".to_owned())).await;
        assert_eq!((second.template_version, second.schema.as_ref()), (Some(2), Some(&wider())));
        assert_eq!(text_of(&second), "taught", "{engine}");
        // What takes away begins anew.
        assert_eq!(running.new_version(schema()).await.unwrap().version, 3);
        let third = running.ended("anew", |sent| sent.template = Some("note".to_owned())).await;
        assert_eq!((third.template_version, text_of(&third)), (Some(3), "anew"));
        assert_eq!(running.get(&first.id, 0).await.unwrap().schema, Some(schema()), "{engine}");

        let versions = pb::ListTemplateVersionsRequest { name: "note".to_owned() };
        let versions = member(versions, ORGANIZATION, Role::User);
        let versions =
            running.templates().list_template_versions(versions).await.unwrap().into_inner().versions;
        let versions: Vec<_> = versions.iter().map(|one| (one.version, one.schema.is_some())).collect();
        assert_eq!(versions, [(3, false), (2, false), (1, false)]);
        let listed = pb::ListTemplatesRequest { include_total: Some(true), ..Default::default() };
        let listed = running.client().list_templates(by(listed, ORGANIZATION)).await.unwrap().into_inner();
        assert_eq!((listed.templates[0].name.as_str(), listed.templates[0].version), ("note", 3));
        assert_eq!(listed.pagination.unwrap().total, Some(1));
        // What is no name names nothing, on either database.
        let odd = pb::GetTemplateRequest { name: "a\0b".to_owned(), version: None };
        let odd = running.templates().get_template(member(odd, ORGANIZATION, Role::User)).await.unwrap_err();
        assert_eq!(status::reason(&odd), Reason::NotFound, "{engine}");
        let mut parts = request("hello", schema());
        if let Some(Part::Metadata(metadata)) = &mut parts[0].part {
            (metadata.schema, metadata.template) = (None, Some("a\0b".to_owned()));
        }
        let odd = running.create_with(parts).await.unwrap_err();
        assert_eq!(status::reason(&odd), Reason::InvalidArgument, "{engine}");
        running.service.close().await;
    }
}

#[tokio::test]
async fn a_document_may_say_what_it_is() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    running.new_template("note").await.unwrap();
    let detect = |sent: &mut pb::CreateJobMetadata| {
        sent.options = Some(pb::ExtractionOptions { detect_type: Some(true), ..Default::default() });
    };
    let job = running.ended("a note", detect).await;
    assert_eq!((job.template.as_deref(), job.template_version), (Some("note"), Some(1)));
    assert_eq!((text_of(&job), job.schema.as_ref()), ("a note", Some(&schema())));
    let detected = job.result.unwrap().detected_template.unwrap();
    assert_eq!((detected.name.as_str(), detected.version, detected.confidence), ("note", 1, 0.75));
    // Of none that is known nothing is found.
    let job = running.ended("a letter", detect).await;
    assert_eq!((job.status(), job.template, job.schema), (pb::JobStatus::Succeeded, None, None));
    let result = job.result.unwrap();
    assert_eq!(
        (result.fields.len(), result.data, result.detected_template),
        (0, Some(Default::default()), None)
    );
    // Beside a schema it only tells.
    let job = running
        .ended("a note", |sent| {
            detect(sent);
            sent.schema = Some(wider());
        })
        .await;
    assert_eq!((job.template, job.schema), (None, Some(wider())));
    assert_eq!(job.result.unwrap().detected_template.unwrap().name, "note");
    running.service.close().await;
}

#[tokio::test]
async fn templates_are_of_their_organization_and_its_admins() {
    let home = TestEnvironment::sqlite();
    let running = Running::idle(&home).await;
    running.new_template("note").await.unwrap();
    let reason = |status: Status| status::reason(&status);
    assert_eq!(reason(running.new_template("note").await.unwrap_err()), Reason::AlreadyExists);
    assert_eq!(reason(running.new_template("Odd").await.unwrap_err()), Reason::InvalidArgument);
    let unusable = prost_types::Struct { fields: [("not".to_owned(), string(""))].into() };
    assert_eq!(reason(running.new_version(unusable).await.unwrap_err()), Reason::InvalidArgument);
    let mut templates = running.templates();
    let get = |version| pb::GetTemplateRequest { name: "note".to_owned(), version };
    let delete = pb::DeleteTemplateRequest { name: "note".to_owned() };
    let found = templates.get_template(member(get(Some(1)), ORGANIZATION, Role::User)).await.unwrap();
    assert_eq!(found.into_inner().template.unwrap().name, "note");
    for (status, expected) in [
        (templates.get_template(member(get(None), OTHER, Role::User)).await.unwrap_err(), Reason::NotFound),
        (
            templates.get_template(member(get(Some(2)), ORGANIZATION, Role::User)).await.unwrap_err(),
            Reason::NotFound,
        ),
        (
            templates.get_template(member(get(Some(0)), ORGANIZATION, Role::User)).await.unwrap_err(),
            Reason::InvalidArgument,
        ),
        (
            templates.delete_template(member(delete.clone(), OTHER, Role::Admin)).await.unwrap_err(),
            Reason::NotFound,
        ),
        (
            templates.delete_template(member(delete.clone(), ORGANIZATION, Role::User)).await.unwrap_err(),
            Reason::PermissionDenied,
        ),
        (templates.get_template(by(get(None), ORGANIZATION)).await.unwrap_err(), Reason::PermissionDenied),
    ] {
        assert_eq!(reason(status), expected);
    }
    templates.delete_template(member(delete, ORGANIZATION, Role::Admin)).await.unwrap();
    let own = pb::ListOwnTemplatesRequest {};
    let own = templates.list_own_templates(member(own, ORGANIZATION, Role::User)).await.unwrap();
    assert!(own.into_inner().templates.is_empty());
    running.service.close().await;
}
