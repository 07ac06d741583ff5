//! Every error code: what it means and what to do about it. A problem's `type` leads here.

use svc_core::error::Reason;

use super::html::Html;
use super::markdown::{self, Heading};
use super::page::Content;

const INTRODUCTION: &str = include_str!("guides/errors.md");

/// What a code means, and what to do about it.
fn advice(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::MissingCredentials => (
            "One of the headers `X-API-Key` and `X-API-Secret` is absent or empty.",
            "Send both, on every request. See [Authentication](/docs/authentication).",
        ),
        Reason::InvalidCredentials => (
            "The key or the secret is malformed, unknown or deleted, or the secret is not that of the key. For all of \
             these the answer is the same.",
            "Copy both again. A secret is shown once: when it is lost, rotate the key. A credential that is sent twice, \
             or in two ways, is refused, too.",
        ),
        Reason::KeyExpired => (
            "The secret is right, and the key is past its `expiresAt`.",
            "Give the key a later `expiresAt`, or create another key.",
        ),
        Reason::KeyDisabled => {
            ("The secret is right, and an admin has disabled the key.", "Ask an admin to enable it.")
        }
        Reason::IpNotAllowed => (
            "The request comes from an address that is not among the key's `allowedIps`. The message names the address.",
            "Add the address to the key, or send from another one. Behind a proxy of your own, that is its address.",
        ),
        Reason::RateLimited => (
            "The key is over its limit of a minute or of an hour. The message says which.",
            "Wait as long as `Retry-After` says. `RateLimit` tells on every answer what remains. See \
             [Rate limits](/docs/keys#rate-limits).",
        ),
        Reason::AgentMismatch => (
            "The agent in the path is not the key's agent.",
            "Use the id of the key's own agent: `GET /v1/open/key` names it.",
        ),
        Reason::PermissionDenied => (
            "The key lacks a permission that the operation needs. The message names all that are missing.",
            "Ask an admin to add the permission to the key.",
        ),
        Reason::AuthorizationUnavailable => (
            "The credential cannot be checked at the moment. Nothing was done.",
            "Try again after `Retry-After`.",
        ),
        Reason::InvalidJson => (
            "The body is not JSON, or holds a name twice.",
            "Send JSON in UTF-8. The message says where it ends to be JSON.",
        ),
        Reason::InvalidArgument => (
            "A value breaks its rule, or a field or parameter does not exist. `details` names each field with its own \
             code.",
            "Mend the fields that `details` names. Sending the same again gives the same answer.",
        ),
        Reason::InvalidCursor => (
            "The `cursor` is not one of this list: it is malformed, or belongs to other filters or another agent.",
            "Start again without a cursor, and pass on `nextCursor` as it is.",
        ),
        Reason::NotSignedIn => (
            "No member is signed in: the personal access token is absent, unknown or expired.",
            "Send `Authorization: Bearer kwp_…`. API keys do not work in the console.",
        ),
        Reason::RoleRequired => (
            "The member's role, or the token's, does not suffice. The message names the role that does.",
            "Ask a member with that role.",
        ),
        Reason::CsrfFailed => (
            "A request with a session cookie lacks our `Origin` or the right `X-CSRF-Token`.",
            "Use the dashboard, or a personal access token.",
        ),
        Reason::RouteNotFound => (
            "There is no such path.",
            "Compare the path with the reference. A slash at the end makes another path.",
        ),
        Reason::NotFound => (
            "What the request names does not exist for this caller. What belongs to others answers the same.",
            "Check the id. A malformed id is one that does not exist.",
        ),
        Reason::MethodNotAllowed => {
            ("The path exists, and has no such method.", "`Allow` names the methods that it has.")
        }
        Reason::RequestTimeout => {
            ("The body did not arrive in time.", "Try again. On a slow line send less at once.")
        }
        Reason::AlreadyExists => (
            "Something with this unique value exists already. `error.id` is its id, where the caller may read it.",
            "Change what exists, or choose another value.",
        ),
        Reason::RequestInProgress => (
            "A request with the same `Idempotency-Key` is running.",
            "Wait a moment and send the same again: it gets the answer of the first.",
        ),
        Reason::Conflict => {
            ("The request does not fit the state of the resource.", "Read the resource, and decide again.")
        }
        Reason::PreconditionFailed => (
            "The resource has another version than `If-Match` names, or exists although `If-None-Match` says that it \
             must not.",
            "Read the resource again, apply the change to its newest version, and send its `ETag`.",
        ),
        Reason::BodyTooLarge => (
            "The body is over its limit: 1 MiB of JSON, 100 MiB of a file, unless the operator has set others.",
            "Send less at once.",
        ),
        Reason::UriTooLong => ("The path and the query are longer than 8 KiB.", "Send shorter parameters."),
        Reason::UnsupportedMediaType => (
            "The body is of a type that the operation does not take.",
            "Send `Content-Type: application/json`, in UTF-8 and without compression, unless the operation says \
             otherwise.",
        ),
        Reason::RangeNotSatisfiable => (
            "The `Range` begins behind the end of the content. `Content-Range` names how long that is.",
            "Ask for bytes that are there, or for all of them.",
        ),
        Reason::IdempotencyKeyReused => (
            "The `Idempotency-Key` came before with another request.",
            "Use a new key for every new request, and the same only to repeat one.",
        ),
        Reason::AddressThrottled => (
            "Too many requests, or too many wrong credentials, come from this client address.",
            "Wait as long as `Retry-After` says, and find out who sends wrong credentials. Good keys that are in use \
             pass all the same.",
        ),
        Reason::HeadersTooLarge => {
            ("The headers are over 16 KiB or 100 fields.", "Send fewer headers: cookies are not needed.")
        }
        Reason::Internal => (
            "Something went wrong on our side.",
            "Try again. If it stays, tell the operator the `requestId`.",
        ),
        Reason::Unimplemented => ("This is not built yet.", "Look into the reference for what there is."),
        Reason::BadGateway => (
            "The service behind gave an answer that cannot be read.",
            "Try again. If it stays, tell the operator the `requestId`.",
        ),
        Reason::Unavailable => ("The service behind is away.", "Try again after `Retry-After`."),
        Reason::Overloaded => (
            "There is more to do than can be done in time. The request was refused before anything was done.",
            "Try again after `Retry-After`, with a growing pause and some chance in it.",
        ),
        Reason::DeadlineExceeded => (
            "The call did not end in time. A change may have been made all the same.",
            "Read before you repeat a change, or repeat it with the same `Idempotency-Key` where the operation takes \
             one.",
        ),
    }
}

