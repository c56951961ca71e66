//! The command line of `cargo dev`.
use clap::{Parser, Subcommand};
use dev::host::command::HostArguments;
use tracing_subscriber::EnvFilter;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs spin.toml on the embedded host and nothing else
    #[command(hide = true)]
    Host(HostArguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match Arguments::parse().command {
        Command::Host(host) => host.run().await,
    }
}
