//! Ids, one type for each kind of thing, so that two of them cannot change places.

use std::fmt;

use svc_core::ids::is_id;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            pub(crate) struct $name(String);

            impl $name {
                /// As it is stored, or as a caller says it.
                pub(crate) fn new(id: impl Into<String>) -> $name {
                    $name(id.into())
                }

                /// The text.
                pub(crate) fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl From<$name> for String {
                fn from(id: $name) -> String {
                    id.0
                }
            }
        )*
    };
}

macro_rules! said_by_callers {
    ($($name:ident),*) => {
        $(impl $name {
            /// Whether it has the form of an id. What has not does not exist; no database need be asked.
            pub(crate) fn can_exist(&self) -> bool {
                is_id(&self.0)
            }
        })*
    };
}

ids! {
    /// Of an organization.
    OrganizationId;
    /// Of an agent.
    AgentId;
    /// Of an API key. Not the `apiKey`, which a request presents.
    KeyId;
    /// Of a secret of an API key.
    SecretId;
    /// Of a mail that waits.
    MailId;
    /// Of a member.
    MemberId;
    /// Of a personal access token.
    TokenId;
    /// Of a session.
    SessionId;
    /// Of a link that works once.
    LinkId;
}

said_by_callers!(AgentId, KeyId, MemberId, TokenId, SessionId);
