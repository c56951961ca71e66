//! `POST /api/series/{id}/pause` and `…/resume`.

use domain::json::Json;
use domain::recurrence::{Series, Standing};
use guest::postgres::{Db, ParameterValue, text};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::make::parameter;
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Write, idempotency};

pub fn pause(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    set_paused(request, id, true)
}

pub fn resume(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    set_paused(request, id, false)
}

fn set_paused(request: &mut Request, id: Uuid, pause: bool) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let [key, fingerprint] = idempotency::parameters(request, &caller, &Json::Null)?;
    body::none(request)?;
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(id.to_string()),
        ParameterValue::Boolean(pause),
        text(request.trace.event_members()),
        text(caller.actor()),
        key,
        fingerprint,
    ];
    let mut write = Write::run(request, &rate, include_str!("pause.sql"), parameters)?;
    if let Some(state) = write.id.take() {
        make_next(request, &caller, &state)?;
    }
    write.reply(Some(&caller))
}

/// How often the next occurrence is computed again, because the series has changed. After that the agent does it.
const ROUNDS: usize = 3;

/// What became of the next occurrence.
#[derive(Deserialize)]
struct Made {
    /// The state of the series, if it has changed since it was read.
    state: Option<Box<RawValue>>,
}

/// Makes the next occurrence of a series that was resumed after its newest one was done, or that begins with a task that is done. No event
/// tells the agent to do that, and its next look is minutes away. `state` is that of `series_state.fn.sql`. If this fails, the request fails, and the agent does it then.
pub fn make_next(request: &Request, caller: &Caller, state: &str) -> Result<(), Problem> {
    let mut state = state.to_owned();
    let db = Db::open()?;
    for _ in 0..ROUNDS {
        let item = next_item(request, &state).map_err(|error| {
            Problem::internal(format!("reading the state of a series: {error}"))
        })?;
        let parameters = [text(json!([item]).to_string()), text(caller.actor())];
        let results = db
            .query_one(include_str!("create_occurrences.sql"), &parameters)?
            .text(0)?;
        let [made]: [Made; 1] = serde_json::from_str(&results).map_err(|error| {
            Problem::internal(format!("reading what became of an occurrence: {error}"))
        })?;
        match made.state {
            Some(changed) => state = changed.get().to_owned(),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The occurrence after the newest one of a series, as `create_occurrences` takes it.
fn next_item(request: &Request, state: &str) -> Result<Value, String> {
    let standing: Standing = serde_json::from_str(state).map_err(|error| error.to_string())?;
    let recurrence = standing.recurrence.get();
    let series = Series::read(recurrence).map_err(|error| error.to_string())?;
    Ok(parameter(
        standing.series_id,
        standing.after.id,
        serde_json::from_str(recurrence).map_err(|error| error.to_string())?,
        series.next(&standing.after.done()).as_ref(),
        request.trace.event_members(),
    ))
}
