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
    let (statement, mut order) = match filter.sort.as_str() {
        "relevance" => (include_str!("search.sql"), Vec::new()),
        sort => (include_str!("list.sql"), vec![text(sort)]),
    };
    order.push(ParameterValue::Boolean(filter.descending));
    let mut parameters = vec![text(caller.user.to_string())];
    parameters.extend(filter.parameters());
    parameters.append(&mut order);
    let rate = Rate::read(&caller, 1)?;
    parameters.extend(page.parameters());
    parameters.push(rate.parameter());
    let mut row = request.db()?.query_one(statement, &parameters)?;
    rate.check(request, &row.text(3)?)?;

    let mut items = row.text(0)?;
    if let Some(marker) = marker {
        items = marker
            .add(&items)
            .map_err(|_| Problem::internal("a task is not valid JSON"))?;
    }
    page.reply(&items, &mut row)
}
