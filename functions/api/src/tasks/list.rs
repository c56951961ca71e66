//! `GET /api/tasks`: one page of the caller's tasks, with filters, order and full-text search.

use guest::postgres::{ParameterValue, text};

use super::filter::Filter;
use super::highlight::Marker;
use crate::auth::Caller;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// Number of matches that a search by relevance ranks: the newest ones. It is a constant of the SQL function `ranked_page`, too.
const MAX_RANKED: i64 = 1000;
/// Number of tasks that are counted exactly. It is a constant of the SQL function `count_matches`, too.
const MAX_COUNTED: i64 = 10_000;

pub fn list(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let filter = Filter::take(&mut query);
    let list = filter.describe(caller.user);
    let page = Page::take(&mut query, list)?;
    query.finish()?;

    let marker = filter
        .search
        .as_ref()
        .filter(|_| filter.highlight)
        .map(Marker::new);
    let is_ranked = filter.is_ranked();
    let count = filter.count;
    let mut parameters = vec![text(caller.user.to_string())];
    parameters.extend(filter.parameters());
    parameters.extend(page.parameters());
    parameters.push(ParameterValue::Boolean(count));
    // Counting can take as long as the page.
    let rate = Rate::read(&caller, if count { 2 } else { 1 })?;
    let mut row = rate.run(request, include_str!("list.sql"), parameters)?;

    let mut items = row.text(0)?;
    if let Some(marker) = marker {
        items = marker
            .add(&items)
            .map_err(|_| Problem::internal("a task is not valid JSON"))?;
    }
    let mut members = String::new();
    if is_ranked {
        let ranked = row.int_or_null(3)?.unwrap_or_default();
        members += &format!(r#","ranked":{{"matches":{ranked},"limit":{MAX_RANKED}}}"#);
    }
    if let Some(total) = row.int_or_null(4)? {
        let (counted, exact) = (total.min(MAX_COUNTED), total <= MAX_COUNTED);
        members += &format!(r#","total":{{"count":{counted},"exact":{exact}}}"#);
    }
    page.reply_with(&items, &members, &mut row)
}
