//! The one binary: every service of Keyward, together or apart, and the command line.
//!
//! [`run`] wires the services and the edge; it is what tests call. [`cli`] is the command line.

pub mod audit;
pub mod cli;
pub mod run;
pub mod services;
pub mod settings;
pub mod setup;

mod output;
mod signals;

use mimalloc::MiMalloc;

/// A request makes some hundred small allocations on one thread and frees them on another: that is where
/// glibc's allocator takes locks.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
