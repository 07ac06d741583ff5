//! Bytes that are made once and stay as they are.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use svc_core::error::Error;

use crate::answer::{self, Body, Refusal};
use crate::transcode::preconditions::{Conditions, Read, Takes};

/// How much of the hash makes the `ETag`, in bytes.
const TAG: usize = 16;

/// A file.
pub(super) struct File {
    body: Bytes,
    etag: String,
    headers: HeaderMap,
}

impl File {
    pub(super) fn new(body: Vec<u8>, content_type: HeaderValue) -> File {
        let hash = digest(&SHA256, &body);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..TAG]));
        File { body: body.into(), etag, headers: HeaderMap::from_iter([(CONTENT_TYPE, content_type)]) }
    }

    /// With one more header.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> File {
        self.headers.insert(name, value);
        self
    }

    /// The whole file, or that the caller has it.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let conditions = Conditions::of(asked, Takes { if_match: true, if_none_match: true })?;
        if conditions.on_read(&self.etag)? == Read::NotModified {
            return answer::not_modified(&self.etag);
        }
        let etag = HeaderValue::try_from(&self.etag);
        let mut response = Response::new(Body::Whole(self.body.clone().into()));
        *response.headers_mut() = self.headers.clone();
        response.headers_mut().insert(ETAG, etag.map_err(|e| Refusal::from(Error::internal()).because(e))?);
        Ok(response)
    }
}
