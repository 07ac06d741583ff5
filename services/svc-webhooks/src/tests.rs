//! Webhooks and what they send, on each engine, with receivers over real HTTP. Time stands, and is moved on.

mod delivering;
mod failing;
mod managing;
mod sharing;
mod stage;
mod statements;
mod telling;

use std::time::Duration;

use stage::{Stage, by, owner};
use svc_core::page::PageSize;
use svc_core::precondition::Precondition;

use crate::testing::{Answer, Receiver};
use crate::*;
