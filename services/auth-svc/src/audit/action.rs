//! What can be done, by the names that the audit log has for it.

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $done:literal;)*) => {
        /// Something that is done. Its name begins with the type of what it is done to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// Every action there is.
            pub(crate) const ALL: &[Action] = &[$(Action::$name,)*];

            /// Its name: the type of what it is done to, a dot, and what is done.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Action::$name => $text,)* }
            }

            /// What has become of it, after "was".
            pub(crate) const fn done(self) -> &'static str {
                match self { $(Action::$name => $done,)* }
            }
        }
    };
}

actions! {
    /// The setup made an organization.
    OrganizationCreated = "organization.created", "created";
    /// An agent was made.
    AgentCreated = "agent.created", "created";
    /// The name of an agent was changed.
    AgentUpdated = "agent.updated", "updated";
    /// An agent was deleted, and its keys with it.
    AgentDeleted = "agent.deleted", "deleted";
    /// A key was made.
    KeyCreated = "api_key.created", "created";
    /// Settings of a key were changed.
    KeyUpdated = "api_key.updated", "updated";
    /// A key was deleted.
    KeyDeleted = "api_key.deleted", "deleted";
    /// A key was given a new secret.
    KeyRotated = "api_key.rotated", "rotated";
    /// The secret before the newest was ended early.
    KeyOverlapEnded = "api_key.overlap_ended", "limited to its newest secret";
    /// A key was disabled.
    KeyDisabled = "api_key.disabled", "disabled";
    /// A key was enabled again.
    KeyEnabled = "api_key.enabled", "enabled";
    /// A member was added.
    MemberCreated = "member.created", "added";
    /// The role of a member was changed.
    MemberUpdated = "member.updated", "updated";
    /// A member was removed.
    MemberDeleted = "member.deleted", "removed";
    /// A member who had not come in yet was given a new invitation.
    MemberInvited = "member.invited", "invited anew";
    /// A member came in by their invitation.
    MemberJoined = "member.joined", "let in by their invitation";
    /// A member changed their password.
    PasswordChanged = "member.password_changed", "given another password by themselves";
    /// A link was made by which a member chooses a new password.
    PasswordLinkCreated = "member.password_link_created", "given a link to choose a new password";
    /// A member chose a new password by a link.
    PasswordReset = "member.password_reset", "given a new password by a link";
    /// A provider of OpenID Connect proved for the first time who a member is.
    IdentityLinked = "member.identity_linked", "linked to an identity of a provider";
    /// A member signed in.
    SessionCreated = "session.created", "begun";
    /// A session was ended by its member.
    SessionEnded = "session.ended", "ended";
    /// A personal access token was made.
    TokenCreated = "token.created", "created";
    /// A personal access token was deleted.
    TokenDeleted = "token.deleted", "deleted";
    /// A field of an agent's contacts was declared.
    ContactFieldCreated = "contact_field.created", "created";
    /// A field of an agent's contacts was changed.
    ContactFieldUpdated = "contact_field.updated", "updated";
    /// A field of an agent's contacts was removed.
    ContactFieldDeleted = "contact_field.deleted", "removed";
    /// A contact was deleted, with all that was held of the person.
    ContactDeleted = "contact.deleted", "deleted with all that was held of the person";
    /// All that is held of a person was handed out.
    ContactExported = "contact.exported", "exported with all that is held of the person";
    /// A webhook was made.
    WebhookCreated = "webhook.created", "created";
    /// A webhook was changed.
    WebhookUpdated = "webhook.updated", "updated";
    /// A webhook was deleted.
    WebhookDeleted = "webhook.deleted", "deleted";
    /// A webhook was given a new secret.
    WebhookSecretRotated = "webhook.secret_rotated", "given a new secret";
    /// A webhook was sent a message for a test.
    WebhookTested = "webhook.tested", "tested";
    /// A webhook was sent a message again.
    WebhookDeliveryReplayed = "webhook.delivery_replayed", "sent a message again";
    /// A template of document extraction was made.
    TemplateCreated = "extraction_template.created", "created";
    /// A template of document extraction was given another version.
    TemplateUpdated = "extraction_template.updated", "updated";
    /// A template of document extraction was deleted with all its versions.
    TemplateDeleted = "extraction_template.deleted", "deleted";
    /// A document was deleted with what was extracted of it and what its corrections had taught.
    ExtractionDeleted = "document_extraction.deleted", "deleted with its document and its corrections";
    /// Corrections of what was extracted were taken back, with what they had taught.
    CorrectionsDeleted = "document_extraction.corrections_deleted", "given fewer corrections";
    /// The log begins in an organization that is older than it.
    AuditLogStarted = "audit_log.started", "started";
    /// The end of the log was not as it had been left: entries before this one may be missing.
    AuditLogInterrupted = "audit_log.interrupted", "found changed from outside: entries before this one may be missing";
}

/// The types of what other services have.
const OF_OTHER_SERVICES: [&str; 5] =
    ["contact_field", "contact", "webhook", "extraction_template", "document_extraction"];

impl Action {
    /// The type of what it is done to.
    pub(crate) fn resource_type(self) -> &'static str {
        self.as_str().split_once('.').map_or("", |(of, _)| of)
    }

    /// One that another service tells of, by its name. What is done here is told by nobody else.
    pub(crate) fn of_other_service(name: &str) -> Option<Action> {
        let named = Action::ALL.iter().find(|action| action.as_str() == name);
        named.copied().filter(|action| OF_OTHER_SERVICES.contains(&action.resource_type()))
    }

    /// The type in words, as a sentence begins with it.
    pub(crate) fn thing(self) -> &'static str {
        match self.resource_type() {
            "organization" => "Organization",
            "agent" => "Agent",
            "api_key" => "API key",
            "member" => "Member",
            "token" => "Token",
            "session" => "Session",
            "contact_field" => "Contact field",
            "contact" => "Contact",
            "webhook" => "Webhook",
            "extraction_template" => "Extraction template",
            "document_extraction" => "Document extraction",
            "audit_log" => "The audit log",
            _ => "Something",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_say_what_they_are_done_to() {
        let names: HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        for action in Action::ALL {
            let (of, what) = action.as_str().split_once('.').unwrap();
            let plain =
                |text: &str| !text.is_empty() && text.bytes().all(|c| c == b'_' || c.is_ascii_lowercase());
            assert!(plain(of) && plain(what) && of == action.resource_type(), "{action:?}");
            assert_ne!(action.thing(), "Something", "say what {of} is in words");
        }
    }

    #[test]
    fn other_services_tell_of_their_own_only() {
        assert_eq!(Action::of_other_service("webhook.created"), Some(Action::WebhookCreated));
        assert_eq!(Action::of_other_service("contact.deleted"), Some(Action::ContactDeleted));
        for name in ["api_key.created", "audit_log.interrupted", "webhook", "webhook.read", ""] {
            assert_eq!(Action::of_other_service(name), None, "{name}");
        }
    }
}
