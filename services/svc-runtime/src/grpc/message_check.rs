//! Refuses a message that its caller may not send, before any handler sees it: one that names another agent than
//! the principal's, or that sets a field whose permission the principal lacks.
//!
//! Every message of a call is looked at, since a stream can ask for more in a later one than in its first. What
//! cannot be looked into is refused: a compressed message, one that is too long, and bytes that are no protobuf.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use svc_core::error::{Error, Reason};
use svc_core::policy::{Access, Condition, Rpc};
use svc_core::principal::{self, Principal};
use svc_core::wire::{Fields, Malformed, Value};
use tonic::Status;
use tonic::body::Body;

use super::status;

/// The header of a gRPC message: a compression flag and the length, big-endian.
const HEADER: usize = 5;
/// What a handler decodes at the most, in bytes. A longer message is refused.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// What the messages of a call may hold.
#[derive(Debug)]
pub(super) struct MessageCheck {
    principal: Arc<Principal>,
    /// The field that must name the principal's agent, or be empty.
    agent: Option<u32>,
    /// The boolean fields that must not be true, each with the permissions that it would need and the principal
    /// lacks.
    forbidden: Vec<(u32, Vec<String>)>,
}

impl MessageCheck {
    /// The check of a call, if its messages need any.
    pub(super) fn of(rpc: &Rpc, principal: &Arc<Principal>) -> Option<MessageCheck> {
        let (when, agent) = match &rpc.access {
            Access::Key { when, agent, .. } => (when.as_slice(), agent.as_ref()),
            _ => (&[][..], rpc.member_agent.as_ref()),
        };
        let mut forbidden = Vec::new();
        for Condition { number, permissions, .. } in when {
            let lacking: Vec<String> = permissions.iter().filter(|p| !principal.may(p)).cloned().collect();
            if !lacking.is_empty() {
                forbidden.push((*number, lacking));
            }
        }
        let agent = agent.map(|field| field.number);
        let has_rule = agent.is_some() || !forbidden.is_empty();
        has_rule.then(|| MessageCheck { principal: principal.clone(), agent, forbidden })
    }

    /// The body, which fails with the first message that may not pass.
    pub(super) fn over(self, body: Body) -> Body {
        Body::new(Checked { inner: body, check: Some(self), partial: BytesMut::new() })
    }

    /// Whether the one message of a call may pass.
    pub(super) fn check_only(&self, message: &[u8]) -> Result<(), Error> {
        if message.len() > MAX_MESSAGE {
            return Err(too_long());
        }
        self.check(message)
    }

    /// Whether a message may pass. Of a field that is there twice the last value counts, as it does for whoever
    /// decodes it.
    fn check(&self, message: &[u8]) -> Result<(), Error> {
        let mut agent = &[][..];
        let mut lacking: Vec<&[String]> = vec![&[]; self.forbidden.len()];
        for field in Fields::of(message) {
            let (number, value) = field.map_err(|Malformed| malformed())?;
            match value {
                Value::Bytes(value) if Some(number) == self.agent => agent = value,
                Value::Varint(value) => {
                    for ((forbidden, permissions), lacking) in self.forbidden.iter().zip(&mut lacking) {
                        if *forbidden == number {
                            *lacking = if value == 0 { &[] } else { permissions };
                        }
                    }
                }
                _ => {}
            }
        }
        let own = self.principal.agent_id.as_deref().map(str::as_bytes);
        if !agent.is_empty() && Some(agent) != own {
            return Err(agent_mismatch());
        }
        let lacking = lacking.concat();
        if lacking.is_empty() { Ok(()) } else { Err(principal::lacks(&lacking)) }
    }

    /// How many bytes the whole messages take that `data` begins with. All of them may pass.
    fn check_whole(&self, data: &[u8]) -> Result<usize, Error> {
        let mut at = 0;
        while let Some(&[flag, a, b, c, d]) = data[at..].first_chunk::<HEADER>() {
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            if flag != 0 {
                return Err(Error::new(Reason::Unimplemented, "Messages must not be compressed."));
            }
            if length > MAX_MESSAGE {
                return Err(too_long());
            }
            let end = at + HEADER + length;
            let Some(message) = data.get(at + HEADER..end) else { break };
            self.check(message)?;
            at = end;
        }
        Ok(at)
    }
}

