//! The benchmark of the whole stack: what Keyward costs beside axum without it. `make bench` runs it.
//!
//! Every server is a process of its own, so that its CPU time can be told from the load's: this program
//! again, as `keyward` itself (`serve`, `setup`) or as one of [`servers`]. All of them stand ready while
//! the load goes round among them, so that a noisy moment of the machine meets each.
//!
//! `BENCH_QUICK=1` takes three to four minutes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark says what it measures")]

mod argon2;
mod authorize;
mod cold_start;
mod contact;
mod delete_everywhere;
mod installation;
mod limiter;
mod load;
mod process;
mod report;
mod rounds;
mod servers;
mod subject;
mod target;
mod usage;

use std::process::ExitCode;

use argon2::Argon2;
use authorize::{Flood, ManyKeys};
use cold_start::ColdStart;
use delete_everywhere::DeleteEverywhere;
use report::Report;
use rounds::Plan;
use subject::{Postgres, Sample};

/// What `BENCH_ONLY` picks, e.g. `BENCH_ONLY=authorize`. All without it.
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
    /// argon2id.
    Argon2,
    /// The limits of keys, in each store.
    Limiter,
    /// DELETE of a key, with several replicas.
    DeleteEverywhere,
}

impl Section {
    fn is_asked_for(self) -> bool {
        std::env::var("BENCH_ONLY").map_or(true, |only| only == format!("{self:?}").to_lowercase())
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("serve" | "setup"), _) => Ok(keyward::cli::main()),
        (Some(servers::COMMAND), Some(name)) => servers::run(&name).map(|()| ExitCode::SUCCESS),
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
    if Section::DeleteEverywhere.is_asked_for() {
        println!("Measuring DELETE.");
        report.delete_everywhere = Some(DeleteEverywhere::measure(plan, dir.path()).await?);
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

    report.compare();
    report.print();
    let path = report.write()?;
    println!("\nWritten to {}.", path.display());
    Ok(())
}
