//! Protobuf into JSON, in both dialects: whatever a service sends, it is refused or becomes JSON, which in protobuf's
//! own dialect is the same message to prost-reflect.

#![no_main]

use edge::routes::Dialect;
use keyward_fuzz::{check_json, codec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for dialect in [Dialect::Contract, Dialect::Proto3] {
        if let Some(json) = codec(dialect).to_json(input) {
            check_json(dialect, input, &json);
        }
    }
});
