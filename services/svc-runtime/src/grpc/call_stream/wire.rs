//! What travels, as it stands in a message of the stream, and back.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use keyward_proto::internal::v1 as pb;
use tonic::metadata::MetadataMap;
use tonic::{Code, Extensions, Response, Status};

use crate::grpc::caller::Origin;

/// The id of the request, and the octets of the client's address.
pub(super) fn origin(origin: &Origin) -> (String, Bytes) {
    let id = origin.request_id.to_str().unwrap_or_default().to_owned();
    let octets = match origin.client_address {
        IpAddr::V4(address) => Bytes::copy_from_slice(&address.octets()),
        IpAddr::V6(address) => Bytes::copy_from_slice(&address.octets()),
    };
    (id, octets)
}

/// The same back. `None` unless both are there.
pub(super) fn read_origin(id: String, octets: &[u8]) -> Option<Origin> {
    let request_id = HeaderValue::from_maybe_shared(Bytes::from(id)).ok()?;
    let client_address = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
    };
    Some(Origin { request_id, client_address })
}

/// Metadata. What is not text stays as it is.
pub(super) fn metadata(headers: &HeaderMap) -> Vec<pb::Metadata> {
    let entry = |(name, value): (&HeaderName, &HeaderValue)| pb::Metadata {
        name: name.as_str().to_owned(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    };
    headers.iter().map(entry).collect()
}

/// The same back. What no header can hold is left out.
pub(super) fn read_metadata(entries: Vec<pb::Metadata>) -> MetadataMap {
    let header = |entry: pb::Metadata| {
        let name = HeaderName::try_from(entry.name).ok()?;
        Some((name, HeaderValue::from_maybe_shared(entry.value).ok()?))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in entries.into_iter().filter_map(header) {
        headers.append(name, value);
    }
    MetadataMap::from_headers(headers)
}

/// The answer to a call.
pub(super) fn answer(id: u64, answer: Result<Response<Bytes>, Status>) -> pb::Answer {
    match answer {
        Ok(answer) => {
            let (headers, message, _) = answer.into_parts();
            pb::Answer { id, message, metadata: metadata(headers.as_ref()), ..pb::Answer::default() }
        }
        Err(status) => pb::Answer {
            id,
            code: status.code() as u32,
            text: status.message().to_owned(),
            details: Bytes::copy_from_slice(status.details()),
            metadata: metadata(status.metadata().as_ref()),
            ..pb::Answer::default()
        },
    }
}

/// The same back.
pub(super) fn read_answer(answer: pb::Answer) -> Result<Response<Bytes>, Status> {
    let metadata = read_metadata(answer.metadata);
    // A code that no gRPC knows is UNKNOWN there, too.
    match Code::from_i32(i32::try_from(answer.code).unwrap_or(Code::Unknown as i32)) {
        Code::Ok => Ok(Response::from_parts(metadata, answer.message, Extensions::new())),
        code => Err(Status::with_details_and_metadata(code, answer.text, answer.details, metadata)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_travels_arrives() {
        for address in ["192.0.2.7", "2001:db8::7"] {
            let sent = Origin {
                request_id: HeaderValue::from_static("r"),
                client_address: address.parse().unwrap(),
            };
            let (id, octets) = origin(&sent);
            let read = read_origin(id, &octets).unwrap();
            assert_eq!((read.request_id, read.client_address), (sent.request_id, sent.client_address));
        }
        for (id, octets) in [("r", &[][..]), ("r", &[1, 2, 3]), ("\n", &[192, 0, 2, 7])] {
            assert!(read_origin(id.to_owned(), octets).is_none(), "{id:?} {octets:?}");
        }
        let mut said = MetadataMap::new();
        said.append("x-word", "one".parse().unwrap());
        said.append("x-word", "two".parse().unwrap());
        let refused = Status::with_details_and_metadata(Code::Aborted, "why", Bytes::from("details"), said);
        let read = read_answer(answer(7, Err(refused.clone()))).unwrap_err();
        assert_eq!((read.code(), read.message(), read.details()), (Code::Aborted, "why", &b"details"[..]));
        let words: Vec<_> = read.metadata().get_all("x-word").iter().collect();
        assert_eq!(words, refused.metadata().get_all("x-word").iter().collect::<Vec<_>>());
        let made_up = pb::Answer { code: u32::MAX, ..pb::Answer::default() };
        assert_eq!(read_answer(made_up).unwrap_err().code(), Code::Unknown);
    }
}
