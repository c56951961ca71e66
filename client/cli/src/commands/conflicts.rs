//! `spindle conflicts`: what has lost, and what was rejected.

use std::process::ExitCode;

use client_native::http::Ask;
use serde_json::{Value, json};

use super::code;
use crate::app::App;
use crate::arguments::ConflictAction;
use crate::failure::Failure;
use crate::output::{BOLD, DIM, counted, styled};
use crate::times;

/// The most conflicts that are listed.
const MOST: usize = 200;
/// The note that has the ids of the conflicts that were listed last, in their order.
const LISTED: &str = "conflicts listed";

pub async fn run(app: &mut App<'_>, action: Option<&ConflictAction>) -> Result<ExitCode, Failure> {
    match action {
        None => list(app).await,
        Some(ConflictAction::Restore { conflict }) => restore(app, conflict).await,
        Some(ConflictAction::Dismiss) => {
            let count = app.device.rejected()?.len();
            app.device.forget_rejected()?;
            app.output.result(&json!({ "dismissed": count }), || {
                format!("{} forgotten", counted(count, "rejected change"))
            })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(app: &mut App<'_>) -> Result<ExitCode, Failure> {
    let api = app.api()?;
    app.sync(&api).await?;
    let conflicts = api.list("/api/conflicts", MOST).await?;
    let ids: Vec<&Value> = conflicts
        .iter()
        .filter_map(|conflict| conflict.get("id"))
        .collect();
    app.device.write_note(LISTED, &json!(ids).to_string())?;
    let rejected = app.device.rejected()?;
    let result = json!({"conflicts": conflicts, "rejected": rejected});
    app.output
        .result(&result, || text(app, &conflicts, &rejected))?;
    Ok(ExitCode::SUCCESS)
}

async fn restore(app: &mut App<'_>, written: &str) -> Result<ExitCode, Failure> {
    let listed = app.device.note(LISTED)?.unwrap_or_default();
    let listed: Vec<String> = serde_json::from_str(&listed).unwrap_or_default();
    let by_number = written
        .parse::<usize>()
        .ok()
        .and_then(|number| listed.get(number.checked_sub(1)?));
    let mut found = listed.iter().filter(|id| id.starts_with(written));
    let id = match (by_number, found.next(), found.next()) {
        (Some(id), ..) | (None, Some(id), None) => id.clone(),
        (None, Some(_), Some(_)) => {
            return Err(Failure::refused(format!(
                "several conflicts begin with {written}"
            )));
        }
        (None, None, _) => {
            return Err(Failure::refused(format!("there is no conflict {written}"))
                .hint("`spindle conflicts` lists them with their numbers"));
        }
    };
    let ask = Ask::post(format!("/api/conflicts/{id}/restore"), None);
    let api = app.api()?;
    let answered = api.send(&ask).await?;
    if !matches!(answered.status, 200 | 204) {
        return Err(answered.problem().into());
    }
    let rejected = app.sync(&api).await?;
    let task: Option<Value> = serde_json::from_slice(&answered.body).ok();
    let title = task
        .as_ref()
        .and_then(|task| task.get("title"))
        .and_then(Value::as_str);
    app.output
        .result(&json!({ "task": task }), || match title {
            Some(title) => format!("restored; the task is now: {title}"),
            None => "restored; the task is deleted".to_owned(),
        })?;
    Ok(code(rejected))
}

fn text(app: &App<'_>, conflicts: &[Value], rejected: &[Value]) -> String {
    let (zone, engine) = (app.zone(), app.device.engine());
    let title = |of: &Value| {
        let id = of
            .get("task_id")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok());
        let task = id.and_then(|id| engine.task(id));
        task.map_or("(gone)".to_owned(), |task| task.text("title").to_owned())
    };
    let mut lines = Vec::new();
    for (number, conflict) in (1..).zip(conflicts) {
        let at = times::show_written(conflict.get("at").unwrap_or(&Value::Null), zone);
        let field = conflict
            .get("field")
            .and_then(Value::as_str)
            .unwrap_or_default();
        lines.push(format!(
            "{}  {}  {field}  {at}",
            styled(DIM, number),
            styled(BOLD, title(conflict))
        ));
        lines.push(format!("   lost   {}", brief(conflict.get("theirs"))));
        lines.push(format!("   holds  {}", brief(conflict.get("yours"))));
    }
    for one in rejected {
        let problem = one.get("problem").cloned().unwrap_or_default();
        let why = client_native::error::describe(0, &problem);
        lines.push(format!(
            "{}  {}",
            styled(DIM, "rejected"),
            styled(BOLD, title(one))
        ));
        lines.push(format!("   why    {why}"));
        lines.push(format!("   change {}", brief(one.get("change"))));
    }
    match lines.is_empty() {
        true => "no conflicts".to_owned(),
        false => lines.join("\n"),
    }
}

fn brief(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "nothing".to_owned(),
    }
}
