//! Whose trail a caller may read.

use uuid::Uuid;

use crate::auth::{Caller, Role};
use crate::http::problem::Problem;
use crate::http::query::{self, Query};

/// Auditors and admins read every trail, all others their own.
pub fn reads_every_trail(caller: &Caller) -> bool {
    match caller.role {
        Role::Auditor | Role::Admin => true,
        Role::User | Role::Service => false,
    }
}

/// Takes the parameter `user_id`.
pub fn user_id(query: &mut Query) -> Option<Uuid> {
    query.parsed("user_id", "a UUID", query::uuid)
}

/// Refuses a trail that is not the caller's to read.
pub fn check(caller: &Caller, user: Option<Uuid>) -> Result<(), Problem> {
    if user.is_none_or(|user| user == caller.user) || reads_every_trail(caller) {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "only auditors and admins read another user's trail",
        ))
    }
}
