//! Messages that stand in pieces on the wire mean to us what they mean to prost-reflect.

use std::sync::LazyLock;

use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use prost_reflect::DynamicMessage;

use super::pool;
use crate::routes::Table;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let source = r#"
        syntax = "proto3";
        package acme.v1;
        import "google/api/annotations.proto";
        import "keyward/policy/v1/pagination.proto";
        import "keyward/policy/v1/policy.proto";
        service Merging {
          rpc Merge(MergeRequest) returns (MergeResponse) {
            option (google.api.http) = {get: "/merge"};
            option (keyward.policy.v1.rule) = {public: {}};
          }
        }
        message MergeRequest {}
        message MergeResponse {
          oneof choice {
            Part a = 1;
            string b = 2;
            Part c = 3;
          }
          map<string, Part> parts = 4;
          map<int32, int32> numbers = 5;
          Part part = 6;
          keyward.policy.v1.Pagination pagination = 7;
        }
        message Part {
          int32 one = 1;
          repeated int32 two = 2;
          Part three = 3;
        }
    "#;
    Table::build(&pool(source), &["acme.v1.Merging"]).unwrap()
});

fn field(number: u8, wire: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, wire.len() as u8], wire].concat()
}

/// Some fields of a part.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let number = (1..3_u8, 0..3_u8).prop_map(|(field, number)| vec![field << 3, number]);
    vec(prop_oneof![number.clone(), number.prop_map(|inner| field(3, &inner))], 0..3)
        .prop_map(|all| all.concat())
}

/// An entry whose key and value stand there any number of times.
fn entry(
    key: impl Strategy<Value = Vec<u8>>,
    value: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![key, value], 0..5).prop_map(|all| all.concat())
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let name = "[xy]".prop_map(|name| field(1, name.as_bytes()));
    let number = |at: u8| (0..3_u8).prop_map(move |number| vec![at << 3, number]);
    prop_oneof![
        3 => part().prop_map(|wire| field(1, &wire)),
        1 => "[xy]".prop_map(|text| field(2, text.as_bytes())),
        1 => part().prop_map(|wire| field(3, &wire)),
        2 => entry(name, part().prop_map(|wire| field(2, &wire))).prop_map(|wire| field(4, &wire)),
        1 => entry(number(1), number(2)).prop_map(|wire| field(5, &wire)),
        1 => part().prop_map(|wire| field(6, &wire)),
        1 => number(1).prop_map(|wire| field(7, &wire)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_mean_what_they_mean_to_prost_reflect(pieces in vec(piece(), 0..8)) {
        let found = TABLE.find(&Method::GET, "/merge").unwrap();
        let request = found.route.plan.request(&[], None, b"", None).unwrap();
        let body = |wire: &[u8]| String::from_utf8(found.route.plan.response(&request, wire).unwrap().body).unwrap();
        let wire = pieces.concat();
        let whole = DynamicMessage::decode(found.route.rpc.method.output(), wire.as_slice()).unwrap();
        prop_assert_eq!(body(&wire), body(&whole.encode_to_vec()));
    }
}
