//! Batches of operations on tasks. Each operation is parsed on its own, so an invalid one does not affect the others.

use uuid::Uuid;

use crate::due::DuePatch;
use crate::json::{self, Fault, Json, Reader};
use crate::recurrence::RecurrencePatch;
use crate::task::{self, NewTask, Replacement, TaskPatch};

/// Maximum number of operations in one batch.
pub const MAX_OPERATIONS: usize = 100;

/// The body of `POST /api/tasks/batch`.
#[derive(Debug)]
pub struct Batch {
    /// The operations in order. An invalid operation is a list of its faults.
    pub operations: Vec<Result<Operation, Vec<Fault>>>,
    /// Whether either all operations are applied or none.
    pub atomic: bool,
}

/// One operation on one task.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub change: Change,
    /// The version that the task must have; `None` accepts any.
    pub if_match: Option<i64>,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Create(NewTask),
    /// A merge patch.
    Update(Uuid, TaskPatch),
    Replace(Uuid, Replacement),
    Complete(Uuid),
    Reopen(Uuid),
    /// Skips an occurrence of a series.
    Skip(Uuid),
    Restore(Uuid),
    Delete(Uuid),
}

const UNKNOWN_OPERATION: &str =
    "must be one of create, update, replace, complete, reopen, skip, restore, delete";

impl Batch {
    /// Parses the body.
    ///
    /// # Errors
    /// The faults of the envelope. Faults of an operation are in [`Batch::operations`].
    pub fn parse(body: Json) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new("", body)?;
        let operations = reader.required("operations", list);
        let atomic = reader.optional("atomic", json::boolean);
        reader.finish()?;
        let operations = operations.unwrap_or_default().into_iter().enumerate();
        Ok(Self {
            operations: operations
                .map(|(index, value)| operation(&format!("/operations/{index}"), value))
                .collect(),
            atomic: atomic.unwrap_or(false),
        })
    }
}

pub(crate) fn list(pointer: &str, value: Json) -> Result<Vec<Json>, Vec<Fault>> {
    match value {
        Json::List(items) if (1..=MAX_OPERATIONS).contains(&items.len()) => Ok(items),
        Json::List(items) => Err(vec![Fault::new(
            pointer,
            format!("must have 1 to {MAX_OPERATIONS} items, not {}", items.len()),
        )]),
        other => Err(vec![Fault::new(
            pointer,
            format!("must be an array, not {}", other.kind()),
        )]),
    }
}

fn operation(pointer: &str, value: Json) -> Result<Operation, Vec<Fault>> {
    let mut reader = Reader::new(pointer, value)?;
    let op = match reader.take("op") {
        Some(Json::Text(op)) => op,
        _ => String::new(),
    };
    let change = match op.as_str() {
        "create" => reader
            .required("task", within(NewTask::parse))
            .map(Change::Create),
        "update" => reader
            .required("id", task::id)
            .zip(reader.required("fields", fields))
            .map(|(id, patch)| Change::Update(id, patch)),
        "replace" => reader
            .required("id", task::id)
            .zip(reader.required("task", within(replacement)))
            .map(|(id, task)| Change::Replace(id, task)),
        "complete" => reader.required("id", task::id).map(Change::Complete),
        "reopen" => reader.required("id", task::id).map(Change::Reopen),
        "skip" => reader.required("id", task::id).map(Change::Skip),
        "restore" => reader.required("id", task::id).map(Change::Restore),
        "delete" => reader.required("id", task::id).map(Change::Delete),
        // `op` decides which other members are allowed, so they are not checked without it.
        _ => return Err(vec![Fault::new(format!("{pointer}/op"), UNKNOWN_OPERATION)]),
    };
    let if_match = if op == "create" {
        None
    } else {
        reader.optional("if_match", version)
    };
    reader.finish()?;
    // A missing member is a fault that `finish` has returned, so this error is never seen.
    let change = change.ok_or_else(|| vec![Fault::new(pointer, "is not complete")])?;
    Ok(Operation { change, if_match })
}

/// Parses a member with the parser of a request body. The pointers of its faults are prefixed with the pointer of the member.
pub(crate) fn within<T>(
    parse: impl FnOnce(Json) -> Result<T, Vec<Fault>>,
) -> impl FnOnce(&str, Json) -> Result<T, Vec<Fault>> {
    |pointer, body| {
        parse(body).map_err(|faults| {
            let at = |fault: Fault| Fault::new(format!("{pointer}{}", fault.pointer), fault.detail);
            faults.into_iter().map(at).collect()
        })
    }
}

fn replacement(body: Json) -> Result<Replacement, Vec<Fault>> {
    let replacement = Replacement::parse(body)?;
    replacement.task.check_recurrence()?;
    Ok(replacement)
}

pub(crate) fn fields(pointer: &str, value: Json) -> Result<TaskPatch, Vec<Fault>> {
    let patch = within(TaskPatch::parse)(pointer, value)?;
    // The rest of the due date would be read before the batch runs, and could have changed by then.
    if matches!(patch.due, Some(Some(DuePatch::Part(_)))) {
        return Err(vec![Fault::new(
            format!("{pointer}/due"),
            "is only a part of a due date; in a batch, give the whole due date",
        )]);
    }
    if matches!(patch.recurrence, Some(Some(RecurrencePatch::Part(_)))) {
        return Err(vec![Fault::new(
            format!("{pointer}/recurrence"),
            "cannot be merged in a batch; use `replace`, which has the whole task, or a request of its own",
        )]);
    }
    Ok(patch)
}

