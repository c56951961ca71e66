//! `POST /api/auth/register`: creates an account.

use domain::account::Registration;
use guest::postgres::text;

use super::admission::{self, Admission};
use super::session;
use crate::auth::keys;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

pub fn register(request: &mut Request) -> Result<Reply, Problem> {
    // Without keys the new user could not sign in.
    keys::load()?;
    let Registration {
        email,
        password,
        name,
        timezone,
    } = Registration::parse(body::json(request)?)?;
    let email = email.into_string();
    let admission = Admission::register(request)?;
    let (slot, _) = admission.begin(request, include_str!("register_begin.sql"), Vec::new())?;
    let hash = session::hash_password(&password)?;
    let parameters = [
        text(email),
        text(hash),
        text(name),
        text(timezone.name()),
        text(request.trace.event_members()),
        text(&slot),
    ];
    let mut row = admission::finish(request, include_str!("register.sql"), &parameters, &slot)?;
    let write = Write::read(&mut row)?;
    if write.outcome == Outcome::Taken {
        return Err(Problem::conflict("another account has this email"));
    }
    Ok(write.reply(None)?.header("location", "/api/auth/me"))
}
