//! `POST /api/auth/register`.

use super::passwords;
use crate::auth::keys::Keys;
use crate::body;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::request::Request;
use domain::account::Registration;
use domain::json::Fault;
use guest::postgres::text;

pub fn register(request: &mut Request) -> Result<Reply, Problem> {
    // An account that could not sign in would be of no use.
    Keys::load()?;
    let Registration {
        email,
        password,
        name,
        timezone,
    } = Registration::parse(body::json(request)?)?;
    let hash =
        passwords::hash(&password).map_err(|error| Problem::inconsistent(error.to_string()))?;
    let answer = request.db()?.query_one(
        include_str!("register.sql"),
        &[
            text(email.into_string()),
            text(hash),
            text(name),
            text(timezone.name()),
            text(request.trace.event_members()),
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
