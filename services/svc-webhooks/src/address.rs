//! Which addresses messages may go to. A webhook's address is chosen by a member, and the request is made from within
//! the operator's network: without this it could reach what only that network should (SSRF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use svc_core::address::{canonical, canonical_range};

/// Ranges of IPv4 that are not public, by the IANA Special-Purpose Address Registry and RFC 5771, with their bits.
const NOT_PUBLIC: [(Ipv4Addr, u8); 17] = [
    // "This network" (RFC 791).
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private (RFC 1918).
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Carrier-grade NAT (RFC 6598). Alibaba Cloud has its metadata there, too.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local (RFC 3927), with the metadata of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments (RFC 6890), with the metadata of Oracle Cloud.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // AS112 (RFC 7535).
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    // AMT (RFC 7450).
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    // The relay of 6to4 (RFC 7526).
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // AS112 (RFC 7534).
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    // Benchmarks (RFC 2544).
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast (RFC 5771), what is reserved (RFC 1112), and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Ranges of IPv6 within 2000::/3 that are not public, though the rest of it is.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 4] = [
    // Protocol assignments (RFC 2928), with Teredo, benchmarks and ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation (RFC 3849, RFC 9637).
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4 (RFC 3056): leads to an IPv4 address that stands in it.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// Which addresses messages may go to: public ones, and what the operator allows besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed(Vec<IpNet>);

impl Allowed {
    /// Public addresses and these ranges.
    pub(crate) fn new(ranges: &[IpNet]) -> Allowed {
        Allowed(ranges.iter().map(|range| canonical_range(*range)).collect())
    }

    /// Whether messages may go there.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        self.0.iter().any(|range| range.contains(&address)) || is_public(address)
    }
}

/// Whether anybody on the internet could reach the address as we do. What is not known to be public is not.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !NOT_PUBLIC.iter().any(|(net, bits)| starts(v4.to_bits(), net.to_bits(), *bits)),
        // The only space that is given out (RFC 4291, 2.4): this leaves out unspecified, loopback, IPv4-mapped and
        // IPv4-compatible addresses, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), unique local, link-local, site-local and
        // multicast ones.
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            bits >> 125 == 0b001
                && !NOT_PUBLIC_V6.iter().any(|(net, length)| {
                    let shift = 128 - u32::from(*length);
                    bits >> shift == net.to_bits() >> shift
                })
        }
    }
}

fn starts(address: u32, net: u32, bits: u8) -> bool {
    let shift = 32 - u32::from(bits);
    address >> shift == net >> shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_public() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("1.1.1.1", true),
            ("172.15.255.255", true),
            ("172.32.0.1", true),
            ("100.63.255.255", true),
            ("100.128.0.1", true),
            ("223.255.255.255", true),
            ("2606:4700:4700::1111", true),
            ("2a00:1450:4001::1", true),
            ("2001:4860:4860::8888", true),
            // Ourselves.
            ("0.0.0.0", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("::", false),
            ("::1", false),
            // Private.
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fec0::1", false),
            // The metadata of clouds.
            ("169.254.169.254", false),
            ("169.254.170.2", false),
            ("100.100.100.200", false),
            ("192.0.0.192", false),
            ("fd00:ec2::254", false),
            ("fe80::a9fe:a9fe", false),
            // IPv4 within IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo.
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::127.0.0.1", false),
            ("::ffff:0:127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::808:808", false),
            ("64:ff9b:1::7f00:1", false),
            ("2002:7f00:1::", false),
            ("2002:808:808::", false),
            ("2001::1", false),
            // Multicast, documentation, benchmarks, reserved.
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("ff02::1", false),
            ("192.0.2.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("2001:db8::1", false),
            ("3fff::1", false),
            ("100::1", false),
            ("4000::1", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(Allowed::default().contains(address), public, "{address}");
        }
        // A mapped address is what it stands for.
        assert!(Allowed::default().contains("::ffff:8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn what_the_operator_allows() {
        let allowed = Allowed::new(&["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (address, good) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("fd00::1", true),
            ("10.2.0.1", false),
            ("127.0.0.1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(allowed.contains(address.parse().unwrap()), good, "{address}");
        }
    }
}
