//! Calls that take effect once, however often they are sent (`Idempotency-Key`).
//!
//! The edge digests a request that carries the header, and a service keeps the answer under that digest in the
//! transaction of the change itself ([ADR 14](../../../docs/adr/0014-idempotency.md)). Neither the key nor the
//! request is kept.

use std::future::Future;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

use crate::error::{Error, Reason};
use crate::ids::hex;
use crate::principal::{Principal, Subject};

/// How long an answer is kept for repeats of its call.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// The largest message of an answer that is kept, in bytes. A contact fits twice; what is larger is made and
/// not kept: its repeat is told so.
pub const MAX_KEPT: usize = 256 * 1024;
/// How long the caller is told to wait while the first call runs. Most take milliseconds.
const IN_PROGRESS_RETRY: Duration = Duration::from_secs(1);

const DIGEST: usize = 32;
/// What stands between the two parts of a digest that is written down.
const SEPARATOR: char = '.';

/// What a request that carries a key is, for whoever has to know it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestDigest {
    /// Of the key, the method and the path: within one principal, which call it is.
    pub scope: [u8; DIGEST],
    /// Of the query and the body: the same in each repeat.
    pub content: [u8; DIGEST],
}

impl RequestDigest {
    /// Of a request, as it was sent.
    pub fn of(key: &str, method: &str, path: &str, query: Option<&str>, body: &[u8]) -> RequestDigest {
        RequestDigest {
            scope: digest(&[key.as_bytes(), method.as_bytes(), path.as_bytes()]),
            content: digest(&[query.unwrap_or_default().as_bytes(), body]),
        }
    }

    /// The same request with a content that was read as it came. Until then its digest tells of all that came before.
    #[must_use]
    pub fn with_content(&self, sha256: &str) -> RequestDigest {
        RequestDigest { content: digest(&[&self.content, sha256.as_bytes()]), ..*self }
    }

    /// As text, in one line of metadata.
    pub fn to_text(&self) -> String {
        format!("{}{SEPARATOR}{}", hex(&self.scope), hex(&self.content))
    }

    /// From that text.
    pub fn from_text(text: &str) -> Option<RequestDigest> {
        let (scope, content) = text.split_once(SEPARATOR)?;
        Some(RequestDigest { scope: unhex(scope)?, content: unhex(content)? })
    }
}

/// Each part with its length before it, so that no two lists of parts are the same bytes.
fn digest(parts: &[&[u8]]) -> [u8; DIGEST] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0; DIGEST];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

fn unhex(text: &str) -> Option<[u8; DIGEST]> {
    let mut bytes = [0; DIGEST];
    if text.len() != 2 * DIGEST || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..text.len()).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// A call that takes effect once: whose it is, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentCall {
    /// The organization. Nothing crosses it.
    pub organization_id: String,
    /// The key or the member that calls, `key/65f0…`.
    pub subject: String,
    /// What was sent.
    pub digest: RequestDigest,
}

impl IdempotentCall {
    /// The call of a principal.
    pub fn of(principal: &Principal, digest: RequestDigest) -> IdempotentCall {
        let subject = match &principal.subject {
            Subject::Key(id) => format!("key/{id}"),
            Subject::Member(id) => format!("member/{id}"),
        };
        IdempotentCall { organization_id: principal.organization_id.clone(), subject, digest }
    }

    /// The number under which a database locks it. That of another call is the same with a chance of 2⁻⁶⁴, and
    /// then one of them is told to come again.
    pub fn lock(&self) -> i64 {
        let parts = [self.organization_id.as_bytes(), self.subject.as_bytes(), &self.digest.scope];
        let bytes = digest(&parts);
        bytes.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
    }
}

/// What is kept of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Its message.
    Answer {
        /// Encoded.
        message: Vec<u8>,
        /// The id of what the call has made, where that is one thing: for whoever has to forget what it holds.
        id: Option<String>,
    },
    /// Nothing but what it was about: the answer held a secret, or was too large.
    Withheld {
        /// The id of what the call has made, where that is one thing.
        id: Option<String>,
    },
}

