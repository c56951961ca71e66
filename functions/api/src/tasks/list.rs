//! `GET /api/tasks`.

use crate::auth::Caller;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::request::Request;

pub fn list(request: &mut Request) -> Result<Reply, Problem> {
    Caller::of(request)?;
    Err(Problem::not_found())
}
