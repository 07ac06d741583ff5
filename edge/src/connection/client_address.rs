//! The client's address: that of the TCP peer, unless the peer is a trusted proxy. Then it is the
//! right-most address in the forwarding header that is not itself a trusted proxy.
//!
//! Each entry was written by the hop to its right, so an entry counts only while all hops to its
//! right are trusted. An entry that is no address (`unknown`, a name, a doubled `for`) ends the walk:
//! the client then is the last trusted proxy reached, which no client can choose. Empty list elements
//! are skipped (RFC 9110, 5.6.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;
use svc_core::address::canonical;

use crate::config::{Config, ForwardedHeader};

/// Finds client addresses.
#[derive(Debug)]
pub(crate) struct ClientAddresses {
    trusted: Vec<IpNet>,
    header: ForwardedHeader,
}

impl ClientAddresses {
    pub(crate) fn new(config: &Config) -> ClientAddresses {
        ClientAddresses { trusted: config.trusted_proxies.0.clone(), header: config.forwarded_header }
    }

    /// Whose request this is.
    pub(crate) fn of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = canonical(peer);
        if !self.is_trusted(client) {
            return client;
        }
        for value in headers.get_all(self.header.name()).iter().rev() {
            let Ok(text) = value.to_str() else { return client };
            let mut rest = Some(text);
            while let Some((before, element)) = rest.map(last_element) {
                rest = before;
                if element.is_empty() {
                    continue;
                }
                let Some(address) = self.address(element) else { return client };
                client = canonical(address);
                if !self.is_trusted(client) {
                    return client;
                }
            }
        }
        client
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.contains(&address))
    }

    fn address(&self, element: &str) -> Option<IpAddr> {
        match self.header {
            ForwardedHeader::XForwardedFor => x_forwarded_for(element),
            ForwardedHeader::Forwarded => forwarded(element),
        }
    }
}

/// Splits the last element off a list. Quotes are followed from the right, so that what a client
/// wrote to the left cannot swallow what a proxy added.
fn last_element(list: &str) -> (Option<&str>, &str) {
    let bytes = list.as_bytes();
    let mut quoted = false;
    for at in (0..bytes.len()).rev() {
        match bytes[at] {
            b'"' => {
                let backslashes = bytes[..at].iter().rev().take_while(|b| **b == b'\\').count();
                if backslashes % 2 == 0 {
                    quoted = !quoted;
                }
            }
            b',' if !quoted => return (Some(&list[..at]), list[at + 1..].trim()),
            _ => {}
        }
    }
    (None, list.trim())
}

/// An address, with or without a port, IPv6 with or without brackets.
fn x_forwarded_for(element: &str) -> Option<IpAddr> {
    element.parse().ok().or_else(|| node(element))
}

/// The `for` of an element of `Forwarded` (RFC 7239, 4).
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        if !name.trim().eq_ignore_ascii_case("for") {
            continue;
        }
        let value = value.trim();
        let value = match value.strip_prefix('"') {
            Some(open) => open.strip_suffix('"')?,
            None => value,
        };
        if found.replace(node(value)?).is_some() {
            return None;
        }
    }
    found
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(open) = text.strip_prefix('[') {
        let (address, port) = open.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return is_port(port).then_some(IpAddr::V6(address));
    }
    let (address, port) = text.find(':').map_or((text, ""), |at| text.split_at(at));
    let address: Ipv4Addr = address.parse().ok()?;
    is_port(port).then_some(IpAddr::V4(address))
}

