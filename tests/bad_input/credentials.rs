//! Who asks: missing, empty, doubled, malformed, wrong, deleted and expired credentials, the wrong agent,
//! a missing permission, and what comes before what.

use super::request::{Request, get, request};
use super::{Case, Ground, case};
use crate::harness::Key;

const MISSING: &str = "missing_credentials";
const INVALID: &str = "invalid_credentials";

pub(super) fn cases(ground: &Ground) -> Vec<Case> {
    [missing(ground), invalid(ground), members(ground), agents(ground), order(ground)]
        .into_iter()
        .flatten()
        .collect()
}

fn list(ground: &Ground) -> Request {
    get(&ground.contacts)
}

fn basic(credentials: String) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(credentials))
}

fn missing(ground: &Ground) -> Vec<Case> {
    let Key { api_key, secret, .. } = &ground.key;
    let query = format!("{}?apiKey={api_key}&apiSecret={secret}", ground.contacts);
    let cookie = format!("X-API-Key={api_key}; X-API-Secret={secret}");
    let (no_secret, no_key) = (basic(format!("{api_key}:")), basic(format!(":{secret}")));
    vec![
        case("no credentials", list(ground), 401, MISSING),
        case("no secret", list(ground).header("X-API-Key", api_key), 401, MISSING),
        case("no key", list(ground).header("X-API-Secret", secret), 401, MISSING),
        case("empty key", list(ground).header("X-API-Key", "").header("X-API-Secret", secret), 401, MISSING),
        case(
            "empty secret",
            list(ground).header("X-API-Key", api_key).header("X-API-Secret", ""),
            401,
            MISSING,
        ),
        case(
            "white space",
            list(ground).header("X-API-Key", api_key).header("X-API-Secret", "  "),
            401,
            MISSING,
        ),
        case("in the query", get(query), 401, MISSING),
        case("in a cookie", list(ground).header("Cookie", cookie), 401, MISSING),
        case("a member's token", list(ground).by_member(&ground.token), 401, MISSING),
        case("basic without a secret", list(ground).header("Authorization", no_secret), 401, MISSING),
        case("basic without a key", list(ground).header("Authorization", no_key), 401, MISSING),
    ]
}

/// The last character is part of the checksum.
fn mistyped(text: &str) -> String {
    let other = if text.ends_with('0') { "1" } else { "0" };
    format!("{}{other}", &text[..text.len() - 1])
}

/// With a right checksum (API.md, 2) and never made.
fn made_up(prefix: &str, characters: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = format!("{prefix}{}", "1".repeat(characters));
    let mut sum = crc32fast::hash(text.as_bytes());
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(sum % 62) as usize];
        sum /= 62;
    }
    text.push_str(std::str::from_utf8(&digits).unwrap());
    text
}

fn invalid(ground: &Ground) -> Vec<Case> {
    let Key { api_key, secret, .. } = &ground.key;
    let pair = |key: &str, secret: &str| list(ground).header("X-API-Key", key).header("X-API-Secret", secret);
    let both = basic(format!("{api_key}:{secret}"));
    let long = format!("kw_live_{}", "a".repeat(4_000));
    let (deleted, expired) = (&ground.deleted, &ground.expired);
    vec![
        case("doubled key", pair(api_key, secret).header("X-API-Key", api_key), 401, INVALID),
        case("doubled secret", pair(api_key, secret).header("X-API-Secret", secret), 401, INVALID),
        case("two keys in one header", pair(&format!("{api_key}, {api_key}"), secret), 401, INVALID),
        case("both ways at once", pair(api_key, secret).header("Authorization", &both), 401, INVALID),
        case(
            "half of it both ways",
            list(ground).header("X-API-Key", api_key).header("Authorization", &both),
            401,
            INVALID,
        ),
        case(
            "doubled basic",
            list(ground).header("Authorization", &both).header("Authorization", &both),
            401,
            INVALID,
        ),
        case("basic that is not base64", list(ground).header("Authorization", "Basic ???"), 401, INVALID),
        case(
            "basic without a colon",
            list(ground).header("Authorization", basic(api_key.clone())),
            401,
            INVALID,
        ),
        case("no key at all", pair("hello", secret), 401, INVALID),
        case("no secret at all", pair(api_key, "hello"), 401, INVALID),
        case("swapped", pair(secret, api_key), 401, INVALID),
        case("the key twice", pair(api_key, api_key), 401, INVALID),
        case("mistyped key", pair(&mistyped(api_key), secret), 401, INVALID),
        case("mistyped secret", pair(api_key, &mistyped(secret)), 401, INVALID),
        case("key cut short", pair(&api_key[..api_key.len() - 1], secret), 401, INVALID),
        case("key with more at its end", pair(&format!("{api_key}a"), secret), 401, INVALID),
        case("prefix in upper case", pair(&api_key.replace("kw_live_", "KW_LIVE_"), secret), 401, INVALID),
        case("key of another mode", pair(&api_key.replace("_live_", "_test_"), secret), 401, INVALID),
        case("a very long key", pair(&long, secret), 401, INVALID),
        case("key that is not ASCII", pair("kw_live_é", secret), 401, INVALID),
        case(
            "key that is not UTF-8",
            list(ground).header("X-API-Key", b"kw_\xFF").header("X-API-Secret", secret),
            401,
            INVALID,
        ),
        case("key in quotes", pair(&format!("\"{api_key}\""), secret), 401, INVALID),
        case("well-formed key that was never made", pair(&made_up("kw_live_", 22), secret), 401, INVALID),
        case(
            "well-formed secret that was never made",
            pair(api_key, &made_up("kws_live_", 43)),
            401,
            INVALID,
        ),
        case("secret of another key", pair(api_key, &ground.reader.secret), 401, INVALID),
        case("deleted key", list(ground).by(deleted), 401, INVALID),
        case("deleted key with the wrong secret", pair(&deleted.api_key, secret), 401, INVALID),
        case("expired key with the wrong secret", pair(&expired.api_key, secret), 401, INVALID),
        case("expired key", list(ground).by(expired), 401, "key_expired"),
    ]
}

