//! The benchmark of the whole stack: what Keyward costs beside axum without it. `make bench` runs it.
//!
//! Every server is a process of its own, so that its CPU time can be told from the load's: this program
//! again, as `keyward` itself (`serve`, `setup`) or as one of [`servers`]. All of them stand ready while
//! the load goes round among them, so that a noisy moment of the machine meets each.
//!
//! `BENCH_QUICK=1` takes less than three minutes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark says what it measures")]

mod cold_start;
mod contact;
mod installation;
mod load;
mod process;
mod report;
mod rounds;
mod servers;
mod subject;
mod target;
mod usage;

use std::process::ExitCode;

use cold_start::ColdStart;
use report::Report;
use rounds::Plan;
use subject::{Postgres, Sample};

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

    println!("Setting up in {}.", dir.path().display());
    let sample = Sample::make(dir.path()).await?;
    println!("Measuring cold starts.");
    let cold_start = ColdStart::measure(&sample).await?;
    println!("Starting the servers.");
    let subjects = subject::start_all(dir.path(), &sample, &postgres).await?;
    let rows = rounds::run(Plan::from_environment(), &subjects, sample.answer.len())?;

    let report = Report::new(rows, cold_start);
    report.print();
    let path = report.write()?;
    println!("\nWritten to {}.", path.display());
    Ok(())
}
