//! Opens auth-svc: the database, the keys, and everything that stands on them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyward_proto::policy::v1::Scope;
use prometheus_client::metrics::counter::Counter;
use svc_core::policy;
use svc_core::secret::Secret;
use svc_db::{AnyDb, IdempotencyRecords, OutboxTable};
use svc_runtime::keyfile::{self, KeyFileError};
use svc_runtime::service::{DatabaseConfig, Environment};
use svc_runtime::telemetry::Metrics;
use svc_runtime::token::TokenSigner;

use crate::audit::ChainKey;
use crate::change::{Auditor, Changes};
use crate::check::{Checker, Failures, KeyCache, KnownTokens, Lookups, Minter, Renewals, Sessions};
use crate::domain::{MaxLimits, Permissions, SessionLife};
use crate::identities::{self, Identities};
use crate::limits::{self, LimitOpenError, Limiter, SystemBootClock};
use crate::mail::{self, Outbox};
use crate::management::{KeyUsage, Management, SignIn};
use crate::notices::NoticeMailer;
use crate::request_log::RequestLog;
use crate::revocation::Membership;
use crate::secrets::{Argon2Pool, BadVerifierKey, Seal, Verifiers};
use crate::usage::{Counters, Flusher, Rollup};
use crate::{AuthService, Config, NAME, OpenError, SessionsConfig, WhenUnavailable, store};

/// The longest that a session may last, in hours: a year.
const MAX_HOURS: u32 = 8_784;

