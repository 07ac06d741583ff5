//! One function for fuzzers and property tests: any bytes through everything that reads bytes from
//! outside.

use http::Method;

use crate::routes::Table;

/// Takes the input as lines, `METHOD`, path, query, then the body, and asks for the route, the
/// permissions, the request and, with the body as the service's answer, the response. Whatever the
/// bytes are, nothing may panic. Returns whether the request was good.
pub fn exercise(table: &Table, input: &[u8]) -> bool {
    let mut lines = input.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, path, query, body) = (line(), line(), line(), line());
    let Ok(method) = Method::from_bytes(method) else { return false };
    let (Ok(path), Ok(query)) = (std::str::from_utf8(path), std::str::from_utf8(query)) else { return false };
    let Ok(found) = table.find(&method, path) else { return false };
    let route = found.route;
    route.permissions(Some(query));
    match route.request(&found.params, Some(query), body, Some(1)) {
        Ok(request) => {
            // The answer's bytes come from a service, which is trusted less than our own code.
            let _ = route.response(&request, body);
            let _ = route.response(&request, &request.wire);
            true
        }
        Err(_) => false,
    }
}
