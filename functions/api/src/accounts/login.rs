//! `POST /api/auth/login`: starts a session.
//!
//! It runs two statements and hashes the password between them, so that no connection is held while hashing. An unknown
//! email takes as long as a wrong password, so the response time does not tell whether an account exists.

use domain::account::Credentials;
use domain::passwords;
use guest::postgres::{text, text_or_null};

use super::admission::Admission;
use super::session::{self, RefreshToken};
use crate::auth::keys;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn login(request: &mut Request) -> Result<Reply, Problem> {
    let keys = keys::load()?;
    let Credentials { email, password } = Credentials::parse(body::json(request)?)?;
    let admission = Admission::sign_in(request, &email)?;
    let mut parameters = vec![text(email)];
    parameters.extend(admission.parameters()?);
    let mut row = request
        .db()?
        .query_one(include_str!("login_begin.sql"), &parameters)?;
    let slot = text(admission.check(request, &mut row)?);
    let (user, hash) = (row.text_or_null(2)?, row.text_or_null(3)?);
    let verified = passwords::verify(&password, hash.as_deref());
    let context = text(request.trace.event_members());
    let Some(user) = user.as_deref().filter(|_| verified) else {
        request.db()?.query(
            include_str!("login_failed.sql"),
            &[text_or_null(user), context, slot],
        )?;
        return Err(Problem::wrong_credentials());
    };
    let refresh = RefreshToken::new();
    let mut row = request.db()?.query_one(
        include_str!("login.sql"),
        &[text(user), text(refresh.hash()), context, slot],
    )?;
    let role = row
        .text_or_null(0)?
        .ok_or_else(Problem::wrong_credentials)?;
    session::answer(user, &role, refresh, &keys)
}
