//! Bodies and answers within their bounds: a body has a bounded number of values, and large ones are transcoded
//! off the runtime's threads, so that they keep no other request waiting.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use prost_reflect::MessageDescriptor;
use svc_core::error::{Error, Reason};
use svc_core::json::Json;
use svc_core::precondition::Precondition;
use svc_runtime::grpc::MAX_MESSAGE;
use svc_runtime::telemetry::Metrics;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::canonical::canonical;
use super::plan::Plan;
use super::request::Encoded;
use super::response::Rendered;
use super::upload::UploadHead;

/// What is longer, in bytes, goes to a thread of its own. At 20 ns a byte, which no input exceeds, all else takes
/// a millisecond at most.
const LARGE: usize = 64 * 1024;

/// How many bodies may wait for each that runs. The last of them waits for about a second; more are refused.
/// Answers that wait are not counted: each belongs to a request in flight, and those have a bound.
const WAITING_FOR_EACH: usize = 64;

/// Transcodes requests and answers, large ones on half of the cores at the most.
pub(crate) struct Transcoder {
    max_values: usize,
    too_many_values: Counter,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    handed_over: Counter,
    refused: Counter,
}

impl Transcoder {
    pub(crate) fn new(max_values: usize, metrics: &Metrics) -> Transcoder {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let running = cores.div_ceil(2);
        let [too_many_values, handed_over, refused] = std::array::from_fn(|_| Counter::default());
        metrics.register(|registry| {
            let help = "Bodies refused because they had too many values";
            registry.register("http_server_json_values_refused", help, too_many_values.clone());
            let help = "Large bodies and answers, transcoded off the runtime's threads";
            registry.register("http_server_large_bodies", help, handed_over.clone());
            let help = "Requests refused because too many large bodies waited";
            registry.register("http_server_large_bodies_refused", help, refused.clone());
        });
        Transcoder {
            max_values,
            too_many_values,
            running: Arc::new(Semaphore::new(running)),
            waiting: Arc::new(Semaphore::new(running * WAITING_FOR_EACH)),
            handed_over,
            refused,
        }
    }

    /// Makes the message of a request: [`Plan::request`].
    ///
    /// # Errors
    /// Those of [`Plan::request`]; `invalid_argument` when the body has too many values; `body_too_large` when no
    /// service would read its message; `overloaded` when too many large ones wait.
    pub(crate) async fn request(
        &self,
        plan: &Arc<Plan>,
        params: &[Cow<'_, str>],
        query: Option<&str>,
        body: Bytes,
        precondition: Option<Precondition>,
    ) -> Result<Encoded, Error> {
        if body.len() <= LARGE {
            check_values(&body, self.max_values, &self.too_many_values)?;
            return fitting(plan.request(params, query, &body, precondition.as_ref())?);
        }
        let (plan, query) = (plan.clone(), query.map(str::to_owned));
        let params: Vec<Cow<'static, str>> =
            params.iter().map(|text| Cow::Owned((**text).to_owned())).collect();
        let max_values = self.max_values;
        let too_many = self.too_many_values.clone();
        let permit = self.body_permit().await?;
        self.run(permit, move || {
            check_values(&body, max_values, &too_many)?;
            fitting(plan.request(&params, query.as_deref(), &body, precondition.as_ref())?)
        })
        .await
    }

    /// Makes the message that an upload begins with: [`Plan::upload_head`].
    ///
    /// # Errors
    /// Those of [`Plan::upload_head`]; `invalid_argument` when a part has too many values; `overloaded` when too
    /// many large bodies wait.
    pub(crate) async fn upload_head(
        &self,
        plan: &Arc<Plan>,
        request: &Encoded,
        query: Option<&str>,
        head: UploadHead,
    ) -> Result<Bytes, Error> {
        let max_values = self.max_values;
        let too_many = self.too_many_values.clone();
        let length: usize = head.texts.iter().map(|part| part.text.len()).sum();
        let read = move |plan: &Plan, request: &Encoded, query: Option<&str>| {
            for part in head.texts.iter().filter(|part| plan.is_json_part(part)) {
                check_values(&part.text, max_values, &too_many)?;
            }
            plan.upload_head(request, query, &head)
        };
        if length <= LARGE {
            return read(plan, request, query);
        }
        let (plan, request, query) = (plan.clone(), request.clone(), query.map(str::to_owned));
        let permit = self.body_permit().await?;
        self.run(permit, move || read(&plan, &request, query.as_deref())).await
    }

    /// The message in a form that is the same however its client wrote it.
    ///
    /// # Errors
    /// `overloaded` when too many large bodies wait.
    pub(crate) async fn canonical(&self, of: &MessageDescriptor, message: Bytes) -> Result<Vec<u8>, Error> {
        if message.len() <= LARGE {
            return Ok(canonical(of, &message));
        }
        let of = of.clone();
        let permit = self.body_permit().await?;
        self.run(permit, move || Ok(canonical(&of, &message))).await
    }

    /// Renders the answer to a request: [`Plan::response`]. It is never refused, however many wait: the
    /// service has done what was asked.
    ///
    /// # Errors
    /// Those of [`Plan::response`].
    pub(crate) async fn response(
        &self,
        plan: &Arc<Plan>,
        request: Encoded,
        wire: Bytes,
    ) -> Result<Rendered, Error> {
        if wire.len() <= LARGE {
            return plan.response(&request, &wire);
        }
        let plan = plan.clone();
        let permit = self.permit().await?;
        self.run(permit, move || plan.response(&request, &wire)).await
    }

    /// Renders one message of a stream: [`Plan::line`].
    ///
    /// # Errors
    /// Those of [`Plan::line`].
    pub(crate) async fn line(&self, plan: &Arc<Plan>, wire: Bytes) -> Result<Bytes, Error> {
        if wire.len() <= LARGE {
            return plan.line(&wire).map(Bytes::from);
        }
        let plan = plan.clone();
        let permit = self.permit().await?;
        self.run(permit, move || plan.line(&wire).map(Bytes::from)).await
    }

    /// # Errors
    /// `overloaded` when too many wait.
    async fn body_permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let Ok(_waiting) = self.waiting.try_acquire() else {
            self.refused.inc();
            return Err(Error::new(Reason::Overloaded, "Too many large bodies at once. Try again shortly."));
        };
        self.permit().await
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.running.clone().acquire_owned().await.map_err(|_| Error::internal())
    }

