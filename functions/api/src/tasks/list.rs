//! `GET /api/tasks`.

use super::filter::Filter;
use super::highlight::Marker;
use crate::auth::Caller;
use crate::cursor::Cursor;
use crate::problem::Problem;
use crate::query::Query;
use crate::rate::Rate;
use crate::reply::Reply;
use crate::request::Request;
use domain::json::Fault;
use guest::postgres::{ParameterValue, text, text_or_null};
use serde_json::json;
use uuid::Uuid;

pub fn list(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut filter = Filter::parse(Query::of(request))?;
    let list = filter.describe(caller.user);
    let after = match filter.cursor.take() {
        None => None,
        Some(cursor) => Some(Cursor::decode(&cursor, &list).ok_or_else(foreign_cursor)?),
    };
    let marker = filter
        .search
        .as_ref()
        .filter(|_| filter.highlight)
        .map(Marker::new);
    let limit = i32::try_from(filter.limit).unwrap_or(i32::MAX);
    let (key, id) = after
        .map(|cursor| (cursor.key, cursor.id.to_string()))
        .unzip();
    let (statement, mut order) = match filter.sort.as_str() {
        "relevance" => (include_str!("search.sql"), Vec::new()),
        sort => (include_str!("list.sql"), vec![text(sort)]),
    };
    order.push(ParameterValue::Boolean(filter.descending));
    let mut parameters = vec![text(caller.user.to_string())];
    parameters.extend(filter.parameters());
    parameters.append(&mut order);
    let rate = Rate::read(&caller, 1)?;
    parameters.extend([
        text_or_null(key),
        text_or_null(id),
        ParameterValue::Int32(limit),
        rate.parameter(),
    ]);
    let mut row = request.db()?.query_one(statement, &parameters)?;
    rate.check(request, &row.text(4)?)?;

    let mut items = row.text(0)?;
    if let Some(marker) = marker {
        items = marker
            .add(&items)
            .map_err(|_| Problem::inconsistent("a task does not read"))?;
    }
    let next = match (row.bool(3)?, row.text_or_null(1)?, row.text_or_null(2)?) {
        (true, Some(key), Some(id)) => {
            let id = Uuid::parse_str(&id)
                .map_err(|_| Problem::inconsistent("a task's id does not read"))?;
            json!(Cursor { key, id }.encode(&list))
        }
        _ => json!(null),
    };
    Ok(Reply::json(
        200,
        format!(r#"{{"items":[{items}],"next_cursor":{next}}}"#),
    ))
}

fn foreign_cursor() -> Problem {
    Fault::new(
        "/cursor",
        "belongs to another list, filter or order; start again without it",
    )
    .into()
}