impl AuthService {
    /// Opens it. A poll for changes may take `poll_timeout`.
    pub(crate) async fn open_polling(
        config: &Config,
        environment: &Environment,
        poll_timeout: Duration,
    ) -> Result<AuthService, OpenError> {
        // Before anything is made or joined: settings that are refused leave nothing behind.
        check(config, &environment.database)?;
        let data_dir = &environment.data_dir;
        let random = &*environment.random;
        let verifier_key = key(
            config.verifier_key.as_ref(),
            &data_dir.join("verifier.key"),
            || Some(Verifiers::generate(random)),
            |key| Ok(Verifiers::new(key, None).map(drop)?),
        )?;
        let audit_key = key(
            config.audit_key.as_ref(),
            &data_dir.join("audit.key"),
            || Some(ChainKey::generate(random)),
            |key| Ok(ChainKey::new(key).map(drop)?),
        )?;
        let auditor = Auditor::new(ChainKey::new(&audit_key)?, environment);
        let signing_key = key(
            config.signing_key.as_ref(),
            &data_dir.join("signing.key"),
            || TokenSigner::generate().ok(),
            |key| token_signer("auth.signing_key", key).map(drop),
        )?;
        let verifiers = Verifiers::new(&verifier_key, config.verifier_key_previous.as_ref())?;
        let signer = token_signer("auth.signing_key", &signing_key)?;
        let previous = config.signing_key_previous.as_ref();
        let previous = previous.map(|key| token_signer("auth.signing_key_previous", key)).transpose()?;
        let minter = Minter::new(signer, previous.as_ref());
        let jwks = minter.jwks();

        let scopes = policy::scopes(&policy::built_in_descriptors()?)?;
        let permissions = Arc::new(permissions(&scopes));

        let (sqlite, postgres) = store::migrations();
        let db = svc_db::open(environment, NAME, sqlite, postgres).await?;
        let (store, writer) = store::over(db.clone());
        let peppers = (config.pepper.as_ref(), config.pepper_previous.as_ref());
        let argon2 = Argon2Pool::new(peppers.0, peppers.1, &environment.metrics)?;
        let clock = environment.clock.clone();
        let limiter = limiter(config.limits.store.as_ref(), &db, environment).await?;
        let membership = Membership::new(&db, Arc::new(SystemBootClock), poll_timeout);
        let gate = membership.gate(&config.revocation);
        let cache = Arc::new(KeyCache::default());
        let condition = environment.health.of(NAME).condition("revocation");
        // Their own, since they end before the row of this replica is removed.
        let tasks = environment.supervisor.of(NAME);
        let revocation = membership.join(cache.clone(), environment.random.clone(), condition, tasks).await?;
        let tasks = environment.supervisor.of(NAME);
        let records = IdempotencyRecords::new(NAME, db.clone(), environment, &tasks);
        let changes = Arc::new(Changes::new(writer, records, auditor, cache.clone(), revocation));
        let lookups =
            |what: &str| Lookups::new(what, environment.database.max_connections, &environment.metrics);
        let counters = Arc::new(Counters::new(config.usage.enabled, &environment.metrics));
        let checker = Checker {
            store: store.clone(),
            clock: clock.clone(),
            cache,
            lookups: lookups("key"),
            token_lookups: lookups("token"),
            gate,
            verifiers,
            argon2: argon2.clone(),
            changes: changes.clone(),
            renewals: Renewals::new(
                changes.clone(),
                argon2.clone(),
                environment.random.clone(),
                &environment.metrics,
            ),
            minter,
            limiter: limiter.clone(),
            limits_fail_open: config.limits.when_unavailable == WhenUnavailable::Allow,
            key_failures: Failures::new(config.failures_per_minute, clock.clone()),
            token_failures: Failures::new(config.failures_per_minute, clock.clone()),
            sessions: Sessions::new(changes.clone(), session_life(&config.sessions)?),
            known_tokens: KnownTokens::new(&environment.metrics),
            usage: counters.clone(),
        };
        let checker = Arc::new(checker);
        let passwords = Argon2Pool::for_passwords(peppers, &environment.metrics)?;
        let pools = [("argon2-keys", argon2.clone()), ("argon2-passwords", passwords.clone())];
        let failures = config.sessions.failures_per_minute;
        let sign_in = SignIn::new(passwords, failures, clock.clone(), &*environment.random).await?;
        let (usage, keep) = (store::usage_over(db.clone()), config.usage.keep()?);
        let random = &*environment.random;
        let flusher = Arc::new(Flusher::new(counters, usage.clone(), clock.clone(), random));
        let rollup = Arc::new(Rollup::new(usage.clone(), clock, keep));
        let request_log = Arc::new(RequestLog::new(
            store.clone(),
            changes.clone(),
            environment.clock.clone(),
            config.request_log,
            &environment.metrics,
        ));
        let max_limits =
            MaxLimits { per_minute: config.limits.max_per_minute, per_hour: config.limits.max_per_hour };
        let seal = |purpose| {
            Seal::new(&verifier_key, config.verifier_key_previous.as_ref(), purpose)
                .map_err(|_| BadVerifierKey)
        };
        let (wall, random) = (environment.clock.clone(), environment.random.clone());
        let identities = Identities::new(&config.oidc, seal(identities::SEALED_FOR)?, wall, random)?;
        let sealed_mail = seal(mail::SEALED_FOR)?;
        let outbox = Outbox::new(&config.smtp, sealed_mail, store.clone(), changes.clone(), environment)?;
        let management = Management {
            store: store.clone(),
            changes: changes.clone(),
            checker,
            argon2,
            environment: environment.clone(),
            permissions,
            scopes: scopes.into(),
            sign_in: Arc::new(sign_in),
            max_limits,
            usage: KeyUsage { kept: usage.clone(), flusher: flusher.clone(), keep },
            identities: Arc::new(identities),
            outbox: outbox.clone(),
        };
        if let Err(error) = management.begin_audit_logs().await {
            // The first change of each organization does it, too.
            tracing::warn!(error = %error, "the audit log of an organization is not begun yet");
        }
        // Saves limits until it is stopped, and once more then.
        tasks.spawn("limits", move |stop| limits::maintain(limiter.clone(), stop));
        // As long as that, too.
        tasks.spawn("usage-flush", move |stop| flusher.clone().run(stop));
        tasks.spawn("usage-rollup", move |stop| rollup.clone().run(stop));
        for (name, pool) in pools {
            tasks.spawn(name, move |stop| pool.clone().maintain(stop));
        }
        let pruned = request_log.clone();
        tasks.spawn("request-log", move |stop| pruned.clone().maintain(stop));
        if let Some(delivered) = outbox.clone() {
            tasks.spawn("mail", move |stop| delivered.clone().deliver(stop));
        }
        let every = Duration::from_secs(config.notices.every_seconds.clamp(1, 86_400));
        let erasures = svc_db::Outbox::of(OutboxTable::Erasures, db.clone(), environment);
        let (dashboard, environment) = (config.dashboard_url.clone(), environment.clone());
        let no_room = no_room(&environment.metrics);
        let notices = Arc::new(NoticeMailer { store, changes, environment, outbox, every, dashboard });
        tasks.spawn("notices", move |stop| notices.clone().run(stop));
        Ok(AuthService { db, management, erasures, jwks, no_room, request_log, tasks })
    }
}

