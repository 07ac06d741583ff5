//! What came back, and whether it is what the contract says.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked, for the message of a failure.
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// A success with this status and message, in the contract's envelope. Gives `data`.
    #[track_caller]
    pub fn success(&self, status: u16, message: &str) -> &Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.body);
        assert_eq!(self.body["success"], true, "{}: {}", self.asked, self.body);
        assert_eq!(self.body["message"], message, "{}", self.asked);
        let names: Vec<&str> = self.body.as_object().unwrap().keys().map(String::as_str).collect();
        let with_pagination = names.contains(&"pagination");
        assert_eq!(names.len(), 3 + usize::from(with_pagination), "{}: {names:?}", self.asked);
        self.carries_what_every_answer_does();
        &self.body["data"]
    }

    /// A success of any wording. Gives `data`.
    #[track_caller]
    pub fn ok(&self) -> &Value {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.body);
        &self.body["data"]
    }

    /// A refusal with this status and code, in exactly the contract's form. Gives the details.
    #[track_caller]
    pub fn refusal(&self, status: u16, code: &str) -> &Value {
        let asked = &self.asked;
        assert_eq!(
            (self.status, &self.body["error"]["code"]),
            (status, &json!(code)),
            "{asked}: {}",
            self.body
        );
        let details = &self.body["error"]["details"];
        let mut error = json!({
            "code": code,
            "requestId": self.header("x-request-id"),
            "details": details,
        });
        let names_another = code == "conflict" && self.body["error"].get("id").is_some();
        if code == "already_exists" || names_another {
            error["id"] = self.body["error"]["id"].clone();
        }
        let expected = json!({"success": false, "message": self.body["message"], "error": error});
        assert_eq!(self.body, expected, "{asked}");
        assert!(self.body["message"].as_str().is_some_and(|m| !m.is_empty()), "{asked}: {}", self.body);
        for detail in details.as_array().unwrap_or_else(|| panic!("{asked}: {}", self.body)) {
            let names: Vec<&str> = detail.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(names.len() == 3 && detail["message"].is_string(), "{asked}: {detail}");
            assert!(detail["field"].is_string() && detail["code"].is_string(), "{asked}: {detail}");
        }
        let challenge = if status == 401 { "ApiKey realm=\"keyward\"" } else { "" };
        assert_eq!(self.header("www-authenticate"), challenge, "{asked}");
        let says_when = matches!(status, 429 | 503) || code == "request_in_progress";
        assert_eq!(self.headers.contains_key("retry-after"), says_when, "{asked}");
        assert_eq!(self.header("cache-control"), "no-store", "{asked}");
        self.carries_what_every_answer_does();
        details
    }

    #[track_caller]
    fn carries_what_every_answer_does(&self) {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.asked);
        assert_eq!(self.header("x-request-id").len(), 24, "{}", self.asked);
        let cached = if self.headers.contains_key("etag") { "private, no-cache" } else { "no-store" };
        let no_store = self.header("cache-control") == "no-store";
        assert!(no_store || self.header("cache-control") == cached, "{}: {:?}", self.asked, self.headers);
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{}", self.asked);
    }
}

/// Compares with a literal in which `"<id>"`, `"<time>"`, `"<cursor>"` and `"<text>"` stand for any id, any
/// time, any cursor and any text.
#[track_caller]
pub fn assert_json(actual: &Value, expected: Value) {
    assert!(is_like(actual, &expected), "expected {expected:#}\ngot {actual:#}");
}

fn is_like(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::String(actual), Value::String(expected)) => match expected.as_str() {
            "<id>" => svc_core::ids::is_id(actual),
            "<time>" => is_time(actual),
            "<cursor>" => {
                !actual.is_empty()
                    && actual.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
            }
            "<text>" => true,
            _ => actual == expected,
        },
        (Value::Object(actual), Value::Object(expected)) => {
            actual.len() == expected.len()
                && expected.iter().all(|(name, value)| actual.get(name).is_some_and(|a| is_like(a, value)))
        }
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len() && actual.iter().zip(expected).all(|(a, e)| is_like(a, e))
        }
        _ => actual == expected,
    }
}

/// RFC 3339 in UTC with milliseconds.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00.000Z";
    text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(c, form)| if *form == b'0' { c.is_ascii_digit() } else { c == *form })
}
