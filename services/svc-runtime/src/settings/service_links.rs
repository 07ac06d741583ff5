//! What Kubernetes puts into the environment of a pod for each Service of its namespace. A Service named
//! `keyward`, or `keyward-edge`, gives variables that start as settings do: `KEYWARD_PORT`,
//! `KEYWARD_EDGE_SERVICE_HOST`. Exactly these are no settings; whatever differs in its name or in the
//! form of its value is taken for one, so that a typo is still refused.
//!
//! The shape is that of the kubelet, which makes it as Docker made links:
//! <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.

use std::net::{IpAddr, SocketAddr};

/// Whether this variable tells where a Service is.
pub(super) fn is_service_link(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix("KEYWARD").filter(|rest| rest.starts_with('_')) else { return false };
    // The name of a Service in capitals, with `_` for `-`. Two of them separate the levels of settings.
    let upper = rest.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_');
    if !upper || rest.contains("__") {
        return false;
    }
    // Where the Service's own name ends cannot be told from the outside: `keyward-port` is a name, too.
    rest.match_indices('_').any(|(at, _)| is_link(&rest[at + 1..], value))
}

/// What follows the name of the Service.
fn is_link(suffix: &str, value: &str) -> bool {
    match suffix {
        "SERVICE_HOST" => is_address(value),
        "SERVICE_PORT" => is_port(value),
        "PORT" => ["tcp", "udp", "sctp"].iter().any(|protocol| is_url(value, protocol, None)),
        _ => match suffix.strip_prefix("SERVICE_PORT_") {
            Some(port_name) => !port_name.is_empty() && is_port(value),
            None => suffix.strip_prefix("PORT_").is_some_and(|port| is_port_link(port, value)),
        },
    }
}

/// `8080_TCP` and what may follow it.
fn is_port_link(link: &str, value: &str) -> bool {
    let mut parts = link.split('_');
    let (Some(port), Some(protocol), part, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let protocol = match protocol {
        "TCP" => "tcp",
        "UDP" => "udp",
        "SCTP" => "sctp",
        _ => return false,
    };
    is_port(port)
        && match part {
            None => is_url(value, protocol, Some(port)),
            Some("PROTO") => value == protocol,
            Some("PORT") => value == port,
            Some("ADDR") => is_address(value),
            Some(_) => false,
        }
}

/// `tcp://10.96.0.1:8080`
fn is_url(value: &str, protocol: &str, port: Option<&str>) -> bool {
    let Some((scheme, address)) = value.split_once("://") else { return false };
    let Ok(address) = address.parse::<SocketAddr>() else { return false };
    scheme == protocol && port.is_none_or(|port| address.port().to_string() == port)
}

fn is_address(value: &str) -> bool {
    value.parse::<IpAddr>().is_ok()
}

fn is_port(value: &str) -> bool {
    value.parse::<u16>().is_ok_and(|port| port > 0 && port.to_string() == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_makes() {
        for service in ["KEYWARD", "KEYWARD_EDGE", "KEYWARD_PORT", "KEYWARD_V2_EU_1"] {
            for (suffix, value) in [
                ("SERVICE_HOST", "10.96.0.1"),
                ("SERVICE_HOST", "fd00::1"),
                ("SERVICE_PORT", "8080"),
                ("SERVICE_PORT_HTTP", "8080"),
                ("SERVICE_PORT_HTTP_ADMIN", "9464"),
                ("PORT", "tcp://10.96.0.1:8080"),
                ("PORT", "tcp://[fd00::1]:8080"),
                ("PORT_8080_TCP", "tcp://10.96.0.1:8080"),
                ("PORT_8080_TCP_PROTO", "tcp"),
                ("PORT_8080_TCP_PORT", "8080"),
                ("PORT_8080_TCP_ADDR", "10.96.0.1"),
                ("PORT_53_UDP", "udp://10.96.0.1:53"),
                ("PORT_53_UDP_PROTO", "udp"),
                ("PORT_7_SCTP_ADDR", "fd00::1"),
            ] {
                let name = format!("{service}_{suffix}");
                assert!(is_service_link(&name, value), "{name}={value}");
            }
        }
    }

    #[test]
    fn what_it_does_not_make() {
        for (name, value) in [
            // Values of another form: somebody means a setting.
            ("KEYWARD_PORT", "8080"),
            ("KEYWARD_PORT", ""),
            ("KEYWARD_PORT", "http://10.96.0.1:8080"),
            ("KEYWARD_PORT", "tcp://keyward:8080"),
            ("KEYWARD_SERVICE_HOST", "localhost"),
            ("KEYWARD_SERVICE_PORT", "0"),
            ("KEYWARD_SERVICE_PORT", "08080"),
            ("KEYWARD_SERVICE_PORT", "65536"),
            ("KEYWARD_EDGE_SERVICE_PORT_HTTP", "http"),
            ("KEYWARD_PORT_8080_TCP", "tcp://10.96.0.1:8081"),
            ("KEYWARD_PORT_8080_TCP", "udp://10.96.0.1:8080"),
            ("KEYWARD_PORT_8080_TCP_PORT", "8081"),
            ("KEYWARD_PORT_8080_TCP_PROTO", "udp"),
            ("KEYWARD_PORT_8080_TCP_ADDR", "keyward"),
            // Other names.
            ("KEYWARD_HOST", "10.96.0.1"),
            ("KEYWARD_EDGE_LISTEN", "10.96.0.1:8080"),
            ("KEYWARD_PORT_HTTP_TCP", "tcp://10.96.0.1:8080"),
            ("KEYWARD_PORT_8080_ICMP_ADDR", "10.96.0.1"),
            ("KEYWARD_PORT_8080_TCP_HOST", "10.96.0.1"),
            ("KEYWARD_PORT_8080_TCP_ADDR_X", "10.96.0.1"),
            ("KEYWARD_PORT_8080", "8080"),
            ("KEYWARD_SERVICE_PORT_", "8080"),
            ("keyward_port", "tcp://10.96.0.1:8080"),
            ("KEYWARD_edge_PORT", "tcp://10.96.0.1:8080"),
            // Two underscores: the levels of a setting.
            ("KEYWARD_EDGE__PORT", "tcp://10.96.0.1:8080"),
            ("KEYWARD_EDGE__MY_SERVICE_HOST", "10.96.0.1"),
            ("KEYWARDX_PORT", "tcp://10.96.0.1:8080"),
        ] {
            assert!(!is_service_link(name, value), "{name}={value}");
        }
    }
}
