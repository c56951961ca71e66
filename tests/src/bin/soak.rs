//! `cargo dev soak`: runs the whole system while its parts and connections are broken at random, and checks that nothing is lost.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use stage::system::{LogKind, Runtime};
use tests::seed;
use tests::soak::{self, Options};

/// Breaks the whole system at random while clients write, and checks that nothing is lost
#[derive(Debug, Parser)]
#[command(name = "cargo dev soak", bin_name = "cargo dev soak")]
struct Arguments {
    /// The number that chooses the faults; by default a new one for each run
    #[arg(long)]
    seed: Option<u32>,
    /// How long things are broken
    #[arg(long, default_value_t = 3.0)]
    minutes: f64,
    /// Where the event log is stored; by default the seed decides
    #[arg(long)]
    log: Option<Log>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Log {
    Postgres,
    Kafka,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let number = arguments.seed.unwrap_or_else(seed::fresh);
    let by_seed = if number.is_multiple_of(2) {
        Log::Postgres
    } else {
        Log::Kafka
    };
    let log = arguments.log.unwrap_or(by_seed);
    let minutes = arguments.minutes;
    let name = match log {
        Log::Postgres => "postgres",
        Log::Kafka => "kafka",
    };
    let command = format!("cargo dev soak --seed {number} --minutes {minutes} --log {name}");
    let options = Options {
        seed: number.into(),
        length: Duration::try_from_secs_f64(minutes * 60.0)?,
        log: match log {
            Log::Postgres => LogKind::Postgres,
            Log::Kafka => LogKind::Kafka,
        },
        runtime: Runtime::from_environment()?,
    };
    seed::judged(&command, soak::run(options)).await
}