/// Nothing, or a colon and a port, which RFC 7239 lets a proxy obfuscate.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return text.is_empty() };
    let obfuscated = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    match port.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(obfuscated),
        None => port.bytes().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProxyRanges;
    use proptest::prelude::*;

    fn finder(header: ForwardedHeader) -> ClientAddresses {
        let trusted = ["10.0.0.0/8", "2001:db8:ff::/48", "127.0.0.1/32"].map(|r| r.parse().unwrap());
        let config = Config {
            trusted_proxies: ProxyRanges(trusted.to_vec()),
            forwarded_header: header,
            ..Config::default()
        };
        ClientAddresses::new(&config)
    }

    fn of(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header.name(), line.parse().unwrap());
        }
        finder(header).of(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn x_forwarded_for_lines() {
        for (peer, lines, client) in [
            // The peer is not trusted: nothing that it says counts.
            ("192.0.2.1", &["203.0.113.9"][..], "192.0.2.1"),
            ("::ffff:192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            // One proxy, two proxies, mapped addresses.
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, 2001:db8:ff::1"], "203.0.113.9"),
            ("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            // What the client itself sent stands to the left and is not believed.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            // Forms.
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", &["  203.0.113.9\t"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, ,"], "203.0.113.9"),
            // Nothing there, or only proxies: the left-most trusted one.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // Malformed: the last good proxy.
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, client.example, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.09"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9:99999"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9:"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::1"], "10.0.0.1"),
            ("10.0.0.1", &["fe80::1%eth0"], "10.0.0.1"),
            ("10.0.0.1", &["\"203.0.113.9\""], "10.0.0.1"),
        ] {
            assert_eq!(of(ForwardedHeader::XForwardedFor, peer, lines), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn trusted_proxies_may_be_written_as_mapped_addresses() {
        let settings = serde_json::json!({"trusted_proxies": "::ffff:127.0.0.0/104"});
        let finder = ClientAddresses::new(&serde_json::from_value(settings).unwrap());
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
        for (peer, client) in [
            ("127.0.0.2", "203.0.113.9"),
            ("::ffff:127.0.0.2", "203.0.113.9"),
            ("128.0.0.1", "128.0.0.1"),
            ("::1", "::1"),
        ] {
            assert_eq!(finder.of(peer.parse().unwrap(), &headers).to_string(), client, "{peer}");
        }
    }

    #[test]
    fn forwarded_lines() {
        for (lines, client) in [
            (&["for=203.0.113.9"][..], "203.0.113.9"),
            (&["For=\"203.0.113.9:80\";proto=https;by=10.0.0.1"], "203.0.113.9"),
            (&["proto=https; for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            (&["for=\"[2001:db8::1]:_port\""], "2001:db8::1"),
            (&["for=1.1.1.1, for=203.0.113.9"], "203.0.113.9"),
            (&["for=203.0.113.9, for=10.0.0.2"], "203.0.113.9"),
            (&["for=1.1.1.1", "for=203.0.113.9"], "203.0.113.9"),
            // What a client wrote cannot swallow what the proxy added.
            (&["for=\", for=203.0.113.9"], "203.0.113.9"),
            (&["for=\"1.1.1.1\\\", for=203.0.113.9"], "203.0.113.9"),
            (&["for=1.1.1.1;x=\"a, for=203.0.113.9"], "203.0.113.9"),
            // Malformed: the last good proxy.
            (&["for=unknown"], "10.0.0.1"),
            (&["for=_hidden"], "10.0.0.1"),
            (&["for=203.0.113.9;for=203.0.113.8"], "10.0.0.1"),
            (&["for=\"203.0.113.9"], "10.0.0.1"),
            (&["for=2001:db8::1"], "10.0.0.1"),
            (&["for=203.0.113.9, proto=https"], "10.0.0.1"),
            (&["for=203.0.113.9, for=unknown, for=10.0.0.2"], "10.0.0.2"),
        ] {
            assert_eq!(of(ForwardedHeader::Forwarded, "10.0.0.1", lines), client, "{lines:?}");
        }
    }

    #[test]
    fn only_the_header_of_the_setting_is_read() {
        let mut headers = HeaderMap::new();
        headers.insert("forwarded", "for=1.1.1.1".parse().unwrap());
        headers.insert("x-forwarded-for", "2.2.2.2".parse().unwrap());
        let proxy = "10.0.0.1".parse().unwrap();
        let of = |header| finder(header).of(proxy, &headers).to_string();
        assert_eq!(of(ForwardedHeader::Forwarded), "1.1.1.1");
        assert_eq!(of(ForwardedHeader::XForwardedFor), "2.2.2.2");
    }

    proptest! {
        /// Whatever a client sends, the address that the proxy adds to it is the one that counts.
        #[test]
        fn no_client_can_choose_its_address(junk in "[ -~]{0,60}", octet in 1_u8..=254) {
            let added = format!("203.0.113.{octet}");
            for (header, line) in [
                (ForwardedHeader::XForwardedFor, format!("{junk}, {added}")),
                (ForwardedHeader::Forwarded, format!("{junk}, for={added}")),
            ] {
                prop_assert_eq!(of(header, "10.0.0.1", &[&line]), added.clone());
                prop_assert_eq!(of(header, "10.0.0.1", &[&junk, line.rsplit(", ").next().unwrap()]), added.clone());
            }
        }

        /// A peer that is not trusted is itself, whatever it sends.
        #[test]
        fn strangers_are_not_believed(junk in "[ -~]{0,60}") {
            prop_assert_eq!(of(ForwardedHeader::XForwardedFor, "192.0.2.7", &[&junk]), "192.0.2.7");
            prop_assert_eq!(of(ForwardedHeader::Forwarded, "192.0.2.7", &[&junk]), "192.0.2.7");
        }

        /// Addresses survive being written and read.
        #[test]
        fn addresses_are_read_back(bits: u128, v4: u32, port: u16) {
            let (v6, v4) = (Ipv6Addr::from_bits(bits), Ipv4Addr::from_bits(v4));
            prop_assert_eq!(x_forwarded_for(&v6.to_string()), Some(IpAddr::V6(v6)));
            prop_assert_eq!(node(&format!("[{v6}]:{port}")), Some(IpAddr::V6(v6)));
            prop_assert_eq!(node(&format!("{v4}:{port}")), Some(IpAddr::V4(v4)));
        }
    }
}
