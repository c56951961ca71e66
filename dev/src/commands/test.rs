//! `cargo dev test`: builds everything, runs the test programs concurrently, and prints a line for each.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use stage::services::kafka;
use stage::system::Runtime;
use stage::{components, progress, system};

mod jobs;
mod programs;
mod servers;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Run only tests whose names contain one of these texts
    filters: Vec<String>,
    /// Run only this package's tests
    #[arg(short, long)]
    package: Vec<String>,
}

pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    super::until_stopped(test(&arguments)).await
}

async fn test(arguments: &Arguments) -> Result<bool> {
    let root = system::workspace();
    let started = Instant::now();
    // The system tests read it again. An error here comes before the build.
    if let Runtime::Spin(spin) = Runtime::from_environment()? {
        progress::step(format!("the system tests run on {}", spin.display()));
    }
    let mut wasm = components::packages(&root)?;
    wasm.extend(components::TEST_GUESTS.map(str::to_owned));
    let build = tokio::task::spawn_blocking({
        let root = root.clone();
        move || programs::build(&root)
    });
    let build_wasm = tokio::task::spawn_blocking({
        let root = root.clone();
        move || {
            components::build_wasm(&root, &wasm)?;
            components::build_browser(&root)
        }
    });
    // Some tests need Kafka. Its download waits for the network, so it runs during the build.
    let jars = tokio::task::spawn_blocking(kafka::jars);
    let (programs, wasm, jars) = tokio::try_join!(build, build_wasm, jars)?;
    wasm?;
    jars?;
    let jobs = jobs::select(programs?, &arguments.package, &arguments.filters)?;
    if jobs.is_empty() {
        bail!("no test matches");
    }
    progress::step(format!("built in {} s", started.elapsed().as_secs()));

    let servers = servers::Servers::start(&jobs).await?;
    let results = jobs::run(jobs, &servers.environment(&root)).await?;
    servers.stop().await;

    let sum = |count: fn(&jobs::Outcome) -> u32| results.iter().map(count).sum::<u32>();
    println!("\ntest programs, by the time that each took:");
    for result in &results {
        println!("{result}");
    }
    println!(
        "\n{} passed, {} failed",
        sum(|r| r.passed),
        sum(|r| r.failed)
    );
    for failure in results.iter().flat_map(|result| &result.failures) {
        let error = failure.error.replace('\n', "\n  ");
        println!("\n{} failed:\n  {error}", failure.test);
    }
    Ok(results.iter().all(|result| result.success))
}
