//! More requests than can be answered, offered to 2 edges, 3 auth-svc and 2 contacts-svc on PostgreSQL, and
//! what refusals take there.
//!
//! First the most that is answered a second is measured, and what an answer takes while next to nothing is
//! asked. Then as much as the most is offered, and three times that, whether it is answered or not. An
//! answer is in time within twice what the slowest of a hundred take while next to nothing is asked.
//!
//! The most is reached with so much in flight that no answer is in time. So the most that is in time, with as
//! much in flight as fits and nothing to refuse, is measured as well: no bound can do better than that.
//!
//! The rounds differ a lot where the load shares a small machine; the one with the median is shown.
//!
//! With `KEYWARD_BENCH_BINARY`, the program of another release is measured first, in the same run.

mod cluster;
pub mod offered;
mod refusals;

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;

use crate::process;
use crate::rounds::{Plan, rounded};
use cluster::Cluster;
use offered::{Answers, Offered, Pace};
pub use refusals::Refusals;

/// Requests at once while the most is looked for.
const AT_ONCE: [usize; 4] = [8, 16, 32, 64];
/// What part of the most is next to nothing.
const UNLOADED: f64 = 0.1;
/// What is offered, in times of the most.
const OFFERED: [f64; 2] = [1.0, 3.0];
/// How many times the unloaded p99 an answer in time takes at the most.
const IN_TIME: f64 = 2.0;
/// Before anything counts, so that a load has become steady.
const WARM_UP: Duration = Duration::from_secs(4);
/// For how much longer than others the unloaded system is measured: its slowest answers are what the others are
/// compared with.
const UNLOADED_TIMES: u32 = 3;

/// What one program does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overload {
    program: String,
    /// The most good answers a second, each client asking when it was answered.
    peak_per_second: f64,
    /// The most good answers in time a second, with the best number in flight.
    best_in_time_per_second: f64,
    unloaded_p50_ms: f64,
    unloaded_p99_ms: f64,
    loads: Vec<Load>,
    /// What was in time at the greatest load in the worst and in the best round.
    in_time_of_rounds: [f64; 2],
}

/// What became of a load.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Load {
    /// In times of the peak.
    offered: f64,
    good_per_second: f64,
    /// Good answers in time, as a part of the peak.
    in_time: f64,
    /// The same as a part of the most that is in time.
    in_time_of_best: f64,
    good_p50_ms: f64,
    good_p99_ms: f64,
    refused_per_second: f64,
    /// The time to a 503.
    refused_p99_ms: f64,
    /// Other answers, and requests without one.
    failed: u64,
}

impl Overload {
    /// Measures each program in new directories in `dir`.
    pub async fn measure(dir: &Path, plan: Plan) -> anyhow::Result<Vec<Overload>> {
        let mut measured = Vec::new();
        for (name, program) in process::programs()? {
            println!("Overloading {name}.");
            let cluster = Cluster::start(program, &dir.join(format!("overload-{}", measured.len()))).await?;
            let rounds = (0..plan.rounds).map(|_| Overload::of(name.clone(), &cluster, plan));
            let rounds = rounds.collect::<anyhow::Result<Vec<Overload>>>()?;
            measured.extend(Overload::median(rounds));
        }
        Ok(measured)
    }

    /// The round with the median of what is in time at the greatest load, and the range of all.
    fn median(mut rounds: Vec<Overload>) -> Option<Overload> {
        rounds.sort_by(|a, b| a.worst_in_time().total_cmp(&b.worst_in_time()));
        let range = [rounds.first()?.worst_in_time(), rounds.last()?.worst_in_time()];
        let middle = rounds.len() / 2;
        Some(Overload { in_time_of_rounds: range, ..rounds.into_iter().nth(middle)? })
    }

    fn worst_in_time(&self) -> f64 {
        self.loads.last().map_or(0.0, |load| load.in_time)
    }

    /// One round.
    fn of(program: String, cluster: &Cluster, plan: Plan) -> anyhow::Result<Overload> {
        let offer = |pace, time| {
            let (edges, requests) = (&cluster.edges, &cluster.requests);
            Offered { edges, requests, pace, warm_up: WARM_UP, time }.run()
        };
        let levels = AT_ONCE.map(|at_once| offer(Pace::AtOnce(at_once), plan.load));
        let levels = levels.into_iter().collect::<anyhow::Result<Vec<Answers>>>()?;
        let most = |of: &dyn Fn(&Answers) -> f64| levels.iter().map(of).fold(0.0, f64::max);
        let peak = most(&Answers::good_per_second);
        ensure!(peak > 0.0, "nothing was answered");
        let unloaded = offer(Pace::PerSecond(peak * UNLOADED), plan.load * UNLOADED_TIMES)?;
        let (unloaded_p50_ms, unloaded_p99_ms) = (unloaded.good_within(50), unloaded.good_within(99));
        let best = most(&|answers| answers.good_in_time_per_second(IN_TIME * unloaded_p99_ms));
        let mut loads = Vec::new();
        for offered in OFFERED {
            let answers = offer(Pace::PerSecond(peak * offered), plan.load)?;
            let in_time = answers.good_in_time_per_second(IN_TIME * unloaded_p99_ms);
            loads.push(Load::of(offered, &answers, rounded(in_time / peak), rounded(in_time / best)));
        }
        Ok(Overload {
            program,
            peak_per_second: peak.round(),
            best_in_time_per_second: best.round(),
            unloaded_p50_ms,
            unloaded_p99_ms,
            loads,
            in_time_of_rounds: [0.0; 2],
        })
    }

    /// Prints it for people.
    pub fn print(&self) {
        println!(
            "\nOverload, {}: at most {:.0} good answers a second, {:.0} in time; unloaded p50 {:.2} ms, p99 {:.2} ms",
            self.program,
            self.peak_per_second,
            self.best_in_time_per_second,
            self.unloaded_p50_ms,
            self.unloaded_p99_ms
        );
        println!(
            "{:10} {:>8} {:>10} {:>10} {:>12} {:>12} {:>8} {:>12} {:>8}",
            "offered",
            "good/s",
            "in time",
            "of best",
            "good p50 ms",
            "good p99 ms",
            "503/s",
            "503 p99 ms",
            "failed"
        );
        for load in &self.loads {
            println!(
                "{:10} {:>8.0} {:>9.0}% {:>9.0}% {:>12.2} {:>12.2} {:>8.0} {:>12.2} {:>8}",
                format!("{} x", load.offered),
                load.good_per_second,
                load.in_time * 100.0,
                load.in_time_of_best * 100.0,
                load.good_p50_ms,
                load.good_p99_ms,
                load.refused_per_second,
                load.refused_p99_ms,
                load.failed
            );
        }
        let [worst, best] = self.in_time_of_rounds.map(|part| part * 100.0);
        println!("in time at the greatest load: {worst:.0} % to {best:.0} % by round");
        println!("aim: at 3 x at least 80 % in time, and a 503 within 50 ms");
    }
}

impl Load {
    fn of(offered: f64, answers: &Answers, in_time: f64, in_time_of_best: f64) -> Load {
        Load {
            offered,
            good_per_second: answers.good_per_second().round(),
            in_time,
            in_time_of_best,
            good_p50_ms: answers.good_within(50),
            good_p99_ms: answers.good_within(99),
            refused_per_second: answers.refused_per_second().round(),
            refused_p99_ms: answers.refused_within(99),
            failed: answers.failed,
        }
    }
}
