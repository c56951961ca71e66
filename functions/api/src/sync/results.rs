//! The results of operations: as `sync_push` returns them, and as clients get them.

use domain::json::Fault;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::http::problem::Problem;
use crate::write::Outcome;

/// The result of an operation, see `sync_operation.fn.sql`.
#[derive(Deserialize)]
pub struct Row<'a> {
    outcome: &'a str,
    version: Option<i64>,
    #[serde(borrow)]
    task: Option<&'a RawValue>,
    #[serde(default)]
    restored: bool,
    #[serde(borrow)]
    conflicts: Option<Vec<&'a RawValue>>,
    faults: Option<Vec<Fault>>,
    base: Option<String>,
    theirs: Option<String>,
    /// The state of a series whose next occurrence can be made at once.
    #[serde(borrow)]
    pub next: Option<&'a RawValue>,
}

/// A description that both sides have changed.
pub struct TextToMerge<'a> {
    pub base: &'a str,
    pub theirs: &'a str,
    /// The version of the task that has `theirs`.
    pub version: i64,
}

impl<'a> Row<'a> {
    /// Reads the results.
    pub fn read(body: &'a str) -> Result<Vec<Self>, Problem> {
        serde_json::from_str(body)
            .map_err(|error| Problem::internal(format!("reading the results: {error}")))
    }

    pub fn text_to_merge(&self) -> Option<TextToMerge<'_>> {
        if self.outcome != "text" {
            return None;
        }
        Some(TextToMerge {
            base: self.base.as_deref()?,
            theirs: self.theirs.as_deref()?,
            version: self.version?,
        })
    }

    /// The problem of a refused operation, and `None` of one that was applied. `place` is its place in the request.
    fn problem(&self, place: usize) -> Option<Problem> {
        let fault = |member: &str, detail: &str| {
            Problem::from(Fault::new(format!("/operations/{place}/{member}"), detail))
        };
        match self.outcome {
            "applied" | "merged" | "conflict" => None,
            "invalid" => Some(Problem::invalid(self.faults.clone().unwrap_or_default())),
            "future" => Some(fault("base_version", "is no version of the task yet")),
            "reused" => Some(fault("op_id", "belongs to another operation")),
            "deleted" => Some(Problem::conflict("the task is deleted; restore it first")),
            other => match Outcome::parse(other).map(|outcome| outcome.status(None, None)) {
                Ok(Err(problem)) | Err(problem) => Some(problem),
                Ok(Ok(_)) => Some(Problem::internal(format!("the outcome {other}"))),
            },
        }
    }

    /// The result as JSON. `path` is that of the request.
    fn answer(&self, op_id: Option<&str>, place: usize, path: &str) -> String {
        let mut members = vec![format!("\"op_id\":{}", json!(op_id))];
        if let Some(problem) = self.problem(place) {
            members.push(r#""result":"rejected""#.to_owned());
            members.push(format!("\"problem\":{}", problem.to_json(path)));
        } else {
            members.push(format!("\"result\":{}", json!(self.outcome)));
        }
        if let Some(version) = self.version {
            members.push(format!("\"version\":{version}"));
        }
        if let Some(task) = self.task {
            members.push(format!("\"task\":{}", task.get()));
        }
        if self.restored {
            members.push(r#""restored":true"#.to_owned());
        }
        let conflicts: Vec<&str> = self
            .conflicts
            .iter()
            .flatten()
            .map(|item| item.get())
            .collect();
        if let Some(first) = conflicts.first() {
            members.push(format!("\"conflict\":{first}"));
            members.push(format!("\"conflicts\":[{}]", conflicts.join(",")));
        }
        format!("{{{}}}", members.join(","))
    }
}

/// The results as JSON, without the brackets of the array.
pub fn answers(ids: &[Option<String>], rows: &[Row], path: &str) -> String {
    let answers: Vec<String> = rows
        .iter()
        .zip(ids)
        .enumerate()
        .map(|(place, (row, id))| row.answer(id.as_deref(), place, path))
        .collect();
    answers.join(",")
}

/// The faults of an atomic batch, which point at the refused operations.
pub fn refusals(rows: &[Row]) -> Vec<Fault> {
    let faults = rows.iter().enumerate().filter_map(|(place, row)| {
        let problem = row.problem(place)?;
        Some(Fault::new(format!("/operations/{place}"), problem.detail()))
    });
    faults.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answer(row: &str) -> Value {
        let rows = format!("[{row}]");
        let rows = Row::read(&rows).unwrap();
        let answers = answers(&[Some("7".to_owned())], &rows, "/api/sync");
        serde_json::from_str(&answers).unwrap()
    }

    #[test]
    fn results_tell_what_became_of_an_operation() {
        let applied =
            answer(r#"{"outcome":"applied","version":2,"task":{"id":1},"restored":false}"#);
        assert_eq!(
            applied,
            json!({"op_id": "7", "result": "applied", "version": 2, "task": {"id": 1}})
        );
        let merged =
            answer(r#"{"outcome":"merged","version":2,"task":{},"restored":true,"conflicts":[]}"#);
        assert_eq!(
            merged,
            json!({"op_id": "7", "result": "merged", "version": 2, "task": {}, "restored": true})
        );
        let conflict =
            answer(r#"{"outcome":"conflict","version":2,"conflicts":[{"id":1},{"id":2}]}"#);
        let items = json!([{"id": 1}, {"id": 2}]);
        assert_eq!(
            conflict,
            json!({"op_id": "7", "result": "conflict", "version": 2, "conflict": {"id": 1}, "conflicts": items})
        );
    }

    #[test]
    fn a_refused_operation_has_a_problem() {
        for (outcome, status, pointer) in [
            ("missing", 404, None),
            ("taken", 409, None),
            ("deleted", 409, None),
            ("not_recurring", 409, None),
            ("ended", 409, None),
            ("not_open", 409, None),
            ("needs_due", 422, Some("/due")),
            ("future", 422, Some("/operations/0/base_version")),
            ("reused", 422, Some("/operations/0/op_id")),
            ("lost", 500, None),
        ] {
            let answer = answer(&format!(r#"{{"outcome":"{outcome}"}}"#));
            assert_eq!(answer["result"], "rejected", "{outcome}");
            assert_eq!(answer["problem"]["status"], status, "{outcome}");
            assert_eq!(
                answer["problem"]["errors"][0]["pointer"].as_str(),
                pointer,
                "{outcome}"
            );
        }
        let invalid = answer(
            r#"{"outcome":"invalid","faults":[{"pointer":"/operations/0/op","detail":"is unknown"}]}"#,
        );
        assert_eq!(
            invalid["problem"]["errors"][0]["pointer"],
            "/operations/0/op"
        );
    }
}
