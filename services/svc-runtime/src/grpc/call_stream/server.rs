//! The service's side: every method of it that is called by bytes, behind the same stack.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{AbortHandle, Abortable};
use http::HeaderValue;
use keyward_proto::internal::v1 as pb;
use keyward_proto::internal::v1::call_service_server::CallService;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming};

use super::{BATCH, BATCH_BYTES, MAX_PIECE, wire};
use crate::grpc::caller::Caller;
use crate::grpc::stack::{self, StackMethod};
use crate::grpc::{Call, Stopping, deadline, status};

/// Answers, and pieces of answers, that wait for a slow reader, a stream.
const WAITING_ANSWERS: usize = 256;
/// Calls of a stream that are under way and were not answered at once. It is more than the stack runs; the rest
/// waits for a key that the service does not know.
const UNDER_WAY: u32 = 2_048;

type Methods = Arc<HashMap<&'static str, StackMethod>>;

/// Answers calls that come in batches.
#[derive(Clone, Debug)]
pub(crate) struct CallServer {
    methods: Methods,
}

impl CallServer {
    /// Of these methods.
    pub(crate) fn new(methods: HashMap<&'static str, StackMethod>) -> CallServer {
        CallServer { methods: Arc::new(methods) }
    }
}

#[tonic::async_trait]
impl CallService for CallServer {
    async fn calls(
        &self,
        request: Request<Streaming<pb::CallsRequest>>,
    ) -> Result<Response<BoxStream<pb::CallsResponse>>, Status> {
        let (replies, outgoing) = mpsc::channel(WAITING_ANSWERS);
        let stopping = request.extensions().get::<Stopping>().cloned();
        let conversation = Conversation {
            methods: self.methods.clone(),
            replies,
            running: Arc::default(),
            under_way: Arc::new(Semaphore::new(UNDER_WAY as usize)),
        };
        tokio::spawn(conversation.run(request.into_inner(), stopping));
        let responses = futures::stream::unfold(outgoing, |mut outgoing| async {
            Some((Ok(response(&mut outgoing).await?), outgoing))
        });
        Ok(Response::new(Box::pin(responses)))
    }
}

enum Reply {
    Answer(pb::Answer),
    /// The service stops, and has taken so many calls.
    Taken(u64),
}

/// What waits, as far as it fits into one message. `None` at the end.
async fn response(outgoing: &mut mpsc::Receiver<Reply>) -> Option<pb::CallsResponse> {
    let mut response = pb::CallsResponse::default();
    let mut bytes = 0;
    let mut next = Some(outgoing.recv().await?);
    while let Some(reply) = next {
        match reply {
            Reply::Answer(answer) => {
                bytes += answer.message.len() + answer.details.len();
                response.answers.push(answer);
            }
            Reply::Taken(taken) => response.taken = Some(taken),
        }
        let is_full = response.answers.len() >= BATCH || bytes >= BATCH_BYTES;
        next = if is_full { None } else { outgoing.try_recv().ok() };
    }
    Some(response)
}

/// One stream.
#[derive(Clone)]
struct Conversation {
    methods: Methods,
    replies: mpsc::Sender<Reply>,
    /// Calls that were not answered at once.
    running: Arc<Mutex<HashMap<u64, AbortHandle>>>,
    under_way: Arc<Semaphore>,
}

impl Conversation {
    /// Answers calls until the caller goes, or the service stops and all that it has taken is answered.
    async fn run(self, mut requests: Streaming<pb::CallsRequest>, stopping: Option<Stopping>) {
        let stop = async {
            match &stopping {
                Some(stopping) => stopping.stopping().await,
                None => std::future::pending().await,
            }
        };
        let mut stop = std::pin::pin!(stop);
        let (mut taken, mut stopped) = (0, false);
        loop {
            tokio::select! {
                request = requests.message() => match request {
                    Ok(Some(request)) => {
                        self.cancel(&request.cancelled);
                        if !stopped {
                            taken += request.calls.len() as u64;
                            self.take(request).await;
                        }
                    }
                    Ok(None) | Err(_) => break,
                },
                () = self.replies.closed() => break,
                () = &mut stop, if !stopped => {
                    stopped = true;
                    let _gone_anyway = self.replies.send(Reply::Taken(taken)).await;
                }
                _all = self.under_way.acquire_many(UNDER_WAY), if stopped => return,
            }
        }
        for (_, running) in self.running.lock().drain() {
            running.abort();
        }
    }

