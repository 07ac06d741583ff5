//! The credential check by itself: `Authorize` over gRPC beside an echo of the same size, with few keys and
//! with a million, and beside a flood of wrong credentials.

mod flood;
mod load;
mod many_keys;
mod questions;
mod subjects;

use std::path::Path;

use crate::installation::ANY_PORT;
use crate::rounds::{Plan, Row, median, rounded};
use crate::subject::unix_socket;
use crate::usage;
pub use flood::Flood;
use load::{End, Load, Outcome, Way};
pub use many_keys::ManyKeys;
use questions::Questions;
use subjects::Server;

const FEW_KEYS: u32 = 1_000;
/// Connections of a load that makes a call at a time on each.
const CONNECTIONS: u32 = 32;
/// Streams of a load that asks in batches: an edge has one for each replica.
const STREAMS: u32 = 1;

/// A row's server and the load on it.
struct Subject<'s> {
    name: &'static str,
    server: &'s Server,
    load: Load,
}

/// Measures the calls, in new directories in `dir`.
pub async fn measure(dir: &Path, plan: Plan) -> anyhow::Result<Vec<Row>> {
    let tcp = Server::auth(dir.join("authorize-tcp"), FEW_KEYS, ANY_PORT).await?;
    let unix =
        Server::auth(dir.join("authorize-unix"), FEW_KEYS, &unix_socket(dir, "authorize.sock")).await?;
    let (question, answer) = tcp.message_bytes().await?;
    let echo_tcp = Server::echo(ANY_PORT, answer)?;
    let echo_unix = Server::echo(&unix_socket(dir, "echo.sock"), answer)?;
    let echo = Way::Echo(question);
    let subjects = [
        Subject::new("tonic-echo-tcp", &echo_tcp, echo, Questions::Right(1), plan),
        Subject::new("tonic-echo-unix", &echo_unix, echo, Questions::Right(1), plan),
        Subject::new("authorize-tcp", &tcp, Way::Calls, Questions::Right(1), plan),
        Subject::new("authorize-unix", &unix, Way::Calls, Questions::Right(1), plan),
        Subject::new("authorize-batches-tcp", &tcp, Way::Batches, Questions::Right(1), plan),
        Subject::new("authorize-batches-unix", &unix, Way::Batches, Questions::Right(1), plan),
    ];
    rounds("Authorize", &subjects, plan)
}

/// Measures each subject in each round. The row of a subject is its round with the median CPU time.
fn rounds(name: &str, subjects: &[Subject<'_>], plan: Plan) -> anyhow::Result<Vec<Row>> {
    let mut measured: Vec<Vec<Row>> = subjects.iter().map(|_| Vec::new()).collect();
    for round in 1..=plan.rounds {
        println!("{name}, round {round} of {}.", plan.rounds);
        for (subject, rows) in subjects.iter().zip(&mut measured) {
            rows.push(subject.measure()?);
        }
    }
    Ok(measured.into_iter().filter_map(median).collect())
}

impl<'s> Subject<'s> {
    fn new(
        name: &'static str,
        server: &'s Server,
        way: Way,
        questions: Questions,
        plan: Plan,
    ) -> Subject<'s> {
        let connections = match way {
            Way::Echo(_) | Way::Calls => CONNECTIONS,
            Way::Batches => STREAMS,
        };
        let load = server.load(way, questions, connections, End::After(plan.load));
        Subject { name, server, load }
    }

    fn measure(&self) -> anyhow::Result<Row> {
        let pids = [self.server.process.pid()];
        let before = usage::cpu(&pids)?;
        let Outcome { calls, seconds, p50_ms, p99_ms } = load::run_one(&self.load)?;
        let cpu = usage::cpu(&pids)? - before;
        Ok(Row {
            name: self.name,
            rps: (calls as f64 / seconds).round(),
            cpu_micros_per_request: rounded(cpu.as_secs_f64() * 1e6 / calls as f64),
            db_cpu_micros_per_request: None,
            p50_ms,
            p99_ms,
            rss_mb: rounded(usage::rss_mib(&pids)?),
        })
    }
}
