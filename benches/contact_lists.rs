//! What a page of contacts takes, of an agent with a thousand of them and of one with a million.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use contacts_svc::{ContactsService, testing};
use reqwest::Client;
use serde::Serialize;
use serde_json::Value;
use svc_db::testing::new_postgres_database;
use svc_runtime::service::Service;

use crate::installation::{Installation, Made};
use crate::rounds::{Plan, percentile, rounded};

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const QUICK_MANY: u32 = 100_000;
/// Agents beside them, and contacts of each.
const OTHERS: u32 = 10_000;
const QUICK_OTHERS: u32 = 1_000;
const OF_ANOTHER: u32 = 3;
/// How often each page is asked for, and before that as often without counting.
const PAGES: usize = 60;
/// A page may take so many times what it takes among few.
const AIM: f64 = 2.0;

/// A list, as its query asks for it.
const LISTS: &[(&str, &str)] = &[
    ("newest", ""),
    ("oldest, 100", "sort=createdAt&limit=100"),
    ("by name", "sort=name"),
    ("by change", "sort=-updatedAt"),
    ("any status", "status=ANY"),
    ("archived", "status=ARCHIVED"),
    ("a reference", "externalReferenceId=customer-777"),
    ("an address", "email=ada.0@example.com"),
    ("a tag of 10 %", "tag=vip"),
    ("a tag of 0.1 %", "tag=rare"),
    ("a stage", "stage=CUSTOMER"),
    ("a custom field", "customFields.plan=gold"),
    ("a value of 0.2 %", "customFields.seats=42"),
    ("a tag and a stage", "tag=vip&stage=CUSTOMER"),
    ("three values", "tag=vip&stage=CUSTOMER&customFields.plan=gold"),
    ("values that never meet", "tag=rare&customFields.plan=silver"),
    ("many of each, none of both", "tag=group%207&customFields.plan=gold"),
    ("none of both, by name", "tag=group%207&customFields.plan=gold&sort=name"),
    ("a tag, by name", "tag=vip&sort=name"),
    ("a tag, by change", "tag=vip&sort=-updatedAt"),
    ("a rare tag, by name", "tag=rare&sort=name"),
    ("created before", "createdBefore=2026-01-01T00:00:00.500Z"),
    ("changed after", "updatedAfter=2026-01-01T00:00:00.500Z&sort=updatedAt"),
    ("a tag, changed after", "tag=vip&updatedAfter=2026-01-01T00:00:00.500Z"),
    ("a frequent text", "search=love"),
    ("a frequent text and a tag", "search=love&tag=vip"),
    ("a frequent text, by name", "search=love&sort=name"),
    ("a rare text", "search=customer-77"),
    ("one contact by text", "search=ada.8%40example"),
    ("two letters", "search=lo"),
    ("a text that is not there", "search=nowhere-to-be-found"),
    ("with the total", "includeTotal=true"),
    ("the total of a tag", "includeTotal=true&tag=rare"),
];

/// What a page of a list takes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactListRow {
    engine: &'static str,
    list: &'static str,
    /// Of the agent with many.
    contacts: u32,
    p50_ms_of_few: f64,
    p50_ms: f64,
    p99_ms: f64,
    ratio: f64,
}

/// Measures all of them on both engines.
pub async fn measure(plan: Plan, dir: &Path) -> anyhow::Result<Vec<ContactListRow>> {
    let database = new_postgres_database().await;
    let mut rows = Vec::new();
    for (engine, url) in [("sqlite", None), ("postgres", Some(database.as_str()))] {
        let dir = dir.join(format!("contact-lists-{engine}"));
        rows.extend(on(engine, &dir, url, plan).await.context(engine)?);
    }
    Ok(rows)
}

