//! Names of files: what is left of one once nothing in it can lead anywhere or pretend to be another.

use svc_core::error::Fault;

/// The name of a file of which none is said.
const DEFAULT: &str = "file";
/// The longest name, in characters.
const MAX: usize = 255;

/// The name that a caller gives, without the folders before it.
pub(super) fn of(given: Option<&str>) -> Result<String, (Fault, String)> {
    let Some(given) = given else { return Ok(DEFAULT.to_owned()) };
    if given.chars().any(|c| c.is_control()) {
        return Err((Fault::Invalid, "must not hold control characters".to_owned()));
    }
    if given.chars().any(turns_text) {
        let rule = "must not hold characters that change the direction of text or break its line";
        return Err((Fault::Invalid, rule.to_owned()));
    }
    // Both of Unix and of Windows: it is not known what the client is.
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    match name {
        "" if given.trim().is_empty() => {
            Err((Fault::TooShort, "must not be empty: leave it out instead".to_owned()))
        }
        "" | "." | ".." => Err((Fault::Invalid, "names a folder and no file".to_owned())),
        name if name.chars().count() > MAX => Err((Fault::TooLong, format!("has at most {MAX} characters"))),
        name => Ok(name.to_owned()),
    }
}

/// Marks that make what follows appear elsewhere: `gpj.exe` with one of them before it reads `exe.jpg`. And those that
/// break a line without being control characters.
fn turns_text(c: char) -> bool {
    matches!(
        c,
        '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFF9}'..='\u{FFFB}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let (longest, too_long) = ("é".repeat(255), "é".repeat(256));
        let in_folder = format!("{}/a.txt", "x".repeat(300));
        for (given, expected) in [
            (None, Ok("file")),
            (Some("invoice.pdf"), Ok("invoice.pdf")),
            (Some(" Rechnung März.pdf "), Ok("Rechnung März.pdf")),
            (Some("请款单.pdf"), Ok("请款单.pdf")),
            (Some("حساب.pdf"), Ok("حساب.pdf")),
            (Some("👩‍👩‍👧.png"), Ok("👩‍👩‍👧.png")),
            (Some(".htaccess"), Ok(".htaccess")),
            (Some("..."), Ok("...")),
            (Some("a\"b;c%0d.txt"), Ok("a\"b;c%0d.txt")),
            (Some("'; DROP TABLE files; --"), Ok("'; DROP TABLE files; --")),
            (Some("=cmd|' /C calc'!A0"), Ok("C calc'!A0")),
            (Some("../../etc/passwd"), Ok("passwd")),
            (Some("..\\..\\windows\\win.ini"), Ok("win.ini")),
            (Some("C:\\Users\\ann\\a.txt"), Ok("a.txt")),
            (Some("/abs/a.txt"), Ok("a.txt")),
            (Some(in_folder.as_str()), Ok("a.txt")),
            (Some(longest.as_str()), Ok(longest.as_str())),
            (Some(too_long.as_str()), Err(Fault::TooLong)),
            (Some(""), Err(Fault::TooShort)),
            (Some("  "), Err(Fault::TooShort)),
            (Some("."), Err(Fault::Invalid)),
            (Some(".."), Err(Fault::Invalid)),
            (Some("a/.."), Err(Fault::Invalid)),
            (Some("folder/"), Err(Fault::Invalid)),
            (Some("a\0b"), Err(Fault::Invalid)),
            (Some("a\r\nSet-Cookie: x"), Err(Fault::Invalid)),
            (Some("a\u{7f}"), Err(Fault::Invalid)),
            (Some("a\u{85}"), Err(Fault::Invalid)),
            (Some("photo\u{202E}gpj.exe"), Err(Fault::Invalid)),
            (Some("a\u{200F}b"), Err(Fault::Invalid)),
            (Some("a\u{2066}b"), Err(Fault::Invalid)),
            (Some("a\u{2028}b"), Err(Fault::Invalid)),
        ] {
            let name = of(given).map_err(|(fault, _)| fault);
            assert_eq!(name, expected.map(str::to_owned), "{given:?}");
        }
    }
}
