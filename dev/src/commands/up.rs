//! `cargo dev up`: runs the whole system on one machine until Ctrl-C.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use stage::components::Profile;
use stage::external::External;
use stage::progress;
use stage::status::Status;
use stage::stop::Stop;
use stage::system::{self, LogKind, Runtime, System, SystemOptions};

use super::folder::Folder;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    servers: Servers,
    /// The address that the API listens on
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// What runs spin.toml: the spin CLI, or the embedded host; by default the spin CLI if it is on PATH
    #[arg(long, env = "SPINDLE_RUNTIME")]
    runtime: Option<RuntimeName>,
}

/// The arguments of both `up` and `services`.
#[derive(Debug, Args)]
pub struct Servers {
    /// Start without data: remove everything in `.dev/`
    #[arg(long)]
    fresh: bool,
    /// Store the event log in Apache Kafka instead of Postgres
    #[arg(long)]
    kafka: bool,
    /// The address that the bridge listens on
    #[arg(long, default_value = "127.0.0.1:3001")]
    bridge_listen: SocketAddr,
    /// The address on which the bridge serves live connections
    #[arg(long, default_value = "127.0.0.1:3002")]
    live_listen: SocketAddr,
    /// The folder for data, logs and secrets
    #[arg(long, default_value = ".dev", hide = true)]
    dir: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RuntimeName {
    Spin,
    Embedded,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let runtime = runtime(arguments.runtime)?;
    serve(
        &arguments.servers,
        runtime,
        Some(arguments.listen),
        |_, status, started| {
            welcome(status, started);
            Ok(())
        },
    )
    .await
}

/// Starts a system, calls `ready`, and stops the system at Ctrl-C.
pub async fn serve(
    servers: &Servers,
    runtime: Runtime,
    listen: Option<SocketAddr>,
    ready: impl FnOnce(&System, &Status, Instant) -> Result<()>,
) -> Result<()> {
    let mut stop = Stop::new()?;
    let started = Instant::now();
    let root = system::workspace();
    let folder = Folder::lock(root.join(&servers.dir))?;
    let options = servers.options(&root, folder.path(), runtime, listen)?;
    if servers.fresh {
        folder.wipe()?;
    }
    let start = async {
        // Addresses are checked before the build, because a build may take minutes.
        system::listen_address("the API", options.listen)?;
        system::listen_address("the bridge", options.bridge_listen)?;
        system::listen_address("the gateway", options.live_listen)?;
        progress::step("1/2 building; cargo shows the progress");
        super::build(&root, Profile::Gate, &options.runtime).await?;
        progress::step("2/2 starting servers and programs");
        System::start(options).await
    };
    let system = tokio::select! {
        system = start => system?,
        () = stop.requested() => bail!("stopped before the system was ready"),
    };
    let status = Status::of(&system)?;
    status.write(folder.path())?;
    ready(&system, &status, started)?;
    stop.requested().await;
    progress::step("stopping");
    tokio::select! {
        () = system.stop() => {}
        () = stop.requested() => progress::warn("stopping at once"),
    }
    Status::remove(folder.path());
    Ok(())
}

impl Servers {
    fn options(
        &self,
        root: &Path,
        dir: &Path,
        runtime: Runtime,
        listen: Option<SocketAddr>,
    ) -> Result<SystemOptions> {
        let external = External::from_environment()?;
        if self.fresh && external.database.is_some() {
            bail!(
                "--fresh removes only the data in `.dev/`, but DATABASE_URL names a database elsewhere"
            );
        }
        let log = if self.kafka || external.kafka.is_some() {
            LogKind::Kafka
        } else {
            LogKind::Postgres
        };
        Ok(SystemOptions {
            root: root.to_owned(),
            external,
            runtime,
            built: true,
            listen,
            bridge_listen: Some(self.bridge_listen),
            live_listen: Some(self.live_listen),
            // Not the rate limits of tests: those of spin.toml apply, unless the environment sets others.
            host_env: Vec::new(),
            ..SystemOptions::new(dir, log)
        })
    }
}

fn runtime(requested: Option<RuntimeName>) -> Result<Runtime> {
    match requested {
        Some(RuntimeName::Embedded) => Ok(Runtime::Embedded),
        Some(RuntimeName::Spin) => Runtime::spin_cli().context("--runtime spin or SPINDLE_RUNTIME"),
        None => Ok(Runtime::spin_cli().unwrap_or(Runtime::Embedded)),
    }
}

fn welcome(status: &Status, started: Instant) {
    let api = status.api.as_deref().unwrap_or_default();
    println!(
        r#"
Spindle is running after {seconds:.1} s. Ctrl-C stops it.

  API      {api}
  bridge   {bridge}   (/readyz, /metrics)
  live     {live}   (/live, /live/events)
  log      {log}
  psql     cargo dev psql     logs   cargo dev logs

Try it (an account, a task, its audit trail):

  ME=me-$RANDOM@example.org; json='content-type: application/json'
  curl -sS {api}/api/auth/register -H "$json" -d '{{"email":"'$ME'","password":"a long enough secret"}}'; echo
  TOKEN=$(curl -sS {api}/api/auth/login -H "$json" -d '{{"email":"'$ME'","password":"a long enough secret"}}' | sed 's/.*"access_token" *: *"\([^"]*\)".*/\1/')
  curl -sS {api}/api/tasks -H "$json" -H "authorization: Bearer $TOKEN" -d '{{"title":"Water the plants"}}'; echo
  sleep 1; curl -sS {api}/api/audit -H "authorization: Bearer $TOKEN"; echo
"#,
        seconds = started.elapsed().as_secs_f32(),
        bridge = status.bridge,
        live = status.live,
        log = status.brokers.as_ref().map_or_else(
            || "Postgres".to_owned(),
            |brokers| format!("Kafka at {brokers}")
        ),
    );
}
