//! JSON into protobuf, in both dialects: what is read is a message to prost-reflect, too, and its JSON is read as the
//! same message again.

#![no_main]

use edge::routes::Dialect;
use keyward_fuzz::{check_json, codec, descriptor};
use libfuzzer_sys::fuzz_target;
use prost_reflect::DynamicMessage;

fuzz_target!(|input: &[u8]| {
    for dialect in [Dialect::Contract, Dialect::Proto3] {
        let Ok(wire) = codec(dialect).to_wire(input) else { continue };
        assert!(DynamicMessage::decode(descriptor(), wire.as_slice()).is_ok(), "{dialect:?}: {wire:?}");
        let json = codec(dialect).to_json(&wire).expect("what is read can be written");
        check_json(dialect, &wire, &json);
    }
});
