//! The commands that change tasks. They save first, and send if they can.

use std::process::ExitCode;

use client::operation::Change;
use client::task::Task;
use uuid::Uuid;

use super::code;
use crate::app::{App, Numbered};
use crate::arguments::{Add, Edit, Tasks};
use crate::failure::Failure;
use crate::fields;

/// What a command does to each of its tasks, and the word for it.
type Each = (fn() -> Change, &'static str);

pub const DONE: Each = (|| Change::Complete, "done");
pub const REOPEN: Each = (|| Change::Reopen, "reopened");
pub const SKIP: Each = (|| Change::Skip, "skipped");
pub const DELETE: Each = (|| Change::Delete, "deleted");
pub const RESTORE: Each = (|| Change::Restore, "restored");

pub async fn add(app: &mut App<'_>, add: Add) -> Result<ExitCode, Failure> {
    let fields = fields::of_new(&add.title, &add.fields, app.zone())?;
    let id = Uuid::now_v7();
    app.device.edit(vec![(id, Change::Create(fields))])?;
    let rejected = app.deliver().await?;
    one(app, id, "added")?;
    Ok(code(rejected))
}

pub async fn edit(app: &mut App<'_>, edit: Edit) -> Result<ExitCode, Failure> {
    let task = app.task(&edit.task)?;
    let changes = fields::of_edit(&task, &edit, app.zone())?;
    let changes = changes.into_iter().map(|change| (task.id, change));
    app.device.edit(changes.collect())?;
    let rejected = app.deliver().await?;
    one(app, task.id, "changed")?;
    Ok(code(rejected))
}

pub async fn each(
    app: &mut App<'_>,
    tasks: &Tasks,
    (change, word): Each,
) -> Result<ExitCode, Failure> {
    let tasks = tasks.tasks.iter().map(|written| app.task(written));
    let tasks: Vec<Task> = tasks.collect::<Result<_, _>>()?;
    for task in &tasks {
        check(task, &change())?;
    }
    let ids: Vec<Uuid> = tasks.iter().map(|task| task.id).collect();
    app.device
        .edit(ids.iter().map(|id| (*id, change())).collect())?;
    let rejected = app.deliver().await?;
    several(app, &ids, word)?;
    Ok(code(rejected))
}

pub async fn undo(app: &mut App<'_>) -> Result<ExitCode, Failure> {
    let ids: Vec<Uuid> = app.device.undo()?.into_iter().collect();
    if ids.is_empty() {
        let failure = Failure::refused("nothing is left of the last command: it was changed since");
        return Err(failure.hint("`spindle undo` again takes back the one before"));
    }
    let rejected = app.deliver().await?;
    several(app, &ids, "taken back")?;
    Ok(code(rejected))
}

/// What the server would reject although the engine does not know why.
fn check(task: &Task, change: &Change) -> Result<(), Failure> {
    let title = task.field("title").as_str().unwrap_or_default();
    if matches!(change, Change::Skip) && task.field("recurrence").is_null() {
        let failure = Failure::refused(format!(
            "{title} does not repeat, so there is nothing to skip"
        ));
        return Err(failure.hint("`spindle edit TASK --status cancelled` cancels a task"));
    }
    Ok(())
}

fn found(app: &mut App<'_>, ids: &[Uuid]) -> Result<Vec<Numbered>, Failure> {
    let engine = app.device.engine();
    let tasks = ids.iter().filter_map(|id| engine.task(*id)).collect();
    app.numbered(tasks, false)
}

/// Prints one task as an object; nothing if the server has rejected its creation.
fn one(app: &mut App<'_>, id: Uuid, word: &str) -> Result<(), Failure> {
    let output = app.output;
    for task in found(app, &[id])? {
        output.result(&task, || format!("{word}  {}", task.line()))?;
    }
    Ok(())
}

/// Prints tasks as a list.
fn several(app: &mut App<'_>, ids: &[Uuid], word: &str) -> Result<(), Failure> {
    let tasks = found(app, ids)?;
    app.output.result(&tasks, || {
        let lines = tasks
            .iter()
            .map(|task| format!("{word}  {}\n", task.line()));
        lines.collect()
    })
}
