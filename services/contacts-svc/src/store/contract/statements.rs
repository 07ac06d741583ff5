//! Every statement carries organization and agent: asked for another organization or another agent, it finds nothing of
//! what is there and changes nothing, on both engines. On PostgreSQL as a superuser, whom no policy binds: so it is the
//! statement itself that does it.
//!
//! The cases are the operations as their spans name them. The sources are looked through for these, so that a new one
//! without its case fails the test.

use std::collections::BTreeSet;

use svc_db::testing::rows_of;

use super::*;
use crate::domain::{
    Alike, Column, Counts, FieldSet, File, Import, ImportStatus, Problem, Reachable, RowError, Stand,
    UniqueValue,
};
use crate::store::{ImportStore, imports_in};

/// What has no rows of an agent: transactions, locks by number, the key of cursors.
const OF_NOBODY: &[&str] = &[
    "sql.rs db.contact.begin",
    "sql.rs db.contact.commit",
    "people.rs db.contact.lock_people",
    "cursor_key.rs db.cursor_key.find",
    "imports.rs db.import.count_tables",
];

/// What the service does for all agents, by itself and for no caller.
const OF_EVERYBODY: &[&str] = &[
    "sql.rs db.contact.expired",
    "changes.rs db.contact_feed.list",
    "backlog.rs db.contact_index_backlog.work_off",
    "index.rs db.contact_index.rewrite",
    "files.rs db.file_object.due",
    "files.rs db.file_object.forget",
    "imports.rs db.import.purge",
    "agent_erasures.rs db.agent_erasure.due",
];

/// All others, in an order in which each has something to find, with how many statements have the name.
const CASES: &[(&str, usize)] = &[
    ("sql.rs db.contact.insert", 1),
    ("writing.rs db.contact.create", 1),
    ("writing.rs db.contact_change.record_new", 1),
    ("writing.rs db.contact_change.record", 1),
    ("changes.rs db.contact_change.append", 1),
    ("index.rs db.contact_index.write", 1),
    ("sql.rs db.contact.upsert", 1),
    ("sql.rs db.contact.find", 1),
    ("sql.rs db.contact.lock", 1),
    ("sql.rs db.contact.alike", 1),
    ("people.rs db.contact.alike", 1),
    ("sql.rs db.contact.history", 1),
    ("lists.rs db.contact.walk", 1),
    ("sieve.rs db.contact.sift", 1),
    ("sieve.rs db.contact.reach", 1),
    ("lists.rs db.contact.candidates", 1),
    ("lists.rs db.contact.count", 1),
    ("lists.rs db.contact.these", 1),
    ("changes.rs db.contact_change.list", 1),
    ("changes.rs db.contact_feed.find", 1),
    ("feed.rs db.contact_feed.head", 1),
    ("feed.rs db.contact_change.after", 1),
    ("fields.rs db.contact_feed.lock", 1),
    ("fields.rs db.contact_field_set.write", 1),
    ("sql.rs db.contact_field_set.find", 1),
    ("fields.rs db.contact_field_set.find", 1),
    ("sql.rs db.contact.values", 1),
    ("fields.rs db.contact.values", 1),
    ("fields.rs db.contact_unique_value.take", 1),
    ("many.rs db.contact_unique_value.find_many", 1),
    ("fields.rs db.contact_unique_value.release", 1),
    ("many.rs db.contact_unique_value.take_many", 1),
    ("many.rs db.contact_unique_value.release_many", 1),
    ("fields.rs db.contact_unique_value.release_field", 1),
    ("many.rs db.contact.lock_many", 1),
    ("many.rs db.contact.lock_alike", 1),
    ("many.rs db.contact.insert_many", 1),
    ("creations.rs db.contact.insert_free", 1),
    ("creations.rs db.contact.ids_of", 1),
    ("many.rs db.contact.update_many", 1),
    ("sql.rs db.contact.update", 1),
    ("people.rs db.contact.forget_answers", 1),
    ("files.rs db.file_object.begin", 1),
    ("files.rs db.file_object.note_parts", 1),
    ("files.rs db.file_object.abandon", 1),
    ("files.rs db.file_object.take", 1),
    ("files.rs db.file.insert", 1),
    ("files.rs db.file.find", 1),
    ("files.rs db.file.find_of_agent", 1),
    ("files.rs db.file.list", 1),
    ("files.rs db.file.count", 2),
    ("files.rs db.file.delete", 1),
    ("files.rs db.file.delete_all", 1),
    ("imports.rs db.import.insert", 1),
    ("imports.rs db.import.find", 2),
    ("imports.rs db.import.list", 1),
    ("imports.rs db.import.save", 1),
    ("imports.rs db.import.errors", 1),
    ("imports.rs db.import.see", 1),
    ("imports.rs db.import.take_over", 1),
    ("imports.rs db.import.forget_call", 1),
    ("imports.rs db.import.fail", 1),
    ("changes.rs db.contact_change.prune", 1),
    ("sql.rs db.contact.delete", 1),
    ("agent_erasures.rs db.agent_erasure.take", 1),
    ("agent_erasures.rs db.agent_erasure.contacts", 1),
    ("agent_erasures.rs db.agent_erasure.imports", 1),
    ("agent_erasures.rs db.agent_erasure.changes", 1),
    ("agent_erasures.rs db.agent_erasure.end", 1),
];

