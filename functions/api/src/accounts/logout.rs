//! `POST /api/auth/logout`: ends the session of a refresh token.
//!
//! It needs no access token: who has the refresh token may end its session. An unknown token has no session, so the response
//! is the same.

use domain::account::parse_refresh;
use guest::postgres::text;

use super::session::{self, SessionRates};
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn logout(request: &mut Request) -> Result<Reply, Problem> {
    let token = parse_refresh(body::json(request)?)?;
    let parameters = vec![
        text(session::hash(&token)),
        text(request.trace.event_members()),
    ];
    SessionRates::of(request)?.run(request, include_str!("logout.sql"), parameters)?;
    Ok(Reply::empty(204))
}
