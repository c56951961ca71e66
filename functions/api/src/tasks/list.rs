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

/// Number of matches that a search by relevance ranks: the newest ones. It is a constant of the SQL function `task_page`, too.
const MAX_RANKED: i64 = 1000;

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
    let is_ranked = filter.sort == "relevance";
    let order = [
        text(filter.sort.as_str()),
        ParameterValue::Boolean(filter.descending),
    ];
    let mut parameters = vec![text(caller.user.to_string())];
    parameters.extend(filter.parameters());
    parameters.extend(order);
    parameters.extend(page.parameters());
    let rate = Rate::read(&caller, 1)?;
    let mut row = rate.run(request, include_str!("list.sql"), parameters)?;

    let mut items = row.text(0)?;
    if let Some(marker) = marker {
        items = marker
            .add(&items)
            .map_err(|_| Problem::internal("a task is not valid JSON"))?;
    }
    let ranked = row.int_or_null(3)?.unwrap_or_default();
    let note =
        is_ranked.then(|| format!(r#""ranked":{{"matches":{ranked},"limit":{MAX_RANKED}}}"#));
    page.reply_with(&items, note, &mut row)
}
