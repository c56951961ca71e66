//! `POST /api/auth/logout`: ends the session of a refresh token.
//!
//! It needs no access token: who has the refresh token may end its session. An unknown token has no session, so the response
//! is the same.

use domain::account::parse_refresh;
use guest::postgres::text;

use super::session;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::write::{Outcome, Write};

pub fn logout(request: &mut Request) -> Result<Reply, Problem> {
    let token = parse_refresh(body::json(request)?)?;
    let rate = Rate::address(request)?;
    let parameters = vec![
        text(session::hash(&token)),
        text(request.trace.event_members()),
    ];
    let mut write = Write::run(request, &rate, include_str!("logout.sql"), parameters)?;
    if write.outcome == Outcome::Missing {
        write.outcome = Outcome::Deleted;
    }
    write.reply(None)
}