const NUMBER: &str = "+491701234567";
const SCOPE: &[u8] = b"the scope of a call";

/// Every operation of the sources has its case.
#[test]
fn every_statement_has_its_case() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store");
    let mut found: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let names = text.split("#[instrument(name = \"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let before = found.len();
        found.extend(names.map(|name| format!("{file} {name}")));
        // `read!` and transactions are where statements are sent from.
        let sends = text.contains("svc_db::read!(") || text.contains("ransaction.run(");
        let is_test = ["contract.rs", "plans.rs", "policies.rs"].contains(&file.as_str());
        assert!(is_test || !sends || found.len() > before, "{file}: statements without a span have no name");
    }
    found.sort();
    let cases = CASES.iter().flat_map(|(name, count)| std::iter::repeat_n(*name, *count));
    let mut expected: Vec<&str> = cases.chain(OF_NOBODY.iter().chain(OF_EVERYBODY).copied()).collect();
    expected.sort_unstable();
    assert_eq!(
        found, expected,
        "a statement that is new needs a case here, which finds something of its own"
    );
}

#[tokio::test]
async fn statements_carry_organization_and_agent_on_sqlite() {
    on(TestEnvironment::sqlite()).await;
}

#[tokio::test]
async fn statements_carry_organization_and_agent_on_postgres() {
    on(TestEnvironment::postgres_superuser().await).await;
}

async fn on(home: TestEnvironment) {
    let (store, db) = Kept::open(&home).await;
    let owner = Partition { organization_id: "org".to_owned(), agent_id: "agent".to_owned() };
    let held = Held { imports: imports_in(&db), feed: feed(&db, store.store.clone()), store, owner };
    for (number, (case, count)) in CASES.iter().enumerate() {
        let others = [
            Partition { agent_id: format!("agent {number}"), ..held.owner.clone() },
            Partition { organization_id: format!("org {number}"), ..held.owner.clone() },
        ];
        let before = rows_of(&db, &held.owner).await;
        for other in &others {
            let found = held.run(case, other).await;
            assert_eq!(found, vec![false; *count], "{case} for {other:?} finds what is another one's");
            assert_eq!(
                rows_of(&db, &held.owner).await,
                before,
                "{case} for {other:?} changes what is another one's"
            );
        }
        let found = held.run(case, &held.owner).await;
        let has_changed = rows_of(&db, &held.owner).await != before;
        assert!(
            found == vec![true; *count] || has_changed,
            "{case} finds nothing of its own: it proves nothing"
        );
    }
    db.close().await;
}

/// Whose things there are, and where they are kept.
struct Held {
    store: Kept,
    imports: Arc<dyn ImportStore>,
    feed: Arc<dyn svc_webhooks::Feed>,
    owner: Partition,
}

