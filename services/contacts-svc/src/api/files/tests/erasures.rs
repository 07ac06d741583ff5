//! What other services are told that is gone, and what goes since another one says that an agent is.

use keyward_proto::contacts::v1::erasure_service_client::ErasureServiceClient;
use keyward_proto::internal::v1::Erasure;
use svc_core::clock::Clock;
use svc_core::ids::is_id;
use svc_db::testing::rows_of;
use svc_runtime::grpc::caller::InternalCredential;
use tonic::Code;

use super::*;
use crate::domain::Partition;

impl Home {
    fn internal<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        InternalCredential::for_calls_to(&self.upstream, None).unwrap().authenticate(&mut request);
        request
    }

    fn erasures(&self) -> ErasureServiceClient<Upstream> {
        ErasureServiceClient::new(self.upstream.clone())
    }

    /// What was told since it was asked for last: the files, in order, or none for an agent.
    async fn told(&self) -> Vec<Vec<String>> {
        let request = self.internal(pb::ListErasuresRequest::default());
        let told = self.erasures().list_erasures(request).await.unwrap().into_inner().erasures;
        let ids = told.iter().map(|erasure| erasure.id.clone()).collect();
        let request = self.internal(pb::DeleteErasuresRequest { ids });
        self.erasures().delete_erasures(request).await.unwrap();
        let files = |erasure: Erasure| {
            assert!(is_id(&erasure.id));
            assert_eq!((erasure.organization_id.as_str(), erasure.agent_id.as_str()), (ORGANIZATION, AGENT));
            assert_eq!(erasure.agent, erasure.contact_file_ids.is_empty());
            let mut files = erasure.contact_file_ids;
            files.sort();
            files
        };
        told.into_iter().map(files).collect()
    }

    async fn take(&self, what: impl Fn(&mut Erasure)) -> Result<(), Code> {
        let mut erasure = Erasure {
            id: "65f0c0ffee65f0c0ffee65e1".to_owned(),
            organization_id: ORGANIZATION.to_owned(),
            agent_id: AGENT.to_owned(),
            contact_file_ids: Vec::new(),
            agent: true,
            at: Some(self.environment.clock.now().to_proto()),
        };
        what(&mut erasure);
        let request = self.internal(pb::TakeErasuresRequest { erasures: vec![erasure] });
        self.erasures().take_erasures(request).await.map(drop).map_err(|status| status.code())
    }

    /// What there is of an agent, with whose rows these are, once nothing is done any more.
    async fn rows(&self, agent: &str) -> Vec<String> {
        let of = Partition { organization_id: ORGANIZATION.to_owned(), agent_id: agent.to_owned() };
        rows_of(&self.service.db, &of).await
    }

    /// Waits until this is all that there is of the agent, by the names of tables. The task of the service is at it, too.
    async fn is_left(&self, expected: &[&str]) {
        let began = std::time::Instant::now();
        loop {
            while self.service.agents.look().await.unwrap() {}
            let rows = self.rows(AGENT).await;
            let tables: Vec<&str> = rows.iter().map(|row| row.split(':').next().unwrap()).collect();
            if tables == expected {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{expected:?} are expected: {tables:?}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_are_told_with_what_deletes_them() {
    for (engine, environment) in TestEnvironment::each().await {
        let home = Home::open(environment, FilesConfig::default()).await;
        let upload = async || home.upload(named("a"), &[b"hello"]).await.unwrap().id;
        let file = upload().await;
        assert_eq!(home.told().await, Vec::<Vec<String>>::new(), "{engine}");
        home.delete(AGENT, &home.contact, &file).await.unwrap();
        assert_eq!(home.told().await, [[file.clone()]], "{engine}");
        // What is refused is not told.
        home.delete(AGENT, &home.contact, &file).await.unwrap_err();
        let mut files = vec![upload().await, upload().await];
        files.sort();
        let without = home.new_contact("crm-2").await;
        home.delete_contact(&without).await;
        assert_eq!(home.told().await, Vec::<Vec<String>>::new(), "{engine}");
        home.delete_contact(&home.contact).await;
        assert_eq!(home.told().await, [files], "{engine}");
        home.service.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_of_a_contact_are_told_in_pieces() {
    for (engine, environment) in TestEnvironment::each().await {
        let home = Home::open(environment, FilesConfig::default()).await;
        home.fill(201).await;
        home.delete_contact(&home.contact).await;
        let told: Vec<usize> = home.told().await.iter().map(Vec::len).collect();
        assert_eq!(told.iter().sum::<usize>(), 201, "{engine}");
        assert_eq!(told.iter().max(), Some(&100), "{engine}");
        home.service.close().await;
    }
}

/// On PostgreSQL as a superuser, who sees all rows: so it is looked for what there is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_of_an_agent_that_is_gone_goes() {
    for environment in [TestEnvironment::sqlite(), TestEnvironment::postgres_superuser().await] {
        let home = Home::open(environment, FilesConfig::default()).await;
        for number in 0..60 {
            home.new_contact(&format!("more-{number}")).await;
        }
        home.upload(named("a"), &[b"hello"]).await.unwrap();
        let email = Some("ann@example.com".to_owned());
        let contact = pb::Contact { email, ..pb::Contact::default() };
        let message = pb::CreateContactRequest { contact: Some(contact), ..Default::default() };
        let mut client = ContactServiceClient::new(home.upstream.clone());
        client.create_contact(home.request(OTHER_AGENT, message)).await.unwrap();
        let others = home.rows(OTHER_AGENT).await;
        assert!(others.len() > 1);
        // Nothing, and what is of no agent.
        let refused: [fn(&mut Erasure); 2] = [
            |erasure| erasure.agent = false,
            |erasure| (erasure.agent, erasure.contact_file_ids) = (false, vec!["0".repeat(24)]),
        ];
        for refused in refused {
            assert_eq!(home.take(refused).await, Err(Code::InvalidArgument));
        }
        assert!(home.rows(AGENT).await.len() > 60);

        home.take(|_| {}).await.unwrap();
        // Whoever hands it on may do so twice: extraction-svc is told once.
        home.take(|_| {}).await.unwrap();
        assert_eq!(home.told().await, [Vec::<String>::new()]);
        // Its bytes are collected.
        home.has_objects(0).await;
        home.is_left(&["agent_erasures"]).await;

        // A call that was under way makes one more.
        home.new_contact("late").await;
        home.later(Duration::from_secs(599));
        assert!(!home.service.agents.look().await.unwrap());
        let rows = home.rows(AGENT).await;
        assert!(rows.iter().any(|row| row.starts_with("contacts:")), "its time has not come");
        home.later(Duration::from_secs(1));
        home.is_left(&[]).await;
        assert_eq!(home.rows(OTHER_AGENT).await, others);
        home.service.close().await;
    }
}
