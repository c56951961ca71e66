//! `GET /api/series/{id}`: reads a series.

use guest::postgres::text;
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn get(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let rate = Rate::read(&caller, 1)?;
    let parameters = vec![text(caller.user.to_string()), text(id.to_string())];
    let mut row = rate.run(request, include_str!("get.sql"), parameters)?;
    let series = row.text_or_null(0)?.ok_or_else(Problem::not_found)?;
    Ok(Reply::json(200, series))
}
