//! Permissions: `scope:action`.

use svc_core::error::{Fault, Violation};

use super::Role;

/// The permissions that there are: what the services declare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permissions(Vec<String>);

impl Permissions {
    /// These and no others.
    pub(crate) fn new(all: Vec<String>) -> Permissions {
        Permissions(all)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }

    /// Checks a key's list: at least one, without doubles, each one known.
    pub(crate) fn check(&self, asked: &[String], violations: &mut Vec<Violation>) {
        if asked.is_empty() {
            let message = "`permissions` needs at least one permission.";
            violations.push(Violation::new("permissions", Fault::Required, message));
        }
        for (at, permission) in asked.iter().enumerate() {
            let field = format!("permissions[{at}]");
            // A long list would make this slow; it ends at the first item beyond all that there are.
            if at > self.0.len() {
                let message = "`permissions` holds more than there are.";
                violations.push(Violation::new(field, Fault::TooLong, message));
                return;
            }
            if !self.0.contains(permission) {
                let shown: String = permission.chars().take(60).collect();
                let message = format!("`{shown}` is not a permission. There are: {}.", self.0.join(", "));
                violations.push(Violation::new(field, Fault::Invalid, message));
            } else if asked[..at].contains(permission) {
                violations.push(Violation::new(
                    field,
                    Fault::Duplicate,
                    format!("`{permission}` appears twice."),
                ));
            }
        }
    }
}

/// What a key may do now: its permissions, or nothing once its creator holds none. `None` stands for
/// a member who was removed.
pub(crate) fn effective(permissions: &[String], creator: Option<Role>) -> Vec<String> {
    match creator {
        Some(role) if role.holds_permissions() => permissions.to_vec(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let known = Permissions::new(vec!["contacts:read".into(), "contacts:create".into()]);
        let huge: Vec<&str> = vec!["contacts:read"; 10_000];
        for (asked, faults) in [
            (vec!["contacts:read"], vec![]),
            (vec!["contacts:create", "contacts:read"], vec![]),
            (vec![], vec![Fault::Required]),
            (vec!["contacts:read", "contacts:read"], vec![Fault::Duplicate]),
            (vec!["contacts:*"], vec![Fault::Invalid]),
            (vec!["Contacts:read", ""], vec![Fault::Invalid, Fault::Invalid]),
            (huge, vec![Fault::Duplicate, Fault::Duplicate, Fault::TooLong]),
        ] {
            let mut violations = Vec::new();
            let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
            known.check(&asked, &mut violations);
            assert_eq!(violations.iter().map(|v| v.fault).collect::<Vec<_>>(), faults);
        }
    }

    #[test]
    fn a_key_never_has_more_than_its_creator() {
        let permissions = ["contacts:read".to_owned()];
        for (creator, left) in
            [(Some(Role::Owner), 1), (Some(Role::Admin), 1), (Some(Role::User), 0), (None, 0)]
        {
            assert_eq!(effective(&permissions, creator).len(), left, "{creator:?}");
        }
    }
}
