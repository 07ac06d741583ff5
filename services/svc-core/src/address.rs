//! Client addresses.

use std::net::{IpAddr, Ipv6Addr};

/// The address as it is compared and shown: IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) becomes IPv4.
pub fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// What one client is taken to hold: an IPv4 address, or the /64 of an IPv6 address.
pub fn bucket(address: IpAddr) -> IpAddr {
    match canonical(address) {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
