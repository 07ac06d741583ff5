//! Credentials out of the request head, at once, so that nothing behind can log or forward them.
//!
//! Whether they are well-formed, known and right is for auth-svc to say. Here is decided only what the
//! head itself shows: absent, empty, doubled, in two ways, or not text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, Entry, HeaderName};
use http::{HeaderMap, HeaderValue};
use keyward_proto::policy::v1::Role;
use svc_core::error::{Error, Reason};
use svc_core::secret::Secret;
use svc_runtime::authorize;

/// The API key.
pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Its secret.
pub(crate) const X_API_SECRET: HeaderName = HeaderName::from_static("x-api-secret");

/// What personal access tokens start with.
const TOKEN_PREFIX: &str = "kwp_";

/// What a caller presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An API key and its secret.
    ApiKey { key: String, secret: Secret },
    /// A member's personal access token, or the token of their session.
    Token(Secret),
}

impl Credential {
    /// One that belongs to nobody, in place of one that cannot be read.
    pub(crate) fn unusable(role: Role) -> Credential {
        match role {
            Role::Unspecified => Credential::ApiKey { key: String::new(), secret: Secret::default() },
            _ => Credential::Token(Secret::default()),
        }
    }

    /// As it is asked about. A member must have this role at least.
    pub(crate) fn with_role(&self, role: Role) -> authorize::Credential<'_> {
        match self {
            Credential::ApiKey { key, secret } => authorize::Credential::ApiKey { key, secret },
            Credential::Token(token) => authorize::Credential::Token { token, role },
        }
    }
}

/// A header that may appear once.
enum Occurrence {
    Absent,
    Once(HeaderValue),
    Doubled,
}

/// Takes all credentials out of the head.
struct CredentialHeaders {
    key: Occurrence,
    secret: Occurrence,
    authorization: Occurrence,
}

impl CredentialHeaders {
    fn from(headers: &mut HeaderMap) -> CredentialHeaders {
        CredentialHeaders {
            key: take(headers, X_API_KEY),
            secret: take(headers, X_API_SECRET),
            authorization: take(headers, AUTHORIZATION),
        }
    }
}

fn take(headers: &mut HeaderMap, name: HeaderName) -> Occurrence {
    let Entry::Occupied(entry) = headers.entry(name) else { return Occurrence::Absent };
    let (_, mut values) = entry.remove_entry_mult();
    match (values.next(), values.next()) {
        (Some(value), None) => Occurrence::Once(value),
        (None, _) => Occurrence::Absent,
        (Some(_), Some(_)) => Occurrence::Doubled,
    }
}

/// Takes the credentials out of a request that needs none.
pub(crate) fn discard(headers: &mut HeaderMap) {
    let _none_needed = CredentialHeaders::from(headers);
}

/// The API key of a request: in its two headers, or as `Authorization: Basic`.
pub(crate) fn api_key(headers: &mut HeaderMap) -> Result<Credential, Error> {
    let taken = CredentialHeaders::from(headers);
    let basic = match &taken.authorization {
        Occurrence::Doubled => return Err(invalid()),
        Occurrence::Once(value) => scheme(value, "basic"),
        Occurrence::Absent => None,
    };
    match (taken.key, taken.secret, basic) {
        (Occurrence::Absent, Occurrence::Absent, Some(encoded)) => from_basic(encoded),
        (_, _, Some(_)) => Err(invalid()),
        (Occurrence::Absent, ..) | (_, Occurrence::Absent, _) => Err(missing()),
        (Occurrence::Once(key), Occurrence::Once(secret), None) => from_headers(&key, &secret),
        (Occurrence::Once(one), Occurrence::Doubled, _) | (Occurrence::Doubled, Occurrence::Once(one), _)
            if one.is_empty() =>
        {
            Err(missing())
        }
        _ => Err(invalid()),
    }
}

