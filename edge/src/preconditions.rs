//! `If-Match` and `If-None-Match` (RFC 9110, 13.1).

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, Method};
use svc_core::error::{Error, Reason};

/// The version that `If-Match` names. `*` is any version. Only our own ETags are taken: what cannot be
/// compared must not be passed over, so everything else is refused.
pub(crate) fn expected_version(headers: &HeaderMap, supported: bool) -> Result<Option<i32>, Error> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => "",
    };
    if !supported {
        return Err(Error::new(Reason::InvalidArgument, "This operation takes no If-Match."));
    }
    if value == "*" {
        return Ok(None);
    }
    let digits = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let number = digits.filter(|d| !d.is_empty() && d.bytes().all(|c| c.is_ascii_digit())).map(str::parse);
    match number {
        Some(Ok(version)) => Ok(Some(version)),
        _ => Err(Error::new(
            Reason::InvalidArgument,
            "If-Match must be one ETag as it was given, e.g. \"3\", or *.",
        )),
    }
}

/// Only GET takes `If-None-Match`: passing it over on a write would overwrite what the caller meant to
/// keep.
pub(crate) fn check_none_match(method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    match method == Method::GET || !headers.contains_key(IF_NONE_MATCH) {
        true => Ok(()),
        false => Err(Error::new(Reason::InvalidArgument, "If-None-Match is for GET only.")),
    }
}

/// Whether the caller has this version already. The comparison is the weak one.
pub(crate) fn has_already(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(
        |one| {
            let one = one.trim();
            one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn with(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|v| (name.clone(), v.parse().unwrap())).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        )
    }

    #[test]
    fn if_match() {
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["*"], Ok(None)),
            (&["\"3\""], Ok(Some(3))),
            (&["\"2147483647\""], Ok(Some(i32::MAX))),
            (&["\"2147483648\""], Err(())),
            (&["W/\"3\""], Err(())),
            (&["3"], Err(())),
            (&["\"3"], Err(())),
            (&["\"\""], Err(())),
            (&["\"+3\""], Err(())),
            (&["\"abc\""], Err(())),
            (&["\"3\", \"4\""], Err(())),
            (&["\"3\"", "\"3\""], Err(())),
            (&[""], Err(())),
        ] {
            let outcome = expected_version(&with(IF_MATCH, values), true);
            assert_eq!(
                outcome.map_err(|e| assert_eq!(e.reason, Reason::InvalidArgument)),
                expected,
                "{values:?}"
            );
        }
        assert!(expected_version(&with(IF_MATCH, &["\"3\""]), false).is_err());
        assert_eq!(expected_version(&HeaderMap::new(), false), Ok(None));
    }

    #[test]
    fn if_none_match() {
        for (values, has) in [
            (&[][..], false),
            (&["\"3\""], true),
            (&["W/\"3\""], true),
            (&["\"2\", \"3\""], true),
            (&["\"2\"", "\"3\""], true),
            (&["*"], true),
            (&["\"2\""], false),
            (&["3"], false),
        ] {
            assert_eq!(has_already(&with(IF_NONE_MATCH, values), "\"3\""), has, "{values:?}");
        }
        assert!(check_none_match(&Method::GET, &with(IF_NONE_MATCH, &["*"])).is_ok());
        assert!(check_none_match(&Method::PUT, &with(IF_NONE_MATCH, &["*"])).is_err());
    }
}
