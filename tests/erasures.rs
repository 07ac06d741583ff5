//! What goes with a contact, a file or an agent that is deleted, in whichever service it is.

use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::extraction::{documents, ended, queue, schema};
use crate::files::{files_path, form};
use crate::harness::{Answer, Api, Engine, Processes, postgres};

const INVOICE: &[u8] = b"Invoice number: INV-2041\n\nTotal due: 1,250.50 EUR\n";
/// Longer than the collector of files' bytes waits.
const PATIENCE: Duration = Duration::from_secs(120);
const PERMISSIONS: [&str; 8] = [
    "contacts:create",
    "contacts:read",
    "contacts:update",
    "contacts:delete",
    "document-extraction:create",
    "document-extraction:read",
    "document-extraction:update",
    "document-extraction:delete",
];

/// A file of a contact.
async fn new_file(api: &Api, contact: &str) -> String {
    let request = form(api.by_key("POST", &files_path(api, contact)), "xyz", &[], "invoice.txt", INVOICE);
    api.send(request).await.ok()["id"].as_str().unwrap().to_owned()
}

/// A job made of it.
async fn new_job(api: &Api, file: &str) -> String {
    let body = json!({"document": {"contactFileId": file}, "schema": schema()});
    let queued = api.send(api.by_key("POST", &documents(api)).json(&body)).await;
    queued.ok()["id"].as_str().unwrap().to_owned()
}

/// A job as a member sees it, who may look as often as they like.
async fn shown(api: &Api, id: &str) -> Answer {
    api.send(api.by_member("GET", &format!("/v1/console/agents/{}/documents/{id}", api.agent))).await
}

async fn is_there(api: &Api, id: &str) -> bool {
    let answer = shown(api, id).await;
    assert!([200, 404].contains(&answer.status), "{}", answer.body);
    answer.status == 200
}

