//! Days in many languages and orders.

/// Which of two numbers is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
}

/// A day read at the beginning of tokens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// How many tokens it takes.
    pub tokens: usize,
    /// ISO 8601.
    pub iso: String,
    /// The other reading of a day such as 03/04/2020, where both are days.
    pub other: Option<String>,
    /// It was written with a month's name, or in ISO.
    pub plain: bool,
}

const MONTHS: &[&str] = &[
    "jan january januar janvier januari enero gennaio stycznia styczen janeiro janv ene gen sty jaenner janner",
    "feb february februar fevrier februari febrero febbraio lutego luty fevereiro fev fevr febr lut",
    "mar march marz maerz mars maart marzo marca marzec marco mrz mrt",
    "apr april avril abril aprile kwietnia kwiecien avr abr kwi",
    "may mai mei mayo maggio maja maj maio mag",
    "jun june juni juin junio giugno czerwca czerwiec junho giu cze",
    "jul july juli juillet julio luglio lipca lipiec julho juil lug lip",
    "aug august aout augustus agosto sierpnia sierpien ago sie aou",
    "sep sept september septembre septiembre settembre wrzesnia wrzesien setembro set wrz",
    "oct october oktober octobre octubre ottobre pazdziernika pazdziernik outubro okt ott out paz",
    "nov november novembre noviembre listopada listopad novembro lis",
    "dec december dezember decembre diciembre dicembre grudnia grudzien dezembro dez dic gru",
];

/// The month that a folded word names.
pub(crate) fn month(word: &str) -> Option<u32> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    if word.len() < 3 {
        return None;
    }
    MONTHS
        .iter()
        .position(|names| names.split(' ').any(|n| n == word))
        .and_then(|i| u32::try_from(i + 1).ok())
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