/// The personal access token of a request: `Authorization: Bearer kwp_…`. Without such a header, the session that
/// it is sent in.
pub(crate) fn member(headers: &mut HeaderMap, session: Option<Secret>) -> Result<Credential, Error> {
    let value = match (CredentialHeaders::from(headers).authorization, session) {
        (Occurrence::Once(value), _) => value,
        (Occurrence::Absent, Some(session)) => return Ok(Credential::Token(session)),
        _ => return Err(not_signed_in()),
    };
    let token = scheme(&value, "bearer").and_then(|bytes| std::str::from_utf8(bytes).ok());
    match token.filter(|token| token.starts_with(TOKEN_PREFIX) && token.is_ascii()) {
        Some(token) => Ok(Credential::Token(Secret::new(token))),
        None => Err(not_signed_in()),
    }
}

/// What follows this scheme (RFC 9110, 11.4: the name in any case, then spaces).
fn scheme<'v>(value: &'v HeaderValue, name: &str) -> Option<&'v [u8]> {
    let (scheme, rest) = value.as_bytes().split_at_checked(name.len())?;
    let rest = rest.strip_prefix(b" ")?;
    scheme.eq_ignore_ascii_case(name.as_bytes()).then(|| rest.trim_ascii())
}

fn from_headers(key: &HeaderValue, secret: &HeaderValue) -> Result<Credential, Error> {
    if key.is_empty() || secret.is_empty() {
        return Err(missing());
    }
    match (key.to_str(), secret.to_str()) {
        (Ok(key), Ok(secret)) => Ok(Credential::ApiKey { key: key.to_owned(), secret: Secret::new(secret) }),
        _ => Err(invalid()),
    }
}

fn from_basic(encoded: &[u8]) -> Result<Credential, Error> {
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = Secret::new(decoded.ok_or_else(invalid)?);
    let (key, secret) = decoded.expose().split_once(':').ok_or_else(invalid)?;
    if key.is_empty() || secret.is_empty() {
        return Err(missing());
    }
    if !decoded.expose().bytes().all(|c| c.is_ascii_graphic()) {
        return Err(invalid());
    }
    Ok(Credential::ApiKey { key: key.to_owned(), secret: Secret::new(secret) })
}

fn missing() -> Error {
    Error::new(
        Reason::MissingCredentials,
        "Credentials are missing: send your API key and its secret in the headers x-api-key and x-api-secret.",
    )
}

/// The one answer to every credential that is malformed, unknown, deleted or wrong: the edge gives it
/// also for auth-svc, so that the bytes cannot differ.
pub(crate) fn invalid() -> Error {
    Error::new(Reason::InvalidCredentials, "The API key or its secret is not valid.")
}

