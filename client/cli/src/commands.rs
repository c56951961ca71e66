//! The commands: each prints its result, and returns the exit code.

mod account;
mod change;
mod remind;
mod list;
mod watch;
mod sync;
mod conflicts;
mod history;
mod export;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::app::App;
use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::output::{self, Output};

/// Runs the command that the arguments name.
pub async fn run(arguments: Arguments, output: &Output) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Login(login) => return account::login(&arguments, login, output).await,
        Command::Logout { force } => return account::logout(&arguments, *force, output).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "spindle", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let mut app = App::open(&arguments, output)?;
    let app = &mut app;
    match arguments.command {
        Command::Login(_) | Command::Logout { .. } | Command::Completions { .. } => {
            Ok(ExitCode::SUCCESS)
        }
        Command::Add(add) => change::add(app, add).await,
        Command::Edit(edit) => change::edit(app, edit).await,
        Command::Done(tasks) => change::each(app, &tasks, change::DONE).await,
        Command::Reopen(tasks) => change::each(app, &tasks, change::REOPEN).await,
        Command::Skip(tasks) => change::each(app, &tasks, change::SKIP).await,
        Command::Rm { tasks, scope } => change::remove(app, &tasks, scope).await,
        Command::Pause(tasks) => change::each(app, &tasks, change::PAUSE).await,
        Command::Resume(tasks) => change::each(app, &tasks, change::RESUME).await,
        Command::Snooze { task, until } => remind::snooze(app, &task, &until).await,
        Command::Ack(tasks) => remind::acknowledge(app, &tasks).await,
        Command::Restore(tasks) => change::each(app, &tasks, change::RESTORE).await,
        Command::Undo => change::undo(app).await,
        Command::List(list) => list::list(app, list).await,
        Command::Show { task } => list::show(app, &task).await,
        Command::Watch => watch::watch(app).await,
        Command::Sync => sync::sync(app).await,
        Command::Conflicts { action } => conflicts::run(app, action).await,
        Command::History { task, limit } => history::history(app, &task, limit).await,
        Command::Export { format } => export::export(app, format),
    }
}

/// The exit code of a command whose work is done here, and which the server may have rejected.
fn code(rejected: bool) -> ExitCode {
    ExitCode::from(u8::from(rejected))
}
