//! The lookup in Keyward's own routes, and what refuses to become a route. `templates` has those of other services.

mod templates;

use std::borrow::Cow;

use http::Method;
use svc_core::policy;

use super::{MatchError, Table};
use crate::transcode::tests::pool;
use crate::transcode::{Messages, RouteKind};

const ID: &str = "65f0c0ffee65f0c0ffee65f0";

/// The routes of Keyward's own services.
pub(crate) fn built_in() -> Table {
    let pool = policy::built_in_descriptors().unwrap();
    let names: Vec<String> = pool.services().map(|s| s.full_name().to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Table::build(&pool, &names).unwrap()
}

/// `RPC param param`, or the status.
fn lookup(table: &Table, method: &str, path: &str) -> String {
    match table.find(&Method::from_bytes(method.as_bytes()).unwrap(), path) {
        Ok(found) => {
            let mut parts = vec![found.route.rpc.method.name().to_owned()];
            parts.extend(found.params.into_iter().map(Cow::into_owned));
            parts.join(" ")
        }
        Err(MatchError::NotFound) => "404".to_owned(),
        Err(MatchError::MethodNotAllowed { allow }) => format!("405 {allow}"),
    }
}

#[test]
fn the_routes_of_the_contract() {
    let table = built_in();
    let cases: &[(&str, &str, &str)] = &[
        ("GET", "/v1/open/key", "GetCurrentKey"),
        ("HEAD", "/v1/open/key", "GetCurrentKey"),
        ("HEAD", "/v1/open/contacts/c1/chatbots/A", "GetContact c1 A"),
        ("GET", "/v1/open/contacts/schema/chatbots/A", "GetContactSchema A"),
        ("POST", "/v1/open/contacts/chatbots/A", "CreateContact A"),
        ("GET", "/v1/open/contacts/chatbots/A", "ListContacts A"),
        ("GET", "/v1/open/contacts/c1/chatbots/A", "GetContact c1 A"),
        ("GET", "/v1/open/contacts/mantisid/1/chatbots/A", "GetContact 1 A"),
        ("PUT", "/v1/open/contacts/c1/chatbots/A", "ReplaceContact c1 A"),
        ("PATCH", "/v1/open/contacts/c1/chatbots/A", "UpdateContact c1 A"),
        ("DELETE", "/v1/open/contacts/c1/chatbots/A", "DeleteContact c1 A"),
        ("PATCH", "/v1/open/contacts/c1/chatbots/A/archive", "ArchiveContact c1 A"),
        ("PATCH", "/v1/open/contacts/mantisid/1/chatbots/A/unarchive", "UnarchiveContact 1 A"),
        ("POST", "/v1/open/contacts/chatbots/A:bulk", "BulkUpsertContacts A"),
        ("POST", "/v1/open/contacts/chatbots/A:import", "ImportContacts A"),
        ("GET", "/v1/open/contacts/chatbots/A:export", "ExportContacts A"),
        ("GET", "/v1/open/contacts/chatbots/A:changes", "ListContactChanges A"),
        ("POST", "/v1/open/contacts/c1/files/chatbots/A", "UploadFile c1 A"),
        ("GET", "/v1/open/contacts/mantisid/1/files/2/chatbots/A/content", "GetFileContent 1 2 A"),
        ("POST", "/v1/open/document-extraction/chatbots/A", "CreateJob A"),
        ("GET", "/v1/open/document-extraction/templates/chatbots/A", "ListTemplates A"),
        ("GET", "/v1/open/document-extraction/engines/chatbots/A", "ListEngines A"),
        ("POST", "/v1/console/agents", "CreateAgent"),
        ("GET", "/v1/console/agents/A/api-keys/K", "GetApiKey A K"),
        ("POST", "/v1/console/agents/A/api-keys/K:rotate", "RotateApiKey A K"),
        ("GET", "/v1/console/agents/A/api-keys/K/usage", "GetApiKeyUsage A K"),
        ("GET", "/v1/console/api-keys", "ListApiKeys"),
        // The left-most literal wins over all methods, and leads back where it leads nowhere.
        ("DELETE", "/v1/open/contacts/schema/chatbots/A", "405 GET, HEAD, OPTIONS"),
        ("PUT", "/v1/open/contacts/chatbots/A", "405 GET, HEAD, OPTIONS, POST"),
        ("GET", "/v1/open/contacts/chatbots/chatbots/X", "GetContact chatbots X"),
        ("PATCH", "/v1/open/contacts/schema/chatbots/A/archive", "ArchiveContact schema A"),
        ("GET", "/v1/open/contacts/mantisid/chatbots/A", "GetContact mantisid A"),
        ("GET", "/v1/open/contacts/files/files/chatbots/A", "ListFiles files A"),
        ("POST", "/v1/open/contacts/c1/chatbots/A", "405 DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        // Methods have one case.
        ("get", "/v1/open/key", "405 GET, HEAD, OPTIONS"),
        ("OPTIONS", "/v1/open/key", "405 GET, HEAD, OPTIONS"),
        // A verb counts where a route has it.
        ("GET", "/v1/open/contacts/chatbots/A:bulk", "405 OPTIONS, POST"),
        ("HEAD", "/v1/open/contacts/chatbots/A:bulk", "405 OPTIONS, POST"),
        ("GET", "/v1/open/contacts/chatbots/A:nope", "ListContacts A:nope"),
        ("GET", "/v1/open/contacts/c1/chatbots/A:bulk", "GetContact c1 A:bulk"),
        ("GET", "/v1/open/contacts/a:bulk/chatbots/A", "GetContact a:bulk A"),
        ("POST", "/v1/open/contacts/chatbots/A:x:bulk", "BulkUpsertContacts A:x"),
        ("POST", "/v1/open/contacts/chatbots/A%3Abulk", "CreateContact A:bulk"),
        ("POST", "/v1/open/contacts/chatbots/A:b%75lk", "BulkUpsertContacts A"),
        ("POST", "/v1/open/contacts/chatbots/:bulk", "CreateContact :bulk"),
        ("POST", "/v1/open/contacts/chatbots/%2E%2E:bulk", "404"),
        // The caller's own ids.
        ("GET", "/v1/open/contacts/a%2Fb/chatbots/A", "GetContact a/b A"),
        ("GET", "/v1/open/contacts/%F0%9F%98%80%20b/chatbots/A", "GetContact 😀 b A"),
        ("GET", "/v1/open/contacts/a+b/chatbots/A", "GetContact a+b A"),
        ("GET", "/v1/open/contacts/a%252Fb/chatbots/A", "GetContact a%2Fb A"),
        ("GET", "/v1/open/contacts/.a/chatbots/A", "GetContact .a A"),
        ("GET", "/v1/open/contacts/.../chatbots/A", "GetContact ... A"),
        ("GET", "/v1/open/contacts/a%2F..%2Fb/chatbots/A", "GetContact a/../b A"),
        ("GET", "/v1/op%65n/k%65y", "GetCurrentKey"),
        // Paths that no route can have.
        ("GET", "", "404"),
        ("GET", "*", "404"),
        ("GET", "/", "404"),
        ("GET", "//", "404"),
        ("GET", "/v1", "404"),
        ("GET", "/v1/open/nope", "404"),
        ("GET", "/v1/open/key/", "404"),
        ("GET", "//v1/open/key", "404"),
        ("GET", "/v1//open/key", "404"),
        ("GET", "/V1/open/key", "404"),
        ("GET", "/v1/open/./key", "404"),
        ("GET", "/v1/x/../open/key", "404"),
        ("GET", "/v1/open/key%00", "404"),
        ("GET", "/v1/open%2Fkey", "404"),
        ("GET", "/v1/open/contacts/./chatbots/A", "404"),
        ("GET", "/v1/open/contacts/../chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%2e/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%2E./chatbots/A", "404"),
        ("GET", "/v1/open/contacts//chatbots/A", "404"),
        ("GET", "/v1/open/contacts/c1/chatbots/", "404"),
        ("GET", "/v1/open/contacts/c1/chatbots/A/", "404"),
        ("GET", "/v1/open/contacts/c1/chatbots/A%2FB", "404"),
        ("GET", "/v1/open/contacts/c1/chatbots/A%2F", "404"),
        ("POST", "/v1/open/contacts/c1/chatbots/A%2F", "404"),
        ("GET", "/v1/open/contacts/mantisid/a%2Fb/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%4/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%+1/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%zz/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%ff/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%C3%28/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/a%00/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%0A/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%7F/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/%C2%80/chatbots/A", "404"),
        ("GET", "/v1/open/contacts/a%2F%00/chatbots/A", "404"),
    ];
    for (method, path, expected) in cases {
        assert_eq!(lookup(&table, method, path), *expected, "{method} {path}");
    }
    assert_eq!(lookup(&table, "GET", &"/a".repeat(4_000)), "404");
}

#[test]
fn internal_rpcs_have_no_route() {
    assert!(built_in().routes().all(|route| !route.rpc.path.contains("Authorize")));
}

#[test]
fn what_a_route_knows() {
    let table = built_in();
    let path = format!("/v1/open/contacts/c1/chatbots/{ID}");
    let put = table.find(&Method::PUT, &path).unwrap();
    assert_eq!(put.route.agent(&put.params), Some(ID));
    assert_eq!(put.route.service, "keyward.contacts.v1.ContactService");
    assert!(put.route.takes_body() && put.route.kind() == RouteKind::Unary);
    assert_eq!(put.route.deadline().as_secs(), 10);

    let import = table.find(&Method::POST, &format!("/v1/open/contacts/chatbots/{ID}:import")).unwrap().route;
    assert!(import.kind() == RouteKind::Upload(Messages::Many) && import.deadline().as_secs() == 600);
    let extract =
        table.find(&Method::POST, &format!("/v1/open/document-extraction/chatbots/{ID}")).unwrap().route;
    assert!(extract.kind() == RouteKind::Upload(Messages::Many) && extract.plan.is_form_or_json());
    let export = table.find(&Method::GET, &format!("/v1/open/contacts/chatbots/{ID}:export")).unwrap().route;
    assert!(export.kind() == RouteKind::Download(Messages::Many) && !export.takes_body());
    let agents = table.find(&Method::GET, "/v1/console/agents").unwrap();
    assert_eq!(agents.route.agent(&agents.params), None);
    assert!(agents.route.permissions(None).is_empty());
}

#[test]
fn permissions_depend_on_the_query() {
    let table = built_in();
    let path = format!("/v1/open/contacts/c1/chatbots/{ID}");
    let put = table.find(&Method::PUT, &path).unwrap().route;
    let more = [
        "upsert=true",
        "a=b&upsert=true",
        "ups%65rt=true",
        "upsert",
        "upsert=1",
        "upsert=%zz",
        "upsert=false&upsert=true",
    ];
    for query in more {
        assert_eq!(put.permissions(Some(query))[..], ["contacts:update", "contacts:create"], "{query}");
    }
    for query in
        [None, Some(""), Some("upsert=false"), Some("Upsert=true"), Some("x=upsert"), Some("%zz=true")]
    {
        assert_eq!(put.permissions(query)[..], ["contacts:update"], "{query:?}");
    }
}

#[test]
fn what_refuses_to_become_a_route() {
    let cases: &[(&str, &str)] = &[
        (r#"get: "/a""#, ""),
        (r#"get: "a""#, "acme.S.One: `a`: a path template starts with `/`"),
        (r#"get: "/{nope}""#, "acme.S.One: `{nope}` is not a scalar field of acme.Req"),
        (r#"get: "/{list}""#, "acme.S.One: `{list}` is not a scalar field of acme.Req"),
        (r#"get: "/{inner}""#, "acme.S.One: `{inner}` is not a scalar field of acme.Req"),
        (r#"get: "/{inner.id}""#, ""),
        (r#"get: "/{inner.nope}""#, "acme.S.One: `{inner.nope}` is not a scalar field of acme.Req"),
        (r#"get: "/{at}""#, "acme.S.One: `{at}` is not a scalar field of acme.Req"),
        (r#"post: "/a" body: "nope""#, "acme.S.One: `body` names `nope`, which is not a field of acme.Req"),
        (
            r#"get: "/a" response_body: "nope""#,
            "acme.S.One: `response_body` names `nope`, which is not a field of acme.Res",
        ),
        (r#"get: "/two""#, "acme.S.Two: GET /two is taken by acme.S.One"),
        (r#"get: "/a" additional_bindings {get: "/a"}"#, "acme.S.One: GET /a is taken by acme.S.One"),
        (
            r#"get: "/{id}" additional_bindings {get: "/{text}"}"#,
            "acme.S.One: GET /{text} is taken by acme.S.One",
        ),
        (
            r#"get: "/{id}:v" additional_bindings {get: "/{text}:v"}"#,
            "acme.S.One: GET /{text}:v is taken by acme.S.One",
        ),
        (r#"get: "/a" additional_bindings {post: "/a"} additional_bindings {get: "/a:v"}"#, ""),
        (
            r#"get: "/a" additional_bindings {get: "/b" additional_bindings {get: "/c"}}"#,
            "acme.S.One: an additional binding has no additional bindings of its own",
        ),
        (r#"custom: {kind: "*" path: "/a"}"#, ""),
        (
            r#"custom: {kind: "*" path: "/a"} additional_bindings {custom: {kind: "*" path: "/a"}}"#,
            "acme.S.One: GET /a is taken by acme.S.One",
        ),
        (
            r#"custom: {kind: "OPTIONS" path: "/a"}"#,
            "acme.S.One: `OPTIONS` is not a method that a route can have",
        ),
        (r#"custom: {kind: "A B" path: "/a"}"#, "acme.S.One: `A B` is not a method that a route can have"),
        (
            r#"get: "/{id=**}" additional_bindings {get: "/{text=**}"}"#,
            "acme.S.One: GET /{text=**} is taken by acme.S.One",
        ),
        (r#"get: "/{id=**}" additional_bindings {get: "/**"}"#, "acme.S.One: GET /** is taken by acme.S.One"),
        (
            r#"get: "/{id=**}" additional_bindings {get: "/{id=**}:v"} additional_bindings {get: "/{id=*}"}"#,
            "",
        ),
        (r#"body: "*""#, "acme.S.One: `google.api.http` names no method"),
    ];
    for (http, expected) in cases {
        assert_eq!(refusal(http, "public: {}", ""), *expected, "{http}");
    }
    let options: &[(&str, &str)] = &[
        (r#"etag: "nope""#, "acme.S.One: `etag` names `nope`, which is not a scalar field of acme.Res"),
        (r#"etag: "inner""#, "acme.S.One: `etag` names `inner`, which is not a scalar field of acme.Res"),
        (r#"etag: "inner.id""#, ""),
        (r#"if_match: "nope""#, "acme.S.One: `if_match` names `nope`, which is not a field of acme.Req"),
        (
            r#"if_match: "text""#,
            "acme.S.One: `if_match` names `text`, which is not a keyward.policy.v1.Versions",
        ),
        (
            r#"if_none_match: "many""#,
            "acme.S.One: `if_none_match` names `many`, which is not a keyward.policy.v1.Versions",
        ),
        (r#"if_match: "versions" if_none_match: "versions""#, ""),
        (r#"created: "nope""#, "acme.S.One: `created` names `nope`, which is not a field of acme.Res"),
        (r#"created: "inner""#, "acme.S.One: `created` names `inner`, which is not a bool field"),
        (r#"created: "made""#, "acme.S.One: `created` needs a `response_body`, which is another field"),
        (r#"not_created: "Nothing new.""#, "acme.S.One: `not_created` needs `created`"),
        (
            r#"location: "/a/{nope}""#,
            "acme.S.One: `location` names `nope`, which is a scalar field of neither the request nor the response",
        ),
        (r#"location: "/a/{id""#, "acme.S.One: `{` in `location` is never closed"),
        (r#"location: "/a/{id}/{inner.id}""#, ""),
        ("status: 404", "acme.S.One: `status` 404 is not one of success"),
    ];
    for (option, expected) in options {
        assert_eq!(refusal(r#"get: "/a""#, "public: {}", option), *expected, "{option}");
    }
    // A permission that hangs on a field the check cannot see would never be asked for.
    let rule =
        r#"allow: {scope: "a" actions: ["read"] agent: "id"} when: {query: "force" actions: ["write"]}"#;
    assert_eq!(refusal(r#"get: "/{id}""#, rule, ""), "");
    let unseen = "acme.S.One: `when` names `force`, which is not a query parameter of /acme.S/One";
    assert_eq!(refusal(r#"post: "/{id}" body: "*""#, rule, ""), unseen);
    assert_eq!(refusal(r#"post: "/{id}/{force}""#, rule, ""), unseen);
    // Members name an agent in the path, and there is nothing for them where keys name none.
    let rule = r#"allow: {scope: "a" actions: ["read"] agent: "id"} members: {role: ROLE_USER under: "/m/"}"#;
    assert_eq!(refusal(r#"get: "/{id}" additional_bindings {get: "/m/{id}/a"}"#, rule, ""), "");
    let nowhere = "acme.S.One: `/m/a` is for members and names no agent";
    assert_eq!(refusal(r#"get: "/{id}" additional_bindings {get: "/m/a"}"#, rule, ""), nowhere);
    let of_no_agent = "acme.S.One: `members` needs an `allow` that names the field of the agent";
    for rule in
        ["public: {}", "member: ROLE_USER", r#"allow: {scope: "a" actions: ["read"] agent: "PRINCIPAL"}"#]
    {
        let rule = format!(r#"{rule} members: {{role: ROLE_USER under: "/m/"}}"#);
        assert_eq!(refusal(r#"get: "/a""#, &rule, ""), of_no_agent);
    }
    // What members alone may do with an agent names it in every path.
    let rule = r#"member: ROLE_USER member_agent: "id""#;
    assert_eq!(refusal(r#"get: "/{id}""#, rule, ""), "");
    let nameless = "acme.S.One: `/a` does not name the agent `id`";
    assert_eq!(refusal(r#"get: "/{id}" additional_bindings {get: "/a"}"#, rule, ""), nameless);
    for (rule, problem) in [
        (r#"public: {} member_agent: "id""#, "`member_agent` needs `member`"),
        (
            r#"member: ROLE_USER member_agent: "PRINCIPAL""#,
            "`member_agent` needs the field that names the agent",
        ),
        (
            r#"member: ROLE_USER member_agent: "force""#,
            "`agent` names `force`, which is neither a string field nor `PRINCIPAL`",
        ),
    ] {
        assert_eq!(refusal(r#"get: "/{id}""#, rule, ""), format!("acme.S.One: {problem}"));
    }
    assert!(refusal(r#"get: "/a""#, "", "").contains("acme.S.One has no (keyward.policy.v1.rule)"));
}

/// Why a service with this annotation gets no routes; empty when it gets them.
fn refusal(http: &str, rule: &str, option: &str) -> String {
    let rule = if rule.is_empty() {
        String::new()
    } else {
        format!("option (keyward.policy.v1.rule) = {{{rule}}};")
    };
    let source = format!(
        r#"syntax = "proto3";
        package acme;
        import "google/api/annotations.proto";
        import "google/protobuf/timestamp.proto";
        import "keyward/policy/v1/policy.proto";
        import "keyward/policy/v1/precondition.proto";
        service S {{
          rpc One(Req) returns (Res) {{
            option (google.api.http) = {{{http}}};
            {rule}
            option (keyward.policy.v1.http) = {{{option}}};
          }}
          rpc Two(Req) returns (Res) {{
            option (google.api.http) = {{get: "/two"}};
            option (keyward.policy.v1.rule) = {{public: {{}}}};
          }}
        }}
        message Req {{
          string id = 1;
          string text = 2;
          repeated string list = 3;
          Inner inner = 4;
          google.protobuf.Timestamp at = 5;
          bool force = 6;
          keyward.policy.v1.Versions versions = 7;
          repeated keyward.policy.v1.Versions many = 8;
        }}
        message Res {{ Inner inner = 1; bool made = 2; }}
        message Inner {{ string id = 1; }}"#
    );
    Table::build(&pool(&source), &["acme.S"]).err().map(|e| e.to_string()).unwrap_or_default()
}
