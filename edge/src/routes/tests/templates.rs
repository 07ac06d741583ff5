//! Path templates of any service, and which of them wins.

use super::super::template::{Segment, Template};
use super::{Table, lookup, pool};

#[test]
fn templates() {
    // The segments; each variable with where it starts and ends, or `..` for what takes the rest; the verb.
    let good: &[(&str, usize, &[&str], Option<&str>)] = &[
        ("/v1/a", 2, &[], None),
        ("/v1/{a}", 2, &["a 1 2"], None),
        ("/v1/{a.b}/c/{d}:verb", 4, &["a.b 1 2", "d 3 4"], Some("verb")),
        ("/v1/a:verb", 2, &[], Some("verb")),
        ("/v1/{name=shelves/*/books/*}/x", 6, &["name 1 5"], None),
        ("/v1/*/a", 3, &[], None),
        ("/{a=*}", 1, &["a 0 1"], None),
        ("/**", 1, &[], None),
        ("/v1/**:verb", 2, &[], Some("verb")),
        ("/{a=**}", 1, &["a 0 .."], None),
        ("/v1/{name=shelves/*/books/**}:read", 5, &["name 1 .."], Some("read")),
        ("/v1/{a}/{b=**}", 3, &["a 1 2", "b 2 .."], None),
        ("/{a=b}", 1, &["a 0 1"], None),
        // Literals as RFC 3986 has them; what else they hold is encoded.
        ("/a!$&'()+,;=@b", 1, &[], None),
        ("/ü", 1, &[], None),
        ("/a%20b", 1, &[], None),
    ];
    for (text, segments, variables, verb) in good {
        let template = Template::parse(text).unwrap();
        let found = template.variables.iter().map(|v| {
            let end = v.span.end.map_or("..".to_owned(), |end| end.to_string());
            format!("{} {} {end}", v.field, v.span.start)
        });
        assert_eq!(
            (template.segments.len(), found.collect::<Vec<_>>()),
            (*segments, variables.iter().map(|v| v.to_string()).collect()),
            "{text}"
        );
        assert_eq!(template.verb.as_deref(), *verb, "{text}");
    }
    let literal = |text: &str| Segment::Literal(text.to_owned());
    for (text, segments) in [
        ("/a/*", vec![literal("a"), Segment::Any]),
        ("/{x=a/**}", vec![literal("a"), Segment::Rest]),
        ("/ü/a%2fb/%61", vec![literal("%C3%BC"), literal("a%2Fb"), literal("a")]),
    ] {
        assert_eq!(Template::parse(text).unwrap().segments, segments, "{text}");
    }
    let long = "/a".repeat(65);
    let bad = [
        "",
        "a",
        "/",
        "//",
        "/a/",
        "/a//b",
        "/{a",
        "/a}",
        "/{}",
        "/{=a}",
        "/{a}b",
        "/a{b}",
        "/{a}/{a}",
        "/a:",
        "/a:b:c",
        "/a:b/c",
        "/a b",
        "/.",
        "/a/..",
        "/{a=}",
        "/a*",
        "/***",
        "/**/a",
        "/{a=**}/b",
        "/{a=**/b}",
        "/{a=**}/{b=**}",
        "/**/**",
        "/{a={b}}",
        "/{a=b/{c}}",
        "/a?b",
        "/a#b",
        "/a%",
        "/a%zz",
        "/%2E%2e",
        "/%ff",
        "/a\\b",
        "/a:b%20c",
        "/a:ü",
        "/{a=b:c}",
        &long,
    ];
    for text in bad {
        assert!(Template::parse(text).is_err(), "{text}");
    }
}

/// The routes of `acme.Files`, each RPC of which has these templates.
fn files(rpcs: &[(&str, &[&str])]) -> Table {
    let rpc = |(name, patterns): &(&str, &[&str])| {
        let additional = patterns[1..].iter().map(|p| format!("additional_bindings {{{p}}}"));
        format!(
            "rpc {name}(Req) returns (Res) {{
               option (google.api.http) = {{{} {}}};
               option (keyward.policy.v1.rule) = {{public: {{}}}};
             }}",
            patterns[0],
            additional.collect::<Vec<_>>().join(" ")
        )
    };
    let source = format!(
        r#"syntax = "proto3";
        package acme;
        import "google/api/annotations.proto";
        import "keyward/policy/v1/policy.proto";
        service Files {{ {} }}
        message Req {{ string name = 1; string other = 2; Req inner = 3; int32 number = 4; string own = 5 [(keyward.policy.v1.field).opaque = true]; }}
        message Res {{}}"#,
        rpcs.iter().map(rpc).collect::<Vec<_>>().join("\n")
    );
    Table::build(&pool(&source), &["acme.Files"]).unwrap()
}

