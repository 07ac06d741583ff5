//! The policy matcher of the edge, with the routes of all our RPCs, and everything behind it that reads
//! bytes from outside: method, path and query, each on a line, then the body.

#![no_main]

use std::borrow::Cow;
use std::sync::LazyLock;

use edge::routes::{Match, MatchError, Table};
use http::Method;
use libfuzzer_sys::fuzz_target;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use svc_core::policy::{Access, built_in_descriptors};

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let pool = built_in_descriptors().unwrap();
    let services: Vec<String> = pool.services().map(|service| service.full_name().to_owned()).collect();
    Table::build(&pool, &services.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
});

fuzz_target!(|input: &[u8]| {
    edge::fuzzing::exercise(&TABLE, input);
    let mut lines = input.splitn(4, |byte| *byte == b'\n').map(std::str::from_utf8);
    let mut line = || lines.next().and_then(Result::ok);
    let (Some(method), Some(path)) = (line(), line()) else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    match TABLE.find(&method, path) {
        Ok(found) => check(&found, line()),
        Err(MatchError::NotFound) => {}
        Err(MatchError::MethodNotAllowed { allow }) => {
            // OPTIONS is answered without a route.
            for allowed in allow.split(", ").filter(|allowed| *allowed != "OPTIONS") {
                assert!(TABLE.find(&allowed.parse().unwrap(), path).is_ok(), "{allowed} {path}");
            }
        }
    }
});

fn check(found: &Match<'_, '_>, query: Option<&str>) {
    let route = found.route;
    let path = path(&route.template, &found.params);
    let again = TABLE.find(&route.method, &path).expect("the path of a route has that route");
    assert!(std::sync::Arc::ptr_eq(again.route, route), "{path}: {route:?} and {:?}", again.route);
    assert_eq!(again.params, found.params, "{path}");

    assert_ne!(route.rpc.access, Access::Internal, "{path}");
    let needed = route.permissions(query);
    if let Access::Key { permissions, .. } = &route.rpc.access {
        assert!(permissions.iter().all(|permission| needed.contains(&permission.as_str())), "{path}");
    }
}

/// The path with these values in the variables of a template.
fn path(template: &str, params: &[Cow<'_, str>]) -> String {
    let mut params = params.iter();
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, variable)) = rest.split_once('{') {
        let (variable, after) = variable.split_once('}').expect("a template is well-formed");
        assert!(!variable.contains('='), "a variable of several segments: teach this target to write it");
        path.push_str(before);
        path.extend(utf8_percent_encode(
            params.next().expect("a value for each variable").as_ref(),
            RESERVED,
        ));
        rest = after;
    }
    assert!(params.next().is_none(), "a variable for each value");
    path + rest
}
