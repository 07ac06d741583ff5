//! What poppler writes of pages that want to harm, in pieces, and the look at a PDF's operators.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((piece, rows)) = input.split_first() else { return };
    extraction_svc::reader::fuzzing::poppler(rows, usize::from(*piece));
});
