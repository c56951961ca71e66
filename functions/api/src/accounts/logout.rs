//! `POST /api/auth/logout`: ends the session that a refresh token belongs to. Whoever has the token may; an unknown one is
//! no session already, so the answer is the same.

use super::session;
use crate::body;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::request::Request;
use domain::account::parse_refresh;
use guest::postgres::text;

pub fn logout(request: &mut Request) -> Result<Reply, Problem> {
    let token = parse_refresh(body::json(request)?)?;
    request.db()?.query(
        include_str!("logout.sql"),
        &[
            text(session::hash(&token)),
            text(request.trace.event_members()),
        ],
    )?;
    Ok(Reply::empty(204))
}
