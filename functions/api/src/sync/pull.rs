//! `GET /api/sync`: what has changed of a user's data since the position that a client has reached, and everything for a client that
//! begins.

use guest::postgres::{ParameterValue, Row, text, text_or_null};
use serde_json::json;

use super::list_of;
use super::position::{self, Position};
use crate::auth::{Caller, keys};
use crate::http::cursor::Signer;
use crate::http::precondition::{self, Tags};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// The most rows of a page.
const MOST: i64 = 1000;

/// How long a client may keep its cursor before it gets another one even if nothing has changed, in seconds. Without that, the cursor of a
/// client that asks often would expire all the same.
const RENEWAL: i64 = 86_400;

pub fn pull(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let list = list_of(&caller);
    let signer = Signer::new(&keys::load()?);
    let mut query = Query::of(request);
    let limit = query.parsed("limit", "a number from 1 to 1000", |text| {
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit))
    });
    let reached = query.parsed_if_filled("cursor", "a cursor of this account", |text| {
        Position::of(&signer.decode(text, &list)?)
    });
    query.finish()?;
    let known = precondition::if_none_match(request)?;
    let rate = Rate::read(&caller, 1)?;
    let parameters = parameters(&caller, reached.as_ref(), limit.unwrap_or(MOST));
    let row = rate.run(request, include_str!("page.sql"), parameters)?;
    Page::read(row)?.reply(reached.as_ref(), known, &|next| {
        signer.encode(next.cursor(), &list)
    })
}

fn parameters(caller: &Caller, reached: Option<&Position>, limit: i64) -> Vec<ParameterValue> {
    let number = |value: fn(&Position) -> i64| {
        reached.map_or(ParameterValue::DbNull, |position| {
            ParameterValue::Int64(value(position))
        })
    };
    vec![
        text(caller.user.to_string()),
        number(|position| position.reached),
        number(|position| position.rank),
        text_or_null(reached.map(|position| position.id.to_string())),
        number(|position| position.base),
        number(|position| position.issued),
        ParameterValue::Int64(limit),
    ]
}

/// A page, as `sync_page` returns it.
struct Page {
    changes: String,
    others: String,
    next: Position,
    newest: i64,
}

impl Page {
    /// # Errors
    /// 410 if the client's position is too old.
    fn read(mut row: Row) -> Result<Self, Problem> {
        if row.bool(0)? {
            let detail = "the cursor is older than 30 days or from another state of the database; begin anew without a cursor";
            return Err(Problem::new(410, "resync", "Synchronise anew", detail));
        }
        let id = row.text_or_null(5)?;
        Ok(Self {
            changes: row.text(1)?,
            others: row.text(2)?,
            next: Position {
                reached: row.int(3)?,
                rank: row.int_or_null(4)?.unwrap_or(position::ALL),
                id: id.and_then(|id| id.parse().ok()).unwrap_or_default(),
                base: row.int(6)?,
                issued: row.int(7)?,
            },
            newest: row.int(8)?,
        })
    }

    /// The response. The entity tag is the last number of the user: while it stays the same, so does the page of a cursor.
    fn reply(
        self,
        reached: Option<&Position>,
        known: Option<Tags>,
        encode: &dyn Fn(&Position) -> String,
    ) -> Result<Reply, Problem> {
        let is_young = reached.is_some_and(|old| self.next.issued - old.issued < RENEWAL);
        let is_known =
            matches!(&known, Some(Tags::Versions(numbers)) if numbers.contains(&self.newest));
        if is_young && is_known {
            return Ok(Reply::empty(304).etag(self.newest));
        }
        // A client without news keeps its cursor, so that its next request is the same and can be answered with 304.
        let next = match reached {
            Some(old) if is_young && old.is_at(&self.next) => old,
            _ => &self.next,
        };
        let body = format!(
            r#"{{"changes":{},{},"seq":{},"cursor":{},"more":{}}}"#,
            self.changes,
            self.others,
            self.next.reached,
            json!(encode(next)),
            self.next.rank != position::ALL
        );
        Ok(Reply::json(200, body).etag(self.newest))
    }
}
