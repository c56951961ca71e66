//! `POST /api/auth/password`: changes the password, ends all sessions, and starts a new one.

use domain::account::PasswordChange;
use guest::postgres::text;

use super::admission;
use super::session::{self, RefreshToken};
use super::verified::{self, Verified};
use crate::auth::{Caller, keys};
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn change_password(request: &mut Request) -> Result<Reply, Problem> {
    let keys = keys::load()?;
    let caller = Caller::of_own_account(request)?;
    let PasswordChange { current, new } = PasswordChange::parse(body::json(request)?)?;
    let Verified { hash, slot } =
        verified::verify(request, &caller, &current, "/current_password")?;
    let user = caller.user.to_string();
    let new_hash = session::hash_password(&new)?;
    let refresh = RefreshToken::new();
    let parameters = [
        text(&user),
        text(hash),
        text(new_hash),
        text(refresh.hash()),
        text(request.trace.event_members()),
        text(&slot),
    ];
    let mut row = admission::finish(request, include_str!("password.sql"), &parameters, &slot)?;
    match row.text_or_null(0)? {
        Some(role) => session::answer(&user, &role, refresh, &keys),
        None => Err(Problem::conflict(
            "another request has just changed the password",
        )),
    }
}