impl Held {
    /// A contact of the owner with all that it can be found by.
    fn contact(&self, number: u32) -> Contact {
        let mut contact = contact(&self.owner, number);
        contact.fields.name = Some(format!("Ann {number}"));
        contact.fields.mobile_number = Some(NUMBER.to_owned());
        contact.fields.tags = vec!["vip".to_owned()];
        contact.fields.custom_fields = [("code".to_owned(), JsonText::new("1"))].into();
        contact
    }

    /// One of the number that nobody has.
    fn new_of(&self, partition: &Partition, number: u32) -> Contact {
        Contact { id: contact(partition, number).id, ..self.contact(number) }
    }

    fn file(&self, id: &str) -> File {
        File {
            id: id.to_owned(),
            contact_id: self.contact(1).id,
            name: "a.txt".to_owned(),
            content_type: "text/plain".to_owned(),
            description: None,
            size: 1,
            sha256: "00".to_owned(),
            object_key: format!("object of {id}"),
            created_at: START,
        }
    }

    fn import(&self, id: &str) -> Import {
        Import {
            id: id.to_owned(),
            label: Some("label".to_owned()),
            status: ImportStatus::Running,
            dry_run: false,
            counts: Counts::default(),
            failure: None,
            created_at: START,
            updated_at: START,
            finished_at: None,
            runner: "runner".to_owned(),
            seen_at: START,
            stand: Stand { position: 0, lines: 0, digest: vec![0] },
            request: None,
        }
    }

