//! Who may call an operation, in words.

use svc_core::policy::{Access, Condition};

/// Who may call an operation, in a sentence or two.
pub(crate) fn who_may(access: &Access) -> String {
    let quoted = |names: &[String]| names.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(" and ");
    match access {
        Access::Key { permissions, when, .. } => {
            let mut text = format!("Needs an API key with {}.", quoted(permissions));
            for Condition { field, permissions: more, .. } in when {
                text.push_str(&format!(" With `{field}` also {}.", quoted(more)));
            }
            text
        }
        Access::AnyKey => "Needs a valid API key, whatever its permissions.".to_owned(),
        Access::Member(role) => {
            let role = role.as_str_name().trim_start_matches("ROLE_");
            format!(
                "Needs a member with the role `{role}` or a higher one: signed in to the dashboard, or by their \
                 personal access token."
            )
        }
        Access::Public => "Needs no credentials.".to_owned(),
        Access::Internal => String::new(),
    }
}
