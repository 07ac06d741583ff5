//! What the edge and auth-svc both have to know of the dashboard's sessions: how their tokens begin, and the CSRF
//! token that belongs to one.

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::Secret;

/// What the token of a session begins with, in its cookie. Nothing else does, so that neither a session can be
/// sent as `Authorization: Bearer` nor a personal access token as a cookie.
pub const TOKEN_PREFIX: &str = "kwsession_";

const CONTEXT: &[u8] = b"keyward/csrf/v1";
const HASH: usize = 32;

/// SHA-256 of the token of a session: what is stored of it. It has 256 random bits.
pub fn hash(token: &Secret) -> [u8; HASH] {
    let mut hash = [0; HASH];
    hash.copy_from_slice(digest(&SHA256, token.expose().as_bytes()).as_ref());
    hash
}

/// The CSRF token of the session with this hash. It follows from the token of the session, which no page can read,
/// and tells nothing of it; so it need not be stored, and ends with the session.
pub fn csrf_token(hash: &[u8; HASH]) -> Secret {
    let mut context = Context::new(&SHA256);
    context.update(CONTEXT);
    context.update(hash);
    Secret::new(URL_SAFE_NO_PAD.encode(context.finish().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csrf_token_belongs_to_one_session() {
        let of = |token: &str| csrf_token(&hash(&Secret::new(token)));
        let (one, other) = (of("kwsession_a"), of("kwsession_b"));
        assert_eq!(one, of("kwsession_a"));
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 43);
        assert!(!one.matches(other.expose().as_bytes()));
    }
}
