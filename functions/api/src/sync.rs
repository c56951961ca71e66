//! Synchronisation: clients pull what has changed, and push what they have done offline. The values that have lost are in the conflict log.

mod conflicts;
mod position;
mod pull;
mod push;
mod results;

pub use conflicts::{list as conflicts, restore};
pub use pull::pull;
pub use push::push;

use crate::auth::Caller;

/// What the cursors of a caller are signed for, see [`crate::http::cursor::Signer`].
fn list_of(caller: &Caller) -> String {
    format!("sync {}", caller.user)
}
