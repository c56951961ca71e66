//! `DELETE /api/tags/{tag}`: removes a tag from all tasks that have it.

use super::rename::set_name;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn remove(request: &mut Request, tag: String) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    set_name(request, &caller, tag, None)
}
