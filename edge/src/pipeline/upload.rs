//! A request with a file, as a form or as the whole body, and its envelope.

use std::pin::pin;

use bytes::Bytes;
use http::Response;
use svc_core::error::{Error, Reason};
use svc_runtime::connection::RequestBody;

use super::{Authorized, Edge};
use crate::answer::{self, Body, Refusal};
use crate::credential::Reauthorization;
use crate::transcode::body::{self, BodyPieces, ContentDigest, Digested, FileHead, Form};
use crate::transcode::{Encoded, Messages, Plan, UploadHead};
use crate::upstream::{self, Call, Reply, UploadSender};

/// What the body of an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UploadForm {
    /// `multipart/form-data`: text parts and a file.
    Parts,
    /// JSON that names the content.
    Json,
    /// The content itself.
    Bare,
}

/// An upload up to its bytes.
struct Opened<'b, 'r> {
    encoded: Encoded,
    /// The first message, but for the bytes.
    first: Bytes,
    content_type: String,
    content: Content<'b, 'r>,
}

/// The body of an upload, of which a digest may be taken as it comes.
type UploadBody<'r> = Digested<&'r mut RequestBody>;

/// The bytes of an upload, as they come.
enum Content<'b, 'r> {
    None,
    Bare(BodyPieces<'b, UploadBody<'r>>),
    File(Box<Form<'b, UploadBody<'r>>>),
}

impl Edge {
    /// Hands the body on, in one message or as it comes, and renders the service's answer. The deadline is that of
    /// the whole upload where it is handed on as it comes.
    pub(super) async fn upload(
        &self,
        request: Authorized<'_>,
        messages: Messages,
        body: &mut RequestBody,
        mut again: Option<Reauthorization>,
    ) -> Result<Response<Body>, Refusal> {
        let sent = Reauthorization::during(&mut again, self.send(request, messages, body));
        let (encoded, Reply { wire, replayed }) = sent.await?;
        let rendered = self.transcoder.response(&request.route.plan, encoded, wire).await?;
        answer::success(rendered, request.route.rpc.http.secret, replayed)
    }

    /// Hands the body on, and waits for the service's answer.
    async fn send(
        &self,
        request: Authorized<'_>,
        messages: Messages,
        body: &mut RequestBody,
    ) -> Result<(Encoded, Reply), Refusal> {
        let Authorized { route, head, .. } = request;
        match messages {
            Messages::One => {
                let content_type = body::content_type(&head.headers)?;
                let data = body::bytes(head, body, self.limits).await?;
                let (encoded, _) = self.encode(request, Bytes::new()).await?;
                let message = route.plan.message(&encoded.wire, content_type, &data);
                let call = Call { once: request.digest(&data), ..request.call()? };
                Ok((encoded, upstream::unary(call, message).await?))
            }
            Messages::Many => {
                let digest = ContentDigest::of(&head.headers)?;
                let mut body = Digested::new(body, digest.as_ref());
                let Opened { encoded, first, content_type, content } = self.open(request, &mut body).await?;
                let (sender, messages) = upstream::upload_channel();
                let call = Call { once: request.digest(&first), ..request.call()? };
                let mut answer = pin!(upstream::upload(call, messages));
                let reply = tokio::select! {
                    biased;
                    // A service may answer before it has read everything.
                    answer = &mut answer => answer?,
                    // A body that fails ends the call: it is dropped, and what it has sent has no end.
                    fed = feed(&route.plan, &first, &content_type, content, digest, sender) => {
                        fed?;
                        answer.await?
                    }
                };
                Ok((encoded, reply))
            }
        }
    }

    /// Reads what comes before the bytes: nothing is sent to the service before it is known to be good.
    async fn open<'b, 'r>(
        &self,
        request: Authorized<'b>,
        body: &'b mut UploadBody<'r>,
    ) -> Result<Opened<'b, 'r>, Refusal> {
        let Authorized { route, head, .. } = request;
        let limits = self.limits.of_upload(route.rpc.http.max_upload_mebibytes);
        let content_type = body::content_type(&head.headers)?;
        let (encoded, upload, content) = match UploadForm::of(content_type, route.plan.is_form_or_json())? {
            UploadForm::Json => {
                let (encoded, _, _) = self.read(request, body).await?;
                let first = encoded.wire.clone();
                return Ok(Opened { encoded, first, content_type: String::new(), content: Content::None });
            }
            UploadForm::Parts => {
                let mut form = Form::of(head, body, limits, content_type)?;
                let (encoded, _) = self.encode(request, Bytes::new()).await?;
                let (texts, file) = form.texts().await?;
                (encoded, UploadHead { texts, file }, Content::File(Box::new(form)))
            }
            UploadForm::Bare => {
                let pieces = BodyPieces::of(head, body, limits)?;
                let (encoded, _) = self.encode(request, Bytes::new()).await?;
                let named = (!content_type.is_empty()).then(|| content_type.to_owned());
                let file = FileHead { name: body::file_name(&head.headers)?, content_type: named };
                (encoded, UploadHead { texts: Vec::new(), file: Some(file) }, Content::Bare(pieces))
            }
        };
        let content_type =
            upload.file.as_ref().and_then(|file| file.content_type.clone()).unwrap_or_default();
        let first = self.transcoder.upload_head(&route.plan, &encoded, head.uri.query(), upload).await?;
        Ok(Opened { encoded, first, content_type, content })
    }
}

impl UploadForm {
    fn of(content_type: &str, is_form_or_json: bool) -> Result<UploadForm, Error> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type {
            form if form.eq_ignore_ascii_case("multipart/form-data") => Ok(UploadForm::Parts),
            _ if !is_form_or_json => Ok(UploadForm::Bare),
            json if json.is_empty() || json.eq_ignore_ascii_case("application/json") => Ok(UploadForm::Json),
            _ => {
                let message = "Content-Type must be multipart/form-data, or application/json in UTF-8.";
                Err(Error::new(Reason::UnsupportedMediaType, message))
            }
        }
    }
}

impl Content<'_, '_> {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Content::None => Ok(None),
            Content::Bare(pieces) => pieces.next().await,
            Content::File(form) => form.next().await,
        }
    }
}

/// Sends the body as fast as it comes and the service reads.
async fn feed(
    plan: &Plan,
    first: &[u8],
    content_type: &str,
    mut content: Content<'_, '_>,
    digest: Option<ContentDigest>,
    sender: UploadSender,
) -> Result<(), Refusal> {
    let data = content.next().await?.unwrap_or_default();
    for message in plan.first_messages(first, content_type, &data) {
        sender.send(message).await;
    }
    while let Some(piece) = content.next().await? {
        sender.send(plan.next_message(&piece)).await;
    }
    // Without an end the service takes nothing of it for whole.
    if let Some(digest) = digest {
        digest.check()?;
    }
    sender.end().await;
    Ok(())
}
