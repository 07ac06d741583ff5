//! auth-svc with a million keys beside auth-svc with a thousand.
//!
//! Some keys are used much more than others, by Zipf's law, as the keys of integrations are. One row uses
//! all alike: then nearly every request needs a key that no cache of the processor has.
//!
//! It is asked as by an edge in the same process. An edge that runs apart needs principal tokens, too; each
//! key has one signed every 30 s while it is used, so that more keys cost more signatures, whatever the
//! number of requests.

use std::path::Path;

use serde::Serialize;

use super::load::{self, End, Way};
use super::questions::Questions;
use super::subjects::Server;
use super::{CONNECTIONS, FEW_KEYS, Subject, rounds};
use crate::installation::ANY_PORT;
use crate::rounds::{Plan, Row};
use crate::usage;

const MANY_KEYS: u32 = 1_000_000;

/// A replica that starts with a million keys in its database and none in its memory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManyKeys {
    keys: u32,
    /// First requests a second, each of another key, until all were used once.
    first_requests_per_second: f64,
    /// How often argon2 ran meanwhile. Aim: never.
    argon2_runs: u64,
    /// What the process holds more after that than before, for each key: its snapshot, its windows and the
    /// places of both in their maps.
    memory_bytes_per_key: f64,
}

impl ManyKeys {
    /// Measures in new directories in `dir`.
    pub async fn measure(dir: &Path, plan: Plan) -> anyhow::Result<(Vec<Row>, ManyKeys)> {
        println!("Making {MANY_KEYS} keys.");
        let few = Server::auth(dir.join("authorize-1k-keys"), FEW_KEYS, ANY_PORT).await?.without_tokens();
        let many = Server::auth(dir.join("authorize-1m-keys"), MANY_KEYS, ANY_PORT).await?.without_tokens();
        println!("Using each of them once.");
        let many_keys = ManyKeys::of(&many).await?;
        let subjects = [
            Subject::new("authorize-1k-keys", &few, Way::Calls, Questions::Right(FEW_KEYS), plan),
            Subject::new("authorize-1m-keys", &many, Way::Calls, Questions::Right(MANY_KEYS), plan),
            Subject::new("authorize-1m-keys-evenly", &many, Way::Calls, Questions::Evenly(MANY_KEYS), plan),
        ];
        Ok((rounds("Many keys", &subjects, plan)?, many_keys))
    }

    async fn of(server: &Server) -> anyhow::Result<ManyKeys> {
        let pids = [server.process.pid()];
        // What every process has is there before the first key.
        server.message_bytes().await?;
        let before = usage::rss_mib(&pids)?;
        let each = Questions::Each(MANY_KEYS);
        let load = server.load(Way::Batches, each, CONNECTIONS, End::Calls(MANY_KEYS));
        let outcome = load::run_one(&load)?;
        let mib = usage::rss_mib(&pids)? - before;
        Ok(ManyKeys {
            keys: MANY_KEYS,
            first_requests_per_second: (outcome.calls as f64 / outcome.seconds).round(),
            argon2_runs: server.argon2_runs().await?,
            memory_bytes_per_key: (mib * 1024.0 * 1024.0 / f64::from(MANY_KEYS)).round(),
        })
    }

    /// Prints it for people.
    pub fn print(&self) {
        println!("\nauth-svc with {} keys, none in memory at its start", self.keys);
        println!("{:50} {:>8.0}", "first requests of each, a second", self.first_requests_per_second);
        println!("{:50} {:>8}   aim: 0", "argon2 runs meanwhile", self.argon2_runs);
        println!("{:50} {:>8.0}", "memory (RSS) a key, bytes", self.memory_bytes_per_key);
    }
}
