//! `PUT` and `PATCH /api/tasks/{id}`, `POST …/complete` and `…/reopen`. All four run the same statement.

use domain::due::DuePatch;
use domain::json::{Fault, Json};
use domain::tag::Tags;
use domain::task::{
    Description, Priority, READ_ONLY_CHANGED, Replacement, Status, TaskPatch, Title,
};
use guest::postgres::{ParameterValue, text, text_or_null};
use serde_json::Value;
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
    let Replacement { task, read_only } = Replacement::parse(body::json(request)?)?;
    let change = Change {
        accepted: parameters::accepted_versions(request)?,
        patch: task.into(),
        reopen: false,
        read_only: Some(read_only).filter(|members| !members.is_empty()),
        key: NO_KEY,
    };
    let rate = Rate::write(&caller, 1)?;
    let write = change.run(request, &caller, &rate, id)?;
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
        let change = Change {
            accepted: parameters::versions_text(&[version]),
            patch,
            reopen: false,
            read_only: None,
            key: NO_KEY,
        };
        let write = change.run(request, caller, &rate, id)?;
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

/// Changes the task if `If-Match` accepts its version. See [`Change`].
fn update(
    request: &mut Request,
    caller: &Caller,
    id: Uuid,
    patch: TaskPatch,
    reopen: bool,
    key: [ParameterValue; 2],
) -> Result<Reply, Problem> {
    let change = Change {
        accepted: parameters::accepted_versions(request)?,
        patch,
        reopen,
        read_only: None,
        key,
    };
    let rate = Rate::write(caller, 1)?;
    change.run(request, caller, &rate, id)?.reply(Some(caller))
}

/// A change of a task.
struct Change {
    /// The versions that the task may have, see [`parameters::accepted_versions`].
    accepted: ParameterValue,
    patch: TaskPatch,
    /// Whether only a completed or cancelled task gets the new status.
    reopen: bool,
    /// Members that must have these values.
    read_only: Option<serde_json::Map<String, Value>>,
    /// The Idempotency-Key and the fingerprint of the request.
    key: [ParameterValue; 2],
}

impl Change {
    fn run(
        self,
        request: &mut Request,
        caller: &Caller,
        rate: &Rate,
        id: Uuid,
    ) -> Result<Write, Problem> {
        let Self {
            accepted,
            patch,
            reopen,
            read_only,
            key: [key, fingerprint],
        } = self;
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
            tags.map_or(ParameterValue::DbNull, parameters::array),
            ParameterValue::Boolean(set_due),
            due,
            instant,
            ParameterValue::Boolean(reopen),
            text_or_null(read_only.map(|members| Value::from(members).to_string())),
            text(request.trace.event_members()),
            text(caller.actor()),
            key,
            fingerprint,
        ];
        Write::run(request, rate, include_str!("update.sql"), parameters)
    }
}
