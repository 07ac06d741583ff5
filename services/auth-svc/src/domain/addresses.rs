//! The addresses that a key may be used from.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use svc_core::address::{canonical, canonical_range};
use svc_core::error::{Fault, Violation};

/// How many addresses and ranges a key may list.
const MAX_ADDRESSES: usize = 100;
/// How much of what a client sent is repeated to it, in characters.
const SHOWN: usize = 60;

/// IPv4 and IPv6 addresses and CIDR ranges. Empty means any address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(Vec<IpNet>);

impl Addresses {
    /// Checks every rule. An element may be a comma-separated list; violations name the element.
    pub fn check(elements: &[String], violations: &mut Vec<Violation>) -> Addresses {
        let mut found: Vec<IpNet> = Vec::new();
        for (at, element) in elements.iter().enumerate() {
            for part in element.split(',').map(str::trim) {
                let wrong = match parse(part) {
                    Ok(_) if found.len() == MAX_ADDRESSES => {
                        let message = format!("`allowedIps` holds more than {MAX_ADDRESSES} addresses.");
                        violations.push(Violation::new("allowedIps", Fault::TooLong, message));
                        return Addresses::default();
                    }
                    Ok(range) if found.contains(&range) => {
                        (Fault::Duplicate, format!("`{}` appears twice.", shown(part)))
                    }
                    Ok(range) => {
                        found.push(range);
                        continue;
                    }
                    Err(message) => (Fault::Invalid, message),
                };
                violations.push(Violation::new(format!("allowedIps[{at}]"), wrong.0, wrong.1));
                if violations.len() >= MAX_ADDRESSES {
                    return Addresses::default();
                }
            }
        }
        Addresses(found)
    }

    /// From how they are stored.
    pub fn parse_stored(elements: &[String]) -> Option<Addresses> {
        elements.iter().map(|text| parse(text).ok()).collect::<Option<Vec<_>>>().map(Addresses)
    }

    /// Whether requests from this address are allowed.
    pub fn allow(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        self.0.is_empty() || self.0.iter().any(|range| range.contains(&address))
    }

    /// As they are shown and stored: an address without a prefix, a range with it.
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(|range| Shown(range).to_string()).collect()
    }
}

struct Shown<'a>(&'a IpNet);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => write!(f, "{}", self.0.addr()),
            false => write!(f, "{}", self.0),
        }
    }
}