/// The page of all codes.
pub(super) fn page() -> Content {
    let mut content = Content::new("/docs/errors", "Errors", "Every error has one form and a code.");
    let introduction = markdown::render(INTRODUCTION);
    content.html.html(&introduction.html);
    content.headings.extend(introduction.headings);
    content.headings.push(Heading { anchor: "codes".to_owned(), title: "All codes".to_owned() });
    let html = &mut content.html;
    html.markup("<h2 id=\"codes\">All codes</h2>\n");
    html.markup(
        "<div class=\"wide\"><table class=\"fields\"><thead><tr><th scope=\"col\">Code</th><th scope=\"col\">Status</th>",
    );
    html.markup("<th scope=\"col\">Meaning and what to do</th></tr></thead><tbody>\n");
    for &reason in Reason::ALL {
        let (meaning, todo) = advice(reason);
        html.markup("<tr id=\"")
            .text(reason.code())
            .markup("\"><td><a href=\"#")
            .text(reason.code())
            .markup("\">");
        html.code(reason.code()).markup("</a></td><td>").text(&reason.http().to_string()).markup("</td><td>");
        html.html(&markdown::render(meaning).html).html(&markdown::render(todo).html);
        html.markup("</td></tr>\n");
    }
    html.markup("</tbody></table></div>\n");
    content
}

/// A code, with a link to what it means.
pub(super) fn link(html: &mut Html, reason: Reason) {
    html.markup("<a href=\"/docs/errors#")
        .text(reason.code())
        .markup("\">")
        .code(reason.code())
        .markup("</a>");
}
