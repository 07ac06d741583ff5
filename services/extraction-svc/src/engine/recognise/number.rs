//! Amounts and quantities: decimal points and commas, groups of thousands, signs, currencies, percent.

/// A number read from a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub value: f64,
    /// Digits after the decimal mark.
    pub decimals: usize,
    pub currency: bool,
    pub percent: bool,
    /// Letters stand beside the digits: an article number or a unit rather than an amount.
    pub glued: bool,
    pub grouped: bool,
    pub digits: usize,
    pub negative: bool,
    pub leading_zero: bool,
}

/// Codes and signs of currencies, folded.
pub(crate) const CURRENCIES: &[&str] = &[
    "$", "€", "£", "¥", "₹", "zł", "zl", "rm", "eur", "usd", "gbp", "chf", "pln", "sek", "nok", "dkk", "czk",
    "huf", "inr", "jpy", "cny", "aud", "cad", "nzd", "sgd", "hkd", "myr", "idr", "thb", "php", "krw", "brl",
    "mxn", "zar", "try", "aed", "sar", "ils", "ron", "bgn", "isk", "kr", "fr", "us$", "s$", "hk$", "a$",
    "c$", "r$", "rs", "rs.", "p", "₺", "₽", "rub", "₩", "฿", "twd", "vnd", "rm:", "eur.", "euro",
];

/// ISO 4217 codes.
pub(crate) const ISO_CURRENCIES: &[&str] = &[
    "eur", "usd", "gbp", "chf", "pln", "sek", "nok", "dkk", "czk", "huf", "inr", "jpy", "cny", "aud", "cad",
    "nzd", "sgd", "hkd", "myr", "idr", "thb", "php", "krw", "brl", "mxn", "zar", "try", "aed", "sar", "ils",
    "ron", "bgn", "isk", "rub", "twd", "vnd", "ars", "clp", "cop", "pen", "egp", "ngn", "kes", "mad", "uah",
    "hrk", "kwd", "qar", "pkr", "bdt", "lkr",
];

/// The decimal mark of a document where it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Point,
    Comma,
}

/// Reads one token, or several that were joined, as a number.
pub(crate) fn read(folded: &str, mark: Mark) -> Option<Found> {
    let letters: Vec<char> = folded.chars().filter(|c| !matches!(c, '\u{a0}' | '\u{202f}' | ' ')).collect();
    let first = letters.iter().position(char::is_ascii_digit)?;
    let last = letters.iter().rposition(char::is_ascii_digit)?;
    // ".50" and ",50" begin with their mark.
    let first = if first > 0 && matches!(letters[first - 1], '.' | ',') { first - 1 } else { first };
    let body = &letters[first..=last];
    let before: String = letters[..first].iter().collect();
    let after: String = letters[last + 1..].iter().collect();
    // "1.500,-" has no cents, which is told by their mark and a dash.
    let (mark, after, no_cents) = match no_cents(&after) {
        Some((mark, after)) => (mark, after.to_owned(), true),
        None => (mark, after, false),
    };
    if !body.iter().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'')) {
        return None;
    }
    let digits = body.iter().filter(|c| c.is_ascii_digit()).count();
    if digits > 15 {
        return None;
    }
    let (value, decimals, grouped) = value(body, mark)?;
    let decimals = if no_cents { CENTS } else { decimals };
    let mut found = Found {
        value,
        decimals,
        currency: false,
        percent: false,
        glued: false,
        grouped,
        digits,
        negative: false,
        leading_zero: false,
    };
    found.leading_zero = body.len() > 1 && body[0] == '0' && body[1].is_ascii_digit();
    // What stands around the digits: signs, brackets, a currency; anything else makes it no plain number.
    let mut rest = before.as_str();
    if let Some(colon) = rest.rfind([':', '=']) {
        rest = &rest[colon + 1..];
    }
    let opened = rest.contains('(');
    let stripped: String =
        rest.chars().filter(|c| !matches!(c, '(' | '-' | '+' | '*' | '.' | '@' | '[' | '"')).collect();
    found.negative = rest.contains('-') || (opened && after.contains(')'));
    if CURRENCIES.contains(&stripped.as_str()) {
        found.currency = true;
    } else if !stripped.is_empty() {
        if stripped.chars().any(|c| c.is_alphabetic() || c == '/' || c == '#') {
            found.glued = true;
        } else {
            return None;
        }
    }
    let tail: String =
        after.chars().filter(|c| !matches!(c, ')' | ']' | ',' | '.' | ';' | '*' | ':' | '"' | '+')).collect();
    match tail.as_str() {
        "" => {}
        "%" => found.percent = true,
        "-" | "cr" if !opened => found.negative = true,
        "," => {}
        t if CURRENCIES.contains(&t) => found.currency = true,
        t if t.starts_with("%") => found.percent = true,
        // "12kg" is as good a quantity as "12 kg".
        t if stripped.is_empty() && UNITS.contains(&t) => {}
        t if t.chars().any(char::is_alphabetic) || t.contains('/') || t.contains('-') => found.glued = true,
        _ => {}
    }
    if found.negative {
        found.value = -found.value;
    }
    Some(found)
}

/// How many digits cents have.
const CENTS: usize = 2;

