//! The commands of `cargo dev`, one file each.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use stage::components::{self, Profile};
use stage::progress;
use stage::stop::Stop;
use stage::system::{Runtime, workspace};

use crate::bench;

mod folder;
mod fuzz;
mod group;
mod images;
mod inspect;
mod kubernetes;
mod python;
mod sdk;
mod services;
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
    /// Build the WebAssembly functions and the programs that run them
    Build,
    /// Start everything and serve until Ctrl-C
    Up(up::Arguments),
    /// Start everything but the functions, and write the environment with which the spin CLI runs them
    Services(services::Arguments),
    /// Build everything, start servers on free ports, run the tests, stop everything
    Test(test::Arguments),
    /// Let Schemathesis test the API against its OpenAPI document
    Fuzz(fuzz::Arguments),
    /// Generate clients from the OpenAPI document, and run the README's story with them
    Sdk,
    /// Build the images of a release, and push them
    Images(images::Arguments),
    /// Check k8s/ on a real API server of Kubernetes
    Kubernetes(kubernetes::Arguments),
    /// Break the whole system at random while clients write, and check that nothing is lost
    #[command(disable_help_flag = true)]
    Soak {
        /// See `cargo dev soak --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Let users with several devices work offline while the system is broken, and check that all devices agree
    #[command(disable_help_flag = true)]
    Devices {
        /// See `cargo dev devices --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Measure the API and event delivery beside a baseline, and print the figures
    Bench(bench::Options),
    /// Show the logs of the system that `up` started, and follow them
    Logs(inspect::Logs),
    /// Open psql on the database of the system that `up` started
    Psql,
    /// Show the addresses of the system that `up` started, and whether it is ready
    Status,
    /// Serve the baseline that `bench` compares the API with
    #[command(hide = true)]
    Baseline(bench::baseline::Arguments),
}

pub async fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Build => build(&workspace(), Profile::Gate, &Runtime::Embedded).await?,
        Command::Up(arguments) => up::run(arguments).await?,
        Command::Services(arguments) => services::run(arguments).await?,
        Command::Test(arguments) => return test::run(arguments).await,
        Command::Fuzz(arguments) => return fuzz::run(arguments).await,
        Command::Sdk => return sdk::run().await,
        Command::Images(arguments) => images::run(arguments).await?,
        Command::Kubernetes(arguments) => return kubernetes::run(arguments).await,
        Command::Soak { arguments } => return run_against("soak", &arguments).await,
        Command::Devices { arguments } => return run_against("devices", &arguments).await,
        Command::Bench(options) => return measure(options).await,
        Command::Baseline(arguments) => bench::baseline::serve(arguments).await?,
        Command::Logs(arguments) => return inspect::logs(&arguments),
        Command::Psql => return inspect::psql(),
        Command::Status => return inspect::status().await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the benchmarks in a program that is built for release, because it contains the baseline and the load generator.
async fn measure(options: bench::Options) -> Result<ExitCode> {
    let root = workspace();
    let released = components::program(&root, Profile::Release, "dev");
    if std::env::current_exe()? == released {
        bench::run(options).await?;
        return Ok(ExitCode::SUCCESS);
    }
    build(&root, Profile::Release, &Runtime::Embedded).await?;
    components::build_programs(&root, Profile::Release, &["dev"])?;
    let mut command = std::process::Command::new(released);
    command.args(std::env::args_os().skip(1));
    Err(command.exec()).context("starting the program that was built for release")
}

/// Builds the system, and runs what breaks it in a program of its own. Most commands do not need what that is built from, so they need not
/// wait for it.
async fn run_against(name: &'static str, arguments: &[OsString]) -> Result<ExitCode> {
    let root = workspace();
    let help = arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h");
    if !help {
        build(&root, Profile::Gate, &Runtime::from_environment()?).await?;
    }
    components::build_programs(&root, Profile::Gate, &[name])?;
    let mut command = std::process::Command::new(components::program(&root, Profile::Gate, name));
    command.args(arguments);
    Err(command.exec()).with_context(|| format!("starting {name}"))
}

/// Runs a command until it has ended, or until the user stops it. Returns success if the command worked, and failure if it did not or was
/// stopped.
async fn until_stopped(command: impl Future<Output = Result<bool>>) -> Result<ExitCode> {
    let mut stop = Stop::new()?;
    tokio::select! {
        worked = command => Ok(if worked? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        () = stop.requested() => {
            progress::warn("stopped");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Builds the functions and the programs that a system with this runtime needs. Cargo has built this program already.
async fn build(root: &Path, profile: Profile, runtime: &Runtime) -> Result<()> {
    let programs = {
        let (root, names) = (root.to_owned(), runtime.programs());
        tokio::task::spawn_blocking(move || components::build_programs(&root, profile, names))
    };
    // Both builds run concurrently, because each has phases in which it uses only one core.
    let functions = {
        let root = root.to_owned();
        tokio::task::spawn_blocking(move || {
            components::build_wasm(&root, &components::packages(&root)?)
        })
    };
    let (programs, functions) = tokio::try_join!(programs, functions)?;
    programs.and(functions)
}
