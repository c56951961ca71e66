//! `DELETE /api/tasks/{id}`.

use guest::postgres::{ParameterValue, text};
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::precondition::{self, Tags};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn delete(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let rate = Rate::write(&caller, 1)?;
    let mut row = request.db()?.query_one(
        include_str!("delete.sql"),
        &[
            text(caller.user.to_string()),
            text(id.to_string()),
            match_parameter(request)?,
            text(request.trace.event_members()),
            text(caller.actor()),
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(2)?)?;
    match row.int(0)? {
        204 => Ok(Reply::empty(204)),
        401 => Err(caller.gone()),
        412 => Err(Problem::stale(row.int(1)?)),
        _ => Err(Problem::not_found()),
    }
}

/// The versions of `If-Match` as an array's text; null accepts any version.
pub fn match_parameter(request: &Request) -> Result<ParameterValue, Problem> {
    Ok(match precondition::if_match(request)? {
        None | Some(Tags::Any) => ParameterValue::DbNull,
        Some(Tags::Versions(versions)) => {
            let list: Vec<String> = versions.iter().map(i64::to_string).collect();
            text(format!("{{{}}}", list.join(",")))
        }
    })
}