    /// Carries out a case for a partition, with the ids of what the owner has: whether each statement of the name found
    /// or did something, as far as it says.
    async fn run(&self, case: &str, p: &Partition) -> Vec<bool> {
        let is_owner = *p == self.owner;
        let store = &self.store;
        let one = self.contact(1);
        let value = |digest: &str| UniqueValue { key: "code".to_owned(), digest: digest.as_bytes().to_vec() };
        let pairs = [(value("many"), one.id.clone())];
        let by = Reachable {
            email_key: Some("ann@example.com".to_owned()),
            mobile_number: Some(NUMBER.to_owned()),
        };
        let alike: BTreeSet<Alike> =
            [Alike::Email("ann@example.com".to_owned()), Alike::MobileNumber(NUMBER.to_owned())].into();
        let size = PageSize::new(Some(10)).unwrap();
        let terms: Vec<i64> = crate::domain::terms::terms(&one).into_iter().collect();
        let (file, object, import) = (self.file("file"), "object of an upload", self.import("0f"));
        let updated = Contact { version: 2, ..one.clone() };
        let mut work = store.begin(p).await.unwrap();
        let found = match case {
            "sql.rs db.contact.insert" => {
                let new = if is_owner { one } else { self.new_of(p, 1) };
                vec![work.insert(p, &new).await.unwrap() && is_owner]
            }
            "writing.rs db.contact.create" => {
                let new = self.new_of(p, if is_owner { 4 } else { 1 });
                let created = work.create(p, "actor", &new, &[value("new")]).await.unwrap();
                assert_eq!(created, Created::At(0));
                vec![false]
            }
            "writing.rs db.contact_change.record_new" => {
                let new = if is_owner { self.contact(6) } else { self.new_of(p, 1) };
                work.append_changes(p, "actor", &[ContactChange::Created(new)]).await.unwrap();
                vec![false]
            }
            "writing.rs db.contact_change.record" => {
                // The index of a contact that is not the caller's is to be removed, and stays.
                let gone = ContactChange::Deleted { before: one.clone(), at: START };
                work.append_changes(p, "actor", &[gone]).await.unwrap();
                if is_owner {
                    work.append_changes(p, "actor", &[ContactChange::Created(one)]).await.unwrap();
                }
                vec![false]
            }
            // As many as are written by a statement for each kind of row.
            "changes.rs db.contact_change.append" | "index.rs db.contact_index.write" => {
                let before = std::iter::once(one).chain((100..120).map(|number| self.contact(number)));
                let changes: Vec<_> =
                    before.map(|before| ContactChange::Deleted { before, at: START }).collect();
                work.append_changes(p, "actor", &changes).await.unwrap();
                if is_owner {
                    let again = ContactChange::Created(self.contact(1));
                    work.append_changes(p, "actor", &[again]).await.unwrap();
                }
                vec![false]
            }
            "sql.rs db.contact.upsert" => {
                let new = self.new_of(p, if is_owner { 2 } else { 1 });
                vec![work.insert_or_find(p, &new).await.unwrap().id == self.contact(1).id]
            }
            "sql.rs db.contact.find" => vec![store.store.find(p, &by_id(&one)).await.unwrap().is_some()],
            "sql.rs db.contact.lock" => {
                let by_id = work.find(p, &by_id(&one)).await.unwrap().is_some();
                let by_reference = work.find(p, &by_reference(&one)).await.unwrap().is_some();
                assert_eq!(by_id, by_reference);
                vec![by_id]
            }
            "sql.rs db.contact.alike" => vec![!store.store.alike(p, &by).await.unwrap().is_empty()],
            "people.rs db.contact.alike" => vec![!work.alike(p, &by).await.unwrap().is_empty()],
            "sql.rs db.contact.history" => vec![!store.store.history(p, &one.id).await.unwrap().is_empty()],
            // Every kind of stretch and of candidates is tried in `plans.rs`.
            "lists.rs db.contact.walk" => {
                let along = Along::Terms(terms);
                let sort = Sort::default();
                let stretch = Stretch { along: &along, sort, after: None, until: None, limit: 10 };
                vec![!store.store.walk(p, &stretch).await.unwrap().is_empty()]
            }
            "sieve.rs db.contact.sift" => {
                let sort = Sort::default();
                let along = Along::Statuses(&[Status::Active, Status::Archived]);
                let stretch = Stretch { along: &along, sort, after: None, until: None, limit: 10 };
                let sieve = Sieve { values: vec![terms.clone()], ..Sieve::default() };
                vec![!store.store.sift(p, &stretch, &sieve).await.unwrap().through.is_empty()]
            }
            "sieve.rs db.contact.reach" => {
                let along = Along::Terms(terms);
                let sort = Sort::default();
                let stretch = Stretch { along: &along, sort, after: None, until: None, limit: 10 };
                let reaches = store.store.reach(p, &stretch).await.unwrap();
                vec![reaches.iter().any(|reach| reach.count > 0)]
            }
            "lists.rs db.contact.candidates" => {
                let candidates = Candidates::Column(Column::MobileNumber, NUMBER);
                vec![!store.store.candidates(p, &candidates, 10).await.unwrap().is_empty()]
            }
            "lists.rs db.contact.count" => vec![store.store.count(p, &terms, 10).await.unwrap() > 0],
            "lists.rs db.contact.these" => vec![!store.store.these(p, &[&one.id]).await.unwrap().is_empty()],
            "changes.rs db.contact_change.list" => {
                vec![!store.store.changes(p, size, 0).await.unwrap().changes.is_empty()]
            }
            "changes.rs db.contact_feed.find" => vec![store.store.feed(p).await.unwrap().last_sequence > 0],
            "feed.rs db.contact_feed.head" => vec![self.feed.head(p).await.unwrap() > 0],
            "feed.rs db.contact_change.after" => vec![!self.feed.after(p, 0, 10).await.unwrap().is_empty()],
            "fields.rs db.contact_feed.lock" => {
                work.lock_writes(p).await.unwrap();
                // It changes nothing, but whoever has the lock sees the same afterwards.
                vec![is_owner]
            }
            "fields.rs db.contact_field_set.write" => {
                work.write_field_set(p, &FieldSet { revision: 7, fields: Vec::new() }).await.unwrap();
                vec![false]
            }
            "sql.rs db.contact_field_set.find" => vec![store.store.field_set(p).await.unwrap().revision == 7],
            "fields.rs db.contact_field_set.find" => vec![work.field_set(p).await.unwrap().revision == 7],
            "sql.rs db.contact.values" => {
                let (values, _) = store.store.stored_values(p, "code", &ValuesAfter::START).await.unwrap();
                vec![!values.is_empty()]
            }
            "fields.rs db.contact.values" => {
                let (values, _) = work.stored_values(p, "code", &ValuesAfter::START).await.unwrap();
                vec![!values.is_empty()]
            }
            "fields.rs db.contact_unique_value.take" => {
                let holder = work.take_value(p, &value("one"), &one.id).await.unwrap();
                vec![holder.is_some()]
            }
            "many.rs db.contact_unique_value.find_many" => {
                let holders = work.holders(p, &[value("one")].into()).await.unwrap();
                vec![!holders.is_empty()]
            }
            "fields.rs db.contact_unique_value.release" => {
                work.release_value(p, &value("one"), &one.id).await.unwrap();
                vec![false]
            }
            "many.rs db.contact_unique_value.take_many" => {
                vec![work.take_many(p, &pairs).await.unwrap() && is_owner]
            }
            "many.rs db.contact_unique_value.release_many" => {
                work.release_many(p, &pairs).await.unwrap();
                if is_owner {
                    // For the next case.
                    work.take_value(p, &value("field"), &one.id).await.unwrap();
                }
                vec![false]
            }
            "fields.rs db.contact_unique_value.release_field" => {
                work.release_field(p, "code").await.unwrap();
                vec![false]
            }
            "many.rs db.contact.lock_many" => {
                let (references, ids) = ([by_reference_text(&one)].into(), [one.id.as_str()].into());
                vec![!work.find_many(p, &references, &ids).await.unwrap().is_empty()]
            }
            "many.rs db.contact.lock_alike" => {
                vec![!work.find_alike(p, &alike).await.unwrap().is_empty()]
            }
            "many.rs db.contact.insert_many" => {
                let new = self.new_of(p, if is_owner { 3 } else { 1 });
                vec![work.insert_many(p, &[new]).await.unwrap() && is_owner]
            }
            "creations.rs db.contact.insert_free" => {
                let new = self.new_of(p, if is_owner { 5 } else { 1 });
                vec![!work.insert_free(p, &[&new]).await.unwrap().is_empty() && is_owner]
            }
            "creations.rs db.contact.ids_of" => {
                let references = [by_reference_text(&one)].into();
                vec![!work.ids_of(p, &references).await.unwrap().is_empty()]
            }
            "many.rs db.contact.update_many" => {
                work.update_many(p, &[updated]).await.unwrap();
                vec![false]
            }
            "sql.rs db.contact.update" => {
                work.update(p, &Contact { version: 3, ..updated }).await.unwrap();
                vec![false]
            }
            "people.rs db.contact.forget_answers" => {
                // Answers are an organization's (`answers_forget_a_deleted_contact` has some).
                work.forget_answers(p, &one.id).await.unwrap();
                vec![is_owner]
            }
            "files.rs db.file_object.begin" => {
                // Keys are made for one upload: those of the others are theirs.
                let key = if is_owner { object.to_owned() } else { format!("{p:?}") };
                work.begin_object(p, &key, START).await.unwrap();
                vec![false]
            }
            "files.rs db.file_object.note_parts" => {
                work.note_parts(p, object, "parts").await.unwrap();
                vec![false]
            }
            "files.rs db.file_object.abandon" => {
                work.abandon_object(p, object, Timestamp(START.0 + 1)).await.unwrap();
                if is_owner {
                    work.begin_object(p, "object of take", START).await.unwrap();
                }
                vec![false]
            }
            "files.rs db.file_object.take" => vec![work.take_object(p, "object of take").await.unwrap()],
            "files.rs db.file.insert" => {
                let id = if is_owner { "file".to_owned() } else { format!("{p:?}") };
                work.insert_file(p, &self.file(&id)).await.unwrap();
                vec![false]
            }
            "files.rs db.file.find" => {
                let by_id = store.store.find_file(p, &by_id(&one), &file.id).await.unwrap().is_some();
                let by_reference = store.store.find_file(p, &by_reference(&one), &file.id).await.unwrap();
                assert_eq!(by_id, by_reference.is_some());
                vec![by_id]
            }
            "files.rs db.file.find_of_agent" => {
                vec![store.store.find_file_of_agent(p, &file.id).await.unwrap().is_some()]
            }
            "files.rs db.file.list" => {
                vec![!store.store.list_files(p, &one.id, size, None).await.unwrap().files.is_empty()]
            }
            "files.rs db.file.count" => vec![
                store.store.count_files(p, &one.id).await.unwrap() > 0,
                work.count_files(p, &one.id).await.unwrap() > 0,
            ],
            "files.rs db.file.delete" => {
                let deleted = work.delete_file(p, &one.id, &file.id, START).await.unwrap();
                if is_owner {
                    work.insert_file(p, &self.file("another")).await.unwrap();
                }
                vec![deleted]
            }
            "files.rs db.file.delete_all" => {
                vec![!work.delete_files_of(p, &one.id, START).await.unwrap().is_empty()]
            }
            "imports.rs db.import.insert" => {
                let call = Some(("key/k", SCOPE));
                vec![work.insert_import(p, &import, call).await.unwrap() && is_owner]
            }
            "imports.rs db.import.find" => vec![
                self.imports.find(p, &import.id).await.unwrap().is_some(),
                work.find_import_by_call(p, "key/k", SCOPE).await.unwrap().is_some(),
            ],
            "imports.rs db.import.list" => {
                let all = self.imports.list(p, None, 10, None).await.unwrap().is_empty();
                let of_label = self.imports.list(p, Some("label"), 10, None).await.unwrap().is_empty();
                assert_eq!(all, of_label);
                vec![!all]
            }
            "imports.rs db.import.save" => {
                let problem =
                    Problem { code: "invalid".to_owned(), message: "wrong".to_owned(), details: Vec::new() };
                vec![work.save_import(p, &import, &[RowError { line: 2, problem }]).await.unwrap()]
            }
            "imports.rs db.import.errors" => {
                vec![!self.imports.errors(p, &import.id, 10, 0).await.unwrap().is_empty()]
            }
            "imports.rs db.import.see" => {
                let seen = Import { seen_at: Timestamp(START.0 + 1), ..import };
                work.see_import(p, &seen).await.unwrap();
                vec![false]
            }
            "imports.rs db.import.take_over" => {
                vec![work.take_import_over(p, &import, "another", START).await.unwrap()]
            }
            "imports.rs db.import.fail" => {
                let problem =
                    Problem { code: "invalid".to_owned(), message: "wrong".to_owned(), details: Vec::new() };
                // Whoever has taken it over.
                let taken = Import { runner: "another".to_owned(), ..import };
                work.fail_import(p, &taken, &problem, START).await.unwrap();
                vec![false]
            }
            "imports.rs db.import.forget_call" => {
                work.forget_import_call(p, &import.id).await.unwrap();
                vec![false]
            }
            "changes.rs db.contact_change.prune" => {
                drop(work);
                let pruned = store.store.prune(p, Timestamp(i64::MAX), 1).await.unwrap();
                return vec![pruned > 0];
            }
            "sql.rs db.contact.delete" => {
                work.delete(p, &one.id).await.unwrap();
                vec![false]
            }
            "agent_erasures.rs db.agent_erasure.take" => {
                vec![work.take_agent_erasure(p, START).await.unwrap() && is_owner]
            }
            "agent_erasures.rs db.agent_erasure.contacts" => {
                vec![work.erase_contacts(p, 1_000, START).await.unwrap() > 0 && is_owner]
            }
            "agent_erasures.rs db.agent_erasure.imports" => {
                // First the errors, then the import.
                let errors = work.erase_imports(p, 1_000).await.unwrap();
                vec![errors > 0 && work.erase_imports(p, 1_000).await.unwrap() > 0]
            }
            "agent_erasures.rs db.agent_erasure.changes" => {
                vec![work.erase_changes(p, 1_000).await.unwrap() > 0 && is_owner]
            }
            "agent_erasures.rs db.agent_erasure.end" => {
                let erasure = AgentErasure { of: p.clone(), taken_at: START };
                let left = work.end_agent_erasure(&erasure, START).await.unwrap();
                vec![left == Left::None && is_owner]
            }
            case => panic!("{case} is not carried out"),
        };
        work.commit().await.unwrap();
        found
    }
}

fn by_reference_text(contact: &Contact) -> &str {
    contact.fields.external_reference_id.as_deref().unwrap()
}
