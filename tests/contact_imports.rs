//! Contacts in bulk, imported and exported as clients do it, and what a crash leaves of that.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::process::Command;

use crate::harness::{Api, Engine, Processes, Stack, postgres, python, repository};

/// Where something of all contacts is.
fn path(api: &Api, verb: &str) -> String {
    format!("/v1/open/contacts/chatbots/{}{verb}", api.agent)
}

async fn count(api: &Api) -> usize {
    let request = api.by_key("GET", &path(api, ":export?status=ANY&format=NDJSON"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap().lines().count()
}

/// Exports of other systems have a column of ids: rows whose id is not known yet are held against who is there, too.
#[tokio::test]
async fn rows_with_a_new_reference_may_be_duplicates() {
    Stack::each(async |stack| {
        stack.create_contact(json!({"email": "d@example.com"})).await.ok();
        stack.create_contact(json!({"email": "e@example.com", "externalReferenceId": "known"})).await.ok();
        let import = async |query: &str, csv: &str| {
            let request = stack.by_key("POST", &path(&stack, &format!(":import?{query}")));
            let request = request.header(CONTENT_TYPE, "text/csv").body(csv.to_owned());
            let answer = stack.send(request).await;
            let counts = answer.success(200, "Contacts imported.");
            ["created", "updated", "failed"].map(|name| counts[name].as_i64().unwrap())
        };
        let csv = "externalReferenceId,email,name\nnew-1,D@example.com,Dora\nnew-2,e@example.com,Eve\nnew-3,f@example.com,Fay\n";
        assert_eq!(import("onDuplicate=reject&dryRun=true", csv).await, [1, 0, 2]);
        // Who has no reference is given this one; who has another one is somebody else.
        assert_eq!(import("onDuplicate=update", csv).await, [1, 1, 1]);
        assert_eq!(stack.get_contact("new-1").await.ok()["name"], "Dora");
        assert_eq!(count(&stack).await, 3);
        // Within one file as well.
        let twice = "externalReferenceId,email\nnew-4,g@example.com\nnew-5,g@example.com\n";
        assert_eq!(import("onDuplicate=reject", twice).await, [1, 0, 1]);
        assert_eq!(import("", "externalReferenceId,email\nnew-6,g@example.com\n").await, [1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn contacts_go_in_and_out() {
    Stack::each(async |stack| {
        let contacts = json!([
            {"externalReferenceId": "crm-1", "name": "=1+2", "mobileNumber": "0049 170 1234567"},
            {"externalReferenceId": "crm-2", "email": "no address"},
        ]);
        let bulk = stack.by_key("POST", &path(&stack, ":bulk")).json(&json!({"contacts": contacts}));
        let answer = stack.send(bulk).await;
        let results = answer.success(200, "Contacts processed.")["results"].clone();
        assert_eq!((&results[0]["status"], &results[0]["error"]), (&json!("CREATED"), &Value::Null));
        assert_eq!((&results[1]["status"], &results[1]["id"]), (&json!("FAILED"), &Value::Null));
        assert_eq!(results[1]["error"]["details"][0]["field"], "email");

        // As a spreadsheet in Germany writes it.
        let csv = "Nummer;name;email;Foto\r\ncrm-1;;ada@example.com;\r\ncrm-3;\"Zoë; Ö\";zoe@example.com;x\r\ncrm-4;;;\r\n";
        let utf_16: Vec<u8> =
            "\u{feff}".encode_utf16().chain(csv.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let query = ":import?mapping.Nummer=externalReferenceId&ignoreUnknownColumns=true&label=nightly";
        let request = stack.by_key("POST", &path(&stack, query)).header(CONTENT_TYPE, "text/csv").body(utf_16);
        let answer = stack.send(request.header("idempotency-key", "import-1")).await;
        let import = answer.success(200, "Contacts imported.").clone();
        assert_eq!((&import["created"], &import["updated"], &import["failed"]), (&json!(1), &json!(1), &json!(1)));
        assert_eq!((&import["status"], &import["errors"][0]["line"]), (&json!("FINISHED"), &json!(4)));

        let listed = stack.send(stack.by_key("GET", &path(&stack, "/imports?label=nightly"))).await;
        let id = listed.ok()[0]["id"].as_str().unwrap().to_owned();
        let found = stack.send(stack.by_key("GET", &path(&stack, &format!("/imports/{id}")))).await;
        assert_eq!(*found.success(200, "Import retrieved."), import);
        let errors = stack.send(stack.by_key("GET", &path(&stack, &format!("/imports/{id}/errors")))).await;
        assert_eq!(errors.ok()[0]["error"]["details"][0]["field"], "email");

        let export = stack.by_key("GET", &path(&stack, ":export")).header(ACCEPT, "text/csv");
        let response = export.send().await.unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "text/csv; charset=utf-8");
        let csv = response.text().await.unwrap();
        assert!(csv.contains("\"'=1+2\"") && csv.contains("\"'+491701234567\""), "{csv}");
        let request = stack.by_key("POST", &path(&stack, ":import")).header(CONTENT_TYPE, "text/csv").body(csv);
        let again = stack.send(request).await;
        assert_eq!((&again.ok()["unchanged"], &again.ok()["rows"]), (&json!(2), &json!(2)));

        let lines = stack.by_key("GET", &path(&stack, ":export")).header(ACCEPT, "application/x-ndjson");
        let response = lines.send().await.unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/x-ndjson");
        let first = response.text().await.unwrap().lines().next().unwrap().to_owned();
        assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["name"], "=1+2");

        // What is no CSV, or names no column, is refused before anything is made.
        let request = stack.by_key("POST", &path(&stack, ":import")).header(CONTENT_TYPE, "application/json");
        stack.send(request.body("{}")).await.refusal(415, "unsupported_media_type");
        let request = stack.by_key("POST", &path(&stack, ":import")).header(CONTENT_TYPE, "text/csv");
        stack.send(request.body("a,b\n")).await.refusal(400, "invalid_argument");
    })
    .await;
}

/// The process is killed while rows are written. What was counted is there, and the same import goes on to the end
/// without writing a row twice.
#[tokio::test]
async fn kill_9_during_an_import() {
    let on = async |engine| killed_during_an_import(Processes::on(engine).await, engine).await;
    tokio::join!(on(Engine::Sqlite), on(Engine::Postgres));
}

async fn killed_during_an_import(mut keyward: Processes, engine: Engine) {
    // More groups of rows than are written before the last kill.
    const ROWS: usize = 8_000;
    const KILLS: usize = 3;
    let key = keyward.new_key_with(json!({
        "name": "Imports",
        "permissions": ["contacts:create", "contacts:update"],
        "rateLimits": {"perMinute": 1_000, "perHour": 10_000},
    }));
    let key = key.await;
    // Without references: a row that is written twice is there twice.
    let rows: String = (0..ROWS).map(|number| format!("Person {number},p{number}@example.com\n")).collect();
    let csv = format!("name,email\n{rows}");
    let import = |api: &Api| {
        let request = api.by_key("POST", &path(api, ":import?label=crash")).header(CONTENT_TYPE, "text/csv");
        request.header("idempotency-key", "crash").body(csv.clone())
    };
    let mut kills = 0;
    let ended = loop {
        let sent = tokio::spawn(import(&keyward.with_key(&key)).send());
        // Killed as soon as more rows are counted than before.
        let before = progress(&keyward).await.unwrap_or_default();
        let seen = loop {
            match progress(&keyward).await {
                Some(rows) if rows > before && rows < ROWS as i64 && kills < KILLS => break Some(rows),
                _ if sent.is_finished() => break None,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        let Some(seen) = seen else {
            let response = sent.await.unwrap().unwrap();
            match response.status().as_u16() {
                200 => break response.json::<Value>().await.unwrap(),
                // Nobody has said that the one before is gone: that takes some seconds.
                409 => tokio::time::sleep(Duration::from_secs(1)).await,
                status => panic!("{status}: {}", response.text().await.unwrap()),
            }
            continue;
        };
        keyward.all[0].kill().await;
        kills += 1;
        let _ = sent.await;
        if kills < KILLS {
            // That whoever ran it is silent long enough is waited for once, after the last kill.
            let silent = "UPDATE contact_imports SET seen_at = 0";
            match engine {
                Engine::Sqlite => {
                    let file = format!("sqlite:{}", keyward.data_dir().join("contacts.sqlite").display());
                    SqliteConnection::connect(&file).await.unwrap().execute(silent).await.unwrap();
                }
                Engine::Postgres => {
                    let mut database = postgres::connect(&keyward.variables()["KEYWARD_DATABASE__URL"]).await;
                    database.execute("SET search_path = contacts").await.unwrap();
                    database.execute(silent).await.unwrap();
                }
            }
        }
        keyward.start_together().await;
        let counted = progress(&keyward).await.unwrap();
        assert!(counted >= seen, "{counted} of {seen} rows are counted");
        assert_eq!(count(&keyward).await as i64, counted, "a row is there exactly when it is counted");
    };
    assert!(kills > 0);
    assert_eq!((&ended["data"]["created"], &ended["data"]["failed"]), (&json!(ROWS), &json!(0)));
    assert_eq!(count(&keyward).await, ROWS);
    keyward.terminate().await;
}

/// How many rows of the import are counted, as a member sees it, who has no limit.
async fn progress(api: &Api) -> Option<i64> {
    let imports = format!("/v1/console/agents/{}/contact-imports?label=crash", api.agent);
    let listed = api.send(api.by_member("GET", &imports)).await;
    listed.ok()[0]["rows"].as_i64()
}

/// The process is killed while it writes batches: each is there as a whole or not at all.
#[tokio::test]
async fn kill_9_during_bulk() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        killed_during_bulk(Processes::on(engine).await).await;
    }
}

async fn killed_during_bulk(mut keyward: Processes) {
    const BATCH: usize = 500;
    for round in 0..3 {
        let batches = (0..8).map(|batch| {
            let contact = |number| {
                let reference = format!("{round}-{batch}-{number}");
                json!({"externalReferenceId": reference, "email": format!("{reference}@example.com")})
            };
            let contacts: Vec<Value> = (0..BATCH).map(contact).collect();
            let request = keyward.by_key("POST", &path(&keyward, ":bulk"));
            tokio::spawn(request.json(&json!({"contacts": contacts})).send())
        });
        let batches: Vec<_> = batches.collect();
        tokio::time::sleep(Duration::from_millis(60 * (round + 1))).await;
        keyward.all[0].kill().await;
        let mut answered = Vec::new();
        for (number, batch) in batches.into_iter().enumerate() {
            if let Ok(response) = batch.await.unwrap()
                && response.status() == 200
            {
                answered.push(number);
            }
        }
        keyward.start_together().await;
        for batch in 0..8 {
            let first = keyward.get_contact(&format!("{round}-{batch}-0")).await.status == 200;
            let last = keyward.get_contact(&format!("{round}-{batch}-{}", BATCH - 1)).await.status == 200;
            assert_eq!(first, last, "batch {batch} is whole or absent");
            assert!(first || !answered.contains(&batch), "batch {batch} was answered");
        }
    }
    keyward.terminate().await;
}

/// The process is killed while many create contacts, each with a key that makes it take effect once: what was answered is
/// there, and sent again, all are there once.
#[tokio::test]
async fn kill_9_while_many_create() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        killed_while_many_create(Processes::on(engine).await).await;
    }
}

async fn killed_while_many_create(mut keyward: Processes) {
    const CREATES: usize = 48;
    let key = keyward.new_key_with(json!({
        "name": "Creates",
        "permissions": ["contacts:create", "contacts:read"],
        "rateLimits": {"perMinute": 1_000, "perHour": 10_000},
    }));
    let key = key.await;
    let create = |api: &Api, reference: &str| {
        let contact = json!({"externalReferenceId": reference, "email": format!("{reference}@example.com")});
        api.by_key("POST", &path(api, "")).header("idempotency-key", reference).json(&contact)
    };
    for round in 0..3 {
        let references: Vec<String> = (0..CREATES).map(|number| format!("create-{round}-{number}")).collect();
        let api = keyward.with_key(&key);
        let creates: Vec<_> =
            references.iter().map(|reference| tokio::spawn(create(&api, reference).send())).collect();
        tokio::time::sleep(Duration::from_millis(15 * (round + 1))).await;
        keyward.all[0].kill().await;
        let mut answered = BTreeMap::new();
        for (reference, create) in references.iter().zip(creates) {
            if let Ok(response) = create.await.unwrap()
                && response.status() == 201
                && let Ok(body) = response.json::<Value>().await
            {
                answered.insert(reference, body["data"]["id"].clone());
            }
        }
        keyward.start_together().await;
        let api = keyward.with_key(&key);
        for reference in &references {
            let id = api.send(create(&api, reference)).await.ok()["id"].clone();
            assert_eq!(answered.get(reference).unwrap_or(&id), &id, "what was answered is there");
            assert_eq!(api.get_contact(reference).await.ok()["id"], id);
        }
        assert_eq!(count(&api).await, CREATES * (round as usize + 1), "each once");
    }
    keyward.terminate().await;
}

#[tokio::test]
async fn a_crm_and_keyward_stay_the_same() {
    let limits = [
        ("KEYWARD_AUTH__LIMITS__MAX_PER_MINUTE", "1000000"),
        ("KEYWARD_AUTH__LIMITS__MAX_PER_HOUR", "1000000"),
    ];
    let mut keyward = Processes::together(&limits).await;
    let key = json!({
        "name": "Sync",
        "permissions": ["contacts:create", "contacts:read", "contacts:update", "contacts:delete"],
        "rateLimits": {"perMinute": 1_000_000, "perHour": 1_000_000},
    });
    let created = keyward.create_key(key).await;
    let data = created.success(201, "API key created successfully.");
    let dir = tempfile::tempdir().unwrap();
    let mut journey = Command::new(python());
    journey
        .arg(repository().join("tests/python/sync_journey.py"))
        .arg(repository().join("docs/examples/sync.py"))
        .arg(dir.path().join("crm.db"))
        .env("KEYWARD_URL", &keyward.base)
        .env("KEYWARD_KEY", data["key"]["apiKey"].as_str().unwrap())
        .env("KEYWARD_SECRET", data["secret"].as_str().unwrap())
        .kill_on_drop(true);
    let output = journey.output().await.unwrap();
    let (told, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{failed}");
    assert!(told.contains("equal:"), "{told}");
    keyward.terminate().await;
}
