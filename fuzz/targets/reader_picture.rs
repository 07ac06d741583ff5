//! Pictures, as far as they are decoded.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| extraction_svc::reader::fuzzing::picture(input));
