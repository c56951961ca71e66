//! `DELETE /api/tasks/{id}`: deletes a task, which leaves a tombstone.

use domain::scope::Scope;
use guest::postgres::{text, text_or_null};
use uuid::Uuid;

use super::{parameters, scope};
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::Write;

pub fn delete(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let scope = scope::of(request)?;
    let rate = Rate::write(&caller, 1)?;
    run(request, &caller, id, scope, &rate)
}

/// Deletes a task for a request about something else.
pub fn remove(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    rate: &Rate,
) -> Result<Reply, Problem> {
    run(request, caller, id, None, rate)
}

fn run(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    scope: Option<Scope>,
    rate: &Rate,
) -> Result<Reply, Problem> {
    let parameters = vec![
        text(caller.user.to_string()),
        text(id.to_string()),
        parameters::accepted_versions(request)?,
        text_or_null(scope.map(Scope::as_str)),
        text(request.trace.event_members()),
        text(caller.actor()),
    ];
    Write::run(request, rate, include_str!("delete.sql"), parameters)?.reply(Some(caller))
}
