//! `POST /api/tasks/{id}/restore`: restores a deleted task.

use domain::json::Json;
use guest::postgres::text;
use uuid::Uuid;

use super::parameters;
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Write, idempotency};

pub fn restore(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let [key, fingerprint] = idempotency::parameters(request, &caller, &Json::Null)?;
    body::none(request)?;
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(id.to_string()),
        parameters::accepted_versions(request)?,
        text(request.trace.event_members()),
        text(caller.actor()),
        key,
        fingerprint,
    ];
    Write::run(request, &rate, include_str!("restore.sql"), parameters)?.reply(Some(&caller))
}
