//! `[edge]`: the settings of the edge.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use svc_core::address::canonical;
use svc_core::grpc::Address;
use svc_core::secret::Secret;

/// `[edge]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where to listen for HTTP, `host:port`. Beyond loopback only with `behind_tls_proxy`.
    pub listen: String,
    /// A proxy in front of this listener terminates TLS. Without it, credentials would cross the
    /// network in the clear, so a listener beyond loopback is refused.
    pub behind_tls_proxy: bool,
    /// Where the services are. One that is not named runs in this process.
    pub upstreams: Upstreams,
    /// The credential of the edge at auth-svc, when that runs apart.
    pub auth_token: Option<Secret>,
    /// The proxies whose forwarding header is believed: addresses or CIDR ranges.
    pub trusted_proxies: ProxyRanges,
    /// The header that tells the client's address behind a trusted proxy. The other one is not read.
    pub forwarded_header: ForwardedHeader,
    /// How many requests a second one client address (IPv6: its /64) may make, twice as many at
    /// once. 0: no cap.
    pub address_requests_per_second: u32,
    /// The largest JSON body, in bytes.
    pub max_json_body_bytes: usize,
    /// The time in which a request body must arrive, in seconds.
    pub body_timeout_seconds: u64,
    /// The time in which a request head must arrive, in seconds. Since waiting for the next head is
    /// the same to HTTP/1.1, it is also how long an idle connection is kept.
    pub head_timeout_seconds: u64,
    /// How many connections are open at once. More wait in the system's queue.
    pub max_connections: usize,
    /// The time that the credential check may take, in milliseconds.
    pub authorize_timeout_ms: u64,
    /// How much of it the first replica of auth-svc has before another one is asked, in milliseconds.
    /// Where there is one replica only, that has all of it.
    pub authorize_try_ms: u64,
    /// How long requests in flight may take to end at a stop, in seconds.
    pub drain_seconds: u64,
    /// At which level each request is logged.
    pub access_log: AccessLog,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: "127.0.0.1:8080".to_owned(),
            behind_tls_proxy: false,
            upstreams: Upstreams::default(),
            auth_token: None,
            trusted_proxies: ProxyRanges::default(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            address_requests_per_second: 1_000,
            max_json_body_bytes: 1024 * 1024,
            body_timeout_seconds: 30,
            head_timeout_seconds: 30,
            max_connections: 10_000,
            authorize_timeout_ms: 2_000,
            authorize_try_ms: 500,
            drain_seconds: 20,
            access_log: AccessLog::Debug,
        }
    }
}

/// `[edge.upstreams]`: the addresses of each service, one or several.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Upstreams {
    /// auth-svc.
    pub auth: Option<Addresses>,
    /// contacts-svc.
    pub contacts: Option<Addresses>,
    /// extraction-svc.
    pub extraction: Option<Addresses>,
}

/// One or several addresses of a service. As text they are separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Addresses(pub Vec<Address>);

/// Addresses and CIDR ranges. As text they are separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProxyRanges(pub Vec<IpNet>);

/// The header that tells the client's address behind a trusted proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// At which level each request is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLog {
    /// Only when the log's filter asks for `edge=debug`.
    Debug,
    /// Always, unless the log's filter says otherwise.
    Info,
}

/// A setting that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Credentials would cross the network in the clear.
    #[error(
        "edge.listen is {0}, beyond loopback, and nothing terminates TLS: put a proxy in front and set \
         edge.behind_tls_proxy = true, or listen on 127.0.0.1"
    )]
    NoTls(SocketAddr),
    /// A setting must not be zero.
    #[error("edge.{0} must be at least 1")]
    Zero(&'static str),
}

