//! `google.api.HttpBody`: the bytes of a body of any media type, as they stand in messages.

use bytes::Bytes;
use svc_core::error::{Error, Reason};
use svc_core::wire::{Fields, Malformed};

/// The fields of `google.api.HttpBody`.
pub(super) const CONTENT_TYPE: u32 = 1;
pub(super) const DATA: u32 = 2;

/// A body, or a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HttpBody {
    /// Empty where the service names none, and in all pieces but the first.
    pub(crate) content_type: Bytes,
    pub(crate) data: Bytes,
}

impl HttpBody {
    /// Reads a message, copying nothing.
    ///
    /// # Errors
    /// `bad_gateway` when it is none.
    pub(crate) fn read(wire: &Bytes) -> Result<HttpBody, Error> {
        let unreadable = |Malformed| {
            let message = "The service behind gave an answer that cannot be read.";
            Error::new(Reason::BadGateway, message)
        };
        let mut body = HttpBody { content_type: Bytes::new(), data: Bytes::new() };
        for field in Fields::of(wire) {
            let (number, value) = field.map_err(unreadable)?;
            let target = match number {
                CONTENT_TYPE => &mut body.content_type,
                DATA => &mut body.data,
                _ => continue,
            };
            *target = wire.slice_ref(value.bytes().map_err(unreadable)?);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn read(body: &keyward_proto::google::api::HttpBody) -> HttpBody {
        HttpBody::read(&body.encode_to_vec().into()).unwrap()
    }

    #[test]
    fn bodies_are_read_as_they_were_written() {
        let body = keyward_proto::google::api::HttpBody {
            content_type: "text/csv".to_owned(),
            data: b"a,b\n".to_vec(),
            extensions: vec![prost_types::Any::default()],
        };
        let expected =
            HttpBody { content_type: Bytes::from_static(b"text/csv"), data: Bytes::from_static(b"a,b\n") };
        assert_eq!(read(&body), expected);
        assert!(read(&Default::default()).data.is_empty());
        for broken in [&b"\x12\x05a"[..], b"\x08\x01", b"\xff"] {
            let outcome = HttpBody::read(&Bytes::from_static(broken));
            assert_eq!(outcome.unwrap_err().reason, Reason::BadGateway, "{broken:?}");
        }
    }
}
