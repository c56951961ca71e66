//! `POST /api/tasks/batch`: many changes in one statement, each with its own result.

use domain::batch::{Batch, Change, Operation};
use domain::json::Fault;
use domain::task::{Description, NewTask, Priority, Status, Tags, TaskPatch, Title};
use guest::postgres::{ParameterValue, text};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::create::due_texts;
use super::idempotency;
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::{MAX_BATCH, Request};

pub fn batch(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let bytes = body::bytes_up_to(request, MAX_BATCH)?;
    let [key, fingerprint] = idempotency::parameters(request, &bytes)?;
    let batch = Batch::parse(body::parse(&bytes)?)?;
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
        .map(|operation| parameter(operation, request.path()))
        .collect::<Result<_, Problem>>()?;
    // The whole answer is put together, and kept, by the statement; so it needs the problems that it may have to tell.
    let problem = |problem: Problem| text(problem.to_json(request.path()));
    let mut row = request.db()?.query_one(
        include_str!("batch.sql"),
        &[
            text(caller.user.to_string()),
            text(Value::Array(operations).to_string()),
            ParameterValue::Boolean(batch.atomic),
            problem(Problem::not_found()),
            problem(Problem::id_taken()),
            problem(Problem::stale("{version}")),
            text(request.trace.event_members()),
            text(caller.actor()),
            key,
            fingerprint,
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(3)?)?;
    match row.int(0)? {
        200 => {
            let reply = Reply::json(200, row.text(1)?);
            Ok(reply.replayed(row.bool(2)?))
        }
        401 => Err(caller.gone()),
        422 => Err(Problem::key_reused()),
        _ => Err(aborted(&row.text(1)?)),
    }
}

/// What is wrong with the operations of a batch that are not valid.
fn invalid(batch: &Batch) -> impl Iterator<Item = &Fault> {
    batch
        .operations
        .iter()
        .filter_map(|operation| operation.as_ref().err())
        .flatten()
}

/// An operation that the database refused.
#[derive(Deserialize)]
struct Refused {
    operation: usize,
    status: u16,
    version: Option<i64>,
}

fn aborted(refused: &str) -> Problem {
    let Ok(refused) = serde_json::from_str::<Vec<Refused>>(refused) else {
        return Problem::inconsistent("what a batch was refused for does not read");
    };
    let faults = refused.into_iter().map(|refused| {
        let problem = match (refused.status, refused.version) {
            (409, _) => Problem::id_taken(),
            (412, Some(version)) => Problem::stale(version),
            _ => Problem::not_found(),
        };
        Fault::new(
            format!("/operations/{}", refused.operation),
            problem.detail(),
        )
    });
    Problem::batch_aborted(409, faults.collect())
}

/// An operation as `batch_tasks` reads it: what it does, or its result if it is not valid.
fn parameter(operation: Result<Operation, Vec<Fault>>, path: &str) -> Result<Value, Problem> {
    let operation = match operation {
        Ok(operation) => operation,
        Err(faults) => {
            let problem = Problem::invalid(faults);
            let result = format!(
                r#"{{"status":{},"problem":{}}}"#,
                problem.status,
                problem.to_json(path)
            );
            return Ok(json!({ "result": result }));
        }
    };
    let version = operation.if_match;
    let bare = |op: &str, id: Uuid| json!({ "op": op, "id": id, "version": version });
    Ok(match operation.change {
        Change::Create(task) => created(task),
        Change::Update(id, patch) => updated("update", id, version, patch)?,
        Change::Complete(id) => updated(
            "complete",
            id,
            version,
            TaskPatch::status(Status::Completed),
        )?,
        Change::Reopen(id) => updated("reopen", id, version, TaskPatch::status(Status::Open))?,
        Change::Restore(id) => bare("restore", id),
        Change::Delete(id) => bare("delete", id),
    })
}

fn created(task: NewTask) -> Value {
    let [due, instant] = due_texts(task.due.as_ref());
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
    })
}

fn updated(op: &str, id: Uuid, version: Option<i64>, patch: TaskPatch) -> Result<Value, Problem> {
    let set_due = patch.due.is_some();
    let due = match patch.due.flatten() {
        Some(due) => Some(due.apply("/due", None)?),
        None => None,
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
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_database_refused_is_named() {
        let problem = aborted(
            r#"[{"operation":3,"status":412,"version":7},{"operation":5,"status":404,"version":null}]"#,
        );
        assert_eq!(problem.status, 409);
        let body: Value = serde_json::from_str(&problem.to_json("/api/tasks/batch")).unwrap();
        assert_eq!(body["type"], "urn:spindle:problems/batch-aborted");
        assert_eq!(body["errors"][0]["pointer"], "/operations/3");
        assert_eq!(body["errors"][0]["detail"], "the current version is 7");
        assert_eq!(body["errors"][1]["pointer"], "/operations/5");
    }

    #[test]
    fn an_invalid_operation_comes_with_its_result() {
        let faults = vec![Fault::new("/operations/0/op", "is unknown")];
        let parameter = parameter(Err(faults), "/api/tasks/batch").unwrap();
        let result: Value = serde_json::from_str(parameter["result"].as_str().unwrap()).unwrap();
        assert_eq!(result["status"], 422);
        assert_eq!(result["problem"]["instance"], "/api/tasks/batch");
        assert_eq!(
            result["problem"]["errors"][0]["pointer"],
            "/operations/0/op"
        );
    }
}
