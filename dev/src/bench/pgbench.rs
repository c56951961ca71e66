//! Runs the API's statements under pgbench, to show what Postgres can do without a server in front of it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use stage::services::postgres;
use tokio::process::Command;

/// Returns transactions per second. A script is `path@weight`. `mode` is pgbench's protocol: `prepared` plans a statement once
/// for each connection, `extended` plans it each time, as Spin does.
pub async fn rate(
    url: &str,
    scripts: &[String],
    mode: &str,
    clients: usize,
    length: Duration,
) -> Result<f64> {
    // The folder may hold links to the server's programs only, so follow the link to the folder with all programs.
    let server = postgres::binaries()
        .context("no Postgres programs")?
        .join("postgres")
        .canonicalize()?;
    let output = Command::new(server.with_file_name("pgbench"))
        .args(["--no-vacuum", "--jobs=2", "--protocol", mode])
        .arg(format!("--client={clients}"))
        .arg(format!("--time={}", length.as_secs()))
        .args(scripts.iter().map(|script| format!("--file={script}")))
        .arg(url)
        .output()
        .await?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!(
            "pgbench: {}{}",
            printed,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // pgbench's sessions end a moment after pgbench, and their CPU time must not count for the next measurement.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let rate = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    Ok(rate.context("pgbench printed no tps")?.parse()?)
}
