//! The embedded Spin host: runs `spin.toml` and its WebAssembly functions on machines without the spin CLI.
//!
//! It reproduces the behaviour of Spin that the application depends on, so that a test that passes here passes on Spin.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub mod command;
mod manifest;
mod variables;
mod allowed_hosts;
mod settings;
mod component_loader;
mod function;
mod trigger;
mod instance;
mod output;
mod outbound_http;
mod interface;
mod postgres_pool;
mod wit;

use crate::component_loader::ComponentLoader;
use crate::function::Functions;
use crate::manifest::Manifest;
use crate::trigger::{cron, http, redis};
use crate::variables::Variables;

/// The options of [`run`].
#[derive(Debug, Clone)]
pub struct Options {
    /// The path of the application's `spin.toml`.
    pub manifest: PathBuf,
    /// The address on which HTTP triggers are served. Port 0 takes a free port, which the host prints.
    pub listen: SocketAddr,
    /// The folder in which compiled components are kept between runs.
    pub cache: PathBuf,
    /// The values of `SPIN_VARIABLE_<NAME>`; usually the environment of the process.
    pub environment: HashMap<String, String>,
}

/// Runs the application until `shutdown` completes. Requests in flight are then cut off, as they are on Spin.
///
/// # Errors
/// When the application cannot start, or when one of its triggers ends. As on Spin, a lost Redis connection ends the
/// whole application.
pub async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<()> {
    let manifest = Manifest::read(&options.manifest)?;
    let mut triggers = start(&options, &manifest).await?;
    tokio::select! {
        () = shutdown => Ok(()),
        ended = triggers.join_next() => match ended {
            Some(ended) => ended.context("a trigger panicked")?,
            None => bail!("the application `{}` has no `[[trigger.…]]`", manifest.application.name),
        },
    }
}

/// Starts every trigger of the manifest, each as a task.
async fn start(options: &Options, manifest: &Manifest) -> Result<JoinSet<Result<()>>> {
    let variables = Variables::resolve(&manifest.variables, &options.environment)?;
    // The port is bound before anything compiles, so a port that is in use is reported at once.
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let loader = ComponentLoader::new(options.cache.clone())?;
    let functions = Functions::load(manifest, &variables, &loader)?;

    let mut triggers = JoinSet::new();
    for (address, channels) in redis::group_by_address(manifest, &variables, &functions)? {
        triggers.spawn(redis::listen(address, channels));
    }
    for trigger in &manifest.trigger.cron {
        let schedule = cron::parse_schedule(&trigger.cron_expression)?;
        triggers.spawn(cron::fire(schedule, functions.get(&trigger.component)?));
    }
    if !manifest.trigger.http.is_empty() {
        let router = http::Router::new(&manifest.trigger.http, &functions)?;
        let application = manifest.application.clone();
        triggers.spawn(http::serve(listener, router, application));
    }
    Ok(triggers)
}
