//! The benchmark of the whole stack: what Keyward costs beside axum without it. `make bench` runs it.
//!
//! Every server is a process of its own, so that its CPU time can be told from the load's: this program
//! again, as `keyward` itself (`serve`, `setup`, `read-document`) or as one of [`servers`]. All of them stand ready while
//! the load goes round among them, so that a noisy moment of the machine meets each.
//!
//! `BENCH_QUICK=1` takes three to four minutes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark says what it measures")]

mod argon2;
mod audit;
mod authorize;
mod bodies;
mod cold_start;
mod comparison;
mod contact;
mod contact_files;
mod contact_lists;
mod contact_writes;
mod count;
mod delete_everywhere;
mod installation;
mod key_usage;
mod limiter;
mod load;
mod overload;
mod process;
mod replicas;
mod report;
mod request_log;
mod rounds;
mod servers;
mod streams;
mod subject;
mod target;
mod transcoder;
mod usage;

use std::process::ExitCode;

use anyhow::Context;
use argon2::Argon2;
use authorize::{Flood, ManyKeys};
use cold_start::ColdStart;
use delete_everywhere::DeleteEverywhere;
use overload::{Overload, Refusals};
use replicas::Fault;
use report::Report;
use rounds::Plan;
use subject::{Postgres, Sample};

/// What `BENCH_ONLY` picks, e.g. `BENCH_ONLY=authorize`. Without it all but the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    /// Requests over HTTP, beside axum.
    Gateway,
    /// The credential check over gRPC, beside an echo.
    Authorize,
    /// The same with a thousand keys and with a million.
    ManyKeys,
    /// Good requests beside wrong ones.
    Floods,
    /// What a refusal takes, by why it is refused.
    Refusals,
    /// More requests than can be answered.
    Overload,
    /// argon2id.
    Argon2,
    /// The limits of keys, in each store.
    Limiter,
    /// The usage of a busy key.
    KeyUsage,
    /// DELETE of a key, with several replicas.
    DeleteEverywhere,
    /// Hostile bodies and a legal list.
    Bodies,
    /// Replicas that are paused or cut off.
    Replicas,
    /// Verifying the audit log, and what an entry adds to a change.
    Audit,
    /// A GiB through the edge.
    Streams,
    /// The request log on and off, and a request by its id.
    RequestLog,
    /// Pages of contacts, with a thousand of them and with a million.
    ContactLists,
    /// Contacts one by one and many at once, beside the driver.
    ContactWrites,
    /// Contacts in and out as a file.
    ContactFiles,
    /// JSON to protobuf and back, alone.
    Transcoder,
    /// Keyward beside others. Takes long, and programs that are not ours.
    Comparison,
}

impl Section {
    fn is_asked_for(self) -> bool {
        let by_default = self != Section::Comparison;
        std::env::var("BENCH_ONLY").map_or(by_default, |only| only == format!("{self:?}").to_lowercase())
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("serve" | "setup" | "read-document"), _) => Ok(keyward::cli::main()),
        (Some(servers::COMMAND), Some(name)) => servers::run(&name).map(|()| ExitCode::SUCCESS),
        (Some(count::COMMAND), Some(what)) => {
            let times = arguments.next().context("how often?")?.parse()?;
            count::run(&what, times).map(|()| ExitCode::SUCCESS)
        }
        // What cargo adds (`--bench`) changes nothing.
        _ => measure().map(|()| ExitCode::SUCCESS),
    }
}

/// Nothing goes on beside a measurement, so what blocks may block.
#[tokio::main(flavor = "current_thread")]
async fn measure() -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        println!("This is a debug build: its figures say nothing.");
    }
    let postgres = Postgres::from_environment()?;
    load::check_that_wrk_is_there()?;
    let dir = tempfile::tempdir()?;

    let plan = Plan::from_environment();
    let mut report = Report::default();
    if Section::Gateway.is_asked_for() {
        println!("Setting up in {}.", dir.path().display());
        let sample = Sample::make(dir.path()).await?;
        println!("Measuring cold starts.");
        report.cold_start = Some(ColdStart::measure(&sample).await?);
        println!("Starting the servers.");
        let subjects = subject::start_all(dir.path(), &sample, &postgres).await?;
        report.rows = rounds::run(plan, &subjects, sample.answer.len())?;
    }
    if Section::Argon2.is_asked_for() {
        println!("Measuring argon2id.");
        report.argon2 = Some(Argon2::measure(plan).await?);
    }
    if Section::Limiter.is_asked_for() {
        println!("Measuring limits.");
        report.limiter = limiter::measure(plan, dir.path(), postgres.pid).await?;
    }
    if Section::KeyUsage.is_asked_for() {
        println!("Measuring the usage of a busy key.");
        report.key_usage = key_usage::measure(dir.path()).await?;
    }
    if Section::Audit.is_asked_for() {
        println!("Measuring the audit log.");
        report.audit = audit::measure(plan, dir.path()).await?;
    }
    if Section::DeleteEverywhere.is_asked_for() {
        println!("Measuring DELETE.");
        report.delete_everywhere = Some(DeleteEverywhere::measure(plan, dir.path()).await?);
    }
    if Section::Bodies.is_asked_for() {
        println!("Measuring bodies.");
        report.bodies = bodies::measure(plan, dir.path()).await?;
    }
    if Section::Authorize.is_asked_for() {
        report.rows.extend(authorize::measure(dir.path(), plan).await?);
    }
    if Section::ManyKeys.is_asked_for() {
        let (rows, many_keys) = ManyKeys::measure(dir.path(), plan).await?;
        report.rows.extend(rows);
        report.many_keys = Some(many_keys);
    }
    if Section::Floods.is_asked_for() {
        report.floods = Flood::measure(dir.path(), plan).await?;
    }

    if Section::Refusals.is_asked_for() {
        report.refusals = Some(Refusals::measure(dir.path(), plan).await?);
    }
    if Section::Overload.is_asked_for() {
        report.overload = Overload::measure(dir.path(), plan).await?;
    }

    if Section::Replicas.is_asked_for() {
        report.replicas = Fault::measure(dir.path(), plan).await?;
    }
    if Section::Streams.is_asked_for() {
        println!("Measuring streams.");
        report.streams = streams::measure(dir.path()).await?;
    }

    if Section::RequestLog.is_asked_for() {
        println!("Measuring the request log.");
        let (rows, lookups) = request_log::measure(plan, dir.path()).await?;
        report.rows.extend(rows);
        report.request_lookups = lookups;
    }
    if Section::ContactLists.is_asked_for() {
        println!("Measuring lists of contacts.");
        report.contact_lists = contact_lists::measure(plan, dir.path()).await?;
    }
    if Section::ContactWrites.is_asked_for() {
        println!("Measuring contacts one by one and many at once.");
        report.contact_writes = contact_writes::measure(plan, dir.path(), postgres.pid).await?;
    }
    if Section::ContactFiles.is_asked_for() {
        println!("Measuring imports and exports.");
        report.contact_files = contact_files::measure(plan, dir.path(), postgres.pid).await?;
    }
    if Section::Transcoder.is_asked_for() {
        println!("Measuring the transcoder.");
        report.transcoder = transcoder::measure(plan.load)?;
    }
    if Section::Comparison.is_asked_for() {
        report.comparison = comparison::measure(plan, dir.path(), &postgres).await?;
    }

    report.compare();
    report.print();
    let path = report.write()?;
    println!("\nWritten to {}.", path.display());
    Ok(())
}
