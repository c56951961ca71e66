//! `POST /api/auth/refresh`: exchanges a refresh token for a new pair of tokens.

use domain::account::parse_refresh;
use guest::postgres::text;

use super::session::{self, RefreshToken, SessionRates};
use crate::auth::keys;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn refresh(request: &mut Request) -> Result<Reply, Problem> {
    let keys = keys::load()?;
    let token = parse_refresh(body::json(request)?)?;
    let next = RefreshToken::new();
    let parameters = vec![
        text(session::hash(&token)),
        text(next.hash()),
        text(request.trace.event_members()),
    ];
    let statement = include_str!("refresh.sql");
    let mut row = SessionRates::of(request)?.run(request, statement, parameters)?;
    match (row.text_or_null(0)?, row.text_or_null(1)?) {
        (Some(user), Some(role)) => session::answer(&user, &role, next, &keys),
        _ => {
            let reason = "the refresh token is invalid or has expired; sign in again";
            Err(Problem::unauthorized(reason, "error=\"invalid_token\""))
        }
    }
}
