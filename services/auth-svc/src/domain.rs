//! The things of auth-svc and their rules. No wire types, no SQL.

mod actor;
#[allow(unreachable_pub, reason = "fuzz/ reaches it through a feature")]
mod addresses;
mod agent;
mod event;
mod identity;
mod ids;
mod key;
mod mail;
mod member;
mod notice;
mod password;
mod permission;
mod request;
mod session;
mod text;
mod usage;

pub(crate) use actor::{Actor, Credential};
#[allow(unreachable_pub, reason = "fuzz/ reaches it through a feature")]
pub use addresses::Addresses;
#[allow(unreachable_pub, reason = "fuzz/ reaches it through a feature")]
pub use agent::AgentMode;
pub(crate) use agent::{Agent, AgentName};
pub(crate) use event::Event;
pub(crate) use identity::{Identity, Proven, SignInFailure};
pub(crate) use ids::{
    AgentId, KeyId, LinkId, MailId, MemberId, OrganizationId, SecretId, SessionId, TokenId,
};
pub(crate) use key::{
    Key, KeyChange, KeyDraft, KeyStatus, MAX_OVERLAP, MaxLimits, Previous, RateLimits, RequestedLimits,
};
pub(crate) use mail::Mail;
pub(crate) use member::{Member, MemberDraft, MemberStatus, Role, Token, TokenDraft, display_name};
pub(crate) use notice::{KEY_AHEAD, Notice, NoticeKind, SECRET_AHEAD};
pub(crate) use password::{check_password, presented_password};
pub(crate) use permission::{Permissions, effective};
pub(crate) use request::{CLIENT_DISCONNECTED, LoggedRequest, OK, RequestEntry, first_id_from};
pub(crate) use session::{Link, LinkKind, MAX_SESSIONS, Session, SessionLife, shortened};
pub(crate) use text::{check_description, check_name};
pub(crate) use usage::{DENIALS, Granularity, KeyDenial, RECENT_DAYS, days};
