//! `cargo dev up`: the whole system on one machine until Ctrl-C.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use stage::components::Profile;
use stage::given::Given;
use stage::progress;
use stage::services::{install, postgres};
use stage::status::Status;
use stage::system::{self, Log, Runtime, System, SystemOptions};

use super::stop::Stop;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Start with no data: forget what `.dev/` holds
    #[arg(long)]
    fresh: bool,
    /// Carry events in Apache Kafka instead of Postgres
    #[arg(long)]
    kafka: bool,
    /// Where the API listens
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Where the bridge listens
    #[arg(long, default_value = "127.0.0.1:3001")]
    bridge_listen: SocketAddr,
    /// Where data, logs and secrets are kept
    #[arg(long, default_value = ".dev", hide = true)]
    dir: PathBuf,
    /// What runs spin.toml: the spin CLI, or the embedded host; the spin CLI where it is on PATH
    #[arg(long)]
    runtime: Option<RuntimeName>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RuntimeName {
    Spin,
    Embedded,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    let mut stop = Stop::new()?;
    let begun = Instant::now();
    let root = system::workspace();
    let dir = root.join(&arguments.dir);
    std::fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    let _lock = lock(&dir)?;
    let options = options(&arguments, &root, &dir)?;
    if arguments.fresh {
        wipe(&dir)?;
    }
    let start = async {
        // Before anything is built, for a build may take minutes.
        system::listen_address("the API", options.listen)?;
        system::listen_address("the bridge", options.bridge_listen)?;
        super::build(&root, Profile::Gate).await?;
        System::start(options).await
    };
    let system = tokio::select! {
        system = start => system?,
        () = stop.wanted() => bail!("stopped before it was up"),
    };
    let status = Status::of(&system)?;
    status.write(&dir)?;
    welcome(&status, begun);
    stop.wanted().await;
    progress::step("stopping");
    tokio::select! {
        () = system.stop() => {}
        () = stop.wanted() => progress::warn("stopping at once"),
    }
    Status::remove(&dir);
    Ok(())
}

fn options(arguments: &Arguments, root: &Path, dir: &Path) -> Result<SystemOptions> {
    let given = Given::from_environment()?;
    if arguments.fresh && given.database.is_some() {
        bail!(
            "--fresh removes only what `.dev/` holds, and DATABASE_URL names a database elsewhere"
        );
    }
    let log = if arguments.kafka || given.kafka.is_some() {
        Log::Kafka
    } else {
        Log::Postgres
    };
    let mut options = SystemOptions::new(dir, log);
    options.root = root.to_owned();
    options.given = given;
    options.built = true;
    // People get the rates of spin.toml, or those of their environment.
    options.host_env = Vec::new();
    options.listen = Some(arguments.listen);
    options.bridge_listen = Some(arguments.bridge_listen);
    options.runtime = runtime(arguments.runtime)?;
    Ok(options)
}

fn runtime(wanted: Option<RuntimeName>) -> Result<Runtime> {
    match (wanted, install::find("spin", &[])) {
        (Some(RuntimeName::Embedded), _) | (None, None) => Ok(Runtime::Embedded),
        (_, Some(spin)) => Ok(Runtime::Spin(spin)),
        (Some(RuntimeName::Spin), None) => {
            bail!(
                "the spin CLI is not on PATH: see https://spinframework.dev/install, or leave --runtime away"
            )
        }
    }
}

/// Two systems must not share one directory; the lock goes with the process, however it ends.
fn lock(dir: &Path) -> Result<File> {
    let file = dir.join("lock");
    let lock = File::create(&file).with_context(|| format!("creating {}", file.display()))?;
    if lock.try_lock().is_err() {
        bail!(
            "another `cargo dev up` runs in {}; `cargo dev status` says where",
            dir.display()
        );
    }
    Ok(lock)
}

fn wipe(dir: &Path) -> Result<()> {
    progress::step(format!("forgetting the data in {}", dir.display()));
    postgres::wipe(&dir.join("postgres"))?;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else if path.ends_with("lock") {
            Ok(())
        } else {
            std::fs::remove_file(&path)
        }
        .with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}

fn welcome(status: &Status, begun: Instant) {
    let api = &status.api;
    println!(
        r#"
Spindle serves after {seconds:.1} s. Ctrl-C stops it.

  API      {api}
  bridge   {bridge}   (/readyz, /metrics)
  log      {log}
  psql     cargo dev psql     logs   cargo dev logs

Try it (an account, a task, its audit trail):

  ME=me-$RANDOM@example.org; json='content-type: application/json'
  curl -sS {api}/api/auth/register -H "$json" -d '{{"email":"'$ME'","password":"a long enough secret"}}'; echo
  TOKEN=$(curl -sS {api}/api/auth/login -H "$json" -d '{{"email":"'$ME'","password":"a long enough secret"}}' | sed 's/.*"access_token" *: *"\([^"]*\)".*/\1/')
  curl -sS {api}/api/tasks -H "$json" -H "authorization: Bearer $TOKEN" -d '{{"title":"Water the plants"}}'; echo
  sleep 1; curl -sS {api}/api/audit -H "authorization: Bearer $TOKEN"; echo
"#,
        seconds = begun.elapsed().as_secs_f32(),
        bridge = status.bridge,
        log = status.brokers.as_ref().map_or_else(
            || "Postgres".to_owned(),
            |brokers| format!("Kafka at {brokers}")
        ),
    );
}
