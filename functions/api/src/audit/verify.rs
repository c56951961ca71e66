//! `GET /api/audit/verify`: verifies a user's hash chain, in parts if it is long. The database does the work.

use guest::postgres::{ParameterValue, text};

use super::scope;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// Number of reads that a verification costs. It is high because every hash of the part is recomputed.
const COST: u32 = 20;

/// How many entries a part has at most. Postgres recomputes about 100,000 hashes a second.
const MOST: i64 = 50_000;

pub fn verify(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let user = scope::user_id(&mut query);
    let from = query.parsed("from", "a positive number", |text| {
        text.parse()
            .ok()
            .filter(|number: &i64| (1..=i64::MAX / 2).contains(number))
    });
    let limit = query.parsed("limit", "a number from 1 to 50000", |text| {
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit))
    });
    query.finish()?;
    scope::check(&caller, user)?;
    let user = user.unwrap_or(caller.user);
    let rate = Rate::read(&caller, COST)?;
    let parameters = vec![
        text(user.to_string()),
        from.map_or(ParameterValue::DbNull, ParameterValue::Int64),
        ParameterValue::Int64(limit.unwrap_or(MOST)),
    ];
    let mut row = rate.run(request, include_str!("verify.sql"), parameters)?;
    Ok(Reply::json(200, row.text(0)?))
}
