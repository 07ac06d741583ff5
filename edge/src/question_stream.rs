//! Questions to one replica of auth-svc, over one stream: whatever waits goes out together, so that under
//! load a message on the wire carries many questions, and a single one still leaves at once.

use std::collections::HashMap;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use svc_core::grpc::Upstream;
use svc_core::grpc::caller::InternalCredential;
use svc_core::telemetry;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Streaming};

/// Questions that wait to be sent. More are not asked here: the replica is too slow.
const QUEUE: usize = 1_024;
/// Questions in one message.
const BATCH: usize = 256;
/// Messages that wait for the connection.
const MESSAGES: usize = 4;
/// Questions that wait for their answer.
const UNANSWERED: usize = 4_096;
/// How long opening the stream may take.
const OPENING: Duration = Duration::from_secs(1);

/// Asks one replica.
#[derive(Clone, Debug)]
pub(crate) struct QuestionStream {
    asked: mpsc::Sender<Asked>,
}

#[derive(Debug)]
struct Asked {
    request: pb::AuthorizeRequest,
    traceparent: Option<String>,
    answer: oneshot::Sender<Option<pb::AuthorizeResponse>>,
}

impl QuestionStream {
    /// A stream that opens with its first question, and again after it broke.
    pub(crate) fn new(replica: Upstream, credential: InternalCredential) -> QuestionStream {
        let (asked, queue) = mpsc::channel(QUEUE);
        tokio::spawn(run(replica, credential, queue));
        QuestionStream { asked }
    }

    /// The answer. `None`: the replica is away, or cannot decide now.
    pub(crate) async fn ask(&self, request: pb::AuthorizeRequest) -> Option<pb::AuthorizeResponse> {
        let (answer, answered) = oneshot::channel();
        let traceparent = telemetry::traceparent();
        self.asked.try_send(Asked { request, traceparent, answer }).ok()?;
        answered.await.ok().flatten()
    }
}

/// Opens the stream whenever there is something to ask. Ends with the [`QuestionStream`].
async fn run(replica: Upstream, credential: InternalCredential, mut queue: mpsc::Receiver<Asked>) {
    let mut asked = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut asked, BATCH).await > 0 {
        // Nothing is asked before the stream is open, so opening it once more asks nothing twice.
        let opened = replica.try_twice(|replica| {
            let (messages, outgoing) = mpsc::channel(MESSAGES);
            let mut request = Request::new(ReceiverStream::new(outgoing));
            credential.authenticate(&mut request);
            async move {
                let answers = AuthorizationServiceClient::new(replica).authorize_stream(request).await?;
                Ok((messages, answers.into_inner()))
            }
        });
        match tokio::time::timeout(OPENING, opened).await {
            Ok(Ok((messages, answers))) => converse(&mut asked, &mut queue, messages, answers).await,
            Ok(Err(status)) => tracing::warn!(code = ?status.code(), "auth-svc took no stream of questions"),
            Err(_) => tracing::warn!("auth-svc did not open a stream of questions in time"),
        }
        // Whoever still waits is told that there is no answer: the sender of it is dropped.
        asked.clear();
    }
}

/// Sends and receives until the stream breaks or nobody asks any more.
async fn converse(
    asked: &mut Vec<Asked>,
    queue: &mut mpsc::Receiver<Asked>,
    messages: mpsc::Sender<pb::AuthorizeStreamRequest>,
    mut answers: Streaming<pb::AuthorizeStreamResponse>,
) {
    let mut unanswered = HashMap::new();
    let mut next_id = 0_u32;
    loop {
        if unanswered.len() >= UNANSWERED {
            unanswered.retain(|_, answer: &mut oneshot::Sender<_>| !answer.is_closed());
        }
        let may_ask = asked.len() < BATCH && unanswered.len() < UNANSWERED;
        let room = BATCH - asked.len().min(BATCH);
        // Never waits for one direction alone: the replica may wait for the other one.
        tokio::select! {
            received = answers.message() => match received {
                Ok(Some(batch)) => {
                    for answer in batch.answers {
                        if let Some(waiting) = unanswered.remove(&answer.id) {
                            // Who gave up waiting does not listen.
                            let _ = waiting.send(answer.response);
                        }
                    }
                }
                Ok(None) | Err(_) => return,
            },
            message = messages.reserve(), if !asked.is_empty() => {
                let Ok(message) = message else { return };
                let mut questions = Vec::with_capacity(asked.len());
                for Asked { request, traceparent, answer } in asked.drain(..) {
                    next_id = next_id.wrapping_add(1);
                    unanswered.insert(next_id, answer);
                    questions.push(pb::AuthorizeQuestion { id: next_id, request: Some(request), traceparent });
                }
                message.send(pb::AuthorizeStreamRequest { questions });
            }
            count = queue.recv_many(asked, room), if may_ask => {
                if count == 0 {
                    return;
                }
            }
        }
    }
}
