//! An occurrence that is not a task yet, as JSON.

use chrono::SecondsFormat;
use domain::recurrence::Occurrence;

/// The members, without braces. Keys and due dates need no escapes.
pub fn members(occurrence: &Occurrence) -> String {
    format!(
        r#""occurrence":"{}","due":{},"due_at":"{}""#,
        occurrence.key,
        occurrence.due.to_json(),
        occurrence
            .due_at
            .to_rfc3339_opts(SecondsFormat::Micros, true),
    )
}

pub fn json(occurrence: &Occurrence) -> String {
    format!("{{{}}}", members(occurrence))
}
