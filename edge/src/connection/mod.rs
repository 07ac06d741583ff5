//! The connection and the head of a request, before anything is looked up for it.

mod address_cap;
mod client_address;
mod cors;
pub(crate) mod head;
pub(crate) mod listener;

pub(crate) use address_cap::{AddressCap, FORGET_EVERY};
pub(crate) use client_address::ClientAddresses;
pub(crate) use cors::Cors;
