//! `allowedIps`: each line is an element. What is accepted survives being stored, and decides what the
//! standard library's arithmetic decides.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auth_svc::fuzzing::Addresses;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let elements: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let mut violations = Vec::new();
    let addresses = Addresses::check(&elements, &mut violations);
    if !violations.is_empty() {
        assert!(violations.iter().all(|violation| !violation.message.is_empty()));
        // A list with a violation may be used nowhere, but what was stored by hand is read.
        Addresses::parse_stored(&elements);
        return;
    }
    let shown = addresses.to_strings();
    assert!(!shown.is_empty() && shown.len() <= 100);
    let stored = Addresses::parse_stored(&shown).expect("what is accepted can be stored");
    assert_eq!(stored, addresses);
    let again = Addresses::check(&shown, &mut violations);
    assert!(violations.is_empty() && again == addresses, "what is shown is accepted");

    let ranges: Vec<(IpAddr, u32)> = shown.iter().map(|shown| range(shown)).collect();
    for address in probes(input, &shown) {
        let expected = ranges.iter().any(|range| holds(*range, address));
        assert_eq!(addresses.allow(address), expected, "{address} in {shown:?}");
        assert_eq!(stored.allow(address), expected, "{address} in {shown:?}, stored");
        if let IpAddr::V4(v4) = address {
            assert_eq!(addresses.allow(v4.to_ipv6_mapped().into()), expected, "{address}, mapped");
        }
    }
});

/// The first address of a range, and its prefix.
fn range(shown: &str) -> (IpAddr, u32) {
    let (address, prefix) = shown.split_once('/').map_or((shown, None), |(a, p)| (a, Some(p)));
    let address: IpAddr = address.parse().unwrap();
    let widest = if address.is_ipv4() { 32 } else { 128 };
    (address, prefix.map_or(widest, |prefix| prefix.parse().unwrap()))
}

fn holds((first, prefix): (IpAddr, u32), address: IpAddr) -> bool {
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    match (first, address) {
        (IpAddr::V4(first), IpAddr::V4(address)) => {
            (first.to_bits() ^ address.to_bits()).checked_shr(32 - prefix).unwrap_or_default() == 0
        }
        (IpAddr::V6(first), IpAddr::V6(address)) => {
            (first.to_bits() ^ address.to_bits()).checked_shr(128 - prefix).unwrap_or_default() == 0
        }
        _ => false,
    }
}

/// The ends of each range, their neighbours, and whatever stands in the input.
fn probes(input: &[u8], shown: &[String]) -> Vec<IpAddr> {
    let mut probes = vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    probes.extend(input.windows(4).take(4).map(|b| IpAddr::from([b[0], b[1], b[2], b[3]])));
    probes.extend(input.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)));
    for net in shown.iter().filter_map(|shown| {
        let (first, prefix) = range(shown);
        IpNet::new(first, u8::try_from(prefix).ok()?).ok()
    }) {
        for end in [net.network(), net.broadcast()] {
            probes.push(end);
            probes.extend(match end {
                IpAddr::V4(v4) => [-1, 1]
                    .map(|step| IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits().wrapping_add_signed(step)))),
                IpAddr::V6(v6) => [-1, 1]
                    .map(|step| IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits().wrapping_add_signed(step)))),
            });
        }
    }
    probes
}
