//! `AuthorizationService`.

use std::sync::Arc;

use futures::FutureExt;
use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorization_service_server::AuthorizationService;
use svc_core::grpc::Stopping;
use svc_core::telemetry;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

use super::Api;
use crate::check::Checker;

/// Batches of answers that wait for a slow reader, a stream.
const WAITING_ANSWERS: usize = 64;
/// Questions of a stream that wait for the database or argon2. More, and the stream itself waits.
const WAITING_QUESTIONS: usize = 1_024;

type Answers = mpsc::Sender<Result<pb::AuthorizeStreamResponse, Status>>;

#[tonic::async_trait]
impl AuthorizationService for Api {
    async fn authorize(
        &self,
        request: Request<pb::AuthorizeRequest>,
    ) -> Result<Response<pb::AuthorizeResponse>, Status> {
        let decided = self.management.checker.authorize(request.into_inner()).await;
        Ok(Response::new(decided?))
    }

    async fn authorize_stream(
        &self,
        request: Request<Streaming<pb::AuthorizeStreamRequest>>,
    ) -> Result<Response<BoxStream<pb::AuthorizeStreamResponse>>, Status> {
        let (answers, stream) = mpsc::channel(WAITING_ANSWERS);
        let stopping = request.extensions().get::<Stopping>().cloned();
        tokio::spawn(answer(self.management.checker.clone(), request.into_inner(), stopping, answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// Answers questions until the stream ends or the service stops: the edge asks as long as it runs.
async fn answer(
    checker: Arc<Checker>,
    mut questions: Streaming<pb::AuthorizeStreamRequest>,
    stopping: Option<Stopping>,
    answers: Answers,
) {
    let waiting = Arc::new(Semaphore::new(WAITING_QUESTIONS));
    while let Some(batch) = next(&mut questions, stopping.as_ref()).await {
        let mut at_once = Vec::with_capacity(batch.questions.len());
        for question in batch.questions {
            let span = telemetry::rpc_span_of(AUTHORIZE, question.traceparent.as_deref());
            let mut decision = Box::pin(decide(checker.clone(), question).instrument(span));
            // What memory decides is answered together; what needs more must not hold it up.
            match (&mut decision).now_or_never() {
                Some(answer) => at_once.push(answer),
                None => {
                    let Ok(permit) = waiting.clone().acquire_owned().await else { return };
                    let answers = answers.clone();
                    tokio::spawn(async move {
                        let answer = decision.await;
                        drop(permit);
                        // Nobody listens any more: the edge has given up.
                        let _ = answers.send(Ok(pb::AuthorizeStreamResponse { answers: vec![answer] })).await;
                    });
                }
            }
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

const AUTHORIZE: &str = "/keyward.auth.v1.AuthorizationService/Authorize";

async fn decide(checker: Arc<Checker>, question: pb::AuthorizeQuestion) -> pb::AuthorizeAnswer {
    let response = match question.request {
        // Its cause is in the log; the edge needs to know only that there is no decision.
        Some(request) => checker.authorize(request).await.ok(),
        None => None,
    };
    pb::AuthorizeAnswer { id: question.id, response }
}
