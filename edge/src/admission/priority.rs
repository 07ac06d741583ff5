//! Who comes first when there is too much to do.

/// What a request asks for, and whether with credentials that auth-svc has let through recently. A flood of
/// made-up credentials fills its share of a bound and no more. The edge's own pages are never refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// A member's call.
    Management,
    /// A member's call, with any other token or none.
    UnprovenManagement,
    /// Data.
    Proven,
    /// Data, with any other credentials or none.
    Unproven,
}

impl Priority {
    pub(super) const ALL: [Priority; 4] =
        [Priority::Management, Priority::UnprovenManagement, Priority::Proven, Priority::Unproven];

    /// Of a request for this kind of work.
    pub(crate) const fn of(is_management: bool, is_proven: bool) -> Priority {
        match (is_management, is_proven) {
            (true, true) => Priority::Management,
            (true, false) => Priority::UnprovenManagement,
            (false, true) => Priority::Proven,
            (false, false) => Priority::Unproven,
        }
    }

    pub(super) const fn is_management(self) -> bool {
        matches!(self, Priority::Management | Priority::UnprovenManagement)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Priority::Management => "management",
            Priority::UnprovenManagement => "unproven_management",
            Priority::Proven => "proven",
            Priority::Unproven => "unproven",
        }
    }
}