    fn cancel(&self, ids: &[u64]) {
        if !ids.is_empty() {
            let mut running = self.running.lock();
            for running in ids.iter().filter_map(|id| running.remove(id)) {
                running.abort();
            }
        }
    }

    /// Begins all calls of a message. What is answered at once is answered together; what has to wait must not hold
    /// it up.
    async fn take(&self, request: pb::CallsRequest) {
        let read = Instant::now();
        let token = |text: String| HeaderValue::from_maybe_shared(Bytes::from(text)).ok();
        let tokens: Vec<_> = request.principals.into_iter().map(token).collect();
        for call in request.calls {
            let id = call.id;
            let answer = match self.begin(call, &tokens, read) {
                Ok(answer) => answer,
                Err(status) => {
                    self.answer(id, Err(status)).await;
                    continue;
                }
            };
            let mut answer = Box::pin(answer);
            match (&mut answer).now_or_never() {
                Some(answer) => self.answer(id, answer).await,
                None => self.go_on(id, answer).await,
            }
        }
    }

    fn begin(
        &self,
        call: pb::Call,
        tokens: &[Option<HeaderValue>],
        read: Instant,
    ) -> Result<impl Future<Output = Result<Response<Bytes>, Status>> + Send + use<>, Status> {
        let Some(method) = self.methods.get(call.path.as_str()).cloned() else {
            return Err(Status::unimplemented("There is no such method here."));
        };
        let caller = match call.principal.checked_sub(1) {
            None => Caller::Anyone,
            Some(at) => match tokens.get(at as usize) {
                Some(Some(token)) => Caller::Token(token.clone()),
                _ => return Err(Status::invalid_argument("`principal` points to no token.")),
            },
        };
        let origin = wire::read_origin(call.request_id, &call.client_address);
        let traceparent = call.traceparent;
        let call = Call {
            caller,
            origin,
            ends: read + deadline::of_batched(Duration::from_micros(call.time_micros)),
            metadata: wire::read_metadata(call.metadata),
            message: call.message,
        };
        Ok(async move { method.call(call, traceparent.as_deref()).await })
    }

    async fn go_on(
        &self,
        id: u64,
        answer: impl Future<Output = Result<Response<Bytes>, Status>> + Send + 'static,
    ) {
        let Ok(permit) = self.under_way.clone().try_acquire_owned() else {
            return self.answer(id, Err(status::of(stack::overloaded()))).await;
        };
        let (handle, registration) = AbortHandle::new_pair();
        self.running.lock().insert(id, handle);
        let conversation = self.clone();
        tokio::spawn(async move {
            // Held until the answer is handed over: who does not read is not asked for more for ever.
            let _permit = permit;
            if let Ok(answer) = Abortable::new(answer, registration).await {
                conversation.running.lock().remove(&id);
                conversation.answer(id, answer).await;
            }
        });
    }

    /// Answers a call, in pieces when it is long. Waits for the reader.
    async fn answer(&self, id: u64, answer: Result<Response<Bytes>, Status>) {
        let mut answer = wire::answer(id, answer);
        while answer.message.len() > MAX_PIECE {
            let message = answer.message.split_to(MAX_PIECE);
            let piece = pb::Answer { id, message, more: true, ..pb::Answer::default() };
            if self.replies.send(Reply::Answer(piece)).await.is_err() {
                return;
            }
        }
        // Nobody listens any more: the caller has gone.
        let _ = self.replies.send(Reply::Answer(answer)).await;
    }
}
