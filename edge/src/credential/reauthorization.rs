//! A stream is authorised again while it goes on. What a key may no longer do ends within [`GOOD_FOR`], however
//! long its stream is.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use keyward_proto::policy::v1::Role;
use svc_core::error::Reason;
use svc_runtime::authorize::Question;
use tokio::time::{Instant, Sleep};

use super::authorize::Authorizer;
use super::headers::Credential;
use crate::answer::Refusal;

/// How long a stream goes on with one yes.
const GOOD_FOR: Duration = Duration::from_secs(30);
/// When it is asked for the next, so that auth-svc may be away for a moment, as a replica that starts again is,
/// before a stream is cut. Nothing is let through for it: the yes before is good until [`GOOD_FOR`].
const ASK_AFTER: Duration = Duration::from_secs(25);
/// How long after a check that could not be made it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is asked again of a stream.
pub(crate) struct Standing {
    pub(crate) credential: Credential,
    pub(crate) client: IpAddr,
    /// The RPC, without the leading slash.
    pub(crate) operation: String,
    pub(crate) permissions: Vec<String>,
    pub(crate) agent: Option<String>,
    pub(crate) role: Role,
    /// The id of the request.
    pub(crate) request_id: String,
    /// When the check began that let it through.
    pub(crate) checked: Instant,
}

/// Asks in time whether the caller of a stream may still do what it does. It is polled beside the stream, and asks
/// nothing of a stream that nobody polls: then nothing flows.
pub(crate) struct Reauthorization {
    ask: Box<dyn Fn() -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync>,
    good_until: Instant,
    next: Pin<Box<Sleep>>,
    /// A question under way, and when it was asked.
    asking: Option<(Instant, BoxFuture<'static, Result<(), Refusal>>)>,
}

impl Reauthorization {
    /// For a stream whose caller was let through.
    pub(crate) fn new(authorizer: &Authorizer, standing: Standing) -> Reauthorization {
        let checked = standing.checked;
        let (authorizer, standing) = (authorizer.clone(), Arc::new(standing));
        Reauthorization::by(checked, move || {
            let (authorizer, standing) = (authorizer.clone(), standing.clone());
            async move { standing.ask(&authorizer).await }.boxed()
        })
    }

    fn by(
        checked: Instant,
        ask: impl Fn() -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync + 'static,
    ) -> Reauthorization {
        Reauthorization {
            ask: Box::new(ask),
            good_until: checked + GOOD_FOR,
            next: Box::pin(tokio::time::sleep_until(checked + ASK_AFTER)),
            asking: None,
        }
    }

    /// Asks when it is time. Ready when the stream is to end, with the reason. Else the caller is woken when it is
    /// time to poll again.
    pub(crate) fn poll_refused(&mut self, cx: &mut Context<'_>) -> Poll<Refusal> {
        loop {
            let Some((asked, answer)) = &mut self.asking else {
                ready!(self.next.as_mut().poll(cx));
                self.asking = Some((Instant::now(), (self.ask)()));
                continue;
            };
            let asked = *asked;
            let answer = ready!(answer.as_mut().poll(cx));
            self.asking = None;
            match answer {
                Ok(()) => {
                    self.good_until = asked + GOOD_FOR;
                    self.next.as_mut().reset(asked + ASK_AFTER);
                }
                Err(refusal) => {
                    let again = Instant::now() + TRY_AGAIN_AFTER;
                    if refusal.reason() != Reason::AuthorizationUnavailable || again >= self.good_until {
                        return Poll::Ready(refusal);
                    }
                    self.next.as_mut().reset(again);
                }
            }
        }
    }

    /// Whether the last yes is still good. Without it nothing may flow, also while the next is asked for.
    pub(crate) fn is_good(&self) -> bool {
        Instant::now() < self.good_until
    }

