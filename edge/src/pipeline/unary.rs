//! A request with a JSON body or none, and its envelope.

use http::{Method, Response};
use svc_runtime::connection::RequestBody;

use super::{Authorized, Edge};
use crate::admission::Admitted;
use crate::answer::{self, Body, Refusal};
use crate::transcode::preconditions::Read;
use crate::upstream::{self, Call, Reply};

impl Edge {
    /// Reads the body, calls the service and renders its answer.
    pub(super) async fn unary(
        &self,
        request: Authorized<'_>,
        body: &mut RequestBody,
        mut admitted: Admitted<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let Authorized { route, head, .. } = request;
        let (mut encoded, conditions, once) = self.read(request, body).await?;

        // How long the client took to send its body has a limit of its own.
        let call = Call { once, ..request.call()? };
        if route.takes_body() && !route.is_slow() {
            admitted.resume();
        }
        let message = std::mem::take(&mut encoded.wire);
        let Reply { wire, replayed } = upstream::unary(call, message).await?;
        if !route.is_slow() {
            admitted.answered();
        }

        let mut rendered = self.transcoder.response(&route.plan, encoded, wire).await?;
        match &rendered.etag {
            Some(etag) if is_read(&head.method) && conditions.on_read(etag)? == Read::NotModified => {
                answer::not_modified(etag)
            }
            _ => {
                let (cookie, redirect) = (rendered.cookie.take(), rendered.redirect.take());
                let mut response = match &redirect {
                    Some(redirect) => answer::redirect(&redirect.location)?,
                    None => answer::success(rendered, route.rpc.http.secret, replayed)?,
                };
                // Only the dashboard's listener has cookies.
                if let (Some(cookie), Some(browser)) = (cookie, request.browser) {
                    browser.write(&cookie, response.headers_mut())?;
                }
                if let (Some(redirect), Some(browser)) = (redirect, request.browser) {
                    browser.write_flow(redirect.flow.as_ref(), response.headers_mut())?;
                }
                Ok(response)
            }
        }
    }
}

/// Whether the method only reads.
fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
