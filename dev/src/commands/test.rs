//! `cargo dev test`: everything the tests need, then the tests.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};
use clap::Args;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use stage::scratch::Scratch;
use stage::services::{Kafka, Postgres, Redis, kafka, shared};
use stage::components::Profile;
use stage::{components, progress, system};

use super::stop::Stop;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Only tests whose name contains this
    filter: Option<String>,
    /// Only this package's tests
    #[arg(short, long)]
    package: Vec<String>,
}

pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let mut stop = Stop::new()?;
    tokio::select! {
        status = test(&arguments) => {
            let status = status?;
            if status.success() {
                return Ok(ExitCode::SUCCESS);
            }
            progress::warn(format!("the tests failed ({status})"));
        }
        () = stop.wanted() => progress::warn("stopped"),
    }
    Ok(ExitCode::FAILURE)
}

async fn test(arguments: &Arguments) -> Result<ExitStatus> {
    let root = system::workspace();
    super::build(&root, Profile::Gate).await?;
    // Without Kafka half of the tests could not run; better to hear of it now than to pass without them.
    tokio::task::spawn_blocking(kafka::jars).await??;
    let dir = Scratch::new("test")?;
    let (postgres, redis, kafka) = tokio::try_join!(
        Postgres::start(dir.path().join("postgres")),
        Redis::start(dir.path().join("redis")),
        Kafka::start(dir.path().join("kafka")),
    )?;
    progress::step("cargo test --release --workspace");
    let mut command = components::cargo(&root);
    command.args(["test", "--release", "--no-fail-fast"]);
    if arguments.package.is_empty() {
        command.arg("--workspace");
    }
    for package in &arguments.package {
        command.args(["-p", package]);
    }
    command
        .arg("--")
        .args(&arguments.filter)
        .args(["--test-threads", "2"]);
    command
        .env("SPINDLE_ROOT", &root)
        .env(shared::POSTGRES, postgres.address())
        .env(shared::REDIS, redis.url())
        .env(shared::KAFKA, kafka.brokers());
    let status = attached(command).await?;
    postgres.stop().await;
    Ok(status)
}

/// Runs it on our terminal, in a process group of its own that ends with us.
pub async fn attached(command: std::process::Command) -> Result<ExitStatus> {
    struct Group(Option<Pid>);
    impl Drop for Group {
        fn drop(&mut self) {
            if let Some(group) = self.0 {
                let _ = killpg(group, Signal::SIGKILL);
            }
        }
    }
    let mut child = tokio::process::Command::from(command)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .context("starting cargo")?;
    let mut group = Group(
        child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw),
    );
    let status = child.wait().await?;
    group.0 = None;
    Ok(status)
}
