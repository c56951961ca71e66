//! Changes of a due date or a recurrence that mean something only together with what the task has: a part of a due date, a part of a
//! recurrence, or a due date for all occurrences to come.
//!
//! They read the task first, and write only if it still has the version that was read.

use domain::due::{Due, DuePatch};
use domain::json::{Fault, Json};
use domain::recurrence::{Recurrence, RecurrencePatch};
use domain::scope::Scope;
use domain::task::{TaskPatch, needs_due};
use guest::postgres::text;
use uuid::Uuid;

use super::change::Change;
use super::parameters;
use crate::auth::Caller;
use crate::http::precondition::{self, Tags};
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

/// How often the change is tried. It is repeated if another request has changed the task first. One of the requests succeeds each
/// time, and only a few of a caller run at once, so as many attempts hardly ever fail.
const ATTEMPTS: usize = 40;

/// Whether a patch has to be merged with the task.
pub fn is_needed(patch: &TaskPatch, scope: Option<Scope>) -> bool {
    let due = patch.due.as_ref().and_then(Option::as_ref);
    let moves_series = due.is_some() && matches!(scope, Some(Scope::Future | Scope::All));
    moves_series
        || matches!(due, Some(DuePatch::Part(_)))
        || matches!(patch.recurrence, Some(Some(_)))
}

/// Merges a change with the task, and writes it.
pub fn run(
    request: &mut Request,
    caller: &Caller,
    rate: Rate,
    id: Uuid,
    change: &Change,
) -> Result<Write, Problem> {
    let accepted = precondition::if_match(request)?;
    let mut rate = rate;
    for _ in 0..ATTEMPTS {
        let parameters = vec![text(caller.user.to_string()), text(id.to_string())];
        let mut row = rate.run(request, include_str!("schedule.sql"), parameters)?;
        // The other statements are part of the same request.
        rate = rate.free();
        let version = row.int_or_null(0)?.ok_or_else(Problem::not_found)?;
        let current = Schedule {
            due: row.text_or_null(1)?,
            recurrence: row.text_or_null(2)?,
            number: row.int_or_null(3)?,
        };
        if let Some(Tags::Versions(versions)) = &accepted
            && !versions.contains(&version)
        {
            return Err(Problem::stale(version));
        }
        let mut change = change.clone();
        change.accepted = parameters::versions_text(&[version]);
        current.merge(&mut change.patch, change.scope)?;
        let write = change.run(request, caller, &rate, id)?;
        if write.outcome != Outcome::Stale {
            return Ok(write);
        }
    }
    Err(Problem::conflict(
        "other requests keep changing the task; retry",
    ))
}

/// When a task is due, as it is stored.
struct Schedule {
    due: Option<String>,
    recurrence: Option<String>,
    number: Option<i64>,
}

impl Schedule {
    /// Replaces the parts in a patch by the whole.
    fn merge(&self, patch: &mut TaskPatch, scope: Option<Scope>) -> Result<(), Vec<Fault>> {
        let due = match patch.due.take() {
            None => None,
            Some(None) => Some(None),
            Some(Some(due)) => Some(Some(due.apply("/due", self.due.as_deref())?)),
        };
        patch.due = due.map(|due| due.map(DuePatch::Whole));
        let defined = self.defined()?;
        let moves_series =
            matches!(due, Some(Some(_))) && matches!(scope, Some(Scope::Future | Scope::All));
        let recurrence = match patch.recurrence.take() {
            None if moves_series => {
                // COUNT counts from the first occurrence, which is now this one.
                let earlier = self.number.unwrap_or(1) - 1;
                defined
                    .clone()
                    .map(|recurrence| recurrence.without_first(earlier))
            }
            None => return Ok(()),
            Some(None) => None,
            Some(Some(RecurrencePatch::Whole(recurrence))) => Some(*recurrence),
            Some(Some(RecurrencePatch::Part(part))) => {
                let current = self.recurrence.as_deref();
                Some(Recurrence::merge("/recurrence", current, part)?)
            }
        };
        // A recurrence that stays as it is needs no check: its due date may be that of an occurrence that was moved.
        if let Some(recurrence) = &recurrence
            && (moves_series || defined.as_ref() != Some(recurrence))
        {
            let due = match due {
                Some(due) => due,
                None => self.current_due()?,
            };
            recurrence.check("/recurrence", &due.ok_or_else(|| vec![needs_due()])?)?;
        }
        patch.recurrence = Some(recurrence.map(|whole| RecurrencePatch::Whole(Box::new(whole))));
        Ok(())
    }

    fn current_due(&self) -> Result<Option<Due>, Vec<Fault>> {
        self.due
            .as_deref()
            .and_then(|due| Json::parse(due.as_bytes()).ok())
            .map(|due| Due::parse("/due", due))
            .transpose()
    }

    /// What the client has defined.
    fn defined(&self) -> Result<Option<Recurrence>, Vec<Fault>> {
        self.recurrence
            .as_deref()
            .map(|current| {
                Recurrence::merge("/recurrence", Some(current), Json::Object(Vec::new()))
            })
            .transpose()
    }
}
