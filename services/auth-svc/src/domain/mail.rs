//! Mails: to whom, and what they say. Plain text.

use serde::{Deserialize, Serialize};

/// The longest subject, in characters. Names in it are shorter.
const MAX_SUBJECT: usize = 200;

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mail {
    /// The email address that it goes to.
    pub(crate) to: String,
    /// One line.
    pub(crate) subject: String,
    /// Plain text.
    pub(crate) text: String,
}

impl Mail {
    /// Whatever stands in names, the subject is one line of a bounded length.
    pub(crate) fn new(to: &str, subject: &str, text: String) -> Mail {
        let one_line = subject.chars().map(|c| if c.is_control() { ' ' } else { c });
        Mail { to: to.to_owned(), subject: one_line.take(MAX_SUBJECT).collect(), text }
    }

    /// An invitation to an organization.
    pub(crate) fn invitation(to: &str, organization: &str, link: &str) -> Mail {
        let subject = format!("You are invited to {organization}");
        let text = format!(
            "You are invited to the organization {organization} on Keyward.\n\n\
             Open this link to join. It works once, for 7 days:\n\n{link}\n\n\
             If you did not expect this, ignore it: nothing happens without the link.\n"
        );
        Mail::new(to, &subject, text)
    }

    /// A link by which a member chooses a new password.
    pub(crate) fn password_reset(to: &str, organization: &str, link: &str) -> Mail {
        let subject = format!("Choose a new password for {organization}");
        let text = format!(
            "Somebody asked for a new password for your account at {organization} on Keyward.\n\n\
             Open this link to choose one. It works once, for one hour:\n\n{link}\n\n\
             If it was not you, ignore this mail: your password stays as it is.\n"
        );
        Mail::new(to, &subject, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line() {
        let mail = Mail::invitation("ann@example.com", "Acme\r\nBcc: eve@example.com", "https://x.test/#a");
        assert_eq!(mail.subject, "You are invited to Acme  Bcc: eve@example.com");
        assert!(mail.text.contains("https://x.test/#a"));
        assert_eq!(Mail::new("a@example.com", &"x".repeat(300), String::new()).subject.len(), 200);
    }
}
