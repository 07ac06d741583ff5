//! Which RPC writes what into the audit log. Every RPC of a member that changes something has its line; a test fails
//! where one has none.

use super::Action;

/// Each RPC, without the leading slash, and what it writes. Of several actions it is the one that it usually is.
const AUDITED: &[(&str, Action)] = &[
    ("keyward.auth.v1.AgentService/CreateAgent", Action::AgentCreated),
    ("keyward.auth.v1.AgentService/UpdateAgent", Action::AgentUpdated),
    ("keyward.auth.v1.AgentService/DeleteAgent", Action::AgentDeleted),
    ("keyward.auth.v1.ApiKeyService/CreateApiKey", Action::KeyCreated),
    ("keyward.auth.v1.ApiKeyService/UpdateApiKey", Action::KeyUpdated),
    ("keyward.auth.v1.ApiKeyService/DeleteApiKey", Action::KeyDeleted),
    ("keyward.auth.v1.ApiKeyService/RotateApiKey", Action::KeyRotated),
    ("keyward.auth.v1.ApiKeyService/EndOverlap", Action::KeyOverlapEnded),
    ("keyward.auth.v1.ApiKeyService/DisableApiKey", Action::KeyDisabled),
    ("keyward.auth.v1.ApiKeyService/EnableApiKey", Action::KeyEnabled),
    ("keyward.auth.v1.MemberService/CreateMember", Action::MemberCreated),
    ("keyward.auth.v1.MemberService/UpdateMember", Action::MemberUpdated),
    ("keyward.auth.v1.MemberService/DeleteMember", Action::MemberDeleted),
    ("keyward.auth.v1.MemberService/RenewInvitation", Action::MemberInvited),
    ("keyward.auth.v1.MemberService/CreatePasswordReset", Action::PasswordLinkCreated),
    ("keyward.auth.v1.OidcService/StartOidc", Action::SessionCreated),
    ("keyward.auth.v1.OidcService/FinishOidc", Action::SessionCreated),
    ("keyward.auth.v1.SessionService/SetUp", Action::OrganizationCreated),
    ("keyward.auth.v1.SessionService/SignIn", Action::SessionCreated),
    ("keyward.auth.v1.SessionService/SignOut", Action::SessionEnded),
    ("keyward.auth.v1.SessionService/EndSession", Action::SessionEnded),
    ("keyward.auth.v1.SessionService/AcceptInvitation", Action::MemberJoined),
    ("keyward.auth.v1.SessionService/ChangePassword", Action::PasswordChanged),
    ("keyward.auth.v1.SessionService/RequestPasswordReset", Action::PasswordLinkCreated),
    ("keyward.auth.v1.SessionService/ResetPassword", Action::PasswordReset),
    ("keyward.auth.v1.TokenService/CreateToken", Action::TokenCreated),
    ("keyward.auth.v1.TokenService/DeleteToken", Action::TokenDeleted),
    ("keyward.contacts.v1.ContactFieldService/CreateContactField", Action::ContactFieldCreated),
    ("keyward.contacts.v1.ContactFieldService/UpdateContactField", Action::ContactFieldUpdated),
    ("keyward.contacts.v1.ContactFieldService/DeleteContactField", Action::ContactFieldDeleted),
    ("keyward.contacts.v1.ContactService/DeleteContact", Action::ContactDeleted),
    ("keyward.contacts.v1.ContactService/ExportContact", Action::ContactExported),
    ("keyward.contacts.v1.WebhookService/CreateWebhook", Action::WebhookCreated),
    ("keyward.contacts.v1.WebhookService/UpdateWebhook", Action::WebhookUpdated),
    ("keyward.contacts.v1.WebhookService/DeleteWebhook", Action::WebhookDeleted),
    ("keyward.contacts.v1.WebhookService/TestWebhook", Action::WebhookTested),
    ("keyward.contacts.v1.WebhookService/RotateWebhookSecret", Action::WebhookSecretRotated),
    ("keyward.contacts.v1.WebhookService/ReplayWebhookDelivery", Action::WebhookDeliveryReplayed),
    ("keyward.extraction.v1.ExtractionService/DeleteJob", Action::ExtractionDeleted),
    ("keyward.extraction.v1.TemplateService/CreateTemplate", Action::TemplateCreated),
    ("keyward.extraction.v1.TemplateService/CreateTemplateVersion", Action::TemplateUpdated),
    ("keyward.extraction.v1.TemplateService/DeleteTemplate", Action::TemplateDeleted),
];

/// What an RPC writes when it is made. `None`: it changes nothing.
pub(crate) fn action_of(rpc: &str) -> Option<Action> {
    AUDITED.iter().find(|(name, _)| *name == rpc).map(|(_, action)| *action)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use svc_core::policy::{self, Access, Policy};

    use super::*;

    /// What the names of RPCs begin with that change nothing.
    const READS: &[&str] = &["Get", "List", "Explain", "Export"];
    /// What members manage in other services. Contacts are data, which the feed of changes tells of.
    const OF_OTHERS: &[&str] = &[
        "keyward.contacts.v1.ContactFieldService",
        "keyward.contacts.v1.WebhookService",
        "keyward.extraction.v1.TemplateService",
    ];
    /// What else they do there that their organization must be able to tell: it is about all that is held of a person, or
    /// a document.
    const OF_PEOPLE: &[&str] = &[
        "keyward.contacts.v1.ContactService/DeleteContact",
        "keyward.contacts.v1.ContactService/ExportContact",
        "keyward.extraction.v1.ExtractionService/DeleteJob",
    ];

    #[test]
    fn every_rpc_of_people_that_changes_something_is_audited() {
        let pool = policy::built_in_descriptors().unwrap();
        let mut changing: BTreeSet<String> = OF_PEOPLE.iter().map(|rpc| (*rpc).to_owned()).collect();
        let audited = pool.services().filter(|service| {
            service.package_name() == "keyward.auth.v1" || OF_OTHERS.contains(&service.full_name())
        });
        for service in audited {
            for rpc in Policy::of(&pool, [service.full_name()]).unwrap().rpcs() {
                let of_people = matches!(rpc.access, Access::Member(_) | Access::Public);
                let reads = READS.iter().any(|verb| rpc.method.name().starts_with(verb));
                if of_people && !rpc.http.planned && !reads {
                    changing.insert(rpc.path.trim_start_matches('/').to_owned());
                }
            }
        }
        let missing: Vec<_> = changing.iter().filter(|rpc| action_of(rpc).is_none()).collect();
        assert!(missing.is_empty(), "say in AUDITED what these write into the audit log: {missing:?}");
        let gone: Vec<_> = AUDITED.iter().filter(|(name, _)| !changing.contains(*name)).collect();
        assert!(gone.is_empty(), "these are no RPCs that change something: {gone:?}");
    }
}
