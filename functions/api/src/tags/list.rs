//! `GET /api/tags`: the caller's tags, each with the number of tasks that have it.
//!
//! The counts of most tasks are kept in the table `tag_counts`, so a page does not read all tasks, see `count_more_tags.fn.sql`.

use guest::postgres::text;

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
    let page = Page::take(&mut query, format!("tags {}", caller.user))?;
    query.finish()?;
    let mut parameters = vec![text(caller.user.to_string())];
    let rate = Rate::read(&caller, 1)?;
    parameters.extend(page.parameters());
    let mut row = rate.run(request, include_str!("list.sql"), parameters)?;
    page.reply(&row.text(0)?, &mut row)
}
