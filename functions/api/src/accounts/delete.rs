//! `DELETE /api/auth/me`: deletes the account. Its tasks are removed by a job, and its audit trail stays.

use domain::account::parse_password;
use guest::postgres::text;

use super::admission;
use super::verified::{self, Verified};
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

pub fn delete(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of_own_account(request)?;
    Query::of(request).finish()?;
    let password = parse_password(body::json(request)?)?;
    let user = caller.user.to_string();
    let Verified { hash, slot } = verified::verify(request, &user, &password, "/password")?;
    let parameters = [
        text(user),
        text(hash),
        text(&slot),
        text(request.trace.event_members()),
        text(caller.actor()),
    ];
    let mut row = admission::finish(request, include_str!("delete.sql"), &parameters, &slot)?;
    let write = Write::read(&mut row)?;
    if write.outcome == Outcome::Stale {
        return Err(Problem::conflict(
            "another request has just changed the password",
        ));
    }
    write.reply(Some(&caller))
}
