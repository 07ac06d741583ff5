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
