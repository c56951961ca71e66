//! The command line of the `host` program.
use std::collections::HashMap;
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
    /// The application's manifest
    #[arg(long, default_value = "spin.toml")]
    manifest: PathBuf,
    /// Where HTTP triggers are served; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where compiled components are kept between runs
    #[arg(long, default_value = "target/spin-cache")]
    cache: PathBuf,
}

impl Arguments {
    /// Serves until SIGTERM or SIGINT.
    pub async fn run(self) -> Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let options = Options {
            manifest: self.manifest,
            listen: self.listen,
            cache: self.cache,
            // Not `vars`, which panics on a variable that is no UTF-8; such a one is none of ours.
            environment: env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect::<HashMap<_, _>>(),
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
