//! `GET /api/audit/verify`: whether a chain is what was recorded, checked in the database from its first entry to its head.

use guest::postgres::text;

use super::scope;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// As many reads as this counts for: it computes every hash of a chain again.
const COST: u32 = 20;

pub fn verify(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let user = scope::user_id(&mut query);
    query.finish()?;
    scope::check(&caller, user)?;
    let whose = user.unwrap_or(caller.user);
    let rate = Rate::read(&caller, COST)?;
    let mut row = request.db()?.query_one(
        include_str!("verify.sql"),
        &[text(whose.to_string()), rate.parameter()],
    )?;
    rate.check(request, &row.text(1)?)?;
    Ok(Reply::json(200, row.text(0)?))
}
