//! Documents of any kind that is read within the process: whatever the bytes are, what is written of them holds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = extraction_svc::reader::fuzzing::document(input);
});
