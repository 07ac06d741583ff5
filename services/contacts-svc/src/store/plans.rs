//! How both engines read what lists ask for: along an index each, in its order, with an end.

use sqlx::AssertSqlSafe;
use svc_db::testing::TestEnvironment;
use svc_db::{AnyDb, Db, Dialect, Row, sql};

use super::lists::{candidates_text, count_text, these_text, walk_text};
use super::sieve::{reach_text, sift_text};
use super::*;
use crate::domain::{Column, Sort, SortBy, Status};

/// Contacts of the agent that is looked at, and of each of the others.
const MANY: usize = 20_000;
const OTHERS: usize = 200;
const OF_ANOTHER: usize = 5;

const ONE: &[Status] = &[Status::Active];
const BOTH: &[Status] = &[Status::Active, Status::Archived];

/// The organization and the agent that is looked at.
const MINE: [&str; 2] = ["'o'", "'a'"];

/// A statement, the indexes that it may go along, and values for its placeholders.
struct Case {
    name: String,
    text: String,
    indexes: Vec<&'static str>,
    values: Vec<&'static str>,
}

fn cases<D: Dialect>() -> Vec<Case> {
    let is_sqlite = D::choose("sqlite", "") == "sqlite";
    let terms = if is_sqlite { "contact_terms" } else { "contact_terms_pkey" };
    let by_id = if is_sqlite { "sqlite_autoindex_contacts_1" } else { "contacts_pkey" };
    let mut cases = Vec::new();
    for by in [SortBy::CreatedAt, SortBy::UpdatedAt, SortBy::Name] {
        for descending in [false, true] {
            let sort = Sort { by, descending };
            for statuses in [ONE, BOTH] {
                let (index, values) = match by {
                    SortBy::CreatedAt => {
                        ("contacts_by_creation", vec!["100", "'000000000000000000009000'", "0", "34"])
                    }
                    SortBy::UpdatedAt => {
                        ("contacts_by_update", vec!["100", "'000000000000000000009000'", "0", "34"])
                    }
                    SortBy::Name => {
                        ("contacts_by_name", vec!["'name 5'", "'000000000000000000009000'", "34"])
                    }
                };
                let of = ["'ACTIVE'", "'ARCHIVED'"];
                let values: Vec<_> = values.into_iter().chain(of.into_iter().take(statuses.len())).collect();
                let along = Along::Statuses(statuses);
                let text = walk_text::<D>(&along, sort);
                cases.push(Case { name: format!("{along:?} {sort:?}"), text, indexes: vec![index], values });
                if by == SortBy::Name {
                    let along = Along::Unnamed(statuses);
                    let text = walk_text::<D>(&along, sort);
                    let values = ["'000000000000000000009000'", "34"]
                        .into_iter()
                        .chain(of.into_iter().take(statuses.len()))
                        .collect();
                    cases.push(Case {
                        name: format!("{along:?} {sort:?}"),
                        text,
                        indexes: vec![index],
                        values,
                    });
                }
                if by == SortBy::CreatedAt {
                    let along = Along::Terms(vec![7; statuses.len()]);
                    let text = walk_text::<D>(&along, sort);
                    let numbers = ["1", "2"].into_iter().take(statuses.len());
                    let values =
                        ["100", "'000000000000000000009000'", "0", "34"].into_iter().chain(numbers).collect();
                    let indexes = vec![terms, by_id];
                    cases.push(Case { name: format!("{along:?} {sort:?}"), text, indexes, values });
                }
            }
            if by == SortBy::CreatedAt {
                for (column, index) in [
                    (Column::Email, "contacts_by_email"),
                    (Column::MobileNumber, "contacts_by_mobile_number"),
                ] {
                    let along = Along::Column(column, String::new());
                    let text = walk_text::<D>(&along, sort);
                    let values = vec!["100", "'000000000000000000009000'", "0", "34", "'mail 5'"];
                    cases.push(Case {
                        name: format!("{along:?} {sort:?}"),
                        text,
                        indexes: vec![index],
                        values,
                    });
                }
            }
        }
    }
    cases.extend(sieves::<D>(terms, by_id));
    let search = if is_sqlite { "contact_search" } else { "contact_search_by_term" };
    let rows = if is_sqlite { "r" } else { "contact_search_pkey" };
    let needles = if is_sqlite { "'a AND b'" } else { "'{1,2}'" };
    let time = svc_core::clock::Timestamp(0);
    for (candidates, indexes, values) in [
        (Candidates::Column(Column::Email, ""), vec!["contacts_by_email"], vec!["2001", "'mail 5'"]),
        (
            Candidates::Column(Column::MobileNumber, ""),
            vec!["contacts_by_mobile_number"],
            vec!["2001", "'number 5'"],
        ),
        (Candidates::Terms(&[1]), vec![terms, by_id], vec!["2001", "1"]),
        (Candidates::Terms(&[1, 2]), vec![terms, by_id], vec!["2001", "1", "2"]),
        (Candidates::Search(&[1, 2]), vec![search, rows, by_id], vec!["2001", needles]),
        (
            Candidates::Created(BOTH, time, time),
            vec!["contacts_by_creation"],
            vec!["2001", "5", "50", "'ACTIVE'", "'ARCHIVED'"],
        ),
        (Candidates::Updated(ONE, time), vec!["contacts_by_update"], vec!["2001", "5", "'ACTIVE'"]),
    ] {
        let text = candidates_text::<D>(&candidates);
        cases.push(Case { name: format!("candidates {candidates:?}"), text, indexes, values });
    }
    cases.push(Case {
        name: "count".to_owned(),
        text: count_text(2),
        indexes: vec![terms],
        values: vec!["2001", "1", "2"],
    });
    cases.push(Case {
        name: "these".to_owned(),
        text: these_text::<D>(),
        indexes: vec![by_id],
        values: vec!["'[\"5\"]'"],
    });
    let by_reference = match is_sqlite {
        true => "sqlite_autoindex_contacts_2",
        false => "contacts_organization_id_agent_id_external_reference_id_key",
    };
    cases.push(Case {
        name: "by id".to_owned(),
        text: super::sql::find_by_id::<D>().to_owned(),
        indexes: vec![by_id],
        values: vec!["'000000000000000000000005'"],
    });
    cases.push(Case {
        name: "by reference".to_owned(),
        text: super::sql::find_by_reference::<D>().to_owned(),
        indexes: vec![by_reference],
        values: vec!["'customer-5'"],
    });
    for (name, text) in many::texts::<D>() {
        let (indexes, values) = match name {
            "by reference" => (vec![by_reference], vec!["'[\"customer-5\"]'"]),
            "by id" => (vec![by_id], vec!["'[\"000000000000000000000005\"]'"]),
            "by email" => (vec!["contacts_by_email", by_id], vec!["'[\"mail 5\"]'", "2"]),
            _ => (vec!["contacts_by_mobile_number", by_id], vec!["'[\"number 5\"]'", "2"]),
        };
        cases.push(Case { name: format!("batch {name}"), text: text.to_owned(), indexes, values });
    }
    let changes = if is_sqlite { "contact_changes" } else { "contact_changes_pkey" };
    cases.push(Case {
        name: "changes".to_owned(),
        text: super::changes::LIST.to_owned(),
        indexes: vec![changes, by_id, "h", "c"],
        values: vec!["100", "34"],
    });
    cases
}

