//! SQL parameters that several task handlers send.

use chrono::SecondsFormat;
use domain::due::Due;
use guest::postgres::{ParameterValue, text, text_or_null};

use crate::http::precondition::{self, Tags};
use crate::http::problem::Problem;
use crate::http::request::Request;

/// A due date and its instant, see [`due_texts`].
pub fn due(due: Option<&Due>) -> [ParameterValue; 2] {
    due_texts(due).map(text_or_null)
}

/// A due date as JSON, and its instant in RFC 3339. The instant is `None` if the due date is a day, which ends in the user's
/// timezone: only the database knows that one.
pub fn due_texts(due: Option<&Due>) -> [Option<String>; 2] {
    let instant = due
        .and_then(Due::instant)
        .map(|instant| instant.to_rfc3339_opts(SecondsFormat::Micros, true));
    [due.map(Due::to_json), instant]
}

/// Texts as a Postgres array.
pub fn array(texts: Vec<String>) -> ParameterValue {
    ParameterValue::ArrayStr(texts.into_iter().map(Some).collect())
}

/// The versions of `If-Match` as the text of a Postgres array; null for any version.
pub fn accepted_versions(request: &Request) -> Result<ParameterValue, Problem> {
    Ok(match precondition::if_match(request)? {
        None | Some(Tags::Any) => ParameterValue::DbNull,
        Some(Tags::Versions(versions)) => versions_text(&versions),
    })
}

/// Versions as the text of a Postgres array, such as `{3,4}`.
pub fn versions_text(versions: &[i64]) -> ParameterValue {
    let list: Vec<String> = versions.iter().map(i64::to_string).collect();
    text(format!("{{{}}}", list.join(",")))
}
