//! `PUT` and `PATCH /api/tasks/{id}`, `POST …/complete` and `…/reopen`: four ways to one statement.

use super::create::{due_parameters, tags_parameter};
use super::{delete, idempotency};
use crate::auth::Caller;
use crate::body;
use crate::problem::Problem;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::Request;
use domain::task::{Description, NewTask, Status, Tags, TaskPatch, Title};
use guest::postgres::{ParameterValue, text, text_or_null};
use uuid::Uuid;

pub fn replace(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let task = NewTask::parse_replacement(body::json(request)?)?;
    update(request, &caller, id, task.into(), false, NO_KEY)
}

pub fn patch(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let patch = TaskPatch::parse(body::merge_patch(request)?)?;
    update(request, &caller, id, patch, false, NO_KEY)
}

pub fn complete(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    move_to(request, id, Status::Completed)
}

pub fn reopen(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    move_to(request, id, Status::Open)
}

const NO_KEY: [ParameterValue; 2] = [ParameterValue::DbNull, ParameterValue::DbNull];

fn move_to(request: &mut Request, id: Uuid, status: Status) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let key = idempotency::parameters(request, b"")?;
    body::none(request)?;
    update(
        request,
        &caller,
        id,
        TaskPatch::status(status),
        status == Status::Open,
        key,
    )
}

/// Only finished tasks are moved where `reopen` is true.
fn update(
    request: &Request,
    caller: &Caller,
    id: Uuid,
    patch: TaskPatch,
    reopen: bool,
    [key, fingerprint]: [ParameterValue; 2],
) -> Result<Reply, Problem> {
    Query::of(request).finish()?;
    let accepted = delete::match_parameter(request)?;
    let set_due = patch.due.is_some();
    let [due, instant] = due_parameters(patch.due.flatten().as_ref());
    let mut row = request.db()?.query_one(
        include_str!("update.sql"),
        &[
            text(caller.user.to_string()),
            text(id.to_string()),
            accepted,
            text_or_null(patch.title.map(Title::into_string)),
            text_or_null(patch.description.map(Description::into_string)),
            text_or_null(patch.status.map(Status::as_str)),
            text_or_null(patch.priority.map(domain::task::Priority::as_str)),
            patch
                .tags
                .map(Tags::into_vec)
                .map_or(ParameterValue::DbNull, tags_parameter),
            ParameterValue::Boolean(set_due),
            due,
            instant,
            ParameterValue::Boolean(reopen),
            text(request.trace.event_members()),
            text(caller.actor()),
            key,
            fingerprint,
        ],
    )?;
    match row.int(0)? {
        200 => {
            let version = row.int(1)?;
            let reply = Reply::json(200, row.text(2)?).etag(version);
            Ok(if row.bool(3)? {
                reply.header("idempotency-replayed", "true")
            } else {
                reply
            })
        }
        401 => Err(Problem::account_gone()),
        412 => Err(Problem::stale(row.int(1)?)),
        422 => Err(Problem::key_reused()),
        _ => Err(Problem::not_found()),
    }
}
