//! Updates a whole system under load from one release to another and back; `cargo dev images --upgrade` starts it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tests::seed;
use tests::upgrade::{self, Options, Release};

/// Updates a whole system under load from one release to another and back, and checks that nothing is lost
#[derive(Debug, Parser)]
struct Arguments {
    /// The old program of the bridge
    #[arg(long)]
    from_bridge: PathBuf,
    /// The old application, locked
    #[arg(long)]
    from_application: PathBuf,
    /// The new program of the bridge
    #[arg(long)]
    to_bridge: PathBuf,
    /// The new application, locked
    #[arg(long)]
    to_application: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let options = Options {
        from: Release {
            bridge: arguments.from_bridge,
            application: arguments.from_application,
        },
        to: Release {
            bridge: arguments.to_bridge,
            application: arguments.to_application,
        },
    };
    let command: Vec<String> = std::env::args().collect();
    seed::judged(&command.join(" "), upgrade::run(options)).await
}
