//! The statement that changes a task, for PUT, PATCH, complete, reopen and skip.

use domain::recurrence::RecurrencePatch;
use domain::scope::Scope;
use domain::tag::Tags;
use domain::task::{Description, Priority, Status, TaskPatch, Title};
use guest::postgres::{ParameterValue, text, text_or_null};
use serde_json::Value;
use uuid::Uuid;

use super::{next, parameters};
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::request::Request;
use crate::write::Write;

/// What the statement does besides setting fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Only a completed or cancelled task gets the status.
    Reopen,
    /// Only an open or started occurrence of a series gets the status.
    Skip,
}

impl Op {
    /// The name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reopen => "reopen",
            Self::Skip => "skip",
        }
    }
}

/// A change of a task. A due date and a recurrence in it are whole, see [`super::merge`].
#[derive(Clone)]
pub struct Change {
    /// The versions that the task may have, see [`parameters::accepted_versions`].
    pub accepted: ParameterValue,
    pub patch: TaskPatch,
    pub scope: Option<Scope>,
    pub op: Option<Op>,
    /// Members that must have these values.
    pub read_only: Option<serde_json::Map<String, Value>>,
    /// The Idempotency-Key and the fingerprint of the request.
    pub key: [ParameterValue; 2],
}

impl Change {
    pub fn run(
        self,
        request: &mut Request,
        caller: &Caller,
        rate: &Rate,
        id: Uuid,
    ) -> Result<Write, Problem> {
        let Self {
            accepted,
            patch,
            scope,
            op,
            read_only,
            key: [key, fingerprint],
        } = self;
        let set_due = patch.due.is_some();
        let set_recurrence = patch.recurrence.is_some();
        let due = match patch.due.flatten() {
            Some(due) => Some(due.apply("/due", None)?),
            None => None,
        };
        let definition = match patch.recurrence.flatten() {
            Some(RecurrencePatch::Whole(recurrence)) => {
                Some(recurrence.definition_of_change(due.as_ref()))
            }
            // `merge` has made it whole.
            Some(RecurrencePatch::Part(_)) | None => None,
        };
        let [due, instant] = parameters::due(due.as_ref());
        let reminders = patch.reminders;
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
            ParameterValue::Boolean(set_recurrence),
            text_or_null(definition),
            text_or_null(reminders.map(|reminders| reminders.to_json().to_string())),
            text_or_null(scope.map(Scope::as_str)),
            text_or_null(op.map(Op::name)),
            text_or_null(read_only.map(|members| Value::from(members).to_string())),
            text(request.trace.event_members()),
            text(caller.actor()),
            key,
            fingerprint,
        ];
        let mut write = Write::run(request, rate, include_str!("update.sql"), parameters)?;
        write.body = write.body.map(next::added);
        Ok(write)
    }
}
