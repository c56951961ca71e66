//! `PATCH /api/tags/{tag}`: another name for a tag, or the name of another tag, which it then is merged into.

use domain::tag;
use guest::postgres::text;
use serde_json::json;

use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// As many changes as this counts for: it may change every task.
const COST: u32 = 20;

pub fn rename(request: &mut Request, tag: String) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let name = tag::new_name(body::merge_patch(request)?)?;
    let rate = Rate::write(&caller, COST)?;
    let mut row = request.db()?.query_one(
        include_str!("rename.sql"),
        &[
            text(caller.user.to_string()),
            text(tag),
            text(name.as_str()),
            text(request.trace.event_members()),
            text(caller.actor()),
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(3)?)?;
    match row.int(0)? {
        200 => {
            let (count, merged) = (row.int(1)?, row.bool(2)?);
            let body = json!({ "tag": name, "count": count, "merged": merged });
            Ok(Reply::json(200, body.to_string()))
        }
        401 => Err(caller.gone()),
        _ => Err(Problem::not_found()),
    }
}
