//! The commands that change tasks. They save first, and send if they can.

use std::process::ExitCode;

use client::operation::{Change, Scope};
use client::task::Task;
use uuid::Uuid;

use super::code;
use crate::app::{App, Numbered};
use crate::arguments::{Add, Edit, Tasks, Which};
use crate::failure::Failure;
use crate::fields;

/// What a command does to each of its tasks, and the word for it.
type Each = (fn() -> Change, &'static str);

pub const DONE: Each = (|| Change::Complete, "done");
pub const REOPEN: Each = (|| Change::Reopen, "reopened");
pub const SKIP: Each = (|| Change::Skip, "skipped");
pub const PAUSE: Each = (|| Change::Pause, "paused");
pub const RESUME: Each = (|| Change::Resume, "resumed");
pub const RESTORE: Each = (|| Change::Restore, "restored");

pub async fn add(app: &mut App<'_>, add: &Add) -> Result<ExitCode, Failure> {
    let fields = fields::of_new(&add.title, &add.fields, app.zone())?;
    let id = Uuid::now_v7();
    app.device.edit(vec![(id, Change::Create(fields))], None)?;
    let rejected = app.deliver().await?;
    one(app, id, "added")?;
    Ok(code(rejected))
}

pub async fn edit(app: &mut App<'_>, edit: &Edit) -> Result<ExitCode, Failure> {
    let task = app.task(&edit.task)?;
    let changes = fields::of_edit(&task, edit, app.zone())?;
    let changes = changes.into_iter().map(|change| (task.id, change));
    app.device.edit(changes.collect(), edit.scope.map(scope))?;
    let rejected = app.deliver().await?;
    one(app, task.id, "changed")?;
    Ok(code(rejected))
}

pub async fn each(
    app: &mut App<'_>,
    tasks: &Tasks,
    (change, word): Each,
) -> Result<ExitCode, Failure> {
    let tasks = app.tasks(tasks)?;
    for task in &tasks {
        check(task, &change())?;
    }
    let changes = tasks.iter().map(|task| (task.id, change())).collect();
    all(app, changes, None, word).await
}

/// Deletes tasks; of recurring ones, the occurrences that are wanted.
pub async fn remove(
    app: &mut App<'_>,
    tasks: &Tasks,
    which: Option<Which>,
) -> Result<ExitCode, Failure> {
    let tasks = app.tasks(tasks)?;
    let changes = tasks.iter().map(|task| (task.id, Change::Delete)).collect();
    all(app, changes, which.map(scope), "deleted").await
}

/// Saves changes of several tasks, sends them if it can, and prints the tasks.
pub async fn all(
    app: &mut App<'_>,
    changes: Vec<(Uuid, Change)>,
    scope: Option<Scope>,
    word: &str,
) -> Result<ExitCode, Failure> {
    let mut ids: Vec<Uuid> = changes.iter().map(|(id, _)| *id).collect();
    ids.dedup();
    app.device.edit(changes, scope)?;
    let rejected = app.deliver().await?;
    several(app, &ids, word)?;
    Ok(code(rejected))
}

fn scope(which: Which) -> Scope {
    match which {
        Which::This => Scope::This,
        Which::Future => Scope::Future,
        Which::All => Scope::All,
    }
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
    let title = task.text("title");
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
