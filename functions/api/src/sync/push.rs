//! `POST /api/sync`: what a client has done offline, merged with what others have changed meanwhile.

use domain::json::{Fault, Json};
use domain::offline::text::merge_lines;
use domain::offline::{Change, Operation, Push};
use domain::task::{Description, Status, TaskPatch};
use guest::postgres::{ParameterValue, text};
use serde_json::{Value, json};
use uuid::Uuid;

use super::list_of;
use super::position::{ALL, Position};
use super::results::{Row, answers, refusals};
use crate::auth::{Caller, keys};
use crate::http::body;
use crate::http::cursor::Signer;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::{MAX_BATCH, Request};
use crate::series::make_next;
use crate::tasks::{created, updated};
use crate::write::{Outcome, Write, idempotency};

/// How often descriptions are merged for one request. A further round is needed only if others change them between two statements.
const ROUNDS: usize = 3;

pub fn push(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let body = body::json_up_to(request, MAX_BATCH)?;
    let prints = fingerprints(&body);
    let push = Push::parse(body)?;
    let signer = Signer::new(&keys::load()?);
    let list = list_of(&caller);
    let after = match &push.cursor {
        Some(cursor) => Some(reached(&signer, &list, cursor)?),
        None => None,
    };
    let ids: Vec<Option<String>> = push
        .operations
        .iter()
        .map(|parsed| parsed.op_id.clone())
        .collect();
    let mut operations = Vec::with_capacity(ids.len());
    for (parsed, print) in push.operations.into_iter().zip(prints) {
        operations.push(parameter(parsed.op_id, parsed.operation, print)?);
    }
    let changes = u32::try_from(operations.len()).unwrap_or(u32::MAX);
    let mut rate = Rate::write(&caller, changes)?;
    for _ in 0..ROUNDS {
        let parameters = vec![
            text(caller.user.to_string()),
            text(Value::from(operations.clone()).to_string()),
            ParameterValue::Boolean(push.atomic),
            after.map_or(ParameterValue::DbNull, ParameterValue::Int64),
            text(request.trace.event_members()),
            text(caller.actor()),
        ];
        let write = Write::run(request, &rate, include_str!("push.sql"), parameters)?;
        let Some(body) = &write.body else {
            return write.reply(Some(&caller));
        };
        let rows = Row::read(body)?;
        if merge_texts(&mut operations, &rows) {
            rate = rate.free();
            continue;
        }
        if write.outcome == Outcome::Refused {
            return Err(Problem::batch_aborted(409, refusals(&rows)));
        }
        for state in rows.iter().filter_map(|row| row.next) {
            make_next(request, &caller, state.get())?;
        }
        let next = position(write.id.as_deref())?;
        let cursor = match &push.cursor {
            // The client misses changes from before the request.
            Some(cursor) if after == Some(next.reached) => cursor.clone(),
            _ => signer.encode(next.cursor(), &list),
        };
        let results = answers(&ids, &rows, request.path());
        let body = format!(r#"{{"results":[{results}],"cursor":{}}}"#, json!(cursor));
        return Ok(Reply::json(200, body));
    }
    Err(Problem::conflict(
        "others change the same descriptions too often; send the request again",
    ))
}

/// A fingerprint of each operation, by which one that is repeated is told from another one with the same id.
fn fingerprints(body: &Json) -> Vec<String> {
    let Json::Object(members) = body else {
        return Vec::new();
    };
    let operations = members.iter().find(|(name, _)| name == "operations");
    match operations {
        Some((_, Json::List(items))) => items
            .iter()
            .map(|item| idempotency::fingerprint("", item))
            .collect(),
        _ => Vec::new(),
    }
}

/// The number that a client has reached with a cursor; -1 in the middle of its first pages, when it misses much.
fn reached(signer: &Signer, list: &str, cursor: &str) -> Result<i64, Problem> {
    let position = signer.decode(cursor, list);
    let position = position.and_then(|cursor| Position::of(&cursor));
    match position {
        Some(position) if position.rank == ALL => Ok(position.reached),
        Some(_) => Ok(-1),
        None => Err(Fault::new("/cursor", "must be a cursor of this account").into()),
    }
}

/// The position after the request, as `sync_push` returns it.
fn position(id: Option<&str>) -> Result<Position, Problem> {
    let numbers = id.and_then(|id| id.split_once('.'));
    let numbers =
        numbers.and_then(|(reached, issued)| Some((reached.parse().ok()?, issued.parse().ok()?)));
    let (reached, issued) = numbers.ok_or_else(|| Problem::internal("no position"))?;
    Ok(Position {
        reached,
        rank: ALL,
        id: Uuid::nil(),
        base: 0,
        issued,
    })
}

/// An operation as JSON for `sync_push`. Of an invalid operation it contains only the faults.
fn parameter(
    op_id: Option<String>,
    operation: Result<Operation, Vec<Fault>>,
    fingerprint: String,
) -> Result<Value, Problem> {
    let operation = match operation {
        Ok(operation) => operation,
        Err(faults) => return Ok(json!({ "faults": faults })),
    };
    let id = operation.task;
    let status = |op: &str, status: Status| updated(op, id, None, TaskPatch::status(status), None);
    let mut parameter = match operation.change {
        Change::Create(task) => created(*task),
        Change::Update(patch) => updated("update", id, None, patch, None)?,
        Change::Complete => status("complete", Status::Completed)?,
        Change::Reopen => status("reopen", Status::Open)?,
        Change::Skip => status("skip", Status::Cancelled)?,
        Change::Delete => json!({ "op": "delete", "id": id }),
        Change::Restore => json!({ "op": "restore", "id": id }),
        Change::Pause => json!({ "op": "pause", "id": id }),
        Change::Resume => json!({ "op": "resume", "id": id }),
        Change::Snooze { reminder, until } => {
            json!({ "op": "snooze", "id": id, "reminder_id": reminder, "until": until })
        }
        Change::Acknowledge { reminder } => {
            json!({ "op": "ack", "id": id, "reminder_id": reminder })
        }
    };
    for (name, value) in [
        ("op_id", json!(op_id)),
        ("fingerprint", json!(fingerprint)),
        ("base", json!(operation.base_version)),
        ("scope", json!(operation.scope.map(|scope| scope.as_str()))),
        (
            "occurred_at",
            json!(operation.occurred_at.map(|at| at.to_rfc3339())),
        ),
    ] {
        if let Some(members) = parameter.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    }
    Ok(parameter)
}

/// Merges the descriptions that `sync_push` asks for. Returns whether there is one.
fn merge_texts(operations: &mut [Value], rows: &[Row]) -> bool {
    let mut found = false;
    for (operation, row) in operations.iter_mut().zip(rows) {
        let Some(asked) = row.text_to_merge() else {
            continue;
        };
        found = true;
        let yours = operation["description"].as_str().unwrap_or_default();
        let merged =
            merge_lines(asked.base, asked.theirs, yours).filter(|merged| Description::fits(merged));
        if let Some(members) = operation.as_object_mut() {
            let text = json!({ "version": asked.version, "merged": merged });
            members.insert("text".to_owned(), text);
        }
    }
    found
}
