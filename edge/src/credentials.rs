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

/// The API key.
pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Its secret.
pub(crate) const X_API_SECRET: HeaderName = HeaderName::from_static("x-api-secret");

/// What personal access tokens start with.
const TOKEN_PREFIX: &str = "kwp_";

/// What a caller presents.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An API key and its secret.
    ApiKey { key: String, secret: Secret },
    /// A member's personal access token.
    Token(Secret),
}

impl Credential {
    /// One that is nobody's, in place of what the head does not even show well.
    pub(crate) fn unusable(role: Role) -> Credential {
        match role {
            Role::Unspecified => Credential::ApiKey { key: String::new(), secret: Secret::default() },
            _ => Credential::Token(Secret::default()),
        }
    }
}

/// A header that may appear once.
enum Presented {
    Absent,
    Once(HeaderValue),
    Doubled,
}

/// Takes all credentials out of the head.
struct Taken {
    key: Presented,
    secret: Presented,
    authorization: Presented,
}

impl Taken {
    fn from(headers: &mut HeaderMap) -> Taken {
        Taken {
            key: take(headers, X_API_KEY),
            secret: take(headers, X_API_SECRET),
            authorization: take(headers, AUTHORIZATION),
        }
    }
}

fn take(headers: &mut HeaderMap, name: HeaderName) -> Presented {
    let Entry::Occupied(entry) = headers.entry(name) else { return Presented::Absent };
    let (_, mut values) = entry.remove_entry_mult();
    match (values.next(), values.next()) {
        (Some(value), None) => Presented::Once(value),
        (None, _) => Presented::Absent,
        (Some(_), Some(_)) => Presented::Doubled,
    }
}

/// Takes the credentials out of a request that needs none.
pub(crate) fn discard(headers: &mut HeaderMap) {
    let _none_needed = Taken::from(headers);
}

/// The API key of a request: in its two headers, or as `Authorization: Basic`.
pub(crate) fn api_key(headers: &mut HeaderMap) -> Result<Credential, Error> {
    let taken = Taken::from(headers);
    let basic = match &taken.authorization {
        Presented::Doubled => return Err(invalid()),
        Presented::Once(value) => scheme(value, "basic"),
        Presented::Absent => None,
    };
    match (taken.key, taken.secret, basic) {
        (Presented::Absent, Presented::Absent, Some(encoded)) => from_basic(encoded),
        (_, _, Some(_)) => Err(invalid()),
        (Presented::Absent, ..) | (_, Presented::Absent, _) => Err(missing()),
        (Presented::Once(key), Presented::Once(secret), None) => from_headers(&key, &secret),
        (Presented::Once(one), Presented::Doubled, _) | (Presented::Doubled, Presented::Once(one), _)
            if one.is_empty() =>
        {
            Err(missing())
        }
        _ => Err(invalid()),
    }
}

/// The personal access token of a request: `Authorization: Bearer kwp_…`.
pub(crate) fn member(headers: &mut HeaderMap) -> Result<Credential, Error> {
    let Presented::Once(value) = Taken::from(headers).authorization else { return Err(not_signed_in()) };
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
            let outcome = member(&mut headers);
            assert_eq!(outcome.is_ok(), good, "{what}");
            assert!(headers.is_empty(), "{what}: credentials stay in the head");
            if let Err(error) = outcome {
                assert_eq!(error.reason, Reason::NotSignedIn, "{what}");
            }
        }
    }

    #[test]
    fn printing_shows_no_secret() {
        let shown = format!("{:?}", api_key(&mut headers(&[KEY, SECRET])).unwrap());
        assert!(!shown.contains("kws_live_b"), "{shown}");
    }
}
