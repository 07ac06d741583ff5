//! The clock that limits in memory count by.

use svc_core::clock::{Clock, SystemClock};

/// Where the kernel says which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A clock that is never set and counts the time that the machine sleeps.
pub(crate) trait BootClock: Send + Sync + 'static {
    /// Milliseconds since the machine started, rounded down.
    fn millis(&self) -> u64;

    /// What tells this start of the machine from others. `None` when that cannot be told.
    fn boot_id(&self) -> Option<String>;
}

/// The machine's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemBootClock;

impl BootClock for SystemBootClock {
    fn millis(&self) -> u64 {
        SystemClock.uptime().millis()
    }

    fn boot_id(&self) -> Option<String> {
        let id = std::fs::read_to_string(BOOT_ID).ok()?;
        let id = id.trim();
        (!id.is_empty()).then(|| id.to_owned())
    }
}
