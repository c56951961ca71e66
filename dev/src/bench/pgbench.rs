//! The API's statements under pgbench, the fastest client there is: what Postgres alone can do.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use stage::services::postgres;
use tokio::process::Command;

/// Transactions per second. A script is `path@weight`; `mode` is pgbench's: `prepared` plans once per connection, `extended` each time, as Spin does.
pub async fn rate(
    url: &str,
    scripts: &[String],
    mode: &str,
    clients: usize,
    length: Duration,
) -> Result<f64> {
    // The folder may hold links to the servers' programs only, so the link is followed to where all of them are.
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
    // Its sessions end a moment after it, and their CPU time must not count as that of what is measured next.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let rate = printed
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
    Ok(rate.context("pgbench printed no tps")?.parse()?)
}
