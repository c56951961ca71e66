//! The commands of the bridge.

use clap::{Parser, Subcommand};

use crate::config;
use crate::migrate;

/// Carries events from the outbox to the log and from the log to the agents.
#[derive(Debug, Parser)]
#[command(name = "bridge", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the database to the newest schema, load the functions, set the roles' passwords.
    Migrate(config::Migrate),
}

/// Runs the command that the arguments name.
pub async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Migrate(settings) => {
            let report = migrate::run(&settings).await?;
            for migration in &report.applied {
                println!("applied {migration}");
            }
            println!("loaded {} functions", report.functions);
            for role in &report.passwords {
                println!("set the password of {role}");
            }
            println!("the database is at version {}", report.version);
            Ok(())
        }
    }
}
