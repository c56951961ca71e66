//! `PUT` and `PATCH /api/tasks/{id}`, `POST …/complete` and `…/reopen`: four ways to one statement.

use domain::due::DuePatch;
use domain::task::{Description, NewTask, Status, Tags, TaskPatch, Title};
use guest::postgres::{ParameterValue, Row, text, text_or_null};
use uuid::Uuid;

use super::create::{due_parameters, tags_parameter};
use super::{delete, idempotency};
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::{body, precondition};

pub fn replace(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let task = NewTask::parse_replacement(body::json(request)?)?;
    update(request, &caller, id, task.into(), false, NO_KEY)
}

pub fn patch(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let patch = TaskPatch::parse(body::merge_patch(request)?)?;
    match patch.due {
        Some(Some(DuePatch::Part(_))) => merge_due(request, &caller, id, &patch),
        _ => update(request, &caller, id, patch, false, NO_KEY),
    }
}

/// How often a due is merged anew because somebody else was faster.
const ATTEMPTS: usize = 8;

/// A part of a due means something only beside the rest, so here alone the task is read first, and written only if it is
/// still the one that was read.
fn merge_due(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    patch: &TaskPatch,
) -> Result<Reply, Problem> {
    let asked = precondition::if_match(request)?;
    for _ in 0..ATTEMPTS {
        let parameters = [text(caller.user.to_string()), text(id.to_string())];
        let row = request
            .db()?
            .query_opt(include_str!("due.sql"), &parameters)?;
        let mut row = row.ok_or_else(Problem::not_found)?;
        let (version, current) = (row.int(0)?, row.text_or_null(1)?);
        if let Some(precondition::Tags::Versions(versions)) = &asked
            && !versions.contains(&version)
        {
            return Err(Problem::stale(version));
        }
        let mut patch = patch.clone();
        if let Some(Some(due)) = patch.due.take() {
            patch.due = Some(Some(DuePatch::Whole(
                due.apply("/due", current.as_deref())?,
            )));
        }
        let read = text(format!("{{{version}}}"));
        match update_where(request, caller, id, read, patch, false, NO_KEY) {
            Err(problem) if problem.status == 412 => {}
            answer => return answer,
        }
    }
    Err(Problem::conflict(
        "the task is being changed all the time; try again",
    ))
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
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    patch: TaskPatch,
    reopen: bool,
    key: [ParameterValue; 2],
) -> Result<Reply, Problem> {
    let accepted = delete::match_parameter(request)?;
    update_where(request, caller, id, accepted, patch, reopen, key)
}

/// As `update`, where the task has one of the accepted versions.
fn update_where(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    accepted: ParameterValue,
    patch: TaskPatch,
    reopen: bool,
    [key, fingerprint]: [ParameterValue; 2],
) -> Result<Reply, Problem> {
    Query::of(request).finish()?;
    let set_due = patch.due.is_some();
    let due = match patch.due.flatten() {
        Some(due) => Some(due.apply("/due", None)?),
        None => None,
    };
    let [due, instant] = due_parameters(due.as_ref());
    let rate = Rate::write(caller, 1)?;
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
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(4)?)?;
    reply(caller, row)
}

/// The answer to a change of one task, from a row of status, version, body and whether it is a replay.
pub fn reply(caller: &Caller, mut row: Row) -> Result<Reply, Problem> {
    match row.int(0)? {
        200 => {
            let version = row.int(1)?;
            let reply = Reply::json(200, row.text(2)?).etag(version);
            Ok(reply.replayed(row.bool(3)?))
        }
        401 => Err(caller.gone()),
        412 => Err(Problem::stale(row.int(1)?)),
        422 => Err(Problem::key_reused()),
        _ => Err(Problem::not_found()),
    }
}