/// Of what stands behind a number: the decimal mark with a dash for its cents, and what comes then.
fn no_cents(after: &str) -> Option<(Mark, &str)> {
    let dashes = ['-', '–', '—', '−', '='];
    let mark = if after.starts_with(',') { Mark::Comma } else { Mark::Point };
    let behind = after.strip_prefix([',', '.'])?;
    let rest = behind.trim_start_matches(dashes);
    (rest.len() < behind.len()).then_some((mark, rest))
}

/// Units that stand right behind a number; folded.
const UNITS: &[&str] = &[
    "kg", "g", "mg", "t", "lb", "lbs", "oz", "l", "ml", "cl", "hl", "gal", "m", "mm", "cm", "km", "ft", "in",
    "mi", "m2", "m3", "sqm", "sqft", "qm", "cbm", "kwh", "mwh", "wh", "kw", "mw", "w", "kva", "v", "kv", "a",
    "ma", "hz", "khz", "mhz", "ghz", "°c", "°f", "bar", "psi", "pa", "kpa", "h", "hrs", "hr", "min", "s",
    "sec", "pcs", "pc", "pce", "stk", "st", "ea", "x", "kb", "mb", "gb", "tb",
];

/// The value of digits with marks; how many decimals; whether there were groups of thousands.
fn value(body: &[char], mark: Mark) -> Option<(f64, usize, bool)> {
    let points = body.iter().filter(|c| **c == '.').count();
    let commas = body.iter().filter(|c| **c == ',').count();
    let last = body.iter().rposition(|c| matches!(c, '.' | ','));
    let tail = last.map_or(0, |l| body.len() - 1 - l);
    let grouping = |c: char| {
        // Every group behind the first mark has three digits.
        let text: String = body.iter().collect();
        let mut groups = text.split(c);
        groups.next().is_some_and(|g| (1..=3).contains(&g.chars().filter(char::is_ascii_digit).count()))
            && groups.all(|g| g.len() == 3)
    };
    let decimal = match (points, commas) {
        (0, 0) => None,
        (0, 1) if tail == 3 && grouping(',') && mark == Mark::Point => None,
        (1, 0) if tail == 3 && grouping('.') && mark == Mark::Comma => None,
        (1, 0) => Some('.'),
        (0, 1) => Some(','),
        (0, _) => {
            if grouping(',') {
                None
            } else {
                Some(',')
            }
        }
        (_, 0) => {
            if grouping('.') {
                None
            } else {
                Some('.')
            }
        }
        _ => last.map(|l| body[l]),
    };
    let mut digits = String::with_capacity(body.len());
    for (i, c) in body.iter().enumerate() {
        if c.is_ascii_digit() {
            digits.push(*c);
        } else if Some(*c) == decimal && Some(i) == last {
            digits.push('.');
        }
    }
    let decimals = if decimal.is_some() { tail } else { 0 };
    let grouped =
        (points + commas > 1) || (decimal.is_none() && points + commas == 1) || body.contains(&'\'');
    digits.parse().ok().map(|v| (v, decimals, grouped))
}

/// The decimal mark that most of a document's numbers show.
pub(crate) fn mark_of<'a>(tokens: impl Iterator<Item = &'a str>) -> Mark {
    let (mut point, mut comma) = (0, 0);
    for token in tokens {
        let body: Vec<char> =
            token.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
        let Some(last) = body.iter().rposition(|c| matches!(c, '.' | ',')) else { continue };
        let tail = body.len() - 1 - last;
        let single = body.iter().filter(|c| **c == body[last]).count() == 1;
        if single && (1..=2).contains(&tail) && last > 0 {
            if body[last] == '.' {
                point += 1;
            } else {
                comma += 1;
            }
        }
    }
    if comma > point { Mark::Comma } else { Mark::Point }
}

const WORDS: &[(&str, f64)] = &[
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("fifteen", 15.0),
    ("eighteen", 18.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("sixty", 60.0),
    ("ninety", 90.0),
    ("zwei", 2.0),
    ("drei", 3.0),
    ("vier", 4.0),
    ("funf", 5.0),
    ("sechs", 6.0),
    ("sieben", 7.0),
    ("acht", 8.0),
    ("neun", 9.0),
    ("zehn", 10.0),
    ("zwolf", 12.0),
    ("vierzehn", 14.0),
    ("deux", 2.0),
    ("trois", 3.0),
    ("quatre", 4.0),
    ("cinq", 5.0),
    ("huit", 8.0),
    ("dix", 10.0),
    ("douze", 12.0),
    ("dos", 2.0),
    ("tres", 3.0),
    ("cuatro", 4.0),
    ("cinco", 5.0),
    ("seis", 6.0),
    ("doce", 12.0),
    ("due", 2.0),
    ("tre", 3.0),
    ("quattro", 4.0),
    ("cinque", 5.0),
    ("sei", 6.0),
    ("dodici", 12.0),
    ("twee", 2.0),
    ("drie", 3.0),
    ("vijf", 5.0),
    ("zes", 6.0),
    ("twaalf", 12.0),
    ("dwa", 2.0),
    ("trzy", 3.0),
    ("szesc", 6.0),
    ("dwanascie", 12.0),
];

/// A number's word.
pub(crate) fn word(folded: &str) -> Option<f64> {
    let bare = folded.trim_matches(|c: char| !c.is_alphanumeric());
    WORDS.iter().find(|(w, _)| *w == bare).map(|(_, n)| *n)
}
