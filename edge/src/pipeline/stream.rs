//! A request whose answer is not an envelope: bytes of any media type, or messages as lines of JSON or as events,
//! made while the client reads them.

use std::task::Poll;

use bytes::{Bytes, BytesMut};
use futures::stream::{poll_fn, try_unfold};
use http::{HeaderMap, Method, Response};
use svc_runtime::connection::RequestBody;
use tokio::time::timeout;

use super::{Authorized, Edge};
use crate::admission::Admitted;
use crate::answer::{self, Body, Frames, Part, Refusal, events};
use crate::credential::Reauthorization;
use crate::transcode::preconditions::Read;
use crate::transcode::{HttpBody, Messages};
use crate::upstream::{self, Call, Range};

/// How many bytes of small messages go out together, at least, when they are ready.
const TOGETHER: usize = 16 * 1024;

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// Each is a line of JSON.
    Lines,
    /// Each is a server-sent event.
    Events,
}

impl Edge {
    /// Hands on the bytes that the service gives.
    pub(super) async fn download(
        &self,
        request: Authorized<'_>,
        messages: Messages,
        body: &mut RequestBody,
        admitted: Admitted<'_>,
        mut again: Option<Reauthorization>,
    ) -> Result<Response<Body>, Refusal> {
        let (encoded, conditions, _) = self.read(request, body).await?;
        let message = encoded.wire;
        let (status, gives_parts) = (request.route.plan.status, request.route.rpc.http.ranges);
        if messages == Messages::One {
            let HttpBody { content_type, data } =
                HttpBody::read(&upstream::unary(request.call()?, message).await?.wire)?;
            return answer::bytes(status, &content_type, Body::from(data));
        }
        let range = match gives_parts && request.head.method == Method::GET {
            true => Range::of(&request.head.headers),
            false => Range::default(),
        };
        let begun = async {
            let accept = upstream::accept(&request.head.headers);
            let call = Call { range, accept, ..request.call()? };
            let mut messages = upstream::download(call, message).await?;
            // The head needs the media type, which the first message has.
            let first = messages.next().await?.map(|wire| HttpBody::read(&wire)).transpose()?;
            Ok((messages, first))
        };
        let (messages, first) = Reauthorization::during(&mut again, begun).await?;
        let part = gives_parts.then(|| Part::of(&messages.metadata));
        if let Some(etag) = part.as_ref().and_then(Part::etag)
            && conditions.on_read(etag)? == Read::NotModified
        {
            return answer::not_modified(etag);
        }
        let (content_type, first) = first.map(|body| (body.content_type, body.data)).unwrap_or_default();
        let place = admitted.hold(&self.admission);
        let pieces = try_unfold((Some(first), messages, place), |(first, mut messages, place)| async move {
            if let Some(first) = first.filter(|first| !first.is_empty()) {
                return Ok(Some((first, (None, messages, place))));
            }
            while let Some(wire) = messages.next().await? {
                let data = HttpBody::read(&wire)?.data;
                if !data.is_empty() {
                    return Ok(Some((data, (None, messages, place))));
                }
            }
            Ok(None)
        });
        let pieces = Reauthorization::beside(again, Box::pin(pieces));
        let mut response = answer::bytes(status, &content_type, Body::streamed(pieces))?;
        if let Some(part) = part {
            part.write(&mut response);
        }
        Ok(response)
    }

    /// Hands on the messages that the service gives, each as JSON.
    pub(super) async fn lines(
        &self,
        request: Authorized<'_>,
        body: &mut RequestBody,
        admitted: Admitted<'_>,
        mut again: Option<Reauthorization>,
    ) -> Result<Response<Body>, Refusal> {
        let message = self.read(request, body).await?.0.wire;
        let begun = async { upstream::download(request.call()?, message).await };
        let messages = Reauthorization::during(&mut again, begun).await?;
        let (plan, transcoder) = (request.route.plan.clone(), self.transcoder.clone());
        let (status, framing) = (plan.status, Framing::wanted(&request.head.headers));
        let place = admitted.hold(&self.admission);
        let lines = try_unfold((messages, place), move |(mut messages, place)| {
            let (plan, transcoder) = (plan.clone(), transcoder.clone());
            async move {
                let wire = match framing {
                    Framing::Lines => messages.next().await?,
                    Framing::Events => match timeout(events::KEEP_ALIVE_EVERY, messages.next()).await {
                        Ok(next) => next?,
                        Err(_silence) => return Ok(Some((events::KEEP_ALIVE, (messages, place)))),
                    },
                };
                let Some(wire) = wire else { return Ok(None) };
                let line = transcoder.line(&plan, wire).await?;
                Ok(Some((framing.of(line), (messages, place))))
            }
        });
        let lines = Reauthorization::beside(again, together(Box::pin(lines)));
        match framing {
            Framing::Lines => answer::lines(status, lines),
            Framing::Events => answer::events(status, lines, request.id.clone()),
        }
    }
}

