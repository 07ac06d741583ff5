//! Where a webhook may send to, as far as its URL tells. Which address its host leads to is looked at when it is
//! connected to ([`send`](crate::send)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use svc_core::error::{Fault, Violation};

use crate::address::Allowed;
use crate::config::WebhooksConfig;

/// The most characters of a URL.
const MAX_LENGTH: usize = 2_048;

/// What the operator allows.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    pub(crate) addresses: Allowed,
    ports: Vec<u16>,
    allow_http: bool,
}

impl Targets {
    /// By the settings.
    pub(crate) fn new(config: &WebhooksConfig) -> Targets {
        Targets {
            addresses: Allowed::new(&config.allowed_ranges),
            ports: config.allowed_ports.clone(),
            allow_http: config.allow_http,
        }
    }

    /// The URL, if messages may go there.
    pub(crate) fn check(&self, text: &str) -> Result<Url, Violation> {
        let bad = |fault, message: &str| Err(Violation::new("url", fault, message));
        if text.is_empty() {
            return bad(Fault::Required, "`url` is required.");
        }
        if text.chars().count() > MAX_LENGTH {
            return bad(Fault::TooLong, "`url` has more than 2,048 characters.");
        }
        // A parser would drop some of these.
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return bad(Fault::Invalid, "`url` must not contain white space.");
        }
        let Ok(url) = Url::parse(text) else {
            return bad(Fault::Invalid, "`url` is not a URL, e.g. https://example.com/keyward.");
        };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return bad(Fault::Invalid, "`url` must begin with https://."),
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return bad(Fault::Invalid, "`url` must not hold a user name or a password.");
        }
        if url.fragment().is_some() {
            return bad(Fault::Invalid, "`url` must not have a fragment.");
        }
        if !url.port_or_known_default().is_some_and(|port| self.allows_port(port)) {
            return bad(Fault::Invalid, "`url` has a port that messages may not go to.");
        }
        if !self.allows_host(&url) {
            return bad(Fault::Invalid, "`url` has an address that messages may not go to.");
        }
        Ok(url)
    }

    fn allows_port(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }

    /// An address is looked at here, too, since nothing resolves it.
    fn allows_host(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        if let Some(address) = literal(host) {
            return self.addresses.contains(address);
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        let is_local = name == "localhost" || name.ends_with(".localhost");
        !is_local || self.addresses.contains(Ipv4Addr::LOCALHOST.into())
    }
}

/// The address, if the host of a URL is one.
fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

/// What stands between the scheme and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest);
    let rest = rest.trim_start_matches(['/', '\\']);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(config: &WebhooksConfig, url: &str) -> Option<(Fault, String)> {
        Targets::new(config).check(url).err().map(|violation| (violation.fault, violation.message))
    }

    #[test]
    fn urls() {
        let long = format!("https://example.com/{}", "a".repeat(2_028));
        let longer = format!("{long}a");
        let config = WebhooksConfig::default();
        for (url, says) in [
            ("https://example.com/keyward?x=1", None),
            ("https://example.com", None),
            ("HTTPS://EXAMPLE.com:8443/", None),
            ("https://bücher.example/ä", None),
            ("https://8.8.8.8/", None),
            ("https://[2606:4700:4700::1111]/", None),
            (long.as_str(), None),
            (longer.as_str(), Some("characters")),
            ("", Some("required")),
            ("example.com", Some("not a URL")),
            ("https://", Some("not a URL")),
            ("https://a b/", Some("white space")),
            ("https://example.com/\n", Some("white space")),
            (" https://example.com/", Some("white space")),
            ("http://example.com/", Some("https://")),
            ("ftp://example.com/", Some("https://")),
            ("file:///etc/passwd", Some("https://")),
            ("data:text/plain,x", Some("https://")),
            ("gopher://example.com/", Some("https://")),
            ("https://user@example.com/", Some("password")),
            ("https://user:secret@example.com/", Some("password")),
            ("https://@example.com/", Some("password")),
            ("https://:@example.com/", Some("password")),
            ("https://example.com/#part", Some("fragment")),
            ("https://example.com:22/", Some("port")),
            ("https://example.com:80/", Some("port")),
            ("https://example.com:0/", Some("port")),
            ("https://example.com:99999/", Some("not a URL")),
            // An address in any of the forms that a resolver or a parser would take.
            ("https://127.0.0.1/", Some("address")),
            ("https://127.1/", Some("address")),
            ("https://2130706433/", Some("address")),
            ("https://0x7f000001/", Some("address")),
            ("https://0177.0.0.1/", Some("address")),
            ("https://127.0.0.1./", Some("address")),
            ("https://１２７.0.0.1/", Some("address")),
            ("https://%31%32%37.0.0.1/", Some("address")),
            ("https://169.254.169.254/latest/meta-data", Some("address")),
            ("https://10.0.0.1/", Some("address")),
            ("https://[::1]/", Some("address")),
            ("https://[::ffff:127.0.0.1]/", Some("address")),
            ("https://[64:ff9b::7f00:1]/", Some("address")),
            ("https://[fe80::1%25eth0]/", Some("not a URL")),
            ("https://localhost/", Some("address")),
            ("https://LOCALHOST./", Some("address")),
            ("https://a.localhost/", Some("address")),
        ] {
            let refused = refusal(&config, url);
            match says {
                None => assert_eq!(refused, None, "{url}"),
                Some(says) => {
                    assert!(
                        refused.as_ref().is_some_and(|(_, text)| text.contains(says)),
                        "{url}: {refused:?}"
                    );
                }
            }
        }
        let (fault, _) = refusal(&config, "").unwrap();
        assert_eq!(fault, Fault::Required);
        let (fault, _) = refusal(&config, &longer).unwrap();
        assert_eq!(fault, Fault::TooLong);
    }

    #[test]
    fn what_the_operator_allows() {
        let config = WebhooksConfig {
            allowed_ranges: vec!["127.0.0.0/8".parse().unwrap()],
            allowed_ports: Vec::new(),
            allow_http: true,
            ..WebhooksConfig::default()
        };
        for (url, good) in [
            ("http://127.0.0.1:1234/", true),
            ("http://localhost:1234/", true),
            ("http://10.0.0.1/", false),
            ("http://[::1]/", false),
            ("http://user@127.0.0.1/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(refusal(&config, url).is_none(), good, "{url}");
        }
    }
}
