//! auth-svc in other processes: when a replica cannot answer, one other is asked.

use std::sync::Arc;
use std::time::Duration;

use keyward_proto::auth::v1 as pb;
use svc_runtime::authorize::{Answer, Asked, Authorize, NoDecision, Question};
use svc_runtime::cores::{Cores, PerCore};
use svc_runtime::grpc::caller::InternalCredential;
use svc_runtime::grpc::{Balancer, Upstream};
use tokio::time::{Instant, timeout};

use super::authorize_stream::AuthorizeStream;

/// Asks over streams that carry the questions of many requests, one of each core to each replica.
#[derive(Debug)]
pub(crate) struct Remote {
    streams: PerCore<Vec<AuthorizeStream>>,
    replicas: Vec<Upstream>,
    balancer: Arc<Balancer>,
    /// What the first replica has when there is another one.
    first_try: Duration,
}

impl Remote {
    /// So many questions of a core may be under way to a replica.
    pub(crate) fn new(
        cores: &Cores,
        replicas: Vec<Upstream>,
        balancer: Arc<Balancer>,
        credential: &InternalCredential,
        first_try: Duration,
        under_way: usize,
    ) -> Remote {
        let stream =
            |replica: &Upstream| AuthorizeStream::new(replica.clone(), credential.clone(), under_way);
        let streams = cores.each(|| replicas.iter().map(stream).collect::<Vec<_>>());
        Remote { streams, replicas, balancer, first_try }
    }

    /// The answer of the replica that the balancer picks, else of one other.
    async fn ask_one_or_another(
        &self,
        message: pb::AuthorizeRequest,
        time: Duration,
    ) -> Result<pb::AuthorizeResponse, NoDecision> {
        let ends = Instant::now() + time;
        let first = self.balancer.pick();
        if self.balancer.count() == 1 {
            return self.ask_replica(first, message, time).await;
        }
        let answer = self.ask_replica(first, message.clone(), self.first_try.min(time)).await;
        let left = ends.saturating_duration_since(Instant::now());
        if answer.is_ok() || left.is_zero() {
            return answer;
        }
        match self.balancer.pick_other_than(first) {
            Some(other) => self.ask_replica(other, message, left).await,
            None => answer,
        }
    }

    /// Asks a replica, and tells the balancer what became of it.
    async fn ask_replica(
        &self,
        replica: usize,
        message: pb::AuthorizeRequest,
        time: Duration,
    ) -> Result<pb::AuthorizeResponse, NoDecision> {
        let call = self.balancer.begin(replica);
        let answered =
            timeout(time, self.streams.of(self.replicas[replica].core())[replica].ask(message)).await;
        let answer = answered.unwrap_or(Err(NoDecision::TooLate));
        match answer {
            Ok(_) => call.answered(),
            // It was not asked, so this says nothing of the replica.
            Err(NoDecision::TooMany) => drop(call),
            Err(NoDecision::Undecided) => call.refused(),
            Err(NoDecision::Away | NoDecision::TooLate | NoDecision::Unusable(_)) => call.lost(),
        }
        answer
    }
}

impl Authorize for Remote {
    fn ask<'a>(&'a self, question: &Question<'_>, time: Duration) -> Asked<'a> {
        let message = question.into();
        Asked::Waiting(Box::pin(
            async move { Answer::try_from(self.ask_one_or_another(message, time).await?) },
        ))
    }
}
