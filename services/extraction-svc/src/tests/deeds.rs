//! What the audit log is told of members.

use keyward_proto::extraction::v1::template_service_client::TemplateServiceClient;
use keyward_proto::policy::v1::Role;

use super::*;

/// As a member, who acts on an agent's documents or on what all agents share.
fn member<T>(message: T, agent_id: Option<&str>) -> Request<T> {
    let mut request = by(message, ORGANIZATION);
    let key = request.extensions().get::<Arc<Principal>>().unwrap();
    let member = Principal {
        agent_id: agent_id.map(str::to_owned),
        subject: Subject::Member("65f0c0ffee65f0c0ffee65f3".to_owned()),
        role: Some(Role::Admin),
        token_id: Some("65f0c0ffee65f0c0ffee65f4".to_owned()),
        ..Principal::clone(key)
    };
    request.extensions_mut().insert(Arc::new(member));
    request
}

const AGENT: Option<&str> = Some("65f0c0ffee65f0c0ffee65f1");

impl Running {
    async fn correct_as_member(&self, id: &str, job: pb::JobCorrections) {
        let mask = prost_types::FieldMask { paths: vec!["corrections".to_owned()] };
        let (job, update_mask, id) = (Some(job), Some(mask), id.to_owned());
        let request = pb::UpdateJobRequest { id, job, update_mask, ..Default::default() };
        self.client().update_job(member(request, AGENT)).await.unwrap();
    }

    /// What waits for the audit log, the oldest first: the action, the agent, and what is told.
    async fn told(&self) -> Vec<(String, String, Value)> {
        let waiting = self.service.deeds.waiting(100).await.unwrap();
        let told = waiting.into_iter().map(|parcel| {
            (parcel.kind, parcel.of.agent_id, serde_json::from_str::<Value>(&parcel.data).unwrap())
        });
        told.collect()
    }
}

#[tokio::test]
async fn what_members_do_is_told_with_the_change() {
    for (engine, home) in TestEnvironment::each().await {
        let running = Running::on(&home).await;
        let mut templates = TemplateServiceClient::new(running.upstream.clone());
        let new = |name: &str| pb::NewTemplate {
            name: name.to_owned(),
            title: "Note".to_owned(),
            schema: Some(schema()),
            ..Default::default()
        };
        let create = |name: &str| pb::CreateTemplateRequest { template: Some(new(name)) };
        templates.create_template(member(create("note"), None)).await.unwrap();
        // What is refused is not told.
        templates.create_template(member(create("note"), None)).await.unwrap_err();
        let content = pb::TemplateContent {
            title: "Delivery note".to_owned(),
            schema: Some(schema()),
            ..Default::default()
        };
        let version = pb::CreateTemplateVersionRequest { name: "note".to_owned(), template: Some(content) };
        templates.create_template_version(member(version, None)).await.unwrap();
        let delete = || member(pb::DeleteTemplateRequest { name: "note".to_owned() }, None);
        templates.delete_template(delete()).await.unwrap();
        templates.delete_template(delete()).await.unwrap_err();

        let job = running.create("hello").await.unwrap();
        running.get(&job.id, 60).await.unwrap();
        // Neither what is corrected, nor what keys do.
        running.correct_as_member(&job.id, correction("/text", "s3cr3t")).await;
        running.correct_as_member(&job.id, correction("/text", "s3cr3t too")).await;
        running.correct(&job.id, pb::JobCorrections::default(), &["corrections"]).await.unwrap();
        running.correct_as_member(&job.id, correction("/text", "s3cr3t")).await;
        running.correct_as_member(&job.id, pb::JobCorrections::default()).await;
        running.correct_as_member(&job.id, correction("/text", "s3cr3t")).await;
        let delete = pb::DeleteJobRequest { id: job.id.clone(), ..Default::default() };
        running.client().delete_job(member(delete, AGENT)).await.unwrap();
        let other = running.create("hello").await.unwrap();
        running.delete(&other.id).await.unwrap();

        let mut told = running.told().await;
        let whose = AGENT.unwrap();
        let expected = [
            ("extraction_template.created", ""),
            ("extraction_template.updated", ""),
            ("extraction_template.deleted", ""),
            ("document_extraction.corrections_deleted", whose),
            ("document_extraction.deleted", whose),
        ];
        // The clock of a test stands still, so their order says nothing.
        told.sort_by_key(|(kind, ..)| expected.iter().position(|(name, _)| name == kind));
        let actions: Vec<_> = told.iter().map(|(kind, agent, _)| (kind.as_str(), agent.as_str())).collect();
        assert_eq!(actions, expected, "{engine}");
        for (kind, _, told) in &told {
            assert_eq!(told["memberId"], "65f0c0ffee65f0c0ffee65f3", "{engine}: {kind}");
            assert_eq!(told["tokenId"], "65f0c0ffee65f0c0ffee65f4", "{engine}: {kind}");
        }
        let of = |at: usize| &told[at].2;
        assert_eq!(of(0)["before"], Value::Null, "{engine}");
        assert_eq!((&of(1)["resourceName"], &of(1)["resourceId"]), (&json!("note"), &Value::Null));
        let sides = |at: usize, name: &str| (of(at)["before"][name].clone(), of(at)["after"][name].clone());
        assert_eq!(sides(1, "title"), (json!("Note"), json!("Delivery note")), "{engine}");
        assert_eq!(sides(1, "version"), (json!(1), json!(2)), "{engine}");
        assert_eq!((&of(2)["before"]["version"], &of(2)["after"]), (&json!(2), &Value::Null), "{engine}");
        assert_eq!(of(3)["resourceId"], json!(job.id), "{engine}");
        assert_eq!(sides(3, "corrections"), (json!(["/text"]), json!([])), "{engine}");
        assert_eq!(
            of(4)["before"],
            json!({"status": "SUCCEEDED", "template": null, "corrections": ["/text"]}),
            "{engine}"
        );
        let text = format!("{told:?}");
        for said in ["s3cr3t", "hello"] {
            assert!(!text.contains(said), "{engine}: {said}");
        }
        // What webhooks are told goes its own way.
        for parcel in running.service.outbox.waiting(100).await.unwrap() {
            assert_eq!(parcel.kind, "document_extraction.finished", "{engine}");
        }
        running.service.close().await;
    }
}