fn iso(year: u32, month: u32, day: u32) -> Option<String> {
    let year = match year {
        0..=69 => 2000 + year,
        70..=99 => 1900 + year,
        1200..=2200 => year,
        _ => return None,
    };
    (day >= 1 && day <= days_in(year, month)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// A part of the text of a date.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Number(u32, usize),
    Month(u32),
    Separator(char),
    Filler,
    Other,
}

/// The parts of a token, or none when it is nothing of a date.
fn parts(folded: &str, out: &mut Vec<Part>) {
    let letters: Vec<char> = folded.chars().collect();
    let mut i = 0;
    while i < letters.len() {
        let c = letters[i];
        if c.is_ascii_digit() {
            let start = i;
            while i < letters.len() && letters[i].is_ascii_digit() {
                i += 1;
            }
            let digits: String = letters[start..i].iter().collect();
            match digits.parse() {
                Ok(n) if digits.len() <= 8 => out.push(Part::Number(n, digits.len())),
                _ => out.push(Part::Other),
            }
        } else if c.is_alphabetic() {
            let start = i;
            while i < letters.len() && letters[i].is_alphabetic() {
                i += 1;
            }
            let word: String = letters[start..i].iter().collect();
            if let Some(m) = month(&word) {
                out.push(Part::Month(m));
            } else if matches!(
                word.as_str(),
                "st" | "nd" | "rd" | "th" | "er" | "of" | "de" | "del" | "day" | "the" | "di" | "e" | "den"
            ) {
                out.push(Part::Filler);
            } else if matches!(word.as_str(), "年" | "月" | "日") {
                out.push(Part::Separator('-'));
            } else if word == "t" && i < letters.len() && letters[i].is_ascii_digit() {
                out.push(Part::Separator('T'));
            } else {
                out.push(Part::Other);
            }
        } else {
            out.push(match c {
                '-' | '/' | '.' | ',' | '\'' | '年' | '月' | '日' | '_' => Part::Separator(c),
                '(' | ')' | '[' | ']' | '"' | ':' | '*' | '“' | '”' | ';' | 'º' | '°' => {
                    Part::Separator(c)
                }
                _ => Part::Other,
            });
            i += 1;
        }
    }
}

/// A day that begins with the first of these (folded) tokens.
pub(crate) fn read(tokens: &[&str], order: Order) -> Option<Found> {
    const MOST: usize = 7;
    if !tokens.first()?.contains(|c: char| c.is_ascii_digit()) && !tokens[0].chars().any(char::is_alphabetic)
    {
        return None;
    }
    let mut list: Vec<(Part, usize)> = Vec::new();
    for (i, token) in tokens.iter().take(MOST).enumerate() {
        let mut of = Vec::new();
        parts(token, &mut of);
        list.extend(of.into_iter().map(|p| (p, i)));
    }
    // Only numbers and months count; what separates them must be nothing else.
    let first_real =
        list.iter().position(|(p, _)| matches!(p, Part::Number(..) | Part::Month(_) | Part::Other))?;
    if list[first_real].1 != 0 {
        return None;
    }
    // A prefix such as "date:25/12/2018" stands in one token: the day follows the last colon.
    let mut start = first_real;
    if list[start].0 == Part::Other {
        let colon = list.iter().position(|(p, t)| *t == 0 && *p == Part::Separator(':'))?;
        start = colon + 1;
        if list.get(start)?.1 != 0 {
            return None;
        }
    }
    let list = &list[start..];
    if let Some((Part::Number(n, 8), t)) = list.first() {
        return compact(*n, order).map(|(iso, other)| Found { tokens: t + 1, iso, other, plain: false });
    }
    let mut values: Vec<(Part, usize)> = Vec::new();
    let mut separators: Vec<char> = vec![];
    let mut between = 0;
    for (part, token) in list {
        match part {
            Part::Number(..) | Part::Month(_) => {
                values.push((part.clone(), *token));
                between = 0;
                if values.len() == 3 {
                    break;
                }
            }
            Part::Separator(c) => {
                between += 1;
                if between > 3 || values.is_empty() {
                    return None;
                }
                if matches!(c, ':' | ';' | 'T') {
                    return None;
                }
                separators.push(*c);
            }
            Part::Filler if !values.is_empty() => {}
            _ => return None,
        }
    }
    let [a, b, c] = &values[..] else { return None };
    if goes_on(list, c.1) {
        return None;
    }
    let tokens_taken = c.1 + 1;
    let made = |iso: Option<String>, other: Option<String>, plain| {
        iso.map(|iso| Found { tokens: tokens_taken, iso, other, plain })
    };
    match (&a.0, &b.0, &c.0) {
        (Part::Number(d, 1..=2), Part::Month(m), Part::Number(y, 2 | 4)) => made(iso(*y, *m, *d), None, true),
        (Part::Month(m), Part::Number(d, 1..=2), Part::Number(y, 2 | 4)) => made(iso(*y, *m, *d), None, true),
        (Part::Number(y, 4), Part::Month(m), Part::Number(d, 1..=2)) => made(iso(*y, *m, *d), None, true),
        (Part::Number(y, 4), Part::Number(m, 1..=2), Part::Number(d, 1..=2)) if !separators.is_empty() => {
            made(iso(*y, *m, *d), None, true)
        }
        (Part::Number(x, 1..=2), Part::Number(z, 1..=2), Part::Number(y, len @ (2 | 4))) => {
            // Without separators, or as a decimal number, it is no day.
            let mut kinds = separators.clone();
            kinds.dedup();
            let spaces = a.1 != b.1 && b.1 != c.1;
            if separators.is_empty() && !(spaces && *len == 4) {
                return None;
            }
            if kinds.contains(&',') || (*len == 2 && separators.len() < 2) {
                return None;
            }
            let day_first = iso(*y, *z, *x);
            let month_first = iso(*y, *x, *z);
            let (one, other) = match order {
                Order::DayFirst => (day_first, month_first),
                Order::MonthFirst => (month_first, day_first),
            };
            match one {
                Some(one) => made(Some(one.clone()), other.filter(|o| *o != one), false),
                None => made(other, None, false),
            }
        }
        _ => None,
    }
}

/// Whether a word holds more of a day than its third number: of "3. 06/05/1969" that is the 05, and "3." no part of it.
fn goes_on(list: &[(Part, usize)], token: usize) -> bool {
    let real = |(part, _): &&(Part, usize)| matches!(part, Part::Number(..) | Part::Month(_));
    let third = list.iter().enumerate().filter(|(_, p)| real(p)).nth(2).map_or(0, |(i, _)| i);
    let rest = &list[(third + 1).min(list.len())..];
    list.first().is_some_and(|first| first.1 != token)
        && matches!(rest, [(Part::Separator('/' | '-' | '.'), s), (Part::Number(..), n), ..] if *s == token && *n == token)
}

/// 20240131 and 31012024.
fn compact(n: u32, order: Order) -> Option<(String, Option<String>)> {
    if (1900..2100).contains(&(n / 10_000)) {
        return iso(n / 10_000, n / 100 % 100, n % 100).map(|d| (d, None));
    }
    let (a, b, year) = (n / 1_000_000, n / 10_000 % 100, n % 10_000);
    if !(1900..2100).contains(&year) {
        return None;
    }
    let (x, y) = (iso(year, b, a), iso(year, a, b));
    match order {
        Order::DayFirst => x.map(|x| (x, None)).or_else(|| y.map(|y| (y, None))),
        Order::MonthFirst => y.map(|y| (y, None)).or_else(|| x.map(|x| (x, None))),
    }
}

/// The order that a form asks for: "(MM-DD-YYYY)", "TT.MM.JJJJ".
fn written_order(token: &str) -> Option<Order> {
    let bare = token.trim_matches(|c: char| !c.is_alphabetic());
    let mut parts = bare.split(['-', '/', '.', ' ']);
    let [first, second, third] = [parts.next()?, parts.next()?, parts.next()?];
    let year = matches!(third, "yyyy" | "yy" | "jjjj" | "jj" | "aaaa" | "aa");
    let day = |p: &str| matches!(p, "dd" | "d" | "tt" | "jj" | "gg");
    match (first, second) {
        ("mm" | "m", second) if year && day(second) => Some(Order::MonthFirst),
        (first, "mm" | "m") if year && day(first) => Some(Order::DayFirst),
        _ => None,
    }
}

/// The order in which days are written in the languages that were named, as BCP 47 tags: the first that tells. Of English
/// alone and of Canada nothing can be said.
pub(crate) fn order_of_languages(tags: &[String]) -> Option<Order> {
    tags.iter().find_map(|tag| {
        let folded = tag.to_ascii_lowercase();
        let mut parts = folded.split('-');
        let language = parts.next().unwrap_or_default();
        let region = parts.find(|part| part.len() == 2);
        match (language, region) {
            (_, Some("us")) => Some(Order::MonthFirst),
            (_, Some("ca")) | ("en", None) => None,
            _ => Some(Order::DayFirst),
        }
    })
}

/// The order in which a document writes its days: days over 12 tell, then the languages that were named, then its own.
pub(crate) fn order_of(tokens: &[&str], named: Option<Order>) -> Order {
    if let Some(order) = tokens.iter().find_map(|t| written_order(t)) {
        return order;
    }
    let (mut day_first, mut month_first) = (0, 0);
    let mut american = 0_i32;
    for (i, token) in tokens.iter().enumerate() {
        let mut numbers = token.split(['/', '-', '.']).map(|n| (n.parse::<u32>().unwrap_or(99), n.len()));
        if let (Some((a, 1..=2)), Some((b, 1..=2)), Some((_, 2 | 4))) =
            (numbers.next(), numbers.next(), numbers.next())
        {
            if a > 12 && a <= 31 && b <= 12 {
                day_first += 1;
            } else if b > 12 && b <= 31 && a <= 12 {
                month_first += 1;
            }
        }
        // "April 7, 2020" and "$" are written where the month comes first; "7 April 2020" is not.
        if month(token).is_some() {
            let number = |t: Option<&&str>| {
                t.and_then(|t| t.trim_end_matches([',', '.']).parse::<u32>().ok()).is_some_and(|n| n <= 31)
            };
            if number(tokens.get(i + 1)) && tokens.get(i + 1).is_some_and(|t| t.ends_with(',')) {
                american += 1;
            } else if i > 0 && number(tokens.get(i - 1)) {
                american -= 1;
            }
        }
        // "Boulder, CO 80302".
        let postal = |t: &&str| t.len() >= 5 && t.bytes().take(5).all(|b| b.is_ascii_digit());
        if i > 0
            && tokens[i - 1].ends_with(',')
            && super::words::is_state_code(token)
            && tokens.get(i + 1).is_some_and(postal)
        {
            american += 1;
        }
        if *token == "zip" || *token == "irs" || *token == "usa" {
            american += 1;
        }
    }
    if day_first != month_first {
        return if day_first > month_first { Order::DayFirst } else { Order::MonthFirst };
    }
    if let Some(order) = named {
        return order;
    }
    if american > 0 { Order::MonthFirst } else { Order::DayFirst }
}
