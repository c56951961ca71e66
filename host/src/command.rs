//! The command line of the `host` program.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::Options;

/// Runs a Spin application on the embedded host
#[derive(Debug, Parser)]
#[command(name = "host")]
pub struct Arguments {
    /// Path of the application's manifest, or of a locked application (*.lock)
    #[arg(long, default_value = "spin.toml")]
    manifest: PathBuf,
    /// Address on which HTTP triggers are served; port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Folder in which compiled components are kept between runs
    #[arg(long, default_value = "target/spin-cache")]
    cache: PathBuf,
}

impl Arguments {
    /// Runs the application until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// As [`crate::run`].
    pub async fn run(self) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let options = Options {
            manifest: self.manifest,
            listen: self.listen,
            cache: self.cache,
            // `env::vars` would panic on a variable that is not UTF-8. No variable of the application is one, so it
            // is skipped.
            environment: env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        };
        crate::run(options, async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await
    }
}