/// The limits, in the store of the settings. The default fits the database: what one process keeps in
/// memory is not what several replicas can share.
pub(crate) async fn limiter(
    store: Option<&Secret>,
    db: &AnyDb,
    environment: &Environment,
) -> Result<Arc<Limiter>, LimitOpenError> {
    let default = Secret::new(match db {
        AnyDb::Sqlite(_) => "memory",
        AnyDb::Postgres(_) => "database",
    });
    let boot = Arc::new(SystemBootClock);
    let (store, clock) = (store.unwrap_or(&default), environment.clock.clone());
    Ok(Arc::new(Limiter::open(store, db, boot, clock, &environment.metrics).await?))
}

fn no_room(metrics: &Metrics) -> Counter {
    let no_room = Counter::default();
    metrics.register(|registry| {
        let help = "Questions that got no decision, since too many of their stream wait for one";
        registry.register("auth_questions_without_room", help, no_room.clone());
    });
    no_room
}

/// What can be said about the settings without opening anything.
pub(crate) fn check(config: &Config, database: &DatabaseConfig) -> Result<(), OpenError> {
    svc_db::check(database)?;
    for key in [&config.verifier_key, &config.verifier_key_previous].into_iter().flatten() {
        Verifiers::new(key, None)?;
    }
    if let Some(key) = &config.audit_key {
        ChainKey::new(key)?;
    }
    for (setting, key) in [
        ("auth.signing_key", &config.signing_key),
        ("auth.signing_key_previous", &config.signing_key_previous),
    ] {
        key.as_ref().map(|key| token_signer(setting, key)).transpose()?;
    }
    session_life(&config.sessions)?;
    identities::check(&config.oidc)?;
    mail::check(&config.smtp)?;
    config.limits.store.as_ref().map(limits::check).transpose()?;
    if config.limits.max_per_minute == 0 || config.limits.max_per_hour == 0 {
        return Err(OpenError::MaxLimits);
    }
    config.usage.keep().map(drop)
}

/// The key from the settings, else the one in the data directory, whose file is named when `check` refuses it.
fn key(
    setting: Option<&Secret>,
    file: &Path,
    make: impl FnOnce() -> Option<Secret>,
    check: impl FnOnce(&Secret) -> Result<(), OpenError>,
) -> Result<Secret, OpenError> {
    if let Some(key) = setting {
        return Ok(key.clone());
    }
    let key = keyfile::load_or_create(file, make)?;
    let bad = |why: OpenError| KeyFileError::Bad { path: file.to_owned(), why: why.to_string() };
    check(&key).map_err(bad)?;
    Ok(key)
}

fn token_signer(setting: &'static str, key: &Secret) -> Result<TokenSigner, OpenError> {
    TokenSigner::new(key).map_err(|error| OpenError::SigningKey { setting, error })
}

/// How long sessions live, by the settings.
fn session_life(config: &SessionsConfig) -> Result<SessionLife, OpenError> {
    let (idle, hours) = (config.idle_minutes, config.lifetime_hours);
    if !(2..=MAX_HOURS * 60).contains(&idle) || !(1..=MAX_HOURS).contains(&hours) {
        return Err(OpenError::Sessions);
    }
    let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
    Ok(SessionLife { idle: minutes(idle), absolute: minutes(hours * 60) })
}

/// Every permission of these scopes.
fn permissions(scopes: &[Scope]) -> Permissions {
    let all = scopes.iter().flat_map(|s| s.actions.iter().map(|action| format!("{}:{action}", s.name)));
    Permissions::new(all.collect())
}
