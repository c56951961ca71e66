//! Access to audit trails: users read their own, auditors and admins read all.

use uuid::Uuid;

use crate::auth::{Caller, Role};
use crate::http::problem::Problem;
use crate::http::query::{self, Query};

/// Whether the caller may read the trails of all users. Others may read only their own.
pub fn reads_every_trail(caller: &Caller) -> bool {
    match caller.role {
        Role::Auditor | Role::Admin => true,
        Role::User | Role::Service => false,
    }
}

/// Takes the query parameter `user_id`.
pub fn user_id(query: &mut Query) -> Option<Uuid> {
    query.parsed("user_id", "a UUID", query::uuid)
}

/// Fails if `user` is another user whose trail the caller may not read.
pub fn check(caller: &Caller, user: Option<Uuid>) -> Result<(), Problem> {
    if user.is_none_or(|user| user == caller.user) || reads_every_trail(caller) {
        Ok(())
    } else {
        Err(Problem::forbidden(
            "only auditors and admins may read another user's audit trail",
        ))
    }
}
