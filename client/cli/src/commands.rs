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
pub async fn run(arguments: &Arguments, output: &Output) -> Result<ExitCode, Failure> {
    let app = || App::open(arguments, output);
    match &arguments.command {
        Command::Login(login) => account::login(arguments, login, output).await,
        Command::Logout { force } => account::logout(arguments, *force, output).await,
        Command::Add(add) => change::add(&mut app()?, add).await,
        Command::Edit(edit) => change::edit(&mut app()?, edit).await,
        Command::Done(tasks) => change::each(&mut app()?, tasks, change::DONE).await,
        Command::Reopen(tasks) => change::each(&mut app()?, tasks, change::REOPEN).await,
        Command::Skip(tasks) => change::each(&mut app()?, tasks, change::SKIP).await,
        Command::Rm { tasks, scope } => change::remove(&mut app()?, tasks, *scope).await,
        Command::Pause(tasks) => change::each(&mut app()?, tasks, change::PAUSE).await,
        Command::Resume(tasks) => change::each(&mut app()?, tasks, change::RESUME).await,
        Command::Snooze { task, until } => remind::snooze(&mut app()?, task, until).await,
        Command::Ack(tasks) => remind::acknowledge(&mut app()?, tasks).await,
        Command::Restore(tasks) => change::each(&mut app()?, tasks, change::RESTORE).await,
        Command::Undo => change::undo(&mut app()?).await,
        Command::List(list) => list::list(&mut app()?, list).await,
        Command::Show { task } => list::show(&mut app()?, task).await,
        Command::Watch => watch::watch(&mut app()?).await,
        Command::Sync => sync::sync(&mut app()?).await,
        Command::Conflicts { action } => conflicts::run(&mut app()?, action.as_ref()).await,
        Command::History { task, limit } => history::history(&mut app()?, task, *limit).await,
        Command::Export { format } => export::export(&app()?, *format),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "spindle", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The exit code of a command whose work is done here, and which the server may have rejected.
fn code(rejected: bool) -> ExitCode {
    ExitCode::from(u8::from(rejected))
}
