//! `POST /api/tasks`, the hot path.

use chrono::SecondsFormat;
use domain::due::Due;
use domain::task::NewTask;
use guest::postgres::{ParameterValue, text, text_or_null};

use super::idempotency;
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn create(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let bytes = body::bytes(request)?;
    let [key, fingerprint] = idempotency::parameters(request, &bytes)?;
    let task = NewTask::parse(body::parse(&bytes)?)?;
    let id = task.id;
    let rate = Rate::write(&caller, 1)?;
    let [due, instant] = due_parameters(task.due.as_ref());
    let answer = request.db()?.query_one(
        include_str!("create.sql"),
        &[
            text(caller.user.to_string()),
            text_or_null(id.map(|id| id.to_string())),
            text(task.title.into_string()),
            text(task.description.into_string()),
            text(task.status.as_str()),
            text(task.priority.as_str()),
            tags_parameter(task.tags.into_vec()),
            due,
            instant,
            text(request.trace.event_members()),
            text(caller.actor()),
            key,
            fingerprint,
            rate.parameter(),
        ],
    );
    let mut row = match answer {
        Err(error) if id.is_some() && error.sqlstate() == Some("23505") => {
            return Err(Problem::id_taken());
        }
        other => other?,
    };
    rate.check(request, &row.text(5)?)?;
    match row.int(0)? {
        401 => Err(caller.gone()),
        422 => Err(Problem::key_reused()),
        _ => {
            let version = row.int(1)?;
            let reply = Reply::json(201, row.text(3)?)
                .header("location", row.text(2)?)
                .etag(version);
            Ok(reply.replayed(row.bool(4)?))
        }
    }
}

/// A due and its instant; the instant is null where only the owner's timezone can tell.
pub fn due_parameters(due: Option<&Due>) -> [ParameterValue; 2] {
    due_texts(due).map(text_or_null)
}

pub fn due_texts(due: Option<&Due>) -> [Option<String>; 2] {
    let instant = due
        .and_then(Due::instant)
        .map(|instant| instant.to_rfc3339_opts(SecondsFormat::Micros, true));
    [due.map(Due::to_json), instant]
}

pub fn tags_parameter(tags: Vec<String>) -> ParameterValue {
    ParameterValue::ArrayStr(tags.into_iter().map(Some).collect())
}
