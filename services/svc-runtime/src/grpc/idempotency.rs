//! Calls that take effect once, as they travel: what the edge tells a service of one, and how a service says that
//! its answer is that of an earlier call.

use http::{HeaderMap, HeaderValue};
use prost::Message;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::{Answers, IdempotentCall, Kept, Repeat, RequestDigest};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Response, Status};

use super::{principal, status};

/// The metadata key that tells a service that a call takes effect once, and which it is.
pub const DIGEST: &str = "x-keyward-idempotency";
/// The metadata key of an answer that is that of an earlier call.
pub const REPLAYED: &str = "x-keyward-idempotent-replayed";

/// What the edge tells a service of such a call.
pub fn digest_value(digest: &RequestDigest) -> Option<HeaderValue> {
    HeaderValue::try_from(digest.to_text()).ok()
}

/// Whether an answer is that of an earlier call, by its metadata.
pub fn is_replayed(metadata: &HeaderMap) -> bool {
    metadata.contains_key(REPLAYED)
}

/// Says of an answer that it is that of an earlier call.
pub fn say_replayed(metadata: &mut MetadataMap) {
    metadata.insert(REPLAYED, MetadataValue::from_static("true"));
}

/// The call, if it takes effect once.
pub fn call<T>(request: &Request<T>) -> Result<Option<IdempotentCall>, Error> {
    let Some(text) = request.metadata().get(DIGEST) else { return Ok(None) };
    let digest = text.to_str().ok().and_then(RequestDigest::from_text).ok_or_else(|| {
        let message = format!("The metadata `{DIGEST}` is that of no request.");
        Error::invalid(vec![Violation::new(DIGEST, Fault::Invalid, message)])
    })?;
    Ok(Some(IdempotentCall::of(&*principal(request)?, digest)))
}

/// What is kept of an answer with this message, which is about the thing with this id.
pub fn kept(message: &impl Message, id: &str) -> Kept {
    Kept::answer(message.encode_to_vec(), Some(id))
}

/// What is kept of an answer with this message, which is about several things.
pub fn kept_of_many(message: &impl Message) -> Kept {
    Kept::answer(message.encode_to_vec(), None)
}

/// First in a handler that takes effect once, as in `let call = replay_or_call!(answers, request)`: answers a
/// repeat as the first call was, else gives the call for [`Once::of`](svc_core::idempotency::Once::of). `answers`
/// keeps the answers of its service ([`Answers`]).
#[macro_export]
macro_rules! replay_or_call {
    ($answers:expr, $request:ident) => {{
        let call = $crate::grpc::idempotency::call(&$request).map_err($crate::grpc::status::of)?;
        if let Some(replayed) = $crate::grpc::idempotency::replay(&$answers, call.as_ref()).await? {
            return Ok(replayed);
        }
        call
    }};
}

/// The answer of an earlier call, if this one repeats it. Asked before anything else: what was good then may
/// not be now.
///
/// # Errors
/// What [`Repeat`] says, and what `answers` does.
pub async fn replay<M: Message + Default>(
    answers: &impl Answers,
    call: Option<&IdempotentCall>,
) -> Result<Option<Response<M>>, Status> {
    let Some(call) = call else { return Ok(None) };
    answers.kept(call).await.map_err(status::of)?.map(answer).transpose()
}

/// The answer of an earlier call, of what is kept of it.
///
/// # Errors
/// When that is not its message.
pub fn answer<M: Message + Default>(kept: Kept) -> Result<Response<M>, Status> {
    let message = match kept {
        Kept::Withheld { id } => return Err(status::of(Repeat::Withheld { id })),
        Kept::Answer { message, .. } => message,
    };
    let message = M::decode(message.as_slice()).map_err(|error| {
        tracing::error!(error = %error, "an answer that was kept cannot be read");
        status::of(Error::internal())
    })?;
    let mut response = Response::new(message);
    say_replayed(response.metadata_mut());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use svc_core::error::Reason;
    use svc_core::principal::{Principal, Subject};

    use super::*;
    use tonic_health::pb::HealthCheckRequest as Said;

    /// Keeps one answer, of any call.
    struct One(Result<Option<Kept>, Repeat>);

    impl Answers for One {
        async fn kept(&self, _: &IdempotentCall) -> Result<Option<Kept>, Error> {
            Ok(self.0.clone()?)
        }
    }

    fn request(metadata: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        request.extensions_mut().insert(Arc::new(Principal {
            organization_id: "o".to_owned(),
            agent_id: None,
            subject: Subject::Member("m".to_owned()),
            permissions: Vec::new(),
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        }));
        if let Some(text) = metadata {
            request.metadata_mut().insert(DIGEST, text.parse().unwrap());
        }
        request
    }

    #[test]
    fn a_call_is_that_of_its_principal() {
        let digest = RequestDigest::of("k", "POST", "/a", None, b"{}");
        assert_eq!(call(&request(None)).unwrap(), None);
        let said = digest_value(&digest).unwrap();
        let call_of = call(&request(said.to_str().ok())).unwrap().unwrap();
        assert_eq!(call_of.organization_id, "o");
        assert_eq!(call_of.subject, "member/m");
        assert_eq!(call_of.digest, digest);
        for bad in ["", "k", "00.00"] {
            assert_eq!(call(&request(Some(bad))).unwrap_err().reason, Reason::InvalidArgument);
        }
    }

    #[tokio::test]
    async fn what_a_repeat_is_answered() {
        let digest = RequestDigest::of("k", "POST", "/a", None, b"{}");
        let call = IdempotentCall::of(&principal(&request(None)).unwrap(), digest);
        let message = Said { service: "first".to_owned() };
        let kept = Kept::answer(message.encode_to_vec(), None);
        let replayed = replay::<Said>(&One(Ok(Some(kept.clone()))), Some(&call)).await.unwrap().unwrap();
        assert!(is_replayed(replayed.metadata().as_ref()));
        assert_eq!(replayed.into_inner(), message);
        assert!(replay::<Said>(&One(Ok(Some(kept))), None).await.unwrap().is_none());
        assert!(replay::<Said>(&One(Ok(None)), Some(&call)).await.unwrap().is_none());
        for (kept, reason) in [
            (Ok(Some(Kept::secret("a"))), Reason::Conflict),
            (Err(Repeat::Reused), Reason::IdempotencyKeyReused),
            (Ok(Some(Kept::Answer { message: vec![0xFF], id: None })), Reason::Internal),
        ] {
            let status = replay::<Said>(&One(kept), Some(&call)).await.unwrap_err();
            assert_eq!(status::reason(&status), reason);
        }
    }
}
