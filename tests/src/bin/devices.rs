//! `cargo dev devices`: users with several devices work offline on a whole system that is broken meanwhile, from any number of seeds.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use stage::scratch::Scratch;
use stage::system::{LogKind, Runtime, System, SystemOptions};
use tests::client::Api;
use tests::contract::Contract;
use tests::devices::{AT_ONCE, STEPS, Stage};
use tests::fixture::connect;
use tests::seed;

/// Lets users with several devices work offline while the system is broken, and checks that all devices agree and no edit is lost
#[derive(Debug, Parser)]
#[command(name = "cargo dev devices", bin_name = "cargo dev devices")]
struct Arguments {
    /// The first seed; by default a new one for each run
    #[arg(long)]
    seed: Option<u32>,
    /// How many seeds, of which 20 run at once
    #[arg(long, default_value_t = AT_ONCE)]
    seeds: u64,
    /// How many steps each device does. A failure with few is easier to understand
    #[arg(long, default_value_t = STEPS)]
    steps: usize,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let first = arguments.seed.unwrap_or_else(seed::fresh);
    let (seeds, steps) = (arguments.seeds, arguments.steps);
    let command = format!("cargo dev devices --seed {first} --seeds {seeds} --steps {steps}");
    seed::judged(&command, run(first.into(), seeds, steps)).await
}

/// Runs the seeds on a system of their own, some after the others.
async fn run(first: u64, seeds: u64, steps: usize) -> Result<()> {
    let folder = Scratch::new("devices")?;
    let system = System::start(SystemOptions {
        links: true,
        // Processes are killed, never the machine, so nothing needs to survive a power failure.
        fsync: false,
        built: true,
        runtime: Runtime::from_environment()?,
        ..SystemOptions::new(folder.path(), LogKind::Postgres)
    })
    .await?;
    let api = Api::new(&system.api_url())?;
    let api = api.checked_against(Contract::fetch(&system.api_url()).await?);
    let database = connect(&system.database_url()).await?;
    let stage = Stage {
        system: &system,
        api: &api,
        database: &database,
        steps,
    };
    let mut verdict = Ok(());
    let end = first + seeds;
    for begin in (first..end).step_by(usize::try_from(AT_ONCE)?) {
        if verdict.is_ok() {
            println!("{} of {seeds} seeds are done", begin - first);
            let some = begin..end.min(begin + AT_ONCE);
            verdict = stage.run(some, &|line| println!("{line}")).await;
        }
    }
    system.stop().await;
    verdict
}
