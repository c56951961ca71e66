//! `POST /api/tasks`: creates a task. This is the hot path of the system.

use domain::task::NewTask;
use guest::postgres::{text, text_or_null};

use super::parameters;
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Write, idempotency};

pub fn create(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let body = body::json(request)?;
    let [key, fingerprint] = idempotency::parameters(request, &caller, &body)?;
    let task = NewTask::parse(body)?;
    let rate = Rate::write(&caller, 1)?;
    let [due, instant] = parameters::due(task.due.as_ref());
    let definition = task
        .recurrence
        .map(|recurrence| recurrence.definition_of_change(task.due.as_ref()));
    let parameters = vec![
        text(caller.user.to_string()),
        text_or_null(task.id.map(|id| id.to_string())),
        text(task.title.into_string()),
        text(task.description.into_string()),
        text(task.status.as_str()),
        text(task.priority.as_str()),
        parameters::array(task.tags.into_vec()),
        due,
        instant,
        text_or_null(definition),
        text_or_null(
            task.reminders
                .map(|reminders| reminders.to_json().to_string()),
        ),
        text(request.trace.event_members()),
        text(caller.actor()),
        key,
        fingerprint,
    ];
    let mut write = Write::run(request, &rate, include_str!("create.sql"), parameters)?;
    let id = write.id.take();
    let reply = write.reply(Some(&caller))?;
    Ok(match id {
        Some(id) => reply.header("location", format!("/api/tasks/{id}")),
        None => reply,
    })
}
