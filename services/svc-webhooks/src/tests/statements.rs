//! Every statement carries organization and agent: asked for another organization or another agent, it finds nothing of
//! what is there and changes nothing, on both engines. No policy stands beneath here: it is the statement itself.
//!
//! The cases are the operations as their spans name them. The sources are looked through for these, so that a new one
//! without its case fails the test.

use svc_core::clock::Timestamp;
use svc_db::Scope;
use svc_db::testing::{START, rows_of};

use super::*;
use crate::store::{Kept, Lease, NewDelivery, Next, Sent, Store, What, Work, Writer};

/// What has no rows of an agent: transactions.
const OF_NOBODY: &[&str] = &["sql.rs db.webhook.begin", "work.rs db.webhook.commit"];

/// What is done for all agents, by the service itself and for no caller.
const OF_EVERYBODY: &[&str] = &[
    "sql.rs db.webhook.has_work",
    "work.rs db.webhook.claim",
    "work.rs db.webhook.free_all",
    "work.rs db.webhook_delivery.prune",
];

/// All others, in an order in which each has something to find.
const CASES: &[&str] = &[
    "work.rs db.webhook.insert",
    "sql.rs db.webhook.find",
    "sql.rs db.webhook.list",
    "work.rs db.webhook.count",
    "work.rs db.webhook.lock",
    "work.rs db.webhook.active",
    "work.rs db.webhook.update",
    "work.rs db.webhook.restart",
    "work.rs db.webhook_delivery.insert",
    "work.rs db.webhook.wake",
    "sql.rs db.webhook_delivery.list",
    "work.rs db.webhook_delivery.find",
    FIRST_OF_LEASE,
    "sql.rs db.webhook_delivery.due",
    "sql.rs db.webhook_delivery.pending",
    "work.rs db.webhook.advance",
    "work.rs db.webhook_delivery.note",
    "work.rs db.webhook_delivery.replay",
    "work.rs db.webhook.release",
    "work.rs db.webhook_delivery.give_up",
    "work.rs db.webhook.disable",
    "work.rs db.webhook.delete",
    "work.rs db.webhook.erase",
];

/// Before it the webhook is leased, whoever it belongs to.
const FIRST_OF_LEASE: &str = "sql.rs db.webhook.leased";

// Lists begin after all ids, which are hexadecimal.
const WEBHOOK: &str = "a webhook";
const DELIVERY: &str = "a delivery";
const TOKEN: &str = "token";
const LATER: Timestamp = Timestamp(START.0 + 1_000_000);

/// Every operation of the sources has its case.
#[test]
fn every_statement_has_its_case() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store");
    let mut found: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let names = text.split("#[instrument(name = \"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let before = found.len();
        found.extend(names.map(|name| format!("{file} {name}")));
        let sends = text.contains("svc_db::read!(") || text.contains("transaction.run(");
        assert!(!sends || found.len() > before, "{file}: statements without a span have no name");
    }
    found.sort();
    let mut expected: Vec<&str> = CASES.iter().chain(OF_NOBODY).chain(OF_EVERYBODY).copied().collect();
    expected.sort_unstable();
    assert_eq!(
        found, expected,
        "a statement that is new needs a case here, which finds something of its own"
    );
}

#[tokio::test]
async fn statements_carry_organization_and_agent() {
    for (engine, stage) in Stage::each().await {
        let db = &stage.toy.db;
        let (store, writer) = crate::store::over(db, stage.toy.head_sql());
        let held = Held { store, writer, owner: owner('0') };
        for (number, case) in CASES.iter().enumerate() {
            if *case == FIRST_OF_LEASE {
                held.claim().await;
            }
            let before = rows_of(db, &held.owner).await;
            let others = [
                Partition { agent_id: format!("agent {number}"), ..held.owner.clone() },
                Partition { organization_id: format!("org {number}"), ..held.owner.clone() },
            ];
            for other in &others {
                let found = held.run(case, other).await;
                assert!(!found.contains(&true), "{engine}: {case} for {other:?} finds what is another one's");
                let after = rows_of(db, &held.owner).await;
                assert_eq!(after, before, "{engine}: {case} for {other:?} changes what is another one's");
            }
            let found = held.run(case, &held.owner).await;
            let has_found = !found.is_empty() && !found.contains(&false);
            let has_changed = rows_of(db, &held.owner).await != before;
            assert!(has_found || has_changed, "{engine}: {case} finds nothing of its own: it proves nothing");
        }
    }
}

/// Whose webhook there is, and where it is kept.
struct Held {
    store: Arc<dyn Store>,
    writer: Writer,
    owner: Partition,
}

impl Held {
    async fn claim(&self) {
        let mut work = self.writer.begin(&Scope::everything()).await.unwrap();
        assert_eq!(work.claim(TOKEN, START, LATER, 10).await.unwrap().len(), 1);
        work.commit().await.unwrap();
    }

    /// This one, or where something is another one's, one like no other: ids are unique.
    fn id(&self, p: &Partition, id: &str) -> String {
        if *p == self.owner { id.to_owned() } else { format!("{id} of {} {}", p.organization_id, p.agent_id) }
    }

    /// A webhook of a partition.
    fn webhook(&self, p: &Partition) -> Kept {
        let settings = Settings {
            url: "https://example.com".to_owned(),
            events: vec![EventType::KeyDeleted],
            description: String::new(),
            status: WebhookStatus::Active,
        };
        let webhook = Webhook {
            id: self.id(p, WEBHOOK),
            settings,
            disabled_reason: None,
            failing_since: None,
            overlap_ends_at: None,
            created_at: START,
            updated_at: START,
            version: 1,
        };
        Kept { owner: p.clone(), webhook, secret: vec![1], older_secret: None, position: 0, failures: 0 }
    }