fn members(ground: &Ground) -> Vec<Case> {
    let keys = || get(format!("/v1/console/agents/{}/api-keys", ground.agent));
    let token = &ground.token;
    let code = "not_signed_in";
    vec![
        case("management without a token", keys(), 401, code),
        case("management with an API key", keys().by(&ground.key), 401, code),
        case(
            "management with a key by basic",
            keys().header("Authorization", basic("a:b".into())),
            401,
            code,
        ),
        case("doubled token", keys().by_member(token).by_member(token), 401, code),
        case("mistyped token", keys().by_member(&mistyped(token)), 401, code),
        case("token that was never made", keys().by_member(&made_up("kwp_", 43)), 401, code),
        case("token without its prefix", keys().by_member(&token[4..]), 401, code),
        case("token in the query", get(format!("/v1/console/api-keys?token={token}")), 401, code),
    ]
}

fn agents(ground: &Ground) -> Vec<Case> {
    let of = |agent: &str| get(format!("/v1/open/contacts/chatbots/{agent}"));
    let (key, code) = (&ground.key, "agent_mismatch");
    let other = format!("/v1/open/contacts/chatbots/{}", ground.other_agent);
    let body = format!(r#"{{"email": "ada@example.com", "agentId": "{}"}}"#, ground.other_agent);
    let with_reader = |method, target: &str| request(method, target).by(&ground.reader);
    let contact = format!("/v1/open/contacts/crm-1/chatbots/{}", ground.agent);
    let denied = "permission_denied";
    vec![
        case("another agent", of(&ground.other_agent).by(key), 403, code),
        case("another agent, to write", request("POST", other).by(key).json("{}"), 403, code),
        case("an agent that does not exist", of("65f0c0ffee65f0c0ffee65f0").by(key), 403, code),
        case("an agent that is no id", of("x").by(key), 403, code),
        case("the agent in upper case", of(&ground.agent.to_uppercase()).by(key), 403, code),
        case("the key of another agent", list(ground).by(&ground.other_key), 403, code),
        Case {
            detail: Some(("agentId", "unknown_field")),
            ..case(
                "another agent in the body",
                request("POST", &ground.contacts).by(key).json(body),
                400,
                "invalid_argument",
            )
        },
        case("no permission to create", with_reader("POST", &ground.contacts).json("{}"), 403, denied),
        case("no permission to update", with_reader("PUT", &contact).json("{}"), 403, denied),
        case("no permission to delete", with_reader("DELETE", &contact), 403, denied),
        case(
            "no permission for extraction",
            with_reader("GET", &format!("/v1/open/document-extraction/chatbots/{}", ground.agent)),
            403,
            denied,
        ),
    ]
}

/// The order of refusals (API.md, 3).
fn order(ground: &Ground) -> Vec<Case> {
    let post = |target: &str| request("POST", target);
    let other = format!("/v1/open/contacts/chatbots/{}", ground.other_agent);
    vec![
        case("an unknown path needs no credentials", get("/v1/open/nothing"), 404, "route_not_found"),
        Case {
            allow: "GET, HEAD, OPTIONS, POST",
            ..case("nor does a wrong method", request("PUT", &ground.contacts), 405, "method_not_allowed")
        },
        case("credentials before the body", post(&ground.contacts).json("{"), 401, MISSING),
        case("credentials before its type", post(&ground.contacts).body("x"), 401, MISSING),
        case("credentials before the query", get(format!("{}?limit=0", ground.contacts)), 401, MISSING),
        case("expiry before the agent", get(&other).by(&ground.expired), 401, "key_expired"),
        case(
            "the agent before the permission",
            post(&other).by(&ground.reader).json("{"),
            403,
            "agent_mismatch",
        ),
        case(
            "the permission before the body",
            post(&ground.contacts).by(&ground.reader).json("{"),
            403,
            "permission_denied",
        ),
        case(
            "the permission before its type",
            post(&ground.contacts).by(&ground.reader).body("x"),
            403,
            "permission_denied",
        ),
        case(
            "the type before the body",
            post(&ground.contacts).by(&ground.key).body("{"),
            415,
            "unsupported_media_type",
        ),
    ]
}
