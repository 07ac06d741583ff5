//! Where to: unknown paths, wrong methods, and names of things that are not there.

use super::request::{Request, get, request};
use super::{Case, Ground, case};

pub(super) fn cases(ground: &Ground) -> Vec<Case> {
    [unknown(ground), methods(ground), references(ground), ids(ground)].into_iter().flatten().collect()
}

fn unknown(ground: &Ground) -> Vec<Case> {
    let (contacts, agent) = (&ground.contacts, &ground.agent);
    let by = |target: String| get(target).by(&ground.key);
    let reference = |reference: &str| by(format!("/v1/open/contacts/{reference}/chatbots/{agent}"));
    let code = "route_not_found";
    vec![
        case("the root", by("/".into()), 404, code),
        case("a prefix", by("/v1/open".into()), 404, code),
        case("an unknown path", by("/v1/open/nothing".into()), 404, code),
        case("another version", by(contacts.replace("/v1/", "/v2/")), 404, code),
        case("another case", by(contacts.replace("/v1/open", "/V1/Open")), 404, code),
        case("a trailing slash", by(format!("{contacts}/")), 404, code),
        case("a doubled slash", by(contacts.replace("/contacts/", "/contacts//")), 404, code),
        case("no agent", by("/v1/open/contacts/chatbots/".into()), 404, code),
        case("an unknown verb", by(format!("{contacts}:fly")), 403, "agent_mismatch"),
        case("a dot as a reference", reference("."), 404, code),
        case("two dots as a reference", reference(".."), 404, code),
        case("two escaped dots", reference("%2E%2e"), 404, code),
        case("an empty reference", reference(""), 404, code),
        case("a control character", reference("a%00b"), 404, code),
        case("a line break", reference("a%0D%0Ab"), 404, code),
        case("a broken escape", reference("100%"), 404, code),
        case("an escape that is none", reference("%zz"), 404, code),
        case("invalid UTF-8", reference("%FF"), 404, code),
        case(
            "an escaped slash where none may be",
            by(format!("/v1/open/contacts/chatbots%2F{agent}")),
            404,
            code,
        ),
        case(
            "the way of gRPC",
            request("POST", "/keyward.contacts.v1.ContactService/ListContacts").by(&ground.key),
            404,
            code,
        ),
    ]
}

fn methods(ground: &Ground) -> Vec<Case> {
    let (contacts, agent) = (&ground.contacts, &ground.agent);
    let schema = format!("/v1/open/contacts/schema/chatbots/{agent}");
    let contact = format!("/v1/open/contacts/crm-1/chatbots/{agent}");
    let wrong = |what, request: Request, allow| Case {
        allow,
        ..case(what, request.by(&ground.key), 405, "method_not_allowed")
    };
    vec![
        wrong("PUT on the list", request("PUT", contacts), "GET, HEAD, OPTIONS, POST"),
        wrong("DELETE on the list", request("DELETE", contacts), "GET, HEAD, OPTIONS, POST"),
        wrong("a method of nobody's", request("FLY", contacts), "GET, HEAD, OPTIONS, POST"),
        wrong("a method in lower case", request("get", contacts), "GET, HEAD, OPTIONS, POST"),
        wrong("TRACE", request("TRACE", contacts), "GET, HEAD, OPTIONS, POST"),
        wrong("POST on a contact", request("POST", &contact), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        wrong(
            "DELETE on the schema, which is no reference",
            request("DELETE", &schema),
            "GET, HEAD, OPTIONS",
        ),
        wrong("PUT on the schema", request("PUT", &schema), "GET, HEAD, OPTIONS"),
        wrong("POST on health", request("POST", "/v1/open/health"), "GET, HEAD, OPTIONS"),
    ]
}

fn references(ground: &Ground) -> Vec<Case> {
    let code = "not_found";
    let get = |reference: &str| {
        get(format!("/v1/open/contacts/{reference}/chatbots/{}", ground.agent)).by(&ground.key)
    };
    let with = |method: &str, body: &str| {
        let target = format!("/v1/open/contacts/nobody/chatbots/{}", ground.agent);
        request(method, target).by(&ground.key).json(body)
    };
    vec![
        case("an unknown reference", get("nobody"), 404, code),
        case("an unknown reference with a slash", get("a%2Fb"), 404, code),
        case("an unknown reference with a space", get("a%20b"), 404, code),
        case("an unknown reference with a plus", get("a+b"), 404, code),
        case("an unknown emoji", get("%F0%9F%99%82"), 404, code),
        case("another case", get("CRM-1"), 404, code),
        case("a reserved reference", get("mantisid"), 404, code),
        case("a reference that is too long", get(&"a".repeat(129)), 404, code),
        case("a colon in it", get("crm-1:archive"), 404, code),
        case("PUT on an unknown reference", with("PUT", r#"{"email": "ada@example.com"}"#), 404, code),
        case("DELETE on an unknown reference", with("DELETE", ""), 404, code),
    ]
}

fn ids(ground: &Ground) -> Vec<Case> {
    let code = "not_found";
    let get =
        |id: &str| get(format!("/v1/open/contacts/mantisid/{id}/chatbots/{}", ground.agent)).by(&ground.key);
    let console = |path: String| super::get(path).by_member(&ground.token);
    let agent = &ground.agent;
    vec![
        case("an unknown id", get("65f0c0ffee65f0c0ffee65f0"), 404, code),
        case("an id in upper case", get("65F0C0FFEE65F0C0FFEE65F0"), 404, code),
        case("an id that is too short", get("65f0c0ffee65f0c0ffee65f"), 404, code),
        case("an id that is too long", get("65f0c0ffee65f0c0ffee65f00"), 404, code),
        case("a reference in the place of an id", get("crm-1"), 404, code),
        case("SQL in the place of an id", get("'%20OR%20'1'='1"), 404, code),
        case(
            "an unknown agent of the console",
            console("/v1/console/agents/65f0c0ffee65f0c0ffee65f0".into()),
            404,
            code,
        ),
        case("an agent of the console that is no id", console("/v1/console/agents/x".into()), 404, code),
        case(
            "an unknown key",
            console(format!("/v1/console/agents/{agent}/api-keys/65f0c0ffee65f0c0ffee65f0")),
            404,
            code,
        ),
        case("a key that is no id", console(format!("/v1/console/agents/{agent}/api-keys/x")), 404, code),
        case("an unknown member", console("/v1/console/members/65f0c0ffee65f0c0ffee65f0".into()), 404, code),
        case("an unknown token", console("/v1/console/tokens/x".into()), 404, code),
    ]
}