/// Looks along each order at what has two values, in one status and in two.
fn sieves<D: Dialect>(terms: &'static str, by_id: &'static str) -> Vec<Case> {
    let mut cases = Vec::new();
    let time = svc_core::clock::Timestamp(0);
    for (by, descending) in [SortBy::CreatedAt, SortBy::UpdatedAt, SortBy::Name]
        .into_iter()
        .flat_map(|by| [(by, false), (by, true)])
    {
        let sort = Sort { by, descending };
        for statuses in [ONE, BOTH] {
            let (index, along, of) = match by {
                SortBy::CreatedAt => (terms, Along::Terms(vec![0; statuses.len()]), ["0", "1"]),
                SortBy::UpdatedAt => {
                    ("contacts_by_update", Along::Statuses(statuses), ["'ACTIVE'", "'ARCHIVED'"])
                }
                SortBy::Name => ("contacts_by_name", Along::Statuses(statuses), ["'ACTIVE'", "'ARCHIVED'"]),
            };
            let mut alongs = vec![along];
            if by == SortBy::Name {
                alongs.push(Along::Unnamed(statuses));
            }
            if by == SortBy::CreatedAt {
                alongs.push(Along::Statuses(statuses));
            }
            for along in alongs {
                let (index, of) = match along {
                    Along::Statuses(_) if by == SortBy::CreatedAt => {
                        ("contacts_by_creation", ["'ACTIVE'", "'ARCHIVED'"])
                    }
                    _ => (index, of),
                };
                let place = match (&along, by, descending) {
                    (Along::Unnamed(_), ..) => ["''", "'000000000000000000009000'", "''"],
                    (_, SortBy::Name, true) => ["'name 5'", "'000000000000000000009000'", "''"],
                    (_, SortBy::Name, false) => ["'name 5'", "'000000000000000000009000'", "'zz'"],
                    (.., true) => ["20000", "'000000000000000000009000'", "0"],
                    (.., false) => ["100", "'000000000000000000009000'", "20000"],
                };
                let numbers = vec![0; statuses.len()];
                let created = (by != SortBy::CreatedAt).then_some((time, time));
                let sieve =
                    Sieve { values: vec![numbers.clone(), numbers], created, updated_after: Some(time) };
                let mut values: Vec<_> = place.into_iter().chain(["500"]).collect();
                values.extend(of.into_iter().take(statuses.len()));
                values.extend(created.iter().flat_map(|_| ["0", "99999"]));
                values.push("0");
                values.extend(["0", "1"].into_iter().take(statuses.len()).cycle().take(2 * statuses.len()));
                let text = sift_text::<D>(&along, sort, &sieve);
                let name = format!("sieve {along:?} {sort:?}");
                cases.push(Case { name, text, indexes: vec![index, terms, by_id], values });
            }
        }
        cases.push(Case {
            name: format!("reach {sort:?}"),
            text: reach_text(2, descending),
            indexes: vec![terms],
            values: match descending {
                true => vec!["20000", "'000000000000000000009000'", "0", "200", "0", "1"],
                false => vec!["100", "'000000000000000000009000'", "20000", "200", "0", "1"],
            },
        });
    }
    cases
}

