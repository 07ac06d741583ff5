//! What goes since another service says that an agent is gone, or files of its contacts are.

use std::time::{Duration, Instant};

use keyward_proto::extraction::v1::erasure_service_client::ErasureServiceClient;
use keyward_proto::internal::v1::Erasure;
use svc_runtime::grpc::caller::InternalCredential;
use tonic::Code;

use super::*;

fn erasure(organization: &str) -> Erasure {
    Erasure {
        id: "65f0c0ffee65f0c0ffee65e1".to_owned(),
        organization_id: organization.to_owned(),
        agent_id: "65f0c0ffee65f0c0ffee65f1".to_owned(),
        contact_file_ids: Vec::new(),
        agent: true,
        at: Some(svc_db::testing::START.to_proto()),
    }
}

impl Running {
    async fn take(&self, erasures: Vec<Erasure>) -> Result<(), Status> {
        let mut request = Request::new(pb::TakeErasuresRequest { erasures });
        InternalCredential::for_calls_to(&self.upstream, None).unwrap().authenticate(&mut request);
        ErasureServiceClient::new(self.upstream.clone()).take_erasures(request).await.map(drop)
    }

    /// Waits until the job is gone.
    async fn gone(&self, id: &str) {
        let begun = Instant::now();
        while self.get(id, 0).await.is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the job stays");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn the_jobs_of_an_agent_that_is_gone_go() {
    for (engine, home) in TestEnvironment::each().await {
        let running = Running::on(&home).await;
        let made = running.create("hello").await.unwrap();
        running.get(&made.id, 60).await.unwrap();
        running.correct(&made.id, correction("/text", "x"), &["corrections"]).await.unwrap();
        let request = by(stream::iter(request("hello", schema())), OTHER);
        let stays = running.client().create_job(request).await.unwrap().into_inner().job.unwrap();
        running.take(vec![erasure(ORGANIZATION)]).await.unwrap();
        running.gone(&made.id).await;
        // Whoever hands it on may do so twice.
        running.take(vec![erasure(ORGANIZATION)]).await.unwrap();
        let request = pb::GetJobRequest { id: stays.id, ..Default::default() };
        let found = running.client().get_job(by(request, OTHER)).await;
        assert!(found.is_ok(), "{engine}: that of another organization stays");
        running.service.close().await;
    }
}

#[tokio::test]
async fn what_is_no_erasure_is_refused() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    let made = running.create("hello").await.unwrap();
    let nothing = Erasure { agent: false, ..erasure(ORGANIZATION) };
    // None of them is taken.
    let refused = running.take(vec![erasure(ORGANIZATION), nothing]).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let message = pb::TakeErasuresRequest { erasures: vec![erasure(ORGANIZATION)] };
    let mut client = ErasureServiceClient::new(running.upstream.clone());
    let refused = client.take_erasures(by(message, ORGANIZATION)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "a key does not reach it");
    assert!(!running.service.eraser.look().await.unwrap());
    running.get(&made.id, 0).await.unwrap();
    running.service.close().await;
}
