//! Calls of one message in each direction.

use bytes::Bytes;

use super::refused::refused;
use super::{Call, Reply};
use crate::answer::Refusal;

/// Calls one RPC.
pub(crate) async fn unary(call: Call<'_>, message: Bytes) -> Result<Reply, Refusal> {
    match call.method.call(call.of(message), call.safe).await {
        Ok(response) => Ok(call.reply(response)),
        Err(status) => Err(refused(status, call.has_principal())),
    }
}
