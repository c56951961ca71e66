//! `POST /api/tasks/batch`: applies up to 100 operations in one statement. Each has its own result.

use domain::batch::{Batch, Change, Operation};
use domain::json::Fault;
use domain::recurrence::RecurrencePatch;
use domain::tag::Tags;
use domain::task::{Description, NewTask, Priority, Replacement, Status, TaskPatch, Title};
use guest::postgres::{ParameterValue, text};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::next;
use super::parameters::due_texts;
use super::update::read_only_changed;
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::{MAX_BATCH, Request};
use crate::write::{Outcome, Write, idempotency};

pub fn batch(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let body = body::json_up_to(request, MAX_BATCH)?;
    let [key, fingerprint] = idempotency::parameters(request, &caller, &body)?;
    let batch = Batch::parse(body)?;
    if batch.atomic {
        let faults: Vec<Fault> = invalid(&batch).cloned().collect();
        if !faults.is_empty() {
            return Err(Problem::batch_aborted(422, faults));
        }
    }
    let changes = u32::try_from(batch.operations.len()).unwrap_or(u32::MAX);
    let rate = Rate::write(&caller, changes)?;
    let operations: Vec<Value> = batch
        .operations
        .into_iter()
        .map(parameter)
        .collect::<Result<_, Problem>>()?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(Value::Array(operations).to_string()),
        ParameterValue::Boolean(batch.atomic),
        text(request.trace.event_members()),
        text(caller.actor()),
        key,
        fingerprint,
    ];
    let mut write = Write::run(request, &rate, include_str!("batch.sql"), parameters)?;
    if let Some(body) = write.body.take() {
        let results = results(&body)?;
        if write.outcome == Outcome::Refused {
            return Err(aborted(&results).replayed(write.replayed));
        }
        write.body = Some(answer(&results, request.path()));
    }
    write.reply(Some(&caller))
}

/// The faults of all invalid operations of a batch.
fn invalid(batch: &Batch) -> impl Iterator<Item = &Fault> {
    batch
        .operations
        .iter()
        .filter_map(|operation| operation.as_ref().err())
        .flatten()
}

/// The result of an operation: its status and its task, if it has one, or its problem.
type OperationResult<'a> = Result<(u16, Option<&'a RawValue>), Problem>;

/// Reads the results that `batch_tasks` returns.
fn results(body: &str) -> Result<Vec<OperationResult<'_>>, Problem> {
    /// A row has either `outcome` or `faults`.
    #[derive(Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        outcome: Option<&'a str>,
        version: Option<i64>,
        #[serde(borrow)]
        task: Option<&'a RawValue>,
        faults: Option<Vec<Fault>>,
    }

    let rows: Vec<Row> = serde_json::from_str(body)
        .map_err(|error| Problem::internal(format!("reading the results of a batch: {error}")))?;
    rows.into_iter()
        .enumerate()
        .map(|(place, row)| {
            if let Some(faults) = row.faults {
                return Ok(Err(Problem::invalid(faults)));
            }
            let outcome = Outcome::parse(row.outcome.unwrap_or_default())?;
            if outcome == Outcome::ReadOnly {
                let names = row.task.map_or("[]", RawValue::get);
                let pointer = format!("/operations/{place}/task");
                return Ok(Err(read_only_changed(&pointer, names)));
            }
            let status = outcome.status(row.version, None);
            Ok(status.map(|status| (status, row.task)))
        })
        .collect()
}

