//! Contacts: what they are, the rules they keep, and what can be done with them. No tonic, no sqlx.

mod contact;
mod contacts;
mod draft;
mod page;
mod text;

pub(crate) use contact::{Contact, ContactFields, CustomFields, Locator, Partition, Stage, Status};
pub(crate) use contacts::{Contacts, Replaced, Replacement};
pub(crate) use draft::Draft;
pub(crate) use page::{Page, PageSize, Position};
