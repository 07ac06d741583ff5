//! What is stored of secrets, while the verifier key, the pepper and the parameters change.

use auth_svc::{AuthService, Config};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};
use svc_core::random::{Random, SystemRandom};
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;
use svc_runtime::service::Service;

use crate::harness::Auth;

/// 32 random bytes, base64, as a verifier key or a pepper is.
fn some_key() -> Secret {
    use base64::Engine;
    let mut bytes = [0; 32];
    SystemRandom.fill(&mut bytes);
    Secret::new(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// Settings with these keys.
fn config(verifier: &Secret, verifier_previous: Option<&Secret>, peppers: [Option<&Secret>; 2]) -> Config {
    Config {
        verifier_key: Some(verifier.clone()),
        verifier_key_previous: verifier_previous.cloned(),
        pepper: peppers[0].cloned(),
        pepper_previous: peppers[1].cloned(),
        ..Config::default()
    }
}

const NONE: [Option<&Secret>; 2] = [None, None];

/// A stored secret: its record, and the id of the key of its verifier.
type Stored = (String, Option<String>);

/// What is stored of the secrets of a key, the oldest first.
async fn stored(home: &TestEnvironment, api_key: &str) -> Vec<Stored> {
    const SELECT: &str = "SELECT s.hash, s.verifier_key_id FROM {schema}.api_key_secrets s \
         JOIN {schema}.api_keys k ON k.id = s.key_id WHERE k.api_key = $1 ORDER BY s.id";
    match &home.environment.database.url {
        None => {
            let query = AssertSqlSafe(SELECT.replace("{schema}", "main"));
            let mut connection = sqlite(home).await;
            let rows = sqlx::query(query).bind(api_key).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }
        Some(url) => {
            let query = AssertSqlSafe(SELECT.replace("{schema}", "auth"));
            let mut connection = PgConnection::connect(url.expose()).await.unwrap();
            let rows = sqlx::query(query).bind(api_key).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (row.get(0), row.get(1))).collect()
        }
    }
}

/// What is stored of the one secret of the first key.
async fn first(auth: &Auth) -> Stored {
    let mut all = stored(&auth.home, &auth.first.api_key).await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

async fn sqlite(home: &TestEnvironment) -> SqliteConnection {
    let file = home.path().join("auth.sqlite");
    SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap()
}

/// Lets no secret be written any more.
async fn refuse_updates(home: &TestEnvironment) {
    match &home.environment.database.url {
        None => {
            let trigger = "CREATE TRIGGER no BEFORE UPDATE ON api_key_secrets \
                 BEGIN SELECT RAISE(ABORT, 'no'); END";
            sqlite(home).await.execute(trigger).await.unwrap();
        }
        Some(url) => {
            let trigger = "CREATE FUNCTION auth.no() RETURNS trigger LANGUAGE plpgsql \
                 AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; \
                 CREATE TRIGGER no BEFORE UPDATE ON auth.api_key_secrets EXECUTE FUNCTION auth.no()";
            let mut connection = PgConnection::connect(url.expose()).await.unwrap();
            connection.execute(sqlx::raw_sql(trigger)).await.unwrap();
        }
    }
}

/// How often argon2id has run in this environment.
pub fn argon2_runs(auth: &Auth) -> u64 {
    let metrics = auth.home.environment.metrics.encode().unwrap();
    let runs = metrics.lines().filter_map(|line| line.strip_prefix("auth_argon2_runs_total "));
    // One line for each time that the service was opened.
    runs.map(|count| count.parse::<u64>().unwrap()).sum()
}

/// Presents the first key's secret. Gives how often argon2id ran for the answer and, after it, for the
/// renewal.
async fn present(auth: &Auth) -> u64 {
    let before = argon2_runs(auth);
    let request = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
    assert!(auth.authorize(request).await.is_ok());
    auth.service.secrets_renewed().await;
    argon2_runs(auth) - before
}

#[tokio::test]
async fn after_the_verifier_key_is_lost_each_secret_costs_argon2_once() {
    for (engine, home) in TestEnvironment::each().await {
        let (lost, new) = (some_key(), some_key());
        let auth = Auth::at(home, &config(&lost, None, NONE)).await;
        assert_eq!(present(&auth).await, 0, "{engine}: nothing is lost");
        let before = first(&auth).await;

        let auth = auth.restart(&config(&new, None, NONE)).await;
        let wrong = secret_of_another_key(&auth).await;
        let refused = auth.authorize(auth.read_contacts(&auth.first.api_key, &wrong)).await.unwrap_err();
        assert_eq!(refused.code, "invalid_credentials", "{engine}");
        auth.service.secrets_renewed().await;
        assert_eq!(first(&auth).await, before, "{engine}: a wrong secret renews nothing");

        assert_eq!(present(&auth).await, 1, "{engine}");
        assert_eq!(present(&auth).await, 0, "{engine}: memory has learned it");
        let after = first(&auth).await;
        assert_eq!(after.0, before.0, "{engine}: the record was good");
        assert_ne!(after.1, before.1, "{engine}: the verifier is of the new key");

        let auth = auth.restart(&config(&new, None, NONE)).await;
        assert_eq!(present(&auth).await, 0, "{engine}: so has the database");
    }
}

#[tokio::test]
async fn many_first_requests_of_a_key_share_one_argon2() {
    for (engine, home) in TestEnvironment::each().await {
        let auth = Auth::at(home, &config(&some_key(), None, NONE)).await;
        let auth = auth.restart(&config(&some_key(), None, NONE)).await;
        let before = argon2_runs(&auth);
        // More than may wait for argon2id.
        let request = || auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
        let all = futures::future::join_all((0..500).map(|_| auth.authorize(request()))).await;
        assert!(all.iter().all(|one| !one.as_ref().is_err_and(|refusal| refusal.code != "rate_limited")));
        assert_eq!(all.iter().filter(|one| one.is_ok()).count(), 60, "{engine}: the key's limit");
        assert_eq!(argon2_runs(&auth) - before, 1, "{engine}");
    }
}

/// The secret of another key: well formed, and wrong.
async fn secret_of_another_key(auth: &Auth) -> String {
    auth.create_key(&auth.owner(), &["contacts:read"]).await.1
}

#[tokio::test]
async fn a_rotated_verifier_key_never_costs_argon2() {
    for (engine, home) in TestEnvironment::each().await {
        let (old, new) = (some_key(), some_key());
        let auth = Auth::at(home, &config(&old, None, NONE)).await;
        let before = first(&auth).await;
        // First it is made known everywhere, then it is used, then the old one is dropped.
        let auth = auth.restart(&config(&old, Some(&new), NONE)).await;
        assert_eq!((present(&auth).await, first(&auth).await), (0, before.clone()), "{engine}");
        let auth = auth.restart(&config(&new, Some(&old), NONE)).await;
        assert_eq!(present(&auth).await, 0, "{engine}");
        assert_ne!(first(&auth).await.1, before.1, "{engine}");
        let auth = auth.restart(&config(&new, None, NONE)).await;
        assert_eq!(present(&auth).await, 0, "{engine}");
    }
}

#[tokio::test]
async fn records_move_to_a_new_pepper() {
    for (engine, home) in TestEnvironment::each().await {
        let (verifier, other, one, two) = (some_key(), some_key(), some_key(), some_key());
        let mut auth = Auth::at(home, &config(&verifier, None, NONE)).await;
        let mut before = first(&auth).await;
        // A first pepper, a second, and none again; each time with a verifier that decides, so that
        // argon2id runs for the new record only.
        for peppers in [[Some(&one), None], [Some(&two), Some(&one)], [None, Some(&two)]] {
            auth = auth.restart(&config(&verifier, None, peppers)).await;
            assert_eq!((present(&auth).await, present(&auth).await), (1, 0), "{engine}");
            let after = first(&auth).await;
            assert!(after.0 != before.0 && after.1 == before.1, "{engine}");
            assert_eq!(after.0.contains(",keyid="), peppers[0].is_some(), "{engine}: {}", after.0);
            before = after;
        }

        // And when argon2id must decide: with the previous pepper once, then with the new one alone.
        let auth = auth.restart(&config(&verifier, None, [Some(&one), None])).await;
        assert_eq!(present(&auth).await, 1, "{engine}");
        let auth = auth.restart(&config(&other, None, [Some(&two), Some(&one)])).await;
        assert_eq!(present(&auth).await, 2, "{engine}: verified, and made anew");
        let auth = auth.restart(&config(&verifier, None, [Some(&two), None])).await;
        assert_eq!((present(&auth).await, present(&auth).await), (1, 0), "{engine}");
    }
}

#[tokio::test]
async fn without_the_pepper_of_a_record_nothing_is_decided() {
    for (engine, home) in TestEnvironment::each().await {
        let (verifier, pepper) = (some_key(), some_key());
        let auth = Auth::at(home, &config(&verifier, None, [Some(&pepper), None])).await;
        // Both the verifier key and the pepper are lost.
        let auth = auth.restart(&config(&some_key(), None, [Some(&some_key()), None])).await;
        let request = auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
        let refused = auth.try_authorize(request).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unavailable, "{engine}");
    }
}

#[tokio::test]
async fn both_secrets_of_an_overlap_are_renewed() {
    for (engine, home) in TestEnvironment::each().await {
        let (lost, new) = (some_key(), some_key());
        let auth = Auth::at(home, &config(&lost, None, NONE)).await;
        let (key, older) = auth.create_key(&auth.owner(), &["contacts:read"]).await;
        let (_, newer) = crate::rotation::rotated(&auth, &key.id, crate::rotation::OVERLAP).await;
        let auth = auth.restart(&config(&new, None, NONE)).await;
        for secret in [&older, &newer, &older, &newer] {
            let request = auth.read_contacts(&key.api_key, secret);
            assert!(auth.authorize(request).await.is_ok(), "{engine}");
            auth.service.secrets_renewed().await;
        }
        let ids: Vec<_> = stored(&auth.home, &key.api_key).await.into_iter().map(|(_, id)| id).collect();
        assert!(ids.len() == 2 && ids[0] == ids[1], "{engine}: {ids:?}");
        let before = argon2_runs(&auth);
        let auth = auth.restart(&config(&new, None, NONE)).await;
        for secret in [&older, &newer] {
            assert!(auth.authorize(auth.read_contacts(&key.api_key, secret)).await.is_ok(), "{engine}");
        }
        assert_eq!(argon2_runs(&auth), before, "{engine}");
    }
}

#[tokio::test]
async fn a_renewal_that_fails_fails_nobody() {
    for (engine, home) in TestEnvironment::each().await {
        let auth = Auth::at(home, &config(&some_key(), None, NONE)).await;
        let before = first(&auth).await;
        let auth = auth.restart(&config(&some_key(), None, [Some(&some_key()), None])).await;
        refuse_updates(&auth.home).await;
        assert_eq!(present(&auth).await, 2, "{engine}: verified, and a new record made");
        assert_eq!(present(&auth).await, 0, "{engine}: memory has learned it all the same");
        assert_eq!(first(&auth).await, before, "{engine}");
    }
}

#[tokio::test]
async fn many_at_once_renew_once() {
    for (engine, home) in TestEnvironment::each().await {
        let (old, new) = (some_key(), some_key());
        let auth = Auth::at(home, &config(&old, None, NONE)).await;
        let auth = auth.restart(&config(&new, Some(&old), NONE)).await;
        let request = || auth.read_contacts(&auth.first.api_key, auth.first.api_secret.expose());
        let all = futures::future::join_all((0..50).map(|_| auth.authorize(request()))).await;
        assert!(all.iter().all(Result::is_ok), "{engine}");
        auth.service.secrets_renewed().await;
        let metrics = auth.home.environment.metrics.encode().unwrap();
        assert!(metrics.contains("auth_secrets_renewed_total 1\n"), "{engine}: {metrics}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_named() {
    let home = TestEnvironment::sqlite();
    let none = Some(Secret::new("not a key"));
    for (config, named) in [
        (Config { signing_key: none.clone(), ..Config::default() }, "auth.signing_key: "),
        (Config { signing_key_previous: none.clone(), ..Config::default() }, "auth.signing_key_previous: "),
        (Config { verifier_key_previous: none.clone(), ..Config::default() }, "auth.verifier_key"),
    ] {
        let error = AuthService::open(&config, &home.environment).await.unwrap_err().to_string();
        assert!(error.starts_with(named) && !error.contains("not a key"), "{error}");
    }
}
