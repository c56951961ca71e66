//! `POST /api/tasks/{id}/restore`.

use guest::postgres::text;
use uuid::Uuid;

use super::{delete, idempotency, update};
use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn restore(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let [key, fingerprint] = idempotency::parameters(request, b"")?;
    body::none(request)?;
    let rate = Rate::write(&caller, 1)?;
    let mut row = request.db()?.query_one(
        include_str!("restore.sql"),
        &[
            text(caller.user.to_string()),
            text(id.to_string()),
            delete::match_parameter(request)?,
            text(request.trace.event_members()),
            text(caller.actor()),
            key,
            fingerprint,
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(4)?)?;
    update::reply(&caller, row)
}
