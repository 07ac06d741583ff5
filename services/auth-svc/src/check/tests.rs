//! What a refusal costs, beside the look that tests over gRPC count.

use svc_core::error::Reason;
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;
use svc_runtime::authorize::{Credential, Question};
use svc_runtime::service::Service;

use crate::secrets::TAGS;
use crate::setup::{self, SetupRequest};
use crate::testing::credentials;
use crate::{AuthService, Config};

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_key_cost_one_hmac_each() {
    let home = TestEnvironment::sqlite();
    let service = AuthService::open(&Config::default(), &home.environment).await.unwrap();
    let request = SetupRequest {
        organization: "Example".to_owned(),
        email: "owner@example.com".to_owned(),
        agent: "Support".to_owned(),
    };
    let made = setup::run(&service, &request).await.unwrap();
    let checker = service.management.checker.clone();
    let decide = async |api_key: &str, secret: &str| {
        let question = Question {
            credential: Credential::ApiKey { key: api_key, secret: &Secret::new(secret) },
            client: [192, 0, 2, 1].into(),
            operation: "",
            permissions: &[],
            agent: None,
            audience: None,
            goes_on: false,
            request_id: "",
        };
        let answer = checker.ask(&question).answer().await.unwrap();
        answer.decision.err().map(|error| error.reason)
    };
    assert_eq!(decide(&made.api_key, made.api_secret.expose()).await, None);
    let (unknown, wrong) = credentials(1);
    for (what, api_key) in [("a wrong secret", &made.api_key), ("an unknown key", &unknown)] {
        let before = TAGS.get();
        assert_eq!(decide(api_key, &wrong).await, Some(Reason::InvalidCredentials));
        assert_eq!(TAGS.get() - before, 1, "{what}");
    }
}
