//! What a flood of wrong credentials does to good requests.
//!
//! The good requests come over some connections, the flood over as many others, each as fast as it is
//! answered: together they take the whole machine. The yardstick is the same beside as many more good
//! requests. Unless it says otherwise a flood comes from so many client addresses that no bound of one
//! address helps.

use std::path::Path;

use serde::Serialize;

use super::FEW_KEYS;
use super::load::{self, End, Load, Outcome, Way};
use super::questions::Questions;
use super::subjects::Server;
use crate::installation::ANY_PORT;
use crate::rounds::{Plan, rounded};
use crate::usage;

/// Connections of the good requests, and as many of the flood.
const CONNECTIONS: u32 = 16;

/// What was measured of the good requests beside something else.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flood {
    /// Beside what.
    name: &'static str,
    good_per_second: f64,
    flood_per_second: f64,
    /// CPU time of auth-svc for a request of either kind, in microseconds.
    cpu_micros_per_request: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// How much longer the median of good requests takes than without the flood.
    slower: f64,
    /// The same beside as many good ones.
    slower_than_by_good: f64,
}

fn median(mut rows: Vec<Flood>) -> Option<Flood> {
    rows.sort_by(|a, b| a.p50_ms.total_cmp(&b.p50_ms));
    let middle = rows.len() / 2;
    rows.into_iter().nth(middle)
}

impl Flood {
    /// Measures all in a new directory in `dir`, in rounds. Each row is its median.
    pub async fn measure(dir: &Path, plan: Plan) -> anyhow::Result<Vec<Flood>> {
        println!("Flooding with wrong credentials.");
        let server = &Server::auth(dir.join("flood"), FEW_KEYS, ANY_PORT).await?;
        let beside = [
            ("nothing", None),
            ("as many good ones", Some(Questions::Right(FEW_KEYS))),
            ("wrong secrets of one key", Some(Questions::Wrong(1))),
            ("wrong secrets of many keys", Some(Questions::Wrong(FEW_KEYS))),
            ("unknown keys of 256 clients", Some(Questions::UnknownFromFew)),
            ("unknown keys", Some(Questions::Unknown)),
        ];
        let load = |questions| server.load(Way::Calls, questions, CONNECTIONS, End::After(plan.load));
        let good = load(Questions::Right(FEW_KEYS));
        let floods = beside.map(|(_, questions)| questions.map(load));
        let mut measured = vec![Vec::new(); beside.len()];
        for _ in 0..plan.rounds {
            for (((name, _), flood), rows) in beside.iter().zip(&floods).zip(&mut measured) {
                rows.push(Flood::beside(name, server, &good, flood.as_ref())?);
            }
        }
        let mut rows: Vec<Flood> = measured.into_iter().filter_map(median).collect();
        let [alone, by_good] = [0, 1].map(|at: usize| rows.get(at).map_or(0.0, |row| row.p50_ms));
        for row in &mut rows {
            row.slower = rounded(row.p50_ms / alone);
            row.slower_than_by_good = rounded(row.p50_ms / by_good);
        }
        Ok(rows)
    }

    fn beside(
        name: &'static str,
        server: &Server,
        good: &Load,
        flood: Option<&Load>,
    ) -> anyhow::Result<Flood> {
        let loads: Vec<Load> = [good.clone()].into_iter().chain(flood.cloned()).collect();
        let pids = [server.process.pid()];
        let before = usage::cpu(&pids)?;
        let outcomes = load::run(&loads)?;
        let cpu = usage::cpu(&pids)? - before;
        let a_second = |outcome: &Outcome| (outcome.calls as f64 / outcome.seconds).round();
        let calls: u64 = outcomes.iter().map(|outcome| outcome.calls).sum();
        let (good, flood) = (&outcomes[0], outcomes.get(1));
        Ok(Flood {
            name,
            good_per_second: a_second(good),
            flood_per_second: flood.map_or(0.0, a_second),
            cpu_micros_per_request: rounded(cpu.as_secs_f64() * 1e6 / calls as f64),
            p50_ms: good.p50_ms,
            p99_ms: good.p99_ms,
            slower: 0.0,
            slower_than_by_good: 0.0,
        })
    }

    /// Prints them for people.
    pub fn print(floods: &[Flood]) {
        println!("\n{CONNECTIONS} connections with good requests, beside as many with");
        println!(
            "{:28} {:>8} {:>8} {:>11} {:>8} {:>8} {:>8} {:>8}",
            "", "good/s", "other/s", "CPU µs/req", "p50 ms", "p99 ms", "slower", "by good"
        );
        for flood in floods {
            println!(
                "{:28} {:>8.0} {:>8.0} {:>11.1} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
                flood.name,
                flood.good_per_second,
                flood.flood_per_second,
                flood.cpu_micros_per_request,
                flood.p50_ms,
                flood.p99_ms,
                flood.slower,
                flood.slower_than_by_good
            );
        }
    }
}
