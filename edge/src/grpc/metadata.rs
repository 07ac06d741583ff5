//! What metadata passes. Towards a service there is none of the client's: that is made from nothing
//! (`crate::upstream`). Towards a client goes what its service says, but for what is between the parts of Keyward or
//! belongs to one connection.

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, TE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};

/// Ours, between the edge and its services.
const OURS: &str = "x-keyward-";
/// What gRPC itself says, which the edge says anew.
const OF_GRPC: &str = "grpc-";
const OF_CONNECTION: [HeaderName; 6] =
    [CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, TE, TRANSFER_ENCODING];

/// The metadata of a service, as its caller gets it.
pub(crate) fn of_service(said: HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::with_capacity(said.len());
    let mut name = None;
    for (next, value) in said {
        name = next.or(name);
        let Some(name) = &name else { continue };
        let text = name.as_str();
        let is_kept_back =
            text.starts_with(OURS) || text.starts_with(OF_GRPC) || OF_CONNECTION.contains(name);
        if !is_kept_back {
            passed.append(name, value);
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_says() {
        let mut said = HeaderMap::new();
        for (name, value) in [
            ("x-tenant-note", "a"),
            ("x-tenant-note", "b"),
            ("trace-bin", "AAEC"),
            ("x-keyward-principal", "secret"),
            ("grpc-status", "0"),
            ("grpc-encoding", "gzip"),
            ("content-type", "application/grpc"),
            ("connection", "close"),
            ("date", "today"),
        ] {
            said.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let passed = of_service(said);
        assert_eq!(passed.len(), 3);
        assert!(passed.get_all("x-tenant-note").iter().eq(["a", "b"]));
        assert_eq!(passed["trace-bin"], "AAEC");
    }
}
