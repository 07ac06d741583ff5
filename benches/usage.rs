//! What processes use, as Linux tells it in /proc.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// A tick of the CPU times in /proc: USER_HZ is 100 on every architecture that servers run on.
const TICK: Duration = Duration::from_millis(10);

/// The CPU time that these processes have used so far, in user space and in the kernel.
pub fn cpu(pids: &[u32]) -> anyhow::Result<Duration> {
    let ticks = pids.iter().map(|pid| Ok(Stat::of(*pid)?.own_ticks)).sum::<anyhow::Result<u32>>()?;
    Ok(TICK * ticks)
}

/// The CPU time of a process and of all that it has started, whether they still run or not.
pub fn cpu_with_children(pid: u32) -> anyhow::Result<Duration> {
    let parent = Stat::of(pid)?;
    let mut ticks = parent.own_ticks + parent.ended_children_ticks;
    for entry in fs::read_dir("/proc")? {
        let Ok(child) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that has just ended is counted with the parent the next time.
        if let Ok(stat) = Stat::of(child)
            && stat.parent == pid
        {
            ticks += stat.own_ticks;
        }
    }
    Ok(TICK * ticks)
}

/// The memory that these processes hold, in MiB: the sum of their resident set sizes.
pub fn rss_mib(pids: &[u32]) -> anyhow::Result<f64> {
    let mut kib = 0;
    for pid in pids {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        kib += line.trim().trim_end_matches(" kB").parse::<u32>()?;
    }
    Ok(f64::from(kib) / 1024.0)
}

/// The most memory that a process has held so far, in MiB.
pub fn peak_mib(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(f64::from(line.trim().trim_end_matches(" kB").parse::<u32>()?) / 1024.0)
}

/// `/proc/PID/stat`, see proc_pid_stat(5).
struct Stat {
    parent: u32,
    own_ticks: u32,
    ended_children_ticks: u32,
}

impl Stat {
    fn of(pid: u32) -> anyhow::Result<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name of the program, in parentheses, may hold anything.
        let (_, rest) = text.rsplit_once(") ").context("no name")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        // The field numbers of the manual page start at 1, and two are before the parenthesis.
        let field = |number: usize| -> anyhow::Result<u32> {
            let text = fields.get(number - 3).context("a field is missing")?;
            Ok(text.parse()?)
        };
        Ok(Stat {
            parent: field(4)?,
            own_ticks: field(14)? + field(15)?,
            ended_children_ticks: field(16)? + field(17)?,
        })
    }
}
