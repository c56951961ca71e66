//! Requests of a signed-in caller that need the account's password again, because they could take the account from its owner.

use domain::account::Password;
use domain::json::Fault;
use domain::passwords;
use guest::postgres::text;

use super::admission::{self, Admission};
use crate::http::problem::Problem;
use crate::http::request::Request;

/// The proof that the caller knows the password. The statement that relies on it must check that the account still has this hash.
pub struct Verified {
    pub hash: String,
    /// The hashing slot, which the next statement releases.
    pub slot: String,
}

/// Verifies the password of the user. `pointer` names the member of the body that contains it.
///
/// # Errors
/// 422 for a wrong password, 401 if the account is gone, and those of [`Admission::check`].
pub fn verify(
    request: &mut Request,
    user: &str,
    password: &Password,
    pointer: &str,
) -> Result<Verified, Problem> {
    let admission = Admission::sign_in(request, user)?;
    let mut parameters = vec![text(user)];
    parameters.extend(admission.parameters()?);
    let mut row = request
        .db()?
        .query_one(include_str!("verify_begin.sql"), &parameters)?;
    let slot = admission.check(request, &mut row)?;
    let hash = row.text_or_null(2)?.ok_or_else(Problem::account_gone)?;
    if passwords::verify(password, Some(&hash)) {
        return Ok(Verified { hash, slot });
    }
    let context = text(request.trace.event_members());
    let parameters = [text(user), context, text(&slot)];
    admission::finish(
        request,
        include_str!("login_failed.sql"),
        &parameters,
        &slot,
    )?;
    Err(Fault::new(pointer, "is not the password of this account").into())
}
