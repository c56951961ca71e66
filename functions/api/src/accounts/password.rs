//! `POST /api/auth/password`: a new password ends every session and begins one, whose tokens are the answer.

use super::passwords;
use super::session::{self, RefreshToken};
use crate::auth::Caller;
use crate::auth::keys::Keys;
use crate::body;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::request::Request;
use domain::account::PasswordChange;
use domain::json::Fault;
use guest::postgres::text;

pub fn change_password(request: &mut Request) -> Result<Reply, Problem> {
    let keys = Keys::load()?;
    let user = Caller::of(request)?.user.to_string();
    let PasswordChange { current, new } = PasswordChange::parse(body::json(request)?)?;
    let kept = request
        .db()?
        .query_opt(include_str!("kept.sql"), &[text(&user)])?
        .ok_or_else(Problem::account_gone)?
        .text(0)?;
    let context = request.trace.event_members();
    if !passwords::verify(&current, Some(&kept)) {
        request.db()?.query(
            include_str!("login_failed.sql"),
            &[text(user), text(context)],
        )?;
        return Err(Fault::new("/current_password", "is not this account's password").into());
    }
    let hash = passwords::hash(&new).map_err(|error| Problem::inconsistent(error.to_string()))?;
    let refresh = RefreshToken::new();
    let mut row = request.db()?.query_one(
        include_str!("password.sql"),
        &[
            text(&user),
            text(kept),
            text(hash),
            text(refresh.hash()),
            text(context),
        ],
    )?;
    match row.text_or_null(0)? {
        Some(role) => session::answer(&user, &role, refresh, &keys),
        None => Err(Problem::conflict(
            "the password was changed by another request in the meantime",
        )),
    }
}
