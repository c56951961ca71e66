//! `GET /api/tasks/{id}/history`: the audit trail of a task, also after the task was deleted.

use guest::postgres::{text, text_or_null};
use uuid::Uuid;

use super::scope;
use crate::auth::Caller;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn history(request: &mut Request, task: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let page = Page::take(&mut query, format!("history {task}"))?;
    query.finish()?;

    let owner = (!scope::reads_every_trail(&caller)).then(|| caller.user.to_string());
    let mut parameters = vec![text(task.to_string()), text_or_null(owner)];
    let rate = Rate::read(&caller, 1)?;
    parameters.extend(page.parameters());
    let mut row = rate.run(request, include_str!("history.sql"), parameters)?;
    if !row.bool(3)? {
        return Err(Problem::not_found());
    }
    page.reply(&row.text(0)?, &mut row)
}
