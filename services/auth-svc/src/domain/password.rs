//! What a password may be: long, and none that is guessed soon (NIST SP 800-63B, 3.1.1.2). There are no rules about
//! which characters it is made of.
//!
//! How soon is what zxcvbn estimates: it knows the common passwords of leaked lists, names and words, and what people
//! make of them (years, rows of keys, repetition, letters written as digits). Nobody outside is asked.

use svc_core::error::{Fault, Violation};
use svc_core::secret::Secret;
use zxcvbn::zxcvbn;

use crate::error::AuthError;

/// The fewest characters.
const MIN_CHARACTERS: usize = 12;
/// The most bytes: more than any phrase, and little to hash.
const MAX_BYTES: usize = 1_024;
/// A password is not one of the first so many that somebody tries who goes by what is common: more than sign-in lets
/// anybody try in a thousand years, and a year of a core for whoever has stolen the records. By zxcvbn's estimate it
/// is what three common pieces have.
const FEWEST_GUESSES: u64 = 1_000_000_000;
/// How many of its first characters are looked at, which suffice to be hard to guess: with all of a hundred, signs that
/// stand for letters take a second.
const LOOKED_AT: usize = 24;
/// What is tried first here, besides what is about the member.
const OURS: &[&str] = &["keyward", "dashboard"];

/// Checks a new password. `about` is what others know of its member: email address, name.
pub(crate) fn check_password(
    field: &str,
    password: Option<&str>,
    about: &[&str],
    violations: &mut Vec<Violation>,
) -> Secret {
    let password = password.unwrap_or_default();
    let wrong = if password.is_empty() {
        Some((Fault::Required, "is required.".to_owned()))
    } else if password.len() > MAX_BYTES {
        Some((Fault::TooLong, format!("has at most {MAX_BYTES} bytes.")))
    } else if password.chars().count() < MIN_CHARACTERS {
        let text = format!("needs at least {MIN_CHARACTERS} characters. A few words are best.");
        Some((Fault::TooShort, text))
    } else {
        guessed_soon(password, about).map(|why| {
            let text = format!("is guessed soon. {why} A few words that do not belong together are best.");
            (Fault::Invalid, text)
        })
    };
    if let Some((fault, what)) = wrong {
        violations.push(Violation::new(field, fault, format!("`{field}` {what}")));
    }
    Secret::new(password)
}

/// Checks a password that somebody signs in with: its length only.
pub(crate) fn presented_password(field: &str, password: Option<&str>) -> Result<Secret, AuthError> {
    let (fault, what) = match password {
        None | Some("") => (Fault::Required, "is required.".to_owned()),
        Some(password) if password.len() > MAX_BYTES => {
            (Fault::TooLong, format!("has at most {MAX_BYTES} bytes."))
        }
        Some(password) => return Ok(Secret::new(password)),
    };
    Err(AuthError::Invalid(vec![Violation::new(field, fault, format!("`{field}` {what}"))]))
}

/// Why a password is guessed soon. `None`: it is not.
fn guessed_soon(password: &str, about: &[&str]) -> Option<String> {
    let words = about.iter().flat_map(|known| {
        let parts = known.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 1);
        std::iter::once(*known).chain(parts)
    });
    let known: Vec<&str> = words.filter(|word| !word.is_empty()).chain(OURS.iter().copied()).collect();
    let end = password.char_indices().nth(LOOKED_AT).map_or(password.len(), |(end, _)| end);
    let estimate = zxcvbn(&password[..end], &known);
    if estimate.guesses() >= FEWEST_GUESSES {
        return None;
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    Some(
        warning.map_or_else(|| "It is made of what is often used.".to_owned(), |warning| warning.to_string()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(password: Option<&str>) -> Option<Violation> {
        let mut violations = Vec::new();
        check_password("password", password, &["grace@example.com", "Grace Hopper"], &mut violations);
        violations.pop()
    }

    #[test]
    fn passwords() {
        let phrase = "correct horse battery staple";
        let (most, over) = (phrase.to_owned() + &"é".repeat(498), phrase.to_owned() + &"é".repeat(499));
        for (password, fault) in [
            (Some(phrase), None),
            (Some("many small green apples"), None),
            (Some("пароль мой длинный"), None),
            (Some("🐎🔋📎🧷🍏🪐🛶🪁🧲🪵🧊🫖"), None),
            (Some("wK3$fq!9zTbe"), None),
            (Some("xkjwhvuqnzpo"), None),
            (Some(&most), None),
            (Some(&over), Some(Fault::TooLong)),
            (Some("elevenchars"), Some(Fault::TooShort)),
            (Some("ééééééééééé"), Some(Fault::TooShort)),
            (Some(""), Some(Fault::Required)),
            (None, Some(Fault::Required)),
        ] {
            assert_eq!(checked(password).map(|v| v.fault), fault, "{password:?}");
        }
    }

    #[test]
    fn what_is_guessed_soon_is_refused_with_the_reason() {
        for password in [
            "Password1234",
            "P@ssw0rd12345!",
            "passwordpassword",
            "qwertyuiop[]",
            "1qaz2wsx3edc4rfv",
            "123456789012",
            "abcdefghijkl",
            "aaaaaaaaaaaaA",
            "            x",
            "iloveyou2024",
            "football2023!",
            "Summer2024!!",
            "dragonshadow",
            "administrator",
            "letmeinplease",
            "GRACE@example.com",
            "gracegracegrace",
            "Grace Hopper",
            "hopper.grace1",
            "KeywardKeyward",
            "keyward-2026",
        ] {
            let refused = checked(Some(password)).unwrap_or_else(|| panic!("{password} is not refused"));
            assert_eq!(refused.fault, Fault::Invalid, "{password}");
            assert!(refused.message.starts_with("`password` is guessed soon. "), "{}", refused.message);
            assert!(!refused.message.contains(password), "{}", refused.message);
        }
        let why = checked(Some("Password1234")).unwrap().message;
        assert!(why.contains("common"), "{why}");
    }

    #[test]
    fn its_beginning_has_to_be_hard_to_guess() {
        let (common, rare) = ("passwordpasswordpassword", "xkjwhvuqnzpo");
        assert_eq!(common.chars().count(), LOOKED_AT);
        assert!(checked(Some(&format!("{common}{rare}"))).is_some());
        assert!(checked(Some(&format!("{rare}{common}"))).is_none());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_it_is_made_of_it_is_judged(password in "\\PC{12,40}|[a-zA-Z0-9@$!İßǅ]{12,40}") {
            checked(Some(&password));
        }
    }

    #[test]
    fn what_is_presented_is_bounded() {
        assert!(presented_password("password", Some("short")).is_ok());
        for bad in [None, Some(""), Some(&*"x".repeat(1_025))] {
            assert!(presented_password("password", bad).is_err());
        }
    }
}
