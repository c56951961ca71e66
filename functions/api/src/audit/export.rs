//! `GET /api/audit/export`: the entries of all pages of the list, oldest first, as NDJSON.

use guest::postgres::{Db, ParameterValue, text_or_null};

use super::filter::Selection;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// Number of entries that one statement reads. It limits memory: one entry can have about 100 KB.
const ENTRIES_PER_PART: i64 = 200;

/// Number of reads that an export costs.
const COST: u32 = 20;

pub fn export(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let selection = Selection::take(&mut query, &caller);
    query.finish()?;
    selection.check(&caller)?;

    let mut parts = Parts {
        sql: match selection.user() {
            Some(_) => include_str!("export_user.sql"),
            None => include_str!("export_all.sql"),
        },
        filters: selection.parameters(),
        position: None,
    };
    // The first part is read before the status line is sent, so that its errors become problem documents. It charges the
    // rate limit for the whole export.
    let rate = Rate::read(&caller, COST)?;
    let (first, charged) = parts.read(Position::default(), rate.parameter())?;
    rate.check(request, &charged.unwrap_or_default())?;
    Ok(Reply::parts(
        "application/x-ndjson",
        std::iter::once(Ok(first)).chain(parts),
    ))
}

/// The remaining parts of an export. Each is read with one statement.
struct Parts {
    sql: &'static str,
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
    /// Reads the part at a position. Returns its lines and what `take_rate` returned.
    fn read(
        &mut self,
        position: Position,
        rate: ParameterValue,
    ) -> Result<(String, Option<String>), Problem> {
        let (key, id) = position.after.unzip();
        let mut parameters = self.filters.clone();
        parameters.extend([
            text_or_null(key),
            text_or_null(id),
            text_or_null(position.began),
            ParameterValue::Int64(ENTRIES_PER_PART),
            rate,
        ]);
        // The connection returns to the pool before the part is sent, so a client that reads slowly does not occupy it.
        let mut row = Db::open()?.query_one(self.sql, &parameters)?;
        let after = row.text_or_null(1)?.zip(row.text_or_null(2)?);
        if after.is_some() {
            let began = Some(row.text(3)?);
            self.position = Some(Position { after, began });
        }
        Ok((
            row.text_or_null(0)?.unwrap_or_default(),
            row.text_or_null(4)?,
        ))
    }
}

impl Iterator for Parts {
    type Item = Result<String, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.position.take()?;
        let lines = self.read(position, ParameterValue::DbNull);
        Some(lines.map(|(lines, _)| lines))
    }
}
