//! How long `keyward serve` takes until it answers, and what memory it holds then.

use std::time::Instant;

use serde::Serialize;

use crate::rounds::rounded;
use crate::subject::Sample;
use crate::target::Target;
use crate::usage;

/// Odd, so that one is the median.
const STARTS: usize = 5;

const COLD_START_AIM_MS: f64 = 500.0;
const IDLE_AIM_MB: f64 = 60.0;

/// `keyward serve`, everything in one process, on data that is there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColdStart {
    /// From its start to the answer to the first request, whose key has to be read and verified.
    pub median_ms: f64,
    /// Each.
    pub runs_ms: Vec<f64>,
    /// The memory that it holds when that one request is answered, in MiB.
    pub idle_rss_mb: f64,
}

impl ColdStart {
    /// Starts it again and again.
    pub async fn measure(sample: &Sample) -> anyhow::Result<ColdStart> {
        let mut runs_ms = Vec::new();
        let mut rss = Vec::new();
        for _ in 0..STARTS {
            let started = Instant::now();
            let process = sample.installation.serve(None, &[])?;
            let target = Target::new(process.address("edge")?, &sample.credentials)?;
            target.get_contact().await?;
            runs_ms.push(rounded(started.elapsed().as_secs_f64() * 1e3));
            rss.push(rounded(usage::rss_mib(&[process.pid()])?));
            process.stop()?;
        }
        Ok(ColdStart { median_ms: median(&runs_ms), runs_ms, idle_rss_mb: median(&rss) })
    }

    /// Prints it for people.
    pub fn print(&self) {
        println!("\nkeyward serve, on SQLite with data");
        let ColdStart { median_ms, idle_rss_mb, .. } = self;
        println!(
            "{:50} {median_ms:>6.0}   aim: below {COLD_START_AIM_MS:.0}",
            "start to the first answer, ms"
        );
        println!("{:50} {idle_rss_mb:>6.1}   aim: below {IDLE_AIM_MB:.0}", "idle memory (RSS), MiB");
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
