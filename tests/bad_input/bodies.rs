//! What is sent: broken JSON, names that are doubled, unknown or not the caller's to set, bodies that are
//! too large or of another type.

use super::request::{Request, request};
use super::{Case, Ground, case, invalid};

/// One byte more than JSON may have.
const TOO_LARGE: usize = 1024 * 1024 + 1;

pub(super) fn cases(ground: &Ground) -> Vec<Case> {
    [broken(ground), names(ground), sizes_and_types(ground)].into_iter().flatten().collect()
}

fn post(ground: &Ground) -> Request {
    request("POST", &ground.contacts).by(&ground.key)
}

fn broken(ground: &Ground) -> Vec<Case> {
    let json = |body: &[u8]| post(ground).json(body);
    let deep = format!(
        r#"{{"email": "a@example.com", "customFields": {{"a": {}{}}}}}"#,
        "[".repeat(100),
        "]".repeat(100)
    );
    let values = format!(r#"{{"email": "a@example.com", "tags": [{}""]}}"#, r#""","#.repeat(65_536));
    let two_marks = "\u{feff}\u{feff}{\"email\": \"a@example.com\"}";
    let text = |body: &str| json(body.as_bytes());
    let code = "invalid_json";
    vec![
        case("a brace", text("{"), 400, code),
        case("cut short", text(r#"{"email": "a@exam"#), 400, code),
        case("white space alone", text("  \n"), 400, code),
        case("no quotes", text("{email: 1}"), 400, code),
        case("single quotes", text("{'email': 'a@example.com'}"), 400, code),
        case("a comma too many", text(r#"{"email": "a@example.com",}"#), 400, code),
        case("a comma too few", text(r#"{"email": "a@example.com" "name": "a"}"#), 400, code),
        case("two values", text(r#"{"email": "a@example.com"} {}"#), 400, code),
        case("a comment", text(r#"{"email": "a@example.com"} // me"#), 400, code),
        case("NaN", text(r#"{"email": NaN}"#), 400, code),
        case("a leading zero", text(r#"{"email": "a@example.com", "customFields": {"a": 01}}"#), 400, code),
        case("True", text(r#"{"email": True}"#), 400, code),
        case("a line break in a text", text("{\"email\": \"a@example.com\n\"}"), 400, code),
        case("an unknown escape", text(r#"{"email": "\x41@example.com"}"#), 400, code),
        case("half a surrogate pair", text(r#"{"email": "a@example.com", "name": "\ud83d"}"#), 400, code),
        case("invalid UTF-8", json(b"{\"email\": \"a@example.com\", \"name\": \"\xff\"}"), 400, code),
        case("overlong UTF-8", json(b"{\"email\": \"a@example.com\", \"name\": \"\xc0\xaf\"}"), 400, code),
        case("UTF-16", json(b"\xff\xfe{\0}\0"), 400, code),
        case("a byte order mark alone", text("\u{feff}"), 400, code),
        case("two byte order marks", text(two_marks), 400, code),
        case("too deep", text(&deep), 400, code),
        case("more values than a body has", text(&values), 400, "invalid_argument"),
        case("a form", text("email=a@example.com"), 400, code),
        case("a list", text("[]"), 400, "invalid_argument"),
        case("a text", text(r#""hello""#), 400, "invalid_argument"),
        case("a number", text("1"), 400, "invalid_argument"),
        case("null", text("null"), 400, "invalid_argument"),
    ]
}

fn names(ground: &Ground) -> Vec<Case> {
    let email = |more: &str| post(ground).json(format!(r#"{{"email": "a@example.com", {more}}}"#));
    let put = |body: &str| {
        request("PUT", format!("/v1/open/contacts/crm-1/chatbots/{}", ground.agent))
            .by(&ground.key)
            .json(body)
    };
    let key = |body: &str| {
        let keys = format!("/v1/console/agents/{}/api-keys", ground.agent);
        request("POST", keys).by_member(&ground.token).json(body)
    };
    vec![
        invalid("no body", post(ground), "email", "required"),
        invalid("an empty object", post(ground).json("{}"), "email", "required"),
        invalid("a doubled name", email(r#""email": "a@example.com""#), "email", "duplicate"),
        invalid(
            "a doubled name, the second escaped",
            email(r#""\u0065mail": "a@example.com""#),
            "email",
            "duplicate",
        ),
        invalid("a doubled name, once null", email(r#""email": null"#), "email", "duplicate"),
        invalid(
            "a doubled name below",
            email(r#""customFields": {"a": 1, "a": 2}"#),
            "customFields.a",
            "duplicate",
        ),
        invalid(
            "a doubled name far below",
            email(r#""customFields": {"a": {"b": 1, "b": 2}}"#),
            "customFields.a.b",
            "duplicate",
        ),
        invalid("an unknown field", email(r#""nmae": "Ada""#), "nmae", "unknown_field"),
        invalid("an unknown field that is null", email(r#""nmae": null"#), "nmae", "unknown_field"),
        invalid(
            "the name of the proto",
            email(r#""mobile_number": "+441234567890""#),
            "mobile_number",
            "unknown_field",
        ),
        invalid("another case", email(r#""Name": "Ada""#), "Name", "unknown_field"),
        invalid("an empty name", email(r#""": 1"#), "", "unknown_field"),
        invalid("the prototype", email(r#""__proto__": {}"#), "__proto__", "unknown_field"),
        invalid("an id of one's own", email(r#""id": "65f0c0ffee65f0c0ffee65f0""#), "id", "immutable"),
        invalid("a status", email(r#""status": "ACTIVE""#), "status", "immutable"),
        invalid(
            "a time of creation",
            email(r#""createdAt": "2026-01-01T00:00:00Z""#),
            "createdAt",
            "immutable",
        ),
        invalid("a version", put(r#"{"email": "a@example.com", "version": 1}"#), "version", "immutable"),
        invalid(
            "another reference in PUT",
            put(r#"{"email": "a@example.com", "externalReferenceId": "crm-2"}"#),
            "externalReferenceId",
            "immutable",
        ),
        invalid(
            "a key's agent in the body",
            key(r#"{"name": "x", "permissions": ["contacts:read"], "agentId": "x"}"#),
            "agentId",
            "immutable",
        ),
        invalid(
            "a secret of one's own",
            key(r#"{"name": "x", "permissions": ["contacts:read"], "secret": "x"}"#),
            "secret",
            "unknown_field",
        ),
        case(
            "a reference that is taken",
            post(ground).json(r#"{"email": "a@example.com", "externalReferenceId": "crm-1"}"#),
            409,
            "already_exists",
        ),
    ]
}

fn sizes_and_types(ground: &Ground) -> Vec<Case> {
    let good = r#"{"email": "a@example.com"}"#;
    let large = format!("{good}{}", " ".repeat(TOO_LARGE - good.len()));
    let kind = |kind: &str| post(ground).header("Content-Type", kind).body(good);
    let (size, media) = ("body_too_large", "unsupported_media_type");
    let doubled = kind("application/json").header("Content-Type", "application/json");
    vec![
        case("too large", post(ground).json(&large), 413, size),
        case("too large, in chunks", post(ground).json(&large).chunked(), 413, size),
        case("no type", post(ground).body(good), 415, media),
        case("text", kind("text/plain"), 415, media),
        case("a form", kind("application/x-www-form-urlencoded"), 415, media),
        case("XML", kind("application/xml"), 415, media),
        case("another JSON", kind("application/ld+json"), 415, media),
        case("a merge patch where nothing is patched", kind("application/merge-patch+json"), 415, media),
        case("another character set", kind("application/json; charset=utf-16"), 415, media),
        case("two types", doubled, 415, media),
        case("no type, in chunks", post(ground).body(good).chunked(), 415, media),
        case("compressed", kind("application/json").header("Content-Encoding", "gzip"), 415, media),
        case(
            "a body where none is taken",
            request("GET", &ground.contacts).by(&ground.key).json(good),
            400,
            "invalid_argument",
        ),
        case(
            "a body of DELETE",
            request("DELETE", format!("/v1/open/contacts/crm-1/chatbots/{}", ground.agent))
                .by(&ground.key)
                .json(good),
            400,
            "invalid_argument",
        ),
    ]
}
