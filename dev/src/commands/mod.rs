//! The commands of `cargo dev`, one file each.

use crate::system::workspace;
use crate::{bench, components, host};
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::path::Path;
use std::process::ExitCode;

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
    /// Run spin.toml on the embedded host
    #[command(hide = true)]
    Host(host::command::HostArguments),
    /// Serve the yardstick that `bench` compares the API with
    #[command(hide = true)]
    Baseline(bench::baseline::Arguments),
}

pub async fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Build => build(&workspace()).await?,
        Command::Up(arguments) => up::run(arguments).await?,
        Command::Test(arguments) => return test::run(arguments).await,
        Command::Fuzz(arguments) => return fuzz::run(arguments).await,
        Command::Bench(options) => {
            build(&workspace()).await?;
            bench::run(options).await?;
        }
        Command::Baseline(arguments) => bench::baseline::serve(arguments).await?,
        Command::Logs(arguments) => return inspect::logs(&arguments),
        Command::Psql => return inspect::psql(),
        Command::Status => return inspect::status().await,
        Command::Host(arguments) => {
            tracing_subscriber::fmt()
                .with_env_filter(
                    tracing_subscriber::EnvFilter::try_from_default_env()
                        .unwrap_or_else(|_| "info,cranelift_codegen=warn,wasmtime=warn".into()),
                )
                .with_ansi(false)
                .with_writer(std::io::stderr)
                .init();
            arguments.run().await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that runs but this program itself, which cargo has just built.
async fn build(root: &Path) -> Result<()> {
    let root = root.to_owned();
    let build = move || {
        components::build_manifest(&root.join("spin.toml"))?;
        components::build_program(&root, "bridge")
    };
    tokio::task::spawn_blocking(build)
        .await
        .context("the build was cut off")?
}
