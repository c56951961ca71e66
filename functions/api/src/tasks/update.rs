//! `PUT` and `PATCH /api/tasks/{id}`, `POST …/complete`, `…/reopen` and `…/skip`. All of them run the same statement.

use domain::json::{Fault, Json};
use domain::scope::Scope;
use domain::task::{READ_ONLY_CHANGED, Replacement, Status, TaskPatch};
use guest::postgres::ParameterValue;
use uuid::Uuid;

use super::change::{Change, Op};
use super::{merge, parameters, scope};
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::idempotency::{self, NO_KEY};
use crate::write::{Outcome, Write};

pub fn replace(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let Replacement { task, read_only } = Replacement::parse(body::json(request)?)?;
    let change = Change {
        accepted: parameters::accepted_versions(request)?,
        patch: task.into(),
        scope: None,
        op: None,
        read_only: Some(read_only).filter(|members| !members.is_empty()),
        key: NO_KEY,
    };
    let rate = Rate::write(&caller, 1)?;
    let write = run(request, &caller, id, change, rate)?;
    if write.outcome == Outcome::ReadOnly {
        let names = write.body.as_deref().unwrap_or("[]");
        return Err(read_only_changed("", names));
    }
    write.reply(Some(&caller))
}

/// The problem of a replacement that changes read-only members. `names` is the JSON array of them that `update_task` returns, and
/// `pointer` leads to the replacement in the body.
pub fn read_only_changed(pointer: &str, names: &str) -> Problem {
    let names: Vec<String> = serde_json::from_str(names).unwrap_or_default();
    let fault = |name| Fault::new(format!("{pointer}/{name}"), READ_ONLY_CHANGED);
    Problem::invalid(names.into_iter().map(fault).collect())
}

pub fn patch(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let scope = scope::of(request)?;
    let patch = TaskPatch::parse(body::merge_patch(request)?)?;
    if scope == Some(Scope::This) && patch.recurrence.is_some() {
        let detail = "is that of all occurrences; `scope=this` changes only one of them";
        return Err(Fault::new("/recurrence", detail).into());
    }
    let change = Change {
        accepted: parameters::accepted_versions(request)?,
        patch,
        scope,
        op: None,
        read_only: None,
        key: NO_KEY,
    };
    let rate = Rate::write(&caller, 1)?;
    run(request, &caller, id, change, rate)?.reply(Some(&caller))
}

/// Changes a task for a request about something else.
pub fn change(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    patch: TaskPatch,
    rate: Rate,
) -> Result<Reply, Problem> {
    let change = Change {
        accepted: ParameterValue::DbNull,
        patch,
        scope: None,
        op: None,
        read_only: None,
        key: NO_KEY,
    };
    run(request, caller, id, change, rate)?.reply(Some(caller))
}

pub fn complete(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    set_status(request, id, Status::Completed, None)
}

pub fn reopen(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    set_status(request, id, Status::Open, Some(Op::Reopen))
}

pub fn skip(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    set_status(request, id, Status::Cancelled, Some(Op::Skip))
}

fn set_status(
    request: &mut Request,
    id: Uuid,
    status: Status,
    op: Option<Op>,
) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let key = idempotency::parameters(request, &caller, &Json::Null)?;
    body::none(request)?;
    let change = Change {
        accepted: parameters::accepted_versions(request)?,
        patch: TaskPatch::status(status),
        scope: None,
        op,
        read_only: None,
        key,
    };
    let rate = Rate::write(&caller, 1)?;
    run(request, &caller, id, change, rate)?.reply(Some(&caller))
}

/// Changes the task if `If-Match` accepts its version.
fn run(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    change: Change,
    rate: Rate,
) -> Result<Write, Problem> {
    if merge::is_needed(&change.patch, change.scope) {
        merge::run(request, caller, rate, id, &change)
    } else {
        change.run(request, caller, &rate, id)
    }
}
