//! `spindle snooze` and `spindle ack`: answers to reminders that have fired.

use std::process::ExitCode;

use client::operation::Change;
use client::task::{Item, Task};
use uuid::Uuid;

use super::change::all;
use crate::app::App;
use crate::arguments::Tasks;
use crate::failure::Failure;
use crate::times;

pub async fn snooze(app: &mut App<'_>, task: &str, until: &str) -> Result<ExitCode, Failure> {
    let until = times::rfc3339(times::later("WHEN", until, app.zone())?);
    app.freshen().await?;
    let task = app.task(task)?;
    let changes = fired(app, &task)?.into_iter().map(|reminder_id| {
        let until = until.clone();
        (task.id, Change::Snooze { reminder_id, until })
    });
    let changes = changes.collect();
    all(app, changes, None, "snoozed").await
}

pub async fn acknowledge(app: &mut App<'_>, tasks: &Tasks) -> Result<ExitCode, Failure> {
    app.freshen().await?;
    let mut changes = Vec::new();
    for task in app.tasks(tasks)? {
        let fired = fired(app, &task)?.into_iter();
        changes.extend(fired.map(|reminder_id| (task.id, Change::Ack { reminder_id })));
    }
    all(app, changes, None, "acknowledged").await
}

/// The reminders of a task that have fired, or that somebody has snoozed since.
fn fired(app: &App<'_>, task: &Task) -> Result<Vec<Uuid>, Failure> {
    let of_task = |reminder: &Item, name: &str, value: &str| {
        reminder.fields.get(name).and_then(|found| found.as_str()) == Some(value)
    };
    let id = task.id.to_string();
    let reminders = app.device.engine().reminders().filter(|reminder| {
        let is_snoozed = reminder
            .fields
            .get("snoozed_until")
            .is_some_and(|until| !until.is_null());
        of_task(reminder, "task_id", &id) && (of_task(reminder, "state", "fired") || is_snoozed)
    });
    let found: Vec<Uuid> = reminders.map(|reminder| reminder.id).collect();
    if found.is_empty() {
        let title = task.text("title");
        let failure = Failure::refused(format!("no reminder of {title} has fired"));
        return Err(failure.hint("`spindle edit TASK --remind WHEN` sets its reminders"));
    }
    Ok(found)
}