#[test]
fn paths_of_any_length() {
    let table = files(&[
        ("All", &[r#"get: "/files/{name=**}""#]),
        ("Verb", &[r#"get: "/files/{name=**}:stat""#]),
        ("Books", &[r#"get: "/v1/{name=shelves/*/books/**}""#]),
        ("Book", &[r#"get: "/v1/{name=shelves/*/books/*}""#]),
        ("Latest", &[r#"get: "/v1/{name=shelves/*/books/latest}""#]),
        ("Anything", &[r#"get: "/v1/**""#]),
        ("Two", &[r#"get: "/two/{other}/{name=**}""#]),
        ("Nested", &[r#"get: "/nested/{inner.inner.name=a/**}:x""#]),
        ("Own", &[r#"get: "/own/{own}/{name=b/*}""#]),
        ("Umlaut", &[r#"get: "/ü/a@b""#]),
    ]);
    let cases: &[(&str, &str)] = &[
        ("/files/a", "All a"),
        ("/files/a/b/c", "All a/b/c"),
        // `**` takes no segment, too, but a slash at the end begins one, which is empty.
        ("/files", "All "),
        ("/files/", "404"),
        ("/files/a/", "404"),
        ("/files/a//b", "404"),
        ("/files/a/../b", "404"),
        ("/files/%2e%2E", "404"),
        // Escapes are decoded but for that of a slash.
        ("/files/a%20b/%C3%BC%3Fc", "All a b/ü?c"),
        ("/files/a%2Fb/c", "All a%2Fb/c"),
        ("/files/a%2fb", "All a%2Fb"),
        ("/files/a%252Fb", "All a%2Fb"),
        ("/files/%C3%BC%2F%C3%BC", "All ü%2Fü"),
        ("/files/%ff", "404"),
        ("/files/a:stat", "Verb a"),
        ("/files/a/b:stat", "Verb a/b"),
        ("/files/a/b:nope", "All a/b:nope"),
        ("/files/a:stat/b", "All a:stat/b"),
        ("/files/a/b%3Astat", "All a/b:stat"),
        ("/files/a/:stat", "All a/:stat"),
        ("/files:stat", "Verb "),
        ("/files:nope", "404"),
        // Literals first, then one segment, then the rest.
        ("/v1/shelves/1/books/latest", "Latest shelves/1/books/latest"),
        ("/v1/shelves/1/books/2", "Book shelves/1/books/2"),
        ("/v1/shelves/1/books/2%2F3", "Book shelves/1/books/2%2F3"),
        ("/v1/shelves/1/books/latest/x", "Books shelves/1/books/latest/x"),
        ("/v1/shelves/1/books", "Books shelves/1/books"),
        ("/v1/shelves/1", "Anything"),
        ("/v1", "Anything"),
        ("/v2", "404"),
        ("/two/a/b/c", "Two a b/c"),
        ("/two/a", "Two a "),
        ("/two", "404"),
        ("/two/a%2Fb/c", "404"),
        ("/nested/a/b/c:x", "Nested a/b/c"),
        ("/nested/a:x", "Nested a"),
        ("/nested/a/b", "404"),
        // One segment that is the caller's own text may hold a slash.
        ("/own/a%2Fb/b/c%2Fd", "Own a/b b/c%2Fd"),
        ("/%C3%BC/a@b", "Umlaut"),
        ("/%c3%bc/a@b", "Umlaut"),
    ];
    for (path, expected) in cases {
        assert_eq!(lookup(&table, "GET", path), *expected, "{path}");
    }
    let long = |segments: usize| format!("/files{}", "/a".repeat(segments));
    assert!(lookup(&table, "GET", &long(255)).starts_with("All a/a"));
    assert_eq!(lookup(&table, "GET", &long(256)), "404");
}

#[test]
fn methods_of_a_binding() {
    let table = files(&[
        ("Any", &[r#"custom: {kind: "*" path: "/a"} body: "*""#]),
        ("Put", &[r#"put: "/a""#, r#"get: "/b/{name}""#, r#"post: "/c" body: "inner""#]),
        ("Purge", &[r#"custom: {kind: "PURGE" path: "/a"}"#, r#"custom: {kind: "HEAD" path: "/b/{name}"}"#]),
    ]);
    let cases: &[(&str, &str, &str)] = &[
        ("GET", "/a", "Any"),
        ("HEAD", "/a", "Any"),
        ("POST", "/a", "Any"),
        ("PATCH", "/a", "Any"),
        ("DELETE", "/a", "Any"),
        // A binding to just one method goes first, whichever stands before.
        ("PUT", "/a", "Put"),
        ("PURGE", "/a", "Purge"),
        ("LINK", "/a", "405 DELETE, GET, HEAD, OPTIONS, PATCH, POST, PURGE, PUT"),
        ("GET", "/b/1", "Put 1"),
        ("HEAD", "/b/1", "Purge 1"),
        ("POST", "/c", "Put"),
        ("GET", "/c", "405 OPTIONS, POST"),
    ];
    for (method, path, expected) in cases {
        assert_eq!(lookup(&table, method, path), *expected, "{method} {path}");
    }
    for (index, route) in table.routes().enumerate() {
        assert_eq!(route.index, index, "{route:?}");
    }
}