impl Kept {
    /// The message of an answer, unless it is too large. `id` is that of what the call has made.
    pub fn answer(message: Vec<u8>, id: Option<&str>) -> Kept {
        match message.len() <= MAX_KEPT {
            true => Kept::Answer { message, id: id.map(str::to_owned) },
            false => Kept::Withheld { id: id.map(str::to_owned) },
        }
    }

    /// Of an answer that holds a secret: the id of what the call has made.
    pub fn secret(id: impl Into<String>) -> Kept {
        Kept::Withheld { id: Some(id.into()) }
    }
}

/// A call that takes effect once, and how its answer is kept.
pub struct Once<T> {
    /// Which call.
    pub call: IdempotentCall,
    keep: Box<dyn FnOnce(&T) -> Kept + Send>,
}

impl<T> std::fmt::Debug for Once<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Once({:?})", self.call)
    }
}

impl<T> Once<T> {
    /// With what is kept of the value of its change. `None` for a call that carries no key.
    pub fn of(
        call: Option<IdempotentCall>,
        keep: impl FnOnce(&T) -> Kept + Send + 'static,
    ) -> Option<Once<T>> {
        call.map(|call| Once { call, keep: Box::new(keep) })
    }

    /// What is kept of this value.
    pub fn keep(self, value: &T) -> (IdempotentCall, Kept) {
        (self.call, (self.keep)(value))
    }
}

/// The answers that a service keeps.
pub trait Answers: Sync {
    /// What is kept of the answer of a call.
    ///
    /// # Errors
    /// [`Repeat::Reused`] when another request carried the key before.
    fn kept(&self, call: &IdempotentCall) -> impl Future<Output = Result<Option<Kept>, Error>> + Send;
}

/// Why a call whose key was there before is not made, and is not answered as the first one was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Repeat {
    /// The first call runs, or has just ended.
    #[error("the first call with this key runs")]
    InProgress,
    /// It is another request than the first one.
    #[error("the key came with another request before")]
    Reused,
    /// It was made, and its answer is not kept.
    #[error("the answer of the first call is not kept")]
    Withheld {
        /// The id of what it has made.
        id: Option<String>,
    },
}

