//! Mails, from somewhere in their head on.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let head = b"From: a@example.com\nDate: Sun, 21 Aug 2022 09:12:00 +0000\nMIME-Version: 1.0\n";
    let _ = extraction_svc::reader::fuzzing::document(&[head, input].concat());
});
