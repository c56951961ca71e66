//! `DELETE /api/auth/me`: the account goes, its tasks leave tombstones, its audit trail stays.

use guest::postgres::text;

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn delete(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::oneself(request)?;
    Query::of(request).finish()?;
    let rate = Rate::write(&caller, 1)?;
    let mut row = request.db()?.query_one(
        include_str!("delete.sql"),
        &[
            text(caller.user.to_string()),
            text(request.trace.event_members()),
            text(caller.actor()),
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(0)?)?;
    if row.bool(1)? {
        Ok(Reply::empty(204))
    } else {
        Err(Problem::account_gone())
    }
}