async fn on(
    engine: &'static str,
    dir: &Path,
    postgres: Option<&str>,
    plan: Plan,
) -> anyhow::Result<Vec<ContactListRow>> {
    let (many, others) = if plan.is_quick() { (QUICK_MANY, QUICK_OTHERS) } else { (MANY, OTHERS) };
    let few = side(engine, &dir.join("few"), postgres, FEW, 0).await?;
    // A database of its own, so that nothing of it lies in the memory of the other one.
    let another = new_postgres_database().await;
    let postgres = postgres.map(|_| another.as_str());
    println!("Adding {many} contacts on {engine}.");
    let many_times = side(engine, &dir.join("many"), postgres, many, others).await?;
    let rows = LISTS.iter().zip(few.into_iter().zip(many_times)).map(|((list, _), (few, times))| {
        let within = |times: &[Duration], percent| {
            let time = percentile(times, percent).context("nothing was asked for")?;
            anyhow::Ok(time.as_secs_f64() * 1e3)
        };
        let (p50_few, p50) = (within(&few, 50)?, within(&times, 50)?);
        Ok(ContactListRow {
            engine,
            list,
            contacts: many,
            p50_ms_of_few: rounded(p50_few),
            p50_ms: rounded(p50),
            p99_ms: rounded(within(&times, 99)?),
            ratio: rounded(p50 / p50_few),
        })
    });
    rows.collect()
}

/// The times of each list where an agent has so many contacts among others.
async fn side(
    engine: &str,
    dir: &Path,
    postgres: Option<&str>,
    contacts: u32,
    others: u32,
) -> anyhow::Result<Vec<Vec<Duration>>> {
    std::fs::create_dir_all(dir)?;
    let installation = Installation::new(dir, postgres)?;
    let settings = installation.settings()?;
    let environment = keyward::run::environment(&settings);
    let service = ContactsService::open(settings.services.config::<ContactsService>()?, &environment).await?;
    let Made { organization_id, agent_id, .. } = &installation.made;
    let began = Instant::now();
    let added = testing::add_contacts(&service, (organization_id, agent_id), 0..contacts).await;
    added.map_err(|error| anyhow!("{}", error.message))?;
    println!("{engine}: {:.0} contacts a second", f64::from(contacts) / began.elapsed().as_secs_f64());
    for other in 0..others {
        let start = contacts + other * OF_ANOTHER;
        let agent = format!("{other:024x}");
        let added =
            testing::add_contacts(&service, (organization_id, &agent), start..start + OF_ANOTHER).await;
        added.map_err(|error| anyhow!("{}", error.message))?;
    }
    service.close().await;
    // SQLite belongs to one process: whoever holds the service has it.
    drop(service);

    let process = installation.serve(None, &[])?;
    let address = process.address("edge")?;
    let key = installation.new_key(address).await?;
    let client = Client::builder().no_proxy().build()?;
    let mut all = Vec::new();
    for (list, query) in LISTS {
        let url = format!("http://{address}/v1/open/contacts/chatbots/{agent_id}?{query}");
        let mut times = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..2 * PAGES {
            // Page after page, and from the beginning again.
            let url = match &cursor {
                Some(cursor) => format!("{url}&cursor={cursor}"),
                None => url.clone(),
            };
            let request = client.get(url).header("x-api-key", &key.api_key);
            let began = Instant::now();
            let response = request.header("x-api-secret", &key.api_secret).send().await?;
            let status = response.status();
            let body: Value = response.json().await?;
            times.push(began.elapsed());
            ensure!(status == 200, "{list}: {status}: {body}");
            cursor = body["pagination"]["nextCursor"].as_str().map(str::to_owned);
        }
        let mut times = times.split_off(PAGES);
        times.sort_unstable();
        all.push(times);
    }
    Ok(all)
}

/// Prints them for people.
pub fn print(rows: &[ContactListRow]) {
    let Some(first) = rows.first() else { return };
    println!("\nA page of contacts, of an agent with {FEW} and of one with {}, ms", first.contacts);
    println!("{:38} {:>9} {:>9} {:>9} {:>6}   aim: {AIM}", "", "p50 few", "p50 many", "p99 many", "ratio");
    for row in rows {
        let name = format!("{}, {}", row.engine, row.list);
        println!(
            "{name:38} {:>9.2} {:>9.2} {:>9.2} {:>6.2}",
            row.p50_ms_of_few, row.p50_ms, row.p99_ms, row.ratio
        );
    }
}
