//! HTML.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = extraction_svc::reader::fuzzing::document(&[b"<html>", input].concat());
});
