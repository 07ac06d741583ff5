//! What endpoints answer, for a fuzz target.

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use super::client::{self, ModelError, RETRY_AFTER_MAX};

/// Reads an answer with this status, `Retry-After`, `Date` and body, and gives what the model says.
///
/// # Panics
///
/// When what is read of it breaks its bounds.
pub fn answer(status: u16, retry_after: &[u8], date: &[u8], body: &[u8]) -> Option<Value> {
    let status = StatusCode::from_u16(status).ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in [(RETRY_AFTER, retry_after), (DATE, date)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let pause = client::retry_after(&headers);
    assert!(pause.is_none_or(|pause| pause <= RETRY_AFTER_MAX), "{pause:?}");
    match client::read(status, body, pause) {
        Ok(completion) => completion.content.ok(),
        Err(error) => {
            // It is logged: neither the document nor a line of its own comes with it.
            if let ModelError::Status { code, .. } = &error {
                let plain = code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' '));
                assert!(plain && code.len() <= 60, "{code}");
            }
            assert!(status == StatusCode::OK || error.retry_after().is_none_or(|again| Some(again) == pause));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_read_or_refused() {
        let good = br#"{"choices":[{"message":{"content":"{\"total\": null}"}}]}"#;
        assert_eq!(answer(200, b"", b"", good), Some(json!({"total": null})));
        for (status, retry_after, date, body) in [
            (200, b"".as_slice(), b"".as_slice(), b"<html>".as_slice()),
            (429, b"99999999", b"", br#"{"error": {"code": "rate_limit_exceeded"}}"#),
            (503, b"Sun, 06 Nov 1994 08:50:07 GMT", b"Sun, 06 Nov 1994 08:49:37 GMT", good),
            (413, b"\xff", b"\n", b"\xff\xfe"),
            (0, b"", b"", b""),
        ] {
            assert_eq!(answer(status, retry_after, date, body), None, "{status}");
        }
    }
}
