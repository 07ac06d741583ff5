//! A request as bytes, so that it can be as bad as it likes.

use std::fmt::Write as _;

use crate::harness::Key;

/// A request over HTTP/1.1, after which the connection closes.
pub(super) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    chunked: bool,
}

pub(super) fn request(method: &str, target: impl Into<String>) -> Request {
    let headers =
        vec![("Host".to_owned(), b"localhost".to_vec()), ("Connection".to_owned(), b"close".to_vec())];
    Request { method: method.to_owned(), target: target.into(), headers, body: Vec::new(), chunked: false }
}

pub(super) fn get(target: impl Into<String>) -> Request {
    request("GET", target)
}

impl Request {
    /// With a header, beside those of the same name.
    pub(super) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Without a header.
    pub(super) fn without(mut self, name: &str) -> Request {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With an API key.
    pub(super) fn by(self, key: &Key) -> Request {
        self.header("X-API-Key", &key.api_key).header("X-API-Secret", &key.secret)
    }

    /// With a member's token.
    pub(super) fn by_member(self, token: &str) -> Request {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// With a body and no word about what it is.
    pub(super) fn body(mut self, body: impl AsRef<[u8]>) -> Request {
        self.body = body.as_ref().to_vec();
        self
    }

    /// With a body that says it is JSON.
    pub(super) fn json(self, body: impl AsRef<[u8]>) -> Request {
        self.header("Content-Type", "application/json").body(body)
    }

    /// In chunks: the length is not said beforehand.
    pub(super) fn chunked(mut self) -> Request {
        self.chunked = true;
        self
    }

    /// As it goes over the wire.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let mut end = String::new();
        if self.chunked {
            end.push_str("Transfer-Encoding: chunked\r\n\r\n");
            bytes.extend(end.as_bytes());
            for chunk in self.body.chunks(64 * 1024) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend([chunk, b"\r\n"].concat());
            }
            bytes.extend(b"0\r\n\r\n");
            return bytes;
        }
        if !self.body.is_empty() {
            write!(end, "Content-Length: {}\r\n", self.body.len()).unwrap();
        }
        bytes.extend(end.as_bytes());
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }
}
