//! `POST /api/auth/login`: starts a session.
//!
//! It runs two statements and hashes the password between them, so that no connection is held while hashing. An unknown
//! email takes as long as a wrong password, so the response time does not tell whether an account exists.

use domain::account::Credentials;
use domain::passwords;
use guest::postgres::text;

use super::admission::{self, Admission};
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
    let statement = include_str!("login_begin.sql");
    let (slot, mut row) = admission.begin(request, statement, vec![text(email)])?;
    let (user, hash) = (row.text_or_null(2)?, row.text_or_null(3)?);
    let verified = passwords::verify(&password, hash.as_deref());
    let (Some(user), Some(hash)) = (user.as_deref().filter(|_| verified), hash) else {
        admission::refuse(request, user.as_deref(), &slot)?;
        return Err(Problem::wrong_credentials());
    };
    let refresh = RefreshToken::new();
    let parameters = [
        text(user),
        text(hash),
        text(refresh.hash()),
        text(request.trace.event_members()),
        text(&slot),
    ];
    let mut row = admission::finish(request, include_str!("login.sql"), &parameters, &slot)?;
    let role = row
        .text_or_null(0)?
        .ok_or_else(Problem::wrong_credentials)?;
    session::answer(user, &role, refresh, &keys)
}
