//! Who calls: the credentials out of the head, and auth-svc's word on them.

mod authorize;
mod authorize_stream;
mod browser;
pub(crate) mod headers;
mod rate_headers;
mod reauthorization;
mod remote;

pub(crate) use authorize::{Authorizer, Caller, Verdict};
pub(crate) use browser::Browser;
pub(crate) use headers::Credential;
pub(crate) use rate_headers::RateHeaders;
pub(crate) use reauthorization::{Reauthorization, Standing};
pub(crate) use remote::Remote;
