//! `POST /api/series/{id}/pause` and `…/resume`.

use std::fmt::Display;

use domain::json::Json;
use domain::recurrence::{Made, ROUNDS, Series, Standing};
use guest::postgres::{Db, ParameterValue, text};
use serde_json::json;
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

/// Makes the next occurrence of a series that was resumed after its newest one was done, or that begins with a task that is done. No event
/// tells the agent to do that, and its next look is minutes away. `state` is that of `series_state.fn.sql`.
///
/// # Errors
/// When a statement fails. The request fails then, and the agent makes the occurrence. It also does so if the series changes in each round.
pub fn make_next(request: &Request, caller: &Caller, state: &str) -> Result<(), Problem> {
    let mut standing: Standing = serde_json::from_str(state).map_err(unreadable)?;
    let db = Db::open()?;
    for _ in 0..ROUNDS {
        let recurrence = standing.recurrence.get();
        let series = Series::read(recurrence).map_err(unreadable)?;
        let item = parameter(
            standing.series_id,
            standing.after.id,
            serde_json::from_str(recurrence).map_err(unreadable)?,
            series.next(&standing.after.done()).as_ref(),
            request.trace.event_members(),
        );
        let parameters = [text(json!([item]).to_string()), text(caller.actor())];
        let results = db
            .query_one(include_str!("create_occurrences.sql"), &parameters)?
            .text(0)?;
        let [made]: [Made; 1] = serde_json::from_str(&results).map_err(unreadable)?;
        match made.state {
            Some(changed) => standing = changed,
            None => break,
        }
    }
    Ok(())
}

fn unreadable(error: impl Display) -> Problem {
    Problem::internal(format!("reading the state of a series: {error}"))
}
