//! Questions to one replica of auth-svc, over one stream: those that wait go out together, so that under
//! load a message on the wire carries many questions, and a single one still leaves at once.

use std::collections::HashMap;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use keyward_proto::auth::v1::authorization_service_client::AuthorizationServiceClient;
use svc_runtime::authorize::NoDecision;
use svc_runtime::grpc::caller::InternalCredential;
use svc_runtime::grpc::{CallOptions, Upstream};
use svc_runtime::telemetry;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Streaming};

/// Questions in one message.
const BATCH: usize = 256;
/// Messages that wait for the connection.
const MESSAGES: usize = 4;
/// How long opening the stream may take.
const OPENING: Duration = Duration::from_secs(1);

/// Asks one replica.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizeStream {
    pending: mpsc::Sender<PendingQuestion>,
}

#[derive(Debug)]
struct PendingQuestion {
    request: pb::AuthorizeRequest,
    traceparent: Option<String>,
    answer: oneshot::Sender<Option<pb::AuthorizeResponse>>,
}

/// Those that wait for the answer to a question that was sent.
type Unanswered = HashMap<u32, oneshot::Sender<Option<pb::AuthorizeResponse>>>;

impl AuthorizeStream {
    /// A stream that opens with its first question, and again after it broke. So many questions may wait to
    /// be sent, and as many for their answer. More are not asked here, for then the replica is too slow.
    pub(crate) fn new(
        replica: Upstream,
        credential: InternalCredential,
        under_way: usize,
    ) -> AuthorizeStream {
        let (pending, queue) = mpsc::channel(under_way);
        tokio::spawn(run(replica, credential, queue, under_way));
        AuthorizeStream { pending }
    }

    /// The answer.
    pub(crate) async fn ask(
        &self,
        request: pb::AuthorizeRequest,
    ) -> Result<pb::AuthorizeResponse, NoDecision> {
        let (answer, answered) = oneshot::channel();
        let traceparent = telemetry::traceparent();
        self.pending
            .try_send(PendingQuestion { request, traceparent, answer })
            .map_err(|_| NoDecision::TooMany)?;
        answered.await.map_err(|_| NoDecision::Away)?.ok_or(NoDecision::Undecided)
    }
}

/// Opens the stream whenever there is something to ask. Ends with the [`AuthorizeStream`].
async fn run(
    replica: Upstream,
    credential: InternalCredential,
    mut queue: mpsc::Receiver<PendingQuestion>,
    under_way: usize,
) {
    let mut pending = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut pending, BATCH).await > 0 {
        // Nothing is asked before the stream is open, so opening it once more asks nothing twice.
        let options = CallOptions { ends: Instant::now() + OPENING, safe: false };
        let opened = replica.call_with(options, |replica| {
            let (messages, outgoing) = mpsc::channel(MESSAGES);
            let mut request = Request::new(ReceiverStream::new(outgoing));
            credential.authenticate(&mut request);
            async move {
                let answers = AuthorizationServiceClient::new(replica).authorize_stream(request).await?;
                Ok((messages, answers.into_inner()))
            }
        });
        match opened.await {
            Ok((messages, answers)) => {
                converse(&mut pending, &mut queue, under_way, messages, answers).await;
            }
            Err(status) => tracing::warn!(code = ?status.code(), "auth-svc took no stream of questions"),
        }
        // Whoever still waits is told that there is no answer: the sender of it is dropped.
        pending.clear();
    }
}

/// Sends and receives until the stream breaks or nobody asks any more.
async fn converse(
    pending: &mut Vec<PendingQuestion>,
    queue: &mut mpsc::Receiver<PendingQuestion>,
    under_way: usize,
    messages: mpsc::Sender<pb::AuthorizeStreamRequest>,
    mut answers: Streaming<pb::AuthorizeStreamResponse>,
) {
    let mut unanswered = Unanswered::new();
    let mut next_id = 0_u32;
    loop {
        if unanswered.len() >= under_way {
            unanswered.retain(|_, answer| !answer.is_closed());
        }
        let may_ask = pending.len() < BATCH && unanswered.len() < under_way;
        let room = BATCH - pending.len().min(BATCH);
        // Never waits for one direction alone: the replica may wait for the other one.
        tokio::select! {
            received = answers.message() => match received {
                Ok(Some(batch)) => {
                    for answer in batch.answers {
                        if let Some(waiting) = unanswered.remove(&answer.id) {
                            // A caller that gave up does not listen.
                            let _ = waiting.send(answer.response);
                        }
                    }
                }
                Ok(None) | Err(_) => return,
            },
            message = messages.reserve(), if !pending.is_empty() => {
                let Ok(message) = message else { return };
                let questions = still_asked(pending, &mut unanswered, &mut next_id);
                if !questions.is_empty() {
                    message.send(pb::AuthorizeStreamRequest { questions });
                }
            }
            count = queue.recv_many(pending, room), if may_ask => {
                if count == 0 {
                    return;
                }
            }
        }
    }
}

/// What is asked, but for the questions of those who gave up: a replica that was away has no time for them.
fn still_asked(
    pending: &mut Vec<PendingQuestion>,
    unanswered: &mut Unanswered,
    next_id: &mut u32,
) -> Vec<pb::AuthorizeQuestion> {
    let mut questions = Vec::with_capacity(pending.len());
    for PendingQuestion { request, traceparent, answer } in pending.drain(..) {
        if answer.is_closed() {
            continue;
        }
        *next_id = next_id.wrapping_add(1);
        unanswered.insert(*next_id, answer);
        questions.push(pb::AuthorizeQuestion { id: *next_id, request: Some(request), traceparent });
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gave_up_is_not_asked_for() {
        let ask = |operation: &str| {
            let (answer, answered) = oneshot::channel();
            let request = pb::AuthorizeRequest { operation: operation.to_owned(), ..Default::default() };
            (PendingQuestion { request, traceparent: None, answer }, answered)
        };
        let (gone, stays) = (ask("gone"), ask("stays"));
        drop(gone.1);
        let (mut pending, mut unanswered, mut next_id) = (vec![gone.0, stays.0], Unanswered::new(), 0);
        let questions = still_asked(&mut pending, &mut unanswered, &mut next_id);
        let operations: Vec<_> =
            questions.iter().filter_map(|q| Some(q.request.as_ref()?.operation.as_str())).collect();
        assert_eq!(operations, ["stays"]);
        assert!(pending.is_empty() && unanswered.contains_key(&questions[0].id) && unanswered.len() == 1);
    }
}
