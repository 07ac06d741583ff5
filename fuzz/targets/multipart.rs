//! Forms with a file: a line with the `Content-Type`, then the body. In whatever pieces the body comes, it is the
//! same form, and what it holds is no longer than it is.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let Ok(content_type) = std::str::from_utf8(&input[..end]) else { return };
    let body = &input[end + 1..];
    let whole = edge::fuzzing::multipart(content_type, body, body.len());
    for piece in [1, 2, 3, 7, 64] {
        assert_eq!(edge::fuzzing::multipart(content_type, body, piece), whole, "in pieces of {piece}");
    }
    if let Some(parts) = whole {
        assert!(parts.iter().map(|(name, data)| name.len() + data.len()).sum::<usize>() <= body.len());
    }
});
