//! Hands on what one service has to tell another: what happened to keys and documents, to the service that sends
//! webhooks, what members did to fields, webhooks, people and documents, to the one that keeps the audit log
//! ([ADR 34](../../docs/adr/0034-deeds-of-other-services.md)), and what is gone, to those who hold more of it
//! ([ADR 36](../../docs/adr/0036-erasures.md)). The services do not know each other, and the edge knows
//! all: so nothing more has to be configured, reached or trusted.
//!
//! What is handed on is forgotten where it waited once it was taken, so it is handed on at least once; whoever takes it
//! twice knows it by its id. Every replica of the edge does this.

mod kinds;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use http::uri::PathAndQuery;
use prost::Message;
use svc_core::secret::Secret;
use svc_runtime::grpc::caller::{BadToken, Caller, InternalCredential};
use svc_runtime::grpc::{self, Method, Upstream};
use tokio::time::{Instant, sleep};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

pub(crate) use kinds::{
    AgentErasures, ContactDeeds, ContactErasures, ExtractionDeeds, ExtractionEvents, KeyEvents,
};

/// How long between two looks while there is nothing, and after something failed.
const EVERY: Duration = Duration::from_secs(2);
const AFTER_FAILURE: Duration = Duration::from_secs(15);
/// How many are handed on at once. As many are less than a message may have.
const BATCH: usize = 50;
/// How long a call may take.
const TIME: Duration = Duration::from_secs(5);

/// What is handed on: where it waits, and who takes it.
pub(crate) trait Kind: Send + Sync + 'static {
    /// What it is, in words.
    const WHAT: &'static str;
    /// The RPC that lists what waits, `/package.Service/Method`.
    const LIST: &'static str;
    /// The RPC that forgets what was taken.
    const DELETE: &'static str;
    /// The RPC that takes it.
    const TAKE: &'static str;
    /// Whether what its taker refuses is dropped. Else it waits, and what comes after it goes on.
    const REFUSED_IS_DROPPED: bool;
    /// One of them.
    type Item: Clone + Send + Sync + 'static;
    /// The messages of these RPCs.
    type List: Message;
    /// Its answer.
    type Listed: Message + Default;
    /// Of the RPC that forgets.
    type Delete: Message;
    /// Of the RPC that takes.
    type Take: Message;

    /// Asks for so many.
    fn list(limit: i32) -> Self::List;
    /// What there is.
    fn listed(listed: Self::Listed) -> Vec<Self::Item>;
    /// The id of one.
    fn id(item: &Self::Item) -> &str;
    /// These were taken.
    fn delete(ids: Vec<String>) -> Self::Delete;
    /// Gives these.
    fn take(items: Vec<Self::Item>) -> Self::Take;
}

/// The service of an RPC.
pub(crate) fn service(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// Hands on one kind of things.
pub(crate) struct Handover<K> {
    list: Call,
    delete: Call,
    take: Call,
    kind: std::marker::PhantomData<K>,
}

/// An RPC with what proves that the edge calls.
struct Call {
    method: Method,
    metadata: MetadataMap,
}

impl Call {
    fn new(upstream: &Upstream, credential: &InternalCredential, path: &'static str) -> Call {
        let mut authenticated = Request::new(());
        credential.authenticate(&mut authenticated);
        Call {
            method: upstream.method(PathAndQuery::from_static(path)),
            metadata: authenticated.metadata().clone(),
        }
    }

    /// All of them may be made twice.
    async fn make<A: Message + Default>(&self, message: &impl Message) -> Result<A, Status> {
        let call = grpc::Call {
            caller: Caller::Internal,
            origin: None,
            ends: Instant::now() + TIME,
            metadata: self.metadata.clone(),
            message: Bytes::from(message.encode_to_vec()),
        };
        let answer = self.method.call(call, true).await?;
        A::decode(answer.into_inner()).map_err(|_| Status::internal("the answer cannot be read"))
    }
}

/// Whatever hands something on.
pub(crate) trait HandsOn: Send + Sync {
    /// Hands on what there is, as long as it is polled.
    fn run(&self) -> BoxFuture<'_, Infallible>;
}

/// All of them, as long as it is polled.
pub(crate) async fn run(all: &[Box<dyn HandsOn>]) -> Infallible {
    join_all(all.iter().map(|one| one.run())).await;
    std::future::pending().await
}

impl<K: Kind> Handover<K> {
    /// From the service where it waits to the one that takes it, each with the edge's credential.
    pub(crate) fn new(
        from: &Upstream,
        to: &Upstream,
        token: Option<&Secret>,
    ) -> Result<Handover<K>, BadToken> {
        let of = |upstream| InternalCredential::for_calls_to(upstream, token);
        let (from_credential, to_credential) = (of(from)?, of(to)?);
        Ok(Handover {
            list: Call::new(from, &from_credential, K::LIST),
            delete: Call::new(from, &from_credential, K::DELETE),
            take: Call::new(to, &to_credential, K::TAKE),
            kind: std::marker::PhantomData,
        })
    }

    /// Hands on some, and says whether there may be more.
    async fn round(&self) -> Result<bool, Status> {
        let asked = K::list(i32::try_from(BATCH).unwrap_or(i32::MAX));
        let items = K::listed(self.list.make::<K::Listed>(&asked).await?);
        if items.is_empty() {
            return Ok(false);
        }
        let is_full = items.len() == BATCH;
        let ids = self.give(items).await?;
        let taken = !ids.is_empty();
        if taken {
            self.delete.make::<()>(&K::delete(ids)).await?;
        }
        Ok(is_full && taken)
    }

    /// Gives them, and says which wait no longer.
    async fn give(&self, items: Vec<K::Item>) -> Result<Vec<String>, Status> {
        let ids = items.iter().map(|item| K::id(item).to_owned()).collect();
        match self.take.make::<()>(&K::take(items.clone())).await {
            Ok(()) => return Ok(ids),
            Err(status) if status.code() == Code::InvalidArgument => {}
            Err(status) => return Err(status),
        }
        // One that nobody can take would hold up all others.
        let mut done = Vec::new();
        for item in items {
            let id = K::id(&item).to_owned();
            match self.take.make::<()>(&K::take(vec![item])).await {
                Ok(()) => done.push(id),
                Err(status) if status.code() == Code::InvalidArgument => {
                    let (what, dropped) = (K::WHAT, K::REFUSED_IS_DROPPED);
                    tracing::error!(
                        id,
                        what,
                        dropped,
                        reason = status.message(),
                        "what is handed on is refused"
                    );
                    if dropped {
                        done.push(id);
                    }
                }
                Err(status) => return Err(status),
            }
        }
        Ok(done)
    }
}

impl<K: Kind> HandsOn for Handover<K> {
    fn run(&self) -> BoxFuture<'_, Infallible> {
        self.hand_on().boxed()
    }
}

impl<K: Kind> Handover<K> {
    async fn hand_on(&self) -> Infallible {
        let mut failing = false;
        loop {
            match self.round().await {
                Ok(more) => {
                    failing = false;
                    if !more {
                        sleep(EVERY).await;
                    }
                }
                Err(status) => {
                    // Once, not every time: whoever is away is told of elsewhere, too.
                    if !failing {
                        tracing::warn!(code = ?status.code(), what = K::WHAT, "something is not handed on");
                    }
                    failing = true;
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}
