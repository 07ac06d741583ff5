//! `[edge]`: the settings of the edge.

mod dashboard;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::Uri;
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use svc_core::address::{canonical, canonical_range};
use svc_core::secret::Secret;
use svc_runtime::grpc::Address;
use svc_runtime::settings::TextOrList;

pub(crate) use dashboard::header;
pub use dashboard::{DashboardConfig, PublicUrl};

/// The most that `max_json_body_bytes` may be: such a body is one message, and services read no more than 4 MiB.
pub const MAX_JSON_BODY: usize = 3 * 1024 * 1024;
/// The most that `max_upload_bytes` may be. An upload has ten minutes, and is never held.
pub const MAX_UPLOAD: usize = 16 * 1024 * 1024 * 1024;

/// `[edge]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where to listen for HTTP, `host:port`. Beyond loopback only with `behind_tls_proxy`.
    pub listen: String,
    /// A proxy in front of this listener terminates TLS. Without it, credentials would cross the
    /// network in the clear, so a listener beyond loopback is refused.
    pub behind_tls_proxy: bool,
    /// Where clients find the API, e.g. `https://api.example.com`; the dashboard shows it. Default: where it listens.
    pub url: Option<PublicUrl>,
    /// Where the edge runs alone: each of its threads has connections of its own, to clients and to the services, and
    /// does all that is asked over them. `false`: all threads share all work, which suits few clients that ask for
    /// much at once over one connection of HTTP/2.
    pub runtime_per_thread: bool,
    /// Where the services are. One that is not named runs in this process.
    pub upstreams: Upstreams,
    /// The credential of the edge at auth-svc, when that runs in another process.
    pub auth_token: Option<Secret>,
    /// The proxies whose forwarding header is believed: addresses or CIDR ranges.
    pub trusted_proxies: ProxyRanges,
    /// The header that tells the client's address behind a trusted proxy. The other one is not read.
    pub forwarded_header: ForwardedHeader,
    /// The origins whose pages may call from a browser, as `https://app.example.com`, or `*` for any. None by default.
    pub cors_origins: Origins,
    /// Whether tools may ask on this port what can be called over gRPC (grpc.reflection.v1), without credentials: what
    /// the OpenAPI document says, for gRPC.
    pub reflection: bool,
    /// How many requests a second one client address (IPv6: its /64) may make, twice as many at
    /// once. 0: no cap.
    pub address_requests_per_second: u32,
    /// The largest JSON body, in bytes, and the largest of any other type that goes on in one message; of a form, all
    /// its text parts together. At most [`MAX_JSON_BODY`].
    pub max_json_body_bytes: usize,
    /// The largest body, or file of a form, that is handed on in pieces, in bytes. At most [`MAX_UPLOAD`].
    pub max_upload_bytes: usize,
    /// The most values of a JSON body: each object and list is one, and each member and element.
    pub max_json_body_values: usize,
    /// The time in which a request body must arrive, in seconds; the next piece of it, where a body is handed on as
    /// it comes.
    pub body_timeout_seconds: u64,
    /// The time in which a request head must arrive, in seconds, and what an HTTP/2 connection begins with.
    pub head_timeout_seconds: u64,
    /// How long a connection without requests is kept, in seconds, also when it answers PING.
    pub idle_timeout_seconds: u64,
    /// How long a client may read nothing of its answers, in seconds.
    pub write_timeout_seconds: u64,
    /// How many connections are open at once. When there are more, the one goes that has waited for its
    /// client for longest.
    pub max_connections: usize,
    /// How many of them one client address (IPv6: its /64) may have. Trusted proxies have no such bound. 0: no
    /// bound.
    pub max_connections_per_address: usize,
    /// How many bytes of answers may wait to be read by their clients, in all. When there are more, the
    /// connection goes that most of them wait for.
    pub max_unread_answer_bytes: usize,
    /// The most requests of data that may be in flight at once. Measured latency allows fewer; what is over
    /// that is refused with 503 `overloaded`.
    pub max_in_flight: usize,
    /// The time that the credential check may take, in milliseconds.
    pub authorize_timeout_ms: u64,
    /// How much of it the first replica of auth-svc has before another one is asked, in milliseconds.
    /// Where there is one replica only, that has all of it.
    pub authorize_try_ms: u64,
    /// How long requests in flight may take to end at a stop, in seconds.
    pub drain_seconds: u64,
    /// The most requests a second that go into the request log of auth-svc: so many that succeeded, and so many
    /// others. More are dropped and counted. 0: none are logged.
    pub request_log_per_second: u32,
    /// At which level each request is logged.
    pub access_log: AccessLog,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: "127.0.0.1:8080".to_owned(),
            behind_tls_proxy: false,
            url: None,
            runtime_per_thread: true,
            upstreams: Upstreams::default(),
            auth_token: None,
            trusted_proxies: ProxyRanges::default(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            cors_origins: Origins::default(),
            reflection: true,
            address_requests_per_second: 1_000,
            max_json_body_bytes: 1024 * 1024,
            max_upload_bytes: 100 * 1024 * 1024,
            max_json_body_values: 65_536,
            body_timeout_seconds: 30,
            head_timeout_seconds: 10,
            idle_timeout_seconds: 75,
            write_timeout_seconds: 30,
            max_connections: 10_000,
            max_connections_per_address: 1_000,
            max_unread_answer_bytes: 128 * 1024 * 1024,
            max_in_flight: 1_024,
            authorize_timeout_ms: 2_000,
            authorize_try_ms: 500,
            drain_seconds: 20,
            request_log_per_second: 1_000,
            access_log: AccessLog::Debug,
        }
    }
}

