//! The commands of the bridge.

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::dead_letter::command;
use crate::{admin, config, keys, log, migrate, run};

/// Carries events from the outbox to the log and from the log to the agents.
#[derive(Debug, Parser)]
#[command(name = "bridge", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Relay and dispatch until SIGTERM.
    Run(config::Run),
    /// Bring the database to the newest schema, load the functions, set the roles' passwords.
    Migrate(config::Migrate),
    /// Create the topics that are missing and list them all.
    Topics(config::LogSettings),
    /// Make the first admin, or another one.
    Admin {
        #[command(subcommand)]
        command: admin::Command,
    },
    /// Make and check the keys of access tokens.
    Keys {
        #[command(subcommand)]
        command: keys::Command,
    },
    /// Look through the dead letters, send them back, put them aside.
    DeadLetters {
        #[command(flatten)]
        settings: config::LogSettings,
        #[command(subcommand)]
        command: command::Command,
    },
}

/// Runs the command that the arguments name.
pub async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(settings) => {
            let listener = TcpListener::bind(settings.listen)
                .await
                .with_context(|| format!("BRIDGE_LISTEN={}", settings.listen))?;
            run::run(settings, listener, told_to_stop()?).await
        }
        Command::Migrate(settings) => migrate(&settings).await,
        Command::Topics(settings) => topics(&settings).await,
        Command::Admin { command } => admin::run(command).await,
        Command::Keys { command } => keys::run(&command),
        Command::DeadLetters { settings, command } => command::run(&settings, command).await,
    }
}

fn told_to_stop() -> anyhow::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("told to stop");
        told.cancel();
    });
    Ok(stop)
}

async fn migrate(settings: &config::Migrate) -> anyhow::Result<()> {
    let report = migrate::run(settings).await?;
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

async fn topics(settings: &config::LogSettings) -> anyhow::Result<()> {
    let log = log::open(settings)?;
    log.create_topics().await?;
    println!("{:<24} {:>10} {:>12}", "topic", "partitions", "records");
    for topic in log.topics().await? {
        println!(
            "{:<24} {:>10} {:>12}",
            topic.name, topic.partitions, topic.records
        );
    }
    Ok(())
}
