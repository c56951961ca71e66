//! `POST /api/auth/register`.

use domain::account::Registration;
use domain::json::Fault;
use guest::postgres::text;

use super::admission::Admission;
use super::session;
use crate::auth::keys;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn register(request: &mut Request) -> Result<Reply, Problem> {
    // An account that could not sign in would be of no use.
    keys::load()?;
    let Registration {
        email,
        password,
        name,
        timezone,
    } = Registration::parse(body::json(request)?)?;
    let email = email.into_string();
    let admission = Admission::of(request, &email)?;
    let mut row = request
        .db()?
        .query_one(include_str!("register_begin.sql"), &admission.parameters()?)?;
    let slot = admission.check(request, &mut row)?;
    let hash = session::hash_password(&password)?;
    let answer = request.db()?.query_one(
        include_str!("register.sql"),
        &[
            text(email),
            text(hash),
            text(name),
            text(timezone.name()),
            text(request.trace.event_members()),
            text(slot),
        ],
    );
    let mut row = match answer {
        // The database knows fewer timezones than we do.
        Err(error) if error.sqlstate() == Some("22023") => {
            return Err(Fault::new("/timezone", "is not a timezone that is known here").into());
        }
        other => other?,
    };
    match row.int(0)? {
        201 => Ok(Reply::json(201, row.text(1)?).header("location", "/api/auth/me")),
        _ => Err(Problem::conflict("there is an account with this email")),
    }
}
