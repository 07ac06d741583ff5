//! What signals do to `keyward serve`.
//!
//! | signal | |
//! | --- | --- |
//! | SIGTERM, SIGINT | the first lets what is in flight end, the second ends the process at once, but for one that comes in the same moment |
//! | SIGHUP | told of in the log; settings, keys and secrets are read at a start |
//! | SIGUSR1, SIGUSR2 | told of in the log |
//!
//! Without a handler SIGHUP, SIGUSR1 and SIGUSR2 would end the process, and as the first process of a
//! container it would not hear SIGTERM.

use std::io;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The signals that are heard, from when this was made. Those that come before [`Signals::heed`] wait.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    user_1: Signal,
    user_2: Signal,
}

/// Whoever signals a process and then its group, as `timeout` does, sends it one stop twice. A person needs longer for
/// a second one.
const SAME_STOP: Duration = Duration::from_millis(200);

/// One that has come.
enum Received {
    Stop(&'static str),
    Other(&'static str),
}

impl Signals {
    /// To be made before anything else is done.
    pub(crate) fn hear() -> io::Result<Signals> {
        // The runtime that will heed them depends on settings, which are not read yet. Any may register them.
        let registers = Builder::new_current_thread().enable_io().build()?;
        let _registers = registers.enter();
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
            user_2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Acts on them until the process ends.
    pub(crate) fn heed(mut self, shutdown: CancellationToken) {
        tokio::spawn(async move {
            let mut first: Option<Instant> = None;
            loop {
                match self.next().await {
                    Received::Stop(_) if first.is_some_and(|at| at.elapsed() < SAME_STOP) => {}
                    Received::Stop(signal) if shutdown.is_cancelled() => {
                        tracing::warn!(signal, "stopping at once");
                        std::process::exit(1);
                    }
                    Received::Stop(signal) => {
                        tracing::info!(signal, "stopping: requests in flight may end");
                        first = Some(Instant::now());
                        shutdown.cancel();
                    }
                    Received::Other("SIGHUP") => tracing::info!(
                        signal = "SIGHUP",
                        "nothing is reloaded: settings, keys and secrets are read at a start"
                    ),
                    Received::Other(signal) => tracing::info!(signal, "the signal does nothing here"),
                }
            }
        });
    }

    async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Received::Stop("SIGINT"),
            _ = self.hang_up.recv() => Received::Other("SIGHUP"),
            _ = self.user_1.recv() => Received::Other("SIGUSR1"),
            _ = self.user_2.recv() => Received::Other("SIGUSR2"),
        }
    }
}