    /// What the owner has, as if it were this partition's.
    fn claimed_by(&self, p: &Partition) -> Kept {
        Kept { owner: p.clone(), ..self.webhook(&self.owner) }
    }

    /// Carries out a case for a partition, with the ids of what the owner has: whether it found or did something, as far
    /// as it says.
    async fn run(&self, case: &str, p: &Partition) -> Vec<bool> {
        let mut work = self.writer.begin(&Scope::of(p)).await.unwrap();
        let found = match case.starts_with("sql.rs") {
            true => self.read(case, p).await,
            false => self.write(case, p, &mut *work).await,
        };
        work.commit().await.unwrap();
        found
    }

    async fn read(&self, case: &str, p: &Partition) -> Vec<bool> {
        let (store, size, lease) = (&self.store, PageSize::new(Some(10)).unwrap(), lease(p));
        match case {
            "sql.rs db.webhook.find" => vec![store.find(p, WEBHOOK).await.unwrap().is_some()],
            // Others have added one of their own before, under another name.
            "sql.rs db.webhook.list" => vec![!store.list(p, size, None).await.unwrap().is_empty()],
            "sql.rs db.webhook_delivery.list" => {
                let mut found = Vec::new();
                for status in [None, Some(DeliveryStatus::Pending)] {
                    found.push(!store.deliveries(p, WEBHOOK, status, size, None).await.unwrap().is_empty());
                }
                found
            }
            "sql.rs db.webhook.leased" => vec![store.leased(&lease).await.unwrap().is_some()],
            "sql.rs db.webhook_delivery.due" => vec![store.due(&lease, LATER).await.unwrap().is_some()],
            "sql.rs db.webhook_delivery.pending" => vec![store.pending(&lease, 10).await.unwrap() > 0],
            case => panic!("{case} is not carried out"),
        }
    }

    async fn write(&self, case: &str, p: &Partition, work: &mut dyn Work) -> Vec<bool> {
        let lease = lease(p);
        match case {
            "work.rs db.webhook.insert" => work.insert(&self.webhook(p)).await.unwrap(),
            "work.rs db.webhook.count" => return vec![work.count(p).await.unwrap() > 0],
            "work.rs db.webhook.lock" => return vec![work.find(p, WEBHOOK).await.unwrap().is_some()],
            "work.rs db.webhook.active" => return vec![!work.active(p).await.unwrap().is_empty()],
            "work.rs db.webhook.update" => {
                let mut kept = self.claimed_by(p);
                kept.webhook.version = 2;
                work.update(&kept).await.unwrap();
            }
            "work.rs db.webhook.restart" => {
                work.restart(&Kept { position: 7, ..self.claimed_by(p) }).await.unwrap();
            }
            "work.rs db.webhook_delivery.insert" => self.add(p, work).await,
            "work.rs db.webhook.wake" => work.wake(p, WEBHOOK, START).await.unwrap(),
            "work.rs db.webhook_delivery.find" => {
                return vec![work.delivery(p, WEBHOOK, DELIVERY).await.unwrap().is_some()];
            }
            "work.rs db.webhook.advance" => return vec![work.advance(&lease, 8).await.unwrap()],
            "work.rs db.webhook_delivery.note" => {
                let again = Next::Again { at: LATER, rests_until: LATER };
                let mut found = Vec::new();
                for (outcome, next) in
                    [(Outcome::Failed(Failure::TimedOut), again), (Outcome::Answered(200), Next::Delivered)]
                {
                    let sent = Sent { id: DELIVERY, outcome, next, now: START, leased_until: LATER };
                    found.push(work.note(&lease, &sent).await.unwrap());
                }
                return found;
            }
            "work.rs db.webhook_delivery.replay" => work.replay(p, WEBHOOK, DELIVERY, START).await.unwrap(),
            "work.rs db.webhook.release" => work.release(&lease, START, LATER).await.unwrap(),
            "work.rs db.webhook_delivery.give_up" => work.give_up(p, WEBHOOK, LATER).await.unwrap(),
            "work.rs db.webhook.disable" => {
                work.disable(p, WEBHOOK, DisabledReason::Gone, LATER).await.unwrap();
            }
            "work.rs db.webhook.delete" => {
                work.delete(p, WEBHOOK).await.unwrap();
                if *p == self.owner {
                    // For the next case.
                    work.insert(&self.webhook(p)).await.unwrap();
                    self.add(p, work).await;
                }
            }
            "work.rs db.webhook.erase" => return vec![work.erase(p, 10).await.unwrap() > 0],
            case => panic!("{case} is not carried out"),
        }
        Vec::new()
    }

    /// A message that tells of something of the partition's.
    async fn add(&self, p: &Partition, work: &mut dyn Work) {
        let id = self.id(p, DELIVERY);
        let event = Event {
            id: id.clone(),
            owner: p.clone(),
            event: EventType::KeyDeleted,
            at: START,
            data: "{}".to_owned(),
        };
        let new =
            NewDelivery { id: &id, owner: p, webhook_id: WEBHOOK, what: What::Event(&event), now: START };
        work.add(&new).await.unwrap();
    }
}

fn lease(p: &Partition) -> Lease {
    Lease { owner: p.clone(), webhook_id: WEBHOOK.to_owned(), token: TOKEN.to_owned() }
}
