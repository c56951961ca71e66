//! `POST /api/series/{id}/pause` and `…/resume`.

use domain::json::Json;
use domain::recurrence::{Done, Series};
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

/// A series as SQL describes it, see `series_state.fn.sql`.
#[derive(Deserialize)]
struct State<'a> {
    series_id: Uuid,
    #[serde(borrow)]
    recurrence: &'a RawValue,
    #[serde(borrow)]
    after: After<'a>,
}

#[derive(Deserialize)]
struct After<'a> {
    id: Uuid,
    occurrence: &'a str,
    number: i64,
    at: chrono::DateTime<chrono::Utc>,
    skipped: bool,
}

/// Makes the next occurrence of a series that was resumed after its newest one was done. No event tells the agent to do that, and its
/// next look is minutes away. If this fails, the agent does it then.
fn make_next(request: &Request, caller: &Caller, state: &str) -> Result<(), Problem> {
    let wrong =
        |error: String| Problem::internal(format!("reading the state of a series: {error}"));
    let State {
        series_id,
        recurrence,
        after,
    } = serde_json::from_str(state).map_err(|error| wrong(error.to_string()))?;
    let series = Series::read(recurrence.get()).map_err(|error| wrong(error.to_string()))?;
    let next = series.next(&Done {
        occurrence: after.occurrence,
        number: after.number,
        at: after.at,
        skipped: after.skipped,
    });
    let recurrence: Value = serde_json::from_str(recurrence.get()).unwrap_or_default();
    let item = parameter(
        series_id,
        after.id,
        recurrence,
        next.as_ref(),
        request.trace.event_members(),
    );
    let parameters = [text(json!([item]).to_string()), text(caller.actor())];
    Db::open()?.query_one(include_str!("create_occurrences.sql"), &parameters)?;
    Ok(())
}
