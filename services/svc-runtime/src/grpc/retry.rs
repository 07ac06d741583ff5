//! A call with its deadline, which is made once more where that can do no harm.
//!
//! - What was surely not processed goes to another replica, or to the same over a new connection.
//! - What changes nothing ("safe", RFC 9110, 9.2.1) also goes to another replica when the first one has
//!   failed, or answers nothing at all for a while (a hedge). A replica that answers others is just slow with
//!   this call, and another one would be, too. A budget bounds how many calls are made twice for this.
//! - What may have been processed and may change something is never made again. When its replica has gone
//!   silent it is given up before its deadline: the outcome is not known either way, and the caller should
//!   not hang.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures::future::{Either, select};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::Status;

use super::balancer::{Balancer, Retry};
use super::failure::is_of_replica;
use super::status;
use super::unprocessed::{Cause, Unprocessed};
use super::upstream::{Kind, Upstream};
use svc_core::error::{Error, Reason};

/// How long a safe call waits for a replica that answers nothing before another one is called, too. More
/// than the suspicion of the balancer and the answer to its health check take, which shows that a replica
/// lives that is just slow.
const HEDGE_DELAY: Duration = Duration::from_millis(300);
/// How long a call waits for a silent replica at the most.
const SILENT_LIMIT: Duration = Duration::from_secs(2);

/// A call to an upstream: by when it must have ended, and whether it changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// Its deadline.
    pub ends: Instant,
    /// Whether it changes nothing, so that making it twice does no harm.
    pub safe: bool,
}

impl Upstream {
    /// Makes a call. `call` makes it with the upstream that it is given, one replica. What it calls must do
    /// nothing before its first message, as unary methods do.
    ///
    /// # Errors
    /// `deadline_exceeded` when the time is over, or the replica is silent.
    pub async fn call_with<T, F>(
        &self,
        options: CallOptions,
        call: impl Fn(Upstream) -> F,
    ) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let Kind::Remote(remote, chosen) = &self.kind else {
            return timeout_at(options.ends, call(self.clone())).await.unwrap_or_else(|_| Err(too_late()));
        };
        let balancer = &*remote.balancer;
        let first = chosen.unwrap_or_else(|| balancer.pick());
        // A caller that has chosen a replica wants no other.
        let other = || if chosen.is_none() { balancer.pick_other_than(first) } else { None };
        let mut one = pin!(call(self.at(first)));
        let patience = Patience { balancer, replica: first, options };
        let failure = tokio::select! {
            biased;
            answer = &mut one => match answer {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            },
            ended = patience.ends() => return match ended {
                // Boxed, since it is rare and would double what every call takes.
                Ended::Hedge => Box::pin(async {
                    match other().filter(|_| balancer.may_retry(Retry::Hedged)) {
                        Some(other) => self.hedge(patience, one, call(self.at(other))).await,
                        None => patience.without_hedge(one).await,
                    }
                }).await,
                Ended::TooLate => Err(too_late()),
                Ended::Silent => Err(silent()),
            },
        };
        let second = match Unprocessed::find(&failure).map(|unprocessed| unprocessed.cause) {
            Some(Cause::Refused) => other().or(Some(first)).inspect(|_| balancer.retries_unprocessed()),
            // When there is nobody else: what is not there now is not there at once.
            Some(Cause::Unreachable) => other().inspect(|_| balancer.retries_unprocessed()),
            None if options.safe && is_of_replica(&failure) => {
                other().filter(|_| balancer.may_retry(Retry::Failed))
            }
            None => None,
        };
        let Some(second) = second else { return Err(failure) };
        tracing::debug!(upstream = self.name(), error = %failure, "a call is made once more");
        let patience =
            Patience { replica: second, options: CallOptions { safe: false, ..options }, ..patience };
        Box::pin(async { patience.without_hedge(pin!(call(self.at(second)))).await }).await
    }

    /// Waits for two replicas, of which the first is not answering.
    async fn hedge<T, F>(&self, patience: Patience<'_>, one: Pin<&mut F>, other: F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        tracing::debug!(upstream = self.name(), "a replica is not answering; another one is called, too");
        let both = async {
            match select(one, pin!(other)).await {
                Either::Left((answer, other)) if is_failure(&answer) => other.await,
                Either::Right((answer, one)) if is_failure(&answer) => {
                    let patience =
                        Patience { options: CallOptions { safe: false, ..patience.options }, ..patience };
                    patience.without_hedge(one).await
                }
                Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
            }
        };
        timeout_at(patience.options.ends, both).await.unwrap_or_else(|_| Err(too_late()))
    }
}

fn is_failure<T>(answer: &Result<T, Status>) -> bool {
    answer.as_ref().is_err_and(is_of_replica)
}

/// How long one call waits for one replica.
#[derive(Clone, Copy)]
struct Patience<'b> {
    balancer: &'b Balancer,
    replica: usize,
    options: CallOptions,
}

/// Why it waits no longer.
enum Ended {
    /// Another replica may answer.
    Hedge,
    /// The deadline has passed.
    TooLate,
    /// The replica answers nothing.
    Silent,
}

impl Patience<'_> {
    /// One timer, which most calls never see again.
    async fn ends(self) -> Ended {
        let Patience { balancer, replica, options: CallOptions { ends, safe } } = self;
        let began = Instant::now();
        let step = if safe { HEDGE_DELAY } else { SILENT_LIMIT };
        let mut answers = balancer.answers(replica);
        let mut timer = pin!(sleep_until(ends.min(began + step)));
        loop {
            timer.as_mut().await;
            let now = Instant::now();
            if now >= ends {
                balancer.lost(replica);
                return Ended::TooLate;
            }
            if balancer.is_silent(replica) && now - began >= SILENT_LIMIT {
                balancer.abandons();
                return Ended::Silent;
            }
            let before = std::mem::replace(&mut answers, balancer.answers(replica));
            if safe && before == answers {
                return Ended::Hedge;
            }
            timer.as_mut().reset(ends.min(now + HEDGE_DELAY));
        }
    }

    async fn without_hedge<T>(
        mut self,
        call: Pin<&mut impl Future<Output = Result<T, Status>>>,
    ) -> Result<T, Status> {
        self.options.safe = false;
        tokio::select! {
            biased;
            answer = call => answer,
            ended = self.ends() => match ended {
                Ended::TooLate | Ended::Hedge => Err(too_late()),
                Ended::Silent => Err(silent()),
            },
        }
    }
}

fn too_late() -> Status {
    status::of(Error::deadline_exceeded())
}

fn silent() -> Status {
    let message = "The service stopped answering. The call may have been processed all the same.";
    status::of(Error::new(Reason::DeadlineExceeded, message))
}

#[cfg(test)]
mod tests;
