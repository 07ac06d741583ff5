//! What a mail says of what ends soon.

use std::fmt::Write as _;

use crate::domain::{Notice, NoticeKind};

/// How many are named in one mail. Of more only the number is told.
const NAMED: usize = 50;

/// The subject and the text of a mail about these, of which there is at least one. With the address of the dashboard,
/// each leads to the page of its key.
pub(super) fn message(organization: &str, notices: &[Notice], dashboard: Option<&str>) -> (String, String) {
    let subject = match notices {
        [Notice { kind: NoticeKind::KeyExpires, key_name, .. }] => {
            format!("API key expires soon: {key_name}")
        }
        [Notice { kind: NoticeKind::SecretEnds, key_name, .. }] => {
            format!("The old secret of an API key ends soon: {key_name}")
        }
        _ => format!("{} API keys or secrets of {organization} end soon", notices.len()),
    };
    let mut text = format!("At {organization} on Keyward:\n\n");
    for notice in notices.iter().take(NAMED) {
        line(&mut text, notice);
        if let Some(dashboard) = dashboard {
            let Notice { agent, key_id, .. } = notice;
            _ = writeln!(text, "  {dashboard}/agents/{}/api-permissions/{key_id}", agent.id);
        }
    }
    if let Some(more @ 1..) = notices.len().checked_sub(NAMED) {
        _ = writeln!(text, "- and {more} more");
    }
    text.push_str(
        "\nA key that has expired is refused, and so is a secret whose overlap has ended. Give the key a later\n\
         expiry, or see to it that whoever uses it has the new secret.\n",
    );
    (subject, text)
}

fn line(text: &mut String, notice: &Notice) {
    let Notice { key_name, agent, secret_last4, ends_at, .. } = notice;
    let used = match notice.last_used_at {
        Some(at) => format!("last used {at}"),
        None => "not used so far".to_owned(),
    };
    _ = match notice.kind {
        NoticeKind::KeyExpires => {
            writeln!(text, "- API key \"{key_name}\" of {} expires at {ends_at} ({used}).", agent.name)
        }
        NoticeKind::SecretEnds => writeln!(
            text,
            "- The old secret ...{secret_last4} of API key \"{key_name}\" of {} ends at {ends_at} ({used}).",
            agent.name
        ),
    };
}

#[cfg(test)]
mod tests {
    use svc_core::clock::Timestamp;

    use super::*;
    use crate::domain::{AgentId, AgentName, KeyId};

    #[test]
    fn one_is_named_in_the_subject_and_many_are_counted() {
        let notice = Notice {
            kind: NoticeKind::KeyExpires,
            key_id: KeyId::new("k"),
            key_name: "Production sync".to_owned(),
            agent: AgentName { id: AgentId::new("a"), name: "Support".to_owned() },
            secret_last4: "9fQz".to_owned(),
            ends_at: Timestamp(1_769_860_800_000_000),
            last_used_at: None,
        };
        let (subject, text) = message("Acme", std::slice::from_ref(&notice), None);
        assert_eq!(subject, "API key expires soon: Production sync");
        let line = "- API key \"Production sync\" of Support expires at 2026-01-31T12:00:00.000Z (not used so far).\n";
        assert!(text.contains(line), "{text}");
        let secret =
            Notice { kind: NoticeKind::SecretEnds, last_used_at: Some(Timestamp(0)), ..notice.clone() };
        assert!(!text.contains("http"), "{text}");
        let (subject, text) =
            message("Acme", std::slice::from_ref(&secret), Some("https://keys.example.com"));
        assert_eq!(subject, "The old secret of an API key ends soon: Production sync");
        assert!(text.contains("The old secret ...9fQz of") && text.contains("last used 1970"), "{text}");
        let link = ").\n  https://keys.example.com/agents/a/api-permissions/k\n";
        assert!(text.contains(link), "{text}");
        let (subject, text) = message("Acme", &vec![notice; 53], None);
        assert_eq!(subject, "53 API keys or secrets of Acme end soon");
        assert_eq!(text.matches("Production sync").count(), 50);
        assert!(text.contains("- and 3 more\n"), "{text}");
    }
}