impl From<Repeat> for Error {
    fn from(repeat: Repeat) -> Error {
        match repeat {
            Repeat::InProgress => {
                let message = "A request with this Idempotency-Key is running. Send it again for its answer.";
                Error::new(Reason::RequestInProgress, message).retry_after(IN_PROGRESS_RETRY)
            }
            Repeat::Reused => {
                let message = "This Idempotency-Key came with another query or body before. Use a new key for a \
                               new request.";
                Error::new(Reason::IdempotencyKeyReused, message)
            }
            Repeat::Withheld { id: Some(id) } => {
                let message = format!(
                    "The request with this Idempotency-Key was carried out and made {id}. Its answer was shown \
                     that once and is not kept."
                );
                Error { existing_id: Some(id), ..Error::new(Reason::Conflict, message) }
            }
            Repeat::Withheld { id: None } => {
                let message = "The request with this Idempotency-Key was carried out. Its answer was too large to be kept.";
                Error::new(Reason::Conflict, message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(parts: (&str, &str, &str, Option<&str>, &str)) -> RequestDigest {
        let (key, method, path, query, body) = parts;
        RequestDigest::of(key, method, path, query, body.as_bytes())
    }

    #[test]
    fn what_makes_another_request() {
        let first = digest_of(("k", "POST", "/a", Some("x=1"), "{}"));
        // The request, whether its scope is that of the first, and whether its content is.
        for (request, scope, content) in [
            (("k", "POST", "/a", Some("x=1"), "{}"), true, true),
            (("K", "POST", "/a", Some("x=1"), "{}"), false, true),
            (("k", "PUT", "/a", Some("x=1"), "{}"), false, true),
            (("k", "POST", "/b", Some("x=1"), "{}"), false, true),
            (("kP", "OST", "/a", Some("x=1"), "{}"), false, true),
            (("k", "POST", "/a", Some("x=2"), "{}"), true, false),
            (("k", "POST", "/a", None, "x=1{}"), true, false),
            (("k", "POST", "/a", Some("x=1"), "{} "), true, false),
            (("k", "POST", "/a", Some("x=1"), ""), true, false),
        ] {
            let digest = digest_of(request);
            assert_eq!((digest.scope == first.scope, digest.content == first.content), (scope, content));
        }
    }

    #[test]
    fn a_content_makes_another_digest_of_the_same_scope() {
        let head = digest_of(("k", "POST", "/a", None, "{}"));
        let [a, b] = ["aa", "bb"].map(|sha256| head.with_content(sha256));
        assert_eq!((a.scope, b.scope), (head.scope, head.scope));
        assert!(a.content != b.content && a.content != head.content);
        assert_eq!(a, head.with_content("aa"));
        assert_ne!(a.content, digest_of(("k", "POST", "/a", None, "")).with_content("aa").content);
    }

    #[test]
    fn a_digest_is_read_as_it_was_written() {
        let digest = digest_of(("k", "POST", "/a", None, "{}"));
        let text = digest.to_text();
        assert_eq!(RequestDigest::from_text(&text), Some(digest));
        for bad in ["", ".", &text[1..], &text[..128], &text.replace('.', ""), &format!("{text}0")] {
            assert_eq!(RequestDigest::from_text(bad), None, "{bad}");
        }
        assert_eq!(RequestDigest::from_text(&format!("+{}", &text[1..])), None);
        assert_eq!(RequestDigest::from_text(&format!("é{}", &text[2..])), None);
    }

    #[test]
    fn whoever_calls_has_a_lock_of_its_own() {
        let digest = digest_of(("k", "POST", "/a", None, "{}"));
        let of = |organization: &str, subject: &str| IdempotentCall {
            organization_id: organization.to_owned(),
            subject: subject.to_owned(),
            digest,
        };
        let one = of("o", "key/k");
        assert_eq!(one.lock(), of("o", "key/k").lock());
        assert_ne!(one.lock(), of("p", "key/k").lock());
        assert_ne!(one.lock(), of("o", "member/k").lock());
        assert_ne!(one.lock(), of("okey/", "k").lock());
    }

    #[test]
    fn answers_are_kept_up_to_their_bound() {
        for (length, kept) in [(0, true), (MAX_KEPT, true), (MAX_KEPT + 1, false)] {
            let answer = Kept::answer(vec![0; length], Some("a"));
            assert_eq!(matches!(answer, Kept::Answer { .. }), kept, "{length}");
        }
        let withheld = Kept::answer(vec![0; MAX_KEPT + 1], Some("a"));
        assert_eq!(withheld, Kept::Withheld { id: Some("a".to_owned()) });
    }

    #[test]
    fn every_repeat_has_its_reason() {
        let id = || Some("65f0c0ffee65f0c0ffee65f0".to_owned());
        for (repeat, reason, retry, existing) in [
            (Repeat::InProgress, Reason::RequestInProgress, true, None),
            (Repeat::Reused, Reason::IdempotencyKeyReused, false, None),
            (Repeat::Withheld { id: id() }, Reason::Conflict, false, id()),
            (Repeat::Withheld { id: None }, Reason::Conflict, false, None),
        ] {
            let error = Error::from(repeat);
            assert_eq!((error.reason, error.retry_after.is_some()), (reason, retry));
            assert!(existing.as_ref().is_none_or(|id| error.message.contains(id.as_str())));
            assert_eq!(error.existing_id, existing);
        }
    }
}
