//! `spindle history`: the entries of the audit trail about a task.

use std::process::ExitCode;

use serde_json::Value;

use crate::app::App;
use crate::failure::Failure;
use crate::output::{DIM, styled};
use crate::times;

pub async fn history(app: &mut App<'_>, written: &str, limit: usize) -> Result<ExitCode, Failure> {
    let task = app.task(written)?;
    let path = format!("/api/tasks/{}/history", task.id);
    let entries = app.api()?.list(&path, limit.max(1)).await?;
    let zone = app.zone();
    app.output.result(&entries, || {
        let lines = entries.iter().map(|entry| {
            let at = times::show_written(entry.get("time").unwrap_or(&Value::Null), zone);
            let text = |pointer: &str| {
                entry
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let actor = text("/actor/type");
            format!(
                "{}  {}  {}\n",
                styled(DIM, at),
                text("/type"),
                styled(DIM, actor)
            )
        });
        match entries.is_empty() {
            true => "nothing yet; the trail is written a moment after a change".to_owned(),
            false => lines.collect(),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
