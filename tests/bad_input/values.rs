//! Values: of fields, of query parameters, and cursors.

use serde_json::json;

use super::request::{get, request};
use super::{Case, Ground, case, invalid};
use crate::harness::Stack;

/// Thirty lists in a custom field, and what is in the last.
const DEEP: &str =
    "customFields.a[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0…";

pub(super) fn cases(ground: &Ground) -> Vec<Case> {
    [fields(ground), parameters(ground), cursors(ground)].into_iter().flatten().collect()
}

fn fields(ground: &Ground) -> Vec<Case> {
    let post = |body: String| request("POST", &ground.contacts).by(&ground.key).json(body);
    let only = |body: &str| post(format!("{{{body}}}"));
    let with = |more: &str| post(format!(r#"{{"email": "a@example.com", {more}}}"#));
    let reference = |text: &str| with(&format!(r#""externalReferenceId": "{text}""#));
    let (long_name, long_reference) = (format!(r#""name": "{}""#, "é".repeat(201)), "a".repeat(129));
    // Itself counted, a list of 1,001 values.
    let thousand = format!("[{}{{}}]", "{},".repeat(999));
    let long_fields: Vec<String> = (0..17).map(|n| format!(r#""f{n}": "{}""#, "x".repeat(4_000))).collect();
    let long_fields = long_fields.join(", ");
    let many_tags =
        format!(r#""tags": [{}]"#, (0..51).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(","));
    vec![
        invalid("a number for a text", only(r#""email": 7"#), "email", "invalid"),
        invalid("an object for a text", only(r#""email": {}"#), "email", "invalid"),
        invalid("no email address", only(r#""email": "nobody""#), "email", "invalid"),
        invalid(
            "a null character in the address",
            only(r#""email": "a\u0000@example.com""#),
            "email",
            "invalid",
        ),
        invalid("an empty email address", only(r#""email": """#), "email", "too_short"),
        invalid("no mobile number", only(r#""mobileNumber": "0123""#), "mobileNumber", "invalid"),
        invalid("a name that is too long", with(&long_name), "name", "too_long"),
        invalid("a null character", with(r#""name": "a\u0000b""#), "name", "invalid"),
        invalid("a null character in the notes", with(r#""notes": "a\u0000b""#), "notes", "invalid"),
        invalid("an unknown stage", with(r#""stage": "KING""#), "stage", "invalid"),
        invalid("a stage in lower case", with(r#""stage": "lead""#), "stage", "invalid"),
        invalid("a text for a list", with(r#""tags": "vip""#), "tags", "invalid"),
        invalid("null in a list", with(r#""tags": [null]"#), "tags[0]", "invalid"),
        invalid("too many tags", with(&many_tags), "tags", "too_long"),
        invalid("a doubled tag", with(r#""tags": ["a", "a"]"#), "tags[1]", "duplicate"),
        invalid("a list for custom fields", with(r#""customFields": []"#), "customFields", "invalid"),
        invalid(
            "a bad name of a custom field",
            with(r#""customFields": {"a b": 1}"#),
            "customFields",
            "invalid",
        ),
        invalid(
            "a custom field that is too long",
            with(&format!(r#""customFields": {{"a": "{}"}}"#, "x".repeat(4_095))),
            "customFields.a",
            "too_long",
        ),
        invalid(
            "a custom field of more values than all may have",
            with(&format!(r#""customFields": {{"a": [{}0]}}"#, "0,".repeat(1_999))),
            "customFields",
            "too_long",
        ),
        invalid(
            "too many values in all custom fields",
            with(&format!(r#""customFields": {{"a": {thousand}, "b": {thousand}}}"#)),
            "customFields",
            "too_long",
        ),
        invalid(
            "custom fields that are too long together",
            with(&format!(r#""customFields": {{{long_fields}}}"#)),
            "customFields",
            "too_long",
        ),
        invalid(
            "a custom field that is nested too deeply",
            with(&format!(r#""customFields": {{"a": {}{}}}"#, "[".repeat(31), "]".repeat(31))),
            DEEP,
            "invalid",
        ),
        invalid(
            "a number beyond all",
            with(r#""customFields": {"a": 1e400}"#),
            "customFields.a",
            "out_of_range",
        ),
        invalid("`schema` as a reference", reference("schema"), "externalReferenceId", "invalid"),
        invalid("`mantisid` as a reference", reference("mantisid"), "externalReferenceId", "invalid"),
        invalid("a dot as a reference", reference("."), "externalReferenceId", "invalid"),
        invalid("two dots as a reference", reference(".."), "externalReferenceId", "invalid"),
        invalid("an empty reference", reference(""), "externalReferenceId", "too_short"),
        invalid(
            "a reference that is too long",
            reference(&long_reference),
            "externalReferenceId",
            "too_long",
        ),
        invalid(
            "a control character in a reference",
            reference(r"a\u0007"),
            "externalReferenceId",
            "invalid",
        ),
    ]
}

fn parameters(ground: &Ground) -> Vec<Case> {
    let list = |query: &str| get(format!("{}?{query}", ground.contacts)).by(&ground.key);
    let keys = |query: &str| get(format!("/v1/console/api-keys?{query}")).by_member(&ground.token);
    let post = |query: &str| {
        let target = format!("{}?{query}", ground.contacts);
        request("POST", target).by(&ground.key).json(r#"{"email": "a@example.com"}"#)
    };
    let own_agent = format!("agentId={}", ground.agent);
    vec![
        invalid("limit=0", list("limit=0"), "limit", "out_of_range"),
        invalid("limit=101", list("limit=101"), "limit", "out_of_range"),
        invalid("limit=-1", list("limit=-1"), "limit", "out_of_range"),
        invalid("limit=abc", list("limit=abc"), "limit", "invalid"),
        invalid("limit=1.5", list("limit=1.5"), "limit", "invalid"),
        invalid("an empty limit", list("limit="), "limit", "invalid"),
        invalid("a limit over 32 bits", list("limit=99999999999"), "limit", "out_of_range"),
        invalid("a doubled parameter", list("limit=1&limit=2"), "limit", "duplicate"),
        invalid("an unknown parameter", list("page=2"), "page", "unknown_field"),
        invalid("a parameter in another case", list("Limit=2"), "Limit", "unknown_field"),
        invalid("the name of the proto", list("include_total=true"), "include_total", "unknown_field"),
        invalid("what the path says already", list(&own_agent), "agentId", "unknown_field"),
        invalid("a truth that is none", list("includeTotal=maybe"), "includeTotal", "invalid"),
        invalid("invalid UTF-8", list("limit=%FF"), "limit", "invalid"),
        invalid("an unknown parameter of POST", post("dryRun=true"), "dryRun", "unknown_field"),
        invalid("the body in the query", post("email=b@example.com"), "email", "unknown_field"),
        invalid("limit=0 of the console", keys("limit=0"), "limit", "out_of_range"),
        invalid("an unknown status of the console", keys("status=KING"), "status", "invalid"),
        invalid("an unknown parameter of health", get("/v1/open/health?x=1"), "x", "unknown_field"),
    ]
}

fn cursors(ground: &Ground) -> Vec<Case> {
    let list = |cursor: &str| get(format!("{}?cursor={cursor}", ground.contacts)).by(&ground.key);
    let code = "invalid_cursor";
    vec![
        case("an empty cursor", list(""), 400, code),
        case("a made-up cursor", list("AAAA"), 400, code),
        case("characters that no cursor has", list("a%2Fb%3D"), 400, code),
        case("a cursor of another list", list(&ground.other_cursor), 400, code),
        case("a cursor that was changed", list(&format!("{}A", ground.other_cursor)), 400, code),
        case("a very long cursor", list(&"A".repeat(4_000)), 400, code),
        case(
            "a cursor of the console",
            get("/v1/console/agents?cursor=AAAA").by_member(&ground.token),
            400,
            code,
        ),
    ]
}

/// However far a number is out of its range, the answer names the range of the setting, here the maximum
/// that the stack's operator set.
#[tokio::test]
async fn a_range_is_named_as_it_is() {
    Stack::each(async |stack| {
        let key = stack.new_key(&["contacts:read"]).await;
        for beyond in ["0", "-1", "1000001", "2147483647", "2147483648", "4294967356", "-4294967236", "1e300"]
        {
            let number: serde_json::Value = serde_json::from_str(beyond).unwrap();
            let limits =
                json!({"name": "x", "permissions": ["contacts:read"], "rateLimits": {"perMinute": number}});
            let patch = json!({"rateLimits": {"perMinute": number}});
            for refused in [stack.create_key(limits).await, stack.update_key(&key.id, patch).await] {
                let details = refused.refusal(400, "invalid_argument");
                let expected = json!([{
                    "field": "rateLimits.perMinute",
                    "code": "out_of_range",
                    "message": "`rateLimits.perMinute` must be between 1 and 1,000,000.",
                }]);
                assert_eq!(*details, expected, "{beyond}");
            }
        }
        let overlap = stack.key_verb(&key.id, "rotate", json!({"overlapSeconds": 99_999_999_999_i64})).await;
        let message = "`overlapSeconds` must be between 0 and 604,800.";
        assert_eq!(overlap.refusal(400, "invalid_argument")[0]["message"], message);
        let message = "`limit` must be between 1 and 100.";
        for query in ["?limit=99999999999", "?limit=-99999999999", "?limit=101"] {
            for refused in [stack.list_contacts(query).await, stack.list_keys(query).await] {
                assert_eq!(refused.refusal(400, "invalid_argument")[0]["message"], message, "{query}");
            }
        }
        assert_eq!(stack.get_key(&key.id).await.ok()["version"], 1);
    })
    .await;
}
