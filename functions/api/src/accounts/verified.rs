//! Requests of a signed-in caller that need the account's password again, because they could take the account from its owner.

use domain::account::Password;
use domain::json::Fault;
use domain::passwords;
use guest::postgres::text;

use super::admission::{self, Admission};
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::request::Request;

/// The proof that the caller knows the password. The statement that relies on it must check that the account still has this hash.
pub struct Verified {
    pub hash: String,
    /// The hashing slot, which the next statement releases.
    pub slot: String,
}

/// Verifies the password of the caller. `pointer` names the member of the body that contains it.
///
/// # Errors
/// 422 for a wrong password, 401 if the account is gone, and those of [`Admission::begin`].
pub fn verify(
    request: &mut Request,
    caller: &Caller,
    password: &Password,
    pointer: &str,
) -> Result<Verified, Problem> {
    let admission = Admission::proof(request, caller)?;
    let user = caller.user.to_string();
    let statement = include_str!("verify_begin.sql");
    let (slot, mut row) = admission.begin(request, statement, vec![text(&user)])?;
    let Some(hash) = row.text_or_null(2)? else {
        admission::refuse(request, None, &slot)?;
        return Err(Problem::account_gone());
    };
    if passwords::verify(password, Some(&hash)) {
        return Ok(Verified { hash, slot });
    }
    admission::refuse(request, Some(&user), &slot)?;
    Err(Fault::new(pointer, "is not the password of this account").into())
}
