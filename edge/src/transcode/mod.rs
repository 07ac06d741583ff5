//! Between JSON over HTTP and protobuf messages, by the contract's rules (API.md, 3).
//!
//! - `schema`: what JSON needs to know of the messages, read from their descriptors once
//! - `plan`: what one route needs on top, read from its annotations once
//! - `json`: the text; `read`, `query`, `text`: JSON, queries and paths into messages
//! - `write`: messages into JSON
//! - `request`, `response`: [`Route::request`](crate::routes::Route::request) and
//!   [`Route::response`](crate::routes::Route::response)
//! - [`fuzz`]: everything at once, for any bytes

pub mod fuzz;

mod fault;
mod json;
mod number;
mod plan;
pub(crate) mod query;
mod read;
mod request;
mod response;
mod schema;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod time;
mod write;

pub use request::Encoded;
pub use response::Rendered;

pub(crate) use plan::Plan;
pub(crate) use schema::Schema;