/// One address or range. Rust's own parser of addresses refuses brackets, leading zeros, hex and zones.
fn parse(text: &str) -> Result<IpNet, String> {
    if text.is_empty() {
        return Err("`allowedIps` holds an empty element.".to_owned());
    }
    let bad = || format!("`{}` is neither an IPv4 or IPv6 address nor a CIDR range.", shown(text));
    let (address, prefix) = match text.split_once('/') {
        None => (text, None),
        Some((address, prefix)) => (address, Some(prefix)),
    };
    let address: IpAddr = address.parse().map_err(|_| bad())?;
    let widest = IpNet::from(address).max_prefix_len();
    let prefix = match prefix {
        None => widest,
        Some(digits) => {
            let plain = !digits.is_empty()
                && digits.bytes().all(|c| c.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0'));
            let prefix = digits.parse().ok().filter(|prefix: &u8| plain && *prefix <= widest);
            prefix.ok_or_else(bad)?
        }
    };
    let range = canonical_range(IpNet::new(address, prefix).map_err(|_| bad())?);
    match range.trunc() == range {
        true => Ok(range),
        false => Err(format!("`{}` has host bits set: write {}.", shown(text), range.trunc())),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(elements: &[&str]) -> Result<Vec<String>, Vec<(String, Fault)>> {
        let elements: Vec<String> = elements.iter().map(|&e| e.to_owned()).collect();
        let mut violations = Vec::new();
        let addresses = Addresses::check(&elements, &mut violations);
        match violations.is_empty() {
            true => Ok(addresses.to_strings()),
            false => Err(violations.into_iter().map(|v| (v.field, v.fault)).collect()),
        }
    }

    #[test]
    fn what_is_taken_and_how_it_is_shown() {
        for (elements, shown) in [
            (&[] as &[&str], &[] as &[&str]),
            (&["192.168.1.1", "10.0.0.0/24"], &["192.168.1.1", "10.0.0.0/24"]),
            (&["192.168.1.1, 10.0.0.0/24 ,::1"], &["192.168.1.1", "10.0.0.0/24", "::1"]),
            (&["192.168.1.1/32"], &["192.168.1.1"]),
            (&["0.0.0.0/0", "::/0"], &["0.0.0.0/0", "::/0"]),
            (&["2001:DB8:0:0::1", "2001:db8::/32"], &["2001:db8::1", "2001:db8::/32"]),
            (&["::ffff:192.0.2.1", "::ffff:10.0.0.0/104"], &["192.0.2.1", "10.0.0.0/8"]),
        ] {
            assert_eq!(check(elements).unwrap(), shown, "{elements:?}");
        }
    }

    #[test]
    fn what_is_refused() {
        for element in [
            "",
            " ",
            ",",
            "10.0.0.1,",
            "localhost",
            "[::1]",
            "[::1]/128",
            "010.0.0.1",
            "10.0.0.01",
            "0x0a.0.0.1",
            "10.0.0.1-10.0.0.9",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "::/129",
            "10.0.0",
            "10.0.0.1/8",
            "2001:db8::1/32",
            "fe80::1%eth0",
            "10.0.0.0/24/24",
            "１０.0.0.1",
            "10.0.0.1:80",
        ] {
            let refused = check(&[element]).unwrap_err();
            assert!(
                refused.iter().all(|(field, fault)| field == "allowedIps[0]" && *fault == Fault::Invalid)
            );
        }
        let twice = check(&["10.0.0.1", "10.0.0.1/32"]).unwrap_err();
        assert_eq!(twice, [("allowedIps[1]".to_owned(), Fault::Duplicate)]);
    }

    #[test]
    fn host_bits_are_refused_with_the_corrected_range() {
        let mut violations = Vec::new();
        Addresses::check(&["10.0.0.7/24".to_owned()], &mut violations);
        assert!(violations[0].message.contains("write 10.0.0.0/24"), "{}", violations[0].message);
    }

    #[test]
    fn up_to_a_hundred() {
        let list =
            |count: usize| (0..count).map(|n| format!("10.0.{}.{}", n / 250, n % 250)).collect::<Vec<_>>();
        let mut violations = Vec::new();
        assert_eq!(Addresses::check(&list(100), &mut violations).to_strings().len(), 100);
        assert!(violations.is_empty());
        Addresses::check(&[list(101).join(",")], &mut violations);
        assert_eq!(violations[0].fault, Fault::TooLong);
    }

    #[test]
    fn who_is_allowed() {
        let addresses = |elements: &[&str]| {
            let elements: Vec<String> = elements.iter().map(|&e| e.to_owned()).collect();
            Addresses::parse_stored(&elements).unwrap()
        };
        for (elements, address, allowed) in [
            (&[] as &[&str], "203.0.113.9", true),
            (&["192.0.2.1"], "192.0.2.1", true),
            (&["192.0.2.1"], "192.0.2.2", false),
            (&["192.0.2.1"], "::ffff:192.0.2.1", true),
            (&["10.0.0.0/24", "2001:db8::/32"], "10.0.0.255", true),
            (&["10.0.0.0/24", "2001:db8::/32"], "10.0.1.0", false),
            (&["10.0.0.0/24", "2001:db8::/32"], "2001:db8:ffff::1", true),
            (&["0.0.0.0/0"], "::1", false),
            (&["::/0"], "192.0.2.1", false),
        ] {
            assert_eq!(
                addresses(elements).allow(address.parse().unwrap()),
                allowed,
                "{elements:?} {address}"
            );
        }
    }
}
