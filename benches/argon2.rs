//! What argon2id costs, and what bounds it: a crowd that presents secrets cannot take more than the cores,
//! more memory than those need, or more time of others than the queue.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use auth_svc::benching::{Argon2Pool, HashError};
use serde::Serialize;
use svc_core::random::SystemRandom;
use svc_core::secret::Secret;
use svc_runtime::telemetry::Metrics;
use tokio::task::JoinSet;

use crate::rounds::{Plan, rounded};

const SECRET: &str = "kws_live_benchmark";
/// Odd, so that one is the median.
const ALONE: usize = 15;
/// Ten times what the pool lets in for each core.
const CALLERS_PER_CORE: usize = 320;

/// Verifications of a secret against its record, by the pool of auth-svc.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Argon2 {
    /// The median time of one while no other runs.
    alone_ms: f64,
    /// How many callers there are for `per_second`, each with its next one when the last is answered: one
    /// for each core.
    at_once: usize,
    /// How many all of them get in a second.
    per_second: f64,
    crowd: Crowd,
}

/// Many callers at the same moment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Crowd {
    callers: usize,
    /// Those that got an answer: what runs and what may wait.
    answered: usize,
    /// The time to the first answer. It is near that of one alone: not all of them run at once.
    first_ms: f64,
    /// The time to the last answer: the longest that anyone waits.
    last_ms: f64,
    /// Those that were refused because too many wait already.
    refused: usize,
    /// The most that such a call took, in microseconds.
    refused_within_micros: f64,
    /// The most memory that this program has ever held by then, in MiB. Each that runs takes 19; beyond
    /// that it is what the allocator keeps of those that have run.
    peak_rss_mb: f64,
}

/// A pool, and the record of [`SECRET`].
#[derive(Clone)]
struct Subject {
    pool: Argon2Pool,
    record: Arc<str>,
}

impl Subject {
    /// Its answer, and the time to it.
    async fn verify(&self) -> (Result<bool, HashError>, Duration) {
        let began = Instant::now();
        let answer = self.pool.verify(&self.record, SECRET).await;
        (answer, began.elapsed())
    }

    async fn verify_alone(&self) -> anyhow::Result<Duration> {
        let (answer, took) = self.verify().await;
        ensure!(answer?, "the secret is not the one of its record");
        Ok(took)
    }
}

impl Argon2 {
    /// Measures it in this process.
    pub async fn measure(plan: Plan) -> anyhow::Result<Argon2> {
        let pool = Argon2Pool::new(None, None, &Metrics::new())?;
        let record = pool.hash(&Secret::new(SECRET), &SystemRandom).await?.into();
        let subject = Subject { pool, record };
        let cores = std::thread::available_parallelism()?.get();

        let mut alone = Vec::new();
        for _ in 0..ALONE {
            alone.push(subject.verify_alone().await?);
        }
        alone.sort_unstable();
        let crowd = crowd(&subject, cores * CALLERS_PER_CORE).await?;
        Ok(Argon2 {
            alone_ms: millis(alone[ALONE / 2]),
            at_once: cores,
            per_second: rounded(per_second(&subject, cores, plan.load / 4).await?),
            crowd,
        })
    }

    /// Prints it for people.
    pub fn print(&self) {
        let Argon2 { alone_ms, at_once, per_second, crowd } = self;
        println!("\nargon2id");
        println!("{:50} {alone_ms:>6.1}", "one alone, ms");
        println!("{:50} {per_second:>6.1}", format!("a second, with {at_once} callers"));
        println!("{:50} {:>6}", format!("answered of {} callers at once", crowd.callers), crowd.answered);
        println!("{:50} {:>6.0}", "their first answer, ms", crowd.first_ms);
        println!("{:50} {:>6.0}", "their last answer, ms", crowd.last_ms);
        println!("{:50} {:>6}", "refused of them", crowd.refused);
        println!("{:50} {:>6.0}", "the slowest refusal, µs", crowd.refused_within_micros);
        println!("{:50} {:>6.0}", "memory at the most, MiB", crowd.peak_rss_mb);
    }
}

async fn per_second(subject: &Subject, callers: usize, duration: Duration) -> anyhow::Result<f64> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let subject = subject.clone();
        tasks.spawn(async move {
            let mut done: u32 = 0;
            while began.elapsed() < duration {
                subject.verify_alone().await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(task) = tasks.join_next().await {
        done += task??;
    }
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

async fn crowd(subject: &Subject, callers: usize) -> anyhow::Result<Crowd> {
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let subject = subject.clone();
        tasks.spawn(async move { subject.verify().await });
    }
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    while let Some(task) = tasks.join_next().await {
        match task? {
            (Ok(true), took) => answered.push(took),
            (Err(HashError::Busy), took) => refused.push(took),
            (other, _) => bail!("the pool answered {other:?}"),
        }
    }
    let first = answered.iter().min().context("no caller was answered")?;
    let last = answered.iter().max().context("no caller was answered")?;
    let slowest = refused.iter().max().context("no caller was refused")?;
    Ok(Crowd {
        callers,
        answered: answered.len(),
        first_ms: millis(*first),
        last_ms: millis(*last),
        refused: refused.len(),
        refused_within_micros: rounded(slowest.as_secs_f64() * 1e6),
        peak_rss_mb: rounded(peak_rss_mib()?),
    })
}

fn peak_rss_mib() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(f64::from(line.trim().trim_end_matches(" kB").parse::<u32>()?) / 1024.0)
}

fn millis(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e3)
}