impl Config {
    /// Whether the edge may serve with these settings on this address.
    pub fn check(&self, listening_on: SocketAddr) -> Result<(), ConfigError> {
        if !canonical(listening_on.ip()).is_loopback() && !self.behind_tls_proxy {
            return Err(ConfigError::NoTls(listening_on));
        }
        let bounds = [
            ("max_json_body_bytes", self.max_json_body_bytes == 0),
            ("body_timeout_seconds", self.body_timeout_seconds == 0),
            ("head_timeout_seconds", self.head_timeout_seconds == 0),
            ("max_connections", self.max_connections == 0),
            ("authorize_timeout_ms", self.authorize_timeout_ms == 0),
            ("authorize_try_ms", self.authorize_try_ms == 0),
        ];
        match bounds.iter().find(|(_, zero)| *zero) {
            Some((name, _)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }
}

/// A list, or text with commas between the elements, as the environment gives it.
#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrList {
    Text(String),
    List(Vec<String>),
}

impl TextOrList {
    fn parse<T>(self, element: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
        let elements = match self {
            TextOrList::Text(text) => text.split(',').map(|e| e.trim().to_owned()).collect(),
            TextOrList::List(list) => list,
        };
        elements.iter().filter(|e| !e.is_empty()).map(|e| element(e)).collect()
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Addresses, D::Error> {
        let parse = |text: &str| text.parse::<Address>().map_err(|e| e.to_string());
        let addresses = TextOrList::deserialize(deserializer)?.parse(parse).map_err(D::Error::custom)?;
        match addresses.is_empty() {
            true => Err(D::Error::custom("give at least one address")),
            false => Ok(Addresses(addresses)),
        }
    }
}

impl<'de> Deserialize<'de> for ProxyRanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ProxyRanges, D::Error> {
        let ranges = TextOrList::deserialize(deserializer)?.parse(range).map_err(D::Error::custom)?;
        Ok(ProxyRanges(ranges))
    }
}

/// An address or a CIDR range. Host bits that are set are probably a mistake, so they are refused.
fn range(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = IpAddr::from_str(text) {
        return Ok(IpNet::from(canonical(address)));
    }
    let range =
        IpNet::from_str(text).map_err(|_| format!("{text} is neither an address nor a CIDR range"))?;
    match range == range.trunc() {
        true => Ok(range),
        false => Err(format!("{text} has host bits set: write {}", range.trunc())),
    }
}

impl ForwardedHeader {
    /// The name of the header.
    pub const fn name(self) -> &'static str {
        match self {
            ForwardedHeader::XForwardedFor => "X-Forwarded-For",
            ForwardedHeader::Forwarded => "Forwarded",
        }
    }
}

impl Serialize for ForwardedHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ForwardedHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ForwardedHeader, D::Error> {
        let name = String::deserialize(deserializer)?;
        [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded]
            .into_iter()
            .find(|header| header.name().eq_ignore_ascii_case(&name))
            .ok_or_else(|| D::Error::custom("give X-Forwarded-For or Forwarded"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_section_is_the_default() {
        let config: Config = serde_json::from_value(json!({})).unwrap();
        assert_eq!(config.listen, "127.0.0.1:8080");
        assert_eq!(config.address_requests_per_second, 1_000);
        assert!(config.upstreams.auth.is_none() && config.trusted_proxies.0.is_empty());
    }

    #[test]
    fn lists_are_lists_or_text_with_commas() {
        for value in [json!(["10.0.0.0/8", "::1"]), json!("10.0.0.0/8, ::1")] {
            let config: Config = serde_json::from_value(json!({"trusted_proxies": value})).unwrap();
            assert_eq!(config.trusted_proxies.0, ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        }
        for value in [json!(["a:1", "unix:/run/a.sock"]), json!("a:1,unix:/run/a.sock")] {
            let upstreams: Upstreams = serde_json::from_value(json!({"auth": value})).unwrap();
            assert_eq!(upstreams.auth.unwrap().0.len(), 2);
        }
    }

    #[test]
    fn bad_settings_say_what_is_wrong() {
        for (bad, says) in [
            (json!({"trusted_proxies": "10.0.0.1/8"}), "write 10.0.0.0/8"),
            (json!({"trusted_proxies": ["proxy"]}), "neither an address nor a CIDR range"),
            (json!({"forwarded_header": "X-Real-IP"}), "X-Forwarded-For or Forwarded"),
            (json!({"upstreams": {"auth": ""}}), "at least one address"),
            (json!({"upstreams": {"auth": "nowhere"}}), "nowhere is not an address"),
        ] {
            let error = serde_json::from_value::<Config>(bad.clone()).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn printing_hides_the_token() {
        let config = Config { auth_token: Some(Secret::new("hush")), ..Config::default() };
        assert!(!serde_json::to_string(&config).unwrap().contains("hush"));
    }

    #[test]
    fn beyond_loopback_tls_must_end_somewhere() {
        let proxied = Config { behind_tls_proxy: true, ..Config::default() };
        for (address, direct) in [
            ("127.0.0.1:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", false),
            ("[::]:80", false),
            ("192.0.2.1:80", false),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(Config::default().check(address).is_ok(), direct, "{address}");
            assert_eq!(proxied.check(address), Ok(()));
        }
    }
}
