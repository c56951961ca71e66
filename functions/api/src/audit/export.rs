//! `GET /api/audit/export`: what the list would show on all its pages, oldest first, one entry a line.

use guest::postgres::{Db, ParameterValue, text_or_null};

use super::filter::Selection;
use crate::auth::Caller;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::rate::Rate;
use crate::http::reply::Reply;
use crate::http::request::Request;

/// How many entries are read at once; one may hold some 100 KB.
const ENTRIES: i64 = 200;

/// As many reads as an export counts for.
const COST: u32 = 20;

pub fn export(request: &mut Request) -> Result<Reply, Problem> {
    let caller = Caller::of(request)?;
    let mut query = Query::of(request);
    let selection = Selection::take(&mut query, &caller);
    query.finish()?;
    selection.check(&caller)?;

    let mut parts = Parts {
        sql: match selection.whose() {
            Some(_) => include_str!("export_user.sql"),
            None => include_str!("export_all.sql"),
        },
        filters: selection.parameters(),
        place: None,
    };
    // The first part comes before the answer, so that trouble with it still is a problem of its own; it counts for all.
    let rate = Rate::read(&caller, COST)?;
    let (first, taken) = parts.read(Place::default(), rate.parameter())?;
    rate.check(request, &taken.unwrap_or_default())?;
    Ok(Reply::parts(
        "application/x-ndjson",
        std::iter::once(Ok(first)).chain(parts),
    ))
}

/// The parts of an export that are still to be read, a statement each.
struct Parts {
    sql: &'static str,
    filters: Vec<ParameterValue>,
    /// `None` once there is nothing more.
    place: Option<Place>,
}

/// Where the next part begins, and when the export began: what was recorded later is left out.
#[derive(Default)]
struct Place {
    after: Option<(String, String)>,
    began: Option<String>,
}

impl Parts {
    /// The lines from a place on, and what is left of the rate.
    fn read(
        &mut self,
        place: Place,
        rate: ParameterValue,
    ) -> Result<(String, Option<String>), Problem> {
        let (key, id) = place.after.unzip();
        let mut parameters = self.filters.clone();
        parameters.extend([
            text_or_null(key),
            text_or_null(id),
            text_or_null(place.began),
            ParameterValue::Int64(ENTRIES),
            rate,
        ]);
        // The connection goes back before the part is written: whoever reads slowly keeps nobody from the database.
        let mut row = Db::open()?.query_one(self.sql, &parameters)?;
        let after = row.text_or_null(1)?.zip(row.text_or_null(2)?);
        if after.is_some() {
            let began = Some(row.text(3)?);
            self.place = Some(Place { after, began });
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
        let place = self.place.take()?;
        let lines = self.read(place, ParameterValue::DbNull);
        Some(lines.map(|(lines, _)| lines))
    }
}
