//! `PUT` and `PATCH /api/tasks/{id}`, `POST …/complete` and `…/reopen`. All four run the same statement.

use domain::due::DuePatch;
use domain::json::Json;
use domain::tag::Tags;
use domain::task::{Description, NewTask, Priority, Status, TaskPatch, Title};
use guest::postgres::{ParameterValue, text, text_or_null};
use uuid::Uuid;

use super::parameters;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::{body, precondition};
use crate::write::idempotency::{self, NO_KEY};
use crate::write::{Outcome, Write};

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

/// How often the merge of a part of a due date is tried. It is repeated if another request has changed the task first. One of the
/// requests succeeds each time, and only a few of a caller run at once, so as many attempts hardly ever fail.
const ATTEMPTS: usize = 40;

/// Merges a part of a due date, such as a new timezone. The part means something only together with the rest of the due
/// date, so this operation reads the task first. It writes only if the task still has the version that it read.
fn merge_due(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    patch: &TaskPatch,
) -> Result<Reply, Problem> {
    let accepted = precondition::if_match(request)?;
    let mut rate = Rate::write(caller, 1)?;
    for _ in 0..ATTEMPTS {
        let parameters = vec![text(caller.user.to_string()), text(id.to_string())];
        let mut row = rate.run(request, include_str!("due.sql"), parameters)?;
        // The other statements are part of the same request.
        rate = rate.free();
        let version = row.int_or_null(0)?.ok_or_else(Problem::not_found)?;
        let current = row.text_or_null(1)?;
        if let Some(precondition::Tags::Versions(versions)) = &accepted
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
        let read = parameters::versions_text(&[version]);
        let write = update_version(request, caller, &rate, id, read, patch, false, NO_KEY)?;
        if write.outcome != Outcome::Stale {
            return write.reply(Some(caller));
        }
    }
    Err(Problem::conflict(
        "other requests keep changing the task; retry",
    ))
}

pub fn complete(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    set_status(request, id, Status::Completed)
}

pub fn reopen(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    set_status(request, id, Status::Open)
}

fn set_status(request: &mut Request, id: Uuid, status: Status) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let key = idempotency::parameters(request, &caller, &Json::Null)?;
    body::none(request)?;
    let reopen = status == Status::Open;
    update(request, &caller, id, TaskPatch::status(status), reopen, key)
}

/// Changes the task if `If-Match` accepts its version. With `reopen`, only a completed or cancelled task gets the new
/// status.
fn update(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    patch: TaskPatch,
    reopen: bool,
    key: [ParameterValue; 2],
) -> Result<Reply, Problem> {
    let accepted = parameters::accepted_versions(request)?;
    let rate = Rate::write(caller, 1)?;
    update_version(request, caller, &rate, id, accepted, patch, reopen, key)?.reply(Some(caller))
}

/// Changes the task if it has one of the accepted versions.
#[expect(clippy::too_many_arguments, reason = "they are those of the statement")]
fn update_version(
    request: &mut Request,
    caller: &Caller,
    rate: &Rate,
    id: Uuid,
    accepted: ParameterValue,
    patch: TaskPatch,
    reopen: bool,
    [key, fingerprint]: [ParameterValue; 2],
) -> Result<Write, Problem> {
    Query::of(request).finish()?;
    let set_due = patch.due.is_some();
    let due = match patch.due.flatten() {
        Some(due) => Some(due.apply("/due", None)?),
        None => None,
    };
    let [due, instant] = parameters::due(due.as_ref());
    let tags = patch.tags.map(Tags::into_vec);
    let parameters = vec![
        text(caller.user.to_string()),
        text(id.to_string()),
        accepted,
        text_or_null(patch.title.map(Title::into_string)),
        text_or_null(patch.description.map(Description::into_string)),
        text_or_null(patch.status.map(Status::as_str)),
        text_or_null(patch.priority.map(Priority::as_str)),
        tags.map_or(ParameterValue::DbNull, parameters::tags),
        ParameterValue::Boolean(set_due),
        due,
        instant,
        ParameterValue::Boolean(reopen),
        text(request.trace.event_members()),
        text(caller.actor()),
        key,
        fingerprint,
    ];
    Write::run(request, rate, include_str!("update.sql"), parameters)
}