/// No member is signed in, or the token is not good.
pub(crate) fn not_signed_in() -> Error {
    Error::new(
        Reason::NotSignedIn,
        "Sign in, or send a personal access token as \"Authorization: Bearer kwp_...\". API keys do not work here.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: (&str, &str) = ("X-API-Key", "kw_live_a");
    const SECRET: (&str, &str) = ("x-api-secret", "kws_live_b");
    /// `kw_live_a:kws_live_b`.
    const BASIC: (&str, &str) = ("authorization", "Basic a3dfbGl2ZV9hOmt3c19saXZlX2I=");

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(name.parse::<HeaderName>().unwrap(), value);
        }
        headers
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn api_keys() {
        use Reason::{InvalidCredentials as Invalid, MissingCredentials as Missing};
        let (no_colon, no_secret, no_key) = (basic("kw_live_a"), basic("kw_live_a:"), basic(":kws_live_b"));
        let (accented, spaced) = (basic("kw_live_é:kws"), basic("kw live:kws"));
        for (what, fields, refused) in [
            ("both headers", vec![KEY, SECRET], None),
            ("basic", vec![BASIC], None),
            ("basic, other case", vec![("authorization", "bASIC  a3dfbGl2ZV9hOmt3c19saXZlX2I=")], None),
            ("nothing", vec![], Some(Missing)),
            ("no secret", vec![KEY], Some(Missing)),
            ("no key", vec![SECRET], Some(Missing)),
            ("empty key", vec![("x-api-key", ""), SECRET], Some(Missing)),
            ("empty secret", vec![KEY, ("x-api-secret", "")], Some(Missing)),
            ("bearer", vec![("authorization", "Bearer kwp_x")], Some(Missing)),
            ("basic, empty secret", vec![("authorization", &no_secret)], Some(Missing)),
            ("basic, empty key", vec![("authorization", &no_key)], Some(Missing)),
            ("doubled key", vec![KEY, KEY, SECRET], Some(Invalid)),
            ("doubled secret", vec![KEY, SECRET, SECRET], Some(Invalid)),
            ("all doubled", vec![KEY, KEY, SECRET, SECRET], Some(Invalid)),
            ("doubled key, no secret", vec![KEY, KEY], Some(Missing)),
            ("both ways", vec![KEY, SECRET, BASIC], Some(Invalid)),
            ("half both ways", vec![KEY, BASIC], Some(Invalid)),
            ("doubled basic", vec![BASIC, BASIC], Some(Invalid)),
            ("basic, not base64", vec![("authorization", "Basic ???")], Some(Invalid)),
            ("basic, no colon", vec![("authorization", &no_colon)], Some(Invalid)),
            ("basic, not ASCII", vec![("authorization", &accented)], Some(Invalid)),
            ("basic, a space", vec![("authorization", &spaced)], Some(Invalid)),
            ("key not ASCII", vec![("x-api-key", "kw_live_é"), SECRET], Some(Invalid)),
            ("secret not ASCII", vec![KEY, ("x-api-secret", "ü")], Some(Invalid)),
        ] {
            let mut headers = headers(&fields);
            let outcome = api_key(&mut headers);
            assert_eq!(outcome.as_ref().err().map(|e| e.reason), refused, "{what}");
            assert!(headers.is_empty(), "{what}: credentials stay in the head");
            if let Ok(credential) = outcome {
                let secret = Secret::new("kws_live_b");
                assert_eq!(credential, Credential::ApiKey { key: "kw_live_a".to_owned(), secret }, "{what}");
            }
        }
    }

    #[test]
    fn the_message_about_missing_credentials_names_both_headers() {
        assert!(missing().message.contains("x-api-key") && missing().message.contains("x-api-secret"));
    }

    #[test]
    fn tokens() {
        let token = ("authorization", "Bearer kwp_abc");
        for (what, fields, good) in [
            ("bearer", vec![token], true),
            ("bearer, other case", vec![("authorization", "BEARER kwp_abc")], true),
            ("beside an API key, which does not work here", vec![token, KEY, SECRET], true),
            ("nothing", vec![], false),
            ("doubled", vec![token, token], false),
            ("another token", vec![("authorization", "Bearer abc")], false),
            ("no space", vec![("authorization", "Bearerkwp_abc")], false),
            ("basic", vec![BASIC], false),
            ("API key", vec![KEY, SECRET], false),
            ("not ASCII", vec![("authorization", "Bearer kwp_é")], false),
        ] {
            let mut headers = headers(&fields);
            let outcome = member(&mut headers, None);
            assert_eq!(outcome.is_ok(), good, "{what}");
            assert!(headers.is_empty(), "{what}: credentials stay in the head");
            if let Err(error) = outcome {
                assert_eq!(error.reason, Reason::NotSignedIn, "{what}");
            }
        }
    }

    #[test]
    fn a_session_counts_where_nothing_else_is_sent() {
        let session = || Some(Secret::new("kwsession_a"));
        let is_session = |fields: &[(&str, &str)]| {
            member(&mut headers(fields), session())
                .map(|found| found == Credential::Token(session().unwrap()))
        };
        assert_eq!(is_session(&[]), Ok(true));
        assert_eq!(is_session(&[KEY, SECRET]), Ok(true), "API keys do not work here");
        assert_eq!(is_session(&[("authorization", "Bearer kwp_abc")]), Ok(false));
        for refused in ["Bearer kwsession_a", "Basic a2V5OnNlY3JldA=="] {
            assert!(is_session(&[("authorization", refused)]).is_err(), "{refused}");
        }
    }

    #[test]
    fn printing_shows_no_secret() {
        let shown = format!("{:?}", api_key(&mut headers(&[KEY, SECRET])).unwrap());
        assert!(!shown.contains("kws_live_b"), "{shown}");
    }
}
