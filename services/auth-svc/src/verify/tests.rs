//! A log that somebody has changed, in every way that they could, on both engines.

use std::io::Cursor;

use sqlx::AssertSqlSafe;
use svc_core::secret::Secret;
use svc_db::testing::TestEnvironment;
use svc_db::{Db, Dialect, sql};
use svc_runtime::service::Service;

use super::*;
use crate::AuthService;
use crate::audit::Entry;
use crate::domain::{Actor, AgentMode, Credential, MemberId, Role};
use crate::setup::{self, SetupRequest, SetupResult};
use crate::store::{StoredHead, Touched};

/// How many entries there are: five of the setup and these.
const ENTRIES: i64 = 10;

struct Fixture {
    home: TestEnvironment,
    service: AuthService,
    made: SetupResult,
    entries: Vec<Entry>,
    end: StoredHead,
}

impl Fixture {
    async fn on(home: TestEnvironment) -> Fixture {
        let service = AuthService::open(&Config::default(), &home.environment).await.unwrap();
        let request = SetupRequest {
            organization: "Acme".to_owned(),
            email: "owner@example.com".to_owned(),
            agent: "Support".to_owned(),
        };
        let made = setup::run(&service, &request).await.unwrap();
        let organization = OrganizationId::new(&*made.organization_id);
        let fixture = Fixture {
            home,
            service,
            made,
            entries: Vec::new(),
            end: StoredHead { head: Head::NONE, seal: Vec::new() },
        };
        for name in ["\u{202e}gpj", "=1+1", "Ünï", "a \"quoted\" one", "last"] {
            fixture.create_agent(name).await;
        }
        let store = &fixture.service.management.store;
        let entries = store.audit_chain(&organization, 0, 100).await.unwrap();
        assert_eq!(entries.len() as i64, ENTRIES);
        let end = store.audit_head(&organization).await.unwrap().unwrap();
        Fixture { entries, end, ..fixture }
    }

    fn actor(&self) -> Actor {
        Actor {
            organization_id: OrganizationId::new(&*self.made.organization_id),
            member_id: MemberId::new(&*self.made.member_id),
            role: Role::Owner,
            credential: Credential::default(),
            client_address: Some([192, 0, 2, 7].into()),
            request_id: Some("65f0c0ffee65f0c0ffee65f0".to_owned()),
        }
    }

    async fn create_agent(&self, name: &str) {
        let management = &self.service.management;
        management.create_agent(&self.actor(), Some(name), AgentMode::Live, None).await.unwrap();
    }

    /// Writes to the database past everything.
    async fn write(&self, statements: &[&str]) {
        match &self.service.db {
            AnyDb::Sqlite(db) => write(db, statements).await,
            AnyDb::Postgres(db) => write(db, statements).await,
        }
    }

    /// As it was before somebody wrote to it.
    async fn restore(&self) {
        self.write(&["DELETE FROM audit_entries", "DELETE FROM audit_heads"]).await;
        let (_, writer) = store::over(self.service.db.clone());
        let mut transaction = writer.begin().await.unwrap();
        let organization = OrganizationId::new(&*self.made.organization_id);
        transaction.lock_audit_head(&organization, None, None).await.unwrap();
        for entry in &self.entries {
            transaction.insert_audit_entry(entry).await.unwrap();
        }
        let seal = crate::audit::Hash::from_bytes(&self.end.seal).unwrap();
        let recorded = transaction.write_audit_head(&organization, &self.end.head, &seal).await.unwrap();
        transaction.commit(&Touched::nothing(), recorded).await.unwrap();
    }

    async fn verified(&self) -> Verified {
        let verifier = Verifier::new(&Config::default(), &self.home.environment.data_dir).unwrap();
        let log = Database::open(&self.home.environment).await.unwrap();
        let verified = verifier.database(&log, Some(&self.made.organization_id)).await.unwrap();
        log.close().await;
        verified.into_iter().next().unwrap()
    }

