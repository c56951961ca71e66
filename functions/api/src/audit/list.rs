//! `GET /api/audit`: the caller's audit trail, or for auditors and admins any user's, with filters.

use super::filter::Selection;
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
    let selection = Selection::take(&mut query, &caller);
    // The entries of one user are ordered by their numbers. Numbers of different users cannot be compared, so the entries of
    // all users are ordered by time.
    let sql = match selection.user() {
        Some(_) => include_str!("list_user.sql"),
        None => include_str!("list_all.sql"),
    };
    let page = Page::take(&mut query, selection.describe())?;
    query.finish()?;
    selection.check(&caller)?;

    let mut parameters = selection.parameters();
    let rate = Rate::read(&caller, 1)?;
    parameters.extend(page.parameters());
    let mut row = rate.run(request, sql, parameters)?;
    page.reply(&row.text(0)?, &mut row)
}
