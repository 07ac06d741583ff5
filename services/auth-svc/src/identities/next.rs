//! Where the browser goes once it is signed in: a page of the dashboard, never another site.

/// The longest path.
const MAX: usize = 512;

/// `next` if it is a path of the dashboard, with a query at most; else its first page.
pub(super) fn next_or_home(next: Option<&str>) -> String {
    next.filter(|next| is_own_page(next)).unwrap_or("/").to_owned()
}

/// Browsers read `//host` and `/\host` as other hosts and drop tabs and line breaks, so only plain characters pass. The
/// API is no page.
fn is_own_page(path: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~/?=&%+,:".contains(&c);
    path.len() <= MAX
        && path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains("..")
        && path.bytes().all(plain)
        && path != "/v1"
        && !path.starts_with("/v1/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_dashboard() {
        let long = format!("/{}", "x".repeat(512));
        for (next, goes_to) in [
            ("/agents/65f0/api-keys?status=ACTIVE&page=2", None),
            ("/", None),
            ("/settings/sessions", None),
            ("", Some("/")),
            ("https://evil.example", Some("/")),
            ("//evil.example", Some("/")),
            ("/\\evil.example", Some("/")),
            ("\\\\evil.example", Some("/")),
            ("/\t/evil.example", Some("/")),
            ("/a\r\nSet-Cookie: x=y", Some("/")),
            ("javascript:alert(1)", Some("/")),
            ("/a/../../b", Some("/")),
            ("/v1/console/session", Some("/")),
            ("/v1", Some("/")),
            ("/a#b", Some("/")),
            ("/ä", Some("/")),
            (long.as_str(), Some("/")),
        ] {
            assert_eq!(next_or_home(Some(next)), goes_to.unwrap_or(next), "{next:?}");
        }
        assert_eq!(next_or_home(None), "/");
    }
}
