//! `GET /api/audit/verify`: verifies a user's hash chain from its first entry to its head. The database does the work.

use guest::postgres::text;

use super::scope;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// Number of reads that a verification costs. It is high because every hash of the chain is recomputed.
const COST: u32 = 20;

pub fn verify(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let user = scope::user_id(&mut query);
    query.finish()?;
    scope::check(&caller, user)?;
    let user = user.unwrap_or(caller.user);
    let rate = Rate::read(&caller, COST)?;
    let parameters = vec![text(user.to_string())];
    let mut row = rate.run(request, include_str!("verify.sql"), parameters)?;
    Ok(Reply::json(200, row.text(0)?))
}
