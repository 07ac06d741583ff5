//! Sessions of members, and the links that let one in once.

use std::time::Duration;

use svc_core::clock::Timestamp;

use super::{LinkId, MemberId, OrganizationId, Role, SessionId};

/// The most sessions of a member. One more ends the oldest.
pub(crate) const MAX_SESSIONS: i64 = 50;
/// How much of a `User-Agent` is kept, in characters: enough to know a browser by.
const MAX_USER_AGENT: usize = 200;

/// Being signed in, without the token that proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The id.
    pub(crate) id: SessionId,
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// Who is signed in.
    pub(crate) member_id: MemberId,
    /// The role of the member when its token was made.
    pub(crate) role: Role,
    /// Where it began.
    pub(crate) client_address: String,
    /// What it began with.
    pub(crate) user_agent: String,
    /// When it began.
    pub(crate) created_at: Timestamp,
    /// When it was last used, up to [`SessionLife::SEEN_EVERY`] ago.
    pub(crate) last_seen_at: Timestamp,
    /// Its absolute end.
    pub(crate) expires_at: Timestamp,
}

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionLife {
    /// Without being used.
    pub(crate) idle: Duration,
    /// In all.
    pub(crate) absolute: Duration,
}

impl SessionLife {
    /// How often it is written down that a session is in use.
    pub(crate) const SEEN_EVERY: Duration = Duration::from_secs(60);

    /// When a session ends if it is not used again.
    pub(crate) fn end(self, session: &Session) -> Timestamp {
        session.expires_at.min(session.last_seen_at.plus(self.idle))
    }

    /// Whether it works.
    pub(crate) fn is_alive(self, session: &Session, now: Timestamp) -> bool {
        now < self.end(session)
    }

    /// Whether it is to be written down that it is in use.
    pub(crate) fn is_to_be_seen(session: &Session, now: Timestamp) -> bool {
        now >= session.last_seen_at.plus(Self::SEEN_EVERY)
    }
}

/// A `User-Agent` as it is kept.
pub(crate) fn shortened(user_agent: &str) -> String {
    user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect()
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkKind {
    /// Sets up an empty installation.
    Setup,
    /// Lets a new member in.
    Invitation,
    /// Lets a member choose a new password.
    PasswordReset,
}

impl LinkKind {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            LinkKind::Setup => "SETUP",
            LinkKind::Invitation => "INVITATION",
            LinkKind::PasswordReset => "PASSWORD_RESET",
        }
    }

    /// How long such a link works.
    pub(crate) const fn life(self) -> Duration {
        match self {
            LinkKind::Setup | LinkKind::PasswordReset => Duration::from_secs(60 * 60),
            LinkKind::Invitation => Duration::from_secs(7 * 24 * 60 * 60),
        }
    }

    /// The page of the dashboard that it opens. The token follows in the fragment, which no browser sends.
    pub(crate) const fn page(self) -> &'static str {
        match self {
            LinkKind::Setup => "setup",
            LinkKind::Invitation => "invite",
            LinkKind::PasswordReset => "reset",
        }
    }
}

/// A link that works once, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The id.
    pub(crate) id: LinkId,
    /// What it is for.
    pub(crate) kind: LinkKind,
    /// Whose it is. `None`: nobody's yet.
    pub(crate) member: Option<(OrganizationId, MemberId)>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// From then on it does not work.
    pub(crate) expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: SessionLife =
        SessionLife { idle: Duration::from_secs(100), absolute: Duration::from_secs(1_000) };

    fn session(created: i64, seen: i64) -> Session {
        let at = |seconds: i64| Timestamp(1_800_000_000_000_000 + seconds * 1_000_000);
        Session {
            id: SessionId::new("s"),
            organization_id: OrganizationId::new("o"),
            member_id: MemberId::new("m"),
            role: Role::User,
            client_address: String::new(),
            user_agent: String::new(),
            created_at: at(created),
            last_seen_at: at(seen),
            expires_at: at(created).plus(LIFE.absolute),
        }
    }

    #[test]
    fn a_session_ends_when_it_idles_and_when_it_is_old() {
        let at = |seconds: i64| Timestamp(1_800_000_000_000_000 + seconds * 1_000_000);
        for (seen, now, is_alive) in
            [(0, 0, true), (0, 99, true), (0, 100, false), (950, 999, true), (950, 1_000, false)]
        {
            assert_eq!(LIFE.is_alive(&session(0, seen), at(now)), is_alive, "{seen} {now}");
        }
        assert!(!SessionLife::is_to_be_seen(&session(0, 0), at(59)));
        assert!(SessionLife::is_to_be_seen(&session(0, 0), at(60)));
    }

    #[test]
    fn a_user_agent_is_short_and_printable() {
        assert_eq!(shortened("Mozilla\u{7}/5.0"), "Mozilla/5.0");
        assert_eq!(shortened(&"é".repeat(300)).chars().count(), 200);
    }
}
