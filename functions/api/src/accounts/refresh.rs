//! `POST /api/auth/refresh`: exchanges a refresh token for a new pair of tokens.

use domain::account::parse_refresh;
use guest::postgres::text;

use super::session::{self, RefreshToken};
use crate::auth::keys;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn refresh(request: &mut Request) -> Result<Reply, Problem> {
    let keys = keys::load()?;
    let token = parse_refresh(body::json(request)?)?;
    let next = RefreshToken::new();
    let rate = Rate::address(request)?;
    let mut row = request.db()?.query_one(
        include_str!("refresh.sql"),
        &[
            text(session::hash(&token)),
            text(next.hash()),
            text(request.trace.event_members()),
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(2)?)?;
    match (row.text_or_null(0)?, row.text_or_null(1)?) {
        (Some(user), Some(role)) => session::answer(&user, &role, next, &keys),
        _ => {
            let reason = "the refresh token is invalid or has expired; sign in again";
            Err(Problem::unauthorized(reason, "error=\"invalid_token\""))
        }
    }
}