pub(crate) fn version(pointer: &str, value: Json) -> Result<i64, Vec<Fault>> {
    json::whole(&value).ok_or_else(|| {
        vec![Fault::new(
            pointer,
            "must be the version of a task, an integer",
        )]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890000-0000-7000-8000-000000000000";

    fn batch(operations: &str) -> Batch {
        parse(&format!(r#"{{"operations":[{operations}]}}"#)).unwrap()
    }

    fn parse(text: &str) -> Result<Batch, Vec<Fault>> {
        Batch::parse(Json::parse(text.as_bytes()).unwrap())
    }

    fn pointers(faults: &[Fault]) -> Vec<&str> {
        let mut pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        pointers.sort_unstable();
        pointers
    }

    #[test]
    fn each_op_is_parsed() {
        let id = Uuid::parse_str(ID).unwrap();
        let one = |members: &str| {
            let batch = batch(&format!(r#"{{"id":"{ID}",{members}}}"#));
            batch.operations.into_iter().next().unwrap().unwrap()
        };
        assert_eq!(one(r#""op":"complete""#).change, Change::Complete(id));
        assert_eq!(one(r#""op":"reopen""#).change, Change::Reopen(id));
        assert_eq!(one(r#""op":"restore""#).change, Change::Restore(id));
        let delete = one(r#""op":"delete","if_match":3"#);
        assert_eq!(
            (delete.change, delete.if_match),
            (Change::Delete(id), Some(3))
        );
        assert_eq!(one(r#""op":"delete","if_match":3.0"#).if_match, Some(3));
        let update = one(r#""op":"update","fields":{"due":null}"#).change;
        let patch = TaskPatch {
            due: Some(None),
            ..TaskPatch::default()
        };
        assert_eq!(update, Change::Update(id, patch));
        let replace = one(r#""op":"replace","task":{"title":"t"}"#).change;
        let task = NewTask::parse(Json::parse(br#"{"title":"t"}"#).unwrap()).unwrap();
        let read_only = serde_json::Map::new();
        let replacement = Replacement {
            task: task.clone(),
            read_only,
        };
        assert_eq!(replace, Change::Replace(id, replacement));
        let create = batch(r#"{"op":"create","task":{"title":"t"}}"#);
        let create = create.operations.into_iter().next().unwrap().unwrap();
        assert_eq!(create.change, Change::Create(task));
    }

    #[test]
    fn an_invalid_operation_does_not_affect_others() {
        let batch = batch(
            r#"{"op":"create","task":{"title":""}}, {"op":"create","task":{"title":"t"}}, {"op":"fly"}, 7, {"op":"delete","id":"x"}"#,
        );
        let wrong: Vec<_> = batch
            .operations
            .iter()
            .map(|operation| {
                operation
                    .as_ref()
                    .map_or_else(|faults| pointers(faults), |_| Vec::new())
            })
            .collect();
        assert_eq!(
            wrong,
            [
                vec!["/operations/0/task/title"],
                vec![],
                vec!["/operations/2/op"],
                vec!["/operations/3"],
                vec!["/operations/4/id"],
            ]
        );
    }

    #[test]
    fn unknown_missing_and_invalid_members_are_faults() {
        for (members, wrong) in [
            (r#""op":"create""#, vec!["/task"]),
            (
                r#""op":"create","task":{"title":"t"},"if_match":1"#,
                vec!["/if_match"],
            ),
            (
                r#""op":"create","task":{"title":"t","x":1}"#,
                vec!["/task/x"],
            ),
            (r#""op":null"#, vec!["/op"]),
            (r#""id":"x""#, vec!["/op"]),
            (r#""op":"update","id":"x""#, vec!["/fields", "/id"]),
            (r#""op":"delete","id":"x","task":{}"#, vec!["/id", "/task"]),
            (
                r#""op":"complete","if_match":"1""#,
                vec!["/id", "/if_match"],
            ),
            (
                r#""op":"complete","if_match":1.5"#,
                vec!["/id", "/if_match"],
            ),
        ] {
            let batch = batch(&format!("{{{members}}}"));
            let faults = batch.operations.into_iter().next().unwrap().unwrap_err();
            let wrong: Vec<_> = wrong
                .iter()
                .map(|end| format!("/operations/0{end}"))
                .collect();
            assert_eq!(pointers(&faults), wrong, "{members}");
        }
    }

    #[test]
    fn a_part_of_a_due_date_is_refused() {
        for (due, fine) in [
            (r#"{"timezone":"Asia/Tokyo"}"#, false),
            ("{}", false),
            (r#"{"date":"2026-03-01"}"#, true),
            ("null", true),
        ] {
            let batch = batch(&format!(
                r#"{{"op":"update","id":"{ID}","fields":{{"due":{due}}}}}"#
            ));
            match &batch.operations[..] {
                [Ok(_)] => assert!(fine, "{due}"),
                [Err(faults)] => {
                    assert!(!fine, "{due}");
                    assert_eq!(pointers(faults), ["/operations/0/fields/due"]);
                    assert!(faults[0].detail.contains("the whole due"));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_invalid_envelope_is_an_error() {
        let many = |count: usize| format!(r#"{{"operations":[{}]}}"#, vec!["7"; count].join(","));
        assert_eq!(parse(&many(100)).unwrap().operations.len(), 100);
        for (text, pointer) in [
            ("[]", ""),
            ("{}", "/operations"),
            (&many(0), "/operations"),
            (&many(101), "/operations"),
            (r#"{"operations":{}}"#, "/operations"),
            (r#"{"operations":[7],"atomic":1}"#, "/atomic"),
            (r#"{"operations":[7],"x":1}"#, "/x"),
        ] {
            assert_eq!(pointers(&parse(text).unwrap_err()), [pointer], "{text}");
        }
    }
}
