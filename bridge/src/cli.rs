//! The command line of the bridge: its commands and what they print.

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Part;
use crate::dead_letter::command;
use crate::{admin, config, keys, log, migrate, quarantine, run};

/// Carries Spindle's events from the outbox to the event log, and from the log to the agents.
#[derive(Debug, Parser)]
#[command(name = "bridge", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Relay and dispatch events until SIGTERM or SIGINT.
    ///
    /// Serves /healthz, /readyz and /metrics over HTTP meanwhile. Several bridges may run at once and share the work.
    Run(config::Run),
    /// Migrate the database to the newest schema.
    ///
    /// Applies the missing migrations, loads the SQL functions, and sets the password of each role for which one is
    /// given.
    Migrate(config::Migrate),
    /// Create missing topics of the event log, then list all topics.
    Topics(config::LogSettings),
    /// Create the first admin, or promote an account to admin.
    Admin {
        #[command(subcommand)]
        command: admin::Command,
    },
    /// Generate and check the keys that sign access tokens.
    Keys {
        #[command(subcommand)]
        command: keys::Command,
    },
    /// List, show, replay or discard dead letters: events that an agent could not process.
    DeadLetters {
        #[command(flatten)]
        settings: config::LogSettings,
        #[command(subcommand)]
        command: command::Command,
    },
    /// List, requeue or discard outbox rows that the event log refuses.
    Quarantine {
        /// URL of the Postgres database, as the role spindle_bridge: postgres://user:password@host:port/database.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: config::Secret,
        #[command(subcommand)]
        command: quarantine::Command,
    },
}

/// Runs the command that the arguments name.
///
/// # Errors
/// When the command fails; the message is meant for the operator.
pub async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(settings) => {
            let listener = TcpListener::bind(settings.listen)
                .await
                .with_context(|| format!("BRIDGE_LISTEN: cannot listen on {}", settings.listen))?;
            let live = match settings.live.live_listen {
                Some(address) if settings.has(Part::Gateway) => {
                    let listener = TcpListener::bind(address).await;
                    Some(
                        listener
                            .with_context(|| format!("LIVE_LISTEN: cannot listen on {address}"))?,
                    )
                }
                _ => None,
            };
            run::run(settings, listener, live, stop_on_signal()?).await
        }
        Command::Migrate(settings) => migrate(&settings).await,
        Command::Topics(settings) => topics(&settings).await,
        Command::Admin { command } => admin::run(command).await,
        Command::Keys { command } => keys::run(&command),
        Command::DeadLetters { settings, command } => command::run(&settings, command).await,
        Command::Quarantine {
            database_url,
            command,
        } => quarantine::run(&database_url, command).await,
    }
}

/// A token that SIGTERM or SIGINT cancels.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        info!(signal = name, "received a signal to stop");
        stopped.cancel();
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
