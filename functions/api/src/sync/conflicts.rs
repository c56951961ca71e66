//! `/api/conflicts`: values that have lost against a later change of the same field, and their return.

use domain::json::Json;
use domain::recurrence::{Recurrence, RecurrencePatch};
use domain::task::TaskPatch;
use guest::postgres::text;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::body;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::tasks;

/// `GET /api/conflicts`: newest first.
pub fn list(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let page = Page::take(&mut query, format!("conflicts {}", caller.user))?;
    query.finish()?;
    let rate = Rate::read(&caller, 1)?;
    let mut parameters = vec![text(caller.user.to_string())];
    parameters.extend(page.parameters());
    let mut row = rate.run(request, include_str!("conflicts.sql"), parameters)?;
    page.reply(&row.text(0)?, &mut row)
}

/// What of a conflict says how its value returns.
#[derive(Deserialize)]
struct Lost<'a> {
    task_id: Uuid,
    field: &'a str,
    #[serde(borrow)]
    theirs: &'a RawValue,
}

/// `POST /api/conflicts/{id}/restore`: the task gets the value that has lost. A deletion that has lost deletes the task.
pub fn restore(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    body::none(request)?;
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![text(caller.user.to_string()), text(id.to_string())];
    let mut row = rate.run(request, include_str!("conflict.sql"), parameters)?;
    let conflict = row.text_or_null(0)?.ok_or_else(Problem::not_found)?;
    let lost: Lost = serde_json::from_str(&conflict)
        .map_err(|error| Problem::internal(format!("reading a conflict: {error}")))?;
    // The second statement is part of the same request.
    let rate = rate.free();
    if lost.field == "deleted" {
        return tasks::remove(request, &caller, lost.task_id, &rate);
    }
    let read = |text: &str| {
        Json::parse(text.as_bytes())
            .map_err(|error| Problem::internal(format!("reading a conflict: {error}")))
    };
    let patch = if lost.field == "recurrence" && lost.theirs.get() != "null" {
        // As a whole: its start was that of a series that is not the task's any more.
        let recurrence = Recurrence::parse("/recurrence", read(lost.theirs.get())?)?;
        TaskPatch {
            recurrence: Some(Some(RecurrencePatch::Whole(Box::new(recurrence)))),
            ..TaskPatch::default()
        }
    } else {
        let patch = format!(r#"{{"{}":{}}}"#, lost.field, lost.theirs.get());
        TaskPatch::parse(read(&patch)?)?
    };
    tasks::change(request, &caller, lost.task_id, patch, rate)
}
