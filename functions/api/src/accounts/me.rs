//! `GET /api/auth/me`.

use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::Query;
use crate::rate::Rate;
use crate::reply::Reply;
use crate::request::Request;
use guest::postgres::text;

pub fn me(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::oneself(request)?;
    Query::of(request).finish()?;
    let rate = Rate::read(&caller, 1)?;
    let mut row = request
        .db()?
        .query_opt(
            include_str!("me.sql"),
            &[text(caller.user.to_string()), rate.parameter()],
        )?
        .ok_or_else(Problem::account_gone)?;
    rate.check(request, &row.text(1)?)?;
    Ok(Reply::json(200, row.text(0)?))
}
