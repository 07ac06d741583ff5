//! As whom an OpenID Connect provider knows somebody.

use std::fmt;

/// The longest subject (OpenID Connect Core 1.0, section 2: 255 ASCII characters).
const MAX_SUBJECT: usize = 255;

/// Somebody as a provider knows them. Issuer and subject together are theirs for ever; everything else that a provider
/// says may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The provider, as it names itself in tokens.
    pub(crate) issuer: String,
    /// Its name for them.
    pub(crate) subject: String,
}

impl Identity {
    /// `None` when the subject is not one that a provider may give.
    pub(crate) fn new(issuer: &str, subject: &str) -> Option<Identity> {
        let fits = !subject.is_empty()
            && subject.len() <= MAX_SUBJECT
            && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        fits.then(|| Identity { issuer: issuer.to_owned(), subject: subject.to_owned() })
    }
}

/// What a provider has proven of who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proven {
    /// How people know the provider.
    pub(crate) provider: String,
    /// Who they are.
    pub(crate) identity: Identity,
    /// Their email address, only if the provider says that it is theirs, and may say so.
    pub(crate) verified_email: Option<String>,
}

/// Why somebody is not signed in by a provider. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInFailure {
    /// This browser has not begun it, or too long ago, or has begun another one since.
    Expired,
    /// The provider has sent the browser back without a proof: most often the person has said no.
    Denied,
    /// The provider is away, too slow, or answers with errors.
    Unavailable,
    /// What the provider said does not hold.
    Invalid,
    /// There is no such member, and the provider does not say that an email address is theirs.
    EmailUnverified,
    /// There is no such member, or they were removed.
    NotAMember,
    /// The provider knows the member of this email address by another subject already.
    OtherIdentity,
}

impl SignInFailure {
    /// What the page for signing in is told.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            SignInFailure::Expired => "sign_in_expired",
            SignInFailure::Denied => "provider_denied",
            SignInFailure::Unavailable => "provider_unavailable",
            SignInFailure::Invalid => "provider_invalid",
            SignInFailure::EmailUnverified => "email_unverified",
            SignInFailure::NotAMember => "not_a_member",
            SignInFailure::OtherIdentity => "other_identity",
        }
    }

    /// What the audit log is told, after "was not".
    pub(crate) const fn why(self) -> &'static str {
        match self {
            SignInFailure::Expired => "the browser has not begun it, or too long ago",
            SignInFailure::Denied => "the provider has proven nobody",
            SignInFailure::Unavailable => "the provider is away",
            SignInFailure::Invalid => "what the provider said does not hold",
            SignInFailure::EmailUnverified => "the provider does not say that an email address is theirs",
            SignInFailure::NotAMember => "no member has the email address that the provider says is theirs",
            SignInFailure::OtherIdentity => "the provider knows this member by another identity",
        }
    }
}

impl fmt::Display for SignInFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        let (longest, over) = ("x".repeat(255), "x".repeat(256));
        for (subject, good) in [
            ("248289761001", true),
            ("auth0|5f", true),
            (longest.as_str(), true),
            (over.as_str(), false),
            ("", false),
            ("a\nb", false),
            ("ä", false),
        ] {
            assert_eq!(Identity::new("https://id.example.com", subject).is_some(), good, "{subject}");
        }
    }
}
