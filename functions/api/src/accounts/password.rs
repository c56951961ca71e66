//! `POST /api/auth/password`: changes the password, ends all sessions, and starts a new one.

use domain::account::PasswordChange;
use domain::json::Fault;
use domain::passwords;
use guest::postgres::text;

use super::admission::Admission;
use super::session::{self, RefreshToken};
use crate::auth::{Caller, keys};
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn change_password(request: &mut Request) -> Result<Reply, Problem> {
    let keys = keys::load()?;
    let user = Caller::of_own_account(request)?.user.to_string();
    let PasswordChange { current, new } = PasswordChange::parse(body::json(request)?)?;
    let admission = Admission::sign_in(request, &user)?;
    let mut parameters = vec![text(&user)];
    parameters.extend(admission.parameters()?);
    let mut row = request
        .db()?
        .query_one(include_str!("password_begin.sql"), &parameters)?;
    let slot = text(admission.check(request, &mut row)?);
    let old_hash = row.text_or_null(2)?.ok_or_else(Problem::account_gone)?;
    let context = request.trace.event_members();
    if !passwords::verify(&current, Some(&old_hash)) {
        request.db()?.query(
            include_str!("login_failed.sql"),
            &[text(user), text(context), slot],
        )?;
        return Err(Fault::new("/current_password", "is not the password of this account").into());
    }
    let new_hash = session::hash_password(&new)?;
    let refresh = RefreshToken::new();
    let mut row = request.db()?.query_one(
        include_str!("password.sql"),
        &[
            text(&user),
            text(old_hash),
            text(new_hash),
            text(refresh.hash()),
            text(context),
            slot,
        ],
    )?;
    match row.text_or_null(0)? {
        Some(role) => session::answer(&user, &role, refresh, &keys),
        None => Err(Problem::conflict(
            "another request has just changed the password",
        )),
    }
}
