//! `cargo dev services`: runs everything except the functions, for people who run those with the spin CLI.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use stage::system::{Runtime, System};

use super::up::{self, Servers};

/// The file in the data folder with the environment for `spin up`.
const FILE: &str = "spin.env";

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    servers: Servers,
}

pub async fn run(arguments: Arguments) -> Result<()> {
    up::serve(
        &arguments.servers,
        Runtime::External,
        None,
        |system, status, _| {
            let file = write(system, system.folder())?;
            println!(
                r#"
Postgres, Redis and the bridge are running. Ctrl-C stops them.

  bridge   {bridge}   (/readyz, /metrics; not ready until the functions run)
  psql     cargo dev psql     logs   cargo dev logs

Run the functions in another terminal; {file} sets the variables that spin.toml requires:

  . {file} && spin build --up
"#,
                bridge = status.bridge,
                file = file.display(),
            );
            Ok(())
        },
    )
    .await
}

/// Writes the environment as shell commands. Only the owner may read the file, because it contains passwords and signing keys.
fn write(system: &System, folder: &Path) -> Result<PathBuf> {
    let mut text =
        String::from("# Written by `cargo dev services`: the variables that spin.toml requires.\n");
    for (name, value) in system.function_variables()? {
        writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"))?;
    }
    let file = folder.join(FILE);
    // An existing file would keep its permissions, so it is removed first.
    let _ = std::fs::remove_file(&file);
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut open| open.write_all(text.as_bytes()))
        .with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}
