//! `DELETE /api/auth/me`: deletes the account. Its tasks leave tombstones, and its audit trail stays.

use guest::postgres::text;

use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::Write;

pub fn delete(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of_own_account(request)?;
    Query::of(request).finish()?;
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(request.trace.event_members()),
        text(caller.actor()),
    ];
    Write::run(request, &rate, include_str!("delete.sql"), parameters)?.reply(Some(&caller))
}
