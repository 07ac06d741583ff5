//! `[dashboard]`, and where things are found from outside.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use http::{HeaderValue, Uri};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use svc_core::address::canonical;

use super::{ConfigError, origin};

/// `[dashboard]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct DashboardConfig {
    /// Where the dashboard listens, `host:port`: its files and `/v1/console`. Beyond loopback only with `url`.
    pub listen: String,
    /// Where browsers find it, e.g. `https://keys.example.com`: its origin, exactly. With `https` a proxy in front
    /// terminates TLS, and the session cookie is bound to the host. One of this machine, `http://127.0.0.1:8081`, is for
    /// a container whose port is published there. Default: where it listens, on loopback.
    pub url: Option<PublicUrl>,
}

impl Default for DashboardConfig {
    fn default() -> DashboardConfig {
        DashboardConfig { listen: DashboardConfig::LISTEN.to_string(), url: None }
    }
}

impl DashboardConfig {
    /// Where it listens unless it is told otherwise. Links lead there from an edge without a dashboard.
    pub(crate) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_081);

    /// Whether the dashboard may be served with these settings on this address.
    pub fn check(&self, listening_on: SocketAddr) -> Result<(), ConfigError> {
        let is_guarded = self.url.as_ref().is_some_and(|url| url.is_https() || url.is_loopback());
        match canonical(listening_on.ip()).is_loopback() || is_guarded {
            true => Ok(()),
            false => Err(ConfigError::DashboardNoTls(listening_on)),
        }
    }
}

/// Where something is found from outside: an origin, without a path or a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether only browsers on its own machine reach it: who comes by another address has another origin.
    fn is_loopback(&self) -> bool {
        let uri: Option<Uri> = self.0.parse().ok();
        uri.as_ref().and_then(Uri::host).is_some_and(|host| {
            let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
            host == "localhost" || address.is_some_and(|address| address.is_loopback())
        })
    }

    /// As a header.
    pub(crate) fn header(&self) -> HeaderValue {
        header(&self.0)
    }
}

/// An origin as a header, which may have every character that an origin is made of.
pub(crate) fn header(origin: &str) -> HeaderValue {
    HeaderValue::try_from(origin).unwrap_or(HeaderValue::from_static("null"))
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<PublicUrl, String> {
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        match origin(text) {
            Ok(origin) if is_web => Ok(PublicUrl(origin)),
            _ => Err(format!("{text} is not an origin: write https://keys.example.com, without a path")),
        }
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PublicUrl, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_beyond_loopback_needs_tls() {
        let at = |url: &str| DashboardConfig { url: Some(url.parse().unwrap()), ..Default::default() };
        for (config, beyond_loopback) in [
            (DashboardConfig::default(), false),
            (at("http://a.example"), false),
            (at("http://127.0.0.1.example"), false),
            (at("http://192.0.2.1:8081"), false),
            (at("https://a.example"), true),
            // As a port of a container is published.
            (at("http://127.0.0.1:8081"), true),
            (at("http://localhost"), true),
            (at("http://[::1]:8081"), true),
        ] {
            for (address, is_ok) in
                [("127.0.0.1:81", true), ("[::1]:81", true), ("0.0.0.0:81", beyond_loopback)]
            {
                let address: SocketAddr = address.parse().unwrap();
                assert_eq!(config.check(address).is_ok(), is_ok, "{config:?} {address}");
            }
        }
    }
}