/// Small pieces that are ready together, as one. Many small frames are what floods are made of, and clients of HTTP/2
/// end connections for them.
fn together(mut pieces: Frames) -> Frames {
    let mut refused = None;
    Box::pin(poll_fn(move |cx| {
        if let Some(refusal) = refused.take() {
            return Poll::Ready(Some(Err(refusal)));
        }
        let mut joined = BytesMut::new();
        loop {
            match pieces.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(piece))) if joined.is_empty() && piece.len() >= TOGETHER => {
                    return Poll::Ready(Some(Ok(piece)));
                }
                Poll::Ready(Some(Ok(piece))) => joined.extend_from_slice(&piece),
                Poll::Ready(Some(Err(refusal))) if joined.is_empty() => {
                    return Poll::Ready(Some(Err(refusal)));
                }
                Poll::Ready(Some(Err(refusal))) => {
                    refused = Some(refusal);
                    break;
                }
                // What has ended says so again.
                Poll::Ready(None) if joined.is_empty() => return Poll::Ready(None),
                Poll::Pending if joined.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
            if joined.len() >= TOGETHER {
                break;
            }
        }
        Poll::Ready(Some(Ok(joined.freeze())))
    }))
}

impl Framing {
    /// What the client likes better. Lines, when it likes both or neither.
    fn wanted(headers: &HeaderMap) -> Framing {
        let lines = ["application/x-ndjson", "application/ndjson"].map(|name| answer::quality(headers, name));
        match answer::quality(headers, "text/event-stream") > lines.into_iter().max().unwrap_or_default() {
            true => Framing::Events,
            false => Framing::Lines,
        }
    }

    fn of(self, line: Bytes) -> Bytes {
        match self {
            Framing::Lines => line,
            Framing::Events => events::message(&line),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};
    use http::header::ACCEPT;
    use svc_core::error::Error;

    use super::*;

    #[tokio::test]
    async fn what_is_ready_goes_out_together() {
        let (small, large) = (Bytes::from_static(b"ab"), Bytes::from(vec![b'x'; TOGETHER]));
        let pieces = |pieces: Vec<Result<Bytes, ()>>| -> Frames {
            Box::pin(stream::iter(
                pieces.into_iter().map(|p| p.map_err(|()| Refusal::from(Error::internal()))),
            ))
        };
        for (what, given, sizes) in [
            ("nothing", vec![], vec![]),
            ("small ones", vec![Ok(small.clone()), Ok(small.clone())], vec![Some(4)]),
            ("a large one", vec![Ok(large.clone()), Ok(small.clone())], vec![Some(TOGETHER), Some(2)]),
            ("a large one behind", vec![Ok(small.clone()), Ok(large.clone())], vec![Some(TOGETHER + 2)]),
            ("a failure", vec![Err(())], vec![None]),
            ("a failure behind", vec![Ok(small.clone()), Err(())], vec![Some(2), None]),
        ] {
            let out: Vec<_> =
                together(pieces(given)).map(|piece| piece.ok().map(|bytes| bytes.len())).collect().await;
            assert_eq!(out, sizes, "{what}");
        }
        // Nothing waits for what is not ready.
        let mut late = together(Box::pin(pieces(vec![Ok(small)]).chain(stream::pending())));
        assert_eq!(late.next().await.unwrap().unwrap().len(), 2);
    }

    #[test]
    fn events_where_they_are_liked_better() {
        for (accept, framing) in [
            ("text/event-stream", Framing::Events),
            ("text/*", Framing::Events),
            ("application/json, text/event-stream", Framing::Events),
            ("text/event-stream;q=0.1, */*;q=0.05", Framing::Events),
            ("application/x-ndjson", Framing::Lines),
            ("text/event-stream, application/x-ndjson", Framing::Lines),
            ("text/event-stream;q=0.9, application/x-ndjson", Framing::Lines),
            ("text/event-stream;q=0.9, application/ndjson;q=0.8", Framing::Events),
            ("*/*", Framing::Lines),
            ("text/event-stream;q=0", Framing::Lines),
            ("text/html", Framing::Lines),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Framing::wanted(&headers), framing, "{accept}");
        }
        assert_eq!(Framing::wanted(&HeaderMap::new()), Framing::Lines);
    }
}
