//! Client addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The bits of an IPv4-mapped IPv6 address that come before the IPv4 address.
const MAPPED_BITS: u8 = 96;

/// The address as it is compared and shown: IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) becomes IPv4.
pub fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// As [`canonical`], for a range: one that holds IPv4-mapped addresses only is the range of IPv4 that they
/// stand for, since that is what addresses are compared as. Host bits stay.
pub fn canonical_range(range: IpNet) -> IpNet {
    match (range, canonical(range.addr())) {
        (IpNet::V6(mapped), v4 @ IpAddr::V4(_)) if mapped.prefix_len() >= MAPPED_BITS => {
            IpNet::new(v4, mapped.prefix_len() - MAPPED_BITS).unwrap_or(range)
        }
        _ => range,
    }
}

/// What one client is taken to hold: an IPv4 address, or the /64 of an IPv6 address.
pub fn bucket(address: IpAddr) -> IpAddr {
    match canonical(address) {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// The network of an address, which is enough to see where trouble comes from and names nobody: the
/// /24 of IPv4, the /48 of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_full_addresses() {
        for (address, shown) in [("192.0.2.77", "192.0.2.0"), ("2001:db8:1:2:3::4", "2001:db8:1::")] {
            assert_eq!(network(address.parse().unwrap()).to_string(), shown);
        }
    }

    #[test]
    fn mapped_addresses_become_ipv4_and_ipv6_is_bucketed_by_64() {
        for (address, same_as, in_bucket) in [
            ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(canonical(address), same_as.parse::<IpAddr>().unwrap());
            assert_eq!(bucket(address), in_bucket.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn ranges_of_mapped_addresses_become_ranges_of_ipv4() {
        for (range, becomes) in [
            ("::ffff:127.0.0.0/104", "127.0.0.0/8"),
            ("::ffff:7f00:1/128", "127.0.0.1/32"),
            ("::ffff:10.0.0.7/104", "10.0.0.7/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            // These hold more than mapped addresses.
            ("::ffff:0:0/95", "::ffff:0:0/95"),
            ("::/0", "::/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            let [range, becomes] = [range, becomes].map(|text| text.parse::<IpNet>().unwrap());
            assert_eq!(canonical_range(range), becomes);
        }
    }
}
