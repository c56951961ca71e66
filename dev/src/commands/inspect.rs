//! `cargo dev logs`, `psql` and `status`: inspect the system that `up` or `services` started.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use stage::services::{install, postgres};
use stage::status::Status;
use stage::system::workspace;

#[derive(Debug, Args)]
pub struct Logs {
    /// Only the logs of these parts: functions, bridge-0, postgres, redis, kafka
    parts: Vec<String>,
    /// How many existing lines to show first
    #[arg(short = 'n', long, default_value_t = 20)]
    lines: u32,
}

fn running() -> Result<Status> {
    Status::read(&workspace().join(".dev"))
}

pub fn logs(arguments: &Logs) -> Result<ExitCode> {
    let logs = running()?.logs;
    if let Some(unknown) = arguments
        .parts
        .iter()
        .find(|part| !logs.contains_key(*part))
    {
        let known: Vec<&str> = logs.keys().map(String::as_str).collect();
        bail!(
            "there is no log of {unknown}, only of: {}",
            known.join(", ")
        );
    }
    let selected = |name: &String| arguments.parts.is_empty() || arguments.parts.contains(name);
    let files = logs
        .iter()
        .filter(|(name, _)| selected(name))
        .map(|(_, file)| file);
    Err(Command::new("tail")
        .arg(format!("-n{}", arguments.lines))
        .arg("-F")
        .args(files)
        .exec())
    .context("running tail")
}

pub fn psql() -> Result<ExitCode> {
    let status = running()?;
    let own: Vec<_> = postgres::binaries().into_iter().collect();
    let psql = install::find("psql", &own)
        .context("psql is missing: `apt-get install postgresql-client`, `brew install libpq`")?;
    Err(Command::new(psql).arg(status.database).exec()).context("running psql")
}

pub async fn status() -> Result<ExitCode> {
    let status = running()?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut code = ExitCode::SUCCESS;
    let api = status.api.as_ref().map(|url| ("API", url));
    for (name, url) in api.into_iter().chain([("bridge", &status.bridge)]) {
        let answer = client.get(format!("{url}/readyz")).send().await;
        let state = match answer {
            Ok(answer) if answer.status().is_success() => "ready".to_owned(),
            Ok(answer) => format!("not ready: {}", answer.text().await?),
            Err(error) => format!("does not answer: {error}"),
        };
        if state != "ready" {
            code = ExitCode::FAILURE;
        }
        println!("{name:<9}{url}  {state}");
    }
    println!("redis    {}", status.redis);
    println!(
        "log      {}",
        status.brokers.as_deref().unwrap_or("Postgres")
    );
    Ok(code)
}
