//! What must hold of a resource for a call to act on it (RFC 9110, 13.1). A service decides it in the
//! transaction of the change itself, so that nothing comes in between.

use keyward_proto::policy::v1 as pb;

use crate::error::{Error, Reason};

/// Versions that a caller names. Versions count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Any: what counts is whether the resource exists.
    Any,
    /// One of these. Of none, nothing fits.
    OneOf(Vec<i32>),
}

impl Versions {
    fn fit(&self, current: Option<i32>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Versions::Any, Some(_)) => true,
            (Versions::OneOf(versions), Some(current)) => versions.contains(&current),
        }
    }
}

impl From<pb::Versions> for Versions {
    fn from(versions: pb::Versions) -> Versions {
        match versions.any {
            true => Versions::Any,
            false => Versions::OneOf(versions.versions),
        }
    }
}

/// What a call says of the version. Nothing said always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// `If-Match`: the resource has one of these.
    pub matches: Option<Versions>,
    /// `If-None-Match`: the resource has none of these, or is not there.
    pub none_matches: Option<Versions>,
}

impl Precondition {
    /// From the fields `if_match` and `if_none_match` of a request.
    pub fn of(if_match: Option<pb::Versions>, if_none_match: Option<pb::Versions>) -> Precondition {
        Precondition {
            matches: if_match.map(Versions::from),
            none_matches: if_none_match.map(Versions::from),
        }
    }

    /// Whether it holds for a resource with this version, or for one that is not there.
    pub fn check(&self, current: Option<i32>) -> Result<(), Unmet> {
        if self.matches.as_ref().is_some_and(|versions| !versions.fit(current)) {
            return Err(if current.is_some() { Unmet::OtherVersion } else { Unmet::NotThere });
        }
        match &self.none_matches {
            Some(versions) if versions.fit(current) => Err(Unmet::There),
            _ => Ok(()),
        }
    }
}

/// Why a precondition does not hold. The version itself is for those who may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// Something had to be matched.
    #[error("There is nothing that If-Match could match.")]
    NotThere,
    /// It has a version that is not named.
    #[error("It has another version than If-Match names: read it again.")]
    OtherVersion,
    /// It has a version that is ruled out.
    #[error("It exists, and If-None-Match rules that out.")]
    There,
}

impl From<Unmet> for Error {
    fn from(unmet: Unmet) -> Error {
        Error::new(Reason::PreconditionFailed, unmet.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> Option<pb::Versions> {
        Some(pb::Versions { any: true, versions: Vec::new() })
    }

    fn these(versions: &[i32]) -> Option<pb::Versions> {
        Some(pb::Versions { any: false, versions: versions.to_vec() })
    }

    #[test]
    fn what_holds() {
        const HOLDS: Result<(), Unmet> = Ok(());
        let (not_there, other, there) = (Err(Unmet::NotThere), Err(Unmet::OtherVersion), Err(Unmet::There));
        // The outcome where nothing is there, and for version 3.
        for (if_match, if_none_match, of_nothing, of_3) in [
            (None, None, HOLDS, HOLDS),
            (any(), None, not_there, HOLDS),
            (these(&[3]), None, not_there, HOLDS),
            (these(&[2, 3]), None, not_there, HOLDS),
            (these(&[2]), None, not_there, other),
            // Nothing but weak tags, or tags that we never gave.
            (these(&[]), None, not_there, other),
            (None, any(), HOLDS, there),
            (None, these(&[2, 3]), HOLDS, there),
            (None, these(&[2]), HOLDS, HOLDS),
            (None, these(&[]), HOLDS, HOLDS),
            (any(), any(), not_there, there),
            (these(&[3]), these(&[2]), not_there, HOLDS),
        ] {
            let precondition = Precondition::of(if_match, if_none_match);
            assert_eq!(precondition.check(None), of_nothing, "{precondition:?}");
            assert_eq!(precondition.check(Some(3)), of_3, "{precondition:?}");
        }
    }
}