    /// Does some work of the stream, unless it is to end before.
    pub(crate) async fn during<T>(
        again: &mut Option<Reauthorization>,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let Some(again) = again else { return work.await };
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| match again.poll_refused(cx) {
            Poll::Ready(refusal) => Poll::Ready(Err(refusal)),
            Poll::Pending if again.is_good() => work.as_mut().poll(cx),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// A stream that ends with the refusal when it is to end.
    pub(crate) fn beside<T: Send + 'static>(
        again: Option<Reauthorization>,
        mut items: Pin<Box<dyn Stream<Item = Result<T, Refusal>> + Send>>,
    ) -> Pin<Box<dyn Stream<Item = Result<T, Refusal>> + Send>> {
        let Some(mut again) = again else { return items };
        Box::pin(futures::stream::poll_fn(move |cx| match again.poll_refused(cx) {
            Poll::Ready(refusal) => Poll::Ready(Some(Err(refusal))),
            Poll::Pending if again.is_good() => items.poll_next_unpin(cx),
            Poll::Pending => Poll::Pending,
        }))
    }
}

impl Standing {
    /// Asks for no token: the service has what it needs.
    async fn ask(&self, authorizer: &Authorizer) -> Result<(), Refusal> {
        let permissions: Vec<&str> = self.permissions.iter().map(String::as_str).collect();
        let question = Question {
            credential: self.credential.with_role(self.role),
            client: self.client,
            operation: &self.operation,
            permissions: &permissions,
            agent: self.agent.as_deref(),
            audience: None,
            goes_on: true,
            request_id: &self.request_id,
        };
        authorizer.ask(question).await.decision.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use svc_core::error::Error;

    use super::*;

    /// Answers in turn, each after so many seconds; the times at which it was asked, in seconds.
    type Script = Vec<(u64, Result<(), Reason>)>;

    fn scripted(script: Script) -> (Reauthorization, Arc<Mutex<Vec<u64>>>) {
        let (start, asked) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
        let (seen, script) = (asked.clone(), Mutex::new(script.into_iter()));
        let again = Reauthorization::by(start, move || {
            seen.lock().unwrap().push(start.elapsed().as_secs());
            let (takes, answer) = script.lock().unwrap().next().unwrap_or((0, Ok(())));
            async move {
                tokio::time::sleep(Duration::from_secs(takes)).await;
                answer.map_err(|reason| Error::new(reason, "why").into())
            }
            .boxed()
        });
        (again, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_it_is_refused_and_no_later_than_its_last_yes() {
        use Reason::{AuthorizationUnavailable as Away, InvalidCredentials as Invalid};
        for (what, script, asked_at, ended) in [
            ("yes", vec![], vec![25, 50, 75], None),
            ("no", vec![(0, Err(Invalid))], vec![25], Some((25, Invalid))),
            ("yes, then no", vec![(0, Ok(())), (1, Err(Invalid))], vec![25, 50], Some((51, Invalid))),
            ("a slow yes", vec![(2, Ok(())), (0, Ok(()))], vec![25, 50, 75], None),
            ("away for a moment", vec![(2, Err(Away)), (1, Ok(()))], vec![25, 28, 53, 78], None),
            ("away, then no", vec![(0, Err(Away)), (0, Err(Invalid))], vec![25, 26], Some((26, Invalid))),
            ("away", vec![(0, Err(Away)); 9], vec![25, 26, 27, 28, 29], Some((29, Away))),
            ("away, slowly", vec![(2, Err(Away)); 9], vec![25, 28], Some((30, Away))),
        ] {
            let (again, asked) = scripted(script);
            let start = Instant::now();
            let work = async {
                tokio::time::sleep(Duration::from_secs(80)).await;
                Ok(())
            };
            let outcome = Reauthorization::during(&mut Some(again), work).await;
            let outcome = outcome.err().map(|refusal| (start.elapsed().as_secs(), refusal.reason()));
            assert_eq!((asked.lock().unwrap().clone(), outcome), (asked_at, ended), "{what}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stood_still_waits_for_its_next_yes() {
        for (answer, flows) in [(Ok(()), true), (Err(Reason::KeyDisabled), false)] {
            let (again, asked) = scripted(vec![(1, answer)]);
            let ready = futures::stream::repeat_with(|| Ok(())).boxed();
            let mut items = Reauthorization::beside(Some(again), ready);
            assert!(items.next().await.unwrap().is_ok());
            // Nobody polls it, so that nobody asks.
            tokio::time::advance(Duration::from_secs(100)).await;
            assert!(asked.lock().unwrap().is_empty());
            let begun = Instant::now();
            assert_eq!(items.next().await.unwrap().is_ok(), flows);
            assert_eq!((asked.lock().unwrap().clone(), begun.elapsed().as_secs()), (vec![100], 1));
        }
    }
}
