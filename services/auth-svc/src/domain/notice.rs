//! Notices: what ends soon and wants somebody to do something about it.

use std::time::Duration;

use svc_core::clock::Timestamp;

use super::{AgentName, KeyId};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How many days before a key expires there is a notice.
const KEY_DAYS: [i64; 3] = [1, 3, 14];
/// How many days before the end of an overlap there is one. An overlap lasts 7 days at the most.
const SECRET_DAYS: [i64; 1] = [1];

/// How long before its end a key is noticed at the most.
pub(crate) const KEY_AHEAD: Duration = Duration::from_secs(14 * 24 * 3600);
/// How long before its end an overlap is.
pub(crate) const SECRET_AHEAD: Duration = DAY;

/// What ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NoticeKind {
    /// A key expires.
    KeyExpires,
    /// The overlap of a rotation ends: the secret before stops working.
    SecretEnds,
}

impl NoticeKind {
    /// As it is stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            NoticeKind::KeyExpires => "KEY_EXPIRES",
            NoticeKind::SecretEnds => "SECRET_ENDS",
        }
    }

    /// From how it is stored.
    pub(crate) fn parse(text: &str) -> Option<NoticeKind> {
        [NoticeKind::KeyExpires, NoticeKind::SecretEnds].into_iter().find(|kind| kind.as_str() == text)
    }

    const fn days(self) -> &'static [i64] {
        match self {
            NoticeKind::KeyExpires => &KEY_DAYS,
            NoticeKind::SecretEnds => &SECRET_DAYS,
        }
    }
}

/// A key or a secret that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What ends.
    pub(crate) kind: NoticeKind,
    /// The key.
    pub(crate) key_id: KeyId,
    /// Its name.
    pub(crate) key_name: String,
    /// Its agent.
    pub(crate) agent: AgentName,
    /// The last characters of the secret that ends with it.
    pub(crate) secret_last4: String,
    /// When it ends.
    pub(crate) ends_at: Timestamp,
    /// When what ends was last used.
    pub(crate) last_used_at: Option<Timestamp>,
}

impl Notice {
    /// The days of the notice that is due: the fewest that what is left still fits in.
    pub(crate) fn days(&self, now: Timestamp) -> Option<i64> {
        let left = self.ends_at.since(now);
        let fits = |days: &i64| u32::try_from(*days).is_ok_and(|days| left <= DAY.saturating_mul(days));
        self.kind.days().iter().copied().find(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AgentId;

    #[test]
    fn a_notice_is_due_14_3_and_1_days_before() {
        let now = Timestamp(1_769_860_800_000_000);
        let after = |hours: u64| now.plus(Duration::from_secs(hours * 3600));
        for (kind, ends_at, days) in [
            (NoticeKind::KeyExpires, after(14 * 24 + 1), None),
            (NoticeKind::KeyExpires, after(14 * 24), Some(14)),
            (NoticeKind::KeyExpires, after(3 * 24 + 1), Some(14)),
            (NoticeKind::KeyExpires, after(3 * 24), Some(3)),
            (NoticeKind::KeyExpires, after(25), Some(3)),
            (NoticeKind::KeyExpires, after(24), Some(1)),
            (NoticeKind::KeyExpires, after(0), Some(1)),
            (NoticeKind::SecretEnds, after(25), None),
            (NoticeKind::SecretEnds, after(24), Some(1)),
        ] {
            let notice = Notice {
                kind,
                key_id: KeyId::new("k"),
                key_name: String::new(),
                agent: AgentName { id: AgentId::new("a"), name: String::new() },
                secret_last4: String::new(),
                ends_at,
                last_used_at: None,
            };
            assert_eq!(notice.days(now), days, "{kind:?} {ends_at}");
            assert_eq!(NoticeKind::parse(kind.as_str()), Some(kind));
        }
    }
}
