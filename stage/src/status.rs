//! The file in which a running `cargo dev up` tells `status`, `psql` and `logs` where everything is.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::system::System;

const FILE: &str = "status.json";

/// The addresses and logs of a running system. Only the file's owner may read it, because the database URL gives access to all
/// data.
#[derive(Debug, Serialize, Deserialize)]
pub struct Status {
    /// The API's URL, unless the functions run elsewhere.
    pub api: Option<String>,
    pub bridge: String,
    /// The URL of the first bridge's gateway.
    pub live: String,
    pub database: String,
    /// `host:port`; the URL may contain a password that nobody needs here.
    pub redis: String,
    pub brokers: Option<String>,
    pub logs: BTreeMap<String, PathBuf>,
}

impl Status {
    pub fn of(system: &System) -> Result<Self> {
        Ok(Self {
            api: system.host().ok().map(|_| system.api_url()),
            bridge: system.bridge_url(0)?,
            live: format!("http://{}", system.live_address(0)?),
            database: system.database_url(),
            redis: system.redis_address(),
            brokers: system.brokers().map(str::to_owned),
            logs: system.logs().into_iter().collect(),
        })
    }

    pub fn read(dir: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(dir.join(FILE))
            .context("nothing is running; `cargo dev up` starts a system")?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", dir.join(FILE).display()))
    }

    pub fn write(&self, dir: &Path) -> Result<()> {
        Self::remove(dir);
        let file = dir.join(FILE);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut file| file.write_all(serde_json::to_string_pretty(self)?.as_bytes()))
            .with_context(|| format!("writing {}", file.display()))
    }

    /// Removes the file, if there is one.
    pub fn remove(dir: &Path) {
        let _ = std::fs::remove_file(dir.join(FILE));
    }
}
