//! `GET /api/tasks/{id}`: reads a task. The answer is 304 if the client has its current version, and 410 if the task was deleted.

use guest::postgres::text;
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::precondition::{self, Tags};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn get(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let known = precondition::if_none_match(request)?;
    let rate = Rate::read(&caller, 1)?;
    let parameters = vec![text(caller.user.to_string()), text(id.to_string())];
    let mut row = rate.run(request, include_str!("get.sql"), parameters)?;
    if let Some(deleted_at) = row.text_or_null(2)? {
        return Err(Problem::deleted(&deleted_at));
    }
    let version = row.int_or_null(0)?.ok_or_else(Problem::not_found)?;
    let not_modified = match known {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::Versions(versions)) => versions.contains(&version),
    };
    let reply = if not_modified {
        Reply::empty(304)
    } else {
        Reply::json(200, row.text(1)?)
    };
    Ok(reply.etag(version))
}
