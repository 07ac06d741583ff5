//! Which RPC answers a method and a path: routes made from the annotations of the protos.
//!
//! - `template`: the path templates of `google.api.http`
//! - `compile`: from the annotations to routes
//! - [`Route`]: one way to an RPC, with how it is transcoded
//! - [`Table`]: all routes, and the lookup of a `path`

mod compile;
mod error;
mod path;
mod route;
mod table;
mod template;
#[cfg(test)]
pub(crate) mod tests;

pub use error::RouteError;
pub(crate) use route::Permissions;
pub use route::Route;
pub(crate) use route::{deadline, is_slow};
pub use table::{Match, MatchError, Table};

pub use crate::transcode::Dialect;
