//! `GET /api/audit/export`: the entries of all pages of the list, oldest first, as NDJSON.

use std::time::Duration;

use guest::postgres::{Db, ParameterValue, Row, text_or_null};

use super::filter::Selection;
use crate::auth::Caller;
use crate::http::pace;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::{self, Rate};
use crate::http::reply::Reply;
use crate::http::request::Request;

/// Number of entries that one statement reads. It limits memory: one entry can have about 100 KB.
const ENTRIES_PER_PART: i64 = 200;

/// How often a part is tried, and the pause before the next attempt, while other requests of the caller take all slots.
const ATTEMPTS: u32 = 120;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(250);

/// Number of reads that an export costs.
const COST: u32 = 20;

pub fn export(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let selection = Selection::take(&mut query, &caller);
    query.finish()?;
    selection.check(&caller)?;

    let rate = Rate::read(&caller, COST)?;
    let mut parts = Parts {
        rate: rate.clone().free(),
        sql: match selection.user() {
            Some(_) => include_str!("export_user.sql"),
            None => include_str!("export_all.sql"),
        },
        filters: selection.parameters(),
        position: None,
    };
    // The first part is read before the status line is sent, so that its errors become problem documents. It charges the
    // rate limit for the whole export.
    let parameters = parts.parameters(Position::default());
    let mut row = rate.run(request, parts.sql, parameters)?;
    let first = parts.lines(&mut row)?;
    Ok(Reply::parts(
        "application/x-ndjson",
        std::iter::once(Ok(first)).chain(parts),
    ))
}

/// The remaining parts of an export. Each is read with one statement.
struct Parts {
    sql: &'static str,
    /// Charges nothing, but each part needs one of the caller's slots.
    rate: Rate,
    filters: Vec<ParameterValue>,
    /// Where the next part begins; `None` after the last part.
    position: Option<Position>,
}

/// The position at which a part begins.
#[derive(Default)]
struct Position {
    /// Key (number or time) and event id of the last entry of the part before.
    after: Option<(String, String)>,
    /// When the export began. Entries that were recorded later are left out, so that every export ends.
    began: Option<String>,
}

impl Parts {
    /// The parameters of the part at a position, without the rate.
    fn parameters(&self, position: Position) -> Vec<ParameterValue> {
        let (key, id) = position.after.unzip();
        let mut parameters = self.filters.clone();
        parameters.extend([
            text_or_null(key),
            text_or_null(id),
            text_or_null(position.began),
            ParameterValue::Int64(ENTRIES_PER_PART),
        ]);
        parameters
    }

    /// Reads the row of the part at a position. If no slot is free, it waits for one without holding a connection.
    fn read(&self, position: Position) -> Result<Row, Problem> {
        let mut parameters = self.parameters(position);
        parameters.push(self.rate.parameter());
        for _ in 0..ATTEMPTS {
            // The connection returns to the pool before the part is sent, so a client that reads slowly does not occupy it.
            let mut row = Db::open()?.query_one(self.sql, &parameters)?;
            if !rate::is_busy(&row.last()?) {
                return Ok(row);
            }
            pace::pause(BETWEEN_ATTEMPTS);
        }
        Err(Problem::unavailable(
            "too many requests of the caller are running",
            "an export got no slot",
        ))
    }

    /// Takes the lines of a part from its row, and remembers where the next one begins.
    fn lines(&mut self, row: &mut Row) -> Result<String, Problem> {
        let after = row.text_or_null(1)?.zip(row.text_or_null(2)?);
        if after.is_some() {
            let began = Some(row.text(3)?);
            self.position = Some(Position { after, began });
        }
        Ok(row.text_or_null(0)?.unwrap_or_default())
    }
}

impl Iterator for Parts {
    type Item = Result<String, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.position.take()?;
        let row = self.read(position);
        Some(row.and_then(|mut row| self.lines(&mut row)))
    }
}