/// What looks up many rows to write them, each by itself.
fn writes() -> Vec<Case> {
    let case = |name: &str, text: String, indexes, rows| Case {
        name: name.to_owned(),
        text,
        indexes,
        values: vec![rows],
    };
    vec![
        case("update", super::many::update_text(), vec!["contacts_pkey"], "'[{\"v0\": \"5\"}]'"),
        case(
            "release",
            super::many::release_text(),
            vec!["contact_unique_values_pkey", "contact_unique_values_by_contact"],
            "'[[\"k\", \"00\", \"5\"]]'",
        ),
        case("remove", super::index::remove_terms_text(), vec!["contact_terms_pkey"], "'[[1, 1, \"5\"]]'"),
    ]
}

/// The text with values in it, as it is asked for an agent.
fn filled(case: &Case, of: [&'static str; 2]) -> String {
    let values = of.into_iter().chain(case.values.iter().copied());
    let mut text = case.text.clone();
    for (number, value) in values.enumerate().collect::<Vec<_>>().into_iter().rev() {
        text = text.replace(&format!("${}", number + 1), value);
    }
    text
}

async fn explain<D: Dialect>(db: &Db<D>, text: String, column: &str) -> Vec<String> {
    let rows: Vec<Row<D>> =
        svc_db::read!(db, |connection| sql::<D>(AssertSqlSafe(text.clone())).all(connection)).unwrap();
    rows.iter().map(|row| row.get::<String>(column).unwrap()).collect()
}

/// As a statement that is prepared, planned for any values or for these.
async fn explain_prepared(db: &Db<svc_db::Postgres>, case: &Case, mode: &str) -> Vec<String> {
    use sqlx::{Executor, Row as _};
    let values: Vec<&str> = MINE.into_iter().chain(case.values.iter().copied()).collect();
    let text = format!(
        "SET plan_cache_mode = {mode}; PREPARE one AS {}; EXPLAIN (COSTS OFF) EXECUTE one({}); DEALLOCATE one",
        case.text,
        values.join(", ")
    );
    let mut lease = db.read().await.unwrap();
    let rows = (&mut *lease).fetch_all(sqlx::raw_sql(AssertSqlSafe(text))).await.unwrap();
    lease.done();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

async fn run<D: Dialect>(db: &Db<D>, text: String) {
    let mut transaction = db.begin_in(&Scope::everything()).await.unwrap();
    sql::<D>(AssertSqlSafe(text)).run(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

/// One agent with many contacts among others with few.
async fn fill<D: Dialect>(db: &Db<D>) {
    let numbers = |count: usize| {
        D::choose(
            "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < COUNT)",
            "WITH s (n) AS (SELECT generate_series(1, COUNT))",
        )
        .replace("COUNT", &count.to_string())
    };
    // The numbers of agents and of their contacts from one number.
    let all = MANY + OTHERS * OF_ANOTHER;
    let agent = format!("CASE WHEN n <= {MANY} THEN 'a' ELSE 'b' || (n / {OF_ANOTHER}) END");
    let id = D::choose("printf('%024d', n)", "lpad(n::text, 24, '0')");
    let array = "'{' || (n % 50) || ',' || (n % 7) || '}'";
    let contacts = format!(
        "INSERT INTO contacts (id, organization_id, agent_id, name, email, email_key, mobile_number, status, tags, \
         custom_fields, created_at, updated_at, version) {} SELECT {id}, 'o', {agent}, \
         CASE WHEN n % 10 = 0 THEN NULL ELSE 'Name ' || n END, 'mail ' || n, 'mail ' || n, 'number ' || n, \
         CASE WHEN n % 5 = 0 THEN 'ARCHIVED' ELSE 'ACTIVE' END, '[]', '{{}}', n, n * 7 % {all}, 1 FROM s",
        numbers(all)
    );
    let terms = format!(
        "INSERT INTO contact_terms (organization_id, agent_id, term, created_at, contact_id) {} \
         SELECT 'o', {agent}, n % 3, n, {id} FROM s",
        numbers(all)
    );
    let changes = format!(
        "INSERT INTO contact_changes (organization_id, agent_id, sequence, contact_id, kind, version, changed_at) \
         {} SELECT 'o', {agent}, n, {id}, 'CREATED', 1, n FROM s",
        numbers(all)
    );
    let digest = D::choose("CAST(n AS BLOB)", "convert_to(n::text, 'UTF8')");
    let values = format!(
        "INSERT INTO contact_unique_values (organization_id, agent_id, field_key, digest, contact_id) {} \
         SELECT 'o', {agent}, 'k', {digest}, {id} FROM s",
        numbers(all)
    );
    for text in [contacts, terms, changes, values] {
        run(db, text).await;
    }
    match D::choose("", "postgres") {
        "" => {
            let rows = "INSERT INTO contact_search_rows (number, organization_id, agent_id, contact_id)";
            run(db, format!("{rows} {} SELECT n, 'o', {agent}, {id} FROM s", numbers(all))).await;
            let search = "INSERT INTO contact_search (rowid, terms)";
            run(db, format!("{search} {} SELECT n, 't' || (n % 50) FROM s", numbers(all))).await;
        }
        _ => {
            let search = "INSERT INTO contact_search (contact_id, organization_id, agent_id, terms)";
            let text =
                format!("{search} {} SELECT {id}, 'o', {agent}, ({array})::int[] FROM s", numbers(all));
            run(db, text).await;
        }
    }
}

/// Each statement, asked for another organization or another agent, finds nothing of what is there.
async fn each_sees_its_own_agent_only<D: Dialect>(db: &Db<D>) {
    let found = async |text: String| {
        // The statement itself has to do it, and not a policy.
        let rows: Result<Vec<Row<D>>, _> = svc_db::read!(db, |connection| {
            sql::<D>(AssertSqlSafe(text.clone())).within(&Scope::everything()).all(connection)
        });
        let rows = rows.unwrap();
        match rows.first().map(|row| row.get::<i64>("n")) {
            // It counts.
            Some(Ok(count)) => count > 0,
            _ => !rows.is_empty(),
        }
    };
    let (mut all, mut finding) = (0, 0);
    for case in cases::<D>() {
        all += 1;
        finding += usize::from(found(filled(&case, MINE)).await);
        for of_others in [["'another'", "'a'"], ["'o'", "'another'"]] {
            assert!(!found(filled(&case, of_others)).await, "{}: {}", case.name, case.text);
        }
    }
    // Some go to the other end, where nothing follows.
    assert!(finding * 2 > all, "{finding} of {all} find something of their own");
}

#[tokio::test]
async fn sqlite_goes_along_indexes() {
    let home = TestEnvironment::sqlite();
    let (_, _, db) = open(&home.environment).await.unwrap();
    let AnyDb::Sqlite(db) = db else { panic!("it is SQLite") };
    fill(&db).await;
    each_sees_its_own_agent_only(&db).await;
    for has_statistics in [false, true] {
        if has_statistics {
            run(&db, "ANALYZE".to_owned()).await;
        }
        for case in cases::<svc_db::Sqlite>() {
            let plan = explain(&db, format!("EXPLAIN QUERY PLAN {}", filled(&case, MINE)), "detail").await;
            let told = format!("{}, statistics {has_statistics}: {}\n{plan:#?}", case.name, case.text);
            for line in &plan {
                let goes_through_a_table = line.starts_with("SCAN ")
                    && !line.contains("json_each")
                    && !line.contains("VIRTUAL TABLE INDEX 0:M")
                    && !line.starts_with("SCAN of")
                    && !line.starts_with("SCAN t")
                    && !["SCAN w", "SCAN walked", "SCAN last", "SCAN found", "SCAN k"]
                        .contains(&line.as_str())
                    && !line.starts_with("SCAN (")
                    && !line.starts_with("SCAN CONSTANT ROW");
                assert!(!goes_through_a_table, "{told}");
                if line.starts_with("SEARCH ") {
                    let is_along = case.indexes.iter().any(|index| {
                        line.contains(&format!("INDEX {index} "))
                            || line.starts_with(&format!("SEARCH {index} USING PRIMARY KEY "))
                            || line.starts_with(&format!("SEARCH {index} USING INTEGER PRIMARY KEY "))
                            || (["h", "c"].contains(index)
                                && line.starts_with(&format!("SEARCH {index} USING ")))
                    });
                    assert!(is_along, "{told}");
                    // Where a stretch begins is looked up, and not gone to.
                    let is_stretch = line.contains("INDEX contacts_by_") && case.values.len() > 3;
                    assert!(
                        !is_stretch || case.name.starts_with("candidates") || line.contains("(?,?)"),
                        "{told}"
                    );
                    assert!(
                        line.contains("organization_id=? AND agent_id=?")
                            || line.contains("id=?")
                            || line.contains("rowid=?"),
                        "{told}"
                    );
                }
            }
            // What is put in order has an end: it was found by a statement with a LIMIT.
            let sorts = plan.iter().filter(|line| line.contains("TEMP B-TREE")).count();
            let is_put_together = case.text.contains(" UNION ALL ") || case.text.contains("CROSS JOIN");
            assert!(sorts == 0 || is_put_together, "{told}");
        }
    }
    db.close().await;
}

#[tokio::test]
async fn postgres_goes_along_indexes() {
    let home = TestEnvironment::postgres().await;
    let (_, _, db) = open(&home.environment).await.unwrap();
    let AnyDb::Postgres(db) = db else { panic!("it is PostgreSQL") };
    fill(&db).await;
    run(&db, "ANALYZE".to_owned()).await;
    each_sees_its_own_agent_only(&db).await;
    for case in cases::<svc_db::Postgres>().into_iter().chain(writes()) {
        for kind in ["force_generic_plan", "force_custom_plan"] {
            let plan = explain_prepared(&db, &case, kind).await;
            let told = format!("{}, {kind}: {}\n{plan:#?}", case.name, case.text);
            // The nodes above the one that is looked at, by their depth.
            let mut above: Vec<(usize, &str)> = Vec::new();
            for line in &plan {
                let node = line.trim_start();
                let depth = line.len() - node.len();
                let is_node = node.starts_with("-> ") || depth == 0;
                if !is_node {
                    continue;
                }
                let node = node.trim_start_matches("-> ").trim();
                above.retain(|(of_it, _)| *of_it < depth);
                assert!(!node.starts_with("Seq Scan on contact"), "{told}");
                assert!(!node.starts_with("Hash"), "{told}");
                if node.contains("Index") && node.contains(" Scan ") {
                    assert!(case.indexes.iter().any(|index| node.contains(index)), "{told}");
                    // From here up, a sort comes after an end.
                    let sort = above.iter().rposition(|(_, node)| node.starts_with("Sort"));
                    let limit = above.iter().rposition(|(_, node)| node.starts_with("Limit"));
                    let joined = above.iter().rposition(|(_, node)| node.starts_with("Nested Loop"));
                    assert!(sort.is_none() || limit > sort || joined > sort, "{told}");
                }
                // Where it expects fewer than the end lets through, it may read them as they lie.
                if node.starts_with("Bitmap Heap Scan on") {
                    let has_end = above.iter().any(|(_, node)| node.starts_with("Limit"));
                    assert!(has_end && case.name.starts_with("candidates"), "{told}");
                }
                above.push((depth, node));
            }
        }
    }
    db.close().await;
}

/// Whatever PostgreSQL has counted: nothing in a new database, or a table that was small then. A plan that is made in
/// such a moment is kept while an import fills the table.
#[tokio::test]
async fn postgres_goes_along_indexes_from_the_first_row_on() {
    for rows in [0, 5] {
        let home = TestEnvironment::postgres().await;
        let (_, _, db) = open(&home.environment).await.unwrap();
        let AnyDb::Postgres(db) = db else { panic!("it is PostgreSQL") };
        if rows > 0 {
            let text = format!(
                "INSERT INTO contacts (id, organization_id, agent_id, external_reference_id, email_key, \
                 mobile_number, status, tags, custom_fields, created_at, updated_at, version) \
                 SELECT n::text, 'o', 'a', 'r' || n, 'm' || n, 'n' || n, 'ACTIVE', '[]', '{{}}', n, n, 1 \
                 FROM generate_series(1, {rows}) AS s (n)"
            );
            run(&db, text).await;
            run(&db, "ANALYZE".to_owned()).await;
        }
        let looks_up = |case: &Case| {
            case.name.starts_with("batch ")
                || ["by reference", "by id", "these", "changes"].contains(&&*case.name)
        };
        for case in cases::<svc_db::Postgres>().into_iter().filter(looks_up).chain(writes()) {
            for kind in ["force_generic_plan", "force_custom_plan"] {
                let plan = explain_prepared(&db, &case, kind).await;
                let told = format!("{}, {rows} rows, {kind}: {}\n{plan:#?}", case.name, case.text);
                let mut scans = plan.iter().filter(|line| line.contains(" on contact")).peekable();
                assert!(scans.peek().is_some(), "{told}");
                for line in scans.filter(|line| line.contains(" Scan ") && !line.contains("Tid Scan")) {
                    let is_along = case.indexes.iter().any(|index| line.contains(index));
                    assert!(line.contains("Index") && is_along, "{told}");
                }
            }
        }
        db.close().await;
    }
}