/// Waits until a job is gone, which is soon.
async fn gone(api: &Api, id: &str) {
    let begun = Instant::now();
    while is_there(api, id).await {
        assert!(begun.elapsed() < PATIENCE, "the job stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn documents_go_with_the_file_that_they_were_made_of() {
    for mut keyward in [Processes::together(&[]).await, Processes::apart(&[]).await] {
        for contact in ["crm-1", "crm-2"] {
            keyward.new_contact(contact).await;
        }
        let (mine, theirs, others) = (
            new_file(&keyward, "crm-1").await,
            new_file(&keyward, "crm-2").await,
            new_file(&keyward, "crm-2").await,
        );
        let of_contact = [new_job(&keyward, &mine).await, new_job(&keyward, &mine).await];
        let (of_file, stays) = (new_job(&keyward, &theirs).await, new_job(&keyward, &others).await);
        let uploaded = queue(&keyward, "invoice.txt", INVOICE).await;
        for id in of_contact.iter().chain([&of_file, &stays, &uploaded]) {
            assert_eq!(ended(&keyward, id).await["status"], "SUCCEEDED");
        }
        // What it has taught goes, too.
        let corrected = format!("/v1/console/agents/{}/documents/{}", keyward.agent, of_contact[0]);
        let body = json!({"corrections": [{"path": "/invoiceNumber", "value": "INV-7"}]});
        keyward.send(keyward.by_member("PATCH", &corrected).json(&body)).await.ok();

        keyward.delete_contact("crm-1").await.ok();
        for id in &of_contact {
            gone(&keyward, id).await;
        }
        assert!(is_there(&keyward, &of_file).await);
        let file = format!("/v1/open/contacts/crm-2/files/{theirs}/chatbots/{}", keyward.agent);
        keyward.send(keyward.by_key("DELETE", &file)).await.ok();
        gone(&keyward, &of_file).await;
        for id in [&stays, &uploaded] {
            assert!(is_there(&keyward, id).await);
        }
        let begun = Instant::now();
        loop {
            let learning = shown(&keyward, &stays).await.ok()["learning"].clone();
            if learning["corrections"] == json!(0) && learning["pending"] == json!(false) {
                break;
            }
            assert!(begun.elapsed() < PATIENCE, "{learning}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        keyward.terminate().await;
    }
}

/// How many rows of an agent each table has that has some.
async fn rows_of(keyward: &Processes, engine: Engine, agent: &str) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    match engine {
        Engine::Sqlite => {
            for service in ["auth", "contacts", "extraction"] {
                let file = keyward.data_dir().join(format!("{service}.sqlite"));
                let mut database =
                    SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
                let tables = "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND EXISTS \
                     (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'agent_id') ORDER BY 1";
                let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
                for table in tables {
                    let count = format!("SELECT COUNT(*) FROM {table} WHERE agent_id = '{agent}'");
                    let count: i64 =
                        sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut database).await.unwrap();
                    all.push((format!("{service}.{table}"), count));
                }
            }
        }
        Engine::Postgres => {
            let mut database = postgres::connect(&keyward.variables()["KEYWARD_DATABASE__URL"]).await;
            let tables = "SELECT table_schema || '.' || table_name FROM information_schema.columns \
                 WHERE column_name = 'agent_id' ORDER BY 1";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
            for table in tables {
                let count = format!("SELECT COUNT(*) FROM {table} WHERE agent_id = '{agent}'");
                let count: i64 =
                    sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut database).await.unwrap();
                all.push((table, count));
            }
        }
    }
    all.retain(|(_, count)| *count > 0);
    all
}

/// Gives an agent something of all that an agent can have. The id of a job.
async fn fill(api: &Api) -> String {
    let console = format!("/v1/console/agents/{}", api.agent);
    let field = json!({"key": "code", "type": "TEXT", "unique": true});
    api.send(api.by_member("POST", &format!("{console}/contact-fields")).json(&field)).await.ok();
    // Nobody is there, so that messages wait.
    let webhook = json!({"url": "https://nowhere.invalid/", "events": ["contact.created"]});
    api.send(api.by_member("POST", &format!("{console}/webhooks")).json(&webhook)).await.ok();
    let mut csv = String::from("externalReferenceId,name,email\nodd,Ada,no address\n");
    for number in 0..70 {
        csv.push_str(&format!("row-{number},Ada {number},\n"));
    }
    let import = format!("/v1/open/contacts/chatbots/{}:import", api.agent);
    api.send(api.by_key("POST", &import).header(CONTENT_TYPE, "text/csv").body(csv)).await.ok();
    let contact = json!({
        "externalReferenceId": "crm-1", "name": "Ada", "email": "ada@example.com", "customFields": {"code": "x"},
    });
    api.create_contact(contact).await.ok();
    let id = new_job(api, &new_file(api, "crm-1").await).await;
    assert_eq!(ended(api, &id).await["status"], "SUCCEEDED");
    let corrected = format!("{console}/documents/{id}");
    let body = json!({"corrections": [{"path": "/invoiceNumber", "value": "INV-7"}]});
    api.send(api.by_member("PATCH", &corrected).json(&body)).await.ok();
    id
}

#[tokio::test]
async fn nothing_is_left_of_an_agent_that_is_deleted_on_sqlite() {
    nothing_is_left(Engine::Sqlite).await;
}

#[tokio::test]
async fn nothing_is_left_of_an_agent_that_is_deleted_on_postgres() {
    nothing_is_left(Engine::Postgres).await;
}

async fn nothing_is_left(engine: Engine) {
    let mut keyward = Processes::on(engine).await;
    let sales = keyward.new_agent("Sales", &PERMISSIONS).await;
    fill(&sales).await;
    let kept = fill(&keyward).await;
    let tables: Vec<String> =
        rows_of(&keyward, engine, &sales.agent).await.into_iter().map(|(table, _)| table).collect();
    for table in [
        "auth.api_keys",
        "contacts.contact_changes",
        "contacts.contact_feeds",
        "contacts.contact_field_sets",
        "contacts.contact_import_errors",
        "contacts.contact_imports",
        "contacts.contact_terms",
        "contacts.contact_unique_values",
        "contacts.contacts",
        "contacts.files",
        "contacts.webhook_deliveries",
        "contacts.webhooks",
        "extraction.documents",
        "extraction.jobs",
        "extraction.readings",
    ] {
        assert!(tables.contains(&table.to_owned()), "{engine:?}: {table} has nothing: {tables:?}");
    }
    keyward.delete_agent(&sales.agent).await.ok();
    // For some minutes it is looked for what calls that were under way have made; and what was done and counted is told on.
    let stays = |table: &str| {
        ["contacts.agent_erasures", "extraction.taken_erasures"].contains(&table)
            || table.starts_with("auth.")
    };
    let begun = Instant::now();
    loop {
        let left = rows_of(&keyward, engine, &sales.agent).await;
        let of_agent: Vec<_> = left.iter().filter(|(table, _)| !stays(table)).collect();
        if of_agent.is_empty() && left.iter().any(|(table, _)| table == "extraction.taken_erasures") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{engine:?}: {left:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(count(&keyward.data_dir().join("files")), 1, "of the other agent");
    // The other agent has all that it had.
    assert!(is_there(&keyward, &kept).await);
    let listed = keyward.list_contacts("?limit=1").await;
    assert_eq!(listed.ok().as_array().map(Vec::len), Some(1), "{}", listed.body);
    let files = keyward.send(keyward.by_key("GET", &files_path(&keyward, "crm-1"))).await;
    assert_eq!(files.ok().as_array().map(Vec::len), Some(1));
    let logs = keyward.logs();
    for said in ["ada@example.com", "INV-2041", "invoice.txt"] {
        assert!(!logs.contains(said), "{said} is in the log");
    }
    keyward.terminate().await;
}

/// How many files lie in a directory and below it.
fn count(directory: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let count = entries.map(|entry| entry.unwrap().path()).map(|path| match path.is_dir() {
        true => count(&path),
        false => 1,
    });
    count.sum()
}