/// The request names another agent than the key's, whether or not it exists.
fn agent_mismatch() -> Error {
    Error::new(Reason::AgentMismatch, "This API key is for another agent.")
}

fn malformed() -> Error {
    Error::new(Reason::InvalidArgument, "The message is not valid protobuf.")
}

fn too_long() -> Error {
    Error::new(Reason::BodyTooLarge, format!("A message is over {MAX_MESSAGE} bytes."))
}

struct Checked {
    inner: Body,
    /// `None` once a message was refused: nothing follows.
    check: Option<MessageCheck>,
    /// What came of a message that is not whole.
    partial: BytesMut,
}

impl http_body::Body for Checked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(check) = &this.check else { return Poll::Ready(None) };
        loop {
            let mut data = match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    Err(trailers) if this.partial.is_empty() => return Poll::Ready(Some(Ok(trailers))),
                    // Cut short: the handler refuses it.
                    Err(_trailers) => return rest(&mut this.partial),
                },
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None if this.partial.is_empty() => return Poll::Ready(None),
                None => return rest(&mut this.partial),
            };
            // The usual message comes in one piece and is never copied.
            let is_apart = this.partial.is_empty();
            if !is_apart {
                this.partial.extend_from_slice(&data);
            }
            let whole = match check.check_whole(if is_apart { &data } else { &this.partial }) {
                Ok(whole) => whole,
                Err(error) => {
                    this.check = None;
                    return Poll::Ready(Some(Err(status::of(error))));
                }
            };
            let passed = match is_apart {
                true => {
                    let passed = data.split_to(whole);
                    this.partial.extend_from_slice(&data);
                    passed
                }
                false => this.partial.split_to(whole).freeze(),
            };
            if !passed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(passed))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.partial.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn rest(partial: &mut BytesMut) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
    Poll::Ready(Some(Ok(Frame::data(partial.split().freeze()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, StreamBody};
    use keyward_proto::contacts::v1::{Contact, ReplaceContactRequest};
    use prost::Message;
    use svc_core::policy::{Policy, built_in_descriptors};
    use svc_core::principal::Subject;

    const SERVICE: &str = "keyward.contacts.v1.ContactService";

    /// The check of ReplaceContact for a key with these permissions.
    fn check(permissions: &[&str]) -> MessageCheck {
        let principal = Arc::new(Principal {
            organization_id: "o".to_owned(),
            agent_id: Some("mine".to_owned()),
            subject: Subject::Key("k".to_owned()),
            permissions: permissions.iter().map(|&p| p.to_owned()).collect(),
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        });
        let policy = Policy::of(&built_in_descriptors().unwrap(), [SERVICE]).unwrap();
        MessageCheck::of(policy.rpc(&format!("/{SERVICE}/ReplaceContact")).unwrap(), &principal).unwrap()
    }

    fn replace(agent: &str, upsert: Option<bool>) -> Vec<u8> {
        let contact = Some(Contact { name: Some("Ada".to_owned()), ..Contact::default() });
        let agent_id = agent.to_owned();
        ReplaceContactRequest { agent_id, contact, upsert, ..Default::default() }.encode_to_vec()
    }

    fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut framed = Vec::new();
        for message in messages {
            framed.push(0);
            framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
            framed.extend_from_slice(message);
        }
        framed
    }

    async fn through(check: MessageCheck, bytes: &[u8], piece: usize) -> (Vec<u8>, Option<Error>) {
        let pieces: Vec<_> =
            bytes.chunks(piece).map(|c| Ok::<_, Status>(Frame::data(Bytes::copy_from_slice(c)))).collect();
        let mut body = check.over(Body::new(StreamBody::new(futures::stream::iter(pieces))));
        let mut passed = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => passed.extend_from_slice(&frame.into_data().unwrap()),
                Err(status) => return (passed, Some(status::to_error(status))),
            }
        }
        (passed, None)
    }

    #[tokio::test]
    async fn what_may_not_pass_never_reaches_the_handler_however_it_is_cut() {
        const UPDATE: &[&str] = &["contacts:update"];
        const BOTH: &[&str] = &["contacts:update", "contacts:create"];
        let own = || replace("mine", None);
        let doubled = |a: Vec<u8>, b: Vec<u8>| [a, b].concat();
        let (mismatch, denied) = (Some(Reason::AgentMismatch), Some(Reason::PermissionDenied));
        for (what, permissions, message, refused) in [
            ("its own agent", UPDATE, own(), None),
            ("no agent", UPDATE, replace("", None), None),
            ("nothing", UPDATE, Vec::new(), None),
            ("another agent", UPDATE, replace("theirs", None), mismatch),
            ("its own at last", UPDATE, doubled(replace("theirs", None), own()), None),
            ("another at last", UPDATE, doubled(own(), replace("theirs", None)), mismatch),
            ("a field not set to true", UPDATE, replace("mine", Some(false)), None),
            ("a field that needs a permission", UPDATE, replace("mine", Some(true)), denied),
            ("with the permission", BOTH, replace("mine", Some(true)), None),
            (
                "set to true at last",
                UPDATE,
                doubled(replace("", Some(false)), replace("", Some(true))),
                denied,
            ),
            ("taken back at last", UPDATE, doubled(replace("", Some(true)), replace("", Some(false))), None),
            ("both, of which the agent is told", UPDATE, replace("theirs", Some(true)), mismatch),
            ("no protobuf", UPDATE, vec![0xff; 20], Some(Reason::InvalidArgument)),
            ("a field that is cut short", UPDATE, vec![0x0a, 9, b'm'], Some(Reason::InvalidArgument)),
        ] {
            for piece in [1, 2, 5, 6, 1_000] {
                // As the second of three, after one that passes.
                let sent = framed(&[own(), message.clone(), own()]);
                let (passed, error) = through(check(permissions), &sent, piece).await;
                assert_eq!(error.as_ref().map(|e| e.reason), refused, "{what}, by {piece}");
                if refused.is_none() {
                    assert_eq!(passed, sent, "{what}, by {piece}");
                } else {
                    assert!(passed.is_empty() || passed == framed(&[own()]), "{what}, by {piece}");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_looked_into_is_refused() {
        for (what, header, refused) in [
            ("compressed", [1, 0, 0, 0, 1], Reason::Unimplemented),
            ("an unknown flag", [7, 0, 0, 0, 1], Reason::Unimplemented),
            ("too long", [0, 0, 0x40, 0, 1], Reason::BodyTooLarge),
            ("4 GiB", [0, 0xff, 0xff, 0xff, 0xff], Reason::BodyTooLarge),
        ] {
            let (passed, error) = through(check(&["contacts:update"]), &header, 5).await;
            assert_eq!((passed.len(), error.unwrap().reason), (0, refused), "{what}");
        }
        // Cut short: the handler sees that, and refuses it.
        let (passed, error) = through(check(&["contacts:update"]), &[0, 0, 0, 0, 9, 1], 6).await;
        assert_eq!((passed.len(), error), (6, None));
    }

    #[test]
    fn a_refusal_names_every_permission_that_is_missing() {
        let error = check(&["contacts:update"]).check(&replace("", Some(true))).unwrap_err();
        assert!(error.message.contains("contacts:create"), "{error}");
        assert!(error.message.contains("admin grants"), "{error}");
    }

    #[test]
    fn who_holds_every_permission_needs_no_look_at_rpcs_without_an_agent() {
        let policy = Policy::of(&built_in_descriptors().unwrap(), ["keyward.auth.v1.ApiKeyService"]).unwrap();
        let principal = check(&[]).principal;
        for rpc in policy.rpcs() {
            assert!(MessageCheck::of(rpc, &principal).is_none(), "{rpc:?}");
        }
    }
}
