//! `GET /api/auth/me`.

use crate::auth::Caller;
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::Request;
use guest::postgres::text;

pub fn me(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let row = request
        .db()?
        .query_opt(include_str!("me.sql"), &[text(caller.user.to_string())])?;
    match row {
        Some(mut row) => Ok(Reply::json(200, row.text(0)?)),
        None => Err(Problem::account_gone()),
    }
}
