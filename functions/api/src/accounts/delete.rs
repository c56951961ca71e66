//! `DELETE /api/auth/me`: deletes the account. Its tasks are removed by a job, and its audit trail stays. It is charged as an attempt
//! at the password, and as a write of all the tasks.

use domain::account::parse_password;
use guest::postgres::text;

use super::admission;
use super::verified::{self, Verified};
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

pub fn delete(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of_own_account(request)?;
    Query::of(request).finish()?;
    let password = parse_password(body::json(request)?)?;
    let Verified { hash, slot } = verified::verify(request, &caller, &password, "/password")?;
    // The first statement has charged the write itself; this one charges the tasks.
    let rate = Rate::write(&caller, 1)?;
    let parameters = [
        text(caller.user.to_string()),
        text(hash),
        text(&slot),
        text(request.trace.event_members()),
        text(caller.actor()),
        rate.parameter(),
    ];
    let mut row = admission::finish(request, include_str!("delete.sql"), &parameters, &slot)?;
    rate.check(request, &row.last()?)?;
    let write = Write::read(&mut row)?;
    if write.outcome == Outcome::Stale {
        return Err(Problem::conflict(
            "another request has just changed the password",
        ));
    }
    write.reply(Some(&caller))
}
