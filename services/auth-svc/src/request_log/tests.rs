//! What is taken in, and how long it stays.

use svc_db::testing::{START, TestEnvironment};
use svc_runtime::service::Service;

use super::*;
use crate::domain::{AgentId, KeyId};
use crate::setup::{self, SetupRequest};
use crate::{AuthService, Config};

const MINUTE: Duration = Duration::from_secs(60);

/// A service with an organization, and the log's own parts.
struct Fixture {
    home: TestEnvironment,
    service: AuthService,
    organization: OrganizationId,
    agent: AgentId,
}

impl Fixture {
    async fn new(home: TestEnvironment, config: RequestLogConfig) -> Fixture {
        let config = Config { request_log: config, ..Config::default() };
        let service = AuthService::open(&config, &home.environment).await.unwrap();
        let request = SetupRequest {
            organization: "Example".to_owned(),
            email: "owner@example.com".to_owned(),
            agent: "Support".to_owned(),
        };
        let made = setup::run(&service, &request).await.unwrap();
        let (organization, agent) = (OrganizationId::new(made.organization_id), AgentId::new(made.agent_id));
        Fixture { home, service, organization, agent }
    }

    /// A request that came at this moment.
    fn told(&self, moment: svc_core::clock::Timestamp, number: u32) -> ToldRequest {
        let entry = RequestEntry {
            id: format!("{}{number:012x}", &first_id_from(moment)[..12]),
            organization_id: OrganizationId::new(""),
            agent_id: self.agent.clone(),
            key_id: Some(KeyId::new("k")),
            secret_last4: Some("9fQz".to_owned()),
            client_request_id: None,
            method: "GET".to_owned(),
            route: "/v1/x".to_owned(),
            operation: "contacts.get".to_owned(),
            status: 200,
            code: "ok".to_owned(),
            permission: None,
            message: None,
            client_address: "192.0.2.7".to_owned(),
            duration_micros: 1,
        };
        ToldRequest { organization_id: Some(self.organization.clone()), entry }
    }

    async fn record(&self, told: &[ToldRequest]) {
        self.service.request_log.record(told.to_vec()).await.unwrap();
    }

    async fn has(&self, told: &ToldRequest) -> bool {
        let store = &self.service.management.store;
        store.request(&self.organization, &told.entry.id).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn what_nobody_could_read_is_left_out() {
    for (_, home) in TestEnvironment::each().await {
        let fixture = Fixture::new(home, RequestLogConfig::default()).await;
        let known = fixture.told(START, 1);
        let keyless = ToldRequest { organization_id: None, ..fixture.told(START, 2) };
        let mut of_nobody = ToldRequest { organization_id: None, ..fixture.told(START, 3) };
        of_nobody.entry.agent_id = AgentId::new("65f0c0ffee65f0c0ffee65f0");
        let all = [known, keyless, of_nobody];
        fixture.record(&all).await;
        fixture.record(&all).await;
        fixture.record(&[]).await;
        for (told, is_there) in all.iter().zip([true, true, false]) {
            assert_eq!(fixture.has(told).await, is_there, "{told:?}");
        }
        fixture.service.close().await;
    }
}

#[tokio::test]
async fn what_is_too_old_goes() {
    for (_, home) in TestEnvironment::each().await {
        let fixture = Fixture::new(home, RequestLogConfig { retention_days: 14, max_rows: 100 }).await;
        let earlier = svc_core::clock::Timestamp(START.0 - i64::try_from(MINUTE.as_micros()).unwrap());
        let old: Vec<ToldRequest> = (0..1_201).map(|number| fixture.told(earlier, number)).collect();
        for some in old.chunks(1_000) {
            fixture.record(some).await;
        }
        let new = fixture.told(START, 9_999);
        fixture.record(std::slice::from_ref(&new)).await;
        fixture.service.request_log.prune().await.unwrap();
        assert!(fixture.has(&old[0]).await && fixture.has(&old[1_200]).await);

        fixture.home.clock.advance(14 * DAY - MINUTE / 2);
        fixture.service.request_log.prune().await.unwrap();
        assert!(!fixture.has(&old[0]).await && !fixture.has(&old[1_200]).await && fixture.has(&new).await);
        // A clock that stood wrong brings nothing that is deleted at once.
        fixture.record(&old[..1]).await;
        assert!(!fixture.has(&old[0]).await);
        // And one that goes back deletes nothing.
        fixture.home.clock.set(earlier);
        fixture.service.request_log.prune().await.unwrap();
        assert!(fixture.has(&new).await);
        fixture.service.close().await;
    }
}

#[tokio::test]
async fn of_too_many_the_oldest_go() {
    for (_, home) in TestEnvironment::each().await {
        let fixture = Fixture::new(home, RequestLogConfig { retention_days: 14, max_rows: 3 }).await;
        let told: Vec<ToldRequest> = (0..5).map(|number| fixture.told(START, number)).collect();
        fixture.record(&told[..3]).await;
        fixture.service.request_log.prune_excess().await.unwrap();
        assert!(fixture.has(&told[0]).await);
        fixture.record(&told[3..]).await;
        fixture.service.request_log.prune_excess().await.unwrap();
        for (told, is_there) in told.iter().zip([false, false, true, true, true]) {
            assert_eq!(fixture.has(told).await, is_there, "{told:?}");
        }
        fixture.service.close().await;
    }
}
