//! The commands of `cargo dev`, one file each.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use stage::components::{self, Profile};
use stage::system::{PROGRAMS, workspace};

use crate::bench;

mod fuzz;
mod inspect;
mod stop;
mod test;
mod up;

/// Builds, runs and tests the whole system on one machine
#[derive(Debug, Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the WebAssembly components and the bridge
    Build,
    /// Start everything and serve until Ctrl-C
    Up(up::Arguments),
    /// Build, start everything on free ports, run all tests, stop everything
    Test(test::Arguments),
    /// Build, start everything, and let Schemathesis try the API by its OpenAPI document
    Fuzz(fuzz::Arguments),
    /// Measure the API and the road beside their yardsticks, and print the figures
    Bench(bench::Options),
    /// Show the logs of the system that `up` started, and follow them
    Logs(inspect::Logs),
    /// Open psql on the database of the system that `up` started
    Psql,
    /// Say where the system that `up` started is, and whether it is ready
    Status,
    /// Serve the yardstick that `bench` compares the API with
    #[command(hide = true)]
    Baseline(bench::baseline::Arguments),
}

pub async fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Build => build(&workspace(), Profile::Gate).await?,
        Command::Up(arguments) => up::run(arguments).await?,
        Command::Test(arguments) => return test::run(arguments).await,
        Command::Fuzz(arguments) => return fuzz::run(arguments).await,
        Command::Bench(options) => return measure(options).await,
        Command::Baseline(arguments) => bench::baseline::serve(arguments).await?,
        Command::Logs(arguments) => return inspect::logs(&arguments),
        Command::Psql => return inspect::psql(),
        Command::Status => return inspect::status().await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Figures are those of programs built for release, this one among them: it holds the yardstick and the load generator.
async fn measure(options: bench::Options) -> Result<ExitCode> {
    let root = workspace();
    build(&root, Profile::Release).await?;
    let released = components::program(&root, Profile::Release, "dev");
    if std::env::current_exe()? == released {
        bench::run(options).await?;
        return Ok(ExitCode::SUCCESS);
    }
    components::build_programs(&root, Profile::Release, &["dev"])?;
    let mut command = std::process::Command::new(released);
    command.args(std::env::args_os().skip(1));
    Err(command.exec()).context("starting the program built for release")
}

/// Builds everything that a system runs; cargo has built this program already.
async fn build(root: &Path, profile: Profile) -> Result<()> {
    let root = root.to_owned();
    let build = move || {
        components::build_programs(&root, profile, &PROGRAMS)?;
        components::build_wasm(&root, &components::packages(&root)?)
    };
    tokio::task::spawn_blocking(build)
        .await
        .context("the build was cut off")?
}