    /// Does the work on a thread where it may take its time.
    ///
    /// # Errors
    /// `internal` when the work panics.
    async fn run<T: Send + 'static>(
        &self,
        permit: OwnedSemaphorePermit,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.handed_over.inc();
        // The permit goes along: a client that hangs up does not free a core that is still at work.
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.unwrap_or_else(|_| Err(Error::internal()))
    }
}

/// A message that its service reads. Numbers of a `google.protobuf.Value` are longer in it than in JSON, so that a body
/// within the bounds of bodies may be a message over that of messages, where those have been raised.
fn fitting(encoded: Encoded) -> Result<Encoded, Error> {
    match encoded.wire.len() <= MAX_MESSAGE {
        true => Ok(encoded),
        false => {
            let message =
                format!("The request body is over {MAX_MESSAGE} bytes as a message of its service.");
            Err(Error::new(Reason::BodyTooLarge, message))
        }
    }
}

/// Counts the values before anything is built of them.
fn check_values(body: &[u8], max: usize, too_many: &Counter) -> Result<(), Error> {
    // A value and its comma are two bytes at least: most bodies are not even looked at.
    if body.len() / 2 < max {
        return Ok(());
    }
    let measure = Json::new(body).and_then(Json::measure).map_err(|broken| broken.explain(body))?;
    if measure.values <= max {
        return Ok(());
    }
    too_many.inc();
    let message = format!("The body has more than {max} values: objects, lists and what is in them.");
    Err(Error::new(Reason::InvalidArgument, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work on a body.
    async fn on_a_body<T: Send + 'static>(
        transcoder: &Transcoder,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        transcoder.run(transcoder.body_permit().await?, work).await
    }

    #[tokio::test]
    async fn as_many_wait_as_may_and_no_more() {
        let metrics = Metrics::new();
        let transcoder = Arc::new(Transcoder::new(10, &metrics));
        let running = transcoder.running.available_permits();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..running * (1 + WAITING_FOR_EACH) {
            let (transcoder, wait) = (transcoder.clone(), wait.clone());
            tasks.spawn(async move {
                let work =
                    move || wait.lock().unwrap().recv().map(|()| number).map_err(|_| Error::internal());
                on_a_body(&transcoder, work).await
            });
            tokio::task::yield_now().await;
        }
        let refused = on_a_body(&transcoder, || Ok(())).await.unwrap_err();
        assert_eq!(refused.reason, Reason::Overloaded);
        assert!(metrics.encode().unwrap().contains("http_server_large_bodies_refused_total 1"));

        // An answer waits all the same.
        let answer = tokio::spawn({
            let transcoder = transcoder.clone();
            async move { transcoder.run(transcoder.permit().await?, || Ok(())).await }
        });
        tokio::task::yield_now().await;
        assert!(!answer.is_finished());

        for _ in 0..tasks.len() {
            release.send(()).unwrap();
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        answer.await.unwrap().unwrap();
        assert_eq!(on_a_body(&transcoder, || Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_costs_one_request() {
        let transcoder = Transcoder::new(10, &Metrics::new());
        for _ in 0..10 {
            let outcome: Result<(), Error> = on_a_body(&transcoder, || panic!("on purpose")).await;
            assert_eq!(outcome.unwrap_err().reason, Reason::Internal);
        }
        assert!(on_a_body(&transcoder, || Ok(())).await.is_ok());
    }

    #[test]
    fn a_message_is_no_longer_than_its_service_reads() {
        let encoded = |length: usize| Encoded { wire: vec![0; length].into(), location: Vec::new() };
        assert!(fitting(encoded(MAX_MESSAGE)).is_ok());
        assert_eq!(fitting(encoded(MAX_MESSAGE + 1)).err().map(|e| e.reason), Some(Reason::BodyTooLarge));
    }

    #[test]
    fn values_are_counted_wherever_they_stand() {
        let list = |values: usize| format!("[{}]", vec!["0"; values - 1].join(","));
        let objects = |values: usize| format!("[{}]", vec![r#"{"":0}"#; (values - 1) / 2].join(","));
        for (body, within) in [
            (list(10), true),
            (list(11), false),
            (objects(9), true),
            (objects(11), false),
            ("[[[[[[[[[[]]]]]]]]]]".to_owned(), true),
            ("[[[[[[[[[[[]]]]]]]]]]]".to_owned(), false),
            (format!("\"{}\"", "[,{".repeat(100)), true),
            (format!("[{}1]", " ".repeat(100)), true),
        ] {
            let counter = Counter::default();
            let outcome = check_values(body.as_bytes(), 10, &counter);
            assert_eq!(outcome.is_ok(), within, "{body}");
            assert_eq!(counter.get(), u64::from(!within));
            if let Err(error) = outcome {
                assert_eq!(error.reason, Reason::InvalidArgument);
            }
        }
        // What is broken is that, however much of it there is.
        let broken = check_values("[0,".repeat(100).as_bytes(), 10, &Counter::default());
        assert_eq!(broken.unwrap_err().reason, Reason::InvalidJson);
    }
}