    async fn exported(&self) -> Vec<String> {
        let store = &self.service.management.store;
        let organization = OrganizationId::new(&*self.made.organization_id);
        let entries = store.audit_chain(&organization, 0, 100).await.unwrap();
        entries.iter().map(line).collect()
    }

    fn verify_export(&self, lines: &[String]) -> Verified {
        let verifier = Verifier::new(&Config::default(), &self.home.environment.data_dir).unwrap();
        verifier.export(Cursor::new(lines.join("\n"))).unwrap()
    }
}

async fn write<D: Dialect>(db: &Db<D>, statements: &[&str]) {
    let mut transaction = db.begin().await.unwrap();
    for statement in statements {
        sql::<D>(AssertSqlSafe((*statement).to_owned())).run(&mut transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// An entry as the edge exports it.
fn line(entry: &Entry) -> String {
    let json = |text: &Option<String>| {
        text.as_deref().map_or(serde_json::Value::Null, |text| serde_json::from_str(text).unwrap())
    };
    let who = &entry.who;
    serde_json::json!({
        "id": entry.id,
        "at": entry.at.to_string(),
        "actor": {
            "kind": who.kind, "id": who.id, "name": who.name,
            "member": who.member_id.as_ref().map(|id| serde_json::json!({"id": id, "name": who.member_name})),
        },
        "action": entry.action,
        "resource": {"type": entry.resource_type, "id": entry.resource.id, "name": entry.resource.name},
        "description": entry.description,
        "status": entry.status,
        "clientAddress": entry.origin.client_address,
        "requestId": entry.origin.request_id,
        "before": json(&entry.before),
        "after": json(&entry.after),
        "organizationId": entry.organization_id.as_str(),
        "sequence": entry.sequence,
        "previousHash": entry.previous_hash.to_hex(),
        "hash": entry.hash.to_hex(),
    })
    .to_string()
}

/// What somebody does to the tables, and which entry is then the first that is named, and how.
fn tampering() -> Vec<(Vec<String>, i64, Fault)> {
    let entry = |change: &str| vec![format!("UPDATE audit_entries SET {change} WHERE sequence = 7")];
    let mut table: Vec<_> = [
        "id = '65f0c0ffee65f0c0ffee65ff'",
        "at = at + 1000",
        "actor_kind = 'SYSTEM'",
        "actor_id = '65f0c0ffee65f0c0ffee65ff'",
        "actor_id = NULL",
        "actor_name = 'somebody else'",
        "member_id = NULL",
        "member_name = ''",
        "action = 'agent.deleted'",
        "resource_type = 'member'",
        "resource_id = '65f0c0ffee65f0c0ffee65ff'",
        "resource_name = 'other'",
        "resource_name = NULL",
        "description = description || ' '",
        "status = 'FAILURE'",
        "client_address = '192.0.2.8'",
        "client_address = NULL",
        "request_id = NULL",
        "before_json = '{}'",
        "after_json = NULL",
        "after_json = ''",
        "previous_hash = hash",
        "hash = previous_hash",
    ]
    .into_iter()
    .map(|change| (entry(change), 7, Fault::Changed))
    .collect();
    let run = |statements: &[&str]| statements.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
    table.extend([
        (run(&["DELETE FROM audit_entries WHERE sequence = 1"]), 1, Fault::Missing),
        (run(&["DELETE FROM audit_entries WHERE sequence = 7"]), 7, Fault::Missing),
        (run(&["DELETE FROM audit_entries WHERE sequence = 10"]), 10, Fault::Missing),
        (run(&["DELETE FROM audit_entries WHERE sequence >= 9"]), 9, Fault::Missing),
        (run(&["DELETE FROM audit_entries"]), 1, Fault::Missing),
        // Cut off, with the end set to what is the newest entry then.
        (
            run(&[
                "DELETE FROM audit_entries WHERE sequence = 10",
                "UPDATE audit_heads SET sequence = 9, at = (SELECT at FROM audit_entries WHERE sequence = 9), \
                 hash = (SELECT hash FROM audit_entries WHERE sequence = 9)",
            ]),
            9,
            Fault::EndChanged,
        ),
        (run(&["DELETE FROM audit_heads"]), 10, Fault::NoEnd),
        (run(&["DELETE FROM audit_entries", "DELETE FROM audit_heads"]), 0, Fault::NoEnd),
        // One is gone, and those after it moved up.
        (
            run(&[
                "DELETE FROM audit_entries WHERE sequence = 7",
                "UPDATE audit_entries SET sequence = 7 WHERE sequence = 8",
            ]),
            7,
            Fault::Changed,
        ),
        // Two have changed places.
        (
            run(&[
                "UPDATE audit_entries SET sequence = 99 WHERE sequence = 7",
                "UPDATE audit_entries SET sequence = 7 WHERE sequence = 8",
                "UPDATE audit_entries SET sequence = 8 WHERE sequence = 99",
            ]),
            7,
            Fault::Changed,
        ),
        // One more, a copy, after the end.
        (
            run(&["INSERT INTO audit_entries SELECT organization_id, 11, id, at, actor_kind, actor_id, actor_name, \
                   member_id, member_name, action, resource_type, resource_id, resource_name, description, status, \
                   client_address, request_id, before_json, after_json, previous_hash, hash \
                   FROM audit_entries WHERE sequence = 7"]),
            11,
            Fault::Unsealed,
        ),
        // And with the end moved behind it.
        (
            run(&[
                "INSERT INTO audit_entries SELECT organization_id, 11, id, at, actor_kind, actor_id, actor_name, \
                 member_id, member_name, action, resource_type, resource_id, resource_name, description, status, \
                 client_address, request_id, before_json, after_json, previous_hash, hash \
                 FROM audit_entries WHERE sequence = 7",
                "UPDATE audit_heads SET sequence = 11",
            ]),
            11,
            Fault::Changed,
        ),
        // A seal that is none.
        (run(&["UPDATE audit_heads SET seal = hash"]), 10, Fault::EndChanged),
    ]);
    table
}

#[tokio::test]
async fn the_first_entry_that_is_not_as_it_was_written_is_named() {
    for (engine, home) in TestEnvironment::each().await {
        let f = Fixture::on(home).await;
        let whole = f.verified().await;
        assert_eq!((whole.entries, whole.sequence, whole.broken), (10, ENTRIES, None), "{engine}");
        assert_eq!(whole.hash, f.end.head.hash.to_hex());
        for (statements, sequence, fault) in tampering() {
            let written: Vec<_> = statements.iter().map(String::as_str).collect();
            f.write(&written).await;
            let broken = f.verified().await.broken;
            let found = broken.as_ref().map(|broken| (broken.sequence, broken.fault));
            assert_eq!(found, Some((sequence, fault)), "{engine}: {statements:?}");
            f.restore().await;
        }
        assert_eq!(f.verified().await.broken, None, "{engine}");
        f.service.close().await;
    }
}

#[tokio::test]
async fn a_log_that_was_cut_off_goes_on_and_says_so_for_ever() {
    for (engine, home) in TestEnvironment::each().await {
        let f = Fixture::on(home).await;
        for cut in [
            &["DELETE FROM audit_entries WHERE sequence >= 9", "UPDATE audit_heads SET sequence = 8"][..],
            &["DELETE FROM audit_heads"],
        ] {
            f.write(cut).await;
            // Changes are still made: keys must be revocable whatever somebody does to the log.
            f.create_agent("afterwards").await;
            let broken = f.verified().await.broken.unwrap();
            assert_eq!(broken.fault, Fault::Interrupted, "{engine}: {cut:?}");
            assert!(broken.sequence == 9 || broken.sequence == ENTRIES + 1, "{engine}: {cut:?}");
            f.restore().await;
        }
        // All of it: it begins anew, and says that it does.
        f.write(&["DELETE FROM audit_entries", "DELETE FROM audit_heads"]).await;
        f.create_agent("afterwards").await;
        let organization = OrganizationId::new(&*f.made.organization_id);
        let first = f.service.management.store.audit_chain(&organization, 0, 1).await.unwrap();
        assert_eq!(first[0].action, "audit_log.started", "{engine}");
        f.service.close().await;
    }
}

#[tokio::test]
async fn an_export_is_checked_line_by_line() {
    let f = Fixture::on(TestEnvironment::sqlite()).await;
    let lines = f.exported().await;
    let whole = f.verify_export(&lines);
    assert_eq!((whole.entries, whole.sequence, whole.broken), (10, ENTRIES, None));
    // It may begin anywhere.
    assert_eq!(f.verify_export(&lines[4..]).broken, None);

    let changed = |at: usize, from: &str, to: &str| {
        let mut lines = lines.clone();
        assert!(lines[at].contains(from), "{}", lines[at]);
        lines[at] = lines[at].replacen(from, to, 1);
        lines
    };
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat();
    let swapped = {
        let mut lines = lines.clone();
        lines.swap(6, 7);
        lines
    };
    let twice = [&lines[..7], &lines[6..]].concat();
    for (lines, sequence, fault) in [
        (changed(6, "=1+1", "=2+2"), 7, Fault::Changed),
        (changed(5, "MEMBER", "SYSTEM"), 6, Fault::Changed),
        (changed(6, "\"sequence\":7", "\"sequence\":6"), 6, Fault::Misplaced),
        (without(6), 7, Fault::Missing),
        (swapped, 7, Fault::Missing),
        (twice, 7, Fault::Misplaced),
    ] {
        let found = f.verify_export(&lines).broken.map(|broken| (broken.sequence, broken.fault));
        assert_eq!(found, Some((sequence, fault)));
    }

    let verifier = Verifier::new(&Config::default(), &f.home.environment.data_dir).unwrap();
    for (text, says) in [
        ("", "no entry"),
        ("{}", "line 1"),
        ("hush-hush", "line 1"),
        (&*format!("{}\n[]", lines[0]), "line 2"),
    ] {
        let error = verifier.export(Cursor::new(text)).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("hush"), "{error}");
    }

    // What was exported finds a database that was set back together with its end.
    let exported = f.verify_export(&lines);
    let log = Database::open(&f.home.environment).await.unwrap();
    assert_eq!(verifier.holds(&log, &exported).await.unwrap(), None);
    f.write(&["DELETE FROM audit_entries WHERE sequence = 10"]).await;
    let broken = verifier.holds(&log, &exported).await.unwrap().unwrap();
    assert_eq!((broken.sequence, broken.fault), (ENTRIES, Fault::Missing));
    log.close().await;
    f.service.close().await;
}

#[tokio::test]
async fn without_the_key_nothing_is_right() {
    let f = Fixture::on(TestEnvironment::sqlite()).await;
    let log = Database::open(&f.home.environment).await.unwrap();
    let other = ChainKey::generate(&*f.home.environment.random);
    let config = Config { audit_key: Some(other), ..Config::default() };
    let verified = Verifier::new(&config, f.home.path()).unwrap().database(&log, None).await.unwrap();
    let broken = verified[0].broken.as_ref().unwrap();
    assert_eq!((broken.sequence, broken.fault), (1, Fault::Changed));
    let nowhere = tempfile_dir(&f);
    assert!(matches!(Verifier::new(&Config::default(), &nowhere), Err(VerifyError::NoKey)));
    let bad = Config { audit_key: Some(Secret::new("AAAA")), ..Config::default() };
    assert!(matches!(Verifier::new(&bad, f.home.path()), Err(VerifyError::Key(_))));
    log.close().await;
    f.service.close().await;
}

/// A directory that has no key.
fn tempfile_dir(f: &Fixture) -> std::path::PathBuf {
    let nowhere = f.home.path().join("nowhere");
    std::fs::create_dir(&nowhere).unwrap();
    nowhere
}
