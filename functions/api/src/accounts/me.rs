//! `GET /api/auth/me`: the caller's account.

use guest::postgres::text;

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn me(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of_own_account(request)?;
    Query::of(request).finish()?;
    let rate = Rate::read(&caller, 1)?;
    let parameters = vec![text(caller.user.to_string())];
    let mut row = rate.run(request, include_str!("me.sql"), parameters)?;
    let account = row.text_or_null(0)?.ok_or_else(Problem::account_gone)?;
    Ok(Reply::json(200, account))
}
