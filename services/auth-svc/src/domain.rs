//! The things of auth-svc and their rules. No wire types, no SQL.

mod addresses;
mod agent;
mod key;
mod member;
mod permission;
mod text;

pub use addresses::Addresses;
pub use agent::{Agent, AgentMode, AgentName};
pub use key::{
    Key, KeyChange, KeyDraft, KeyStatus, LimitsAsked, MAX_OVERLAP, MaxLimits, Previous, RateLimits,
};
pub use member::{Member, MemberDraft, Role, Token, TokenDraft, display_name};
pub use permission::{Permissions, effective};
pub use text::{check_description, check_name};

/// The most items on a page of a list.
pub const MAX_PAGE: i32 = 100;
/// The items on a page when the caller does not say.
pub const DEFAULT_PAGE: i32 = 20;