/// `[edge.upstreams]`: the addresses of services by their names, one or several of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Upstreams(pub BTreeMap<String, Addresses>);

impl Upstreams {
    /// Where a service is, if it is said.
    pub fn of(&self, service: &str) -> Option<&[Address]> {
        self.0.get(service).map(|addresses| addresses.0.as_slice())
    }

    /// The services that are named.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// One or several addresses of a service. As text they are separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Addresses(pub Vec<Address>);

/// Addresses and CIDR ranges. As text they are separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProxyRanges(pub Vec<IpNet>);

/// Origins of pages. As text they are separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origins(pub Vec<String>);

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
    /// Passwords and sessions would cross the network in the clear.
    #[error(
        "dashboard.listen is {0}, beyond loopback, and nothing terminates TLS: put a proxy in front and set \
         dashboard.url = \"https://…\", or listen on 127.0.0.1"
    )]
    DashboardNoTls(SocketAddr),
    /// A setting must not be zero.
    #[error("edge.{0} must be at least 1")]
    Zero(&'static str),
    /// A setting is larger than anything behind it takes.
    #[error("edge.{0} must be at most {1}")]
    TooLarge(&'static str, usize),
}

impl Config {
    /// Whether the edge may serve with these settings on this address.
    pub fn check(&self, listening_on: SocketAddr) -> Result<(), ConfigError> {
        if !canonical(listening_on.ip()).is_loopback() && !self.behind_tls_proxy {
            return Err(ConfigError::NoTls(listening_on));
        }
        let bounds = [
            ("max_json_body_bytes", self.max_json_body_bytes == 0),
            ("max_upload_bytes", self.max_upload_bytes == 0),
            ("max_json_body_values", self.max_json_body_values == 0),
            ("body_timeout_seconds", self.body_timeout_seconds == 0),
            ("head_timeout_seconds", self.head_timeout_seconds == 0),
            ("idle_timeout_seconds", self.idle_timeout_seconds == 0),
            ("write_timeout_seconds", self.write_timeout_seconds == 0),
            ("max_connections", self.max_connections == 0),
            ("max_unread_answer_bytes", self.max_unread_answer_bytes == 0),
            ("max_in_flight", self.max_in_flight == 0),
            ("authorize_timeout_ms", self.authorize_timeout_ms == 0),
            ("authorize_try_ms", self.authorize_try_ms == 0),
        ];
        if let Some((name, _)) = bounds.iter().find(|(_, zero)| *zero) {
            return Err(ConfigError::Zero(name));
        }
        let maxima = [
            ("max_json_body_bytes", self.max_json_body_bytes, MAX_JSON_BODY),
            ("max_upload_bytes", self.max_upload_bytes, MAX_UPLOAD),
        ];
        match maxima.into_iter().find(|(_, value, max)| value > max) {
            Some((name, _, max)) => Err(ConfigError::TooLarge(name, max)),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Addresses, D::Error> {
        let given = TextOrList::deserialize(deserializer)?;
        let addresses = given.elements().map(str::parse).collect::<Result<Vec<Address>, _>>();
        let addresses = addresses.map_err(D::Error::custom)?;
        match addresses.is_empty() {
            true => Err(D::Error::custom("give at least one address")),
            false => Ok(Addresses(addresses)),
        }
    }
}

impl<'de> Deserialize<'de> for ProxyRanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ProxyRanges, D::Error> {
        let given = TextOrList::deserialize(deserializer)?;
        let ranges = given.elements().map(range).collect::<Result<Vec<IpNet>, _>>();
        Ok(ProxyRanges(ranges.map_err(D::Error::custom)?))
    }
}

impl Origins {
    /// Any origin.
    pub const ANY: &str = "*";
}

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Origins, D::Error> {
        let given = TextOrList::deserialize(deserializer)?;
        let origins = given.elements().map(origin).collect::<Result<Vec<String>, _>>();
        Ok(Origins(origins.map_err(D::Error::custom)?))
    }
}

/// An origin as a browser writes it (RFC 6454, 6.2), with which those of pages are compared.
fn origin(text: &str) -> Result<String, String> {
    let uri: Option<Uri> = text.parse().ok();
    let is_origin = uri.is_some_and(|uri| {
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        format!("{scheme}://{authority}") == text && !authority.contains('@')
    });
    let is_lower_case = !text.bytes().any(|c| c.is_ascii_uppercase());
    match text == Origins::ANY || is_origin && is_lower_case {
        true => Ok(text.to_owned()),
        false => Err(format!("{text} is not an origin: write https://app.example.com, without a path, or *")),
    }
}

/// An address or a CIDR range, as client addresses are compared with it. Host bits that are set are
/// probably a mistake, so they are refused.
fn range(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = IpAddr::from_str(text) {
        return Ok(IpNet::from(canonical(address)));
    }
    let range =
        IpNet::from_str(text).map_err(|_| format!("{text} is neither an address nor a CIDR range"))?;
    let range = canonical_range(range);
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
        assert!(config.upstreams.0.is_empty() && config.trusted_proxies.0.is_empty());
    }

    #[test]
    fn lists_are_lists_or_text_with_commas() {
        for value in [json!(["10.0.0.0/8", "::1"]), json!("10.0.0.0/8, ::1")] {
            let config: Config = serde_json::from_value(json!({"trusted_proxies": value})).unwrap();
            assert_eq!(config.trusted_proxies.0, ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        }
        let mapped = json!({"trusted_proxies": "::ffff:127.0.0.0/104, ::ffff:10.0.0.1"});
        let config: Config = serde_json::from_value(mapped).unwrap();
        assert_eq!(
            config.trusted_proxies.0,
            ["127.0.0.0/8".parse().unwrap(), "10.0.0.1/32".parse().unwrap()]
        );
        for value in [json!(["https://a.example", "http://b:1"]), json!("https://a.example, http://b:1")] {
            let config: Config = serde_json::from_value(json!({"cors_origins": value})).unwrap();
            assert_eq!(config.cors_origins.0, ["https://a.example", "http://b:1"]);
        }
        for value in [json!(["a:1", "unix:/run/a.sock"]), json!("a:1,unix:/run/a.sock")] {
            let upstreams: Upstreams = serde_json::from_value(json!({"auth": value})).unwrap();
            assert_eq!(upstreams.of("auth").unwrap().len(), 2);
        }
    }

    #[test]
    fn bad_settings_say_what_is_wrong() {
        for (bad, says) in [
            (json!({"trusted_proxies": "10.0.0.1/8"}), "write 10.0.0.0/8"),
            (json!({"trusted_proxies": "::ffff:10.0.0.1/104"}), "write 10.0.0.0/8"),
            (json!({"trusted_proxies": ["proxy"]}), "neither an address nor a CIDR range"),
            (json!({"forwarded_header": "X-Real-IP"}), "X-Forwarded-For or Forwarded"),
            (json!({"cors_origins": "app.example.com"}), "is not an origin"),
            (json!({"cors_origins": ["https://App.example.com"]}), "is not an origin"),
            (json!({"cors_origins": "https://a.example/"}), "is not an origin"),
            (json!({"cors_origins": "https://me@a.example"}), "is not an origin"),
            (json!({"url": "https://api.example.com/v1"}), "is not an origin"),
            (json!({"url": "ftp://api.example.com"}), "is not an origin"),
            (json!({"upstreams": {"auth": ""}}), "at least one address"),
            (json!({"upstreams": {"auth": "nowhere"}}), "nowhere is not an address"),
        ] {
            let error = serde_json::from_value::<Config>(bad.clone()).unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn sizes_have_maxima() {
        let loopback = "127.0.0.1:80".parse().unwrap();
        for (json, upload, outcome) in [
            (MAX_JSON_BODY, MAX_UPLOAD, Ok(())),
            (MAX_JSON_BODY + 1, 1, Err(ConfigError::TooLarge("max_json_body_bytes", MAX_JSON_BODY))),
            (1, MAX_UPLOAD + 1, Err(ConfigError::TooLarge("max_upload_bytes", MAX_UPLOAD))),
            (1, 0, Err(ConfigError::Zero("max_upload_bytes"))),
        ] {
            let config = Config { max_json_body_bytes: json, max_upload_bytes: upload, ..Config::default() };
            assert_eq!(config.check(loopback), outcome, "{json} {upload}");
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
