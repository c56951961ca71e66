//! `POST /api/auth/logout`: ends the session that a refresh token belongs to. Whoever has the token may; an unknown one is
//! no session already, so the answer is the same.

use domain::account::parse_refresh;
use guest::postgres::text;

use super::session;
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

pub fn logout(request: &mut Request) -> Result<Reply, Problem> {
    let token = parse_refresh(body::json(request)?)?;
    let rate = Rate::address(request)?;
    let mut row = request.db()?.query_one(
        include_str!("logout.sql"),
        &[
            text(session::hash(&token)),
            text(request.trace.event_members()),
            rate.parameter(),
        ],
    )?;
    rate.check(request, &row.text(0)?)?;
    Ok(Reply::empty(204))
}
