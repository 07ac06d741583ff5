//! `AuthorizationService`.

use std::sync::Arc;

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorization_service_server::AuthorizationService;
use svc_runtime::authorize::{AUTHORIZE, Answer, Asked, NoDecision};
use svc_runtime::grpc::{Stopping, status};
use svc_runtime::telemetry;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

use super::{Api, decision};

/// Batches of answers that wait for a slow reader, a stream.
const WAITING_ANSWERS: usize = 64;
/// Questions of a stream that wait for the database or argon2, or for a slow reader. More get no decision, at once: the stream
/// itself never waits, since the next question may be one that memory decides. Looks for unknown keys and
/// argon2 have smaller bounds of their own, so what can fill it is a slow store of limits.
const WAITING_QUESTIONS: usize = 1_024;

type Answers = mpsc::Sender<Result<pb::AuthorizeStreamResponse, Status>>;

#[tonic::async_trait]
impl AuthorizationService for Api {
    async fn authorize(
        &self,
        request: Request<pb::AuthorizeRequest>,
    ) -> Result<Response<pb::AuthorizeResponse>, Status> {
        let asked = decision::ask(&self.checker, request.into_inner()).map_err(status::of)?;
        let answer = decision::answer(asked.answer().await).map_err(status::of)?;
        Ok(Response::new(answer))
    }

    async fn authorize_stream(
        &self,
        request: Request<Streaming<pb::AuthorizeStreamRequest>>,
    ) -> Result<Response<BoxStream<pb::AuthorizeStreamResponse>>, Status> {
        let (answers, stream) = mpsc::channel(WAITING_ANSWERS);
        let stopping = request.extensions().get::<Stopping>().cloned();
        tokio::spawn(answer(self.clone(), request.into_inner(), stopping, answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// Answers questions until the stream ends or the service stops: the edge asks as long as it runs.
async fn answer(
    api: Api,
    mut questions: Streaming<pb::AuthorizeStreamRequest>,
    stopping: Option<Stopping>,
    answers: Answers,
) {
    let places = Arc::new(Semaphore::new(WAITING_QUESTIONS));
    while let Some(batch) = next(&mut questions, stopping.as_ref()).await {
        let mut at_once = Vec::with_capacity(batch.questions.len());
        for pb::AuthorizeQuestion { id, request, traceparent } in batch.questions {
            let span = telemetry::rpc_span_of(AUTHORIZE, traceparent.as_deref());
            // What memory decides is answered together; what needs more must not hold it up.
            let waiting = match span.in_scope(|| ask(&api, request).begin()) {
                Asked::Waiting(waiting) => waiting,
                Asked::Answered(answer) => {
                    at_once.push(message(id, answer));
                    continue;
                }
            };
            let Ok(permit) = places.clone().try_acquire_owned() else {
                api.no_room.inc();
                at_once.push(message(id, Err(NoDecision::TooMany)));
                continue;
            };
            let answers = answers.clone();
            let answer = async move {
                // Held until the answer is sent: who does not read is not asked for more for ever.
                let _permit = permit;
                let answer = message(id, waiting.await);
                // Nobody listens any more: the edge has given up.
                let _ = answers.send(Ok(pb::AuthorizeStreamResponse { answers: vec![answer] })).await;
            };
            tokio::spawn(answer.instrument(span));
        }
        if !at_once.is_empty()
            && answers.send(Ok(pb::AuthorizeStreamResponse { answers: at_once })).await.is_err()
        {
            return;
        }
    }
}

async fn next(
    questions: &mut Streaming<pb::AuthorizeStreamRequest>,
    stopping: Option<&Stopping>,
) -> Option<pb::AuthorizeStreamRequest> {
    let Some(stopping) = stopping else { return questions.message().await.ok().flatten() };
    tokio::select! {
        batch = questions.message() => batch.ok().flatten(),
        () = stopping.stopping() => None,
    }
}

fn ask(api: &Api, request: Option<pb::AuthorizeRequest>) -> Asked<'static> {
    let asked = request.and_then(|request| decision::ask(&api.checker, request).ok());
    asked.unwrap_or(Asked::Answered(Err(NoDecision::Undecided)))
}

/// The cause of no decision is in the log; the edge needs to know only that there is none.
fn message(id: u32, answer: Result<Answer, NoDecision>) -> pb::AuthorizeAnswer {
    pb::AuthorizeAnswer { id, response: answer.ok().map(pb::AuthorizeResponse::from) }
}
