//! `/api/notifications`: the inbox of an account, with what its reminders have said.

use domain::json::{Fault, Json, Reader, nullable};
use domain::task;
use guest::postgres::{ParameterValue, text};

use crate::auth::Caller;
use crate::http::body;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::Write;

/// The most notifications of one request to mark them.
const MOST: usize = 200;

/// `GET /api/notifications`: newest first.
pub fn list(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let unread = query.parsed("unread", "true or false", |text| text.parse().ok());
    let unread = unread.unwrap_or(false);
    let page = Page::take(
        &mut query,
        format!("notifications {} {unread}", caller.user),
    )?;
    query.finish()?;
    let rate = Rate::read(&caller, 1)?;
    let mut parameters = vec![
        text(caller.user.to_string()),
        ParameterValue::Boolean(unread),
    ];
    parameters.extend(page.parameters());
    let mut row = rate.run(request, include_str!("notifications/list.sql"), parameters)?;
    let count = row.int_or_null(3)?.unwrap_or_default();
    let members = format!(r#","unread":{count}"#);
    page.reply_with(&row.text(0)?, &members, &mut row)
}

/// `POST /api/notifications/read`: marks some as read, or all.
pub fn read(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    Query::of(request).finish()?;
    let mut reader = Reader::new("", body::json(request)?)?;
    let ids = reader.required("ids", nullable(ids)).flatten();
    reader.finish()?;
    let rate = Rate::write(&caller, 1)?;
    let parameters = vec![
        text(caller.user.to_string()),
        ids.map_or(ParameterValue::DbNull, |ids| {
            ParameterValue::ArrayStr(ids.into_iter().map(Some).collect())
        }),
        text(request.trace.event_members()),
        text(caller.actor()),
    ];
    let statement = include_str!("notifications/read.sql");
    Write::run(request, &rate, statement, parameters)?.reply(Some(&caller))
}

fn ids(pointer: &str, value: Json) -> Result<Vec<String>, Vec<Fault>> {
    let items = match value {
        Json::List(items) if items.len() <= MOST => items,
        _ => {
            let detail = format!("must be a list of at most {MOST} ids, or null for all");
            return Err(vec![Fault::new(pointer, detail)]);
        }
    };
    let items = items.into_iter().enumerate();
    items
        .map(|(place, id)| Ok(task::id(&format!("{pointer}/{place}"), id)?.to_string()))
        .collect()
}
