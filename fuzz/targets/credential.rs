//! Credentials: the forms that auth-svc looks at before any I/O, and the headers that the edge takes
//! them from.

#![no_main]

use std::sync::Mutex;

use auth_svc::fuzzing::{AgentMode, is_api_key, is_secret, is_token, last4};
use auth_svc::fuzzing::{new_api_key, new_secret, new_token};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use svc_core::random::Random;

/// What credentials stand in.
const NAMES: [&str; 3] = ["x-api-key", "x-api-secret", "authorization"];

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        forms(text);
    }
    made(input);
    headers(input);
});

/// At most one form fits, and what fits has it.
fn forms(text: &str) {
    last4(text);
    let fits = [
        (is_api_key(text), &["kw_live_", "kw_test_"][..], 28),
        (is_secret(text), &["kws_live_", "kws_test_"], 49),
        (is_token(text), &["kwp_"], 49),
    ];
    assert!(fits.iter().filter(|(fits, ..)| *fits).count() <= 1);
    for (_, prefixes, rest) in fits.into_iter().filter(|(fits, ..)| *fits) {
        let rests: Vec<&str> = prefixes.iter().filter_map(|prefix| text.strip_prefix(prefix)).collect();
        assert!(rests.len() == 1 && rests[0].len() == rest && rests[0].is_ascii());
    }
}

/// The input in the place of randomness.
struct Given(Mutex<std::vec::IntoIter<u8>>);

impl Random for Given {
    fn fill(&self, bytes: &mut [u8]) {
        let mut given = self.0.lock().unwrap();
        bytes.fill_with(|| given.next().unwrap_or_default());
    }
}

/// What is generated fits, and no longer when one character is another one.
fn made(input: &[u8]) {
    let Some((&[kind, at, to], rest)) = input.split_first_chunk() else { return };
    let random = Given(Mutex::new(rest.to_vec().into_iter()));
    let mode = if kind & 1 == 0 { AgentMode::Live } else { AgentMode::Test };
    let (credential, fits): (_, fn(&str) -> bool) = match kind % 3 {
        0 => (new_api_key(mode, &random), is_api_key),
        1 => (new_secret(mode, &random).expose().to_owned(), is_secret),
        _ => (new_token(&random).expose().to_owned(), is_token),
    };
    assert!(fits(&credential), "{credential}");
    forms(&credential);
    let mut typo = credential.clone().into_bytes();
    let at = usize::from(at) % typo.len();
    if typo[at] != to {
        typo[at] = to;
        assert!(
            String::from_utf8(typo).is_ok_and(|typo| !fits(&typo)) || !to.is_ascii(),
            "{credential} {at} {to}"
        );
    }
}

/// Each line is a header: a byte that chooses its name, then its value. None stays in the head, and what
/// is taken is the same in two headers as in one.
fn headers(input: &[u8]) {
    let mut head = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        let Some((&name, value)) = line.split_first() else { continue };
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        head.append(HeaderName::from_static(NAMES[usize::from(name) % NAMES.len()]), value);
    }
    let mut of_member = head.clone();
    if let Some(token) = edge::fuzzing::member_token(&mut of_member) {
        assert!(token.starts_with("kwp_") && token.is_ascii());
    }
    let taken = edge::fuzzing::api_key(&mut head);
    assert!(head.is_empty() && of_member.is_empty());
    let Some((key, secret)) = taken else { return };
    assert!(!key.is_empty() && !secret.is_empty());

    let pair = format!("{key}:{secret}");
    if key.contains(':') || !pair.bytes().all(|byte| byte.is_ascii_graphic()) {
        return;
    }
    let basic = format!("Basic {}", STANDARD.encode(&pair));
    let mut again = HeaderMap::from_iter([(http::header::AUTHORIZATION, basic.parse().unwrap())]);
    assert_eq!(edge::fuzzing::api_key(&mut again), Some((key, secret)));
}
