//! `PATCH /api/tags/{tag}`: renames a tag. If another tag has the new name, the two tags are merged.

use domain::tag;
use guest::postgres::{text, text_or_null};

use crate::auth::Caller;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::Write;

/// A rename is charged as this many writes, because it may change every task.
const COST: u32 = 20;

pub fn rename(request: &mut Request, tag: String) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let name = tag::parse_rename(body::merge_patch(request)?)?;
    set_name(request, &caller, tag, Some(name))
}

/// Renames the tag; without a name, removes it.
pub fn set_name(
    request: &mut Request,
    caller: &Caller,
    tag: String,
    name: Option<String>,
) -> Result<Reply, Problem> {
    let rate = Rate::write(caller, COST)?;
    let parameters = vec![
        text(caller.user.to_string()),
        text(tag),
        text_or_null(name),
        text(request.trace.event_members()),
        text(caller.actor()),
    ];
    Write::run(request, &rate, include_str!("rename.sql"), parameters)?.reply(Some(caller))
}