/// The body of the response. `path` becomes `instance` in problems.
fn answer(results: &[OperationResult], path: &str) -> String {
    let results: Vec<String> = results
        .iter()
        .map(|result| match result {
            Ok((status, None)) => format!(r#"{{"status":{status}}}"#),
            Ok((status, Some(task))) => {
                let task = next::added(task.get().to_owned());
                format!(r#"{{"status":{status},"task":{task}}}"#)
            }
            Err(problem) => {
                let status = problem.status;
                format!(
                    r#"{{"status":{status},"problem":{}}}"#,
                    problem.to_json(path)
                )
            }
        })
        .collect();
    format!(r#"{{"results":[{}]}}"#, results.join(","))
}

/// The problem of an atomic batch; its faults point at the refused operations.
fn aborted(results: &[OperationResult]) -> Problem {
    let faults = results.iter().enumerate().filter_map(|(place, result)| {
        let problem = result.as_ref().err()?;
        Some(Fault::new(format!("/operations/{place}"), problem.detail()))
    });
    Problem::batch_aborted(409, faults.collect())
}

/// An operation as JSON for `batch_tasks`. Of an invalid operation it contains only the faults.
fn parameter(operation: Result<Operation, Vec<Fault>>) -> Result<Value, Problem> {
    let operation = match operation {
        Ok(operation) => operation,
        Err(faults) => return Ok(json!({ "faults": faults })),
    };
    let version = operation.if_match;
    let bare = |op: &str, id: Uuid| json!({ "op": op, "id": id, "version": version });
    Ok(match operation.change {
        Change::Create(task) => created(task),
        Change::Update(id, patch) => updated("update", id, version, patch, None)?,
        Change::Replace(id, Replacement { task, read_only }) => {
            updated("replace", id, version, task.into(), Some(read_only))?
        }
        Change::Complete(id) => {
            let patch = TaskPatch::status(Status::Completed);
            updated("complete", id, version, patch, None)?
        }
        Change::Reopen(id) => {
            let patch = TaskPatch::status(Status::Open);
            updated("reopen", id, version, patch, None)?
        }
        Change::Skip(id) => {
            let patch = TaskPatch::status(Status::Cancelled);
            updated("skip", id, version, patch, None)?
        }
        Change::Restore(id) => bare("restore", id),
        Change::Delete(id) => bare("delete", id),
    })
}

/// A create as JSON for `batch_tasks` and `sync_push`.
pub fn created(task: NewTask) -> Value {
    let [due, instant] = due_texts(task.due.as_ref());
    let definition = task
        .recurrence
        .map(|recurrence| recurrence.definition_of_change(task.due.as_ref()));
    let reminders = task
        .reminders
        .map(|reminders| reminders.to_json().to_string());
    json!({
        "op": "create",
        "id": task.id,
        "title": task.title.into_string(),
        "description": task.description.into_string(),
        "status": task.status.as_str(),
        "priority": task.priority.as_str(),
        "tags": task.tags.into_vec(),
        "due": due,
        "instant": instant,
        "recurrence": definition,
        "reminders": reminders,
    })
}

/// A change as JSON for `batch_tasks` and `sync_push`.
pub fn updated(
    op: &str,
    id: Uuid,
    version: Option<i64>,
    patch: TaskPatch,
    read_only: Option<Map<String, Value>>,
) -> Result<Value, Problem> {
    let set_due = patch.due.is_some();
    let reminders = patch
        .reminders
        .map(|reminders| reminders.to_json().to_string());
    let set_recurrence = patch.recurrence.is_some();
    let due = match patch.due.flatten() {
        Some(due) => Some(due.apply("/due", None)?),
        None => None,
    };
    let definition = match patch.recurrence.flatten() {
        Some(RecurrencePatch::Whole(recurrence)) => {
            Some(recurrence.definition_of_change(due.as_ref()))
        }
        // A part is a fault of the operation.
        Some(RecurrencePatch::Part(_)) | None => None,
    };
    let [due, instant] = due_texts(due.as_ref());
    Ok(json!({
        "op": op,
        "id": id,
        "version": version,
        "title": patch.title.map(Title::into_string),
        "description": patch.description.map(Description::into_string),
        "status": patch.status.map(Status::as_str),
        "priority": patch.priority.map(Priority::as_str),
        "tags": patch.tags.map(Tags::into_vec),
        "set_due": set_due,
        "due": due,
        "instant": instant,
        "set_recurrence": set_recurrence,
        "recurrence": definition,
        "reminders": reminders,
        "read_only": read_only,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aborted_batch_names_the_refused_operations() {
        let results = results(
            r#"[{"outcome":"made","version":1,"task":{}},{"outcome":"changed","version":2,"task":{}},
                {"outcome":"deleted"},{"outcome":"stale","version":7},
                {"outcome":"unchanged","version":2,"task":{}},{"outcome":"missing"}]"#,
        );
        let problem = aborted(&results.unwrap());
        assert_eq!(problem.status, 409);
        let body: Value = serde_json::from_str(&problem.to_json("/api/tasks/batch")).unwrap();
        assert_eq!(body["type"], "urn:spindle:problems/batch-aborted");
        assert_eq!(body["errors"][0]["pointer"], "/operations/3");
        assert_eq!(body["errors"][0]["detail"], "the current version is 7");
        assert_eq!(body["errors"][1]["pointer"], "/operations/5");
    }

    #[test]
    fn an_invalid_operation_gets_its_faults_back() {
        let faults = vec![Fault::new("/operations/0/op", "is unknown")];
        let parameter = parameter(Err(faults)).unwrap();
        let results = format!("[{parameter}]");
        let results = super::results(&results).unwrap();
        let body: Value = serde_json::from_str(&answer(&results, "/api/tasks/batch")).unwrap();
        let result = &body["results"][0];
        assert_eq!(result["status"], 422);
        assert_eq!(result["problem"]["instance"], "/api/tasks/batch");
        assert_eq!(
            result["problem"]["errors"][0]["pointer"],
            "/operations/0/op"
        );
    }

    #[test]
    fn outcomes_become_statuses_and_tasks_stay_as_they_are() {
        let results = results(
            r#"[{"outcome":"made","version":1,"task":{"z":1,"a":2}},{"outcome":"deleted"},
                {"outcome":"unchanged","version":3,"task":{}}]"#,
        );
        let body = answer(&results.unwrap(), "/api/tasks/batch");
        assert_eq!(
            body,
            r#"{"results":[{"status":201,"task":{"z":1,"a":2}},{"status":204},{"status":200,"task":{}}]}"#
        );
        assert_eq!(
            super::results(r#"[{"outcome":"lost"}]"#)
                .unwrap_err()
                .status,
            500
        );
    }
}
