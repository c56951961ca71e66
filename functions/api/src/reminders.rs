//! Reminders of tasks, one by one. A task's member `reminders` sets all of them.

use domain::json::Json;
use domain::reminder::{Reminder, ReminderPatch, snooze};
use guest::postgres::{ParameterValue, text, text_or_null};
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::Write;
use crate::write::idempotency::{self, NO_KEY};

/// `GET /api/tasks/{id}/reminders`.
pub fn list(request: &mut Request, task: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let rate = Rate::read(&caller, 1)?;
    let parameters = vec![text(caller.user.to_string()), text(task.to_string())];
    let mut row = rate.run(request, include_str!("reminders/list.sql"), parameters)?;
    let items = row.text_or_null(0)?.ok_or_else(Problem::not_found)?;
    Ok(Reply::json(200, format!(r#"{{"items":{items}}}"#)))
}

/// `POST /api/tasks/{id}/reminders`.
pub fn add(request: &mut Request, task: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let body = body::json(request)?;
    let key = idempotency::parameters(request, &caller, &body)?;
    let reminder = Reminder::parse_new(body)?.to_json().to_string();
    change(request, &caller, Some(task), None, Some(reminder), key)
}

/// `PATCH /api/reminders/{id}`.
pub fn patch(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let patch = ReminderPatch::parse(body::merge_patch(request)?)?;
    let patch = patch.into_json().to_string();
    change(request, &caller, None, Some(id), Some(patch), NO_KEY)
}

/// `DELETE /api/reminders/{id}`.
pub fn remove(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    change(request, &caller, None, Some(id), None, NO_KEY)
}

fn change(
    request: &mut Request,
    caller: &Caller,
    task: Option<Uuid>,
    id: Option<Uuid>,
    patch: Option<String>,
    [key, fingerprint]: [ParameterValue; 2],
) -> Result<Reply, Problem> {
    let rate = Rate::write(caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text_or_null(task.map(|task| task.to_string())),
        text_or_null(id.map(|id| id.to_string())),
        text_or_null(patch),
        text(request.trace.event_members()),
        text(caller.actor()),
        key,
        fingerprint,
    ];
    let statement = include_str!("reminders/change.sql");
    Write::run(request, &rate, statement, parameters)?.reply(Some(caller))
}

/// `POST /api/reminders/{id}/snooze`.
pub fn snooze_until(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let body = body::json(request)?;
    let key = idempotency::parameters(request, &caller, &body)?;
    let until = snooze(body)?;
    answer(request, &caller, id, Some(until), key)
}

/// `POST /api/reminders/{id}/ack`.
pub fn acknowledge(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let key = idempotency::parameters(request, &caller, &Json::Null)?;
    body::none(request)?;
    answer(request, &caller, id, None, key)
}

fn answer(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    until: Option<String>,
    [key, fingerprint]: [ParameterValue; 2],
) -> Result<Reply, Problem> {
    let rate = Rate::write(caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(id.to_string()),
        text_or_null(until),
        text(request.trace.event_members()),
        text(caller.actor()),
        key,
        fingerprint,
    ];
    let statement = include_str!("reminders/answer.sql");
    Write::run(request, &rate, statement, parameters)?.reply(Some(caller))
}
