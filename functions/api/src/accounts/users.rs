//! `GET /api/users` and `GET /api/users/{id}`: accounts, for admins.

use domain::account::Role;
use domain::text::username;
use guest::postgres::{ParameterValue, Row, text, text_or_null};
use uuid::Uuid;

use crate::auth::Caller;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn users(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::admin(request)?;
    let mut query = Query::of(request);
    let email = query.parsed("email", "1 to 320 characters", |text| {
        (1..=320)
            .contains(&text.chars().count())
            .then(|| username(text))
    });
    let role = query.parsed(
        "role",
        &format!("one of {}", Role::NAMES.join(", ")),
        Role::from_name,
    );
    let list = format!("users {email:?} {role:?}");
    let page = Page::take(&mut query, list)?;
    query.finish()?;
    let mut parameters = vec![text_or_null(email), text_or_null(role.map(Role::as_str))];
    parameters.extend(page.parameters());
    let mut row = query_as_admin(request, &caller, include_str!("users.sql"), parameters)?;
    page.reply(&row.text(0)?, &mut row)
}

pub fn user(request: &mut Request, id: Uuid) -> Result<Reply, Problem> {
    let caller = Caller::admin(request)?;
    Query::of(request).finish()?;
    let parameters = vec![text(id.to_string())];
    let mut row = query_as_admin(request, &caller, include_str!("user.sql"), parameters)?;
    let found = row.text_or_null(0)?.ok_or_else(Problem::not_found)?;
    Ok(Reply::json(200, found))
}

/// Runs a statement for an admin.
///
/// The last parameters of the statement are the caller's id and the rate limit to charge. Its fourth column tells whether the
/// caller is an admin now; the role in the token may be outdated.
fn query_as_admin(
    request: &mut Request,
    caller: &Caller,
    statement: &str,
    mut parameters: Vec<ParameterValue>,
) -> Result<Row, Problem> {
    parameters.push(text(caller.user.to_string()));
    let mut row = Rate::read(caller, 1)?.run(request, statement, parameters)?;
    if row.bool(3)? {
        Ok(row)
    } else {
        Err(Problem::not_an_admin())
    }
}
