//! Mail and web addresses, phones, account numbers, codes.

/// A mail address within a token.
pub(crate) fn email(token: &str) -> Option<&str> {
    let token = token.rsplit(['<', ':', '(', '[', '"']).next().unwrap_or(token);
    let token = token.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    let (local, domain) = token.split_once('@')?;
    let good = !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.contains("..")
        && domain.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
        && local.chars().all(|c| c.is_alphanumeric() || "._%+-'".contains(c));
    good.then_some(token)
}

/// A web address.
pub(crate) fn url(token: &str) -> Option<&str> {
    let token = token.trim_matches(|c: char| "()[]<>\"',;".contains(c)).trim_end_matches('.');
    let low = token.to_ascii_lowercase();
    if low.contains('@') {
        return None;
    }
    let domain = low.strip_prefix("https://").or_else(|| low.strip_prefix("http://"));
    let bare = domain.unwrap_or(&low);
    let host = bare.split(['/', '?']).next().unwrap_or_default();
    let known = [
        ".com", ".org", ".net", ".de", ".fr", ".eu", ".io", ".co.uk", ".nl", ".pl", ".it", ".es", ".ch",
        ".at", ".com.my", ".gov", ".edu", ".info", ".example",
    ];
    let good = host.contains('.')
        && host.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
        && (domain.is_some() || host.starts_with("www.") || known.iter().any(|k| host.ends_with(k)));
    good.then_some(token)
}

/// Whether a text is an IBAN: its length, its letters and its checksum (ISO 13616).
pub(crate) fn is_iban(text: &str) -> bool {
    let bare: Vec<u8> =
        text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    iban_shape(&bare) && {
        let mut rest: u32 = 0;
        for b in bare[4..].iter().chain(&bare[..4]) {
            rest = if b.is_ascii_digit() {
                (rest * 10 + u32::from(b - b'0')) % 97
            } else {
                (rest * 100 + u32::from(b - b'A') + 10) % 97
            };
        }
        rest == 1
    }
}

/// How many letters and digits an IBAN has, by its country (ISO 13616 registry).
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// How many letters and digits an IBAN that begins so has, where its country says so.
pub(crate) fn iban_length(bare: &[u8]) -> Option<usize> {
    let country = bare.get(..2)?;
    IBAN_LENGTHS.iter().find(|(code, _)| code.as_slice() == country).map(|(_, length)| *length)
}

/// The shape of an IBAN without its checksum.
pub(crate) fn iban_shape(bare: &[u8]) -> bool {
    (15..=34).contains(&bare.len())
        && bare[..2].iter().all(u8::is_ascii_uppercase)
        && bare[2..4].iter().all(u8::is_ascii_digit)
        && bare[4..].iter().filter(|b| b.is_ascii_digit()).count() >= 8
        && bare[4..].iter().all(u8::is_ascii_alphanumeric)
}

/// Whether a text has the shape of a telephone number.
pub(crate) fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let allowed = text.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c));
    let marked = text.contains(['+', '-', ' ', '(', '/', '.']) || text.starts_with('0');
    (7..=15).contains(&digits)
        && allowed
        && marked
        && text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '(')
}

/// Whether a token can be a number or code that names something: digits, perhaps with letters and marks.
pub(crate) fn is_id(token: &str) -> bool {
    let digits = token.chars().filter(char::is_ascii_digit).count();
    let odd = token.chars().filter(|c| !c.is_alphanumeric() && !"-/._#".contains(*c)).count();
    digits >= 1 && odd == 0 && token.chars().count() <= 40
}

/// "2nd", "11th".
pub(crate) fn is_ordinal(token: &str) -> bool {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&digits) && matches!(&token.to_lowercase()[digits..], "st" | "nd" | "rd" | "th")
}
